/**
 * What clients may learn of the bus itself: its exchanges as they pass, what its replies look like, what a BIOS says by hand.
 */
import type { Address } from '../rack/address.ts';
import type { Failure, Power } from '../rack/reading.ts';

/** One exchange as it passed. Texts are latin1, one character a byte; secrets are left out. */
export interface BusLogEntry {
  seq: number;
  /** Epoch milliseconds, server's clock. */
  at: number;
  out: string;
  in: string;
  /** From the first byte out to the last byte in; null where nothing came. */
  ms: number | null;
  /** Instead of bytes: the port was opened, or lost. */
  note: string | null;
}

/** One address, looked at: its status, and its UID as it came. */
export interface BusLook {
  addr: Address;
  power: Power | null;
  master: boolean;
  /** Why there is no power; null where there is. */
  failure: Failure | 'bus' | null;
  /** The reply to `#`, control characters taken out; its format is not documented. Null: none came. */
  uid: string | null;
}

/** What came back, byte for byte (latin1), for each step of an exchange that took its time. */
export interface BusForms {
  /** The port's settings while it was asked, as `stty -a` tells them; null: it does not. */
  tty: string | null;
  /** ^G with no pipe open. */
  idleClose: string;
  /** The master's bare `=`. */
  master: string;
  /** The node that was asked, or null: no other answers, and what follows is empty. */
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
  /** Whether `/` and `\` are echoed, as the last one that this server sent showed; null: it sent none. */
  verbEcho: boolean | null;
  /** Nodes that answered, and so many exchanges with them, one after the other. */
  nodes: Address[];
  exchanges: number;
  /** Readings of running nodes whose ZZ was four times YY, of so many that can tell (see rack/fan-drive.ts). */
  fan: { kept: number; read: number };
  silent: number;
  garbled: number;
  foreign: number;
  /** Whole exchanges, ms: the median and the slowest; null where none was answered. */
  medianMs: number | null;
  slowestMs: number | null;
}

/** What a BIOS said to bytes given by hand. */
export interface RawAnswer {
  /** All that came back, latin1. */
  heard: string;
  /** How the bus is afterwards. */
  after: string;
}

/** By which name the machine in a slot called itself on its console. */
export interface HostRead {
  addr: Address;
  host: string | null;
  /** Why none could be seen; '' where one was. */
  why: string;
}
