/** What a count of current means, where the owner has measured it. Without that, counts are counts. Pure. */

export interface Calibration {
  /** Amperes for each count above `zero`. */
  amps: number;
  /** The counts at which nothing flows. */
  zero: number;
}

/** A blade regulates to this, by the vendor's documentation (bus-protocol section 1). */
export const VOLTS = 5;

/** Amperes, never below none; null: not calibrated. */
export function ampsOf(counts: number, calibration: Calibration | null): number | null {
  return calibration === null ? null : Math.max(0, counts - calibration.zero) * calibration.amps;
}

/** `2.40 of 12.00 A (12 of 60 W)`. */
export function ampsText({ part, whole }: { part: number; whole: number }): string {
  const watts = (amps: number): string => (amps * VOLTS).toFixed(0);
  return `${part.toFixed(2)} of ${whole.toFixed(2)} A (${watts(part)} of ${watts(whole)} W)`;
}

/** What a node draws. `amps`: null where nobody calibrated it. */
export interface Draw {
  counts: number;
  amps: number | null;
}

export function drawOf(counts: number, calibration: Calibration | null): Draw {
  return { counts, amps: ampsOf(counts, calibration) };
}

/** `0.51 A` where the node is calibrated, else its counts with `unit` behind them. */
export function drawText({ counts, amps }: Draw, unit: string): string {
  return amps === null ? `${counts} ${unit}` : `${amps.toFixed(2)} A`;
}

/** What several nodes draw together: amperes only where each of them is calibrated. */
export function totalDraw(draws: readonly Draw[]): Draw {
  return draws.reduce<Draw>(
    (sum, { counts, amps }) => ({
      counts: sum.counts + counts,
      amps: sum.amps === null || amps === null ? null : sum.amps + amps,
    }),
    { counts: 0, amps: 0 },
  );
}
