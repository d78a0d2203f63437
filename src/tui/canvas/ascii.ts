/**
 * A frame for a terminal that has ASCII only. The glyph tables have signs of their own for it; this is for words. Pure.
 */
import { CUT, type Frame } from './frame.ts';

const INSTEAD: Record<string, string> = {
  '’': "'",
  '‘': "'",
  '“': '"',
  '”': '"',
  '‹': '<',
  '›': '>',
  '…': '.',
  '–': '-',
  '—': '-',
  '−': '-',
  '·': '.',
  '×': 'x',
  '→': '>',
  '←': '<',
  '↑': '^',
  '↓': 'v',
  '≤': '<',
  '≥': '>',
  '°': 'o',
  µ: 'u',
  ä: 'a',
  ö: 'o',
  ü: 'u',
  ß: 's',
};

/**
 * Puts a character of ASCII where there is another. `nodesToo`: also in what nodes printed, because the terminal could not
 * show that either; otherwise only in what the interface itself says.
 */
export function toAscii(frame: Frame, nodesToo: boolean): void {
  const { chars, inks } = frame;
  for (let i = 0; i < chars.length; i++) {
    const ch = chars[i] ?? ' ';
    if (ch >= ' ' && ch <= '~' && ch.length === 1) continue;
    if (typeof inks[i] === 'number' && !nodesToo) continue;
    // The right half of a wide character is a cell of its own now.
    // Behind a letter it is the mark of what was cut.
    const cut = ch === CUT && !/^\s?$/.test(chars[i - 1] ?? '');
    chars[i] = ch === '' ? ' ' : cut ? '~' : (INSTEAD[ch] ?? '?');
  }
}
