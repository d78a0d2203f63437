/** A node's output for a script: lines as an emulator shows them, printed when they are final, and what they match. */
import { print } from '../output.ts';
import { Emulator } from './emulator.ts';

/** Characters that expectations may look back on: a node that prints without end must not fill memory. */
const LOOK_BACK = 64 * 1024;

export class ScriptPrinter {
  readonly #raw: boolean;
  #emulator: Emulator | null = null;
  /** Row of the first line that is not printed yet; negative when it has scrolled out. */
  #next = 0;
  /** Final lines that no expectation has used, and how much of the unfinished one is used. */
  #lines = '';
  #used = 0;
  /** The last expectation was met. */
  met = false;

  /** `raw`: the node's bytes go out as they are, knowingly; expectations see text all the same. */
  constructor(raw: boolean) {
    this.#raw = raw;
  }

  open(cols: number, rows: number): void {
    this.#emulator = new Emulator(cols, rows);
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#raw) process.stdout.write(bytes);
    await this.#emulator?.write(bytes, () => this.#printTo('cursor'));
  }

  /**
   * Lines are missing from here to the screen as it is now: what stood unfinished ends. Raw output has no screen: its
   * bytes go on where they go on.
   */
  async resync(cols: number, rows: number, screen: Uint8Array): Promise<void> {
    const emulator = this.#emulator;
    if (emulator === null) return;
    this.#printTo('end');
    emulator.restart(cols, rows);
    this.#next = 0;
    this.#used = 0;
    await emulator.write(screen, () => this.#printTo('cursor'));
  }

  /** Does what was printed since the last match hold this? What it matched is used up then. */
  expect(pattern: RegExp): boolean {
    const open = this.#openLine();
    const text = this.#lines + open.slice(this.#used);
    const match = pattern.exec(text);
    this.met = match !== null;
    if (match === null) return false;
    const end = match.index + match[0].length;
    if (end >= this.#lines.length) {
      this.#used += end - this.#lines.length;
      this.#lines = '';
    } else this.#lines = this.#lines.slice(end);
    return true;
  }

  get lastLine(): string {
    const open = this.#openLine().trim();
    return open === '' ? (this.#lines.trimEnd().split('\n').at(-1) ?? '') : open;
  }

  /** Prints what is left, and ends. */
  close(): void {
    this.#printTo('end');
    this.#emulator?.dispose();
    this.#emulator = null;
  }

  /** The line at the cursor, up to it: blanks at its end are part of a prompt. */
  #openLine(): string {
    const emulator = this.#emulator;
    if (emulator === null || emulator.alternate) return '';
    const { cursorX, cursorY } = emulator.terminal.buffer.active;
    return emulator.line(cursorY)?.translateToString(false, 0, cursorX) ?? '';
  }

  #printTo(where: 'cursor' | 'end'): void {
    const emulator = this.#emulator;
    if (emulator === null || emulator.alternate) return;
    this.#next -= emulator.takeScrolled();
    const { cursorY } = emulator.terminal.buffer.active;
    let text = '';
    for (; this.#next < cursorY || (where === 'end' && this.#next === cursorY); this.#next++) {
      text += emulator.line(this.#next)?.translateToString(true) ?? '';
      if (emulator.line(this.#next + 1)?.isWrapped === true) continue;
      if (!this.#raw && (where === 'cursor' || text !== '')) print(text);
      this.#lines = `${this.#lines}${text.slice(this.#used)}\n`.slice(-LOOK_BACK);
      this.#used = 0;
      text = '';
    }
  }
}
