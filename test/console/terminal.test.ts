/** No chunk of a node's output costs the emulator more than a moment, and none of it keeps the screen for good. */
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { NodeTerminal } from '../../src/console/emulator.ts';

const open: NodeTerminal[] = [];
afterEach(() => {
  for (const terminal of open.splice(0)) terminal.dispose();
});
function terminalOf(cols = 80, rows = 24): NodeTerminal {
  const terminal = new NodeTerminal({ cols, rows, scrollback: 200 });
  open.push(terminal);
  return terminal;
}
const write = (to: NodeTerminal, bytes: string | Uint8Array): Promise<void> =>
  new Promise((resolve) => to.write(bytes, resolve));
const text = (terminal: NodeTerminal): string => {
  const { active } = terminal.buffer;
  return Array.from({ length: terminal.rows }, (_, y) => active.getLine(active.baseY + y)?.translateToString(true))
    .join('\n')
    .trimEnd();
};

const FINALS = [...Array.from('ABCDEFGHIJKLMPSTXZ@`abdefg^'), ' @', ' A', "'}", "'~", '#{', '$x', 'b'];

test.each(FINALS)('a count of two thousand million in CSI %s is done in a moment', async (final) => {
  const terminal = terminalOf();
  const began = process.memoryUsage().rss;
  for (const count of ['2147483647', '4294967296', '99999999999999999999', '1;2147483647', '2147483647:3'])
    await write(terminal, `x\x1b[${count}${final}`);
  await write(terminal, '\x1b[!p\x1b[H\x1b[2Jalive');
  expect(text(terminal)).toBe('alive');
  expect(process.memoryUsage().rss - began).toBeLessThan(256 * 1024 * 1024);
});

test('counts split over pieces are bounded as well', async () => {
  const terminal = terminalOf(20, 4);
  for (const byte of Buffer.from('ab\x1b[2147483647b\x1b[H\x1b[2147483647Xc'))
    await write(terminal, Uint8Array.of(byte));
  expect(text(terminal).split('\n')[0]).toBe('c');
});

test.each([
  ['counts that fit do what they do anywhere', 'ab\x1b[3b\x1b[2;3Hq\x1b[4C.', 'abbbb\n  q    .'],
  ['a C1 control is the sequence that it stands for', 'a\u009b2147483647Cb', `a${' '.repeat(78)}b`],
  ['a title does not show', 'a\x1b]0;title\x07b', 'ab'],
  ['a prompt of systemd does not show', `a\x1b]3008;start=${'x'.repeat(400)}\x1b\\b`, 'ab'],
  ['a string of a megabyte that ends does not show', `a\x1bP${'q'.repeat(60_000)}\x1b\\b`, 'ab'],
  ['10 000 parameters', `a\x1b[${'1;'.repeat(10_000)}mb`, 'ab'],
  ['a control inside of a sequence', 'ab\x1b[2\nCc', 'ab\n    c'],
  ['a sequence that another one ends', 'ab\x1b[31\x1b[5Gc', 'ab  c'],
  ['a sequence that CAN ends', 'ab\x1b[31\x18mc', 'abmc'],
])('%s', async (_, output, shown) => {
  const whole = terminalOf();
  await write(whole, output);
  expect(text(whole)).toBe(shown);
  const split = terminalOf();
  // Small pieces where something begins or ends, larger ones in the midst of what is long.
  for (let at = 0, size = 7; at < output.length; at += size) {
    size = at < 500 || at > output.length - 1_500 ? 7 : 701;
    await write(split, output.slice(at, at + size));
  }
  expect(text(split)).toBe(shown);
});

test.each(['\x1bP', '\x1b]0;', '\x1b_', '\x1b^', '\x1bX', '\u0090', '\u009d'])(
  'a string %j without end is given up after 64 KB, and what comes then shows',
  async (introducer) => {
    const terminal = terminalOf();
    await write(terminal, introducer);
    for (let n = 0; n < 70; n++) await write(terminal, 'x'.repeat(1024));
    await write(terminal, '\r\n\x1b[2J\x1b[Halive');
    expect(text(terminal)).toBe('alive');
  },
);

test('random pieces of sequences leave the emulator where it answers', async () => {
  const terminal = terminalOf();
  const alphabet = '\x1b\x1b\x1b[]P_;:?>!$ 0123456789999bSTLMIZ@PXrhlmHJKcn\x07\\\x18\r\n\u009b\u0090é中';
  let seed = 7;
  const next = (n: number): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) % n;
  for (let round = 0; round < 40; round++) {
    const chars = Array.from(alphabet);
    await write(terminal, Array.from({ length: 2_000 }, () => chars[next(chars.length)] ?? '').join(''));
  }
  await write(terminal, '\x18\x1bcalive');
  expect(text(terminal)).toBe('alive');
});

test.each([
  ['the main screen', ''],
  ['the alternate screen', '\x1b[?1049h'],
])('erasing up to the cursor in the last cell of %s erases it all', async (_screen, before) => {
  const terminal = terminalOf(20, 4);
  await write(terminal, `${before}above\x1b[4;15Hbelow\x1b[4;20H\x1b[1J`);
  expect(text(terminal)).toBe('');
  await write(terminal, '\x1b[Halive');
  expect(text(terminal)).toBe('alive');
});

test('no sequence at any place of the screen ends the program, with or without scrollback', async () => {
  const sequence = fc.tuple(
    fc.constantFrom('', '?', '>', '!', ' ', '$'),
    fc.array(fc.constantFrom(0, 1, 2, 3, 4, 5, 20, 47, 999, 1047, 1049), { maxLength: 3 }),
    fc.constantFrom(...Array.from('@ABCDEFGHIJKLMPSTXZ`abcdefghklmnpqrstu')),
  );
  const piece = fc.oneof(
    sequence.map(([mark, numbers, final]) => `\x1b[${mark}${numbers.join(';')}${final}`),
    fc.constantFrom(
      '\x1b[999;999H',
      '\x1b[?1049h',
      '\x1b[1J',
      '\x1b[H',
      '\x1bM',
      '\x1bD',
      '\x1bc',
      '\x1b7',
      '\x1b8',
      '\r\n',
      '\b',
      'x',
      '界',
      '\t',
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
      const terminal = terminalOf(12, 3);
      await write(terminal, pieces.join(''));
      await write(terminal, '\x18\x1b[?1049l\x1b[!p\x1bcalive');
      expect(text(terminal)).toBe('alive');
      terminal.dispose();
    }),
    { numRuns: 700 },
  );
});
