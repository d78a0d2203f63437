/**
 * One picture of the screen as cells: a character, an ink (its meaning, or a node's own colours) and its ground.
 * Views paint into a frame; the terminal and the golden tests read it.
 */
import { agreedWidth } from '../../console/widths.ts';

/** Meanings of text. Themes give each a look in 256 colours, 16, and none. */
export const INKS = [
  'text',
  'dim',
  'title',
  'key',
  'ok',
  /** A node whose sample has just arrived; most themes show it as ok. */
  'pulse',
  'aging',
  'warn',
  'fault',
  'stale',
  'off',
  'unknown',
  'spark',
  /** The place of a strip where the beat of a new sample is; most themes show it as spark. */
  'beat',
  'fan',
  'master',
  'mark',
  'border',
  'borderFocus',
  'danger',
  /** Text on a ground of the heat ramp: it takes the colour that the ground gives it. */
  'heat',
] as const;
export type InkRole = (typeof INKS)[number];

/** The ramp of the map's heat, from the least to the most. */
export const HEAT_GROUNDS = ['heat1', 'heat2', 'heat3', 'heat4', 'heat5'] as const;
export const GROUNDS = ['screen', 'selected', 'marked', 'bar', 'dialog', 'field', 'button', ...HEAT_GROUNDS] as const;
export type Ground = (typeof GROUNDS)[number];

/**
 * A node's own colours: `flags << 18 | foreground << 9 | background`, colours 0 to 255 or {@link DEFAULT_COLOUR}.
 * The layout is blessed's, so that such a cell needs no translation.
 */
export type RawInk = number;
export type Ink = InkRole | RawInk;

export const DEFAULT_COLOUR = 0x1ff;
/** The first five are blessed's; it cannot express the others (see terminal.ts). */
export const FLAG = {
  bold: 1,
  underline: 2,
  blink: 4,
  inverse: 8,
  invisible: 16,
  dim: 32,
  italic: 64,
  strike: 128,
} as const;

export function rawInk(flags: number, foreground: number, background: number): RawInk {
  return (flags << 18) | (foreground << 9) | background;
}

/**
 * What a node's cell has beyond its {@link RawInk}, which holds the nearest. Colours of 24 bits have `RGB` of
 * console/cells.ts set, others are numbers of the palette; null: the ink's own. `underline` is SGR's style: 2 double,
 * 3 curly, 4 dotted, 5 dashed; 0: the ink's own.
 */
export interface CellDetail {
  foreground: number | null;
  background: number | null;
  underline: number;
  underlineColour: number | null;
  overline: boolean;
}

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * Effect of a click: a row of a list relative to the selected one, keys to press, a rack to show, a node to select;
 * with both a node of the overview (`addr` null: a rack of which no node is known).
 */
export type Target =
  { rows: number } | { keys: readonly string[] } | { rack: number; addr?: number | null } | { node: number };

/** Stands in the last cell of a text that was cut. */
export const CUT = '…';

export class Frame {
  readonly cols: number;
  readonly rows: number;
  /** One entry a cell; '' is the right half of a wide character to its left. */
  readonly chars: string[];
  readonly inks: Ink[];
  readonly grounds: Ground[];
  /** By cell; those of the interface have none. */
  readonly details: Map<number, CellDetail>;
  /** Position of the terminal's cursor; null: hidden. `shape`: DECSCUSR's number, 0 or absent: the terminal's own. */
  cursor: { x: number; y: number; shape?: number } | null = null;

  /** The last one painted lies on top; null: not clickable, above a target that is. */
  readonly #targets: { rect: Rect; target: Target | null }[];

  /** `like`: a frame of this size to begin with, without its cursor; default: a blank one. */
  constructor(cols: number, rows: number, like?: Frame) {
    this.cols = cols;
    this.rows = rows;
    this.chars = like?.chars.slice() ?? new Array<string>(cols * rows).fill(' ');
    this.inks = like?.inks.slice() ?? new Array<Ink>(cols * rows).fill('text');
    this.grounds = like?.grounds.slice() ?? new Array<Ground>(cols * rows).fill('screen');
    this.details = new Map(like?.details);
    this.#targets = like === undefined ? [] : like.#targets.slice();
  }

  /** Puts a character; anything outside the frame is cut off. */
  put(x: number, y: number, ch: string, ink: Ink, ground?: Ground, detail?: CellDetail): void {
    if (x < 0 || y < 0 || x >= this.cols || y >= this.rows) return;
    const i = y * this.cols + x;
    this.#part(i, x, ch);
    this.chars[i] = ch;
    this.inks[i] = ink;
    if (ground !== undefined) this.grounds[i] = ground;
    if (detail !== undefined) this.details.set(i, detail);
    else this.details.delete(i);
  }

