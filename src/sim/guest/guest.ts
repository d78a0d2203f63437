/** What a BMC sees of the computer behind it: a power input and a UART. */
import type { Activity } from '../rack/physics.ts';
import { type GuestFaults, noGuestFaults, type NetworkState } from './faults.ts';

/**
 * Where the guest's software is, for `state` and tests: `dead` without power, `firmware` to `login`/`shell` on the way up,
 * `stuck` where the way up ended early, `stopping`, `halted` (silent, powered), `panicked`; `running`: a real program;
 * `host` is the master node, whose UART is the bus.
 */
export type GuestPhase =
  | 'dead'
  | 'firmware'
  | 'booting'
  | 'stuck'
  | 'login'
  | 'shell'
  | 'running'
  | 'stopping'
  | 'halted'
  | 'panicked'
  | 'host';

/** Systems that a cut of power hurts: they run, or are on their way up or down. */
const ALIVE: ReadonlySet<GuestPhase> = new Set(['booting', 'login', 'shell', 'running', 'stopping']);

export function isAlive(phase: GuestPhase): boolean {
  return ALIVE.has(phase);
}

export type Stumble = 'oops' | 'read-only';

export interface SshResult {
  code: number;
  says: string;
}

/** Times are milliseconds of guest time, which may run faster than the wire's. */
export interface Guest {
  readonly phase: GuestPhase;
  readonly activity: Activity;
  /** Since when, guest time. */
  readonly activitySince: number;
  /** Who is logged in on the console, or null. */
  readonly user: string | null;
  faults: GuestFaults;
  /** What was printed last, heard by anybody or not. */
  readonly recent: string;
  /** Power comes: everything starts anew. */
  powerOn(at: number): void;
  /** Power goes: nothing is said or heard any more. */
  powerOff(at: number): void;
  readonly network: NetworkState;
  /** How long its last shutdown took, from being asked to the kernel's last line; null: none since power came. */
  readonly shutdownTook: number | null;
  /** The kernel gives up. */
  panic(at: number): void;
  /** The kernel stumbles, says so, and goes on. */
  stumble(how: Stumble, at: number): void;
  /** Some program of its own prints this on the console. */
  say(text: string, at: number): void;
  /** A command of somebody who came over the network: exit code, and what it printed there. */
  runBySsh(command: string, at: number): SshResult;
  /** One byte arrives at the UART. */
  receive(byte: number, at: number): void;
  /** Lets everything happen that is due. */
  advance(at: number): void;
  /** When something will happen without input; Infinity: nothing. */
  nextDeadline(): number;
  /** Takes at most `max` bytes that the UART has to send. */
  take(max: number): Uint8Array;
  /** What was said while no console was open is lost. */
  discard(): void;
  /** Releases what the guest holds outside this process. */
  dispose(): void;
}

/** What answers for a guest that no script plays. */
export const NOT_SCRIPTED: SshResult = { code: 255, says: 'this machine has no simulated system\n' };

/** The master's own node: its UART *is* the bus, so it has no console here. */
export function hostGuest(): Guest {
  const nothing = (): void => undefined;
  return {
    phase: 'host',
    activity: { kind: 'running', load: 0.05 },
    activitySince: 0,
    user: null,
    faults: noGuestFaults(),
    recent: '',
    network: 'up',
    shutdownTook: null,
    powerOn: nothing,
    powerOff: nothing,
    panic: nothing,
    stumble: nothing,
    say: nothing,
    runBySsh: () => NOT_SCRIPTED,
    receive: nothing,
    advance: nothing,
    nextDeadline: () => Infinity,
    take: () => new Uint8Array(0),
    discard: nothing,
    dispose: nothing,
  };
}
