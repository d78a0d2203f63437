/** What a count of current means, where the owner has measured it. Without that, counts are counts. Pure. */

export interface Calibration {
  /** Amperes for each count above `zero`. */
  amps: number;
  /** The counts at which nothing flows. */
  zero: number;
}

/** A blade regulates to this, by the vendor's documentation (PROTOCOL section 1). */
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

/** `0.51 A` where the node is calibrated, else its counts with `unit` behind them. */
export function drawText(counts: number, calibration: Calibration | null, unit: string): string {
  const amps = ampsOf(counts, calibration);
  return amps === null ? `${counts} ${unit}` : `${amps.toFixed(2)} A`;
}

/** What several nodes draw together: amperes only where each of them is calibrated. */
export function totalDraw(nodes: readonly { current: number; calibration: Calibration | null }[]): {
  counts: number;
  amps: number | null;
} {
  const counts = nodes.reduce((sum, { current }) => sum + current, 0);
  const amps = nodes.reduce<number | null>((sum, { current, calibration }) => {
    const own = ampsOf(current, calibration);
    return sum === null || own === null ? null : sum + own;
  }, 0);
  return { counts, amps };
}
