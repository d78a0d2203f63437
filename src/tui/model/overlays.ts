/** Overlays (panels, lists, dialogs) with the text typed into them so far. Plain data. */
import type { BusLogEntry } from '../../api/bus.ts';
import type { UpsHistoryAnswer } from '../../api/outage.ts';
import type { PlanPreview, PlanSummary } from '../../api/plans.ts';
import type { PowerCheck, PowerRequest } from '../../api/power.ts';
import type { Address } from '../../rack/address.ts';

/** State of a dialog on the terminal: nothing may confirm it before the operator has seen it for a moment. */
export type Shown = { kind: 'pending' } | { kind: 'painted'; at: number };

/** Nodes of a verb. `label` is part of the words to type. */
export interface Targets {
  nodes: readonly Address[];
  label: string;
}

/** Text typed into a dialog's field so far, and the focus. */
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
  /** Shown after typed text was discarded or did not match. */
  remark: string | null;
  /** The request is on its way: no more typing. */
  sent: boolean;
}

/** UPSes and outages. */
export interface SupplyPane {
  kind: 'supply';
  id: number;
  /** Among all UPSes, in the order of the policies. */
  index: number;
  /** The latest answer. */
  history: UpsHistoryAnswer | null;
  /** Time of the request under way, server's clock; null: none. */
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

/** The program of an own command that runs, or ran last. */
export interface OwnProgram {
  id: number;
  name: string;
  argv: readonly string[];
  /** The latest lines that it printed, without control characters. */
  lines: readonly string[];
  /** Server's clock. */
  startedAt: number;
  /** Null while it runs; '' when it succeeded, else the reason. */
  why: string | null;
}

/** A line sent to consoles, one after another; the row of each node. */
export interface LineRun {
  id: number;
  line: string;
  rows: readonly LineRow[];
  /** The operator has seen how it ended. */
  seen: boolean;
}

/**
 * `cut`: it began, and its end is not known; `refused`: by a rule; `failed`: no shell was reached; `left-out`: aborted
 * before its turn.
 */
export interface LineRow {
  addr: Address;
  is: 'waiting' | 'running' | 'done' | 'cut' | 'refused' | 'failed' | 'left-out';
  /** Exit code; null: none. */
  code: number | null;
  /** Reason why there is no exit code, or why the output may not be whole; '' else. */
  why: string;
  /** Output, without control characters. */
  lines: readonly string[];
}

/** A line for consoles: typed, sent, answered. */
export interface RunOverlay {
  kind: 'run';
  /** The line is being typed; the answers of `lineRun` are shown; or one of them with its whole output. */
  shows: 'line' | 'table' | 'output';
  text: string;
  nodes: readonly Address[];
  /** The selected node's row. */
  index: number;
  /** Lines below the first of the output. */
  scroll: number;
  /** The question whether to abort the rest; null: not asked. */
  aborts: Shown | null;
}

/** Exchanges on the bus as they pass. */
export interface BusPane {
  kind: 'bus';
  id: number;
  /** Oldest first. */
  entries: readonly BusLogEntry[];
  /** Entries between the last one shown and the latest; 0 follows. */
  back: number;
  rawCommand: RawCommandState;
}

/** A node of one of several racks; `addr` null: the sign of a rack of which no node is known. */
export interface Place {
  /** Index in the order of the tabs. */
  rack: number;
  addr: Address | null;
}

/** All nodes of all racks. */
export interface RackOverview {
  kind: 'racks';
  at: Place;
  /** Words that nodes must match to stand out; '': all. */
  filter: string;
  /** The selection before the words were typed; null: they are not being typed. */
  typing: Place | null;
}

/**
 * The state of each kind of overlay. Those that several files share are here; every other overlay declares its
 * own in its own file, by merging into this interface.
 */
export interface OverlayStates {
  racks: RackOverview;
  power: PowerDialog;
  operations: OperationsPanel;
  bus: BusPane;
  supply: SupplyPane;
  emergency: EmergencyPanel;
  run: RunOverlay;
}

export type Overlay = OverlayStates[keyof OverlayStates];

/** A raw command for one BIOS; `target` null: the master's. `shown` and the typed text end with each step. */
export type RawCommandState =
  /** `reply`: to the last bytes, or the reason why they were refused; null: none yet. */
  | { is: 'idle'; reply: { ok: boolean; text: string } | null }
  | { is: 'typing'; target: Address | null; text: string }
  /** The command can switch, connect or close, for the reason `why`: the target's name must be typed. */
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

/** A request to the server. `at`: time of its answer; `again`: another answer is on its way. */
export type Asked<T> =
  | { kind: 'running' }
  | { kind: 'done'; at: number; answer: T; again: boolean }
  | { kind: 'failed'; why: string };

export interface EmergencyPanel {
  kind: 'emergency';
  /** Distinguishes an answer for this panel from one for a panel that was closed meanwhile. */
  id: number;
  plans: Asked<readonly PlanSummary[]>;
  /** Name of the chosen plan; null: none. `preview`: what it would do now. */
  chosen: string | null;
  preview: Asked<PlanPreview>;
  mode: PanelMode;
  /** Lines scrolled down in the preview, or in the run. */
  scroll: number;
  /** Shown after a node was skipped or typed text did not match. */
  remark: string | null;
}

export type PanelMode =
  | { is: 'choose' }
  /**
   * Armed by one key; only typed words start it. `since`: time of the last key, because it does not stay armed
   * unattended.
   */
  | { is: 'armed'; field: Field; shown: Shown; since: number; sent: boolean }
  /** A run, by its id; `node` is the one that `s` would skip. */
  | { is: 'run'; id: string; node: Address | null; prompt: RunPrompt | null };

/** A question before an action that cannot be undone; its answer is another key than the one that asked. */
export type RunPrompt = { act: 'abort' | 'resume'; shown: Shown } | { act: 'skip'; addr: Address; shown: Shown };
