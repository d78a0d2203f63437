/**
 * The sending side of a guest's UART, where bytes wait until the BMC takes them, or are lost while no console is open;
 * and a guest's timeline.
 */

/** One planned action of a guest, at guest time. */
interface Entry {
  at: number;
  run: () => void;
}

export class Timeline {
  /** Guest milliseconds. While an entry runs: that entry's own time. */
  now: number;
  private entries: Entry[] = [];

  constructor(now: number) {
    this.now = now;
  }

  /** Runs `run` after `ms`; the returned function cancels it. */
  after(ms: number, run: () => void): () => void {
    const entry: Entry = { at: this.now + ms, run };
    // Behind entries of the same time, so that those run in the order of planning.
    const index = this.entries.findIndex((other) => other.at > entry.at);
    if (index < 0) this.entries.push(entry);
    else this.entries.splice(index, 0, entry);
    return () => {
      this.entries = this.entries.filter((other) => other !== entry);
    };
  }

  /** Time of the next entry; Infinity: there is none. */
  get next(): number {
    return this.entries[0]?.at ?? Infinity;
  }

  /** Runs all entries up to `now`; an earlier time (bytes carry the moment the line delivered them) changes nothing. */
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

/** Bytes that a tty holds before the writing program has to wait. */
const HELD = 64 * 1024;
/** Most bytes requested at a time from a source without end. */
const STREAMED = 4 * 1024;
/** Characters of the last output kept for inspection, read by a console or not. */
const REMEMBERED = 16 * 1024;

export class Uart {
  /** Source that never ends and never waits (`yes`, a flood of kernel messages): called whenever the line has room. */
  source: (() => string) | null = null;
  private waiting: Buffer = Buffer.alloc(0);
  private said = '';
  private readonly held: number;

  /** `held`: bytes beyond which the oldest are dropped; Infinity where the writing program is paused instead. */
  constructor(held = HELD) {
    this.held = held;
  }

  /** Bytes that wait. */
  get length(): number {
    return this.waiting.length;
  }

  /** Prints text as programs do: a bare line feed becomes CR LF, as by a tty's output processing. */
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

  /** Last output, at most 16 KiB. */
  get recent(): string {
    return this.said;
  }
}
