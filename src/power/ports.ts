/**
 * The interface through which power operations reach the server around them. Nothing in `power` has a clock, a bus or a
 * file of its own: tests supply virtual time and scripted consoles, the server the real ones. Also waiting in the clock
 * of the ports, and the errors of refused requests.
 */
import type { ClientIdentity, EventRecord } from '../api/methods.ts';
import type { Evidence, Operation, Outcome, Refusal, Verb } from '../api/power.ts';
import type { Bus } from '../bmc/types.ts';
import type { Config, HookConfig, MessageHook } from '../config/schema.ts';
import type { ScreenState } from '../console/screen-state.ts';
import { Refused } from '../lib/errors.ts';
import type { ProgramEnd } from '../lib/subprocess.ts';
import type { Address } from '../rack/address.ts';
import type { HostSeen, Inventory } from '../rack/inventory.ts';
import type { Reading } from '../rack/reading.ts';
import type { SystemSign, SystemState } from '../rack/system-state.ts';

/** `off`: from the shutdown request to the kernel's last line. `on`: from power on to a system that answers. */
export type Way = 'off' | 'on';

export interface DurationPort {
  /** Returns the expected duration, ms; null: none was seen. */
  usual(addr: Address, way: Way): number | null;
  /** Returns the latest durations, ms, oldest first. */
  latest(addr: Address, way: Way): readonly number[];
  recordDuration(addr: Address, way: Way, ms: number): void;
}

export type Clock = Pick<OperationPorts, 'now' | 'every'>;

/** Delay of a tick that shows that the process, or the machine, was stopped, ms. */
const STALLED_MS = 1_000;

/**
 * Calls `tick` every `ms`; before a tick that is late because the process was stopped, calls `stalled` with the delay,
 * ms. Returns a function that stops it.
 */
export function everyTick(
  clock: Clock,
  ms: number,
  { tick, stalled }: { tick: (at: number) => void; stalled: (at: number, ms: number) => void },
): () => void {
  let last = clock.now();
  return clock.every(ms, () => {
    const at = clock.now();
    const late = at - last - ms;
    last = at;
    if (late >= STALLED_MS) stalled(at, late);
    tick(at);
  });
}

/** Resolves after `ms` with true, or at once with false when `signal` aborts. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted === true) return Promise.resolve(false);
  if (ms <= 0) return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = (passed: boolean): void => {
      stop();
      signal?.removeEventListener('abort', aborted);
      resolve(passed);
    };
    const aborted = (): void => end(false);
    const stop = clock.every(ms, () => end(true));
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** Settles as `work` does. @throws after `ms` without a result; `work` is not awaited after that */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = pause(clock, ms, over.signal).then((passed) => {
    if (passed) throw new Error(`no answer within ${ms / 1000} s`);
    return work;
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
    for (const one of [work, late]) one.catch(() => undefined);
  }
}

export interface OperationPorts {
  /** Returns epoch milliseconds. */
  now(): number;
  /** Calls `fn` every `ms`, after all input that the line holds was handled. Returns a function that stops it. */
  every(ms: number, fn: () => void): () => void;
  inventory(): Inventory;
  /** Returns the latest reading of a node. */
  reading(addr: Address): Reading;
  bus: Pick<Bus, 'health' | 'status' | 'verb' | 'hold'>;
  console: ConsolePort;
  /** Returns the host name last shown on the console of `addr`, or null. */
  hostSeen(addr: Address): HostSeen | null;
  /**
   * Returns credentials for one login attempt on the node's console, or null. Called only when a login prompt is seen.
   */
  credentials(addr: Address): Promise<Credentials | null>;
  /** Publishes a changed operation as a snapshot that is not modified afterwards. */
  publish(op: Operation): void;
  event(level: EventRecord['level'], addr: Address | null, text: string): void;
  /** Resolves when the entry is on the disk. A rejection refuses the cut that it was to precede. */
  audit(entry: AuditEntry): Promise<void>;
  journal: JournalPort;
  limits: Config['shutdown'];
  boot: Config['boot'];
  /** Access to nodes by network; null where the configuration has no `ssh`: nothing is ever sent there then. */
  network: NetworkPort | null;
  /** Returns the programs configured for this moment, in order. `about` fills their placeholders. */
  hooks(when: HookMoment, addr: Address, about: { op: string; verb: Verb }): readonly Hook[];
  haltBands: HaltBandPort;
  durations: DurationPort;
  systems: SystemPort;
}

