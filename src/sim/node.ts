/** One slot of the rack: a BMC with its BIOS, the power it switches, the guest behind it. */
import { Bios } from './bios.ts';
import { emptyNodeCounters, type NodeCounters } from './counters.ts';
import { noBmcFaults, type BmcFaults } from './faults.ts';
import type { Guest, GuestPhase } from './guest/guest.ts';
import { Physics, type Activity } from './physics.ts';
import { noiseAt } from './random.ts';

/** XX of the status line is the index: 0 off, 1 on, 2 disabled. */
export const POWER_STATES = ['off', 'on', 'disabled'] as const;
export type PowerState = (typeof POWER_STATES)[number];

export interface NodeDescription {
  addr: string;
  name: string;
  /** What is, and what the BMC claims. */
  power: PowerState;
  reported: PowerState;
  guest: GuestPhase;
  user: string | null;
  current: number;
  fan: number;
}

export interface NodeOptions {
  addr: number;
  name: string;
  seed: number;
  /** Guest milliseconds a wire millisecond. */
  timeScale: number;
  guest: Guest;
  power: PowerState;
  at: number;
}

export class SimNode {
  readonly addr: number;
  readonly name: string;
  readonly bios = new Bios();
  /** Twelve hex digits; what `#` prints of it is a dialect. */
  readonly uid: string;
  readonly guest: Guest;
  faults: BmcFaults = noBmcFaults();
  counters: NodeCounters = emptyNodeCounters();
  /** Baud code of the open console, null while the BIOS listens. */
  console: number | null = null;
  power: PowerState;
  /** Until when the status still claims `on` (fault `off-late`). */
  private claimsOnUntil = 0;
  private readonly physics: Physics;
  private readonly timeScale: number;
  private activity: Activity;

  constructor(options: NodeOptions) {
    this.addr = options.addr;
    this.name = options.name;
    this.guest = options.guest;
    this.power = options.power;
    this.timeScale = options.timeScale;
    this.uid = [7, 8]
      .map((salt) => Math.floor(noiseAt(options.seed, salt) * 2 ** 24))
      .map((half) => half.toString(16).padStart(6, '0'))
      .join('');
    this.physics = new Physics(options.seed, this.guestTime(options.at));
    this.activity = this.drawnBy();
    this.physics.become(this.activity, this.guestTime(options.at));
    this.physics.settle();
  }

  guestTime(at: number): number {
    return at * this.timeScale;
  }

  /** Power on or off as the BMC's FET does it: at once. */
  switchPower(power: PowerState, at: number): void {
    if (power === this.power) return;
    this.advance(at);
    const was = this.power;
    this.power = power;
    if (power === 'on') this.guest.powerOn(this.guestTime(at));
    else if (was === 'on') {
      this.guest.powerOff(this.guestTime(at));
      this.claimsOnUntil = at + this.faults.offLateMs;
    }
    this.noteActivity();
  }

  /** XX, YY and ZZ of the status line. */
  status(at: number): { power: number; current: number; fan: number } {
    this.advance(at);
    const { current, fan } = this.physics.read(this.guestTime(at));
    const shown = at < this.claimsOnUntil ? 'on' : this.power;
    return { power: POWER_STATES.indexOf(shown), current, fan };
  }

  /** The true state, for whoever has hands in the rack; plain data. */
  describe(at: number): NodeDescription {
    const { power, current, fan } = this.status(at);
    return {
      addr: this.addr.toString(16).padStart(2, '0'),
      name: this.name,
      power: this.power,
      reported: POWER_STATES[power] ?? this.power,
      guest: this.guest.phase,
      user: this.guest.user,
      current,
      fan,
    };
  }

  advance(at: number): void {
    this.guest.advance(this.guestTime(at));
    if (this.console === null) this.guest.discard();
    this.noteActivity();
  }

  /** Wire time of the guest's next own step. */
  nextDeadline(): number {
    return this.guest.nextDeadline() / this.timeScale;
  }

  private noteActivity(): void {
    const now = this.drawnBy();
    if (now === this.activity) return;
    this.activity = now;
    this.physics.become(now, this.guest.activitySince);
  }

  private drawnBy(): Activity {
    return this.power === 'on' ? this.guest.activity : OFF;
  }
}

const OFF: Activity = { kind: 'off' };
