/**
 * Where a node's output goes at a bare terminal: as cells of an emulator, or, asked for knowingly, as it comes.
 *
 * Brings the emulator's cells to the operator's terminal, row by row where they changed. Lines that leave the top go
 * into the terminal's own scrollback. The last row belongs to the status line.
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
  /** The emulator's row that stands at the top. */
  #offset = 0;
  #wasAlternate = false;
  #modes = '';
  #status = '';

  constructor(emulator: Emulator, screen: Screen, write: (text: string) => void) {
    this.#emulator = emulator;
    this.#screen = screen;
    this.#write = write;
  }

  /** What was on the terminal moves up into its scrollback. */
  begin(): void {
    // A paste is told from typing whatever the node's program makes of it: line ends become those of a keyboard.
    this.#write(`\x1b[?2004h${'\n'.repeat(this.#screen.rows)}`);
    this.#reset();
  }

  resize(screen: Screen): void {
    this.#screen = screen;
    this.#reset();
    this.paint();
  }

  /** The text at the bottom. */
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

  /** What stands there moves up into the terminal's scrollback, and this line behind it; the emulator begins anew. */
  restart(line: string): void {
    const height = this.#height;
    const upwards = `\x1b[${height};1H${'\n'.repeat(height)}\x1b[1;1H${shown(line)}\x1b[K\x1b[${height};1H\n`;
    if (!this.#wasAlternate) this.#write(`\x1b[0m${upwards}`);
    this.#offset = 0;
    this.#reset();
  }

  /** Leaves what is on the screen where it is; the terminal is as it was. */
  end(): void {
    const { rows } = this.#screen;
    this.#write(`\x1b[r\x1b[?1l\x1b>\x1b[?2004l\x1b[?25h\x1b[0m\x1b[${rows};1H\x1b[K`);
  }

  get #height(): number {
    return Math.max(1, Math.min(this.#screen.rows - 1, this.#emulator.terminal.rows));
  }

  /** A terminal with fewer rows than the node believes shows those above the cursor. */
  #wantedOffset(): number {
    return Math.max(0, this.#emulator.terminal.buffer.active.cursorY - this.#height + 1);
  }

  #row(y: number): string {
    return paintLine(this.#emulator.line(this.#offset + y), this.#screen.cols);
  }

  /** As many lines as left the top of what is shown: each is painted a last time, then scrolled out. */
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

  /** Keys must come as the node's programs expect them: those modes, and no others, are passed on. */
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
  /** Some of what the node printed was left out, as `gap` says: its screen as it is now. */
  resync(gap: string, cols: number, rows: number, screen: Uint8Array): void | Promise<void>;
  /** A word about the console. */
  status(text: string): void;
  /** The operator's terminal has another size. */
  resized(): void;
  /** The node was told another size. */
  resizeNode(cols: number, rows: number): void;
  /** The terminal is as it was, until {@link resume}. */
  suspend(): void;
  resume(): void;
  /** The node's program wants to know what is pasted. */
  readonly bracketedPaste: boolean;
  /** The terminal is as it was. */
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

/** The node's bytes reach the terminal and may do with it what they like; our words stand on lines of their own. */
export class RawDisplay implements Display {
  readonly #stdout: WriteStream;

  constructor(stdout: WriteStream) {
    this.#stdout = stdout;
  }

  data(bytes: Uint8Array): void {
    this.#stdout.write(bytes);
  }

  /** A sequence that was cut off is cancelled, and the terminal is as the screen's sequences expect it. */
  resync(gap: string, _cols: number, _rows: number, screen: Uint8Array): void {
    this.#stdout.write('\x18\x1b[!p\x1b[H\x1b[2J');
    this.#stdout.write(screen);
    this.status(gap);
  }

  status(text: string): void {
    this.#stdout.write(`\r\n[rackui: ${shown(text)}]\r\n`);
  }

  resized(): void {
    // The node's output knows no size.
  }

  resizeNode(): void {
    // Nor is there a screen of ours.
  }

  /** Pastes are bracketed only where the node's program has asked this very terminal for it. */
  readonly bracketedPaste = true;

  suspend(): void {
    this.end();
  }

  resume(): void {
    // What stood there is the node's affair.
  }

  end(): void {
    this.#stdout.write('\r\n');
  }
}

function sizeOf(stdout: WriteStream): Screen {
  return { cols: stdout.columns || 80, rows: stdout.rows || 24 };
}
