/**
 * The contract between server and clients: JSON-RPC 2.0 over a byte stream (a Unix socket), header-framed as
 * vscode-jsonrpc does. Every request and notification has one parameter object. Times are milliseconds of the server's
 * steady clock (`lib/clock.ts`): they read like the epoch's, but are no date, because nobody sets that clock. Ages are
 * differences to `now`, which snapshots and updates bring; a date is the reader's own minus the age.
 */
import type { Address } from '../rack/address.ts';
import type { Alarm } from '../rack/alarms.ts';
import type { Inventory } from '../rack/inventory.ts';
import type { Reading } from '../rack/reading.ts';
import type { SystemState } from '../rack/system-state.ts';
import type { BusLogEntry, BusLook, BusSurvey, HostRead, RawAnswer } from './bus.ts';
import type { ConfigStatus } from './configuration.ts';
import type { DetailRequest, LastScreen, NodeDetail } from './node.ts';
import type { OutageReport, OutageStatus, UpsHistoryAnswer, UpsHistoryRequest } from './outage.ts';
import type { PlanList, PlanPreview, PlanRun, PlanRunRequest } from './plans.ts';
import type { Operation, PowerCheck, PowerRequest } from './power.ts';

/** Raised when a message changes its meaning. */
export const API_VERSION = 3;

/** Who is at the other end, as the client reports it: shown to others and written to the audit log, labelled so. */
export interface ClientIdentity {
  /** Login name. */
  user: string;
  /** SSH peer's address, or null for a local terminal. */
  from: string | null;
  /** Terminal, `/dev/pts/3`, or null. */
  tty: string | null;
  /** `interface`, `status`, `off`, … */
  program: string;
  pid: number;
}

/** `paused`: a console holds the pipe. `locked`: the port is open and nothing answers, even after unlocking. `wedged`: bytes come, but the master does not answer. `down`: no port. */
export type BusState = 'starting' | 'ready' | 'paused' | 'locked' | 'wedged' | 'down';

/**
 * What is being done to bring the bus back, from the mildest: `resync` damaged replies, exchanges keep their distance;
 * `probe` ^G and a question to the master; `unlock`; `reopen` the port; `rest` until `retryAt`; `device` is away and looked for.
 */
export interface BusRecovery {
  step: 'resync' | 'probe' | 'unlock' | 'reopen' | 'rest' | 'device';
  /** When the next try begins by itself; null where something is being done now. */
  retryAt: number | null;
  /** The step in words, for the operator. */
  text: string;
}

export interface BusStatus {
  state: BusState;
  port: string;
  /** One sentence for the operator when not ready: what, why, what next. */
  detail: string;
  since: number;
  /** Null: nothing needs to be done. */
  recovery: BusRecovery | null;
  /** The address whose BMC answers a bare `=`, once known. */
  master: Address | null;
  /** Length of the last full sweep, ms, and how many a second are done; null before the first. */
  sweepMs: number | null;
  sweepsPerS: number | null;
  /** Counters since the server started. */
  exchanges: number;
  errors: number;
}

/** One node's changing part. */
export interface NodeState {
  addr: Address;
  reading: Reading;
  /** Last raw samples as [current, fan] counts, oldest first, at most 60; null entries are gaps. Only in snapshots. */
  history?: ([number, number] | null)[];
  /** What is known of its operating system; null while its BMC does not say that it has power. */
  system: SystemState | null;
  /** Words for alarms on this node, worst first. */
  alarms: string[];
  /** Running operation on this node. */
  op: string | null;
}

export interface ConsoleState {
  addr: Address;
  /** `suspended`: the pipe is lent to something else for a moment. `opening`: not proven up yet. */
  state: 'opening' | 'open' | 'suspended';
  /** Session that types, or null when nobody or an operation does. */
  holder: number | null;
  /** Who that is, for people. */
  holderName: string | null;
  /** Since when nothing came from that session's program, where it is longer than {@link SILENT_LIMIT_S}; else null. */
  holderSilentSince: number | null;
  watchers: number[];
  /** Why keys that a BIOS could execute are held back, or null when the console has proven to be the node's. */
  unproven: string | null;
  /** At which rate the node's UART is listened to. */
  baud: ConsoleBaudRate;
}

