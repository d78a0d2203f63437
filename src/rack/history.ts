/**
 * History of a node's current and fan: a ring of raw samples and a coarser day, in typed arrays, so that 96 nodes
 * cost a few megabytes and no garbage.
 */
import type { Sample } from './reading.ts';

/** Raw samples kept: an hour at one a second. */
export const RAW_SLOTS = 3600;
/** Length of one slot of the coarse ring, ms, and number of slots: a day of minutes. */
export const COARSE_MS = 60_000;
export const COARSE_SLOTS = 1440;

/** One minute: means and the highest current, in counts. */
export interface CoarsePoint {
  /** Start of the minute, epoch milliseconds. */
  at: number;
  current: number;
  currentMax: number;
  fan: number;
  /** Number of samples in it. */
  samples: number;
}

/** A period: means of current and fan and the highest current, in counts. */
export type SeriesPoint = [current: number, currentMax: number, fan: number];

/** History of one node. `intervalMs`: the poll interval; samples closer than half of it are not kept twice. */
export class History {
  readonly #intervalMs: number;
  readonly #at = new Float64Array(RAW_SLOTS);
  readonly #current = new Uint8Array(RAW_SLOTS);
  readonly #fan = new Uint8Array(RAW_SLOTS);
  /** 1: a sample; 0: a request without a reply. */
  readonly #answered = new Uint8Array(RAW_SLOTS);
  #written = 0;
  readonly #minuteAt = new Float64Array(COARSE_SLOTS);
  readonly #minuteCurrent = new Float32Array(COARSE_SLOTS);
  readonly #minuteMax = new Uint8Array(COARSE_SLOTS);
  readonly #minuteFan = new Float32Array(COARSE_SLOTS);
  readonly #minuteCount = new Uint16Array(COARSE_SLOTS);

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Records a sample, or null for a request without a reply; `at` in epoch milliseconds, rising. */
  record(at: number, sample: Sample | null): void {
    if (sample !== null) this.#recordMinute(at, sample);
    if (this.#written > 0 && at - this.#lastAt() < this.#intervalMs / 2) return;
    const slot = this.#written % RAW_SLOTS;
    this.#at[slot] = at;
    this.#current[slot] = sample?.current ?? 0;
    this.#fan[slot] = sample?.fan ?? 0;
    this.#answered[slot] = sample === null ? 0 : 1;
    this.#written++;
  }

  /** Returns the minutes of the last day that have samples, oldest first, as seen at `now`. */
  day(now: number): CoarsePoint[] {
    const points: CoarsePoint[] = [];
    const last = Math.floor(now / COARSE_MS);
    for (let minute = last - COARSE_SLOTS + 1; minute <= last; minute++) {
      const slot = minute % COARSE_SLOTS;
      if (this.#minuteAt[slot] !== minute * COARSE_MS || this.#minuteCount[slot] === 0) continue;
      points.push({
        at: minute * COARSE_MS,
        current: this.#minuteCurrent[slot] ?? 0,
        currentMax: this.#minuteMax[slot] ?? 0,
        fan: this.#minuteFan[slot] ?? 0,
        samples: this.#minuteCount[slot] ?? 0,
      });
    }
    return points;
  }

  /**
   * Returns `count` points of `stepMs` each, oldest first, the last of which includes `now`; null: no reply in it.
   * They begin at whole steps of the clock, so that a point stays the same until the next one begins.
   */
  series(now: number, stepMs: number, count: number): (SeriesPoint | null)[] {
    const first = Math.floor(now / stepMs) - count + 1;
    const sums = Array.from({ length: count }, () => ({ n: 0, current: 0, max: 0, fan: 0 }));
    const add = (at: number, samples: number, current: number, max: number, fan: number): void => {
      const sum = sums[Math.floor(at / stepMs) - first];
      if (sum === undefined) return;
      sum.n += samples;
      sum.current += samples * current;
      sum.fan += samples * fan;
      sum.max = Math.max(sum.max, max);
    };
    const oldest = Math.max(0, this.#written - RAW_SLOTS);
    const rawFrom = this.#written === 0 ? now : (this.#at[oldest % RAW_SLOTS] ?? now);
    // Minutes fill in for samples that the ring no longer holds; a minute may be longer than a step. It weighs as much
    // as its samples do, or a point that is half minutes and half samples would be nearly the samples alone.
    const piece = Math.min(stepMs, COARSE_MS);
    for (const { at: minute, samples, current, currentMax, fan } of this.day(now)) {
      if (minute >= rawFrom) break;
      const end = Math.min(minute + COARSE_MS, rawFrom);
      const forgotten = end < rawFrom ? samples : samples - this.#answeredBefore(minute + COARSE_MS);
      if (forgotten <= 0) continue;
      for (let at = minute; at < end; at += piece)
        add(at, (forgotten * Math.min(piece, end - at)) / (end - minute), current, currentMax, fan);
    }
    for (let n = oldest; n < this.#written; n++) {
      const slot = n % RAW_SLOTS;
      const current = this.#current[slot] ?? 0;
      if (this.#answered[slot] === 1) add(this.#at[slot] ?? 0, 1, current, current, this.#fan[slot] ?? 0);
    }
    return sums.map(({ n, current, max, fan }) => (n === 0 ? null : [current / n, max, fan / n]));
  }

  /** Number of samples with a reply that the ring still holds from before `end`, epoch milliseconds. */
  #answeredBefore(end: number): number {
    let count = 0;
    for (let n = Math.max(0, this.#written - RAW_SLOTS); n < this.#written; n++) {
      const slot = n % RAW_SLOTS;
      if ((this.#at[slot] ?? 0) >= end) break;
      count += this.#answered[slot] ?? 0;
    }
    return count;
  }

  #lastAt(): number {
    return this.#at[(this.#written - 1) % RAW_SLOTS] ?? 0;
  }

  #recordMinute(at: number, sample: Sample): void {
    const minute = Math.floor(at / COARSE_MS);
    const slot = minute % COARSE_SLOTS;
    if (this.#minuteAt[slot] !== minute * COARSE_MS) {
      this.#minuteAt[slot] = minute * COARSE_MS;
      this.#minuteCurrent[slot] = 0;
      this.#minuteFan[slot] = 0;
      this.#minuteMax[slot] = 0;
      this.#minuteCount[slot] = 0;
    }
    const count = (this.#minuteCount[slot] ?? 0) + 1;
    const current = this.#minuteCurrent[slot] ?? 0;
    const fan = this.#minuteFan[slot] ?? 0;
    this.#minuteCurrent[slot] = current + (sample.current - current) / count;
    this.#minuteFan[slot] = fan + (sample.fan - fan) / count;
    this.#minuteMax[slot] = Math.max(this.#minuteMax[slot] ?? 0, sample.current);
    this.#minuteCount[slot] = count;
  }
}
