/**
 * Decides when other nodes may be read beside an open console, and adds up the gaps that this made. A read costs the
 * console some 10 ms off the wire, in which output of its node is lost. Pure: times are those of performance.now, ms.
 */

/** Shortest silence in both directions before a read, ms. */
const LEAST_MS = 2_000;
/** Output within this time after a key or a gap answers it, and is no measure of the node's own rhythm, ms. */
const ANSWER_MS = 1_000;
/** Shortest pause that separates two outputs, and the longest one that counts as a rhythm, ms. */
const RHYTHM_MS = { least: 200, most: 30_000 } as const;
/** Multiple of the node's rhythm that must be silent: a program that prints every 5 s is never interrupted. */
const MARGIN = 2;

export interface QuietReads {
  /** Time of the first gap, server's steady clock, ms. */
  from: number;
  count: number;
  /** Length of all gaps together, ms. */
  ms: number;
}

export class Silence {
  #activeAt: number;
  /** Time of the last key or gap. */
  #causedAt = -Infinity;
  /** Last pause between two outputs that no key caused, ms; 0: none. */
  #rhythmMs = 0;
  #reads: QuietReads | null = null;

  constructor(now: number) {
    this.#activeAt = now;
  }

  /** Notes output of the node. */
  onOutput(now: number): void {
    const pause = now - this.#activeAt;
    const answers = now - this.#causedAt < ANSWER_MS;
    if (!answers && pause >= RHYTHM_MS.least) this.#rhythmMs = pause <= RHYTHM_MS.most ? pause : 0;
    this.#activeAt = now;
  }

  /** Notes bytes to the node. */
  sent(now: number): void {
    this.#causedAt = now;
    this.#activeAt = now;
  }

  /** Returns whether the silence is long enough to read another node. */
  allowsRead(now: number): boolean {
    return now - this.#activeAt >= Math.max(LEAST_MS, MARGIN * this.#rhythmMs);
  }

  /** Adds the gap of a read that ended at `now`; `from`: its begin on the server's steady clock, ms. */
  add(from: number, ms: number, now: number): void {
    this.#causedAt = now;
    const before = this.#reads ?? { from, count: 0, ms: 0 };
    this.#reads = { from: before.from, count: before.count + 1, ms: before.ms + ms };
  }

  /** Returns the gaps since the last call, and restarts; null: there were none. */
  takeReads(): QuietReads | null {
    const reads = this.#reads;
    this.#reads = null;
    return reads;
  }
}
