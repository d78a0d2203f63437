/**
 * Time for every duration, age and limit: milliseconds that only go forward, through suspends too. They read like the
 * epoch's, but are no date: the wall clock is often set by hours while this runs (a Raspberry Pi has no battery behind
 * its own), so it is read only for what is shown or written into logs, through {@link wallTime}.
 */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

export interface ClockSources {
  /** Milliseconds of a clock that is never set and stands while the machine is suspended. */
  monotonic(): number;
  /** Milliseconds since the machine was booted, suspends included; coarse. */
  sinceBoot(): number;
  /** Epoch milliseconds, as somebody or NTP set them. */
  wall(): number;
  /** Names this boot of the machine; null: not known. */
  bootId(): string | null;
}

/** A steady time in a file: of use to a later program while the machine has not been booted anew. */
export interface KeptTime {
  /** Null: not known, so that no later program can use `up`. */
  boot: string | null;
  /** Milliseconds since that boot. */
  up: number;
  /** The date, epoch milliseconds: for people. */
  wall: number;
}

/** Both clocks run alike but for suspends; less than this is the coarser one's rounding, ms. */
const SUSPENDED_MS = 200;
/** The boot clock is read (4 µs, a file) at most once in so many milliseconds of the other. */
const LOOK_MS = 10;
/** Dates are this exact: what happened in an order has its dates in that order. */
const WALL_STEP_MS = 100;

export class SteadyClock {
  readonly #sources: ClockSources;
  readonly #boot: string | null;
  /** Epoch milliseconds at the monotonic clock's zero, as the wall clock had it when this began. */
  readonly #base: number;
  /** Between monotonic and boot clock when this began. */
  readonly #bootAhead: number;
  #suspended = 0;
  #lookedAt: number;

  constructor(sources: ClockSources) {
    this.#sources = sources;
    this.#boot = sources.bootId();
    this.#lookedAt = sources.monotonic();
    this.#base = sources.wall() - this.#lookedAt;
    this.#bootAhead = sources.sinceBoot() - this.#lookedAt;
  }

  now(): number {
    const monotonic = this.#sources.monotonic();
    if (monotonic - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = monotonic;
      const slept = this.#sources.sinceBoot() - monotonic - this.#bootAhead;
      if (slept - this.#suspended > SUSPENDED_MS) this.#suspended = slept;
    }
    return Math.floor(this.#base + monotonic + this.#suspended);
  }

  /** What the wall clock, as it is set at present, shows for a steady time. Epoch milliseconds. */
  wallTime(at: number): number {
    return at + Math.round((this.#sources.wall() - this.now()) / WALL_STEP_MS) * WALL_STEP_MS;
  }

  /** The steady time of a date in a file: as right as the wall clock was then and is at present. */
  timeOfDate(wall: number): number {
    return wall - this.wallTime(0);
  }

  keep(at: number): KeptTime {
    return { boot: this.#boot, up: Math.round(at - this.#base + this.#bootAhead), wall: this.wallTime(at) };
  }

  /** The steady time of `kept`; null: another boot of the machine, nobody can tell how long ago. */
  recall(kept: KeptTime): number | null {
    if (this.#boot === null || kept.boot !== this.#boot) return null;
    const at = Math.round(kept.up + this.#base - this.#bootAhead);
    // A container that was started anew keeps the boot's name and counts from zero.
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

/** Turns of the event loop in which a socket can become readable, be read, and a program's end be told. */
const TURNS = 3;

/**
 * Calls `fn` after `ms`, once all that came by then was taken: in a turn of the event loop timers come before reading, so a
 * limit that ran out while this process stood still would be judged before the answer that waits. Returns how to call it off.
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
