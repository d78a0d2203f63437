/** The doors to the interface: which terminals are refused, and that the demo shows the map. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PROGRAM } from '../support/stand.ts';
import { openTerminal } from '../support/terminal.ts';
import { rackui } from './support.ts';

let temp: string;
beforeEach(() => {
  temp = mkdtempSync(join(tmpdir(), 'rackui-test-interface-'));
});
afterEach(() => rmSync(temp, { recursive: true, force: true }));

test.each([[[]], [['demo']]])(
  'rackui %j without a terminal says what to use instead, and starts nothing that stays',
  async (args) => {
    const port = join(temp, 'port');
    const env = { TMPDIR: temp, XDG_RUNTIME_DIR: temp, XDG_STATE_HOME: temp, XDG_CONFIG_HOME: temp };
    const { code, stderr } = await rackui([...args, '--port', port], { env });
    expect(stderr).toContain('needs a terminal');
    expect(code).toBe(64);
    expect(readdirSync(temp)).toEqual([]);
  },
);

test('TERM=dumb is refused in words', async () => {
  // The pseudo-terminal sets TERM itself.
  const shell = ['-c', 'TERM=dumb exec "$@"', 'sh', process.execPath, PROGRAM, 'demo'];
  await using terminal = openTerminal('/bin/sh', shell, { env: { TMPDIR: temp } });
  await terminal.waitFor(/TERM is dumb/);
  expect((await terminal.exited).code).toBe(64);
  expect(readdirSync(temp)).toEqual([]);
});

test('the demo shows the whole map, and leaves a clean terminal and directory', async () => {
  await using terminal = openTerminal(process.execPath, [PROGRAM, 'demo'], { env: { TMPDIR: temp } });
  await terminal.waitFor((t) => ['mcp01', 'ns01', 'ns02'].every((name) => t.text().includes(name)), 'the map');
  terminal.type('q');
  expect((await terminal.exited).code).toBe(0);
  expect(terminal.alternate).toBe(false);
  expect(readdirSync(temp)).toEqual([]);
});
