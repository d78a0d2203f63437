/**
 * Collects a node's output as lines in the order in which it was printed, whatever happened to the screen in between:
 * a clear, a reset or a cursor move elsewhere ends a line and loses none. Within a line it is edited as on a
 * terminal. Pure.
 */
import { applySgr, type Pen, PLAIN_PEN } from './pen.ts';
import { SequenceParser } from './sequence-parser.ts';

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
