/** The full-screen interface in a terminal, as its users meet it. */
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { innerStand } from '../support/inner-stand.ts';
import { PROGRAM, type Stand } from '../support/stand.ts';
import { openTerminal, type TestTerminal } from '../support/terminal.ts';

/** Each test has nodes of its own; this one prints what terminals obey. */
const HOSTILE = '0b';
const script = join(tmpdir(), `rackui-hostile-${process.pid}.sh`);
// Clipboard, title, a question to the terminal, a device control string, and a bell that is only a sound.
const SEQUENCES = '\\033]52;c;aGFja2Vk\\007\\033]0;owned\\007\\033[6n\\033P+q544e\\033\\\\\\007';

let rack: Stand;
beforeAll(async () => {
  writeFileSync(script, `while read line; do printf 'before ${SEQUENCES} after\\n'; done`);
  rack = await innerStand({ sim: ['--time-scale', '20', '--exec', `${HOSTILE}=/bin/sh ${script}`] });
});
afterAll(async () => {
  await rack[Symbol.asyncDispose]();
  rmSync(script);
});

const screens: TestTerminal[] = [];
afterEach(async () => {
  for (const screen of screens.splice(0).reverse()) await screen.close();
  await rack.rack.ctl('clear');
  await rack.rack.until((state) => state.bus.console === null);
});

async function openScreen(): Promise<TestTerminal> {
  const screen = rack.open();
  screens.push(screen);
  // Not before the scan has found them all: a key for a node that is not known yet says so.
  await screen.waitFor(/\b24 on\b/);
  return screen;
}

async function consoleOpen(addr: string): Promise<void> {
  await rack.rack.until((state) => state.bus.console === addr);
}

/** Verbs and stray bytes: what must not have happened. */
async function nothingWasCut(): Promise<void> {
  const { bus, nodes } = await rack.rack.counters();
  expect(bus).toMatchObject({ masterCuts: 0, catastrophe: false, masterForConsole: { printable: 0 }, nestedPipes: 0 });
  for (const node of Object.values(nodes))
    expect(node).toMatchObject({ off: 0, on: 0, biosForConsole: { printable: 0 } });
}

describe('the map', () => {
  test('shows all 24 nodes at 80x24, each with its power, address, name and values', async () => {
    const screen = await openScreen();
    await screen.waitFor(/24 on/);
    for (let addr = 0; addr < 24; addr++)
      // A frame may come in two pieces: its first line is no proof of its last.
      await screen.waitFor(new RegExp(`●N${addr.toString(16).padStart(2, '0')} node-`));
    // Slots run from right to left: 03 is top left, 00 top right, 14 bottom right.
    const [, , first = ''] = screen.lines();
    expect(first.indexOf('03')).toBeLessThan(first.indexOf('02'));
    expect(first.indexOf('01')).toBeLessThan(first.indexOf('00'));
  });

  test('a node that falls silent is unknown with its age, never off and never green', async () => {
    const screen = await openScreen();
    await screen.waitFor(/24 on/);
    const green = screen.find('●N05')?.cells[0]?.fg;
    await rack.rack.ctl('silent', { node: '05' });
    await screen.waitFor(/\?\?05/);
    expect(screen.text()).toMatch(/23 on .*1 lost/);
    expect(screen.find('??05')?.cells[0]?.fg).not.toBe(green);
    await screen.waitFor(/\?\?05 \S+ +\d+s/);
    await rack.rack.ctl('clear');
    await screen.waitFor(/24 on/);
  });
});

