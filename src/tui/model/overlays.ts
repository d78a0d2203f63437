/** What lies over the screen: panels, lists, dialogs, and what was typed into them so far. Plain data. */
import type { BusLogEntry } from '../../api/bus.ts';
import type { UpsHistoryAnswer } from '../../api/outage.ts';
import type { PlanPreview, PlanSummary } from '../../api/plans.ts';
import type { PowerCheck, PowerRequest } from '../../api/power.ts';
import type { Address } from '../../rack/address.ts';

/** Nothing may confirm a dialog that the operator has not seen for a moment. */
export type Shown = { kind: 'pending' } | { kind: 'painted'; at: number };

/** Nodes that a verb would act on. `label` is part of what must be typed. */
export interface Targets {
  nodes: readonly Address[];
  label: string;
}

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

/** UPSes and outages. */
export interface SupplyPane {
  kind: 'supply';
  id: number;
  /** Of all UPSes, in the order of the policies. */
  index: number;
  /** The latest answer. */
  history: UpsHistoryAnswer | null;
  /** When the request under way was made, server's clock. */
  asked: number | null;
  failed: string | null;
  /** Lines below the first of the text. */
  scroll: number;
}

export interface OperationsPanel {
  kind: 'operations';
  selected: number;
  /** Lines below the selected operation's first. */
  scroll: number;
  prompt: OperationPrompt | null;
}

/** Exchanges on the bus as they pass. */
export interface BusPane {
  kind: 'bus';
  id: number;
  /** Oldest first. */
  entries: readonly BusLogEntry[];
  /** Entries between the last one shown and the latest; 0 follows. */
  back: number;
  hand: ByHand;
}

/**
 * The state of each kind of overlay. Here stand those that several files share; every other overlay declares its own in
 * its own file, by merging into this interface.
 */
export interface OverlayStates {
  power: PowerDialog;
  operations: OperationsPanel;
  bus: BusPane;
  supply: SupplyPane;
  emergency: EmergencyPanel;
}

export type Overlay = OverlayStates[keyof OverlayStates];

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

/** Something asked of the server. `at`: when its answer came; `again`: another answer is on its way. */
export type Asked<T> =
  { kind: 'running' } | { kind: 'done'; at: number; answer: T; again: boolean } | { kind: 'failed'; why: string };

export interface EmergencyPanel {
  kind: 'emergency';
  /** Tells an answer for this panel from one for a panel that was closed meanwhile. */
  id: number;
  plans: Asked<readonly PlanSummary[]>;
  /** The chosen plan by name, and what it would do now. */
  chosen: string | null;
  preview: Asked<PlanPreview>;
  mode: PanelMode;
  /** Lines scrolled down in what the plan would do, or in the run. */
  scroll: number;
  /** Said after something was left out or did not match. */
  remark: string | null;
}

export type PanelMode =
  | { is: 'choose' }
  /** One key has armed it; only typed words start it. `since`: the last key, for it does not stay armed unattended. */
  | { is: 'armed'; field: Field; shown: Shown; since: number; sent: boolean }
  /** A run, by its id; `node` is the one that `s` would leave out. */
  | { is: 'run'; id: string; node: Address | null; prompt: RunPrompt | null };

/** Asked before something that cannot be taken back; the answer is another key than the one that asked. */
export type RunPrompt = { act: 'abort' | 'resume'; shown: Shown } | { act: 'skip'; addr: Address; shown: Shown };
