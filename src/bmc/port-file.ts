/**
 * Writes an open port when the system has room, and reads it on request. The descriptor never blocks, so both are done at
 * once in the event loop: through the thread pool, where a serial library's stream does them, each piece costs two changes
 * of thread and an error for having come too early.
 */
import { readSync, writeSync } from 'node:fs';

/** Reports once, after `poll`, that the device has room; with an error where the device failed. */
export interface Readiness {
  on(event: 'writable', listener: (error: Error | null) => void): unknown;
  poll(events: number): void;
}

const WRITABLE = 2;

export interface PortFileHandlers {
  /** The bytes are valid during the call. */
  onData(bytes: Uint8Array): void;
  /** The port cannot be used any more (`hung-up`: the device is gone). Never called from within `write`. */
  onFailure(error: Error | 'hung-up'): void;
}

/** Size of one read, bytes: as much as the kernel keeps for a reader. */
export const READ_BYTES = 4_096;
/** Maximum of reads at once, more than any system holds; a node that floods must not hold the event loop. */
const CATCH_UP_READS = 64;

export class PortFile {
  readonly #fd: number;
  readonly #ready: Readiness;
  readonly #handlers: PortFileHandlers;
  readonly #room = Buffer.alloc(READ_BYTES);
  /** Writes that the system had no room for yet. */
  readonly #waiting: { bytes: Uint8Array; taken: (() => void) | undefined }[] = [];
  readonly #flushing: (() => void)[] = [];
  #over = false;

  constructor(fd: number, ready: Readiness, handlers: PortFileHandlers) {
    this.#fd = fd;
    this.#ready = ready;
    this.#handlers = handlers;
    ready.on('writable', (error) => this.#onRoom(error));
  }

  /**
   * Writes in order. `taken` is called when the system has the bytes, or never will; always in a later turn, so that
   * bytes that must keep a distance never leave together after the event loop was held up.
   */
  write(bytes: Uint8Array, taken?: () => void): void {
    if (this.#over) {
      taken?.();
      return;
    }
    this.#waiting.push({ bytes, taken });
    if (this.#waiting.length > 1) return;
    this.#send();
  }

  /**
   * Reads at once all that the system holds. In a turn of the event loop timers fire before reads, so input that
   * arrived while this process was stopped would be read only after its time limits were checked.
   */
  catchUp(): void {
    for (let n = 0; n < CATCH_UP_READS && !this.#over && this.#read(); n++);
  }

  /** Resolves when the system has all written bytes, or never will. */
  flushed(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#flushing.push(resolve));
  }

  /** Ends reading and writing; to be called before the descriptor is closed, because its number may be used again. */
  end(): void {
    this.#over = true;
    for (const { taken } of this.#waiting.splice(0)) taken?.();
    for (const resolve of this.#flushing.splice(0)) resolve();
  }

  /** Takes bytes that were read elsewhere: this reads only in {@link catchUp}. */
  received(bytes: Uint8Array): void {
    if (!this.#over) this.#handlers.onData(bytes);
  }

  /** Notes that the device failed, or was gone, for a reader. */
  fail(error: Error | 'hung-up'): void {
    if (this.#over) return;
    this.end();
    queueMicrotask(() => this.#handlers.onFailure(error));
  }

  #onRoom(error: Error | null): void {
    if (this.#over) return;
    // Waiting for an open descriptor fails only where the device has hung up.
    if (error) this.fail('hung-up');
    else this.#send();
  }

  /** Reads once; false: there is nothing to read. */
  #read(): boolean {
    let count: number;
    try {
      count = readSync(this.#fd, this.#room);
    } catch (error) {
      if (!isTooEarly(error)) this.fail(error as Error);
      return false;
    }
    // A silent line reads as EAGAIN; zero bytes are its end.
    if (count === 0) this.fail('hung-up');
    else this.#handlers.onData(this.#room.subarray(0, count));
    return count > 0;
  }

  #send(): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      let count: number;
      try {
        count = writeSync(this.#fd, first.bytes);
      } catch (error) {
        if (isTooEarly(error)) this.#ready.poll(WRITABLE);
        else this.fail(error as Error);
        return;
      }
      if (count < first.bytes.length) {
        first.bytes = first.bytes.subarray(count);
        continue;
      }
      this.#waiting.shift();
      if (first.taken) setImmediate(first.taken);
    }
    if (this.#flushing.length === 0) return;
    for (const resolve of this.#flushing.splice(0)) resolve();
  }
}

function isTooEarly(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EAGAIN' || code === 'EINTR';
}
