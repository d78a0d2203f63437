/**
 * Converts counts of current into amperes where the rack was calibrated, and fits the calibration line to a meter's
 * values. Pure.
 *
 * {@link FanRatio} tests whether ZZ is a fan's speed or only the drive that the BMC derives from the current: every
 * published pair obeys ZZ = 4 × YY exactly (docs/reference/bus-protocol.md). Where that holds, a fan that stands
 * still cannot be seen in it.
 */
import type { Sample } from './reading.ts';

/** One measurement; both values are sums where the meter measures several nodes at once. */
export interface MeterPoint {
  /** Mean of the counts of current during the measurement. */
  counts: number;
  /** The meter's value, amperes. */
  amps: number;
}

export type Fit =
  | {
      ok: true;
      calibration: Calibration;
      /** The largest distance of a point from the line, amperes at the meter. */
      worst: number;
    }
  | { ok: false; problem: string };

/**
 * The smallest range of counts for a fit: a reading is a whole count, and over fewer a slope would be wrong by more
 * than an eighth.
 */
const LEAST_SPREAD = 8;

/** Fits a line through `points` (least squares), measured at `nodes` nodes together. */
export function fitCalibration(points: readonly MeterPoint[], nodes: number): Fit {
  const all = points.map(({ counts, amps }) => ({ counts: counts / nodes, amps: amps / nodes }));
  const counts = all.map((point) => point.counts);
  const spread = all.length === 0 ? 0 : Math.max(...counts) - Math.min(...counts);
  if (all.length < 2) return { ok: false, problem: 'a line needs two loads: measure the node idle and under load' };
  if (spread < LEAST_SPREAD)
    return {
      ok: false,
      problem: `the loads are too similar: ${spread.toFixed(1)} counts per node, at least ${LEAST_SPREAD} are needed; the difference of an idle and a busy node is larger`,
    };
  const mean = (of: (point: MeterPoint) => number): number =>
    all.reduce((sum, point) => sum + of(point), 0) / all.length;
  const [c, a] = [mean((point) => point.counts), mean((point) => point.amps)];
  const slope =
    mean((point) => (point.counts - c) * (point.amps - a)) / mean((point) => (point.counts - c) * (point.counts - c));
  if (slope <= 0)
    return {
      ok: false,
      problem:
        'the meter showed less where the node counted more: the meter is at another node, or the counts of this rack are not a current',
    };
  // Counts are never negative: a line that crosses zero below them is fitted through the origin.
  const zero = Math.max(0, c - a / slope);
  const calibration = { amps: rounded(zero === 0 ? a / c : slope, 4), zero: rounded(zero, 3) };
  const off = all.map((point) => Math.abs((point.counts - calibration.zero) * calibration.amps - point.amps) * nodes);
  return { ok: true, calibration, worst: Math.max(...off) };
}

/**
 * Compares the power at the measured loads, W, with what such nodes were seen to draw: eight Pi 4 took 30 to 31 W at
 * the supply, 3.8 W each, and a blade feeds 50 W to four. Returns a sentence where it is far from that, else null.
 */
export function implausible(
  points: readonly MeterPoint[],
  nodes: number,
  { amps, zero }: Calibration,
  volts: number,
): string | null {
  const watts = points.map(({ counts }) => Math.max(0, counts / nodes - zero) * amps * volts);
  const [least, most] = [Math.min(...watts), Math.max(...watts)];
  if (most <= PLAUSIBLE_W.most && most >= PLAUSIBLE_W.least) return null;
  const range = `${least.toFixed(2)} to ${most.toFixed(2)} W a node`;
  return most > PLAUSIBLE_W.most
    ? `implausible: ${range} by this calibration, and a blade feeds 50 W to its four nodes (a Pi 4 was seen to draw 3.8 W): check that the meter measured only these nodes, their direct current, and the unit that was typed`
    : `implausible: ${range} by this calibration, and a Pi 4 was seen to draw 3.8 W: check that the meter measured all of these nodes, and the unit that was typed`;
}