/** State of the nodes' operating systems, and the signs that operations add to it. */
export interface SystemPort {
  get(addr: Address): SystemState;
  /** Records a sign of the node's system; consoles report their own. */
  sign(addr: Address, kind: SystemSign['kind'], text: string): void;
  /** Marks its state as possibly from before its power was last switched: it proves nothing any more. */
  unwatched(addr: Address): void;
}

export interface NetworkPort {
  /** Returns the ssh destination of this node, for sentences (`pi@192.0.2.7`); null: none is configured. */
  target(addr: Address): string | null;
  /**
   * Runs `cat /proc/uptime; sudo -n systemctl poweroff` by ssh. Calls `ran` when the machine has answered the first of
   * the two. With `boots`, also requests the kernel's boot id in between, and calls `boots` with it. Never rejects;
   * `signal` kills it.
   */
  shutDown(
    addr: Address,
    signal: AbortSignal,
    ran: () => void,
    boots: ((bootId: string) => void) | null,
  ): Promise<ProgramEnd>;
  /**
   * Returns its kernel's boot id by ssh; null: it cannot be read. Only for a machine that has given one before: a key
   * may have a forced command that shuts the machine down. Never rejects.
   */
  bootId(addr: Address, signal: AbortSignal): Promise<string | null>;
  /** Runs a command by ssh, as on a console. Never rejects; `signal` kills it. */
  run(addr: Address, command: string, limitS: number, signal: AbortSignal): Promise<CommandEnd>;
  /** Reports whether anything answers at its address: a machine that refuses the connection is alive. */
  reachable(addr: Address): Promise<boolean>;
  /** Reports whether its ssh server sends its greeting. */
  greets(addr: Address): Promise<boolean>;
}

/** The end of a command on a node. `code` null: it is not known, for the reason `why`. */
export interface CommandEnd {
  code: number | null;
  output: string;
  truncated: boolean;
  /** Also the reason why the output may not be whole; '' else. */
  why: string;
}

export type HookMoment = Exclude<HookConfig['when'], MessageHook['when']>;

export interface Hook {
  /** The command as it runs, for sentences. */
  text: string;
  /** Time limit, seconds. */
  limit: number;
  /** Without its success an armed run does not shut the node down. */
  required?: boolean;
  /** Runs the program. Never rejects; `signal` kills it. */
  run(signal: AbortSignal): Promise<ProgramEnd>;
}

/** Band of currents, in counts, in which a node was seen after it had halted. */
export interface HaltBand {
  low: number;
  high: number;
  /** Number of shutdowns that the band comes from. */
  shutdowns: number;
}

export interface HaltBandPort {
  /** Returns null where no halt was seen, or the halted current cannot be distinguished from the running one. */
  get(addr: Address): HaltBand | null;
  /** Records a shutdown that the kernel's last line proved: counts before the request, and after the halt. */
  observed(addr: Address, running: number, halted: readonly number[]): void;
}

export interface Credentials {
  user: string;
  /** Typed through {@link OperationConsole.type}; appears in no log, evidence, event or error. */
  password: string;
}

export interface ConsoleHolder {
  addr: Address;
  session: number;
  /** Name for operators; where the client is silent, with the time of its silence. */
  name: string;
  /** True where nothing came from the client for `SILENT_LIMIT_S`. */
  silent: boolean;
  /** True for an operation's keyboard, which is returned when that operation is done. */
  lent: boolean;
}

/** Decides whether a console is taken from a session that types there. `take`: from any, or only from a silent one. */
export function mayTake({ silent }: Pick<ConsoleHolder, 'silent'>, take: boolean | 'silent'): boolean {
  return take === 'silent' ? silent : take;
}

