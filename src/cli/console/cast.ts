/**
 * Writes a console's log as an asciicast, which asciinema plays: version 3, or version 2 for players before asciinema 3.
 * Its output is what an emulator painted, never the node's own bytes: a cast is played on an operator's terminal.
 */
import type { TimedEvent } from '../../api/node.ts';
import { RESET_MODES } from '../../console/emulator.ts';
import { clockShift } from '../../console/log-lines.ts';
import { Emulator, Painter } from './display.ts';

export interface CastOptions {
  version: 2 | 3;
  title: string;
  /** Seconds to which players shorten a pause; null: none is shortened. */
  idleS: number | null;
}

const SIZE = { cols: 80, rows: 24 };
/** Ends the scrolling region, and shows the cursor, where it is. */
const END = '\x1b7\x1b[r\x1b8\x1b[0m\x1b[?25h';

export class CastWriter {
  readonly #options: CastOptions;
  readonly #write: (line: string) => void;
  readonly #emulator: Emulator;
  readonly #painter: Painter;
  #size: { cols: number; rows: number };
  /** What the emulator painted since the last event. */
  #painted = '';
  #cursorShown = true;
  /** Time of the first and of the last event; null: there was none. */
  #span: { began: number; last: number } | null = null;
  readonly #clock = clockShift();

  /** @param write takes one line, without its end */
  constructor(options: CastOptions, size: { cols: number; rows: number } | null, write: (line: string) => void) {
    this.#options = options;
    this.#write = write;
    this.#size = size ?? SIZE;
    this.#emulator = new Emulator(this.#size.cols, this.#size.rows);
    this.#painter = new Painter(this.#emulator, this.#size, (text) => (this.#painted += text), false);
  }

  /** Takes the next event. */
  async feed(event: TimedEvent): Promise<void> {
    if (event.is === 'before') {
      const bytes = Buffer.from(event.bytes, 'base64');
      // The first line may begin in the middle of a sequence.
      await this.#emulator.write(bytes.subarray(bytes.indexOf(0x0a) + 1), () => undefined);
      this.#emulator.takeScrolled();
      return;
    }
    const at = this.#clock(event);
    this.#begin(at);
    if (event.is === 'mark') this.#event(at, 'm', event.text);
    else if (event.is === 'reset') await this.#show(at, RESET_MODES);
    else {
      this.#resize(at, event.cols, event.rows);
      await this.#show(at, Buffer.from(event.bytes, 'base64'));
    }
  }

  /** Ends the cast; returns whether there was an event. */
  end(): boolean {
    if (this.#span) this.#event(this.#span.last, 'o', END);
    this.#emulator.dispose();
    return this.#span !== null;
  }

  #begin(at: number): void {
    if (this.#span) return;
    this.#span = { began: at, last: at };
    const { version, title, idleS } = this.#options;
    const { cols, rows } = this.#size;
    const type = 'xterm-256color';
    const size = version === 3 ? { term: { cols, rows, type } } : { width: cols, height: rows, env: { TERM: type } };
    const idle = idleS === null ? {} : { idle_time_limit: idleS };
    this.#write(JSON.stringify({ version, ...size, timestamp: Math.floor(at / 1000), title, ...idle }));
    this.#painter.resize(this.#size);
    this.#flush(at);
  }

  #resize(at: number, cols: number, rows: number): void {
    if (cols === this.#size.cols && rows === this.#size.rows) return;
    this.#size = { cols, rows };
    this.#emulator.terminal.resize(cols, rows);
    this.#event(at, 'r', `${cols}x${rows}`);
    this.#painter.resize(this.#size);
  }

  async #show(at: number, bytes: Uint8Array): Promise<void> {
    await this.#emulator.write(bytes, () => this.#painter.paint());
    this.#flush(at);
  }

  #flush(at: number): void {
    const { cursorVisible } = this.#emulator.terminal.nodeModes;
    if (cursorVisible !== this.#cursorShown) this.#painted += `\x1b[?25${cursorVisible ? 'h' : 'l'}`;
    this.#cursorShown = cursorVisible;
    if (this.#painted !== '') this.#event(at, 'o', this.#painted);
    this.#painted = '';
  }

  #event(at: number, code: 'o' | 'm' | 'r', data: string): void {
    if (!this.#span) return;
    const { began, last } = this.#span;
    const now = Math.max(last, at);
    this.#span.last = now;
    this.#write(JSON.stringify([(now - (this.#options.version === 3 ? last : began)) / 1000, code, data]));
  }
}
