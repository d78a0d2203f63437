/**
 * Writes to the operator's terminal without ever blocking: Node writes to a terminal synchronously, and an SSH
 * connection that stalls would stop the whole program for seconds, its end included. A descriptor of its own never
 * blocks: what the terminal has no room for waits, and is tried again. The renderer reads {@link congested} first and
 * leaves the frame out: the next one shows the newest state. {@link Pace} measures how much is on its way.
 */
import { closeSync, constants, openSync, write, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Interval of retries while a terminal takes nothing, ms. */
const RETRY_MS = 20;
/** Time for a write under way, which runs in a thread of its own, to reach the terminal ahead of the final text, ms. */
const UNDER_WAY_MS = 30;
/** Ends a sequence of which the terminal has a part. */
const CANCEL = '\x18';

export class Output {
  readonly #fd: number;
  /** Descriptor of the same terminal that never blocks; null: there is none, and a thread writes, which may wait. */
  #direct: number | null;
  readonly #onError: (error: NodeJS.ErrnoException) => void;
  #queue: Buffer[] = [];
  /** True while text waits for the terminal. */
  #writing = false;
  #closed = false;
  #onDrain: () => void = () => undefined;

  /** `onError` is called once when the terminal is gone (EPIPE, EIO). */
  constructor(fd: number, onError: (error: NodeJS.ErrnoException) => void) {
    this.#fd = fd;
    this.#direct = openAgain(fd);
    this.#onError = onError;
  }

  get congested(): boolean {
    return this.#writing;
  }

  /** Called each time the terminal has taken everything that it had no room for at once. */
  set onDrain(listener: () => void) {
    this.#onDrain = listener;
  }

  write(text: string): void {
    if (this.#closed || text === '') return;
    this.#queue.push(Buffer.from(text, 'utf8'));
    if (!this.#writing) this.#next();
  }

  /** Writes the final text at once, as far as the terminal takes it. */
  finish(text: string): void {
    this.#closed = true;
    this.interject(text);
    if (this.#direct !== null) closeSync(this.#direct);
    this.#direct = null;
  }

  /** Writes at once, behind a write under way, and drops the queue, since the screen is left anyway. */
  interject(text: string): void {
    const bytes = Buffer.from(this.#queue.length > 0 ? `${CANCEL}${text}` : text, 'utf8');
    this.#queue = [];
    if (this.#writing && this.#direct === null) sleep(UNDER_WAY_MS);
    let at = 0;
    // A terminal that is stuck must not keep the program from ending.
    for (let tries = 0; at < bytes.length && tries < 50; tries++) {
      try {
        at += writeSync(this.#direct ?? this.#fd, bytes, at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
        sleep(5);
      }
    }
  }

  /** Writes what waits, as far as the terminal takes it; the rest later. */
  #next(): void {
    const waited = this.#writing;
    for (let bytes = this.#queue.shift(); bytes !== undefined; bytes = this.#queue.shift()) {
      this.#writing = true;
      if (this.#direct === null) {
        write(this.#fd, bytes, 0, bytes.length, null, (error, written) => this.#wrote(bytes, error, written));
        return;
      }
      try {
        const written = writeSync(this.#direct, bytes);
        if (written < bytes.length) this.#queue.unshift(bytes.subarray(written));
      } catch (error) {
        this.#wrote(bytes, error as NodeJS.ErrnoException, 0);
        return;
      }
    }
    this.#writing = false;
    if (waited) this.#onDrain();
  }

  /** Goes on behind a write that a thread made, or that failed. */
  #wrote(bytes: Buffer, error: NodeJS.ErrnoException | null, written: number): void {
    if (this.#closed) return;
    if (error !== null && error.code !== 'EAGAIN') {
      this.#closed = true;
      // The program leaves at once then: not within the frame that is being painted.
      setImmediate(() => this.#onError(error));
      return;
    }
    if (written < bytes.length) this.#queue.unshift(bytes.subarray(written));
    if (error === null) this.#next();
    else setTimeout(() => !this.#closed && this.#next(), RETRY_MS);
  }
}

/** Opens a terminal again, so that only this descriptor never blocks; null: it is no terminal, or another user's. */
function openAgain(fd: number): number | null {
  if (!isatty(fd)) return null;
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return null;
  }
}

/** Blocks this thread, ms: only where the program ends or is stopped. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Bytes between two questions: a map that only ticks asks twice a second, a key's echo never. */
const ASK_EVERY = 1024;
/** Most bytes without an answer: less than a second at 9600 bytes a second, and 80 KB/s at 100 ms of round trip. */
const WINDOW = 8 * 1024;
/** Time after which an answer counts as lost, or the terminal as taken over by a program that does not answer, ms. */
const LOST_MS = 15_000;

export const QUESTION = '\x1b[5n';

/**
 * Estimates the bytes on their way to the terminal. Written bytes are not seen yet: sshd, sockets and tunnels may
 * hold a megabyte, minutes of old frames on a slow line. So some frames end with a question that any terminal
 * answers (DSR: "are you well?"), and while too much is unanswered no frame is sent; the next one then shows the
 * newest state. A terminal that never answers causes no wait. Pure: time is a parameter.
 */
export class Pace {
  /** False until the first answer, before which nothing can be estimated. */
  #answers = false;
  #unasked = 0;
  #asked: { bytes: number; at: number }[] = [];

  /**
   * Returns the bytes to add at the end of a frame of this size: a question, or none. `mustKnow`: the arrival of
   * this frame has to be known for certain.
   */
  sent(bytes: number, now: number, mustKnow = false): string {
    this.#unasked += bytes;
    if (this.#unasked < ASK_EVERY && !mustKnow) return '';
    // Before the first answer one question is enough: a terminal that does not know it would show it as text.
    if (!this.#answers && this.#asked.length > 0) return '';
    this.#asked.push({ bytes: this.#unasked, at: now });
    this.#unasked = 0;
    return QUESTION;
  }

  /** Handles an answer of the terminal, to whichever question. */
  answered(reply: Uint8Array): void {
    if (!/^\x1b\[[0-9]*n$/.test(String.fromCharCode(...reply.subarray(0, 8)))) return;
    if (this.#asked.shift() !== undefined) this.#answers = true;
  }

  /** Returns whether too much is on its way. */
  full(now: number): boolean {
    return this.awaits(now) && this.#asked.reduce((sum, { bytes }) => sum + bytes, 0) > WINDOW;
  }

  /** Returns whether answers are outstanding: then sent frames may not be on the screen yet. */
  awaits(now: number): boolean {
    const [oldest] = this.#asked;
    if (!this.#answers || oldest === undefined) return false;
    if (now - oldest.at <= LOST_MS) return true;
    this.#answers = false;
    this.#asked = [];
    return false;
  }
}
