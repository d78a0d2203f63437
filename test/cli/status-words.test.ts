/** The status line of the bare console: one line, and nothing that is said on it is lost. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StatusWords } from '../../src/cli/console/live.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function line(width: number): { words: StatusWords; shown: string[] } {
  const shown: string[] = [];
  return {
    words: new StatusWords(
      (text) => shown.push(text),
      () => width,
    ),
    shown,
  };
}

test('a word stands for a while, then the state again', () => {
  const { words, shown } = line(79);
  words.state('n1: Ctrl-] d leaves');
  words.show('a note');
  words.state('n1: open');
  expect(shown.at(-1)).toBe('a note');
  vi.runAllTimers();
  expect(shown).toEqual(['n1: Ctrl-] d leaves', 'a note', 'n1: open']);
});

test.each([20, 40, 79, 131])(
  'in %i cells a long word comes in parts, whole and in order, each but the last marked',
  (width) => {
    const text = Array.from({ length: 40 }, (_, i) => `word${i}`).join(' ');
    const { words, shown } = line(width);
    words.state('state');
    words.show(text);
    vi.runAllTimers();
    const parts = shown.slice(1, -1);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.every((part) => part.length <= width)).toBe(true);
    expect(parts.map((part) => part.endsWith(' …'))).toEqual(parts.map((_, i) => i < parts.length - 1));
    expect(parts.map((part) => part.replace(/ …$/, '')).join(' ')).toBe(text);
    expect(shown.at(-1)).toBe('state');
  },
);

test('another word takes the place of what is left of a long one', () => {
  const { words, shown } = line(20);
  words.show('a word that has no room in twenty cells at all');
  words.show('short');
  vi.runAllTimers();
  expect(shown).toEqual(['a word that has no …', 'short', '']);
});
