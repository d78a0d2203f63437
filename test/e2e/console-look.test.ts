/** Copy mode, search, saving and the list of consoles, as an operator meets them. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rackui } from '../cli/support.ts';
import { innerStand } from '../support/inner-stand.ts';
import { type Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'rackui-look-'));
let rack: Stand;
let screen: TestTerminal;

beforeAll(async () => {
  const script = join(folder, 'node.sh');
  const hundred = 'n=0; while [ $n -lt 100 ]; do n=$((n+1)); echo "row $n of $x"; done';
  writeFileSync(script, `stty -echo\nwhile read x; do ${hundred}; echo "größe 語 Needle end"; done\n`);
  mkdirSync(join(folder, 'state'));
  rack = await innerStand({ sim: ['--no-loss', '--exec', `02=/bin/sh ${script}`] });
  screen = rack.open({ env: { XDG_STATE_HOME: join(folder, 'state') } });
  await screen.waitFor(/\b24 on\b/);
  screen.type('02\r');
  await screen.waitFor(/Enter wakes it/);
  screen.type('\r');
  await screen.waitFor(/row 100 of/);
  screen.type('second\r');
  await screen.waitFor(/row 100 of second/);
});

afterAll(async () => {
  await screen.close();
  await rack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** What the program put into the terminal's clipboard, latest first. */
function clipboard(): string[] {
  return [...screen.output.matchAll(/\x1b\]52;c;([A-Za-z0-9+/=]*)\x1b\\/g)]
    .map(([, data = '']) => Buffer.from(data, 'base64').toString())
    .reverse();
}

test('a search goes back through the scrollback, and what it found is copied by the operator’s own key', async () => {
  screen.type('\x1d/');
  await screen.waitFor('search back:');
  screen.type('row 37 of\r');
  await screen.waitFor(/copy mode/);
  await screen.waitFor(/row 37 of second/);
  screen.type('n');
  await screen.waitFor(/row 37 of +$/m);
  screen.type('n');
  await screen.waitFor(/no match for "row 37 of" in that direction/);
  screen.type('N');
  await screen.waitFor(/row 37 of second/);
  expect(clipboard()).toEqual([]);
  screen.type('y');
  await screen.waitFor(/9 characters to your terminal/);
  expect(clipboard()).toEqual(['row 37 of']);
});

test('the pane stands still while one looks, and nothing that comes meanwhile is lost', async () => {
  screen.type('\x1dv');
  // The title has the notice of the copy before for some time.
  await screen.waitFor(/q leave copy mode/);
  const before = screen.lines().slice(2, 22);
  screen.type('kkk');
  const client = await rack.client('other');
  await client.request('console.attach', { addr: 2, take: true, watch: false });
  client.note('console.input', { addr: 2, data: Buffer.from('third\r').toString('base64'), at: client.now() });
  // It is told on the screen that somebody else types, so what was typed has arrived there.
  await screen.waitFor(/took the keyboard/);
  expect(screen.lines().slice(2, 20)).toEqual(before.slice(0, 18));
  screen.type('q');
  await screen.waitFor(/row 100 of third/);
  screen.type('\x1dw');
  await screen.waitFor(/you have the keyboard/);
});

test('a selection by keys, wide characters included, to the clipboard and to a file; the whole of it saved', async () => {
  screen.type('\x1d/');
  await screen.waitFor('search back:');
  screen.type('größe\r');
  await screen.waitFor(/copy mode/);
  await screen.waitFor((s) => s.lines()[s.cursor.y]?.startsWith('größe') === true, 'the cursor on what was found');
  screen.type('v$y');
  await screen.waitFor(/characters to your terminal/);
  expect(clipboard()[0]).toBe('größe 語 Needle end');
  screen.type('\x1dv');
  await screen.waitFor(/copy mode/);
  screen.type('/');
  await screen.waitFor('search back:');
  screen.type('row 99\r');
  await screen.waitFor((s) => s.lines()[s.cursor.y]?.startsWith('row 99') === true);
  screen.type('vj');
  screen.type('w');
  await screen.waitFor(/saved in /);
  screen.type('\x1dS');
  const file = /saved in\s+(\S+)/;
  await screen.waitFor((s) => s.text().includes('saved in'));
  const path = join(folder, 'state', 'rackui', 'saved');
  expect(screen.text()).toMatch(file);
  const texts = (): string[] => readdirSync(path).map((name) => readFileSync(join(path, name), 'utf8'));
  // A file is there before its text is.
  await screen.waitFor(() => texts().filter((text) => text.endsWith('\n')).length === 2, 'both files');
  const [part = '', whole = ''] = texts().sort((a, b) => a.length - b.length);
  expect(part).toMatch(/^row 99 of third\nr\n$/);
  expect(whole).toContain('row 1 of second');
  expect(whole.trimEnd()).toMatch(/Needle end$/);
});

test('the list of consoles: typed letters narrow it, Enter opens, the screen that was left keeps its time', async () => {
  screen.type('\x1dc');
  await screen.waitFor(/open here/);
  screen.type('node-05');
  await screen.waitFor((s) => !s.text().includes('open here'));
  screen.type('\r');
  await rack.rack.until(({ bus }) => bus.console === '05');
  screen.type('\x1dc');
  await screen.waitFor(/02 A-2 +node-02 .* last seen \d\d:\d\d:\d\d/);
  // It opens on the console before this one.
  screen.type('\r');
  await screen.waitFor(/Needle end/);
  await rack.rack.until(({ bus }) => bus.console === '02');
});

test('beside the lines stand the times that the log has, also for an interface that joins later', async () => {
  await using late = rack.open({ rows: 30 });
  await late.waitFor(/\b24 on\b/);
  late.type('02\r');
  await late.waitFor(/watching|has the keyboard|Needle end/);
  for (const terminal of [screen, late]) {
    terminal.type('\x1dT');
    await terminal.waitFor(/^\s*│?\d\d:\d\d:\d\d\.\d{3} row 100 of/m);
  }
  const { stdout } = await rackui(['--socket', rack.socket, 'log', '02', '--search', 'row 100 of third']);
  const logged = Date.parse(stdout.trim().split('\n').at(-1)?.split(' ')[0] ?? '');
  const shown = (terminal: TestTerminal): number => {
    const clock = /(\d\d:\d\d:\d\d\.\d{3}) row 100 of third/.exec(terminal.text())?.[1] ?? '';
    return Date.parse(`${new Date(logged).toISOString().slice(0, 10)}T${clock}Z`);
  };
  // An interface that was loading when it was welcomed has the server's time a moment later.
  for (const terminal of [screen, late])
    await terminal.waitFor(() => Math.abs(shown(terminal) - logged) < 50, `the time of ${stdout}`);
});
