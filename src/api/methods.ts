/**
 * The API between server and clients: JSON-RPC 2.0 over a byte stream (a Unix socket), header-framed as
 * vscode-jsonrpc does. Every request and notification has one parameter object. Times are milliseconds of the
 * server's steady clock (`lib/clock.ts`): they start at the epoch time, but are no date, because that clock is never
 * set. Ages are differences to `now`, which snapshots and updates contain; a date is the client's own minus the age.
 */
import type { Address } from '../rack/address.ts';
import type { Alarm } from '../rack/alarms.ts';
import type { Inventory } from '../rack/inventory.ts';
import type { KubernetesStatus } from '../rack/kubernetes.ts';
import type { Reading } from '../rack/reading.ts';
import type { SystemState } from '../rack/system-state.ts';
import type { BusLogEntry, BusLook, BusSurvey, HostRead, RawAnswer, BusStatus } from './bus.ts';
import type { ConfigStatus } from './configuration.ts';
import type {
  ConsoleGlances,
  DetailRequest,
  HistoryRequest,
  LastScreen,
  LogPiece,
  LogRequest,
  NodeDetail,
  RackHistory,
} from './node.ts';
import type { OutageReport, OutageStatus, UpsHistoryAnswer, UpsHistoryRequest } from './outage.ts';
import type { PlanList, PlanPreview, PlanRun, PlanRunRequest } from './plans.ts';
import type { Operation, PowerCheck, PowerRequest } from './power.ts';
import type { CommandRequest, CommandRun, FileEnd, FileOpened, FileRequest } from './shell.ts';

/** Version of the API; raised when a message changes its meaning. */
export const API_VERSION = 4;

/**
 * Identity of a client, as the client reports it: shown to others and written to the audit log, labelled as reported.
 */
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

/** The changing state of one node. */
export interface NodeState {
  addr: Address;
  reading: Reading;
  /** State of its operating system; null while its BMC does not report that it has power. */
  system: SystemState | null;
  /**
   * Time at which this server saw its power come on; null: it was on before, its BMC was silent since, or it is not on.
   */
  onSince: number | null;
  /** Its state in the configured Kubernetes cluster; null: none is configured, or it is not in it. */
  kubernetes: KubernetesStatus | null;
  /** Texts of alarms on this node, worst first. */
  alarms: string[];
  /** Id of the running operation on this node; null: none. */
  op: string | null;
}

/**
 * Another sample of a node that changed in nothing else since it was sent whole. `ageMs`: time from the sample to the
 * update's `now`; `rttMs`: see Sample.
 */
export type BriefSample = [addr: Address, current: number, fan: number, ageMs: number, rttMs: number];

export interface ConsoleState {
  addr: Address;
  /** `opening`: not proven yet. `suspended`: the pipe is in use for something else for a moment. */
  state: 'opening' | 'open' | 'suspended';
  /** Session that has the keyboard; null: none, or an operation has it. */
  holder: number | null;
  /** Name of the holder of the keyboard, for operators. */
  holderName: string | null;
  /** Time since which nothing came from its program, if longer than {@link SILENT_LIMIT_S}; else null. */
  holderSilentSince: number | null;
  watchers: number[];
  /** Reason why keys that a BIOS could execute are held back; null: the console is proven. */
  unproven: string | null;
  /** Baud rate at which the console is open. */
  baud: ConsoleBaudRate;
}

/** The baud rates that a BMC can open a console at. */
export type ConsoleBaudRate = 115200 | 57600 | 19200 | 9600;

export interface Session {
  id: number;
  who: ClientIdentity;
  since: number;
  access: Access;
  /** Time since which nothing came from it, where that is longer than {@link SILENT_LIMIT_S}; else null. */
  silentSince: number | null;
}

export type Access = 'control' | 'view';

