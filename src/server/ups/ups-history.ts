/**
 * Keeps the battery and load of a UPS over the last day: one slot for each two seconds in typed arrays, half a
 * megabyte a UPS once the day is full.
 */
import type { UpsPoint, UpsReading } from '../../api/outage.ts';

/** Length of a slot, ms: the usual interval of polls. */
export const SLOT_MS = 2_000;
const SLOTS = 86_400_000 / SLOT_MS;

const SERIES = ['charge', 'runtimeS', 'load'] as const;

export class UpsHistory {
  /** Number of the clock's slot that each entry holds. */
  readonly #slot = new Uint32Array(SLOTS);
  /** Values plus one; 0: not reported. */
  readonly #values = SERIES.map(() => new Float32Array(SLOTS));
  readonly #pollMs: number;
  #lastAt: number | null = null;

  /** `pollMs`: interval of polls; an answer fills the slots since the one before. */
  constructor(pollMs: number) {
    this.#pollMs = pollMs;
  }

  /**
   * Stores a reading. `at`: server's clock, ms, rising; null: no answer. Of several readings in one slot the last
   * one stays.
   */
  record(at: number, reading: Pick<UpsReading, (typeof SERIES)[number]> | null): void {
    const before = this.#lastAt;
    this.#lastAt = reading === null ? null : at;
    if (reading === null) return;
    const joined = before !== null && at - before <= 2 * this.#pollMs + SLOT_MS;
    const last = Math.floor(at / SLOT_MS);
    for (let slot = joined ? Math.floor(before / SLOT_MS) + 1 : last; slot < last; slot++) this.#set(slot, reading);
    this.#set(last, reading);
  }

  #set(slot: number, reading: Pick<UpsReading, (typeof SERIES)[number]>): void {
    const index = slot % SLOTS;
    this.#slot[index] = slot;
    SERIES.forEach((key, series) => {
      const value = reading[key];
      const values = this.#values[series];
      if (values) values[index] = value === null ? 0 : value + 1;
    });
  }

  /**
   * Returns `count` points of `stepMs` each, oldest first, the last of which holds `now`: means; null where there
   * was no answer. Points begin at whole steps of the clock, so that a point does not change before the next one
   * begins.
   */
  series(now: number, stepMs: number, count: number): (UpsPoint | null)[] {
    const first = Math.floor(now / stepMs) - count + 1;
    const sums = Array.from({ length: count }, () => ({ answers: 0, of: SERIES.map(() => ({ n: 0, sum: 0 })) }));
    const last = Math.floor(now / SLOT_MS);
    const from = Math.max(last - SLOTS + 1, Math.floor((first * stepMs) / SLOT_MS), 0);
    for (let slot = from; slot <= last; slot++) {
      const index = slot % SLOTS;
      const point = sums[Math.floor((slot * SLOT_MS) / stepMs) - first];
      if (this.#slot[index] !== slot || point === undefined) continue;
      point.answers++;
      point.of.forEach((one, series) => {
        const stored = this.#values[series]?.[index] ?? 0;
        if (stored === 0) return;
        one.n++;
        one.sum += stored - 1;
      });
    }
    return sums.map(({ answers, of }) => {
      if (answers === 0) return null;
      const [charge = null, runtimeS = null, load = null] = of.map(({ n, sum }) => (n === 0 ? null : sum / n));
      return [charge, runtimeS, load];
    });
  }
}
