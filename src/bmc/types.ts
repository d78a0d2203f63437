/** What the rest of the program sees of the bus. */
import type { Address } from '../rack/address.ts';
import type { Failure, Sample } from '../rack/reading.ts';

export interface Forms {
  /** The port's settings while it was asked, see {@link Wire.settings}. */
  tty: string | null;
  idleClose: string;
  master: string;
  node: Address | null;
  pipe: string;
  status: string;
  uid: string;
  pipeClose: string;
}

/** Higher goes first: force off > operator > console > single sample > sweep. */
export const PRIORITY = { forceOff: 4, operator: 3, console: 2, sample: 1, sweep: 0 } as const;
export type Priority = (typeof PRIORITY)[keyof typeof PRIORITY];

export type BusPhase = 'starting' | 'ready' | 'locked' | 'wedged' | 'down';

/**
 * The rung of the recovery ladder on which the bus stands, from the mildest: `resync` damaged replies, so exchanges keep
 * their distance; `probe` ^G and the master's `=`; `unlock`; `reopen` the port, flushed; `rest` until the next try; `device`
 * the port's device is away and looked for.
 */
export type RecoveryStep = 'resync' | 'probe' | 'unlock' | 'reopen' | 'rest' | 'device';

/** `retryAt`: when the next try begins by itself, epoch milliseconds; null where something is being done now. */
export interface Recovery {
  step: RecoveryStep;
  retryAt: number | null;
}

/** A change of the bus itself: state plus one sentence for people (what, why, what next). */
export interface BusHealth {
  phase: BusPhase;
  detail: string;
  master: Address | null;
}

export type StatusOutcome =
  | { ok: true; sample: Sample; master: boolean }
  /** `bus`: nothing was asked, the bus is not usable. */
  | { ok: false; failure: Failure | 'bus'; detail: string };

export type BmcVerb = 'on' | 'off';

export type VerbOutcome =
  /** Sent after identity proof, and seen in effect by two status replies. */
  | { ok: true; tries: number; proof: Sample; verified: [Sample, Sample] }
  /** The verb never left: identity not proven, or the target may not be switched. */
  | { ok: false; sent: false; reason: 'identity' | 'master' | 'silent' | 'bus' | 'aborted' | 'held-up'; detail: string }
  /** The verb went out, and its effect could not be seen. */
  | { ok: false; sent: true; tries: number; reason: 'unverified' | 'bus'; detail: string; last: Sample | null };

/** Baud codes of `[bb]~` (bus-protocol section 3). */
export const BAUD_CODE = { 115200: 0x00, 9600: 0x01, 19200: 0x02, 57600: 0x03 } as const;
export type ConsoleBaud = keyof typeof BAUD_CODE;

export type ConsolePhase =
  /** Not on the wire: in the queue, lent to something of higher priority, or the bus is down. */
  | { phase: 'waiting'; why: string }
  /** On the wire. `proven`: something came back that only the node can have said; before, only harmless keys go out. */
  | { phase: 'open'; proven: boolean }
  /** Ended: by close(), or because the node cannot be reached. */
  | { phase: 'closed'; why: string };

/** A node's console over the bus. It is suspended and reopened by the bus as verbs and samples need the wire. */
export interface ConsoleSession {
  readonly addr: Address;
  readonly phase: ConsolePhase;
  /**
   * Queues bytes for the node, paced, in order. What is taken is held while the pipe is in doubt or away for a moment, and
   * dropped, with everything behind it, where that lasts. 0x07 is never accepted. `by`: whose keys they are; behind keys of
   * theirs that did not go, none is taken until they have paused. Returns how many were taken and, where some were not, why.
   */
  write(bytes: Uint8Array, by?: object): { taken: number; refused: string | null };
  /** Keys of theirs are not sent; what follows at once is not taken either. Returns `why`. */
  refuse(by: object, why: string): string;
  /** Bytes accepted and not yet on the wire. */
  readonly pending: number;
  /** Resolves when what was accepted so far is on the wire, or was dropped with the pipe. */
  passed(): Promise<'sent' | 'dropped'>;
  /** When the last byte was sent (performance.now). */
  readonly sentAt: number;
  close(): Promise<void>;
}

