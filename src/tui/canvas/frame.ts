/**
 * One picture of the screen as cells: a character, an ink (its meaning, or a node's own colours) and its ground.
 * Views paint into a frame; the terminal and the golden tests read it.
 */
import {
  charOfCode,
  charsIn,
  codeOfChar,
  codeOfGround,
  codeOfInk,
  groundOfCode,
  HALF,
  inkOfCode,
  isHigh,
  isLow,
  SCREEN,
  SEVERAL,
  shownCode,
  SPACE,
  TEXT,
} from './cell-codes.ts';
import { agreedWidth } from '../../console/widths.ts';
import type { CellDetail, Ground, Ink, InkRole } from './inks.ts';

export * from './inks.ts';

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
  | { rows: number }
  | { keys: readonly string[] }
  | { rack: number; addr?: number | null }
  | { node: number };

/** Stands in the last cell of a text that was cut. */
export const CUT = '…';

export class Frame {
  readonly cols: number;
  readonly rows: number;
  /** By cell; those of the interface have none. */
  readonly details = new Map<number, CellDetail>();
  /** Position of the terminal's cursor; null: hidden. `shape`: DECSCUSR's number, 0 or absent: the terminal's own. */
  cursor: { x: number; y: number; shape?: number } | null = null;

  /** Inks, characters and grounds of all cells, one after another. */
  readonly #bytes: Buffer;
  readonly #inks: Uint32Array;
  readonly #codes: Uint16Array;
  readonly #grounds: Uint8Array;
  /** Characters of several units, by cell. */
  readonly #several = new Map<number, string>();
  /** False while every cell is one plain character: then cells can be written without a look at their neighbours. */
  #joined = false;
  /** The last one painted lies on top; null: not clickable, above a target that is. */
  #targets: { rect: Rect; target: Target | null }[] = [];

  /** Makes a blank one. */
  constructor(cols: number, rows: number) {
    this.cols = cols;
    this.rows = rows;
    const cells = cols * rows;
    const memory = new ArrayBuffer(7 * cells);
    this.#bytes = Buffer.from(memory);
    this.#inks = new Uint32Array(memory, 0, cells);
    this.#codes = new Uint16Array(memory, 4 * cells, cells);
    this.#grounds = new Uint8Array(memory, 6 * cells, cells);
    this.blank();
  }

  /** Takes everything from it. */
  blank(): void {
    this.#inks.fill(TEXT);
    this.#codes.fill(SPACE);
    this.#grounds.fill(SCREEN);
    this.#several.clear();
    this.details.clear();
    this.#joined = false;
    this.#targets = [];
    this.cursor = null;
  }