/** The rates that a BMC can open a console at. */
export type ConsoleBaudRate = 115200 | 57600 | 19200 | 9600;

/** What to read of a node's console log. */
export interface LogRequest {
  addr: Address;
  /** `lines`: the readable log; `raw`: the node's bytes as they came, without times or marks. */
  kind: 'lines' | 'raw';
  /** Where the former answer ended; null: from the oldest that is kept, or from `since`. */
  cursor: string | null;
  /** Lines from this time (epoch milliseconds) on; null: all. Only where `kind` is `lines` and `cursor` null. */
  since: number | null;
  /** Only lines that hold this text, whatever the case; null: all. Only where `kind` is `lines`. */
  search: string | null;
}

export interface LogPiece {
  /** `lines`: whole lines, UTF-8, already without control characters; `raw`: base64. At most some 64 KB. */
  data: string;
  /** For the next request. Where `data` ends at what is there now, the same cursor gives what comes later. */
  cursor: string;
  /** Nothing more is there now. */
  end: boolean;
}

export interface Session {
  id: number;
  who: ClientIdentity;
  since: number;
  access: Access;
  /** Since when nothing came from it, where it is longer than {@link SILENT_LIMIT_S}; else null. */
  silentSince: number | null;
}

export type Access = 'control' | 'view';

/** Everything there is to see; the start of every client. */
export interface Snapshot {
  now: number;
  rack: Inventory;
  /** The sweep's interval, ms: what `fresh` means. */
  intervalMs: number;
  bus: BusStatus;
  nodes: NodeState[];
  console: ConsoleState | null;
  sessions: Session[];
  operations: Operation[];
  outage: OutageStatus;
  config: ConfigStatus;
  /** Those that last, or that nobody has acknowledged; oldest first. */
  alarms: Alarm[];
  /** The latest events, oldest first. */
  events: EventRecord[];
}

/** A line for the event log. */
export interface EventRecord {
  seq: number;
  at: number;
  level: 'info' | 'notice' | 'warning' | 'alarm';
  /** `bus`, `power`, `console`, `node`, `server`, `session`, `supply`. */
  topic: string;
  addr: Address | null;
  text: string;
}

export interface Welcome {
  api: number;
  version: string;
  pid: number;
  session: number;
  access: Access;
  snapshot: Snapshot;
}

/** A console as somebody joins it. */
export interface ConsoleJoined {
  addr: Address;
  role: 'types' | 'watches';
  cols: number;
  rows: number;
  /** Escape sequences that rebuild screen and recent scrollback in an empty emulator of cols x rows; base64. */
  screen: string;
  console: ConsoleState;
}

