/** A node's output for a script: lines in the order in which it printed them, and what they match. */
import type { Pattern } from '../../config/pattern.ts';
import { PrintedLines } from '../../console/printed-lines.ts';
import { print } from '../output.ts';

/** Characters that expectations may look back on: a node that prints without end must not fill memory. */
const LOOK_BACK = 64 * 1024;

export class ScriptPrinter {
  readonly #raw: boolean;
  #printed: PrintedLines | null = null;
  /** Lines that no expectation has used, and how much of the unfinished one is used. */
  #lines = '';
  #used = 0;
  /** What the last expectation looked at in vain: only other text is looked at again. */
  #looked: { pattern: Pattern; text: string } | null = null;
  /** The last expectation was met. */
  met = false;

  /** `raw`: the node's bytes go out as they are, knowingly; expectations see text all the same. */
  constructor(raw: boolean) {
    this.#raw = raw;
  }

  open(cols: number): void {
    this.#printed = new PrintedLines(cols, (line) => this.#ended(line));
  }

  write(bytes: Uint8Array): void {
    if (this.#raw) process.stdout.write(bytes);
    this.#printed?.feed(bytes);
  }

  /**
   * Lines are missing from here to the screen as it is now: what stood unfinished ends. Raw output has no screen: its
   * bytes go on where they go on.
   */
  resync(cols: number, screen: Uint8Array): void {
    this.#printed?.break();
    this.open(cols);
    this.#used = 0;
    this.#printed?.feed(screen);
  }

  /** Does what was printed since the last match hold this? What it matched is used up then. */
  expect(pattern: Pattern): boolean {
    const text = this.#lines + this.#open.slice(this.#used);
    this.met = false;
    if (this.#looked?.pattern === pattern && this.#looked.text === text) return false;
    this.#looked = { pattern, text };
    const match = pattern.find(text);
    if (match === null) return false;
    this.met = true;
    this.#looked = null;
    if (match.end >= this.#lines.length) {
      this.#used += match.end - this.#lines.length;
      this.#lines = '';
    } else this.#lines = this.#lines.slice(match.end);
    return true;
  }

  get lastLine(): string {
    const open = this.#open.trim();
    return open === '' ? (this.#lines.trimEnd().split('\n').at(-1) ?? '') : open;
  }

  /** Prints what is left, and ends. */
  close(): void {
    this.#printed?.break();
    this.#printed = null;
  }

  get #open(): string {
    return this.#printed?.open ?? '';
  }

  #ended(line: string): void {
    if (!this.#raw) print(line);
    this.#lines = `${this.#lines}${line.slice(this.#used)}\n`.slice(-LOOK_BACK);
    this.#used = 0;
  }
}
