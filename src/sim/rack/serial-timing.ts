/**
 * Timing of the serial line, and of the bridge between master and slave. Pure: both get the time from outside. 115200
 * baud 8N1 is ten bit times a byte, about 87 µs. The bridge loses console bytes that come back to back (`root` arrived
 * as `oot`); 2 ms between bytes was seen to be safe (bus-protocol section 5).
 *
 * A pseudo-terminal keeps no time stamps: only the time is known at which a byte was *read*, not when it was sent.
 * Bytes that waited because this process, the kernel's pty worker or the driver's own was not scheduled look like a
 * burst, which is not the driver's fault. So two things excuse a byte that comes early: a stall that the caller
 * measured (`stallMs`; S ms excuse about 1 + S/2 bytes), and trust that a driver earns with every byte that kept the
 * spacing. A sudden burst finds hardly any trust, and a driver that sends text too fast spends it within a few bytes.
 */
import type { Random } from '../random.ts';

/** Milliseconds one byte takes on the line; 0 is a line without a rate. */
export type ByteTime = number;

export function byteTime(baud: number): ByteTime {
  return (10 * 1000) / baud;
}

/** Bytes on their way in one direction, each with the time at which its stop bit has passed. In order of time. */
export class LineQueue {
  private readonly bytes: number[] = [];
  private readonly due: number[] = [];
  private head = 0;
  /** Time at which the line has sent all bytes given to it. */
  private freeAt = 0;
  private readonly perByte: ByteTime;

  constructor(perByte: ByteTime) {
    this.perByte = perByte;
  }

  get length(): number {
    return this.bytes.length - this.head;
  }

  /** Returns the milliseconds of line time that are still queued at `now`. */
  backlog(now: number): number {
    return Math.max(0, this.freeAt - now);
  }

  /**
   * Queues bytes, which leave one after another, the first not before `at`. Returns the time at which the last has
   * passed.
   */
  push(bytes: Iterable<number>, at: number): number {
    this.freeAt = Math.max(this.freeAt, at);
    for (const byte of bytes) {
      this.freeAt += this.perByte;
      this.bytes.push(byte);
      this.due.push(this.freeAt);
    }
    return this.freeAt;
  }

  /** Time at which the first queued byte has passed; Infinity when nothing is queued. */
  get firstDue(): number {
    return this.due[this.head] ?? Infinity;
  }

  /** Time at which the last queued byte has passed; Infinity when nothing is queued. */
  get lastDue(): number {
    return this.length === 0 ? Infinity : (this.due[this.due.length - 1] ?? Infinity);
  }

  /** Returns the time at which the nth queued byte (from 1) or, where fewer are queued, the last has passed. */
  dueOf(nth: number): number {
    return this.due[Math.min(this.head + nth, this.due.length) - 1] ?? Infinity;
  }

  /** Takes the first byte if it has passed by `now`. */
  shift(now: number): { byte: number; at: number } | null {
    const at = this.due[this.head];
    const byte = this.bytes[this.head];
    if (at === undefined || byte === undefined || at > now) return null;
    this.head += 1;
    if (this.head > 1024 && this.head * 2 > this.bytes.length) {
      this.bytes.splice(0, this.head);
      this.due.splice(0, this.head);
      this.head = 0;
    }
    return { byte, at };
  }

  /** Drops all bytes that are still on their way. */
  clear(): void {
    this.bytes.length = 0;
    this.due.length = 0;
    this.head = 0;
    this.freeAt = 0;
  }
}

/** Spacing below which bytes may be lost, ms. Under the 2 ms that was seen to be safe, to leave room for the clock. */
const SPACING_MS = 1.8;
/** Jitter of one read against the next on a machine that is not stalled, ms. */
const JITTER_MS = 1.2;
/** Share of the bytes that come too early and are lost. Our own figure: no measurement exists. */
const LOSS = 0.3;
/**
 * Trust, in ms by which bytes may come too early: at first (one byte), earned by a spaced byte, and at most (five
 * bytes).
 */
const TRUST_AT_FIRST = 0.6;
const TRUST_EARNED = 0.2;
const TRUST_MOST = 3;

export class Bridge {
  /** Earliest time for the next byte that keeps the spacing. */
  private next = 0;
  private trust = TRUST_AT_FIRST;
  private readonly random: Random;
  private readonly lossy: boolean;

  constructor(random: Random, lossy: boolean) {
    this.random = random;
    this.lossy = lossy;
  }

  /** Reports whether the byte that was read at `at` (ms) reaches the slave. */
  passes(at: number, stallMs: number): boolean {
    if (!this.lossy) return true;
    const early = this.next - at - JITTER_MS;
    if (early > this.trust) return this.random() >= LOSS;
    if (early > 0) {
      this.trust -= early;
      this.next = at + SPACING_MS;
      return true;
    }
    if (this.next <= at) this.trust = Math.min(TRUST_MOST, this.trust + TRUST_EARNED);
    // Assumes the earliest possible time of sending, in the driver's favour: in step with the byte before, if the stall
    // allows that.
    this.next = Math.max(this.next, at - stallMs) + SPACING_MS;
    return true;
  }
}
