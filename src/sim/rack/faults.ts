/** Faults that can be set on a node's BMC or on the bus. Plain data; who acts, reads them. */

export interface BmcFaults {
  /** Hears nothing, says nothing. */
  silent: boolean;
  /** Share of the reply's characters that arrive damaged, 0..1. */
  garble: number;
  offIgnored: boolean;
  onIgnored: boolean;
  /** The status says `on` for so long (ms) after power is off. */
  offLateMs: number;
  /** The address that replies carry instead of the node's own. */
  wrongId: number | null;
  /** Replies stop somewhere in the middle. */
  torn: boolean;
  /** `~` has no effect. */
  consoleIgnored: boolean;
  /** What the BMC measures instead of the truth, in counts; null: the truth. */
  showsCurrent: number | null;
  showsFan: number | null;
  /** Milliseconds before each reply, on top of the usual turnaround. */
  slowMs: number;
  /** The current swings by so many counts to both sides. */
  jitter: number;
  /** The current is at the sensor's end, ff, whatever is drawn. */
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
  /** Nothing the host sends arrives. */
  silent: boolean;
}

export function noBusFaults(): BusFaults {
  return { noise: 0, tornReplies: 0, silent: false };
}
