/**
 * Turns a frame's text into ASCII, for terminals without other characters. The glyph tables have ASCII signs of
 * their own. Pure.
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
 * Replaces other characters by ASCII. `nodesToo`: also in output of nodes, where the terminal cannot show it
 * either; otherwise only in text of the interface.
 */
export function toAscii(frame: Frame, nodesToo: boolean): void {
  const { chars, inks } = frame;
  for (let i = 0; i < chars.length; i++) {
    const ch = chars[i] ?? ' ';
    if (ch >= ' ' && ch <= '~' && ch.length === 1) continue;
    if (typeof inks[i] === 'number' && !nodesToo) continue;
    // The right half of a wide character is now a cell of its own. After a letter it is the mark of a cut text.
    const cut = ch === CUT && !/^\s?$/.test(chars[i - 1] ?? '');
    chars[i] = ch === '' ? ' ' : cut ? '~' : (INSTEAD[ch] ?? '?');
  }
}
