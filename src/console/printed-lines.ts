/**
 * Collects a node's output as lines in the order in which it was printed, whatever happened to the screen in between:
 * a clear, a reset or a cursor move elsewhere ends a line and loses none. Within a line it is edited as on a
 * terminal. Pure.
 */
import { SequenceParser } from './sequence-parser.ts';

/** 0 to 255: of the palette; otherwise red, green, blue; null: the default. */
export type Colour = number | readonly [number, number, number] | null;

export interface Pen {
  readonly fg: Colour;
  readonly bg: Colour;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
  readonly hidden: boolean;
  readonly strike: boolean;
  readonly overline: boolean;
}

export const PLAIN_PEN: Pen = {
  fg: null,
  bg: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
  hidden: false,
  strike: false,
  overline: false,
};

/** The attributes that one parameter without arguments sets. */
const SETS: Readonly<Record<number, Partial<Pen>>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  7: { inverse: true },
  8: { hidden: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  28: { hidden: false },
  29: { strike: false },
  39: { fg: null },
  49: { bg: null },
  53: { overline: true },
  55: { overline: false },
};

/** Returns the pen after `CSI parameters m`; what is not known changes nothing. */
function applySgr(pen: Pen, parameters: string): Pen {
  let next = pen;
  const rest = parameters.split(';');
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [code = 0, ...own] = word.split(':').map(Number);
    if (code === 0) next = PLAIN_PEN;
    else if (code === 4) next = { ...next, underline: own[0] !== 0 };
    else if (code === 38 || code === 48 || code === 58) {
      // With colons a colour is one parameter, and may have an empty place for its colour space.
      const colour = own.length > 0 ? colourOf(own.length > 4 ? own.toSpliced(1, 1) : own) : colourFrom(rest);
      if (colour !== undefined && code !== 58) next = { ...next, [code === 38 ? 'fg' : 'bg']: colour };
    } else next = { ...next, ...(paletteOf(code) ?? SETS[code]) };
  }
  return next;
}

/** Takes a colour's parameters from the beginning of the list. */
function colourFrom(rest: string[]): Colour | undefined {
  const kind = Number(rest[0]);
  return colourOf(rest.splice(0, kind === 2 ? 4 : kind === 5 ? 2 : 1).map(Number));
}

function colourOf([kind, ...values]: readonly number[]): Colour | undefined {
  const [red = 0, green = 0, blue = 0] = values;
  if (values.some((value) => !(value >= 0 && value <= 255))) return undefined;
  return kind === 5 ? red : kind === 2 ? [red, green, blue] : undefined;
}

function paletteOf(code: number): Partial<Pen> | null {
  const tens = Math.floor(code / 10);
  const bright = tens >= 9 ? 8 : 0;
  const index = code % 10;
  if (index > 7) return null;
  if (tens === 3 || tens === 9) return { fg: index + bright };
  return tens === 4 || tens === 10 ? { bg: index + bright } : null;
}

/** Maximum of a line, characters; a longer one is printed in pieces. */
const LINE_LIMIT = 16_384;
const TAB = 8;
/** Matches marks that belong to the character before them. */
const JOINS = /^[\p{M}\u200d\ufe00-\ufe0f]/u;
const ALTERNATE_SCREENS: readonly string[] = ['47', '1047', '1049'];

/** A character with its marks, and how it was written. */
export interface PrintedCell {
  text: string;
  pen: Pen;
}

const BLANK: PrintedCell = { text: ' ', pen: PLAIN_PEN };

export class PrintedLines {
  readonly #cols: number;
  readonly #ended: (line: string, cells: readonly PrintedCell[]) => void;
  readonly #parser: SequenceParser;
  readonly #decoder = new TextDecoder();
  /** The line's cells without wrapping: column `x` of its row `y` is at `y * cols + x`. */
  #cells: PrintedCell[] = [];
  #pen = PLAIN_PEN;
  #at = 0;
  #saved = 0;
  #alternate = false;