/** Requests: name → [parameters, result]. */
export interface Requests {
  hello: [{ api: number; who: ClientIdentity }, Welcome];
  /** Sweeps (or asks the named nodes) now and answers when done; bus not usable: the snapshot says so.
   *  With a console open, a sweep is not done; named nodes are sampled only with `interrupt`. */
  sweep: [{ addrs: Address[] | null; interrupt: boolean }, Snapshot];
  'console.attach': [{ addr: Address; take: boolean; watch: boolean }, ConsoleJoined];
  'console.detach': [Record<string, never>, { ok: true }];
  /** Take the keyboard of the console being watched. */
  'console.take': [Record<string, never>, ConsoleState];
  /** Take back the modes that a dead program left in the screen of the console that one types at. */
  'console.reset': [Record<string, never>, { ok: true }];
  /** Hand the keyboard to another session that is at the same console; only who types can. */
  'console.give': [{ session: number }, ConsoleState];
  /** A note of the operator's into the log of the console they are at; everybody there sees it. */
  'console.log': [{ text: string }, { ok: true }];
  /** Open the console that one types at anew, at another rate, until it is closed. */
  'console.baud': [{ baud: ConsoleBaudRate }, ConsoleState];
  /** What a node's console showed last, whether it is open or not. */
  'console.last': [{ addr: Address }, LastScreen];
  /** A node's console log, piece by piece. */
  'log.read': [LogRequest, LogPiece];
  /** Set the emulated size after the operator set the node's tty size. */
  'console.resize': [{ cols: number; rows: number }, { ok: true }];
  /**
   * A piece of a large paste, at most 256 bytes, base64: answered when it is on the wire; `why` it is not, otherwise.
   * `at`: the server's time when it was sent, see {@link KEY_LIMIT_MS}.
   */
  'console.paste': [{ addr: Address; data: string; at: number }, { sent: boolean; why: string | null }];
  'power.check': [PowerRequest, PowerCheck];
  'power.start': [PowerRequest, Operation];
  'ops.list': [Record<string, never>, Operation[]];
  'ops.abort': [{ id: string }, Operation];
  /** `question`: the id of the question that was read. */
  'ops.answer': [{ id: string; addr: Address; question: string; choice: string; confirm: string | null }, Operation];
  'plan.list': [Record<string, never>, PlanList];
  'plan.show': [{ name: string }, PlanPreview];
  'plan.run': [PlanRunRequest, PlanRun];
  /** Begins nothing new; what runs goes on. */
  'plan.pause': [{ id: string }, PlanRun];
  /** Goes on; nodes that failed or were interrupted are looked at afresh and tried again. */
  'plan.resume': [{ id: string }, PlanRun];
  /** Ends what runs as far as it can be recalled, and begins nothing more. */
  'plan.abort': [{ id: string }, PlanRun];
  /** Leaves a node (by address) or a whole step out: what waits, and what failed and made the run pause. */
  'plan.skip': [{ id: string; step: string | null; addr: Address | null }, PlanRun];
  /** Supply, forecast and the outage that is under way, or the last one. */
  'outage.status': [Record<string, never>, OutageStatus];
  /** What a UPS said of its battery and its load up to now. */
  'ups.history': [UpsHistoryRequest, UpsHistoryAnswer];
  /** UPS software that the server does not ask itself says how the supply stands. */
  'outage.tell': [{ supply: 'mains' | 'battery'; runtimeS: number | null; settled: boolean }, OutageStatus];
  /** This machine shuts down: the last plan of every policy begins now; its runs. */
  'outage.last': [{ withinS: number }, { runs: PlanRun[] }];
  /** Plays an outage from mains failure to restore on these nodes only. */
  'outage.drill': [{ addrs: Address[] }, OutageReport];
  /** Standing ones, and the latest that are over and seen. */
  'alarms.list': [{ limit: number }, { standing: Alarm[]; past: Alarm[] }];
  /** Null: all. Answers how many nobody had seen. */
  'alarms.ack': [{ ids: number[] | null }, { acknowledged: number }];
  'events.list': [{ limit: number }, EventRecord[]];
  'node.detail': [DetailRequest, NodeDetail];
  /** The operator asks: try the bus again now instead of after the back-off. */
  'bus.retry': [Record<string, never>, { ok: true }];
  /** Exchanges after `after`, oldest first, the latest `limit` of them. With `wait`, answers when there is one, or after a second. */
  'bus.log': [{ after: number; limit: number; wait: boolean }, BusLogEntry[]];
  /** Asks these addresses for status and UID, whether anybody knows of a node there or not; `patient` waits longer for silence. */
  'bus.look': [{ addrs: Address[]; patient: boolean }, BusLook[]];
  /** One slow round through the forms of this bus's replies, then so many exchanges counted and timed. */
  'bus.survey': [{ exchanges: number }, BusSurvey];
  /** Bytes by hand for a BIOS; `target` null: the master's. What is known to be dangerous needs `confirm`: the target's name. */
  'bus.raw': [{ target: Address | null; text: string; confirm: string | null }, RawAnswer];
  /** Reads by which name the machine calls itself on its console, without logging in. */
  'host.read': [{ addr: Address }, HostRead];
  /** Shows both sides that the other lives: sent every {@link PING_MS}, and answered at once. */
  'server.ping': [Record<string, never>, { now: number }];
  /** A number for one request of {@link CONFIRMED}, which names it as `nonce` beside its parameters. */
  'confirm.begin': [Record<string, never>, { nonce: string }];
  'server.info': [Record<string, never>, ServerInfo];
  /** Reads the configuration file anew: the settings in force now that were not before, and how it stands. */
  'server.reload': [Record<string, never>, { taken: string[]; config: ConfigStatus }];
  'server.stop': [Record<string, never>, { ok: true }];
  /** Tries what the server needs of its own machine: state directory, disk, secrets. */
  'server.check': [Record<string, never>, ServerFinding[]];
}

