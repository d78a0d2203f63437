/**
 * A guest's UART, sending side: bytes wait here until the BMC takes them, or are gone because no console is open.
 */

/** A guest's agenda: what happens when, on guest time. Pure: it is told the time, and runs what is due in its order. */
interface Entry {
  at: number;
  run: () => void;
}

export class Timeline {
  /** Guest milliseconds. While an entry runs: that entry's own moment. */
  now: number;
  private entries: Entry[] = [];

  constructor(now: number) {
    this.now = now;
  }

  /** Runs `run` after `ms`; the result takes it off the agenda. */
  after(ms: number, run: () => void): () => void {
    const entry: Entry = { at: this.now + ms, run };
    // Behind its equals: what was planned first happens first.
    const index = this.entries.findIndex((other) => other.at > entry.at);
    if (index < 0) this.entries.push(entry);
    else this.entries.splice(index, 0, entry);
    return () => {
      this.entries = this.entries.filter((other) => other !== entry);
    };
  }

  /** When the next entry is due; Infinity: the agenda is empty. */
  get next(): number {
    return this.entries[0]?.at ?? Infinity;
  }

  /** Time passes up to `now`; going backwards (bytes carry the moment the line delivered them) changes nothing. */
  advance(now: number): void {
    for (let entry = this.entries[0]; entry && entry.at <= now; entry = this.entries[0]) {
      this.entries.shift();
      this.now = Math.max(this.now, entry.at);
      entry.run();
    }
    this.now = Math.max(this.now, now);
  }

  clear(): void {
    this.entries = [];
  }
}

/** What a tty holds before the writing program has to wait. */
const HELD = 64 * 1024;
/** What a program without end is asked for at a time, at most. */
const STREAMED = 4 * 1024;
/** Kept of what was said last, heard or not, for whoever looks from outside. */
const REMEMBERED = 16 * 1024;

export class Uart {
  /** Never ends and never waits (`yes`, a flood of kernel messages): asked for more whenever the line has room. */
  source: (() => string) | null = null;
  private waiting: Buffer = Buffer.alloc(0);
  private said = '';
  private readonly held: number;

  /** `held`: bytes beyond which the oldest are gone; none are where the writing program is made to wait. */
  constructor(held = HELD) {
    this.held = held;
  }

  /** Bytes that wait. */
  get length(): number {
    return this.waiting.length;
  }

  /** Text as programs print it: a bare line feed becomes CR LF, as a tty's output processing does. */
  print(text: string): void {
    this.write(Buffer.from(text.replace(/\r?\n/g, '\r\n'), 'utf8'));
  }

  write(bytes: Uint8Array): void {
    this.waiting = Buffer.concat([this.waiting, bytes]).subarray(-this.held);
    this.said = (this.said + Buffer.from(bytes).toString('utf8')).slice(-REMEMBERED);
  }

  take(max: number): Uint8Array {
    const wanted = Math.min(max, STREAMED);
    while (this.source && this.waiting.length < wanted) this.print(this.source());
    const taken = this.waiting.subarray(0, max);
    this.waiting = this.waiting.subarray(taken.length);
    return taken;
  }

  discard(): void {
    this.waiting = Buffer.alloc(0);
  }

  /** What was said last, at most 16 KiB. */
  get recent(): string {
    return this.said;
  }
}
