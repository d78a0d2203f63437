/**
 * The serial line's time, both ways. Pure: it is told the time and says when each byte has passed. 115200 baud 8N1 is ten
 * bit times a byte, about 87 µs.
 */

/** Milliseconds one byte takes on the line; 0 is a line without a rate. */
export type ByteTime = number;

export function byteTime(baud: number): ByteTime {
  return (10 * 1000) / baud;
}

/** Bytes on their way in one direction, each with the moment its stop bit has passed. In order of time. */
export class LineQueue {
  private readonly bytes: number[] = [];
  private readonly due: number[] = [];
  private head = 0;
  /** When the line has sent everything that was given to it. */
  private freeAt = 0;
  private readonly perByte: ByteTime;

  constructor(perByte: ByteTime) {
    this.perByte = perByte;
  }

  get length(): number {
    return this.bytes.length - this.head;
  }

  /** Milliseconds of line time that are still queued at `now`. */
  backlog(now: number): number {
    return Math.max(0, this.freeAt - now);
  }

  /** The bytes leave one after another, the first not before `at`. Returns when the last has passed. */
  push(bytes: Iterable<number>, at: number): number {
    this.freeAt = Math.max(this.freeAt, at);
    for (const byte of bytes) {
      this.freeAt += this.perByte;
      this.bytes.push(byte);
      this.due.push(this.freeAt);
    }
    return this.freeAt;
  }

  /** When the first queued byte has passed; Infinity when nothing is queued. */
  get firstDue(): number {
    return this.due[this.head] ?? Infinity;
  }

  /** When the last queued byte has passed; Infinity when nothing is queued. */
  get lastDue(): number {
    return this.length === 0 ? Infinity : (this.due[this.due.length - 1] ?? Infinity);
  }

  /** When the nth queued byte (from 1) or, where fewer are queued, the last has passed. */
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

  /** Forgets everything that is still on its way. */
  clear(): void {
    this.bytes.length = 0;
    this.due.length = 0;
    this.head = 0;
    this.freeAt = 0;
  }
}
