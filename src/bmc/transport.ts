/**
 * One open line: sends commands, collects the bytes that come back for the exchange or console that reads, and is the
 * only place that writes 0x07: `send` refuses it, `closePipe` sends it.
 */
import { CLOSE_PIPE, latin1 } from './codec.ts';
import type { Line } from './types.ts';

/** The line was lost during an operation. */
export class LineLost extends Error {
  override readonly name = 'LineLost';
}

const CLOSE = Uint8Array.of(CLOSE_PIPE);
const CLOSE_TEXT = latin1(CLOSE);
const MISPLACED = '0x07 may reach the line only as the close of a pipe';
/** Interval at which the device is checked while a console has the wire, ms. */
const PRESENCE_MS = 1_000;

/** Examines the bytes received so far (latin1); returns a result to end the wait, or null to continue. */
export type Scan<T> = (text: string) => T | null;

interface Waiting {
  /** Ends the wait where the result is in. */
  look(text: string): void;
  silent(): void;
  fail(error: LineLost): void;
}

export class Transport {
  readonly #line: Line;
  #received = '';
  #waiting: Waiting | null = null;
  /** Begin of the running wait (performance.now), and the time without a byte that ends it, ms. */
  #waitedFrom = 0;
  #silenceMs = 0;
  /** Checks the running wait for silence. */
  #timer: NodeJS.Timeout | null = null;
  #timerAt = 0;
  #lost: LineLost | null = null;
  #lastByteAt = performance.now();
  #listening = false;
  #console: ((bytes: Uint8Array) => void) | null = null;
  #presence: NodeJS.Timeout | undefined;
  /** Number of bytes that belonged to no exchange and no console. */
  stray = 0;

  constructor(line: Line) {
    this.#line = line;
  }

  /** The error with which the line was lost; null: it is usable. */
  get lost(): LineLost | null {
    return this.#lost;
  }

