/**
 * Details of one node that only the client that shows them requests: its series, log lines and dependents, and the
 * last screen of its console.
 */
import type { Address } from '../rack/address.ts';
import type { SeriesPoint } from '../rack/history.ts';

export interface DetailRequest {
  addr: Address;
  /** Length of a point of the series, ms, and number of points up to now. */
  stepMs: number;
  count: number;
  /** Number of the latest lines of the node's console log; only sessions with `control` get any. */
  lines: number;
}

export interface NodeDetail {
  addr: Address;
  /** Server's clock. */
  now: number;
  stepMs: number;
  /** Oldest first; the last one is not complete yet. Null: no reply in it. */
  points: (SeriesPoint | null)[];
  /** Oldest first; `ours`: a mark of rackui, not the node's output. */
  lines: { at: number; text: string; ours: boolean }[];
  /** Dependents of this node by the inventory's roles: one sentence each. */
  dependents: string[];
  /** Names of plans with this node in a step. */
  plans: string[];
}

export interface HistoryRequest {
  /** Length of a point of the series, ms, and number of points up to now. */
  stepMs: number;
  count: number;
}

/** The series of all nodes over the same time. */
export interface RackHistory {
  /** Server's clock. */
  now: number;
  stepMs: number;
  /** Points oldest first; the last one is not complete yet. Null: no reply in it. */
  nodes: { addr: Address; points: (SeriesPoint | null)[] }[];
}

export interface LastScreen {
  addr: Address;
  /** Server's clock. */
  now: number;
  /** Null: no output of this console is kept. */
  seen: SeenScreen | null;
}

export interface SeenScreen {
  at: number;
  /**
   * `open`: the console is open, and this is its present screen. `closed`: the screen when it was closed. `log`: it
   * was not open since this server started, and the screen is made from the end of its log.
   */
  from: 'open' | 'closed' | 'log';
  /** Reason for the close; null: not known, or open. */
  why: string | null;
  cols: number;
  rows: number;
  /** Escape sequences that rebuild the screen in an empty emulator of this size; base64. */
  screen: string;
}

/** Text on a console's screen. `program`: an editor, a pager, a question, a boot loader. `failed`: a panic or a rescue shell. */
export type Shows = 'login' | 'shell' | 'program' | 'output' | 'blank' | 'failed';

/** The last lines of a node's console, as the text of its emulated screen. */
export interface ConsoleGlance {
  addr: Address;
  /** Null: no output of this console is kept. */
  seen: {
    at: number;
    from: SeenScreen['from'];
    shows: Shows;
    /** Up to the last one that is not blank, trailing blanks removed. */
    lines: string[];
  } | null;
}

export interface ConsoleGlances {
  /** Server's clock. */
  now: number;
  nodes: ConsoleGlance[];
}
