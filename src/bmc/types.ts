/** Types of the bus that the rest of the program uses. */
import type { Address } from '../rack/address.ts';
import type { Failure, Sample } from '../rack/reading.ts';

export interface Forms {
  /** The port's settings at that time, see {@link Line.settings}. */
  tty: string | null;
  idleClose: string;
  master: string;
  node: Address | null;
  pipe: string;
  status: string;
  uid: string;
  pipeClose: string;
}

/** Priorities, higher goes first: force off > operator > console > single sample > poll of all nodes. */
export const PRIORITY = { forceOff: 4, operator: 3, console: 2, sample: 1, sweep: 0 } as const;
export type Priority = (typeof PRIORITY)[keyof typeof PRIORITY];

export type BusPhase = 'starting' | 'ready' | 'locked' | 'wedged' | 'down';

/**
 * The recovery stage, from the mildest: `resync`, replies are damaged, so exchanges keep a distance; `probe`, ^G and
 * the master's `=`; `unlock`; `reopen` the port, flushed; `rest` until the next try; `device`, the port's device is
 * missing and looked for.
 */
export type RecoveryStep = 'resync' | 'probe' | 'unlock' | 'reopen' | 'rest' | 'device';

/** `retryAt`: start of the next try, epoch milliseconds; null while a try is running. */
export interface Recovery {
  step: RecoveryStep;
  retryAt: number | null;
}

/** State of the bus, with one sentence for operators (what, why, what next). */
export interface BusHealth {
  phase: BusPhase;
  detail: string;
  master: Address | null;
}

export type StatusOutcome =
  | { ok: true; sample: Sample; master: boolean }
  | { ok: false; failure: Failure; detail: string }
  /** Nothing was asked, because the bus is not usable. */
  | { ok: false; failure: 'bus'; detail: string };

/** Outcome of one of several status requests. */
export interface Polled {
  addr: Address;
  outcome: StatusOutcome;
}

export type BmcVerb = 'on' | 'off';

export type VerbOutcome =
  /** Sent after identity proof, and verified by two status replies. */
  | { ok: true; tries: number; proof: Sample; verified: [Sample, Sample] }
  /** The verb was not sent: identity not proven, or the target may not be switched. */
  | { ok: false; sent: false; reason: 'identity' | 'master' | 'silent' | 'bus' | 'aborted' | 'held-up'; detail: string }
  /** The verb was sent, and its effect could not be verified. */
  | { ok: false; sent: true; tries: number; reason: 'unverified' | 'bus'; detail: string; last: Sample | null };

/** Baud codes of `[bb]~` (bus-protocol section 3). */
export const BAUD_CODE = { 115200: 0x00, 9600: 0x01, 19200: 0x02, 57600: 0x03 } as const;
export type ConsoleBaud = keyof typeof BAUD_CODE;

export type ConsolePhase =
  /** Not on the wire: queued, suspended for something of higher priority, or the bus is down. */
  | { phase: 'waiting'; why: string }
  /** On the wire. `proven`: the node itself has printed something; before, only harmless keys go out. */
  | { phase: 'open'; proven: boolean }
  /** Ended: by close(), or because the node cannot be reached. */
  | { phase: 'closed'; why: string };

/** A node's console over the bus. It is suspended and reopened by the bus as verbs and samples need the wire. */
export interface ConsoleSession {
  readonly addr: Address;
  readonly phase: ConsolePhase;
  /**
   * Queues bytes for the node, paced, in order. Taken bytes are held while the pipe is in doubt or away for a moment,
   * and dropped, with everything behind them, where that lasts. 0x07 is never accepted. `by`: the source of the keys;
   * after dropped keys of a source, no more of its keys are taken until it has paused. Returns the number of taken
   * bytes and, where some were not, the reason.
   */
  write(bytes: Uint8Array, by?: object): { taken: number; refused: string | null };
  /** Notes that keys of `by` are not sent; keys right behind them are not taken either. Returns `why`. */
  refuse(by: object, why: string): string;
  /** Number of bytes accepted and not yet on the wire. */
  readonly pending: number;
  /** Resolves when all bytes accepted so far are on the wire, or were dropped with the pipe. */
  passed(): Promise<'sent' | 'dropped'>;
  /** Time of the last sent byte (performance.now); -Infinity before the first. */
  readonly sentAt: number;
  close(): Promise<void>;
}

