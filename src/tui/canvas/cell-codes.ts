/**
 * Numbers for what a frame's cells hold: characters, inks and grounds. Cells are arrays of numbers, because a frame is
 * compared with the one before each second, and nearly always equal.
 */
import { agreedWidth } from '../../console/widths.ts';
import { type Ground, GROUNDS, type Ink, INKS } from './inks.ts';

/** Codes of characters: UTF-16 units, the right half of a wide character, and characters of several units. */
export const HALF = 0;
export const SPACE = 0x20;
export const SEVERAL = 0xffff;
/** Shown in place of characters that are not one column wide in every terminal. */
const REPLACED = '·'.charCodeAt(0);

/** Marks the inks that are meanings, whose index follows. */
const ROLE = 0x8000_0000;
const ROLE_CODE: ReadonlyMap<Ink, number> = new Map(INKS.map((ink, index) => [ink as Ink, ROLE + index]));
const GROUND_CODE: ReadonlyMap<Ground, number> = new Map(GROUNDS.map((ground, index) => [ground, index]));

export const codeOfInk = (ink: Ink): number => (typeof ink === 'number' ? ink : (ROLE_CODE.get(ink) ?? ROLE));
export const inkOfCode = (code: number): Ink => (code < ROLE ? code : (INKS[code - ROLE] ?? 'text'));
export const codeOfGround = (ground: Ground): number => GROUND_CODE.get(ground) ?? SCREEN;
export const groundOfCode = (code: number): Ground => GROUNDS[code] ?? 'screen';

export const TEXT = codeOfInk('text');
export const SCREEN = 0;

/** First code that {@link shownCode} does not keep. */
const LAST = 0x2e80;
/** The interface's characters beyond Latin-1, of which the engine would make a new string each time. */
const CHARS = new Map<number, string>();

export function charOfCode(code: number): string {
  if (code < 0x100 || code >= LAST) return String.fromCharCode(code);
  let char = CHARS.get(code);
  if (char === undefined) CHARS.set(code, (char = String.fromCharCode(code)));
  return char;
}

/** Returns the code of a character; SEVERAL: it has several units, or is one of the codes above. */
export function codeOfChar(ch: string): number {
  if (ch.length !== 1) return ch === '' ? HALF : SEVERAL;
  return ch.charCodeAt(0) === HALF ? SEVERAL : ch.charCodeAt(0);
}

export const isHigh = (code: number): boolean => code >= 0xd800 && code < 0xdc00;
export const isLow = (code: number): boolean => code >= 0xdc00 && code < 0xe000;

/** Returns the number of a text's characters: pairs of surrogates are one. */
export function charsIn(text: string): number {
  let count = text.length;
  for (let unit = 1; unit < text.length; unit++)
    if (isLow(text.charCodeAt(unit)) && isHigh(text.charCodeAt(unit - 1))) count--;
  return count;
}

/** By code: 1 plain, 2 not, 0 not yet known. */
const PLAIN = new Uint8Array(LAST);

/** Returns the code where its character is one column wide in every terminal and read from left to right; else `·`. */
export function shownCode(code: number): number {
  if (code >= SPACE && code < 0x7f) return code;
  if (code >= LAST) return REPLACED;
  if (PLAIN[code] === 0) PLAIN[code] = agreedWidth(code) === 1 && (code < 0x590 || code >= 0x2010) ? 1 : 2;
  return PLAIN[code] === 1 ? code : REPLACED;
}
