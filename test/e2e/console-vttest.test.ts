/**
 * vttest, which draws what a VT100 and its successors must show, on a node: through simulator, line, server and interface
 * every screen of its parts is the same, cell for cell, as in a plain emulator of the same size.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { innerStand } from '../support/inner-stand.ts';
import { type Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';
import { CHROME, Twin } from '../support/twin.ts';

const COLS = 80;
const ROWS = 24;
const folder = mkdtempSync(join(tmpdir(), 'rackui-vttest-'));
/** `.ci/run` installs it; on a desk without it the tests say so by being skipped under their names. */
const missing = ((): boolean => {
  try {
    execFileSync('which', ['vttest'], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
})();

const env = { HOME: folder, PATH: process.env.PATH ?? '/usr/bin:/bin', LANG: 'C', TERM: 'xterm-256color' };
const COMMAND = 'stty sane rows 24 cols 80 -echo; read x; stty echo; exec vttest 24x80.132';
let rack: Stand;
let pane: TestTerminal;
let twin: Twin;

beforeAll(async () => {
  if (missing) return;
  const script = join(folder, 'vttest.sh');
  const words = Object.entries(env).map(([name, value]) => `export ${name}='${value}'`);
  writeFileSync(script, `${words.join('\n')}\ncd ${folder}\necho ready\n${COMMAND}\n`);
  rack = await innerStand({ sim: ['--no-loss', '--line-rate', '921600', '--exec', `02=/bin/sh ${script}`] });
  pane = rack.open({ cols: COLS, rows: ROWS + CHROME.above + CHROME.below });
  await pane.waitFor(/\b24 on\b/);
  twin = new Twin(pane, ['/bin/sh', '-c', COMMAND], env);
  pane.type('02\r');
  await pane.waitFor(/Enter wakes it/);
  twin.type('\r');
  await twin.same(MENU);
});

afterAll(async () => {
  if (missing) return;
  await twin[Symbol.asyncDispose]();
  await pane.close();
  await rack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** The question, not answered yet. */
const MENU = /Enter choice number \(\d+ - \d+\):\s*$/;

/** Answers each screen with Enter until the menu is back; returns what the screens showed. */
async function walk(choice: string): Promise<string[]> {
  const screens: string[] = [];
  let before = twin.text();
  twin.type(`${choice}\r`);
  for (;;) {
    await twin.same((text) => text !== before && (text.includes('Push <RETURN>') || MENU.test(text)));
    before = twin.text();
    if (MENU.test(before)) return screens;
    screens.push(before);
    twin.type('\r');
  }
}

test.skipIf(missing).each([
  ['cursor movements', '1', 6],
  ['screen features', '2', 15],
  ['character sets', '3', 1],
  ['double-sized characters, in single size', '4', 6],
  ['insert and delete characters and lines', '8', 14],
])('%s', async (_, choice, count) => {
  expect((await walk(choice)).length).toBe(count);
});
