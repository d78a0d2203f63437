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
  /** Times from power to a prompt or an ssh server, of the last boots that rackui watched, ms; oldest first. */
  boots: number[];
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

/** Part of a node's console log to read. */
export interface LogRequest {
  addr: Address;
  /**
   * `lines`: the readable log; `raw`: the node's bytes unchanged, without times or marks; `timed`: these bytes with
   * the times at which they came, and the marks, see {@link TimedEvent}.
   */
  kind: 'lines' | 'raw' | 'timed';
  /** Cursor of the former answer; null: from the oldest kept line, or from `since`. */
  cursor: string | null;
  /** Only lines from this time (epoch milliseconds) on; null: all. Not where `kind` is `raw`, and only where `cursor` is null. */
  since: number | null;
  /** Only lines that contain this text, ignoring case; null: all. Only where `kind` is `lines`. */
  search: string | null;
}

export interface LogPiece {
  /**
   * `lines`: whole lines, UTF-8, already without control characters; `raw`: base64; `timed`: one event a line, as
   * JSON. At most some 64 KB; `timed` more where the node printed much at once.
   */
  data: string;
  /** Cursor for the next request, also where nothing more is there now. */
  cursor: string;
  /** Nothing more is there now. */
  end: boolean;
}

/**
 * One event of a console's log. `at`: epoch milliseconds, as the wall clock was set. `before`: output ahead of the
 * first event since the requested time, from which the screen of that time can be drawn. `bytes`: base64. `reset`:
 * the screen's modes were reset, as after a power loss; its text stays.
 */
export type TimedEvent =
  | { at: number; is: 'before' | 'output'; bytes: string; cols: number; rows: number }
  | { at: number; is: 'mark'; text: string }
  | { at: number; is: 'reset' };
