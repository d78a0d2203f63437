/** Faults that can be set on a node's BMC or on the bus. Plain data, read where they take effect. */

export interface BmcFaults {
  /** Ignores all input, sends nothing. */
  silent: boolean;
  /** Share of the reply's characters that arrive damaged, 0..1. */
  garble: number;
  offIgnored: boolean;
  onIgnored: boolean;
  /** Time for which the status still shows `on` after power off, ms. */
  offLateMs: number;
  /** Address that replies carry instead of the node's own; null: its own. */
  wrongId: number | null;
  /** Replies stop somewhere in the middle. */
  torn: boolean;
  /** `~` has no effect. */
  consoleIgnored: boolean;
  /** Values that the BMC measures instead of the true ones, in counts; null: the true ones. */
  showsCurrent: number | null;
  showsFan: number | null;
  /** Milliseconds before each reply, on top of the usual turnaround. */
  slowMs: number;
  /** Counts by which the current swings to both sides. */
  jitter: number;
  /** The current is at the sensor's end, ff, at any load. */
  saturated: boolean;
}

export function noBmcFaults(): BmcFaults {
  return {
    silent: false,
    garble: 0,
    offIgnored: false,
    onIgnored: false,
    offLateMs: 0,
    wrongId: null,
    torn: false,
    consoleIgnored: false,
    showsCurrent: null,
    showsFan: null,
    slowMs: 0,
    jitter: 0,
    saturated: false,
  };
}

export interface BusFaults {
  /** Chance of stray bytes ahead of an exchange, 0..1. */
  noise: number;
  /** Share of all replies that stop somewhere in the middle, 0..1. */
  tornReplies: number;
  /** No byte of the host arrives. */
  silent: boolean;
}

export function noBusFaults(): BusFaults {
  return { noise: 0, tornReplies: 0, silent: false };
}