export interface ConsoleHandlers {
  onData(bytes: Uint8Array): void;
  onPhase(phase: ConsolePhase): void;
  /**
   * Called after the console was off the wire, for the transcript's gap marks: start and duration, ms, and reason.
   * `asked`: only its own BMC was asked.
   */
  onGap(gap: { from: number; ms: number; why: string; asked: boolean }): void;
  /** Called when taken keys were dropped, with a message for their operator. */
  onDropped?(text: string): void;
}

export type UidOutcome = { ok: true; uid: string | null } | { ok: false; detail: string };

/** `reply` is latin1. `sent: false`: nothing was sent, with the reason. */
export type RawOutcome = { sent: true; reply: string; after: BusHealth } | { sent: false; detail: string };

/** Counts of exchanges and failures since the start, for health and diagnostics. */
export interface BusCounters {
  exchanges: number;
  silent: number;
  garbled: number;
  foreign: number;
  /** Bytes that belonged to no exchange, without white space and ^G's own echo. */
  stray: number;
  recoveries: number;
}

/** The one owner of the serial line. */
export interface Bus {
  readonly health: BusHealth;
  readonly counters: BusCounters;
  /** The running recovery; null: none is needed. */
  readonly recovery: Recovery | null;
  /** Address of the console that is on the wire or waits for it; null: none. */
  readonly consoleAddr: Address | null;
  /** Opens the port and begins; health shows the progress. Never rejects. */
  start(): void;
  /** Adds a listener for every change of health and recovery. Returns the function that removes it. */
  onHealth(listener: (health: BusHealth) => void): () => void;
  /**
   * One status exchange. With a console open, anything below `sample` priority is answered with `bus` at once.
   * `brief`: for addresses that are probably empty, where an earlier silence does not lengthen the wait.
   */
  status(addr: Address, priority: Priority, patience?: 'patient' | 'brief'): Promise<StatusOutcome>;
  /**
   * One status exchange with each of `addrs` that is `wanted` when the line is free for it; between any two of them
   * everything else takes its turn, by priority. `take` gets the outcomes, several at a time, before anything else is
   * asked. Resolves false when the bus could not be used: the rest was not asked.
   */
  poll(
    priority: Priority,
    addrs: readonly Address[],
    wanted: (addr: Address) => boolean,
    take: (outcomes: readonly Polled[]) => void,
  ): Promise<boolean>;
  /**
   * A verb with identity proof in the same pipe, then verification. Refuses the master's own slot. `listened`: the
   * verb depends on the node's output so far; then one that cannot be sent within two seconds fails with `held-up`.
   */
  verb(
    addr: Address,
    verb: BmcVerb,
    options: { priority: Priority; signal?: AbortSignal; listened?: boolean },
  ): Promise<VerbOutcome>;
  /** Identity proof, then `#` in the same pipe. Null: the BMC gives none. */
  uid(addr: Address, priority: Priority): Promise<UidOutcome>;
  /**
   * Collects the forms of this bus's replies, from the master and from `node` through a pipe. A sentence where the
   * bus cannot be asked.
   */
  diagnose(node: Address | null): Promise<Forms | string>;
  /**
   * Sends a raw command to the BIOS at `target` (null: the master's), after its identity proof in the same pipe; then
   * the pipe is closed and the bus probed. Text that {@link checkRawCommand} refuses is never sent.
   */
  raw(target: Address | null, text: string): Promise<RawOutcome>;
  /**
   * Takes the wire from a console, and lends it to none until the returned function is called, so that a task of
   * several exchanges is not interrupted.
   */
  hold(): () => void;
  /** Opens a console. There is one at a time: another one is closed, with the reason given. */
  openConsole(addr: Address, baud: ConsoleBaud, handlers: ConsoleHandlers): ConsoleSession;
  /** Tries again now instead of after the back-off, which is reset. */
  retry(): void;
  /**
   * Reads all input that has arrived; to be called before a time limit is checked, because this process may have
   * was stopped.
   */
  catchUp(): void;
  /** Sends ^G, then closes the port. */
  close(): Promise<void>;
}

/** Bytes in and out: the serial port, or a test's line. */
export interface Line {
  /**
   * `taken` is called when the system has taken the bytes, or never will; the distance between bytes counts from
   * there.
   */
  write(bytes: Uint8Array, taken?: () => void): void;
  /** Reads all input that has arrived at once; absent: input never waits to be read. */
  catchUp?(): void;
  /**
   * Checks that the device is still there, for a line on which nothing came: a hang-up is not always reported. Absent:
   * it cannot go unnoticed.
   */
  check?(): void;
  /**
   * The port's settings as the system reports them (`stty -a`), null where it does not; absent: the line is no port.
   */
  settings?(): Promise<string | null>;
  close(): Promise<void>;
}
