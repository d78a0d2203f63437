/**
 * How long nodes take by themselves, as far as it was seen here. Pure.
 *
 * In which currents a halted node was seen, and whether that tells it from a running one. A halted Pi draws more than
 * half of what an idle one draws (shutdown section 1), each board another amount: only a node's own past says anything.
 * Pure; counts, no unit.
 */
import type { HaltBand } from './ports.ts';

/** Newer ones count: what a node does changes. */
export const DURATIONS_KEPT = 5;

/** The one in the middle: one shutdown that hung is no rule. Null: none. */
export function usualOf(seen: readonly number[]): number | null {
  return [...seen].sort((a, b) => a - b)[Math.floor(seen.length / 2)] ?? null;
}

/** One shutdown that the kernel's last line proved. */
export interface ObservedHalt {
  /** The current before it was asked. */
  running: number;
  low: number;
  high: number;
}

/** Currents jitter by a count or two from sample to sample; the next halt is not exactly the last one. */
const MARGIN = 3;
/** Newer ones count: boards, loads and power supplies change. */
export const HALTS_KEPT = 10;

/** Null: nothing was seen, or the band would reach up to where the node ran. */
export function haltBand(halts: readonly ObservedHalt[]): HaltBand | null {
  if (halts.length === 0) return null;
  const low = Math.max(0, Math.min(...halts.map((halt) => halt.low)) - MARGIN);
  const high = Math.max(...halts.map((halt) => halt.high)) + MARGIN;
  const running = Math.min(...halts.map((halt) => halt.running));
  return high < running ? { low, high, shutdowns: halts.length } : null;
}
