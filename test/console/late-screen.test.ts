/**
 * Whoever joins a console late has the screen of those who were there, cell for cell, and keeps it whatever the node
 * prints next; and both have what a plain emulator would have.
 */
import unicode11 from '@xterm/addon-unicode11';
import headless from '@xterm/headless';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { mendErase, NodeTerminal } from '../../src/console/emulator.ts';
import { NodeScreen } from '../../src/console/screen.ts';
import { underlineOf } from '../../src/console/cells.ts';
import { cellLine } from '../support/twin.ts';

type Emulator = InstanceType<typeof headless.Terminal>;

const SIZE = { cols: 12, rows: 6, scrollback: 40 };
const open: { dispose(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.dispose();
});
const write = (to: Emulator, bytes: string | Uint8Array): Promise<void> =>
  new Promise((resolve) => to.write(bytes, resolve));

function plainEmulator(): Emulator {
  const emulator = new headless.Terminal({ ...SIZE, allowProposedApi: true, logLevel: 'off' });
  emulator.loadAddon(new unicode11.Unicode11Addon());
  emulator.unicode.activeVersion = '11';
  mendErase(emulator);
  open.push(emulator);
  return emulator;
}

/** The lines above the screen too, and which of them go on in the next. */
function picture(emulator: Emulator): unknown {
  const { baseY, cursorX, cursorY, type } = emulator.buffer.active;
  return {
    type,
    cursor: [cursorX, cursorY],
    lines: Array.from({ length: baseY + emulator.rows }, (_, y) => cellLine(emulator, y - baseY)),
    more: Array.from({ length: baseY + emulator.rows }, (_, y) => moreOf(emulator, y)),
    modes: emulator.modes,
  };
}

/** What {@link cellLine} leaves out of a line: its wrap and its underlines. */
function moreOf({ buffer, cols }: Emulator, y: number): unknown {
  const line = buffer.active.getLine(y);
  const cells = Array.from({ length: cols }, (_, x) => line?.getCell(x)).filter((cell) => cell?.isUnderline());
  // Before the first line there is none that it could go on from.
  return [y > 0 && line?.isWrapped, ...cells.map((cell) => cell && underlineOf(cell))];
}

/** What somebody shows who joined after `before` and then got `after`, beside a plain emulator that got both. */
async function joinedLate(before: Uint8Array, after: Uint8Array): Promise<{ late: unknown; plain: unknown }> {
  const screen = new NodeScreen(SIZE);
  const late = new NodeTerminal(SIZE);
  open.push(screen, late);
  screen.write(before);
  await screen.flush();
  await write(late, screen.copy(40));
  await write(late, after);
  const plain = plainEmulator();
  await write(plain, before);
  await write(plain, after);
  return { late: picture(late), plain: picture(plain) };
}

test.each([
  ['a full last column, and one more character', '\x1b[6;1Habcdefghijkl', 'm'],
  ['a full last column in colour, the colour reset behind it', 'abcdefghij\x1b[44mkl\x1b[0m', 'mn'],
  ['a wide character in the last columns', 'abcdefghij中', 'x'],
  ['line graphics', '\x1b(0lqq', 'qk\x1b(Bq'],
  ['line graphics in G1 by SO', '\x1b)0ab\x0el', 'qk\x0fq'],
  ['a saved cursor', 'one\x1b[3;5H\x1b[31m\x1b7\x1b[0m\x1b[H', '\x1b8red'],
  ['a saved cursor with line graphics', '\x1b[2;2H\x1b(0\x1b7\x1b(B\x1b[H', '\x1b8lqk'],
  ['a cursor saved by CSI s', '\x1b[4;4H\x1b[s\x1b[H', '\x1b[ux'],
  ['the normal screen under a program', 'sh\x1b[1;35m$ \x1b[?1049h\x1b[0m\x1b[Hvi', '\x1b[?1049ldone'],
  ['a scrolling region and the origin mode', '\x1b[2;4r\x1b[?6h\x1b[2;3Hx', 'y\x1b[1;1Hz\r\n\n\n\nw'],
  ['tab stops', '\x1b[3g\x1b[4G\x1bH\x1b[7G\x1bH\r', 'a\tb\tc'],
  ['a character that is repeated', 'ab-', '\x1b[4b'],
  ['a character that gets a mark', 'e', '\u0301x'],
  ['half a sequence', 'ab\x1b[3', '1mred'],
  ['half an operating system command', 'ab\x1b]0;ti', 'tle\x07cd'],
  ['a character without wrap, in insert mode', 'abc\x1b[4h\x1b[?7l\r', 'xy'],
  ['an empty line over the rest of a wrapped one', '\x1b[1Cabcdefghijklm\x1b[L', 'x'],
  ['a screen that is erased in colour', '\x1b[42m\x1b[2J\x1b[3;3H', 'g\x1b[K'],
  ['line graphics of the normal screen under a program', '\x1b(0`\x1b[?1049h\x1b8a#', 'b'],
  ['colours of the normal screen under a program', '\x1b[31;44m\x1b[?1049h\x1b[ma', 'b'],
  ['a scrolling region of the normal screen under a program', '\x1b[2;3r\x1b[?1049h', '\x1b[?1049lx\r\n\n\n\ny'],
  ['output that scrolls in a background', '\x1b[44m\x1b[6;1Habcdefghijklmnop\x1b[m\r\nqr', '\x1b[44mst\r\n'],
  ['a line that wraps in a background at the end of the screen', '\x1b[5;1H\x1b[44mabcdefghijklm\x1b[mno', 'p\x1b[A'],
  ['erased rows of many colours', '\x1b[41m\x1b[2K\x1b[42m\x1b[2;4H\x1b[3X\x1b[3;9H\x1b[K\x1b[m\x1b[4;1Hx', '\n\n\ny'],
  ['erased rows of the normal screen under a program', '\x1b[41m\x1b[2S\x1b[?1049h', '中\x1b[?1049la'],
  ['a wide character that did not fit into its line', '\x1b[7mabcdefg中中中', 'x\r\n\n\n\n\n'],
  ['half a wide character at the margin', '\x1b[?7l\x1b[9G中中#', 'x'],
  ['half a wide character at the margin, the wrap on again', '\x1b[?7l\x1b[9G中中#\x1b[?7h', 'x'],
  ['a wide character that is dropped at the margin', '\x1b[?7labcdefghijkl\x1b[7m中', '中中x'],
  ['the halves of wide characters', '中中中\x1b[1;2Hx\x1b[1;5Hy\x1b[6G\x1b[41m\x1b[X', 'z'],
  ['wrapped lines above the screen', 'a'.repeat(90) + '\r\nb', '\x1b[Hc'],
  ['a wrapped line whose end was erased', 'abcdefghijklmnop\x1b[1;9H\x1b[K', 'q'],
  ['styles and colours of underlines', 'a\x1b[4:3;58:5:9mb\x1b[58:2::1:2:3mc\x1b[59;4:5md', 'e'],
  ['a pen with a coloured underline', '\x1b[31;4:3;58:5:9m', 'a\x1b[32mb'],
  ['tab stops of the normal screen under a program', '\x1b[3g\x1b[5G\x1bH\x1b[?1049h', '\x1b[?1049l\r\tx'],
  ['a wrapped line that begins with an empty cell', 'abcdefghijklm\x1b[1K`\x1b[H', 'x'],
])('%s', async (_, before, after) => {
  const { late, plain } = await joinedLate(Buffer.from(before), Buffer.from(after));
  expect(late).toEqual(plain);
});

