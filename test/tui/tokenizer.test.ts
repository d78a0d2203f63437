import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyTokenizer, flush, tokenize, type Token } from '../../src/tui/tokenizer.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');
const read = (text: string): Token[] => {
  const { state, tokens } = tokenize(emptyTokenizer, bytes(text));
  return [...tokens, ...flush(state).tokens];
};
const brief = (tokens: Token[]): string[] =>
  tokens.map((token) => (token.kind === 'key' ? token.name : `${token.kind}:${Buffer.from(token.bytes).toString()}`));

describe('keys', () => {
  test.each([
    ['a', ['a']],
    ['A*', ['A', '*']],
    [' ', ['space']],
    ['é', ['é']],
    ['\u{1f600}', ['\u{1f600}']],
    ['\r\n\t\x7f\x08', ['enter', 'C-j', 'tab', 'backspace', 'C-h']],
    ['\x00\x07\x1c\x1d\x1e\x1f', ['C-space', 'C-g', 'C-\\', 'C-]', 'C-^', 'C-_']],
    ['\x1b[A\x1bOA\x1b[1;5C\x1b[1;2R', ['up', 'up', 'C-right', 'S-f3']],
    ['\x1b[5~\x1b[6;5~\x1b[3~\x1b[Z', ['pageup', 'C-pagedown', 'delete', 'S-tab']],
    ['\x1bx\x1b\x07', ['M-x', 'M-C-g']],
    ['\x1b', ['escape']],
    ['\x1b\x1b[A', ['escape', 'up']],
    ['\x1b[15~', ['unknown']],
    ['\x1b[[A', ['unknown']],
  ])('%j', (text, names) => {
    expect(brief(read(text))).toEqual(names);
  });
});

describe('what a terminal says by itself is no typing', () => {
  test.each([
    '\x1b[?64;1;2c',
    '\x1b[>0;276;0c',
    '\x1b[12;40R',
    '\x1b[0n',
    '\x1b[?2026;2$y',
    '\x1b[?1u',
    '\x1b[8;24;80t',
    '\x1b[I',
    '\x1b[O',
    '\x1b[<0;10;10M',
    '\x1b[M !!',
    '\x1b]11;rgb:0000/0000/0000\x07',
    '\x1b]52;c;eA==\x1b\\',
    '\x1bP1$r0m\x1b\\',
    '\x1b_Gi=1;OK\x1b\\',
  ])('%j', (text) => {
    expect(read(`${text}x`)).toMatchObject([{ kind: 'reply' }, { kind: 'key', name: 'x' }]);
  });
});

test('a paste is one token, whatever it holds', () => {
  expect(brief(read('a\x1b[200~x\x07\r\x1b[A\x1b[201~b'))).toEqual(['a', 'paste:x\x07\r\x1b[A', 'b']);
});

test('input means the same however it is cut', () => {
  const piece = fc.constantFrom(
    ...[
      'a',
      ' ',
      'é',
      '€',
      '\u{1f600}',
      '\r',
      '\x07',
      '\x1d',
      '\x1b[A',
      '\x1bOP',
      '\x1b[1;5D',
      '\x1b[200~x\x1b[y\x1b[201~',
    ],
    ...['\x1b[?64c', '\x1b]11;rgb:0/0/0\x1b\\', '\x1bq'],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat(40), { maxLength: 10 }), (pieces, cuts) => {
      const whole = bytes(pieces.join(''));
      let state = emptyTokenizer;
      const tokens: Token[] = [];
      let from = 0;
      for (const cut of [...cuts, whole.length]) {
        const step = tokenize(state, whole.subarray(from, Math.min(whole.length, from + cut)));
        state = step.state;
        tokens.push(...step.tokens);
        from = Math.min(whole.length, from + cut);
      }
      expect(brief(tokens)).toEqual(brief(tokenize(emptyTokenizer, whole).tokens));
    }),
  );
});

test('no bytes are invented, none break it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
      const { state, tokens } = tokenize(emptyTokenizer, input);
      const out = tokens.reduce((sum, token) => sum + token.bytes.length, 0) + state.pending.length;
      expect(out).toBeLessThanOrEqual(input.length);
      for (const token of tokens) if (token.kind === 'key') expect(token.bytes.length).toBeGreaterThan(0);
    }),
  );
});