  /** Returns a cell's character; '' is the right half of a wide character to its left. */
  charAt(i: number): string {
    const code = this.#codes[i] ?? HALF;
    if (code === HALF) return '';
    return code === SEVERAL ? (this.#several.get(i) ?? ' ') : charOfCode(code);
  }

  isHalf(i: number): boolean {
    return this.#codes[i] === HALF;
  }

  inkAt(i: number): Ink {
    return inkOfCode(this.#inks[i] ?? TEXT);
  }

  groundAt(i: number): Ground {
    return groundOfCode(this.#grounds[i] ?? SCREEN);
  }

  /** All characters, one entry a cell. */
  get chars(): string[] {
    return Array.from(this.#codes, (_, i) => this.charAt(i));
  }

  get inks(): Ink[] {
    return Array.from(this.#inks, inkOfCode);
  }

  get grounds(): Ground[] {
    return Array.from(this.#grounds, (_, i) => this.groundAt(i));
  }

  setChar(i: number, ch: string): void {
    if (this.#codes[i] === SEVERAL) this.#several.delete(i);
    const code = codeOfChar(ch);
    this.#codes[i] = code;
    if (code === SEVERAL) this.#several.set(i, ch);
    if (code === SEVERAL || code === HALF) this.#joined = true;
  }

  setInk(i: number, ink: Ink): void {
    this.#inks[i] = codeOfInk(ink);
  }

  /** Returns whether a row is the same in a frame of the same size; false also where that is not easily known. */
  sameRow(other: Frame, y: number): boolean {
    if (this.#several.size + other.#several.size + this.details.size + other.details.size > 0) return false;
    const cells = this.cols * this.rows;
    return (
      this.#sameBytes(other, 4 * cells + 2 * y * this.cols, 2) &&
      this.#sameBytes(other, 4 * y * this.cols, 4) &&
      this.#sameBytes(other, 6 * cells + y * this.cols, 1)
    );
  }

  /** Compares a row of one of the planes; `size`: bytes of a cell in it. */
  #sameBytes(other: Frame, from: number, size: number): boolean {
    const to = from + this.cols * size;
    return this.#bytes.compare(other.#bytes, from, to, from, to) === 0;
  }

  /** Writes `mark` for each cell of a row that differs from a frame of the same size; returns whether any does. */
  markChanges(before: Frame, y: number, marks: Uint8Array, mark: number): boolean {
    const row = y * this.cols;
    let any = false;
    for (let x = 0; x < this.cols; x++) {
      if (this.sameCell(before, row + x)) continue;
      marks[x] = mark;
      any = true;
    }
    return any;
  }

  /** Copies the cells of a row from a frame of the same size. */
  copyRow(from: Frame, y: number): void {
    const [begin, end] = [y * this.cols, (y + 1) * this.cols];
    this.#inks.set(from.#inks.subarray(begin, end), begin);
    this.#codes.set(from.#codes.subarray(begin, end), begin);
    this.#grounds.set(from.#grounds.subarray(begin, end), begin);
    this.#joined ||= from.#joined;
    for (let i = begin; i < end && this.#joined; i++) {
      copyEntry(from.#several, this.#several, i);
      copyEntry(from.details, this.details, i);
    }
  }

  /** Returns whether a cell is certain to be one column wide in every terminal, or is the half of a wide one. */
  isAgreed(i: number): boolean {
    const code = this.#codes[i] ?? HALF;
    return code === HALF || (code !== SEVERAL && agreedWidth(code) === 1 && this.#codes[i + 1] !== HALF);
  }

  /**
   * Returns whether a cell is the same in a frame of the same size, the cell to the right included: it may be this
   * one's half.
   */
  sameCell(other: Frame, i: number): boolean {
    const code = this.#codes[i];
    return (
      code === other.#codes[i] &&
      this.#inks[i] === other.#inks[i] &&
      this.#grounds[i] === other.#grounds[i] &&
      this.isHalf(i + 1) === other.isHalf(i + 1) &&
      (code !== SEVERAL || this.#several.get(i) === other.#several.get(i)) &&
      (this.details.size + other.details.size === 0 || sameDetail(this.details.get(i), other.details.get(i)))
    );
  }

  /** Puts a character; anything outside the frame is cut off. */
  put(x: number, y: number, ch: string, ink: Ink, ground?: Ground, detail?: CellDetail): void {
    if (x < 0 || y < 0 || x >= this.cols || y >= this.rows) return;
    const i = y * this.cols + x;
    if (this.#joined) this.#separate(i, x, ch === '');
    this.setChar(i, ch);
    this.#inks[i] = codeOfInk(ink);
    if (ground !== undefined) this.#grounds[i] = codeOfGround(ground);
    if (detail !== undefined) this.details.set(i, detail);
    if (detail !== undefined) this.#joined = true;
  }

  /** Writes the same character into each cell of a rectangle and leaves its ground. */
  fill(rect: Rect, ch: string, ink: Ink): void {
    const [code, inkCode] = [codeOfChar(ch), codeOfInk(ink)];
    this.#eachRow(rect, (from, to) => {
      this.#separateAll(from, to);
      this.#codes.fill(code, from, to);
      this.#inks.fill(inkCode, from, to);
    });
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
    const edge = Math.min(x + Math.max(0, width), this.cols);
    const [codes, inks, grounds] = [this.#codes, this.#inks, this.#grounds];
    const row = y * this.cols;
    const visible = y >= 0 && y < this.rows;
    let at = x;
    for (const [text, ink, ground] of spans) {
      const inkCode = codeOfInk(ink);
      const groundCode = ground === undefined ? -1 : codeOfGround(ground);
      for (let unit = 0; unit < text.length; unit++) {
        const code = text.charCodeAt(unit);
        if (at >= edge) {
          if (code === SPACE) continue;
          if (edge > x) this.put(edge - 1, y, CUT, inkOfCode(inks[row + edge - 1] ?? inkCode));
          return at;
        }
        // A pair of surrogates is one character.
        if (isHigh(code) && isLow(text.charCodeAt(unit + 1))) unit++;
        if (visible && at >= 0) {
          if (this.#joined) this.#separate(row + at, at, false);
          // All text of the interface is one column wide; other characters in names and messages are replaced.
          codes[row + at] = shownCode(code);
          inks[row + at] = inkCode;
          if (groundCode >= 0) grounds[row + at] = groundCode;
        }
        at += 1;
      }
    }
    return at;
  }

  /** Sets the ground of a rectangle and keeps the text on it, in its own inks or in this one. */
  ground(rect: Rect, ground: Ground, ink?: Ink): void {
    const code = codeOfGround(ground);
    const inkCode = ink === undefined ? null : codeOfInk(ink);
    this.#eachRow(rect, (from, to) => {
      this.#grounds.fill(code, from, to);
      if (inkCode === null) return;
      this.#inks.fill(inkCode, from, to);
      for (let i = from; i < to && this.#joined; i++) this.details.delete(i);
    });
  }

  /** Takes the colours of a rectangle away, so that what is painted over it is conspicuous; its text stays. */
  dim(rect: Rect): void {
    const dim = codeOfInk('dim');
    this.#eachRow(rect, (from, to) => {
      this.#grounds.fill(SCREEN, from, to);
      for (let i = from; i < to; i++) {
        this.#inks[i] = this.#codes[i] === SPACE ? TEXT : dim;
        this.details.delete(i);
      }
    });
  }

  clear(rect: Rect, ground: Ground = 'screen'): void {
    const code = codeOfGround(ground);
    this.#eachRow(rect, (from, to) => {
      this.#separateAll(from, to);
      this.#codes.fill(SPACE, from, to);
      this.#inks.fill(TEXT, from, to);
      this.#grounds.fill(code, from, to);
    });
  }

  /** Copies a frame of the same width, with its cursor, from row `y` on. */
  place(other: Frame, y: number): void {
    const from = y * this.cols;
    const room = Math.min(other.#codes.length, this.#codes.length - from);
    this.#codes.set(other.#codes.subarray(0, room), from);
    this.#inks.set(other.#inks.subarray(0, room), from);
    this.#grounds.set(other.#grounds.subarray(0, room), from);
    for (const [i, text] of other.#several) this.#several.set(from + i, text);
    for (const [i, detail] of other.details) this.details.set(from + i, detail);
    this.#joined ||= other.#joined;
    if (other.cursor) this.cursor = { ...other.cursor, y: other.cursor.y + y };
    for (const { rect, target } of other.#targets) this.target({ ...rect, y: rect.y + y }, target);
  }

  /** Takes everything from a rectangle, its targets included. */
  erase(rect: Rect): void {
    const { x, y, width, height } = rect;
    this.clear(rect);
    const outside = ({ rect: at }: { rect: Rect }): boolean =>
      at.x < x || at.y < y || at.x >= x + width || at.y >= y + height;
    if (!this.#targets.every(outside)) this.#targets = this.#targets.filter(outside);
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
    return Array.from({ length: this.rows }, (_, y) => {
      let line = '';
      for (let i = y * this.cols; i < (y + 1) * this.cols; i++) line += this.charAt(i);
      return line;
    });
  }

  /** Takes a cell from what it shows: blanks the other half of a wide character, and drops what is kept beside it. */
  #separate(i: number, x: number, half: boolean): void {
    if (this.#codes[i] === HALF && !half && x > 0) this.setChar(i - 1, ' ');
    if (x + 1 < this.cols && this.#codes[i + 1] === HALF) this.#codes[i + 1] = SPACE;
    if (this.#codes[i] === SEVERAL) this.#several.delete(i);
    this.details.delete(i);
  }

  #separateAll(from: number, to: number): void {
    for (let i = from; i < to && this.#joined; i++) this.#separate(i, i % this.cols, false);
  }

  /** Calls `apply` with the first cell of each row of a rectangle and the one after its last. */
  #eachRow(rect: Rect, apply: (from: number, to: number) => void): void {
    const left = Math.max(0, rect.x);
    const right = Math.min(this.cols, rect.x + rect.width);
    const bottom = Math.min(this.rows, rect.y + rect.height);
    if (left >= right) return;
    for (let y = Math.max(0, rect.y); y < bottom; y++) apply(y * this.cols + left, y * this.cols + right);
  }
}

function copyEntry<T>(from: ReadonlyMap<number, T>, to: Map<number, T>, key: number): void {
  const value = from.get(key);
  if (value === undefined) to.delete(key);
  else to.set(key, value);
}

function sameDetail(a: CellDetail | undefined, b: CellDetail | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.foreground === b.foreground &&
    a.background === b.background &&
    a.underline === b.underline &&
    a.underlineColour === b.underlineColour &&
    a.overline === b.overline
  );
}

export type Span = readonly [text: string, ink: InkRole, ground?: Ground];

/** Returns the columns of texts in which every character has one. */
export function spansWidth(spans: readonly Span[]): number {
  let width = 0;
  for (const [text] of spans) width += charsIn(text);
  return width;
}
