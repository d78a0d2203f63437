/**
 * Estimates from a node's own history: the usual duration of its shutdowns and boots, and the band of currents in which
 * it was seen halted. A halted Pi draws more than half of the current of an idle one (shutdown section 1), each board
 * another amount: only a node's own history is evidence. Pure; currents in counts.
 */
import type { HaltBand } from './ports.ts';

export const DURATIONS_KEPT = 12;
/** Only the newest count, because a node's behaviour changes. */
const DURATIONS_COUNTED = 5;

/**
 * Returns the median of the newest ones, ms, so that one shutdown that hung does not count; null: none was seen.
 * `seen`: oldest first.
 */
export function usualOf(seen: readonly number[]): number | null {
  const counted = seen.slice(-DURATIONS_COUNTED);
  return counted.sort((a, b) => a - b)[Math.floor(counted.length / 2)] ?? null;
}

/** One shutdown that the kernel's last line proved. */
export interface ObservedHalt {
  /** Current before the request, counts. */
  running: number;
  low: number;
  high: number;
}

/**
 * Counts added on both sides of the band: currents jitter by a count or two from sample to sample, and halts differ a
 * little.
 */
const MARGIN = 3;
/** Only the newest count: boards, loads and power supplies change. */
export const HALTS_KEPT = 10;

/** Returns null where no halt was seen, or the band would reach up to the running current. */
export function haltBand(halts: readonly ObservedHalt[]): HaltBand | null {
  if (halts.length === 0) return null;
  const low = Math.max(0, Math.min(...halts.map((halt) => halt.low)) - MARGIN);
  const high = Math.max(...halts.map((halt) => halt.high)) + MARGIN;
  const running = Math.min(...halts.map((halt) => halt.running));
  return high < running ? { low, high, shutdowns: halts.length } : null;
}
