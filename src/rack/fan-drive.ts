/**
 * Whether ZZ is what a fan does, or only the drive that the BMC derives from the current: every published pair obeys
 * ZZ = 4 × YY exactly (docs/reference/bus-protocol.md). Where that holds, a fan that stands still cannot be seen in it. Pure.
 */
import type { Sample } from './reading.ts';

export const DRIVE_PER_COUNT = 4;
/** Above it 4 × YY no longer fits a byte; at 0 both say nothing. */
const HIGHEST = Math.floor(0xff / DRIVE_PER_COUNT);
/** Fewer readings prove nothing. */
const ENOUGH = 6;
/** One BMC that measures wrongly is no bus that keeps another ratio. */
const HOLDS = 0.9;
const BROKEN = 0.5;
/** Old readings fade: counts are halved there. */
const MOST = 1_000;

/** `drive`: ZZ follows YY; `speed`: it does not; `unknown`: too little was read, or some does and some does not. */
export type FanMeaning = 'drive' | 'speed' | 'unknown';

/** True or false: ZZ is 4 × YY or not; null: this reading cannot tell. */
export function keepsRatio({ power, current, fan }: Pick<Sample, 'power' | 'current' | 'fan'>): boolean | null {
  if (power !== 'on' || current === 0 || current > HIGHEST) return null;
  return fan === DRIVE_PER_COUNT * current;
}

export function fanMeaning(kept: number, read: number): FanMeaning {
  if (read < ENOUGH) return 'unknown';
  const share = kept / read;
  return share >= HOLDS ? 'drive' : share < BROKEN ? 'speed' : 'unknown';
}

/** Counts readings as they come. */
export class FanRatio {
  #kept = 0;
  #read = 0;

  get meaning(): FanMeaning {
    return fanMeaning(this.#kept, this.#read);
  }

  add(sample: Sample): void {
    const kept = keepsRatio(sample);
    if (kept === null) return;
    this.#read++;
    if (kept) this.#kept++;
    if (this.#read < MOST) return;
    this.#kept /= 2;
    this.#read /= 2;
  }
}
