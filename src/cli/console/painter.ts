/**
 * Brings the emulator's cells to the operator's terminal, row by row where they changed. Lines that leave the top go
 * into the terminal's own scrollback. The last row belongs to the status line.
 */
import { paintLine, type Emulator } from './emulator.ts';
import { shown } from '../output.ts';

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
