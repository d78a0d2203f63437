import { expect, test } from 'vitest';
import { PrintedLines } from '../../src/console/printed-lines.ts';

function linesOf(output: string, cols = 80, piece = Infinity): string[] {
  const lines: string[] = [];
  const printed = new PrintedLines(cols, (line) => lines.push(line));
  const bytes = Buffer.from(output);
  for (let at = 0; at < bytes.length; at += piece) printed.feed(bytes.subarray(at, Math.min(bytes.length, at + piece)));
  printed.break();
  return lines;
}

test.each([
  ['lines', 'a\r\nb\r\n', ['a', 'b']],
  ['a screen that is cleared', 'one\r\ntwo\x1b[H\x1b[2J\x1b[3Jthree\r\n', ['one', 'two', 'three']],
  ['a full reset', 'one\r\n\x1bctwo\r\n', ['one', 'two']],
  ['the cursor goes home', 'one\r\ntwo\r\n\x1b[Hthree\r\n', ['one', 'two', 'three']],
  ['a scrolling region', '\x1b[1;3ra\r\nb\r\nc\r\nd\r\n\x1b[r\x1b[99Hend', ['a', 'b', 'c', 'd', 'end']],
  ['lines written anew', 'a1\r\na2\r\n\x1b[2Ab1\r\nb2\r\n', ['a1', 'a2', 'b1', 'b2']],
  ['a progress that is overwritten', ' 10 %\r 50 %\r100 %\r\n', ['100 %']],
  ['an erased line', 'wrong\r\x1b[Kright\r\n', ['right']],
  ['a command line edited with the erase key', '$ sx\b \beq 3\r\n', ['$ seq 3']],
  ['a command line edited in its middle', '$ sq 3\x1b[3D\x1b[1@e\x1b[3C\r\n', ['$ seq 3']],
  ['colours and titles', '\x1b]0;t\x07\x1b[1;31mred\x1b[0m text\r\n', ['red text']],
  ['a full-screen program', 'sh\r\n\x1b[?1049h\x1b[Hvi\r\n~\r\n\x1b[?1049lback\r\n', ['sh', 'back']],
  ['a blank line is one', 'a\r\n\r\nb\r\n', ['a', '', 'b']],
  ['tabs', 'a\tb\tc\r\n', ['a       b       c']],
  ['raw line feeds', 'ab\ncd\r\n', ['ab', '  cd']],
  ['marks and joiners', 'e\u0301 👩\u200d💻\r\n', ['e\u0301 👩\u200d💻']],
])('%s', (_, output, lines) => {
  expect(linesOf(output)).toEqual(lines);
  expect(linesOf(output, 80, 1)).toEqual(lines);
});

test('a line that a terminal wraps is one line', () => {
  expect(linesOf(`${'x'.repeat(25)}\r\nnext\r\n`, 10)).toEqual(['x'.repeat(25), 'next']);
});

test('a command line that readline wraps is one line, erased and typed anew across its rows', () => {
  // At the right edge it prints a blank and CR; back over the edge it goes up.
  expect(linesOf('$ 34567890 \rab\x1b[K\r\n', 10)).toEqual(['$ 34567890ab']);
  expect(linesOf('$ 34567890 \rab\x1b[A\r$ uname\x1b[J\r\n', 10)).toEqual(['$ uname']);
});

test('the open line ends at the cursor, blanks included', () => {
  const printed = new PrintedLines(80, () => undefined);
  printed.feed(Buffer.from('\x1b[2J\x1b[Hn05 login: '));
  expect(printed.open).toBe('n05 login: ');
});

test('a node that prints without a line end does not fill memory', () => {
  const lines = linesOf('x'.repeat(100_000));
  expect(lines.length).toBeGreaterThan(5);
  expect(lines.join('')).toBe('x'.repeat(100_000));
});