export interface ConsoleHandlers {
  onData(bytes: Uint8Array): void;
  onPhase(phase: ConsolePhase): void;
  /**
   * The console was off the wire: from when, for how long, why. For the transcript's gap marks. `asked`: only its own BMC
   * was asked.
   */
  onGap(gap: { from: number; ms: number; why: string; asked: boolean }): void;
  /** Keys that had been taken did not go: told to who typed them. */
  onDropped?(text: string): void;
}

export type UidOutcome = { ok: true; uid: string | null } | { ok: false; detail: string };

/** `heard` is latin1. `sent: false`: nothing left, and why. */
export type RawOutcome = { sent: true; heard: string; after: BusHealth } | { sent: false; detail: string };

/** Observes every exchange: for health, history of errors, recordings. */
export interface BusCounters {
  exchanges: number;
  silent: number;
  garbled: number;
  foreign: number;
  /** Bytes that belonged to no exchange, white space and ^G's own echo not counted. */
  stray: number;
  recoveries: number;
}

/** The one owner of the serial line. */
export interface Bus {
  readonly health: BusHealth;
  readonly counters: BusCounters;
  /** What is being done to bring the bus back, or null: nothing needs to be. */
  readonly recovery: Recovery | null;
  /** True while a console lease is on the wire or waiting for it. */
  readonly consoleAddr: Address | null;
  /** Opens the port and begins; health says how it goes. Never rejects. */
  start(): void;
  /** Told of every change of health and recovery. */
  onHealth(listener: (health: BusHealth) => void): () => void;
  /**
   * One status exchange. With a console open, anything below `sample` priority answers `bus` at once. `brief`: where
   * probably nobody is, an earlier silence makes this one no longer.
   */
  status(addr: Address, priority: Priority, patience?: 'patient' | 'brief'): Promise<StatusOutcome>;
  /**
   * A verb with identity proof in the same pipe, then verification. Refuses the master's own slot for `off`. `listened`: what
   * the node said until now is why; then a verb that cannot leave within two seconds is given back as `held-up`.
   */
  verb(
    addr: Address,
    verb: BmcVerb,
    options: { priority: Priority; signal?: AbortSignal; listened?: boolean },
  ): Promise<VerbOutcome>;
  /** Identity proof, then `#` in the same pipe. Null: it says nothing. */
  uid(addr: Address, priority: Priority): Promise<UidOutcome>;
  /** What this bus's replies look like, asked of the master and of `node` through a pipe. A sentence where it cannot be asked. */
  survey(node: Address | null): Promise<Forms | string>;
  /**
   * Bytes by hand for the BIOS at `target` (null: the master's), after its identity proof in the same pipe; then the
   * pipe is closed and the bus probed. What {@link judgeRaw} refuses is never sent.
   */
  raw(target: Address | null, text: string): Promise<RawOutcome>;
  /**
   * Takes the wire from a console, and lends it to none until the returned function is called: what is done in several
   * exchanges is not interrupted by lending in between.
   */
  hold(): () => void;
  /** One console at a time: opening another closes the former with the reason given. */
  openConsole(addr: Address, baud: ConsoleBaud, handlers: ConsoleHandlers): ConsoleSession;
  /** Try again now instead of after the back-off, which begins anew. */
  retry(): void;
  /** Hears all that has come by now: whoever judges by a clock calls it first, because this process may have stood still. */
  catchUp(): void;
  /** ^G, then the port. */
  close(): Promise<void>;
}

/** Bytes in and out: the serial port, or a test's wire. */
export interface Line {
  /** `taken` is called when the system has taken the bytes, or never will: what must keep a distance counts from there. */
  write(bytes: Uint8Array, taken?: () => void): void;
  /** Reads at once all that has come; absent: nothing ever waits to be read. */
  catchUp?(): void;
  /** The port's settings as the system tells them (`stty -a`), null where it does not; absent: it is no port. */
  settings?(): Promise<string | null>;
  close(): Promise<void>;
}
