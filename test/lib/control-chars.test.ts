/** Other people's text: nothing of it moves a cursor, hides, or turns what stands beside it around. */
import { expect, test } from 'vitest';
import { escapeHidden, escapeHiddenInJson, removeHidden, replaceHidden } from '../../src/lib/control-chars.ts';

const HIDDEN: readonly [string, string, string][] = [
  ['C0', '\x1b', '\\x1b'],
  ['DEL', '\x7f', '\\x7f'],
  ['C1', '\x9b', '\\x9b'],
  ['soft hyphen', '\xad', '\\xad'],
  ['zero width space', '\u200b', '\\u200b'],
  ['zero width joiner', '\u200d', '\\u200d'],
  ['word joiner', '\u2060', '\\u2060'],
  ['byte order mark', '\ufeff', '\\ufeff'],
  ['Arabic letter mark', '\u061c', '\\u061c'],
  ['override', '\u202e', '\\u202e'],
  ['isolate', '\u2067', '\\u2067'],
  ['line separator', '\u2028', '\\u2028'],
  ['Hangul filler', '\u3164', '\\u3164'],
  ['variation selector', '\ufe0f', '\\ufe0f'],
  ['tag', '\u{e0041}', '\\u{e0041}'],
  ['lone surrogate', '\ud800', '\\ud800'],
];

test.each(HIDDEN)('%s does not pass', (_name, char, escaped) => {
  const text = `no${char}de`;
  expect(removeHidden(text)).toBe('node');
  expect(replaceHidden(text)).toBe('no?de');
  expect(escapeHidden(text)).toBe(`no${escaped}de`);
  const json = escapeHiddenInJson(`${JSON.stringify({ text })}\n`);
  expect(removeHidden(json.slice(0, -1))).toBe(json.slice(0, -1));
  expect(json.endsWith('\n')).toBe(true);
  expect(JSON.parse(json)).toEqual({ text });
});

test('writing of any language passes as it is', () => {
  const text = 'Grüße, привет, 日本語, עברית, ñ e\u0301 €';
  for (const pass of [removeHidden, replaceHidden, escapeHidden, escapeHiddenInJson]) expect(pass(text)).toBe(text);
  expect(replaceHidden('a\tb')).toBe('a\tb');
});