  /** `cols`: columns at which a terminal wraps; `ended` gets each finished line, without blanks at its end. */
  constructor(cols: number, ended: (line: string, cells: readonly PrintedCell[]) => void) {
    this.#cols = cols;
    this.#ended = ended;
    this.#parser = new SequenceParser({
      text: (bytes) => this.#print(this.#decoder.decode(bytes)),
      control: (byte) => this.#control(byte),
      escape: (intermediates, final) => this.#escape(intermediates + final),
      csi: (parameters, final) => this.#csi(parameters, final),
      string: () => undefined,
    });
  }

  feed(bytes: Uint8Array): void {
    this.#parser.feed(bytes);
  }

  /** The unfinished line up to the cursor, with the blanks at its end, which are part of a prompt. */
  get open(): string {
    return this.#alternate ? '' : this.#textTo(this.#at);
  }

  /** True while a program uses the alternate screen, whose output is left out. */
  get alternate(): boolean {
    return this.#alternate;
  }

  /** True in the middle of a line. */
  get begun(): boolean {
    return this.#cells.length > 0;
  }

  /** Ends an unfinished line, unless it is blank, because other output follows. */
  break(): void {
    if (this.#textTo(this.#cells.length).trim() !== '') this.#end();
    else this.#start();
  }

  #print(text: string): void {
    if (this.#alternate) return;
    for (const char of text) {
      const before = this.#at > 0 && JOINS.test(char) ? (this.#cells[this.#at - 1] ?? BLANK) : null;
      if (before) this.#cells[this.#at - 1] = { ...before, text: before.text + char };
      else this.#cells[this.#at++] = { text: char, pen: this.#pen };
      if (this.#at >= LINE_LIMIT) this.#end();
    }
  }

  #control(byte: number): void {
    if (this.#alternate) return;
    if (byte === 0x0d) this.#at = this.#rowStart();
    else if (byte === 0x0a || byte === 0x0b || byte === 0x0c) this.#lineFeed();
    else if (byte === 0x08) this.#at = Math.max(this.#rowStart(), this.#at - 1);
    else if (byte === 0x09) {
      const rest = this.#cols - 1 - this.#column();
      this.#at += Math.max(0, Math.min(TAB - (this.#column() % TAB), rest));
    }
  }

  #escape(sequence: string): void {
    if (sequence === '7') this.#saved = this.#at;
    else if (sequence === '8') this.#at = Math.min(this.#saved, this.#cells.length);
    else if (sequence === 'D' || sequence === 'E') this.#control(0x0a);
    else if (sequence === 'c') {
      this.#pen = PLAIN_PEN;
      this.#alternate = false;
      this.break();
    } else if (sequence === 'M') this.#up(1);
  }

  #csi(parameters: string, final: string): void {
    if (parameters.startsWith('?') && (final === 'h' || final === 'l')) {
      if (
        parameters
          .slice(1)
          .split(';')
          .some((mode) => ALTERNATE_SCREENS.includes(mode))
      )
        this.#switch(final === 'h');
      return;
    }
    if (final === 'm' && !/[^\d;:]/.test(parameters)) this.#pen = applySgr(this.#pen, parameters);
    if (this.#alternate || /[^\d;]/.test(parameters)) return;
    const first = Number.parseInt(parameters, 10) || 0;
    const n = Math.min(Math.max(1, first), LINE_LIMIT);
    const rowEnd = this.#rowStart() + this.#cols;
    switch (final) {
      case 'A':
        this.#up(n);
        return;
      case 'B':
        if (this.#isRow(this.#row() + n)) this.#at += n * this.#cols;
        else this.break();
        return;
      case 'C':
        this.#at = Math.min(rowEnd - 1, this.#at + n);
        return;
      case 'D':
        this.#at = Math.max(this.#rowStart(), this.#at - n);
        return;
      case 'G':
      case '`':
        this.#at = Math.min(rowEnd - 1, this.#rowStart() + n - 1);
        return;
      case 'K':
        this.#erase(first === 0 ? this.#at : this.#rowStart(), first === 1 ? this.#at + 1 : rowEnd);
        return;
      case 'J':
        if (first === 0) this.#erase(this.#at, this.#cells.length);
        else this.break();
        return;
      case 'P':
        this.#cells.splice(this.#at, n);
        return;
      case '@':
        if (this.#at < this.#cells.length) this.#cells.splice(this.#at, 0, ...Array.from({ length: n }, () => BLANK));
        return;
      case 'X':
        this.#erase(this.#at, Math.min(rowEnd, this.#at + n));
        return;
      case 'b':
        this.#print((this.#cells[this.#at - 1]?.text ?? '').repeat(n));
        return;
      case 's':
        this.#saved = this.#at;
        return;
      case 'u':
        this.#at = Math.min(this.#saved, this.#cells.length);
        return;
      // The cursor moves elsewhere, or the screen scrolls.
      case 'E':
      case 'F':
      case 'H':
      case 'f':
      case 'd':
      case 'r':
      case 'L':
      case 'M':
      case 'S':
      case 'T':
        this.break();
    }
  }

  #switch(on: boolean): void {
    this.break();
    this.#alternate = on;
  }

  /** Moves down within a command line of several rows; at its last row the line ends. */
  #lineFeed(): void {
    const column = this.#column();
    if (this.#isRow(this.#row() + 1)) {
      this.#at = this.#rowStart() + this.#cols + column;
      return;
    }
    this.#end();
    this.#at = column;
  }

  #up(n: number): void {
    if (this.#row() >= n) this.#at -= n * this.#cols;
    else this.break();
  }

  #erase(from: number, to: number): void {
    if (to >= this.#cells.length) this.#cells.length = Math.min(from, this.#cells.length);
    else this.#cells.fill(BLANK, from, to);
  }

  #end(): void {
    const line = this.#textTo(this.#cells.length).trimEnd();
    const cells = Array.from(this.#cells, (cell: PrintedCell | undefined) => cell ?? BLANK);
    this.#start();
    this.#ended(line, cells);
  }

  #start(): void {
    this.#cells = [];
    this.#at = this.#saved = 0;
  }

  #textTo(end: number): string {
    return Array.from({ length: end }, (_, i) => this.#cells[i]?.text ?? ' ').join('');
  }

  /** Row of the cursor; a full row is left only with the next character. */
  #row(): number {
    const { length } = this.#cells;
    const due = this.#at > 0 && this.#at === length && this.#at % this.#cols === 0;
    return Math.floor(this.#at / this.#cols) - (due ? 1 : 0);
  }

  #isRow(row: number): boolean {
    return row * this.#cols < this.#cells.length;
  }

  #rowStart(): number {
    return this.#row() * this.#cols;
  }

  #column(): number {
    return Math.min(this.#cols - 1, this.#at - this.#rowStart());
  }
}
