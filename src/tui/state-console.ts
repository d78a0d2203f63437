/** The console pane: where we are attached, what is kept of consoles that were left, copy mode. Plain data. */
import type { Address } from '../rack/address.ts';
import type { Notice } from './state.ts';

/** The chord after the console's prefix. `hex`: the first digit of an address was typed. */
export type Chord = { kind: 'idle' } | { kind: 'prefix' } | { kind: 'hex'; digit: string };

/** The console we are in, as the server granted it. */
export type Attachment =
  | { kind: 'none' }
  | { kind: 'joining'; addr: Address; from: Address | null }
  | { kind: 'joined'; addr: Address; role: 'types' | 'watches' };

/** What is kept of a console that was attached: its emulator lives in the runtime. */
export interface Kept {
  cols: number;
  rows: number;
  /** When we left it, server's clock; null while attached. */
  leftAt: number | null;
  /** Why, where it was not our own doing. */
  why: string | null;
  /** Lines scrolled back from the end. */
  scroll: number;
}

/** A large paste on its way, byte counts; `since` is the server's clock. */
export interface Pasting {
  addr: Address;
  total: number;
  sent: number;
  since: number;
}

/** Copy mode: lines count from the oldest kept one, columns from 0. The emulator stands still meanwhile. */
export interface Look {
  addr: Address;
  /** What there is to look at. */
  length: number;
  cols: number;
  /** The cursor, and the first line shown. */
  x: number;
  y: number;
  top: number;
  anchor: { x: number; y: number } | null;
  /** The place that was found, while the cursor is on it. */
  match: { x: number; y: number; width: number } | null;
  /** Being typed; null: not searching. */
  query: string | null;
  last: string;
}

export interface ConsolePane {
  attachment: Attachment;
  kept: ReadonlyMap<Address, Kept>;
  /** Whose screen the pane shows: attached, or the last one left. */
  shown: Address | null;
  /** The console before this one: prefix Tab. */
  previous: Address | null;
  chord: Chord;
  pasting: Pasting | null;
  look: Look | null;
  /** The node whose program was told that it has the focus, if it wanted to know; null: none. */
  focusTold: Address | null;
  /** Consoles at which a paste goes without brackets although the program asks for them. */
  plainPaste: ReadonlySet<Address>;
  /** In the pane's border: blocked keys, who took the keyboard, a gap. */
  notice: Notice | null;
}

export const NO_CONSOLE: ConsolePane = {
  attachment: { kind: 'none' },
  kept: new Map(),
  shown: null,
  previous: null,
  chord: { kind: 'idle' },
  pasting: null,
  look: null,
  focusTold: null,
  plainPaste: new Set(),
  notice: null,
};
