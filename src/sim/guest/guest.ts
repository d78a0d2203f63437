/** What a BMC sees of the computer behind it: a power input and a UART. */
import type { Activity } from '../physics.ts';

/**
 * Where the guest's software is, for `state` and tests: `dead` without power, `firmware` to `login`/`shell` on the way up,
 * `stopping`, `halted` (silent, powered), `hung`, `panicked`; `host` is the master node, whose UART is the bus.
 */
export type GuestPhase =
  | 'dead'
  | 'firmware'
  | 'booting'
  | 'login'
  | 'shell'
  | 'running'
  | 'stopping'
  | 'halted'
  | 'hung'
  | 'panicked'
  | 'host';

/** Times are milliseconds of guest time, which may run faster than the wire's. */
export interface Guest {
  readonly phase: GuestPhase;
  readonly activity: Activity;
  /** Since when, guest time. */
  readonly activitySince: number;
  /** Who is logged in on the console, or null. */
  readonly user: string | null;
  /** Power comes: everything starts anew. */
  powerOn(at: number): void;
  /** Power goes: nothing is said or heard any more. */
  powerOff(at: number): void;
  /** One byte arrives at the UART. */
  receive(byte: number, at: number): void;
  /** Lets everything happen that is due. */
  advance(at: number): void;
  /** When something will happen without input; Infinity: nothing. */
  nextDeadline(): number;
  /** Takes at most `max` bytes that the UART has to send. */
  take(max: number): Uint8Array;
  /** Releases what the guest holds outside this process. */
  dispose(): void;
}

/** The master's own node: its UART *is* the bus, so it has no console here. */
export function hostGuest(): Guest {
  const nothing = (): void => undefined;
  return {
    phase: 'host',
    activity: { kind: 'running', load: 0.05 },
    activitySince: 0,
    user: null,
    powerOn: nothing,
    powerOff: nothing,
    receive: nothing,
    advance: nothing,
    nextDeadline: () => Infinity,
    take: () => new Uint8Array(0),
    dispose: nothing,
  };
}