export interface ServerFinding {
  id: 'state' | 'disk' | 'secret';
  trouble: boolean;
  /** Of a trouble, a sentence without its subject, which is the server. */
  seen: string;
  todo: string | null;
}

export interface ServerInfo {
  version: string;
  pid: number;
  startedAt: number;
  user: string;
  port: string;
  socket: string;
  stateDir: string;
  config: string | null;
  configuration: ConfigStatus;
  autostarted: boolean;
  sessions: Session[];
}

/** Notifications from client to server. */
export interface ClientNotes {
  /**
   * Bytes typed or pasted, base64. 0x07 is refused by the server whatever its source. Only from the session that types.
   * `at`: the server's time when they were typed, see {@link KEY_LIMIT_MS}.
   */
  'console.input': { addr: Address; data: string; at: number };
}

/** Notifications from server to clients. */
export interface ServerNotes {
  /** What changed since the last one; absent fields did not. At most ten a second. */
  update: {
    now: number;
    bus?: BusStatus;
    nodes?: NodeState[];
    console?: ConsoleState | null;
    sessions?: Session[];
    outage?: OutageStatus;
    config?: ConfigStatus;
    /** All that stand. */
    alarms?: Alarm[];
  };
  /** Discovery or a reload changed the inventory. */
  rack: { rack: Inventory };
  operation: Operation;
  plan: PlanRun;
  event: EventRecord;
  /** Bytes from the node, base64. Only to sessions that joined this console. */
  'console.data': { addr: Address; data: string };
  /**
   * This session fell so far behind that `skipped` bytes of the node's are not sent to it. Here is the screen as it is
   * now, as in {@link ConsoleJoined}; 'console.data' goes on from it.
   */
  'console.resync': { addr: Address; skipped: number; cols: number; rows: number; screen: string };
  /**
   * Something about the console to show in its pane, in words. `blocked`: keys were not sent, and why. `given`: the
   * keyboard is this session's now. `note`: somebody wrote a note into the log. `flood`: the node prints without pause,
   * or has stopped to. `baud`: what comes looks like another rate than the one that is listened at.
   */
  'console.note': {
    addr: Address;
    kind: 'gap' | 'taken' | 'given' | 'closed' | 'blocked' | 'resized' | 'note' | 'flood' | 'baud';
    text: string;
    cols?: number;
    rows?: number;
  };
}

/** How often a client says that it lives, ms. */
export const PING_MS = 2_000;

/** Seconds without a byte from a client, four of its pings, after which it counts as silent: stopped, or cut off. */
export const SILENT_LIMIT_S = 8;

/** The age at which typed keys are dropped, with everything behind them, ms: a stopped server would type them later. */
export const KEY_LIMIT_MS = 5_000;

/** `silent for 14 s`, of {@link ConsoleState.holderSilentSince} and its like; '' where it is null. */
export function silenceText(since: number | null, now: number): string {
  return since === null ? '' : `silent for ${Math.max(0, Math.round((now - since) / 1000))} s`;
}

/**
 * Requests that act. Each carries a number that the server gave out for it a moment ago and takes once: a request that
 * waited in the socket of a server that was stopped, or that is sent a second time, does nothing.
 */
export const CONFIRMED = [
  'power.start',
  'ops.answer',
  'plan.run',
  'plan.resume',
  'plan.skip',
  'outage.tell',
  'outage.last',
  'outage.drill',
  'bus.raw',
  'server.stop',
] as const satisfies readonly (keyof Requests)[];

/** The age at which a confirmation no longer counts, ms. */
export const CONFIRM_LIMIT_MS = 10_000;

/** JSON-RPC error codes of our own (the range that the standard leaves to applications). */
export const RPC_ERROR = {
  /** Wrong parameters. */
  invalid: -32602,
  /** A guard refused; `data` is Refusal[]. */
  refused: 1,
  /** The bus cannot be used now. */
  unavailable: 2,
  /** Somebody holds the console; `data` is ConsoleState. */
  held: 3,
  /** View-only sessions cannot do this. */
  viewOnly: 4,
  /** No such node, operation, … */
  unknown: 5,
  /** Client and server speak different versions. */
  version: 6,
  /** The configuration file cannot be used. */
  config: 7,
} as const;
