/**
 * Bytes in and out of an open port, when the system says that it is ready for them. The descriptor never blocks, so both
 * are done at once in the event loop: through the thread pool, where a serial library's stream does them, each piece
 * costs two changes of thread and an error for having come too early.
 */
import { readSync, writeSync } from 'node:fs';

/** Tells of what was asked for by the last `poll`, once; with an error where the device failed. */
export interface Readiness {
  on(event: 'readable' | 'writable', told: (error: Error | null) => void): unknown;
  poll(events: number): void;
}

const READABLE = 1;
const WRITABLE = 2;

export interface PortFileHandlers {
  onData(bytes: Uint8Array): void;
  /** It cannot be used any more (`hung-up`: the device is gone). Never called from within `write`. */
  onFailure(error: Error | 'hung-up'): void;
}

/** As much as the kernel keeps for a reader. */
const READ_BYTES = 4_096;
/** More than any system holds; a node that goes on flooding must not hold the event loop. */
const CATCH_UP_READS = 64;

export class PortFile {
  readonly #fd: number;
  readonly #ready: Readiness;
  readonly #handlers: PortFileHandlers;
  readonly #room = Buffer.alloc(READ_BYTES);
  /** What the system had no room for yet. */
  readonly #waiting: { bytes: Uint8Array; taken: () => void }[] = [];
  readonly #flushing: (() => void)[] = [];
  #over = false;

  constructor(fd: number, ready: Readiness, handlers: PortFileHandlers) {
    this.#fd = fd;
    this.#ready = ready;
    this.#handlers = handlers;
    ready.on('readable', (error) => this.#told(error, () => void this.#read()));
    ready.on('writable', (error) => this.#told(error, () => this.#send()));
    ready.poll(READABLE);
  }

  /**
   * In order. `taken`: the system has them, or never will; told a turn later, so that of a loop that is held up no two
   * bytes leave behind each other that were to keep a distance.
   */
  write(bytes: Uint8Array, taken: () => void): void {
    if (this.#over) {
      taken();
      return;
    }
    this.#waiting.push({ bytes, taken });
    if (this.#waiting.length > 1) return;
    this.#send();
    if (this.#waiting.length > 0) this.#wait();
  }

  /**
   * Reads at once all that the system holds: in a turn of the event loop timers come before reading, so what this process
   * missed while it stood still would be read only after its limits were judged.
   */
  catchUp(): void {
    for (let n = 0; n < CATCH_UP_READS && !this.#over && this.#read(); n++);
  }

  /** Resolves when the system has everything that was written, or never will. */
  flushed(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#flushing.push(resolve));
  }

  /** Nothing more is read or written; to be called before the descriptor is closed, because its number lives on. */
  end(): void {
    this.#over = true;
    for (const { taken } of this.#waiting.splice(0)) taken();
    for (const resolve of this.#flushing.splice(0)) resolve();
  }

  #told(error: Error | null, then: () => void): void {
    if (this.#over) return;
    if (error) {
      // What waits for an open descriptor fails only where the device has hung up.
      this.#fail('hung-up');
      return;
    }
    then();
    this.#wait();
  }

  #wait(): void {
    if (!this.#over) this.#ready.poll(this.#waiting.length > 0 ? READABLE | WRITABLE : READABLE);
  }

  /** False: there is nothing to read. */
  #read(): boolean {
    let count: number;
    try {
      count = readSync(this.#fd, this.#room);
    } catch (error) {
      if (!isTooEarly(error)) this.#fail(error as Error);
      return false;
    }
    // A line that is only silent says so with an error; its end is what reads as nothing.
    if (count === 0) this.#fail('hung-up');
    else this.#handlers.onData(Uint8Array.from(this.#room.subarray(0, count)));
    return count > 0;
  }

  #send(): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      try {
        first.bytes = first.bytes.subarray(writeSync(this.#fd, first.bytes));
      } catch (error) {
        if (!isTooEarly(error)) this.#fail(error as Error);
        return;
      }
      if (first.bytes.length > 0) continue;
      this.#waiting.shift();
      setImmediate(first.taken);
    }
    for (const resolve of this.#flushing.splice(0)) resolve();
  }

  #fail(error: Error | 'hung-up'): void {
    this.end();
    queueMicrotask(() => this.#handlers.onFailure(error));
  }
}

function isTooEarly(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EAGAIN' || code === 'EINTR';
}
