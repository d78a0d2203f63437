/**
 * What power operations need from the server around them. Nothing in `power` has a clock, a bus or a file of its own:
 * tests hand in virtual time and scripted consoles, the server the real ones.
 *
 * Waiting in the time that the ports bring: virtual in tests, real in the server.
 *
 * How power operations say no.
 */
import type { ProgramEnd } from '../lib/subprocess.ts';
import type { ClientIdentity, EventRecord } from '../api/methods.ts';
import type { Evidence, Operation, Outcome, Refusal, Verb } from '../api/power.ts';
import type { Bus } from '../bmc/types.ts';
import type { Config, HookConfig } from '../config/schema.ts';
import type { ScreenState } from '../console/screen-state.ts';
import type { Address } from '../rack/address.ts';
import type { HostSeen, Inventory } from '../rack/inventory.ts';
import type { Reading } from '../rack/reading.ts';
import type { SystemSign, SystemState } from '../rack/system-state.ts';

/** `off`: from being asked to the kernel's last line. `on`: from power to a system that answers. */
export type Way = 'off' | 'on';

export interface DurationPort {
  /** What is to be expected of it, ms; null: it was never seen. */
  usual(addr: Address, way: Way): number | null;
  took(addr: Address, way: Way, ms: number): void;
}

export type Clock = Pick<OperationPorts, 'now' | 'every'>;

/** A tick so late comes from a process, or a machine, that stood still, ms. */
const STALLED_MS = 1_000;

/** Calls `tick` every `ms`; before one that comes late because nothing ran, `stalled` with how long that was. Returns how to stop. */
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

/** Resolves after `ms`, or at once when `signal` aborts; true when the time passed. */
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

/** Settles as `work` does. @throws after `ms` that it said nothing for so long; what becomes of it then is not waited for */
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
  /** Epoch milliseconds. */
  now(): number;
  /** Calls `fn` every `ms` until the returned function is called, when all that the line holds was heard. */
  every(ms: number, fn: () => void): () => void;
  inventory(): Inventory;
  /** What the sweep knows of a node. */
  reading(addr: Address): Reading;
  bus: Pick<Bus, 'health' | 'status' | 'verb' | 'hold'>;
  console: ConsolePort;
  /** How the machine at `addr` last called itself on its console, or null. */
  hostSeen(addr: Address): HostSeen | null;
  /** Credentials for one login attempt on the node's console, or null. Asked for only when a login prompt is seen. */
  credentials(addr: Address): Promise<Credentials | null>;
  /** The operation changed; called with a snapshot that is not touched afterwards. */
  publish(op: Operation): void;
  event(level: EventRecord['level'], addr: Address | null, text: string): void;
  /** Resolves when the entry is on the disk. A rejection refuses the cut that it was to precede. */
  audit(entry: AuditEntry): Promise<void>;
  journal: JournalPort;
  limits: Config['shutdown'];
  boot: Config['boot'];
  /** Nodes by network; null where the configuration has no `ssh`: then nothing is ever sent there. */
  network: NetworkPort | null;
  /** The programs configured for this moment of a node's way, in order. `about` fills their braces. */
  hooks(when: HookMoment, addr: Address, about: { op: string; verb: Verb }): readonly Hook[];
  haltBands: HaltBandPort;
  durations: DurationPort;
  systems: SystemPort;
}

/** What is known of the nodes' operating systems, and what operations add to it. */
export interface SystemPort {
  get(addr: Address): SystemState;
  /** Takes a sign of the node's system in; consoles report their own. */
  sign(addr: Address, kind: SystemSign['kind'], text: string): void;
  /** What is known of it may be from before its power was last switched: it proves nothing any more. */
  unwatched(addr: Address): void;
}

export interface NetworkPort {
  /** Where ssh goes for this node, for sentences (`pi@192.0.2.7`); null: nobody said where. */
  target(addr: Address): string | null;
  /**
   * `cat /proc/uptime; sudo -n systemctl poweroff` by ssh. `ran` is called when the machine has answered the first of the
   * two. With `boots` its kernel's boot id is asked for in between, and given to it where it comes. Never rejects; `signal`
   * kills it.
   */
  shutDown(
    addr: Address,
    signal: AbortSignal,
    ran: () => void,
    boots: ((bootId: string) => void) | null,
  ): Promise<ProgramEnd>;
  /**
   * Its kernel's boot id by ssh; null: it cannot be read. Only for a machine that has given one before: a key may have a
   * command of its own that shuts it down, whatever is asked. Never rejects.
   */
  bootId(addr: Address, signal: AbortSignal): Promise<string | null>;
  /** Whether anything answers there at all: a machine that refuses the connection is alive. */
  reachable(addr: Address): Promise<boolean>;
  /** Whether its ssh server greets. */
  greets(addr: Address): Promise<boolean>;
}

export type HookMoment = HookConfig['when'];