describe('consoles', () => {
  test('from an empty machine to a login prompt with npm start and at most four keys', async () => {
    const screen = openTerminal(process.execPath, [PROGRAM, 'demo'], { cols: 80, rows: 24 });
    screens.push(screen);
    await screen.waitFor(/24 on/);
    for (const key of ['\x1b[B', '\r']) screen.type(key);
    await screen.waitFor(/Enter wakes it/);
    screen.type('\r');
    await screen.waitFor(/ns01 login: /);
  });

  test('six consoles by one chord each; each keeps its screen', async () => {
    const screen = await openScreen();
    screen.type('01\r');
    const names: string[] = [];
    for (let addr = 1; addr <= 6; addr++) {
      const hex = `0${addr}`;
      await consoleOpen(hex);
      await screen.waitFor(/Enter wakes it/);
      screen.type('\r');
      // A frame may come in two pieces: the prompt may still be the former node's, and keys that follow it too early
      // would be refused.
      const prompt = (): string => /(\S+) login: /.exec(screen.text())?.[1] ?? '';
      await screen.waitFor(
        () => !/Enter wakes it/.test(screen.text()) && !['', ...names].includes(prompt()),
        `a login prompt of node 0${addr}`,
      );
      names.push(prompt());
      screen.type(`mark${addr}`);
      await screen.waitFor(`login: mark${addr}`);
      if (addr < 6) screen.type('\x1dn');
    }
    expect(new Set(names).size).toBe(6);
    for (let addr = 5; addr >= 1; addr--) {
      screen.type('\x1dp');
      await screen.waitFor(`mark${addr}`);
    }
    await nothingWasCut();
  });

  test('every byte value typed and pasted: no 0x07 but the pipe’s own, no byte for a BIOS', async () => {
    const screen = await openScreen();
    screen.type('07\r');
    await consoleOpen('07');
    await screen.waitFor(/Enter wakes it/);
    screen.type('\r');
    await screen.waitFor(/login: /);
    const before = (await rack.rack.counters()).bus.bells;
    screen.type('\x07');
    await screen.waitFor('Ctrl-G was not sent');
    // Keys, alone and in heaps; the prefix would be a command, and an escape begins a sequence.
    for (let value = 0; value < 256; value++)
      if (value !== 0x1d && value !== 0x1b) screen.type(Buffer.from([value]).toString('latin1'));
    screen.paste(`${Buffer.from(Array.from({ length: 127 }, (_, i) => i)).toString('latin1')}\x07\\\x07/`);
    screen.paste('\x07');
    // Answers of a terminal that nobody typed.
    screen.type('\x1b[?62;22c\x1b[5;9R\x1b]11;rgb:0000/0000/0000\x07\x1bP1$r0m\x1b\\');
    screen.paste('\x07=\\\x07[03]|\\');
    await screen.waitFor(/Ctrl-G was removed/);
    screen.type('\x1dd');
    await rack.rack.until((state) => state.bus.console === null);
    const { bells } = (await rack.rack.counters()).bus;
    // One close for the console; the rest belong to sweeps, which run again.
    expect(bells.console - before.console).toBe(1);
    await nothingWasCut();
  });

  test('a console that did not come up: keys are held back, and it is said why', async () => {
    const screen = await openScreen();
    await rack.rack.ctl('console-ignored', { node: '08' });
    screen.type('08\r');
    await screen.waitFor(/Enter wakes it/);
    screen.type('\\');
    await screen.waitFor(/has not answered yet/);
    screen.type('\r\\=/');
    screen.type('\x1dd');
    await screen.waitFor(/24 on/);
    await nothingWasCut();
  });

  test('two interfaces see the same; one types; taking the keyboard is told', async () => {
    const first = await openScreen();
    first.type('09\r');
    await consoleOpen('09');
    await first.waitFor(/Enter wakes it/);
    first.type('\r');
    await first.waitFor(/login: /);
    const second = await openScreen();
    second.type('09\r');
    await second.waitFor(/login: /);
    await second.waitFor(/watching/);
    second.type('x');
    await second.waitFor(/not sent/);
    first.type('abc');
    await second.waitFor(/login: abc/);
    second.type('\x1dw');
    await first.waitFor(/took the keyboard/);
    first.type('no');
    await first.waitFor(/not sent/);
    second.type('d');
    await first.waitFor(/login: abcd/);
    await second.waitFor(/login: abcd/);
  });

  test('who is here is listed, the keyboard is handed over, and a note is seen by all', async () => {
    const first = await openScreen();
    first.type('0a\r');
    await consoleOpen('0a');
    const second = await openScreen();
    second.type('0a\r');
    await second.waitFor(/watching/);
    await first.waitFor(/1 watching/);
    first.type('\x1du');
    await first.waitFor(/keyboard +\S+ .*, you[\s\S]*watches/);
    first.type('\x1b[B\r');
    await second.waitFor((s) => !s.text().includes('watching;'));
    await first.waitFor(/watching; \S+ has the keyboard/);
    second.type('\x1dl');
    await second.waitFor('note for the log:');
    second.type('disk was changed\r');
    await first.waitFor(/disk was changed/);
  });

  test('what a node prints reaches the terminal only as cells', async () => {
    const screen = await openScreen();
    screen.type('0b\r');
    await consoleOpen('0b');
    await screen.waitFor(/Enter wakes it/);
    screen.type('\r');
    await screen.waitFor(/before +after/);
    for (const sequence of ['aGFja2Vk', 'owned', '\x1b[6n', '\x1bP']) expect(screen.output).not.toContain(sequence);
  });
});
