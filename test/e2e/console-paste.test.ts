/** Large pastes: asked about, paced, watched, stopped; what else one does meanwhile works. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { innerStand } from '../support/inner-stand.ts';
import { type Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'rackui-paste-'));
const got = join(folder, 'got');
let rack: Stand;
let screen: TestTerminal;
let readers = 0;

beforeAll(async () => {
  const script = join(folder, 'node.sh');
  // A reader that says what it has, line by line as it reads: each Enter on an empty line starts it anew, under the
  // next number. Its file has its name only when it is whole: what was pasted is on its way for a while.
  writeFileSync(
    script,
    `stty -echo\nn=0\nwhile read x; do n=$((n+1)); echo ready-to-read $n; tee ${got}.part; mv ${got}.part ${got}; done\n`,
  );
  rack = await innerStand({ sim: ['--no-loss', '--exec', `02=/bin/sh ${script}`] });
  screen = rack.open();
  await screen.waitFor(/\b24 on\b/);
  screen.type('02\r');
  await screen.waitFor(/Enter wakes it/);
});

beforeEach(async () => {
  rmSync(got, { force: true });
  screen.type('\r');
  await screen.waitFor(`ready-to-read ${++readers}`);
});

afterAll(async () => {
  await screen.close();
  await rack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const lines = (count: number): string =>
  Array.from({ length: count }, (_, n) => `line ${String(n).padStart(4, '0')} of a paste\n`).join('');

async function received(): Promise<string> {
  // The end of its input, at the beginning of a line, ends the reader.
  screen.type('\x04');
  await rack.rack.until(() => existsSync(got));
  return readFileSync(got, 'utf8');
}

async function answer(key: string): Promise<void> {
  await screen.waitFor('a large paste');
  // Nobody answers a question in the moment in which it appears, so the interface does not believe it.
  await new Promise((resolve) => setTimeout(resolve, 500));
  screen.type(key);
}

test('asked about, paced to its end; meanwhile the prefix works and keys are held back, with a word', async () => {
  const text = lines(80);
  screen.paste(text);
  await answer('y');
  await screen.waitFor(/pasting \d+ %/);
  screen.type('x');
  await screen.waitFor(/not sent: a paste is running/);
  screen.type('\x1d?');
  await screen.waitFor(/Console, after the prefix/);
  screen.type('\x1b');
  await screen.waitFor(new RegExp(`pasted ${text.length} bytes`));
  await screen.waitFor((s) => !s.text().includes('pasting'));
  expect(await received()).toBe(text);
});

test('stopped by Ctrl-C: it is told how much went out, and that is what the node has', async () => {
  const text = lines(400);
  screen.paste(text);
  await answer('y');
  await screen.waitFor(/pasting [1-9]\d* %/);
  screen.type('\x03');
  await screen.waitFor(/paste stopped after \d+ of \d+ bytes: you stopped it/);
  const sent = Number(/stopped after (\d+)/.exec(screen.text())?.[1]);
  expect(sent).toBeLessThan(text.length);
  // Pieces end with lines: nothing half typed is left behind.
  expect(await received()).toBe(text.slice(0, sent));
});

test('line by line for a slow reader, and left out when not wanted', async () => {
  const text = `${'x'.repeat(600)}\n${'y'.repeat(600)}\n`;
  screen.paste(text);
  await answer('n');
  await screen.waitFor('nothing was pasted');
  screen.paste(text);
  await answer('l');
  await screen.waitFor(new RegExp(`pasted ${text.length} bytes`));
  expect(await received()).toBe(text);
});
