/**
 * Shows a node's output on a bare terminal. The screen display draws an emulator's changed rows; lines that leave
 * the top go into the terminal's own scrollback, and the last row is the status line. The raw display, on request,
 * passes the bytes through.
 */
import type { WriteStream } from 'node:tty';
import type { IBufferLine, IMarker } from '@xterm/headless';
import type { ConsoleJoined } from '../../api/methods.ts';
import { cellText, isDisputed, type PaintedCell, paintCells, sgrOf } from '../../console/cells.ts';
import { NodeTerminal } from '../../console/emulator.ts';
import { shown } from '../terminal-output.ts';

/** Cancels a sequence that was cut off, and resets a terminal to the state that a screen's sequences expect. */
export const EMPTY_SCREEN = '\x18\x1b[!p\x1b[H\x1b[2J';

interface Screen {
  cols: number;
  rows: number;
}

export class Painter {
  readonly #emulator: Emulator;
  readonly #write: (text: string) => void;
  /** False: there is no status line, and the modes of keys stay as they are. */
  readonly #live: boolean;
  #screen: Screen;
  #painted: string[] = [];
  #cursorAt = '';
  /** Row of the emulator that is shown at the top. */
  #offset = 0;
  #wasAlternate = false;
  #modes = '';
  #status = '';

  constructor(emulator: Emulator, screen: Screen, write: (text: string) => void, live = true) {
    this.#emulator = emulator;
    this.#screen = screen;
    this.#write = write;
    this.#live = live;
  }

  /** Moves the terminal's former content into its scrollback. */
  begin(): void {
    // Bracketed paste distinguishes a paste from typing, whatever the node's program requested: its line ends become
    // those of a keyboard.
    this.#write(`\x1b[?2004h\x1b[?7l${'\n'.repeat(this.#screen.rows)}`);
    this.#reset();
  }

  resize(screen: Screen): void {
    this.#screen = screen;
    this.#reset();
    this.paint();
  }