export interface ConsolePort {
  /** Returns the session that types on the one console, or null. An operation does not count as a holder. */
  holder(): ConsoleHolder | null;
  /**
   * Opens `addr`'s console for operation `opId`, whatever console was open before. Takes the requestor's own keyboard
   * and, as {@link mayTake} decides, others'; sessions that watch or held this very node's console continue to watch.
   * One that `yields` only reads: an operator who wants this keyboard or another console gets it, and the operation is
   * notified that its console ended. One that `givesWay` types for no operation: an operation gets its console, and it
   * takes none that a session holds, the requestor's own included. Rejects with {@link ConsoleHeld} when another
   * session holds a console and it is not to be taken.
   */
  acquire(
    addr: Address,
    opId: string,
    requestor: { session: number; take: boolean | 'silent'; yields: boolean; givesWay?: boolean },
  ): Promise<OperationConsole>;
}

/** The console is held by a session or an operation, and taking it was not requested. */
export class ConsoleHeld extends Error {
  override readonly name = 'ConsoleHeld';
  readonly holder: string;
  constructor(holder: string, message = `the console is held by ${holder}`) {
    super(message);
    this.holder = holder;
  }
}

/** Condition of a console on the wire. `why`: the reason why it is not open, or not proven; '' when it is both. */
export interface ConsoleCondition {
  open: boolean;
  proven: boolean;
  why: string;
}

/** A node's console while an operation uses it. Operators may watch, and type when the operation asks them to. */
export interface OperationConsole {
  /** Passes the node's output as decoded text, in pieces as they arrive; `at` in epoch milliseconds. One listener. */
  onText(fn: (text: string, at: number) => void): void;
  /** Reports the present condition at once, then each change. One listener. */
  onState(fn: (condition: ConsoleCondition) => void): void;
  /** Reports that output may have been lost while the console was off the wire. One listener. */
  onGap(fn: (text: string) => void): void;
  /**
   * Returns the state of the node's screen before anything is typed; `fresh`: it was shown since the console opened.
   */
  readScreen(): Promise<{ screen: ScreenState; fresh: boolean }>;
  /**
   * Queues text for the node, paced. Counts bytes accepted; `refused`: the reason why the rest was not, or null.
   * `secret`: the part of it that is shown to no session and masked in logs where the node echoes it.
   */
  type(text: string, secret?: string): { taken: number; refused: string | null };
  /** Resolves when all input has been sent, with the time of its last byte, epoch ms; null: some was dropped. */
  left(): Promise<number | null>;
  /** Lends the keyboard to an operator who works by hand, until the console is released. */
  lend(): void;
  release(): Promise<void>;
}

/** `intent` is on the disk before a verb is sent; `outcome` after it is known. */
export interface AuditEntry {
  at: number;
  stage: 'intent' | 'outcome';
  op: string;
  verb: Verb;
  /** Identity as the client reported it: not verified. */
  reportedBy: ClientIdentity;
  session: number;
  node: { name: string; pos: string; addr: string };
  evidence: Evidence[];
  /** Null for an intent. */
  outcome: Outcome | null;
  detail: string;
  /** Number of times that the verb was sent; 0: never. */
  tries: number;
}

/** A raw command to a BIOS, a command that runs on a node, or a file there: all of it is logged, before and after. */
export interface RawAuditEntry {
  at: number;
  stage: 'intent' | 'outcome';
  verb: 'raw' | 'run' | 'put' | 'get';
  /** The bytes to send, ^G as `^G`; the command; or the file's path on the node. */
  raw: string;
  reportedBy: ClientIdentity;
  session: number;
  node: { name: string; pos: string; addr: string };
  detail: string;
}

/** Calls of the HTTP interface: one that acted or was refused, or several of one kind. */
export interface CallAuditEntry {
  at: number;
  stage: 'call';
  /** Name of the token; null: none that is known. */
  token: string | null;
  /** Address of the caller; null: the Unix socket. */
  from: string | null;
  /** Method and path. */
  call: string;
  status: number;
  /** Number of calls that the entry stands for. */
  count: number;
}

export interface JournalPort {
  /** Resolves when this state of the operation is on the disk. */
  write(op: Operation): Promise<void>;
  /** Operations of an earlier server that had not ended; oldest first. */
  unfinished(): Operation[];
}

/** A guard refused, or a confirmation did not match: nothing was sent. */
export class PowerRefused extends Refused {
  override readonly name = 'PowerRefused';
  readonly refusals: Refusal[];
  constructor(refusals: Refusal[]) {
    super(refusals.map((refusal) => refusal.message).join('; '));
    this.refusals = refusals;
  }
}
