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
