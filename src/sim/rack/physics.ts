/**
 * Current and fan of one node, in counts (0..255, as the BMC reports them; the scale is not known). Pure and lazy:
 * values are computed when they are read, and do not depend on the number of reads.
 */
import { noiseAt } from '../random.ts';

/** The guest's activity, which determines the power. `load` is 0..1 of the processor. */
export type Activity =
  | { kind: 'off' }
  | { kind: 'booting'; since: number }
  | { kind: 'running'; load: number }
  /** Halted and powered: a Pi 4 with default settings still draws more than half of its idle current. */
  | { kind: 'halted' };

/** Idle readings seen on the real rack: 0x1b, 0x1d, 0x26. Nodes differ; each has its own base in this range. */
const IDLE_MIN = 0x1a;
const IDLE_SPAN = 0x0b;
/** Full load on top of idle, and the highest boot peak, about twice idle (shutdown section 1). */
const LOAD_SPAN = 0x2c;
const BOOT_PEAK = 0x26;
/** Current of a halted node, as a share of its own idle current. */
const HALTED_SHARE = 0.66;
/** Fan readings seen: 0x60 to 0x98, that is 0x60 cold and 0x98 hot. */
const FAN_MIN = 0x60;
const FAN_SPAN = 0x38;
/** Time constants of the heat sink and the fan controller, ms. */
const HEAT_MS = 45_000;
const FAN_MS = 6_000;
const BOOT_MS = 22_000;
const JITTER_STEP_MS = 700;
/** Makes idle 0.40 to 0.60 A at 5 V (shutdown section 1). The simulator's own: the hardware's scale is not known. */
const W_PER_COUNT = 0.078;

/** Ratio of ZZ to YY in all published pairs. */
const DRIVE_PER_COUNT = 4;

/** Returns the drive of a node's fan, as BMCs report it that derive it from the current. */
export const driveOf = (current: number): number => Math.min(0xff, DRIVE_PER_COUNT * current);

export class Physics {
  private readonly seed: number;
  /** 0: ambient, 1: as hot as at full load. */
  private heat = 0.2;
  private fan = 0.2;
  private at: number;
  private activity: Activity = { kind: 'off' };

  constructor(seed: number, at: number) {
    this.seed = seed;
    this.at = at;
  }

  /** Sets the node's activity from `at` on (guest ms). */
  become(activity: Activity, at: number): void {
    this.advance(at);
    this.activity = activity;
  }

  /** Sets heat and fan to their final values at the present activity: for a rack that was on long before the start. */
  settle(): void {
    this.heat = this.targetHeat();
    this.fan = this.heat;
  }

  /** Returns both bytes of the status line at `at`. */
  read(at: number): { current: number; fan: number } {
    this.advance(at);
    if (this.activity.kind === 'off') return { current: 0, fan: 0 };
    const step = Math.floor(at / JITTER_STEP_MS);
    const jitter = (noiseAt(this.seed, step, 1) - 0.5) * 3;
    const fanJitter = (noiseAt(this.seed, step, 2) - 0.5) * 2.5;
    return {
      current: toByte(this.draw(at) + jitter, 1),
      fan: toByte(FAN_MIN + FAN_SPAN * this.fan + fanJitter, FAN_MIN),
    };
  }

  /** Returns the power at `at`, W, without the sensor's jitter. */
  watts(at: number): number {
    return this.draw(at) * W_PER_COUNT;
  }

  private get idle(): number {
    return IDLE_MIN + IDLE_SPAN * noiseAt(this.seed, 3);
  }

  private draw(at: number): number {
    switch (this.activity.kind) {
      case 'off':
        return 0;
      case 'halted':
        return this.idle * HALTED_SHARE;
      case 'running':
        return this.idle + LOAD_SPAN * this.activity.load + this.bursts(at);
      case 'booting': {
        // Firmware, kernel, services: a high plateau with peaks that dies away.
        const age = (at - this.activity.since) / BOOT_MS;
        const peak = noiseAt(this.seed, Math.floor(at / 400), 4);
        return this.idle * 0.8 + BOOT_PEAK * Math.max(0, 1 - age) * (0.5 + 0.5 * peak);
      }
    }
  }

  /** Returns the counts of small work that an idle cluster node does now and then, for some seconds. */
  private bursts(at: number): number {
    const chance = noiseAt(this.seed, Math.floor(at / 4_000), 5);
    return chance > 0.8 ? (chance - 0.8) * 40 : 0;
  }

  private targetHeat(): number {
    switch (this.activity.kind) {
      case 'off':
        return 0;
      case 'halted':
        return 0.1;
      case 'booting':
        return 0.6;
      case 'running':
        return 0.2 + 0.15 * noiseAt(this.seed, 6) + 0.65 * this.activity.load;
    }
  }

  private advance(at: number): void {
    const span = at - this.at;
    if (span <= 0) return;
    this.at = at;
    const target = this.targetHeat();
    this.heat = target + (this.heat - target) * Math.exp(-span / HEAT_MS);
    this.fan = this.heat + (this.fan - this.heat) * Math.exp(-span / FAN_MS);
  }
}

function toByte(value: number, least: number): number {
  return Math.max(least, Math.min(0xff, Math.round(value)));
}