/** Plausible power of one node, W: a working Pi Zero draws about a watt; four nodes share the 50 W of a blade. */
const PLAUSIBLE_W = { least: 0.8, most: 12.5 } as const;

/** Rounds to `digits` significant digits: more would exceed the meter's accuracy. */
function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

/** Parses `0.42`, `0.42 A`, or `2.1 W` at `volts`, into amperes; null: none of these. */
export function meterValue(text: string, volts: number): number | null {
  const found = /^\s*(\d+(?:[.,]\d+)?)\s*(A|W)?\s*$/i.exec(text);
  if (found === null) return null;
  const value = Number((found[1] ?? '').replace(',', '.'));
  return found[2]?.toUpperCase() === 'W' ? value / volts : value;
}

export interface Calibration {
  /** Amperes for each count above `zero`. */
  amps: number;
  /** Counts at zero current. */
  zero: number;
}

/** A blade's regulated voltage, V, by the vendor's documentation (bus-protocol section 1). */
export const VOLTS = 5;

/** Converts counts into amperes, 0 and up; null: not calibrated. */
export function ampsOf(counts: number, calibration: Calibration | null): number | null {
  return calibration === null ? null : Math.max(0, counts - calibration.zero) * calibration.amps;
}

/** Formats `2.40 of 12.00 A (12 of 60 W)`. */
export function ampsText({ part, whole }: { part: number; whole: number }): string {
  const watts = (amps: number): string => (amps * VOLTS).toFixed(0);
  return `${part.toFixed(2)} of ${whole.toFixed(2)} A (${watts(part)} of ${watts(whole)} W)`;
}

/** Current of a node. `amps`: null where it is not calibrated. */
export interface Draw {
  counts: number;
  amps: number | null;
}

export function drawOf(counts: number, calibration: Calibration | null): Draw {
  return { counts, amps: ampsOf(counts, calibration) };
}

/** Formats `0.51 A` where the node is calibrated, else its counts and `unit`. */
export function drawText({ counts, amps }: Draw, unit: string): string {
  return amps === null ? `${counts} ${unit}` : `${amps.toFixed(2)} A`;
}

/** Adds the current of a node to a sum of several, which has amperes only where each of them is calibrated. */
export function addDraw(sum: Draw, counts: number, amps: number | null): void {
  sum.counts += counts;
  sum.amps = sum.amps === null || amps === null ? null : sum.amps + amps;
}

/** Sums the current of several nodes, see {@link addDraw}. */
export function totalDraw(draws: readonly Draw[]): Draw {
  const sum: Draw = { counts: 0, amps: 0 };
  for (const { counts, amps } of draws) addDraw(sum, counts, amps);
  return sum;
}

const DRIVE_PER_COUNT = 4;
/** The highest count for which 4 × YY fits a byte; at 0 both values prove nothing. */
const HIGHEST = Math.floor(0xff / DRIVE_PER_COUNT);
/** Readings needed for a result. */
const ENOUGH = 6;
/** Shares of readings that decide; one BMC that measures wrongly is no bus with another ratio. */
const HOLDS = 0.9;
const BROKEN = 0.5;
/** Readings after which both counts are halved, so that old ones fade. */
const MOST = 1_000;

/** `drive`: ZZ follows YY; `speed`: it does not; `unknown`: too few readings, or they disagree. */
export type FanMeaning = 'drive' | 'speed' | 'unknown';

/** True: ZZ is 4 × YY; false: it is not; null: this reading cannot decide. */
export function keepsRatio({ power, current, fan }: Pick<Sample, 'power' | 'current' | 'fan'>): boolean | null {
  if (power !== 'on' || current === 0 || current > HIGHEST) return null;
  return fan === DRIVE_PER_COUNT * current;
}

export function fanMeaning(kept: number, read: number): FanMeaning {
  if (read < ENOUGH) return 'unknown';
  const share = kept / read;
  return share >= HOLDS ? 'drive' : share < BROKEN ? 'speed' : 'unknown';
}

/** Counts the readings that keep the ratio. */
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