  /**
   * Writes `text` from x, at most `width` cells; returns the column after it. Control characters are shown as `·`;
   * a text that does not fit ends with a mark.
   */
  text(x: number, y: number, text: string, ink: Ink = 'text', width = Number.POSITIVE_INFINITY): number {
    return this.spans(x, y, [[text, ink]], width);
  }

  /** Writes texts in several inks one after another, cut as {@link text} does; returns the column after the last. */
  spans(
    x: number,
    y: number,
    spans: readonly (readonly [text: string, ink: Ink, ground?: Ground])[],
    width = Number.POSITIVE_INFINITY,
  ): number {
    const end = x + Math.max(0, width);
    const edge = Math.min(end, this.cols);
    let at = x;
    for (const [text, ink, ground] of spans)
      for (const ch of text) {
        if (at >= edge) {
          if (ch === ' ') continue;
          if (edge > x) this.put(edge - 1, y, CUT, this.inks[y * this.cols + edge - 1] ?? ink);
          return at;
        }
        // All text of the interface is one column wide; other characters in names and messages are replaced.
        this.put(at, y, isPlain(ch) ? ch : '·', ink, ground);
        at += 1;
      }
    return at;
  }

  /** Sets the ground of a rectangle and keeps the text on it, in its own inks or in this one. */
  ground(rect: Rect, ground: Ground, ink?: Ink): void {
    this.each(rect, (i) => {
      this.grounds[i] = ground;
      if (ink === undefined) return;
      this.inks[i] = ink;
      this.details.delete(i);
    });
  }

  /** Takes the colours of a rectangle away, so that what is painted over it is conspicuous; its text stays. */
  dim(rect: Rect): void {
    this.each(rect, (i) => {
      this.inks[i] = this.chars[i] === ' ' ? 'text' : 'dim';
      this.grounds[i] = 'screen';
      this.details.delete(i);
    });
  }

  clear(rect: Rect, ground: Ground = 'screen'): void {
    this.each(rect, (i) => {
      this.#part(i, i % this.cols, ' ');
      this.chars[i] = ' ';
      this.inks[i] = 'text';
      this.grounds[i] = ground;
      this.details.delete(i);
    });
  }

  /** Copies a frame of the same width, with its cursor, from row `y` on. */
  place(other: Frame, y: number): void {
    const from = y * this.cols;
    for (let i = 0; i < other.chars.length && from + i < this.chars.length; i++) {
      this.chars[from + i] = other.chars[i] ?? ' ';
      this.inks[from + i] = other.inks[i] ?? 'text';
      this.grounds[from + i] = other.grounds[i] ?? 'screen';
    }
    for (const [i, detail] of other.details) this.details.set(from + i, detail);
    if (other.cursor) this.cursor = { ...other.cursor, y: other.cursor.y + y };
    for (const { rect, target } of other.#targets) this.target({ ...rect, y: rect.y + y }, target);
  }

  target(rect: Rect, target: Target | null): void {
    this.#targets.push({ rect, target });
  }

  targetAt(x: number, y: number): Target | null {
    const over = ({ rect }: { rect: Rect }): boolean =>
      x >= rect.x && y >= rect.y && x < rect.x + rect.width && y < rect.y + rect.height;
    return this.#targets.findLast(over)?.target ?? null;
  }

  /** Returns the characters, one string a row, trailing blanks kept: for golden files. */
  lines(): string[] {
    return Array.from({ length: this.rows }, (_, y) => this.chars.slice(y * this.cols, (y + 1) * this.cols).join(''));
  }

  /** Blanks the other half of a wide character when one half is covered. */
  #part(i: number, x: number, ch: string): void {
    if (this.chars[i] === '' && ch !== '' && x > 0) this.chars[i - 1] = ' ';
    if (x + 1 < this.cols && this.chars[i + 1] === '') this.chars[i + 1] = ' ';
  }

  private each(rect: Rect, apply: (index: number) => void): void {
    const right = Math.min(this.cols, rect.x + rect.width);
    const bottom = Math.min(this.rows, rect.y + rect.height);
    for (let y = Math.max(0, rect.y); y < bottom; y += 1)
      for (let x = Math.max(0, rect.x); x < right; x += 1) apply(y * this.cols + x);
  }
}

export type Span = readonly [text: string, ink: InkRole, ground?: Ground];

export function spansWidth(spans: readonly Span[]): number {
  return spans.reduce((sum, [text]) => sum + Array.from(text).length, 0);
}

/** Returns whether a character is one column wide in every terminal, and read from left to right. */
function isPlain(ch: string): boolean {
  const code = ch.codePointAt(0) ?? 0;
  return agreedWidth(code) === 1 && (code < 0x590 || (code >= 0x2010 && code < 0x2e80));
}
