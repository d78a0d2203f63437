/** Encodes the colours and styles of cells: for blessed, and as SGR's parameters. */
import { RGB } from '../../console/cells.ts';
import { type CellDetail, DEFAULT_COLOUR, FLAG, rawInk, type RawInk } from '../canvas/frame.ts';
import type { Abilities } from './abilities.ts';

const CODES: readonly (readonly [flag: number, code: number])[] = [
  [FLAG.bold, 1],
  [FLAG.dim, 2],
  [FLAG.italic, 3],
  [FLAG.underline, 4],
  [FLAG.blink, 5],
  [FLAG.inverse, 7],
  [FLAG.invisible, 8],
  [FLAG.strike, 9],
];
/** Styles that blessed lacks. */
const EXTRA_FLAGS = FLAG.dim | FLAG.italic | FLAG.strike;
const FIRST = 256;

/**
 * Adds dim, italic and struck out, which blessed lacks. It writes a foreground as `38;5;N` and takes N from a
 * function that may be replaced; a cell has nine bits for it, and the colours use 256 of the 511 values. The others
 * stand for combinations of a colour and these styles, in the order in which they are first seen. Pure but for that
 * memory.
 */
export class Styles {
  readonly #known = new Map<number, number>();
  readonly #codes: string[] = [];

  /**
   * Returns the cell's attribute in blessed's encoding. More than 255 combinations were never seen: beyond them the
   * style is lost, not the colour.
   */
  encode(ink: RawInk): RawInk {
    const flags = ink >> 18;
    const extra = flags & EXTRA_FLAGS;
    if (extra === 0) return ink;
    const foreground = (ink >> 9) & 0x1ff;
    const key = (extra << 9) | foreground;
    let value = this.#known.get(key);
    if (value === undefined && FIRST + this.#codes.length < DEFAULT_COLOUR) {
      value = FIRST + this.#codes.length;
      this.#known.set(key, value);
      this.#codes.push(sgr(foreground, extra));
    }
    return rawInk(flags & ~EXTRA_FLAGS, value ?? foreground, ink & 0x1ff);
  }

  /** Returns the text that blessed writes after `38;5;` for a value of {@link encode}; null for a plain colour. */
  codeOf(foreground: number): string | null {
    return this.#codes[foreground - FIRST] ?? null;
  }
}

/** Begins with a colour, because blessed has written `38;5;` already; `39` undoes it where there is none. */
function sgr(foreground: number, extra: number): string {
  const colour = foreground === DEFAULT_COLOUR ? '7;39' : String(foreground);
  return [colour, ...codesOf(extra)].join(';');
}

function codesOf(flags: number): number[] {
  return CODES.filter(([flag]) => (flags & flag) !== 0).map(([, code]) => code);
}

/** Returns the parameters of SGR that set exactly these attributes, as far as the terminal has them. */
export function sgrOfInk(ink: RawInk, detail: CellDetail | undefined, can: Abilities): string {
  const { foreground = null, background = null, underline = 0, underlineColour = null } = detail ?? {};
  const codes: (number | string)[] = [0, ...codesOf(ink >> 18)];
  // Terminals that do not know them take the parts of these for other attributes, so they get none.
  if (can.underlines && underline > 1) codes.push(`4:${underline}`);
  if (can.underlines && underlineColour !== null)
    codes.push(isRgb(underlineColour) ? `58:2::${rgbParts(underlineColour).join(':')}` : `58:5:${underlineColour}`);
  if (detail?.overline === true) codes.push(53);
  codes.push(
    ...(can.rgb && foreground !== null ? [38, 2, ...rgbParts(foreground)] : colourCodes((ink >> 9) & 0x1ff, 30)),
    ...(can.rgb && background !== null ? [48, 2, ...rgbParts(background)] : colourCodes(ink & 0x1ff, 40)),
  );
  return codes.join(';');
}

const isRgb = (colour: number): boolean => (colour & RGB) !== 0;

function rgbParts(colour: number): number[] {
  return [(colour >> 16) & 0xff, (colour >> 8) & 0xff, colour & 0xff];
}

/** `base` 30 for foreground, 40 for background. */
function colourCodes(colour: number, base: 30 | 40): number[] {
  if (colour === DEFAULT_COLOUR) return [];
  if (colour < 8) return [base + colour];
  return colour < 16 ? [base + 60 + colour - 8] : [base + 8, 5, colour];
}
