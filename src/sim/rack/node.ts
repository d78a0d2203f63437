/** One slot of the rack: a BMC with its BIOS, the power it switches, the guest behind it. */
import type { NetworkState } from '../guest/faults.ts';
import { type Guest, type GuestPhase, isAlive } from '../guest/guest.ts';
import { noiseAt } from '../random.ts';
import { Bios } from './bios.ts';
import { emptyNodeCounters, type NodeCounters } from './counters.ts';
import { type BmcFaults, noBmcFaults } from './faults.ts';
import { type Activity, driveOf, Physics } from './physics.ts';

/** XX of the status line is the index: 0 off, 1 on, 2 disabled. */
export const POWER_STATES = ['off', 'on', 'disabled'] as const;
export type PowerState = (typeof POWER_STATES)[number];

export interface NodeDescription {
  addr: string;
  name: string;
  /** True state, and the BMC's report. */
  power: PowerState;
  reported: PowerState;
  guest: GuestPhase;
  user: string | null;
  /** Reaction to connections at its ssh port. */
  network: NetworkState;
  /** Duration of its last shutdown, from the request to its last line, wire ms; null: none since power on. */
  shutdownMs: number | null;
  current: number;
  fan: number;
}

/**
 * Extra power of a board in its first second, W: our own figure, such that all four of a blade, and a whole rack, may
 * start together.
 */
const INRUSH = { watts: 6, ms: 1_000 };
/** Time for which a sensor shows one value of the fault `jitter`, guest ms. */
const JITTER_MS = 300;

export interface NodeOptions {
  addr: number;
  name: string;
  seed: number;
  /** Guest milliseconds per wire millisecond. */
  timeScale: number;
  guest: Guest;
  power: PowerState;
  at: number;
}

export class SimNode {
  readonly addr: number;
  readonly name: string;
  readonly bios = new Bios();
  /** UUID of the board (version 4, lower case); the dialect decides the form that `#` prints. */
  uid: string;
  readonly guest: Guest;
  faults: BmcFaults = noBmcFaults();
  counters: NodeCounters = emptyNodeCounters();
  /** Baud code of the open console, null while the BIOS reads the bytes. */
  console: number | null = null;
  power: PowerState;
  /** Time until which the status still shows `on` (fault `off-late`). */
  private claimsOnUntil = 0;
  private readonly physics: Physics;
  /** Guest milliseconds per wire millisecond, and the lead of the guests' clock by earlier ones. */
  private scale: number;
  private ahead = 0;
  private readonly seed: number;
  /** Time at which the board last got its voltage, guest time. */
  private startedAt = -Infinity;
  private activity: Activity;
  /** Number of boards that were in this slot before. */
  private boards = 0;

  constructor(options: NodeOptions) {
    this.addr = options.addr;
    this.name = options.name;
    this.guest = options.guest;
    this.power = options.power;
    this.scale = options.timeScale;
    this.seed = options.seed;
    this.uid = boardId(options.seed, 0);
    this.physics = new Physics(options.seed, this.guestTime(options.at));
    this.activity = this.drawnBy();
    this.physics.become(this.activity, this.guestTime(options.at));
    this.physics.settle();
  }

  guestTime(at: number): number {
    return at * this.scale + this.ahead;
  }

  get timeScale(): number {
    return this.scale;
  }

  /** Sets the speed of its guest from now on. */
  setTimeScale(scale: number, at: number): void {
    this.advance(at);
    this.ahead = this.guestTime(at) - at * scale;
    this.scale = scale;
  }

  /** Puts another board into the slot. */
  swapBoard(): void {
    this.boards += 1;
    this.uid = boardId(this.seed, this.boards);
  }

  /** Switches power as the BMC's FET does: at once. */
  switchPower(power: PowerState, at: number): void {
    if (power === this.power) return;
    this.advance(at);
    const was = this.power;
    this.power = power;
    if (power === 'on') this.startGuest(at);
    else if (was === 'on') {
      this.guest.powerOff(this.guestTime(at));
      this.claimsOnUntil = at + this.faults.offLateMs;
    }
    this.noteActivity();
  }

  /** Executes `\` at this BMC; one that hits a running system is counted. */
  cut(at: number): void {
    this.counters.off += 1;
    if (this.faults.offIgnored || this.power !== 'on') return;
    this.advance(at);
    if (isAlive(this.guest.phase)) this.counters.cutAlive += 1;
    this.switchPower('off', at);
  }

  /** Gives the board its voltage, from its BMC or after a brown-out. */
  startGuest(at: number): void {
    this.startedAt = this.guestTime(at);
    this.guest.powerOn(this.startedAt);
    this.noteActivity();
  }

  /** Returns XX, YY and ZZ of the status line. */
  status(at: number, fanShows: 'drive' | 'speed' = 'drive'): { power: number; current: number; fan: number } {
    this.advance(at);
    const read = this.physics.read(this.guestTime(at));
    const shown = at < this.claimsOnUntil ? 'on' : this.power;
    const current = this.sensed(read.current, at);
    const fan = fanShows === 'drive' ? driveOf(current) : read.fan;
    return { power: POWER_STATES.indexOf(shown), current, fan: this.faults.showsFan ?? fan };
  }

  /** Returns the power drawn from the blade, W. */
  watts(at: number): number {
    this.advance(at);
    if (this.power !== 'on') return 0;
    const now = this.guestTime(at);
    const inrush = this.guest.phase !== 'dead' && now - this.startedAt < INRUSH.ms ? INRUSH.watts : 0;
    return this.physics.watts(now) + inrush;
  }

  network(at: number): NetworkState {
    this.advance(at);
    return this.power === 'on' ? this.guest.network : 'gone';
  }

  /** Returns the true state, for the control socket; plain data. */
  describe(at: number, fanShows: 'drive' | 'speed'): NodeDescription {
    const { power, current, fan } = this.status(at, fanShows);
    return {
      addr: this.addr.toString(16).padStart(2, '0'),
      name: this.name,
      power: this.power,
      reported: POWER_STATES[power] ?? this.power,
      guest: this.guest.phase,
      user: this.guest.user,
      network: this.network(at),
      shutdownMs: this.guest.shutdownTook === null ? null : Math.round(this.guest.shutdownTook / this.timeScale),
      current,
      fan,
    };
  }

  advance(at: number): void {
    this.guest.advance(this.guestTime(at));
    if (this.console === null) this.guest.discard();
    this.noteActivity();
  }

  /** Returns the wire time of the guest's next own action. */
  nextDeadline(): number {
    return (this.guest.nextDeadline() - this.ahead) / this.scale;
  }

  /** Returns the current as the BMC's sensor measures it, counts. */
  private sensed(current: number, at: number): number {
    if (this.faults.showsCurrent !== null) return this.faults.showsCurrent;
    if (this.power !== 'on') return current;
    if (this.faults.saturated) return 0xff;
    const { jitter } = this.faults;
    if (jitter === 0) return current;
    const swing = 2 * noiseAt(this.seed, Math.floor(this.guestTime(at) / JITTER_MS), 31) - 1;
    return Math.max(0, Math.min(0xff, Math.round(current + jitter * swing)));
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

function boardId(seed: number, board: number): string {
  const part = (salt: number, digits: number): string =>
    Math.floor(noiseAt(seed, salt, board) * 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  const variant = '89ab'[Math.floor(noiseAt(seed, 44, board) * 4)] ?? '8';
  return `${part(41, 8)}-${part(42, 4)}-4${part(43, 3)}-${variant}${part(45, 3)}-${part(46, 6)}${part(47, 6)}`;
}