  /** Sets what receives the bytes between exchanges while a console is open; null: such bytes are stray. */
  set console(receive: ((bytes: Uint8Array) => void) | null) {
    this.#console = receive;
    clearInterval(this.#presence);
    // No exchange fails while the console has the wire.
    this.#presence = receive && !this.#lost ? setInterval(() => this.#line.check?.(), PRESENCE_MS) : undefined;
  }

  /** Takes bytes from the line. */
  feed(bytes: Uint8Array): void {
    this.#lastByteAt = performance.now();
    if (this.#listening) {
      this.#received += latin1(bytes);
      this.#waiting?.look(this.#received);
    } else if (this.#console) {
      this.#console(bytes);
    } else {
      // Line ends and an echoed ^G trail an exchange on some buses; they are not counted.
      for (const byte of bytes) if (byte > 0x20 || byte === 0) this.stray++;
    }
  }

  /** Marks the line as lost: the running wait and all later calls fail with LineLost. */
  lose(why: string): void {
    this.#lost = new LineLost(why);
    clearInterval(this.#presence);
    this.#end()?.fail(this.#lost);
  }

  /**
   * Sends commands as text (latin1), or console bytes. `taken` is called when the system has them. Throws LineLost,
   * and an Error for 0x07 from any source.
   */
  send(data: string | Uint8Array, taken?: () => void): void {
    if (this.#lost) throw this.#lost;
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    if (bytes.includes(CLOSE_PIPE)) throw new Error(MISPLACED);
    this.#line.write(bytes, taken);
  }

  /**
   * Sends ^G, which closes the pipe and the console in it. Harmless where none is open; recovers a wedged bus (grade
   * V). `then`: commands that follow in the same write.
   */
  closePipe(then = ''): void {
    if (this.#lost) return;
    if (then.includes(CLOSE_TEXT)) throw new Error(MISPLACED);
    this.#line.write(then === '' ? CLOSE : Buffer.from(CLOSE_TEXT + then, 'latin1'));
  }

  /** Reads all input that has arrived. */
  catchUp(): void {
    if (!this.#lost) this.#line.catchUp?.();
  }

  /** Begins an exchange: bytes that come from now on belong to it, earlier ones do not. */
  listen(): void {
    this.#received = '';
    this.#listening = true;
  }

  /** Ends an exchange: later bytes are stray again. Returns the unused ones. */
  ignore(): string {
    this.#listening = false;
    const rest = this.#received;
    this.#received = '';
    return rest;
  }

  /**
   * Waits until `scan` finds its result in the bytes since `listen`, or until the line was silent for `silenceMs`
   * (each byte extends it, to four times that at most). Resolves null for silence; rejects LineLost.
   */
  receive<T>(scan: Scan<T>, silenceMs: number): Promise<T | null> {
    if (this.#lost) return Promise.reject(this.#lost);
    return new Promise<T | null>((resolve, reject) => {
      const waiting: Waiting = {
        look: (text) => {
          const found = scan(text);
          if (found === null) return;
          this.#end();
          resolve(found);
        },
        silent: () => resolve(null),
        fail: reject,
      };
      this.#waiting = waiting;
      this.#waitFrom(silenceMs);
      waiting.look(this.#received);
      if (this.#waiting === waiting) this.#checkAt(this.#deadline);
    });
  }

  /**
   * Ends an exchange and begins the next within the running wait: sends `commands`, where a pipe is to be closed
   * behind the ^G in one write. To be called by the wait's own scan.
   */
  goOn(closing: boolean, commands: string, silenceMs: number): void {
    this.#received = '';
    this.#waitFrom(silenceMs);
    this.#checkAt(this.#waitedFrom + silenceMs);
    if (closing) this.closePipe(commands);
    else this.send(commands);
  }

  #waitFrom(silenceMs: number): void {
    this.#waitedFrom = performance.now();
    this.#silenceMs = silenceMs;
  }

  /** Ends the running wait, and returns it. */
  #end(): Waiting | null {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    return waiting;
  }

  /** Checks for silence at `at` (performance.now). A check that is due earlier sets the next one. */
  #checkAt(at: number): void {
    if (this.#timer !== null) {
      if (this.#timerAt <= at) return;
      clearTimeout(this.#timer);
    }
    this.#timerAt = at;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#checkSilence();
    }, at - performance.now());
  }

  #checkSilence(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    const now = performance.now();
    const deadline = this.#deadline;
    if (now < deadline) {
      this.#checkAt(deadline);
      return;
    }
    // In a turn of the event loop timers fire before reads: after this process was held up, the reply may have arrived
    // unread.
    setImmediate(() => {
      if (this.#waiting !== waiting) return;
      if (this.#lastByteAt > now) {
        this.#checkSilence();
        return;
      }
      this.#line.check?.();
      this.#end()?.silent();
    });
  }

  /** Time at which the line counts as silent (performance.now). */
  get #deadline(): number {
    const [from, silenceMs] = [this.#waitedFrom, this.#silenceMs];
    return Math.min(Math.max(from, this.#lastByteAt) + silenceMs, from + 4 * silenceMs);
  }

  /** Waits until no byte came for `quietMs`; resolves false when bytes still come after `capMs`. Rejects LineLost. */
  async quiet(quietMs: number, capMs: number): Promise<boolean> {
    const begun = performance.now();
    for (;;) {
      if (this.#lost) throw this.#lost;
      const now = performance.now();
      const since = now - Math.max(begun, this.#lastByteAt);
      if (since >= quietMs) {
        // Timers fire before reads: after this process was held up, bytes may have arrived unread.
        this.catchUp();
        if (this.#lastByteAt < now) return true;
        continue;
      }
      if (now - begun >= capMs) return false;
      await new Promise((resolve) => setTimeout(resolve, Math.max(1, quietMs - since)));
    }
  }

  /** See {@link Line.settings}. */
  settings(): Promise<string | null> {
    return this.#line.settings?.() ?? Promise.resolve(null);
  }

  async close(): Promise<void> {
    this.lose('the port was closed');
    await this.#line.close();
  }
}
