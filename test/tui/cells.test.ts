/** A node's cells on the operator's terminal: widths, styles and cursor, read back through an emulator of another mind. */
import { expect, test } from 'vitest';
import { cellText } from '../../src/console/cells.ts';
import { FLAG, Frame, rawInk } from '../../src/tui/canvas/frame.ts';
import { Emulators } from '../../src/tui/console/emulator.ts';
import { Styles } from '../../src/tui/terminal/styles.ts';

test.each([
  ['a', 'a'],
  ['é', 'é'],
  ['e\u0301', 'e\u0301'],
  ['語', '語'],
  ['\u{1f600}', '\u{1f600}'],
  // Directions, joiners and selectors of a shape are no part of a cell.
  ['\u202e', ' '],
  ['a\u2066\u200d', 'a'],
  ['\u2764\ufe0f', '\u2764'],
  ['\x9b', ' '],
  [`a${'\u0301'.repeat(500)}`, `a${'\u0301'.repeat(6)}`],
])('%j is shown as %j', (chars, shown) => {
  expect(cellText(chars)).toBe(shown);
});

test('what covers half of a wide character blanks the other half', () => {
  const frame = new Frame(6, 1);
  const wide = (x: number): void => {
    frame.put(x, 0, '語', 'text');
    frame.put(x + 1, 0, '', 'text');
  };
  wide(0);
  wide(2);
  wide(4);
  frame.put(1, 0, 'a', 'text');
  frame.put(4, 0, 'b', 'text');
  expect(frame.chars).toEqual([' ', 'a', '語', '', 'b', ' ']);
  frame.clear({ x: 3, y: 0, width: 1, height: 1 });
  expect(frame.chars).toEqual([' ', 'a', ' ', ' ', 'b', ' ']);
});

test('styles that blessed does not know travel as foregrounds of their own; too many lose the style, never the colour', () => {
  const styles = new Styles();
  const plain = rawInk(FLAG.bold, 3, 4);
  expect(styles.encode(plain)).toBe(plain);
  const dim = styles.encode(rawInk(FLAG.bold | FLAG.dim, 3, 4));
  expect(dim >> 18).toBe(FLAG.bold);
  expect(styles.codeOf((dim >> 9) & 0x1ff)).toBe('3;2');
  expect(styles.encode(rawInk(FLAG.bold | FLAG.dim, 3, 4))).toBe(dim);
  const all = styles.encode(rawInk(FLAG.dim | FLAG.italic | FLAG.strike, 0x1ff, 4));
  expect(styles.codeOf((all >> 9) & 0x1ff)).toBe('7;39;2;3;9');
  for (let colour = 0; colour < 256; colour++) styles.encode(rawInk(FLAG.italic, colour, 4));
  expect((styles.encode(rawInk(FLAG.strike, 77, 4)) >> 9) & 0x1ff).toBe(77);
});

test('a console that another one replaced keeps its screen, and its scrollback until then', async () => {
  let dropped = 0;
  const emulators = new Emulators(
    () => undefined,
    undefined,
    () => void dropped++,
  );
  const lines = Array.from({ length: 50 }, (_, i) => `line ${i}`);
  emulators.load(2, 20, 5, Buffer.from(lines.join('\r\n')), []);
  await emulators.parsed(2);
  expect(emulators.text(2, null, null)).toBe(lines.join('\n'));
  emulators.load(3, 20, 5, Buffer.from('another'), []);
  expect(emulators.text(2, null, null)).toBe(lines.slice(-5).join('\n'));
  expect(emulators.screens(2)?.length).toBe(5);
  expect(dropped).toBe(1);
});

test('a console in copy mode keeps its scrollback when another one is opened', async () => {
  const emulators = new Emulators(() => undefined);
  const text = Array.from({ length: 50 }, (_, i) => `line ${i}`).join('\n');
  emulators.load(2, 20, 5, Buffer.from(text.replaceAll('\n', '\r\n')), []);
  await new Promise<void>((held) => emulators.hold(2, () => held()));
  emulators.load(3, 20, 5, Buffer.from('another'), []);
  expect(emulators.text(2, null, null)).toBe(text);
});

test('cursor: shown, hidden, its shape, and what a reset makes of it', async () => {
  const emulators = new Emulators(() => undefined);
  const write = async (text: string): Promise<unknown> => {
    emulators.data(2, Buffer.from(text), 0);
    await emulators.parsed(2);
    return emulators.screens(2)?.cursor;
  };
  emulators.load(2, 80, 24, new Uint8Array(), []);
  expect(await write('abc')).toMatchObject({ x: 3, y: 0, visible: true, shape: 0 });
  expect(await write('\x1b[?25l')).toMatchObject({ visible: false });
  expect(await write('\x1b[?1;25h\x1b[5 q')).toMatchObject({ visible: true, shape: 5 });
  expect(await write('\x1b[?1h\x1b[99 q')).toMatchObject({ shape: 0 });
  expect(emulators.keyModes(2)).toEqual({ applicationCursor: true, applicationKeypad: false });
  expect(await write('\x1b[?25l\x1b[4 q\x1bc')).toMatchObject({ x: 0, visible: true, shape: 0 });
  expect(await write('\x1b[?25l\x1b[!p')).toMatchObject({ visible: true });
  emulators.dispose();
});
