import { expect, test } from 'vitest';
import { compilePattern } from '../../src/config/value-types.ts';

test.each([
  ['^(\\w+\\s?)*$', `${'word '.repeat(12_000)}!`],
  ['(a|aa)+$', `${'a'.repeat(60_000)}b`],
  ['(.*)*x{20}', 'y'.repeat(60_000)],
  ['(([a-z])+.)+[A-Z]([a-z])+$', 'a'.repeat(60_000)],
])('%s ends on 64 KB of a node that chose them', (source, text) => {
  expect(compilePattern(source, { lines: true }).find(text)).toBeNull();
});

test.each([
  ['\\$ $', 'pi@n05:~ $ ', { start: 9, end: 11 }],
  ['^END-\\d+$', 'a\nEND-17\nb', { start: 2, end: 8 }],
  ['(?<unit>\\w+)\\.service', 'x sshd.service', { start: 2, end: 14 }],
  ['größe 🐧?', 'die größe 🐧 da', { start: 4, end: 12 }],
])('%s finds what a reader of it expects', (source, text, found) => {
  expect(compilePattern(source, { lines: true }).find(text)).toEqual(found);
});

test.each(['(?=ready)', '(a)\\1', '(?<!no )answer', '(', '[z-a]'])('%s is refused with the reason', (source) => {
  expect(() => compilePattern(source)).toThrow(/not a regular expression of RE2, which has no lookaround.*: \S/);
});

test('without `lines` a pattern sees one line', () => {
  expect(compilePattern('^b').find('a\nb')).toBeNull();
});
