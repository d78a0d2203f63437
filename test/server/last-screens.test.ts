/** Last lines of consoles from their logs: text, kind of text, and a replay only where the log has changed. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { logPath } from '../../src/console/transcript.ts';
import { LastScreens } from '../../src/server/consoles/last-screens.ts';

const dir = mkdtempSync(join(tmpdir(), 'rackui-lines-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const last = new LastScreens({
  buffer: () => undefined,
  transcriptDir: dir,
  name: (addr) => `node-${addr}`,
  now: () => 0,
});

let nodes = 0;
/** A node with this log. */
function logged(text: string): { addr: number; path: string } {
  const addr = ++nodes;
  const path = logPath(dir, `node-${addr}`, 'raw');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return { addr, path };
}

const PANIC = '[    4.1] Kernel panic - not syncing: Attempted to kill init!\r\n';

test.each([
  ['a login prompt', 'Debian GNU/Linux 13 ns01 ttyS0\r\n\r\nns01 login: ', 'login'],
  ['a shell prompt', 'pi@ns01:~$ ls\r\nnotes\r\npi@ns01:~$ ', 'shell'],
  ['a question', 'Do you want to continue? [Y/n] ', 'program'],
  ['a panic', `${PANIC}[    4.2] ---[ end Kernel panic ]---\r\n`, 'failed'],
  ['a kernel that starts after a panic', `${PANIC}[    0.0] Booting Linux on physical CPU 0x0\r\n`, 'output'],
  ['a blank screen', '\x1b[2J\x1b[H', 'blank'],
  ['output', 'one\r\ntwo\r\n', 'output'],
])('%s is told apart: %s', async (_what, text, shows) => {
  const { addr } = logged(text);
  const [glance] = await last.lines([addr], 24);
  expect(glance?.seen).toMatchObject({ from: 'log', shows });
});

test('only cells of the emulated screen are sent, at most as many lines as were requested, the last ones', async () => {
  const { addr } = logged('\x1b]0;title\x07one\r\n\x1b[31mtwo\x1b[0m \r\n\r\nthree\x9b5n\r\n\r\n');
  const [all] = await last.lines([addr], 24);
  expect(all?.seen?.lines.slice(0, 3)).toEqual(['one', 'two', '']);
  expect(all?.seen?.lines.join('')).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  const [few] = await last.lines([addr], 1);
  expect(few?.seen?.lines).toEqual(all?.seen?.lines.slice(-1));
});

test('a console that was never open has no lines; a log that goes on is read again', async () => {
  expect(await last.lines([999], 3)).toEqual([{ addr: 999, seen: null }]);
  const { addr, path } = logged('before\r\n');
  const [first] = await last.lines([addr], 1);
  expect(first?.seen?.lines).toEqual(['before']);
  appendFileSync(path, 'after\r\n');
  const [second] = await last.lines([addr], 1);
  expect(second?.seen?.lines).toEqual(['after']);
});