export interface Hook {
  /** The command as it is run, for sentences. */
  text: string;
  /** Seconds. */
  limit: number;
  /** Without it an armed run does not ask the node. */
  required?: boolean;
  /** Never rejects; `signal` kills it. */
  run(signal: AbortSignal): Promise<ProgramEnd>;
}

/** The currents, in counts, between which a node was seen after it had halted. */
export interface HaltBand {
  low: number;
  high: number;
  /** From how many shutdowns. */
  shutdowns: number;
}

export interface HaltBandPort {
  /** Null: never seen to halt, or its halted current cannot be told from its running one. */
  get(addr: Address): HaltBand | null;
  /** A shutdown that the kernel's last line proved: counts before the request, and after the halt. */
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
  /** For people; where their program is silent, for how long too. */
  name: string;
  /** Nothing came from their program for `SILENT_LIMIT_S`. */
  silent: boolean;
  /** It is an operation's keyboard, and is given back when that operation is done. */
  lent: boolean;
}

/** Whether a console is taken from somebody who types there. `take`: from anybody, or only from one that is silent. */
export function mayTake({ silent }: Pick<ConsoleHolder, 'silent'>, take: boolean | 'silent'): boolean {
  return take === 'silent' ? silent : take;
}

export interface ConsolePort {
  /** Who types on the one console there is, or null. An operation is nobody here. */
  holder(): ConsoleHolder | null;
  /**
   * Opens `addr`'s console for operation `opId`, whatever console was open before. The requestor's own keyboard and,
   * as {@link mayTake} says, others' are taken; people who watch or held this very node's console go on watching. One that `yields`
   * only listens: a person who wants this keyboard or another console gets it, and the operation is told that it ended.
   * Rejects with {@link ConsoleHeld} when somebody else holds a console and it is not to be taken.
   */
  acquire(
    addr: Address,
    opId: string,
    requestor: { session: number; take: boolean | 'silent'; yields: boolean },
  ): Promise<OperationConsole>;
}

/** The console belongs to somebody, and taking it was not asked for. */
export class ConsoleHeld extends Error {
  readonly holder: string;
  constructor(holder: string) {
    super(`the console is held by ${holder}`);
    this.name = 'ConsoleHeld';
    this.holder = holder;
  }
}

/** Whether the console is on the wire. `why` says in words why not, or why it is not proven; '' when all is well. */
export interface ConsoleCondition {
  open: boolean;
  proven: boolean;
  why: string;
}

/** A node's console in the hands of an operation. Operators may watch, and type when the operation asks them to. */
export interface OperationConsole {
  /** The node's output as decoded text, pieces as they come; `at` in epoch milliseconds. One listener. */
  onText(fn: (text: string, at: number) => void): void;
  /** The present condition at once, then each change. One listener. */
  onState(fn: (condition: ConsoleCondition) => void): void;
  /** What stands on the node's screen, before anything is typed there; `fresh`: it was shown since the console is open. */
  look(): Promise<{ standing: ScreenState; fresh: boolean }>;
  /**
   * Queues text for the node, paced. Counts bytes taken; `refused` says why the rest was not. `secret`: the part of it
   * that is shown to nobody and stands in no log where the node echoes it.
   */
  type(text: string, secret?: string): { taken: number; refused: string | null };
  /** Resolves when all that was typed has left, with the time at which its last byte was sent; null: some was dropped. */
  left(): Promise<number | null>;
  /** Gives its keyboard to whoever comes to do the work by hand, until it is released. */
  lend(): void;
  release(): Promise<void>;
}

/** `intent` is on the disk before a verb goes out; `outcome` after it is known. */
export interface AuditEntry {
  at: number;
  stage: 'intent' | 'outcome';
  op: string;
  verb: Verb;
  /** As the client reported itself: nobody verified it. */
  reportedBy: ClientIdentity;
  session: number;
  node: { name: string; pos: string; addr: string };
  evidence: Evidence[];
  /** Null for an intent. */
  outcome: Outcome | null;
  detail: string;
  /** How often the verb was sent; 0 when it never was. */
  tries: number;
}

/** Bytes that somebody gave a BIOS by hand: all of them are written down, before and after. */
export interface RawAuditEntry {
  at: number;
  stage: 'intent' | 'outcome';
  verb: 'raw';
  /** What was to be sent, ^G as `^G`. */
  raw: string;
  reportedBy: ClientIdentity;
  session: number;
  node: { name: string; pos: string; addr: string };
  detail: string;
}

export interface JournalPort {
  /** Resolves when this state of the operation is on the disk. */
  write(op: Operation): Promise<void>;
  /** Operations of an earlier server that had not ended; oldest first. */
  unfinished(): Operation[];
}

/** Guards, or a confirmation that does not match: nothing was sent. */
export class PowerRefused extends Error {
  readonly refusals: Refusal[];
  constructor(refusals: Refusal[]) {
    super(refusals.map((refusal) => refusal.message).join('; '));
    this.name = 'PowerRefused';
    this.refusals = refusals;
  }
}

/** An id, a node or a question that there is not (any more). */
export class NoSuchOperation extends Error {
  override readonly name = 'NoSuchOperation';
}
