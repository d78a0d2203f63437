/** How long nodes take by themselves, as far as it was seen here. Pure. */
import type { Address } from '../rack/address.ts';

/** `off`: from being asked to the kernel's last line. `on`: from power to a system that answers. */
export type Way = 'off' | 'on';

export interface DurationPort {
  /** What is to be expected of it, ms; null: it was never seen. */
  usual(addr: Address, way: Way): number | null;
  took(addr: Address, way: Way, ms: number): void;
}

/** Newer ones count: what a node does changes. */
export const DURATIONS_KEPT = 5;

/** The one in the middle: one shutdown that hung is no rule. Null: none. */
export function usualOf(seen: readonly number[]): number | null {
  return [...seen].sort((a, b) => a - b)[Math.floor(seen.length / 2)] ?? null;
}
