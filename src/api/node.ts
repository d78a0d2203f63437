/**
 * What the detail pane shows of a node beyond what all clients get of all nodes.
 *
 * What a node's console showed last, for somebody who is not at it.
 */
import type { Address } from '../rack/address.ts';
import type { SeriesPoint } from '../rack/history.ts';

export interface DetailRequest {
  addr: Address;
  /** Length of a point of the series, ms, and how many of them up to now. */
  stepMs: number;
  count: number;
  /** Latest lines of the node's console log; only sessions that may act are given any. */
  lines: number;
}

export interface NodeDetail {
  addr: Address;
  /** Server's clock. */
  now: number;
  stepMs: number;
  /** Oldest first; the last one is still going on. Null: nothing was answered in it. */
  points: (SeriesPoint | null)[];
  /** Oldest first; `ours`: a mark, not the node's words. */
  lines: { at: number; text: string; ours: boolean }[];
  /** What hangs on this node, by the inventory's roles: one sentence each. */
  dependents: string[];
  /** Plans that have it in a step. */
  plans: string[];
}

export interface LastScreen {
  addr: Address;
  /** Server's clock. */
  now: number;
  /** Null: nothing that this console ever said is kept here. */
  seen: SeenScreen | null;
}

export interface SeenScreen {
  at: number;
  /**
   * `open`: somebody is at it, and it looks so now. `closed`: so it was left. `log`: it was not open since this server
   * started; made from the end of its log.
   */
  from: 'open' | 'closed' | 'log';
  /** Why it was closed; null where that is not known, or it is open. */
  why: string | null;
  cols: number;
  rows: number;
  /** Escape sequences that rebuild the screen in an empty emulator of this size; base64. */
  screen: string;
}
