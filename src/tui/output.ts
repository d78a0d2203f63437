/**
 * Bytes to the operator's terminal, written without ever blocking: Node writes to a terminal synchronously, and an SSH
 * link that stalls would stop the whole program for seconds. Whoever draws asks {@link congested} first and leaves the
 * frame out: the next one shows the newest state.
 */
import { write, writeSync } from 'node:fs';

/** A terminal that takes nothing is tried again after this, ms. */
const RETRY_MS = 20;

export class Output {
  readonly #fd: number;
  readonly #onError: (error: NodeJS.ErrnoException) => void;
  #queue: Buffer[] = [];
  #writing = false;
  #closed = false;
  #onDrain: () => void = () => undefined;

  /** `onError` is called once when the terminal is gone (EPIPE, EIO). */
  constructor(fd: number, onError: (error: NodeJS.ErrnoException) => void) {
    this.#fd = fd;
    this.#onError = onError;
  }

  get congested(): boolean {
    return this.#writing;
  }

  /** Called each time everything has been taken by the terminal. */
  set onDrain(listener: () => void) {
    this.#onDrain = listener;
  }

  write(text: string): void {
    if (this.#closed || text === '') return;
    this.#queue.push(Buffer.from(text, 'utf8'));
    if (!this.#writing) this.#next();
  }

  /** The last words, written at once. */
  finish(text: string): void {
    this.#closed = true;
    this.interject(text);
  }

  /** Written at once; what was queued is dropped, since the screen is left anyway. */
  interject(text: string): void {
    this.#queue = [];
    const bytes = Buffer.from(text, 'utf8');
    let at = 0;
    // A terminal that is stuck must not keep the program from ending.
    for (let tries = 0; at < bytes.length && tries < 50; tries++) {
      try {
        at += writeSync(this.#fd, bytes, at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      }
    }
  }

  #next(): void {
    const bytes = this.#queue.shift();
    if (bytes === undefined) {
      this.#writing = false;
      this.#onDrain();
      return;
    }
    this.#writing = true;
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (this.#closed) return;
      if (error?.code === 'EAGAIN') {
        this.#queue.unshift(bytes);
        setTimeout(() => this.#next(), RETRY_MS);
        return;
      }
      if (error) {
        this.#closed = true;
        this.#onError(error);
        return;
      }
      if (written < bytes.length) this.#queue.unshift(bytes.subarray(written));
      this.#next();
    });
  }
}