  /** Sets the text of the status line. */
  status(text: string): void {
    if (text === this.#status) return;
    this.#status = text;
    this.#write(this.#statusRow() + this.#cursor());
  }

  paint(): void {
    const { alternate } = this.#emulator;
    let out = alternate ? '' : this.#scroll();
    if (alternate !== this.#wasAlternate) this.#painted = [];
    this.#wasAlternate = alternate;
    this.#offset = this.#wantedOffset();
    for (let y = 0; y < this.#height; y++) {
      const line = this.#row(y);
      if (line !== this.#painted[y]) out += `\x1b[${y + 1};1H${line}${this.#restOf(this.#offset + y)}`;
      this.#painted[y] = line;
    }
    out += this.#modeChanges();
    const cursor = this.#cursor();
    if (out !== '' || cursor !== this.#cursorAt) this.#write(out + cursor);
    this.#cursorAt = cursor;
  }

  /** Moves the screen into the terminal's scrollback, followed by this line; the emulator starts empty. */
  restart(line: string): void {
    const height = this.#height;
    const upwards = `\x1b[${height};1H${'\n'.repeat(height)}\x1b[1;1H${shown(line)}\x1b[K\x1b[${height};1H\n`;
    if (!this.#wasAlternate) this.#write(`\x1b[0m${upwards}`);
    this.#offset = 0;
    this.#reset();
  }

  /** Restores the terminal and leaves the screen's content. */
  end(): void {
    const { rows } = this.#screen;
    this.#write(`\x1b[r\x1b[?1l\x1b>\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[0m\x1b[${rows};1H\x1b[K`);
  }

  get #height(): number {
    return Math.max(1, Math.min(this.#screen.rows - (this.#live ? 1 : 0), this.#emulator.terminal.rows));
  }

  /** Returns the offset: a terminal with fewer rows than the node's size shows those above the cursor. */
  #wantedOffset(): number {
    return Math.max(0, this.#emulator.terminal.buffer.active.cursorY - this.#height + 1);
  }

  #row(y: number): string {
    return paintLine(this.#emulator.line(this.#offset + y), this.#screen.cols);
  }

  /** Returns the sequence that erases what is behind a line; a filled one leaves the cursor in its last column. */
  #restOf(y: number): string {
    const last = this.#emulator.line(y)?.getCell(this.#screen.cols - 1);
    const blank =
      last === undefined || (last.getWidth() > 0 && cellText(last.getChars()) === ' ' && sgrOf(last) === '0');
    return blank ? '\x1b[K' : '';
  }

  /** Scrolls by the number of lines that left the top: each is painted a last time, then scrolled out. */
  #scroll(): string {
    const lines = this.#emulator.takeScrolled() + this.#wantedOffset() - this.#offset;
    if (this.#wasAlternate || lines <= 0) return '';
    let out = '';
    for (let left = lines; left > 0; left--) {
      const line = paintLine(this.#emulator.line(this.#wantedOffset() - left), this.#screen.cols);
      if (line !== this.#painted[0]) out += `\x1b[1;1H${line}${this.#restOf(this.#wantedOffset() - left)}`;
      out += `\x1b[0m\x1b[${this.#height};1H\n`;
      this.#painted.shift();
      this.#painted[this.#height - 1] = '';
    }
    return out;
  }

  #reset(): void {
    this.#painted = Array.from({ length: this.#height }, () => '');
    this.#modes = '';
    this.#write(`\x1b[0m\x1b[1;${this.#height}r\x1b[2J${this.#statusRow()}${this.#cursor()}`);
  }

  #statusRow(): string {
    if (!this.#live) return '';
    const { cols, rows } = this.#screen;
    const whole = Array.from(shown(this.#status));
    const text = (whole.length < cols ? whole : [...whole.slice(0, cols - 2), '…']).join('');
    return `\x1b[${rows};1H\x1b[0;7m${text.padEnd(cols - 1)}\x1b[0m`;
  }

  /** Returns the changed modes: those that keys depend on are passed on to the terminal, and no others. */
  #modeChanges(): string {
    if (!this.#live) return '';
    const { modes } = this.#emulator.terminal;
    const wanted = [
      `\x1b[?1${modes.applicationCursorKeysMode ? 'h' : 'l'}`,
      `\x1b${modes.applicationKeypadMode ? '=' : '>'}`,
    ].join('');
    if (wanted === this.#modes) return '';
    this.#modes = wanted;
    return wanted;
  }

  #cursor(): string {
    const { cursorX, cursorY } = this.#emulator.terminal.buffer.active;
    const x = Math.min(cursorX, this.#screen.cols - 1);
    return `\x1b[${cursorY - this.#offset + 1};${x + 1}H`;
  }
}

export interface Display {
  data(bytes: Uint8Array): void | Promise<void>;
  /** Shows the present screen after a part of the output was left out; `gap` describes the part. */
  resync(gap: string, cols: number, rows: number, screen: Uint8Array): void | Promise<void>;
  /** Shows a message about the console. */
  status(text: string): void;
  /** Called when the size of the operator's terminal changed. */
  resized(): void;
  /** Called when the node's size changed. */
  resizeNode(cols: number, rows: number): void;
  /** Restores the terminal until {@link resume}. */
  suspend(): void;
  resume(): void;
  /** True where the node's program requested bracketed paste. */
  readonly bracketedPaste: boolean;
  /** True while a full-screen program of the node has the screen. */
  readonly fullScreen: boolean;
  /** Restores the terminal. */
  end(): void;
}

export class PaintedDisplay implements Display {
  readonly #emulator: Emulator;
  readonly #painter: Painter;
  readonly #stdout: WriteStream;

  constructor({ cols, rows }: ConsoleJoined, stdout: WriteStream) {
    this.#stdout = stdout;
    this.#emulator = new Emulator(cols, rows);
    this.#painter = new Painter(this.#emulator, sizeOf(stdout), (text) => stdout.write(text));
    this.#painter.begin();
  }

  data(bytes: Uint8Array): Promise<void> {
    return this.#emulator.write(bytes, () => this.#painter.paint());
  }

  async resync(gap: string, cols: number, rows: number, screen: Uint8Array): Promise<void> {
    this.#painter.restart(`[rackui: ${gap}]`);
    this.#emulator.restart(cols, rows);
    await this.data(screen);
    this.resized();
    this.status(gap);
  }

  status(text: string): void {
    this.#painter.status(text);
  }

  resized(): void {
    this.#painter.resize(sizeOf(this.#stdout));
  }

  resizeNode(cols: number, rows: number): void {
    this.#emulator.terminal.resize(cols, rows);
    this.resized();
  }

  get bracketedPaste(): boolean {
    return this.#emulator.terminal.modes.bracketedPasteMode;
  }

  get fullScreen(): boolean {
    return this.#emulator.alternate;
  }

  suspend(): void {
    this.#painter.end();
  }

  resume(): void {
    this.#painter.begin();
    this.#painter.paint();
  }

  end(): void {
    this.#painter.end();
    this.#emulator.dispose();
  }
}

/** Passes the node's bytes to the terminal, which executes them; rackui's own messages have lines of their own. */
export class RawDisplay implements Display {
  readonly #stdout: WriteStream;

  constructor(stdout: WriteStream) {
    this.#stdout = stdout;
  }

  data(bytes: Uint8Array): void {
    this.#stdout.write(bytes);
  }

  resync(gap: string, _cols: number, _rows: number, screen: Uint8Array): void {
    this.#stdout.write(EMPTY_SCREEN);
    this.#stdout.write(screen);
    this.status(gap);
  }

  status(text: string): void {
    this.#stdout.write(`\r\n[rackui: ${shown(text)}]\r\n`);
  }

  resized(): void {
    // The node's output depends on no size.
  }

  resizeNode(): void {
    // There is no screen of rackui's own.
  }

  /** Pastes are bracketed only where the node's program requested it from this very terminal. */
  readonly bracketedPaste = true;

  /** Not known: the node's output is not read. */
  readonly fullScreen = false;

  suspend(): void {
    this.end();
  }

  resume(): void {
    // The node's program draws the screen itself.
  }

  end(): void {
    this.#stdout.write('\r\n');
  }
}

function sizeOf(stdout: WriteStream): Screen {
  return { cols: stdout.columns || 80, rows: stdout.rows || 24 };
}

/** More lines than one piece of {@link PIECE} bytes can scroll: none is lost between two calls. */
const SCROLLBACK = 8192;
const PIECE = 4096;

export class Emulator {
  readonly terminal: NodeTerminal;
  /** Marks the topmost line of the normal screen at the last call, wherever that line is now. */
  #top: IMarker | undefined;

  constructor(cols: number, rows: number) {
    this.terminal = new NodeTerminal({ cols, rows, scrollback: SCROLLBACK });
    this.#mark();
  }

  /** Parses in pieces; `look` is called after each. */
  async write(bytes: Uint8Array, look: () => void): Promise<void> {
    for (let from = 0; from < bytes.length; from += PIECE) {
      await new Promise<void>((resolve) => this.terminal.write(bytes.subarray(from, from + PIECE), resolve));
      look();
    }
  }

  /** Resets the emulator: empty, default modes, this size. */
  restart(cols: number, rows: number): void {
    this.terminal.reset();
    this.terminal.resize(cols, rows);
    this.#mark();
  }

  get alternate(): boolean {
    return this.terminal.buffer.active.type === 'alternate';
  }

  /**
   * Returns the number of lines that left the normal screen at its top since the last call; 0 on the alternate
   * screen.
   */
  takeScrolled(): number {
    if (this.alternate) return 0;
    // The mark vanished with an erased scrollback: then the number is unknown, and nothing is left to show.
    const erased = this.#top === undefined || this.#top.isDisposed;
    const scrolled = erased ? 0 : this.terminal.buffer.active.baseY - (this.#top?.line ?? 0);
    if (erased || scrolled !== 0) this.#mark();
    return Math.max(0, scrolled);
  }

  /** Returns a line, counted from the top of the screen; negative lines are scrollback. */
  line(y: number): IBufferLine | undefined {
    const { active } = this.terminal.buffer;
    return active.getLine(active.baseY + y);
  }

  dispose(): void {
    this.terminal.dispose();
  }

  #mark(): void {
    this.#top?.dispose();
    this.#top = this.terminal.registerMarker(-this.terminal.buffer.active.cursorY);
  }
}

/** Returns the line as text with newly made colour sequences, at most `cols` wide. */
export function paintLine(line: IBufferLine | undefined, cols: number): string {
  if (line === undefined) return '';
  const cells: PaintedCell[] = [];
  for (let x = 0; x < Math.min(cols, line.length); x++) {
    const cell = line.getCell(x);
    const width = cell?.getWidth() ?? 0;
    if (cell === undefined || width === 0) continue;
    // A wide character that would extend beyond the edge.
    const text = x + width > cols ? ' ' : cellText(cell.getChars());
    cells.push({ text, width, sgr: sgrOf(cell), disputed: text !== ' ' && isDisputed(text, width) });
  }
  const { text, style } = paintCells(cells, 0, '0');
  // Blanks of the default style need not be sent: the line's rest is erased.
  return style === '0' ? text.replace(/ +$/, '') : `${text}\x1b[0m`;
}
