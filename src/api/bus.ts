/** Types of the bus for clients: its exchanges, the forms of its replies, raw commands. */
import type { Address } from '../rack/address.ts';
import type { Failure, Power } from '../rack/reading.ts';

/**
 * `paused`: a console holds the pipe. `locked`: the port is open and nothing answers, even after unlocking. `wedged`:
 * bytes come, but the master does not answer. `down`: no port.
 */
export type BusState = 'starting' | 'ready' | 'paused' | 'locked' | 'wedged' | 'down';

/** Bus states without answers: earlier values are no longer known. */
const DEAF: readonly BusState[] = ['starting', 'locked', 'wedged', 'down'];

/** Returns whether the bus can be used, or is in use by a console. */
export function busUsable(state: BusState): boolean {
  return !DEAF.includes(state);
}

/**
 * The recovery stage, from the mildest: `resync`, replies are damaged, so exchanges keep a distance; `probe`, ^G and
 * a request to the master; `unlock`; `reopen` the port; `rest` until `retryAt`; `device`, the port's device is
 * missing and looked for.
 */
export interface BusRecovery {
  step: 'resync' | 'probe' | 'unlock' | 'reopen' | 'rest' | 'device';
  /** Start of the next try; null while a try is running. */
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
  /** Running recovery; null: none is needed. */
  recovery: BusRecovery | null;
  /** Address of the BMC that answers a bare `=`; null: not known yet. */
  master: Address | null;
  /** Duration of the last full sweep, ms, and sweeps per second; null before the first. */
  sweepMs: number | null;
  sweepsPerS: number | null;
  /** Other nodes are read while an open console is silent; false: none is read while one is open. */
  quietReads: boolean;
  /** Counters since the server started. */
  exchanges: number;
  errors: number;
}

/** One exchange. Texts are latin1, one character a byte; secrets are left out. */
export interface BusLogEntry {
  seq: number;
  /** Epoch milliseconds, server's clock. */
  at: number;
  out: string;
  in: string;
  /** From the first byte out to the last byte in, ms; null without a reply. */
  ms: number | null;
  /** Instead of bytes: the port was opened, or lost; null: bytes. */
  note: string | null;
}

/** Result for one queried address: its status and its UID. */
export interface BusLook {
  addr: Address;
  power: Power | null;
  master: boolean;
  /** Reason for `power` null; else null. */
  failure: Failure | 'bus' | null;
  /** The reply to `#` without control characters; its format is not documented. Null: none came. */
  uid: string | null;
}

/** Replies byte for byte (latin1), for each step of a slow exchange. */
export interface BusForms {
  /** The port's settings at that time, as reported by `stty -a`; null: not reported. */
  tty: string | null;
  /** ^G with no pipe open. */
  idleClose: string;
  /** The master's bare `=`. */
  master: string;
  /** The node that was asked; null: no other answers, and the fields below are empty. */
  node: Address | null;
  /** `[hh]|`. */
  pipe: string;
  /** `=` in the pipe. */
  status: string;
  /** `#` in the pipe. */
  uid: string;
  /** ^G with the pipe open. */
  pipeClose: string;
}

export interface BusSurvey {
  forms: BusForms;
  /** True when `/` and `\` are echoed, as the last one of this server showed; null: it sent none. */
  verbEcho: boolean | null;
  /** Nodes that answered, and the number of exchanges with them, one after the other. */
  nodes: Address[];
  exchanges: number;
  /** Readings of running nodes whose ZZ was four times YY (`kept`), of those that can decide (`read`). */
  fan: { kept: number; read: number };
  silent: number;
  garbled: number;
  foreign: number;
  /** Duration of whole exchanges, ms: the median and the slowest; null where none was answered. */
  medianMs: number | null;
  slowestMs: number | null;
}

/** Reply of a BIOS to a raw command. */
export interface RawAnswer {
  /** All bytes of the reply, latin1. */
  heard: string;
  /** State of the bus afterwards, for operators. */
  after: string;
}

/** Host name that the machine in a slot showed on its console. */
export interface HostRead {
  addr: Address;
  host: string | null;
  /** Reason for `host` null; '' else. */
  why: string;
}
