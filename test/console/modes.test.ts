/** What a dead program set is taken back, and what stands on the screen stays. */
import { expect, test } from 'vitest';
import { RESET_MODES, NodeTerminal } from '../../src/console/emulator.ts';
import { pasteFor } from '../../src/console/input-filter.ts';
import { NodeScreen } from '../../src/console/screen.ts';
import { startsAnew } from '../../src/console/line-patterns.ts';

const write = (to: NodeTerminal, bytes: string | Uint8Array): Promise<void> =>
  new Promise((resolve) => to.write(bytes, resolve));

test.each([
  ['line graphics', '\x1b(0\x1b)0\x0e', 'character set'],
  ['a scrolling region, no cursor, no wrap', '\x1b[5;10r\x1b[?25l\x1b[?7l', 'no wrap, cursor, scrolling region'],
  ['mouse and pastes', '\x1b[?1003;1004;2004h', 'mouse, focus reports, bracketed paste'],
  ['vim', '\x1b[?1049h\x1b[?1h\x1b=\x1b[?2004h', 'alternate screen, bracketed paste, cursor keys, keypad'],
  ['colours alone', '\x1b[1;31mred', ''],
])('the modes that %s set have names, and none is set after a reset', async (_, modes, names) => {
  const screen = new NodeScreen({ cols: 30, rows: 12, scrollback: 50 });
  screen.write(Buffer.from(modes));
  await screen.flush();
  expect(screen.setModes().join(', ')).toBe(names);
  screen.write(RESET_MODES);
  await screen.flush();
  expect(screen.setModes()).toEqual([]);
  screen.dispose();
});

test.each([
  ['line graphics', '\x1b(0\x1b)0\x0e'],
  ['a scrolling region, colours, no cursor, no wrap', '\x1b[5;10r\x1b[5;1H\x1b[?25l\x1b[44;31;7m\x1b[?7l'],
  ['mouse, focus, pastes, cursor keys, keypad', '\x1b[?1003;1006;1004;2004;1h\x1b='],
  ['the alternate screen', '\x1b[?1049h\x1b[2J'],
  ['the origin and the insert mode', '\x1b[2;9r\x1b[?6h\x1b[4h'],
  ['a string without end', '\x1b]0;title'],
  ['half a sequence', '\x1b[38;5'],
])('after %s', async (_, modes) => {
  const [dead, fresh] = [1, 2].map(() => new NodeTerminal({ cols: 30, rows: 12, scrollback: 50 })) as [
    NodeTerminal,
    NodeTerminal,
  ];
  for (const one of [dead, fresh]) await write(one, 'kept line\r\n');
  await write(dead, modes);
  await write(dead, RESET_MODES);
  expect(dead.modes).toEqual(fresh.modes);
  expect([dead.nodeModes.cursorVisible, dead.nodeModes.mouseEncoding, dead.buffer.active.type]).toEqual([
    ...[true, 'x10', 'normal'],
  ]);
  await write(dead, `\x1b[3;1H${'n05 login: lqqk\r\n'.repeat(20)}`);
  const lines = Array.from({ length: 12 }, (_, y) =>
    dead.buffer.active.getLine(dead.buffer.active.baseY + y)?.translateToString(true),
  );
  expect(lines.slice(0, 11)).toEqual(Array.from({ length: 11 }, () => 'n05 login: lqqk'));
  expect(dead.buffer.active.getLine(0)?.translateToString(true)).toBe('kept line');
  for (const one of [dead, fresh]) one.dispose();
});

test.each([
  ['U-Boot 2025.10-rc3 (Oct 01 2025)', true, true],
  ['U-Boot SPL 2024.01 (Jan 08 2024)', true, true],
  ['RPi: BOOTLOADER release VERSION:0f1c', true, true],
  ['[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x410fd083]', false, true],
  ['[    0.000000] Linux version 6.12.47+rpt-rpi-v8', true, false],
  ['grep U-Boot 2024.01 notes', false, false],
])('%s, somebody typing: %s: a new start: %s', (line, quoted, starts) => {
  expect(startsAnew(line, quoted)).toBe(starts);
});

test.each([
  ['one\r\ntwo\r\n', false, 'one\rtwo\r'],
  ['one\ntwo', true, '\x1b[200~one\rtwo\x1b[201~'],
  ['a\x07b\x1b[201~rm', true, '\x1b[200~abrm\x1b[201~'],
  ['\r\n\r\n', false, '\r\r'],
])('a paste of %j, in brackets: %s', (pasted, bracketed, typed) => {
  expect(Buffer.from(pasteFor(Buffer.from(pasted), bracketed).bytes).toString()).toBe(typed);
});