test('a character of UTF-8 that is half there', async () => {
  const bytes = Buffer.from('größe 中文');
  for (let at = 0; at <= bytes.length; at++) {
    const { late, plain } = await joinedLate(bytes.subarray(0, at), bytes.subarray(at));
    expect(late).toEqual(plain);
  }
});

test('the copy of a boot with colours and wrapped lines is hardly longer than the output', async () => {
  const size = { cols: 80, rows: 24, scrollback: 1000 };
  const lines = Array.from({ length: 600 }, (_, n) =>
    n % 12 === 0
      ? `[    ${n}.000000] ${'a long line of the kernel '.repeat(5)}`
      : `[\x1b[0;32m  OK  \x1b[0m] Started \x1b[0;1;39mservice-${n}.service\x1b[0m.`,
  );
  const screen = new NodeScreen(size);
  open.push(screen);
  const output = Buffer.from(lines.join('\r\n'));
  screen.write(output);
  await screen.flush();
  expect(screen.copy(1000).length).toBeLessThan(output.length * 1.2);
});

const number = fc.integer({ min: 0, max: 14 });
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[a-z#`]{1,15}$/) },
  fc.constantFrom(
    '中',
    '中中中',
    'é',
    '🐧',
    '\r',
    '\n',
    '\r\n',
    '\b',
    '\t',
    '\x1b7',
    '\x1b8',
    '\x1bD',
    '\x1bM',
    '\x1bE',
    '\n\n\n',
  ),
  fc.constantFrom(
    '\x1b(0',
    '\x1b(B',
    '\x1b)0',
    '\x1b(A',
    '\x1b[m',
    '\x1b[31m',
    '\x1b[44;1m',
    '\x1b[49m',
    '\x1b[4:3;58:5:9m',
    '\x1b[48;2;1;2;3m',
    '\x1b[7m',
    '\x1bH',
    '\x1b[?7l',
    '\x1b[?7h',
  ),
  fc.constantFrom(
    '\x1b[?1049h',
    '\x1b[?1049l',
    '\x1b[?6h',
    '\x1b[?6l',
    '\x1b[4h',
    '\x1b[4l',
    '\x1b[r',
    '\x1b[!p',
    '\x1b[s',
    '\x1b[u',
  ),
  fc.tuple(number, fc.constantFrom(...Array.from('ABCDGIJKLMPSTXZ@bd'))).map(([n, final]) => `\x1b[${n}${final}`),
  fc.tuple(number, number).map(([y, x]) => `\x1b[${y};${x}H`),
  fc.tuple(number, number).map(([top, bottom]) => `\x1b[${top};${bottom}r`),
);
const output = fc.array(piece, { minLength: 1, maxLength: 25 }).map((pieces) => pieces.join(''));

test('any output, joined at any byte', async () => {
  await fc.assert(
    fc.asyncProperty(output, output, fc.nat(), async (first, second, cut) => {
      const bytes = Buffer.from(first + second);
      const at = cut % (bytes.length + 1);
      const { late, plain } = await joinedLate(bytes.subarray(0, at), bytes.subarray(at));
      expect(late).toEqual(plain);
      for (const one of open.splice(0)) one.dispose();
    }),
    { numRuns: 150 },
  );
}, 60_000);
