/** The computer behind a BMC: a power input and a UART. */
import type { Activity } from '../rack/physics.ts';
import { type GuestFaults, noGuestFaults, type NetworkState } from './faults.ts';

/**
 * State of the guest's software, for `state` and tests: `dead` without power, `firmware` to `login`/`shell` during the
 * boot, `stuck` where the boot ended early, `stopping`, `halted` (silent, powered), `panicked`; `running`: a real
 * program; `host` is the master node, whose UART is the bus.
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

/** States in which a cut of power does harm: the system runs, boots, or shuts down. */
const ALIVE: ReadonlySet<GuestPhase> = new Set(['booting', 'login', 'shell', 'running', 'stopping']);

export function isAlive(phase: GuestPhase): boolean {
  return ALIVE.has(phase);
}

export type KernelError = 'oops' | 'read-only';

export interface SshResult {
  code: number;
  output: string;
}

/** Times are milliseconds of guest time, which may run faster than the wire's. */
export interface Guest {
  readonly phase: GuestPhase;
  readonly activity: Activity;
  /** Start of the activity, guest time. */
  readonly activitySince: number;
  /** User who is logged in on the console, or null. */
  readonly user: string | null;
  faults: GuestFaults;
  /** Last output, read by a console or not. */
  readonly recent: string;
  /** Switches power on: the system boots. */
  powerOn(at: number): void;
  /** Switches power off: no output and no input from here. */
  powerOff(at: number): void;
  readonly network: NetworkState;
  /** Duration of its last shutdown, from the request to the kernel's last line, guest ms; null: none since power on. */
  readonly shutdownTook: number | null;
  /** Makes the kernel panic. */
  panic(at: number): void;
  /** Makes the kernel report an error and continue. */
  logKernelError(how: KernelError, at: number): void;
  /** Prints a program's text on the console. */
  printText(text: string, at: number): void;
  /** Runs a command of an ssh session; returns exit code and output. */
  runBySsh(command: string, at: number): SshResult;
  /** Receives one byte at the UART. */
  receive(byte: number, at: number): void;
  /** Runs everything that is due. */
  advance(at: number): void;
  /** Returns the time of the next action without input; Infinity: none. */
  nextDeadline(): number;
  /** Takes at most `max` bytes of the UART's output. */
  take(max: number): Uint8Array;
  /** Drops output, because no console is open. */
  discard(): void;
  /** Releases what the guest holds outside this process. */
  dispose(): void;
}

/** Result of ssh commands for a guest without a scripted system. */
export const NOT_SCRIPTED: SshResult = { code: 255, output: 'this machine has no simulated system\n' };

/** Returns the guest of the master's own node: its UART *is* the bus, so it has no console here. */
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
    logKernelError: nothing,
    printText: nothing,
    runBySsh: () => NOT_SCRIPTED,
    receive: nothing,
    advance: nothing,
    nextDeadline: () => Infinity,
    take: () => new Uint8Array(0),
    discard: nothing,
    dispose: nothing,
  };
}
