/** What lies over the screen: panels, lists, dialogs, and what was typed into them so far. Plain data. */
import type { BusLogEntry } from '../api/bus.ts';
import type { UpsHistoryAnswer } from '../api/outage.ts';
import type { PowerCheck, PowerRequest } from '../api/power.ts';
import type { ConsoleState } from '../api/protocol.ts';
import type { Address } from '../rack/address.ts';
import type { Alarm } from '../rack/alarm-book.ts';
import type { PaletteContext } from './command-list.ts';
import type { EmergencyPanel } from './state-plans.ts';
import type { Targets } from './targets.ts';

/** Nothing may confirm a dialog that the operator has not seen for a moment. */
export type Shown = { kind: 'pending' } | { kind: 'painted'; at: number };

/** Typed into a dialog's field so far, and where the focus is. */
export interface Field {
  text: string;
  focus: 'cancel' | 'field';
}

export interface PowerDialog {
  kind: 'power';
  id: number;
  request: PowerRequest;
  check:
    | { kind: 'running' }
    /** `again`: an answer to replace this one is on its way. */
    | { kind: 'done'; at: number; answer: PowerCheck; again: boolean }
    /** The check itself failed: the reason in words. */
    | { kind: 'failed'; why: string };
  field: Field;
  shown: Shown;
  /** Said after something was discarded or did not match. */
  remark: string | null;
  /** The request is on its way: nothing more may be typed. */
  sent: boolean;
}

export type Overlay =
  /** All racks at a glance; which of them is chosen. */
  | { kind: 'racks'; index: number }
  | { kind: 'help'; scroll: number; from: 'map' | 'console' }
  /** Every command and every node, by a few letters; `from`: where it was opened. */
  | { kind: 'palette'; text: string; index: number; from: PaletteContext }
  /** The filter is being typed; what it was before, and where the cursor stood. */
  | { kind: 'filter'; before: string; cursor: Address }
  /** The list of consoles: what was typed, and which of those that are left is chosen. */
  | { kind: 'consoles'; text: string; index: number }
  | { kind: 'people'; index: number }
  /** A note into the console's log, being typed. */
  | { kind: 'note'; text: string }
  | { kind: 'menu'; targets: Targets; index: number }
  | PowerDialog
  /** Another operator has the console open on another node. */
  | { kind: 'takeover'; id: number; addr: Address; console: ConsoleState; shown: Shown }
  /** More than a kilobyte pasted. */
  | { kind: 'paste'; id: number; addr: Address; bytes: Uint8Array; removed: number; shown: Shown }
  | EmergencyPanel
  /** `scroll`: lines below the selected operation's first. */
  | { kind: 'operations'; selected: number; scroll: number; prompt: OperationPrompt | null }
  /** Ids of the selection survive new alarms coming in. `past`: those that are over and were seen, instead; null: not asked for. */
  | { kind: 'alarms'; selected: number | null; past: readonly Alarm[] | null }
  /**
   * UPSes and outages. `index`: of all UPSes, in the order of the policies; `history`: the latest answer; `asked`: when the
   * question on its way was asked; `scroll`: lines below the first of the text.
   */
  | {
      kind: 'supply';
      id: number;
      index: number;
      history: UpsHistoryAnswer | null;
      asked: number | null;
      failed: string | null;
      scroll: number;
    }
  /** Exchanges, oldest first. `back`: entries between the last one shown and the latest; 0 follows. */
  | { kind: 'bus'; id: number; entries: readonly BusLogEntry[]; back: number; hand: ByHand };

/** Bytes by hand for one BIOS; `target` null: the master's. `shown` and what is typed end with each step. */
export type ByHand =
  /** `said`: what came back for the last ones, or why they were refused; null: none yet. */
  | { is: 'idle'; said: { ok: boolean; text: string } | null }
  | { is: 'typing'; target: Address | null; text: string }
  /** It can switch, connect or close, says `why`: the target's name must be typed. */
  | { is: 'confirming'; target: Address | null; text: string; why: string; field: string; shown: Shown }
  | { is: 'sent'; target: Address | null; text: string };

/** Inside the operations panel: an abort to confirm, or a dangerous answer whose text must be typed. */
export type OperationPrompt =
  | { kind: 'abort'; id: string; shown: Shown }
  | {
      kind: 'answer';
      id: string;
      addr: Address;
      /** The id of the question that was read. */
      question: string;
      choice: string;
      confirm: string;
      field: Field;
      shown: Shown;
    };