/** The whole state of the server, with which every client starts. */
export interface Snapshot {
  now: number;
  rack: Inventory;
  /** The poll interval, ms, against which `fresh` is measured. */
  intervalMs: number;
  bus: BusStatus;
  nodes: NodeState[];
  console: ConsoleState | null;
  sessions: Session[];
  operations: Operation[];
  outage: OutageStatus;
  config: ConfigStatus;
  /** Alarms that are active or not acknowledged, oldest first. */
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

/** A console at the time when a session joins it. */
export interface ConsoleJoined {
  addr: Address;
  role: 'types' | 'watches';
  cols: number;
  rows: number;
  /** Escape sequences that rebuild screen and recent scrollback in an empty emulator of cols x rows; base64. */
  screen: string;
  /** Times at which the last lines of that began to arrive, in their order; null: not known. */
  times: readonly (number | null)[];
  console: ConsoleState;
}

/** Requests: name → [parameters, result]. */
export interface Requests {
  /** `brief`: the client takes {@link BriefSample}s in updates. */
  hello: [{ api: number; who: ClientIdentity; brief?: boolean | undefined }, Welcome];
  /**
   * Polls all nodes (or the named ones) now and answers when done; where the bus is not usable, the snapshot shows it.
   * With a console open, a poll of all nodes is not done; named nodes are sampled only with `interrupt`.
   */
  sweep: [{ addrs: Address[] | null; interrupt: boolean }, Snapshot];
  'console.attach': [{ addr: Address; take: boolean; watch: boolean }, ConsoleJoined];
  'console.detach': [Record<string, never>, { ok: true }];
  /** Takes the keyboard of the console that this session watches. */
  'console.take': [Record<string, never>, ConsoleState];
  /** Resets the modes that an ended program left in the screen of the console that this session types at. */
  'console.reset': [Record<string, never>, { ok: true }];
  /** Transfers the keyboard to another session at the same console; only for the session that types. */
  'console.give': [{ session: number }, ConsoleState];
  /** Writes a note of the operator into the log of their console; all sessions there see it. */
  'console.log': [{ text: string }, { ok: true }];
  /** Reopens the console that this session types at, at another rate, until it is closed. */
  /** Starts or stops reading other nodes while an open console is silent; the setting lasts until the server ends. */
  'console.reads': [{ on: boolean }, { ok: true }];
  'console.baud': [{ baud: ConsoleBaudRate }, ConsoleState];
  /** The last screen of a node's console, whether it is open or not. */
  'console.last': [{ addr: Address }, LastScreen];
  /** The last `rows` lines of the consoles of these nodes, as text. */
  'console.glance': [{ addrs: Address[]; rows: number }, ConsoleGlances];
  /** Reads a node's console log, piece by piece. */
  'log.read': [LogRequest, LogPiece];
  /** Sets the emulated size after the operator set the node's tty size. */
  'console.resize': [{ cols: number; rows: number }, { ok: true }];
  /**
   * Sends a piece of a large paste, at most 256 bytes, base64; answered when it is on the wire, otherwise with `why`
   * it was not sent. `at`: the server's time when it was sent, see {@link KEY_LIMIT_MS}.
   */
  'console.paste': [{ addr: Address; data: string; at: number }, { sent: boolean; why: string | null }];
  /**
   * Runs a command on a node and answers when it has ended, or its limit has passed. Over the console only where no
   * session has a keyboard and no operation runs; it is interrupted when this session ends, or by `$/cancelRequest`.
   */
  'node.run': [CommandRequest, CommandRun];
  /** Opens a file on a node over its console, as `node.run` does; base64 pieces follow, then a check. */
  'file.open': [FileRequest, FileOpened];
  'file.write': [{ id: string; at: number; data: string }, { size: number }];
  'file.read': [{ id: string; at: number }, { data: string }];
  'file.finish': [FileEnd, { path: string }];
  'file.close': [{ id: string }, { ok: true }];
  'power.check': [PowerRequest, PowerCheck];
  'power.start': [PowerRequest, Operation];
  'ops.list': [Record<string, never>, Operation[]];
  'ops.abort': [{ id: string }, Operation];
  /** Answers a prompt. `question`: the id of the prompt that was shown. */
  'ops.answer': [{ id: string; addr: Address; question: string; choice: string; confirm: string | null }, Operation];
  'plan.list': [Record<string, never>, PlanList];
  'plan.show': [{ name: string }, PlanPreview];
  'plan.run': [PlanRunRequest, PlanRun];
  /** Pauses a run: nothing new begins, running operations continue. */
  'plan.pause': [{ id: string }, PlanRun];
  /** Resumes a run; nodes that failed or were interrupted are checked again and tried again. */
  'plan.resume': [{ id: string }, PlanRun];
  /** Aborts a run: ends running operations as far as they can be recalled, and begins nothing more. */
  'plan.abort': [{ id: string }, PlanRun];
  /** Skips a node (by address) or a whole step: waiting ones, and failed ones that made the run pause. */
  'plan.skip': [{ id: string; step: string | null; addr: Address | null }, PlanRun];
  /** Supply, forecast and the current outage, or the last one. */
  'outage.status': [Record<string, never>, OutageStatus];
  /** History of a UPS's battery and load up to now. */
  'ups.history': [UpsHistoryRequest, UpsHistoryAnswer];
  /** Reports the supply, for UPS software that the server does not query itself. */
  'outage.tell': [{ supply: 'mains' | 'battery'; runtimeS: number | null; settled: boolean }, OutageStatus];
  /** Reports that this machine shuts down: the last plan of every policy begins now. Returns its runs. */
  'outage.last': [{ withinS: number }, { runs: PlanRun[] }];
  /** Simulates an outage from mains failure to restore, on these nodes only. */
  'outage.drill': [{ addrs: Address[] }, OutageReport];
  /** Active or unacknowledged alarms, and the latest `limit` of the others. */
  'alarms.list': [{ limit: number }, { standing: Alarm[]; past: Alarm[] }];
  /** Acknowledges alarms; null: all. Returns the number that was not acknowledged before. */
  'alarms.ack': [{ ids: number[] | null }, { acknowledged: number }];
  'events.list': [{ limit: number }, EventRecord[]];
  'node.detail': [DetailRequest, NodeDetail];
  /** History of all nodes: the strips of a map. */
  'rack.history': [HistoryRequest, RackHistory];
  /** Tries the bus again now instead of after the back-off. */
  'bus.retry': [Record<string, never>, { ok: true }];
  /**
   * The latest `limit` exchanges after `after`, oldest first. With `wait`, answers when there is one, or after a
   * second.
   */
  'bus.log': [{ after: number; limit: number; wait: boolean }, BusLogEntry[]];
  /**
   * Asks these addresses for status and UID, whether a node is known there or not; `patient` waits longer for
   * silence.
   */
  'bus.look': [{ addrs: Address[]; patient: boolean }, BusLook[]];
  /** Collects the forms of this bus's replies once, slowly, then counts and times `exchanges` exchanges. */
  'bus.survey': [{ exchanges: number }, BusSurvey];
  /**
   * Sends a raw command to a BIOS; `target` null: the master's. Dangerous characters need `confirm`: the target's
   * name.
   */
  'bus.raw': [{ target: Address | null; text: string; confirm: string | null }, RawAnswer];
  /** Reads the host name that the machine shows on its console, without logging in. */
  'host.read': [{ addr: Address }, HostRead];
  /** Shows each side that the other is alive: sent every {@link PING_MS}, and answered at once. */
  'server.ping': [Record<string, never>, { now: number }];
  /** Returns a number for one request of {@link CONFIRMED}, which includes it as `nonce` beside its parameters. */
  'confirm.begin': [Record<string, never>, { nonce: string }];
  'server.info': [Record<string, never>, ServerInfo];
  /** Reloads the configuration file. Returns the settings that took effect, and the state of the configuration. */
  'server.reload': [Record<string, never>, { taken: string[]; config: ConfigStatus }];
  'server.stop': [Record<string, never>, { ok: true }];
  /** Checks what the server needs of its own machine: state directory, disk, secrets. */
  'server.check': [Record<string, never>, ServerFinding[]];
}

export interface ServerFinding {
  id: 'state' | 'disk' | 'secret';
  trouble: boolean;
  /** The finding, as a sentence without its subject, which is the server. */
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
   * Typed or pasted bytes, base64. 0x07 is refused by the server whatever its source. Only from the session that
   * types. `at`: the server's time when they were typed, see {@link KEY_LIMIT_MS}.
   */
  'console.input': { addr: Address; data: string; at: number };
}

/** Notifications from server to clients. */
export interface ServerNotes {
  /** Changes since the last update; absent fields did not change. At most ten a second. */
  update: {
    now: number;
    bus?: BusStatus;
    nodes?: NodeState[];
    /** Only for a client that said hello with `brief`. */
    samples?: BriefSample[];
    console?: ConsoleState | null;
    sessions?: Session[];
    outage?: OutageStatus;
    config?: ConfigStatus;
    /** All alarms that are active or not acknowledged. */
    alarms?: Alarm[];
  };
  /** Discovery or a reload changed the inventory. */
  rack: { rack: Inventory };
  operation: Operation;
  plan: PlanRun;
  event: EventRecord;
  /** Bytes from the node, base64, the first of which came at `at`. Only to sessions that joined this console. */
  'console.data': { addr: Address; at: number; data: string };
  /**
   * This session fell so far behind that `skipped` bytes of the node are not sent to it. Contains the present screen,
   * as in {@link ConsoleJoined}; 'console.data' continues from it.
   */
  'console.resync': {
    addr: Address;
    skipped: number;
    cols: number;
    rows: number;
    screen: string;
    times: readonly (number | null)[];
  };
  /**
   * A message about the console, to show in its pane. `blocked`: keys were not sent, and why. `given`: this session
   * has the keyboard now. `note`: a note was written into the log. `flood`: the node prints without pause, or has
   * stopped to. `baud`: the output looks like another rate than the open one.
   */
  'console.note': {
    addr: Address;
    kind: 'gap' | 'taken' | 'given' | 'closed' | 'blocked' | 'resized' | 'note' | 'flood' | 'baud';
    text: string;
    cols?: number;
    rows?: number;
  };
}

/** Interval of a client's pings, ms. */
export const PING_MS = 2_000;

/**
 * Seconds without a byte from a client, four of its pings, after which it counts as silent: stopped, or disconnected.
 */
export const SILENT_LIMIT_S = 8;

/** Age from which typed keys are dropped, with everything behind them, ms: a stopped server would type them later. */
export const KEY_LIMIT_MS = 5_000;

/** Formats `silent for 14 s` from {@link ConsoleState.holderSilentSince} and its like; '' where it is null. */
export function silenceText(since: number | null, now: number): string {
  return since === null ? '' : `silent for ${Math.max(0, Math.round((now - since) / 1000))} s`;
}

/**
 * Requests that act. Each contains a number that the server gave out for it a moment ago and accepts once: a request
 * that waited in the socket of a stopped server, or that is sent a second time, does nothing.
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
  'node.run',
  'file.open',
  'server.stop',
] as const satisfies readonly (keyof Requests)[];

/** Age from which a confirmation no longer counts, ms. */
export const CONFIRM_LIMIT_MS = 10_000;

/** JSON-RPC error codes of rackui (in the range that the standard leaves to applications). */
export const RPC_ERROR = {
  /** Wrong parameters. */
  invalid: -32602,
  /** A guard refused; `data` is Refusal[]. */
  refused: 1,
  /** The bus cannot be used now. */
  unavailable: 2,
  /** Another session has the console's keyboard; `data` is ConsoleState. */
  held: 3,
  /** View-only sessions cannot do this. */
  viewOnly: 4,
  /** No such node, operation, … */
  unknown: 5,
  /** Client and server have different API versions. */
  version: 6,
  /** The configuration file cannot be used. */
  config: 7,
  /** The node itself refused it, or could not do it. */
  node: 8,
} as const;
