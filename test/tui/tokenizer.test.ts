import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyTokenizer, flush, tokenize, type Token } from '../../src/tui/terminal/tokenizer.ts';

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
    ['\x1b[15~\x1b[24;2~\x1b[[A\x1b[11~', ['f5', 'S-f12', 'f1', 'f1']],
    ['\x1bOw\x1bOM\x1bOk', ['kp-7', 'kp-enter', 'kp-+']],
    ['\x1b[99~', ['unknown']],
  ])('%j', (text, names) => {
    expect(brief(read(text))).toEqual(names);
  });
});

describe('keys that a terminal reports by number are the plain ones', () => {
  test.each([
    // kitty's protocol, then xterm's modifyOtherKeys.
    ['\x1b[93;5u', 'C-]', '\x1d'],
    ['\x1b[103;5u', 'C-g', '\x07'],
    ['\x1b[97;1u', 'a', 'a'],
    ['\x1b[97;2u', 'A', 'A'],
    ['\x1b[49:33;2u', '!', '!'],
    ['\x1b[97;7u', 'M-C-a', '\x1b\x01'],
    ['\x1b[228;3u', 'M-ä', '\x1bä'],
    ['\x1b[97;69u', 'C-a', '\x01'],
    ['\x1b[13;2u', 'enter', '\r'],
    ['\x1b[27u', 'escape', '\x1b'],
    ['\x1b[9;2u', 'S-tab', '\x1b[Z'],
    ['\x1b[32;5u', 'C-space', '\x00'],
    ['\x1b[57419;5u', 'C-up', '\x1b[57419;5u'],
    ['\x1b[57406u', 'kp-7', '\x1b[57406u'],
    ['\x1b[1;5:2A', 'C-up', '\x1b[1;5:2A'],
    ['\x1b[27;5;93~', 'C-]', '\x1d'],
    ['\x1b[27;6;71~', 'C-g', '\x07'],
    ['\x1b[27;3;120~', 'M-x', '\x1bx'],
  ])('%j is %s', (text, name, plain) => {
    expect(brief(read(text))).toEqual([name]);
    expect(read(text).map((token) => Buffer.from(token.bytes).toString())).toEqual([plain]);
  });

  test.each(['\x1b[97;1:3u', '\x1b[1;1:3A', '\x1b[57441;2u', '\x1b[3;1:3~'])('%j is no key', (text) => {
    expect(read(`${text}x`)).toMatchObject([{ kind: 'reply' }, { kind: 'key', name: 'x' }]);
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
    '\x1b[M !!',
    '\x1b]11;rgb:0000/0000/0000\x07',
    '\x1b]52;c;eA==\x1b\\',
    '\x1bP1$r0m\x1b\\',
    '\x1b_Gi=1;OK\x1b\\',
  ])('%j', (text) => {
    expect(read(`${text}x`)).toMatchObject([{ kind: 'reply' }, { kind: 'key', name: 'x' }]);
  });
});

test('mouse and focus are no typing either', () => {
  expect(read('\x1b[<0;10;5M\x1b[I\x1b[Ox')).toMatchObject([
    {
      kind: 'mouse',
      pointer: { action: 'press', button: 'left', x: 9, y: 4, shift: false, alt: false, control: false },
    },
    { kind: 'focus', focused: true },
    { kind: 'focus', focused: false },
    { kind: 'key', name: 'x' },
  ]);
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
