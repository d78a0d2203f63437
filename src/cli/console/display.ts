/**
 * Shows a node's output on a bare terminal. The screen display draws an emulator's changed rows; lines that leave
 * the top go into the terminal's own scrollback, and the last row is the status line. The raw display, on request,
 * passes the bytes through.
 */
import type { WriteStream } from 'node:tty';
import type { ConsoleJoined } from '../../api/methods.ts';
import { shown } from '../terminal-output.ts';
import { Emulator, paintLine } from './emulator.ts';

export interface Screen {
  cols: number;
  rows: number;
}

export class Painter {
  readonly #emulator: Emulator;
  readonly #write: (text: string) => void;
  #screen: Screen;
  #painted: string[] = [];
  /** Row of the emulator that is shown at the top. */
  #offset = 0;
  #wasAlternate = false;
  #modes = '';
  #status = '';

  constructor(emulator: Emulator, screen: Screen, write: (text: string) => void) {
    this.#emulator = emulator;
    this.#screen = screen;
    this.#write = write;
  }

  /** Moves the terminal's former content into its scrollback. */
  begin(): void {
    // Bracketed paste distinguishes a paste from typing, whatever the node's program requested: its line ends become
    // those of a keyboard.
    this.#write(`\x1b[?2004h${'\n'.repeat(this.#screen.rows)}`);
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
      if (line !== this.#painted[y]) out += `\x1b[${y + 1};1H${line}\x1b[K`;
      this.#painted[y] = line;
    }
    this.#write(out + this.#modeChanges() + this.#cursor());
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
    this.#write(`\x1b[r\x1b[?1l\x1b>\x1b[?2004l\x1b[?25h\x1b[0m\x1b[${rows};1H\x1b[K`);
  }

  get #height(): number {
    return Math.max(1, Math.min(this.#screen.rows - 1, this.#emulator.terminal.rows));
  }

  /** Returns the offset: a terminal with fewer rows than the node's size shows those above the cursor. */
  #wantedOffset(): number {
    return Math.max(0, this.#emulator.terminal.buffer.active.cursorY - this.#height + 1);
  }

  #row(y: number): string {
    return paintLine(this.#emulator.line(this.#offset + y), this.#screen.cols);
  }

  /** Scrolls by the number of lines that left the top: each is painted a last time, then scrolled out. */
  #scroll(): string {
    const lines = this.#emulator.takeScrolled() + this.#wantedOffset() - this.#offset;
    if (this.#wasAlternate || lines <= 0) return '';
    let out = '';
    for (let left = lines; left > 0; left--) {
      const line = paintLine(this.#emulator.line(this.#wantedOffset() - left), this.#screen.cols);
      if (line !== this.#painted[0]) out += `\x1b[1;1H${line}\x1b[K`;
      out += `\x1b[0m\x1b[${this.#height};1H\n`;
      this.#painted.shift();
      this.#painted[this.#height - 1] = '';
    }
    return out;
  }

  #reset(): void {
    this.#painted = [];
    this.#modes = '';
    this.#write(`\x1b[0m\x1b[1;${this.#height}r\x1b[2J${this.#statusRow()}${this.#cursor()}`);
  }

  #statusRow(): string {
    const { cols, rows } = this.#screen;
    const whole = Array.from(shown(this.#status));
    const text = (whole.length < cols ? whole : [...whole.slice(0, cols - 2), '…']).join('');
    return `\x1b[${rows};1H\x1b[0;7m${text.padEnd(cols - 1)}\x1b[0m`;
  }

  /** Returns the changed modes: those that keys depend on are passed on to the terminal, and no others. */
  #modeChanges(): string {
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

/** Passes the node's bytes to the terminal, which executes them; rackui's own messages stand on lines of their own. */
export class RawDisplay implements Display {
  readonly #stdout: WriteStream;

  constructor(stdout: WriteStream) {
    this.#stdout = stdout;
  }

  data(bytes: Uint8Array): void {
    this.#stdout.write(bytes);
  }

  /** Cancels a sequence that was cut off, and resets the terminal to the state that the screen's sequences expect. */
  resync(gap: string, _cols: number, _rows: number, screen: Uint8Array): void {
    this.#stdout.write('\x18\x1b[!p\x1b[H\x1b[2J');
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
