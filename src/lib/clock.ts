/**
 * The steady clock, for every duration, age and limit: milliseconds that only go forward, through suspends too. They
 * start at the epoch time, but are no date: the wall clock is often set by hours while this program runs (a Raspberry
 * Pi has no battery behind its own), so it is read only for display and logs, through {@link wallTime}.
 */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

export interface ClockSources {
  /** Milliseconds of a clock that is never set and stops while the machine is suspended. */
  monotonic(): number;
  /** Milliseconds since the machine booted, suspends included; coarse. */
  sinceBoot(): number;
  /** Epoch milliseconds, as set by an administrator or NTP. */
  wall(): number;
  /** Identifies this boot of the machine; null: not known. */
  bootId(): string | null;
}

/** A steady time in a file, usable by a later program until the machine reboots. */
export interface KeptTime {
  /** Null: not known, so that no later program can use `up`. */
  boot: string | null;
  /** Milliseconds since that boot. */
  up: number;
  /** The date, epoch milliseconds, for display. */
  wall: number;
}

/** Difference of both clocks that shows a suspend, ms; less is the coarser one's rounding. */
const SUSPENDED_MS = 200;
/**
 * Interval at which the boot clock is read, ms: it is a file. After a suspend it is read at once, because the wall clock
 * has jumped then; that costs no system call.
 */
const LOOK_MS = 1_000;
/** Movement of the wall clock against the monotonic one that is more than rounding and NTP's slewing, ms. */
const WALL_MOVED_MS = 20;
/** Step of the displayed dates, ms, so that events in order have dates in order. */
const WALL_STEP_MS = 100;

export class SteadyClock {
  readonly #sources: ClockSources;
  readonly #boot: string | null;
  /** Epoch milliseconds at the monotonic clock's zero, as the wall clock was set at the start. */
  readonly #base: number;
  /** Lead of the boot clock over the monotonic one at the start, ms. */
  readonly #bootAhead: number;
  #suspended = 0;
  #lookedAt: number;
  /** Lead of the wall clock over the monotonic one at the last look, ms. */
  #wallAhead: number;

  constructor(sources: ClockSources) {
    this.#sources = sources;
    this.#boot = sources.bootId();
    this.#lookedAt = sources.monotonic();
    this.#base = sources.wall() - this.#lookedAt;
    this.#wallAhead = this.#base;
    this.#bootAhead = sources.sinceBoot() - this.#lookedAt;
  }

  now(): number {
    const monotonic = this.#sources.monotonic();
    const wallAhead = this.#sources.wall() - monotonic;
    if (monotonic - this.#lookedAt >= LOOK_MS || Math.abs(wallAhead - this.#wallAhead) > WALL_MOVED_MS) {
      this.#lookedAt = monotonic;
      this.#wallAhead = wallAhead;
      const slept = this.#sources.sinceBoot() - monotonic - this.#bootAhead;
      if (slept - this.#suspended > SUSPENDED_MS) this.#suspended = slept;
    }
    return Math.floor(this.#base + monotonic + this.#suspended);
  }

  /** Converts a steady time into epoch milliseconds, as the wall clock is set at present. */
  wallTime(at: number): number {
    return at + Math.round((this.#sources.wall() - this.now()) / WALL_STEP_MS) * WALL_STEP_MS;
  }

  /** Converts a date in a file into a steady time, as exact as the wall clock was then and is at present. */
  timeOfDate(wall: number): number {
    return wall - this.wallTime(0);
  }

  keep(at: number): KeptTime {
    return { boot: this.#boot, up: Math.round(at - this.#base + this.#bootAhead), wall: this.wallTime(at) };
  }

  /** Returns the steady time of `kept`; null: it is of another boot of the machine. */
  recall(kept: KeptTime): number | null {
    if (this.#boot === null || kept.boot !== this.#boot) return null;
    const at = Math.round(kept.up + this.#base - this.#bootAhead);
    // A restarted container keeps the boot id and counts from zero.
    return at <= this.now() ? at : null;
  }
}

const system = new SteadyClock({
  monotonic: () => performance.now(),
  sinceBoot: () => uptime() * 1000,
  wall: () => Date.now(),
  bootId: () => {
    try {
      return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    } catch {
      return null;
    }
  },
});

/** Turns of the event loop in which a socket can become readable and be read, and a program's end be reported. */
const TURNS = 3;

/**
 * Calls `fn` after `ms`, once all input that arrived by then was read: in a turn of the event loop timers fire before
 * reads, so a limit that ran out while this process was stopped would be checked before the waiting answer. Returns
 * the function that cancels it.
 */
export function expire(ms: number, fn: () => void): () => void {
  let next: NodeJS.Immediate | undefined;
  const turn = (left: number): void => {
    if (left === 0) fn();
    else next = setImmediate(() => turn(left - 1));
  };
  const timer = setTimeout(() => turn(TURNS), ms);
  return () => {
    clearTimeout(timer);
    clearImmediate(next);
  };
}

/** See {@link SteadyClock.now}. */
export const steadyNow = (): number => system.now();
export const wallTime = (at: number): number => system.wallTime(at);
export const timeOfDate = (wall: number): number => system.timeOfDate(wall);
export const keepTime = (at: number): KeptTime => system.keep(at);
export const recallTime = (kept: KeptTime): number | null => system.recall(kept);
