/**
 * What lies over the screen: panels, lists, dialogs, and what was typed into them so far. Plain data.
 *
 * The emergency panel: which plan, what it would do, whether it is armed, and the run that came of it. Plain data.
 */
import type { BusLogEntry } from '../../api/bus.ts';
import type { ConsoleState } from '../../api/methods.ts';
import type { UpsHistoryAnswer } from '../../api/outage.ts';
import type { PlanPreview, PlanRun, PlanSummary } from '../../api/plans.ts';
import type { Operation, PowerCheck, PowerRequest } from '../../api/power.ts';
import type { Address } from '../../rack/address.ts';
import type { Alarm } from '../../rack/alarms.ts';
import type { PaletteContext } from '../overlays/command-list.ts';
import type { Targets } from '../overlays/targets.ts';
import { shownOperations, type State } from './state.ts';

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

/** Something asked of the server. `at`: when its answer came; `again`: another answer is on its way. */
export type Asked<T> =
  { kind: 'running' } | { kind: 'done'; at: number; answer: T; again: boolean } | { kind: 'failed'; why: string };

export interface EmergencyPanel {
  kind: 'emergency';
  /** An answer for a panel that was closed meanwhile is nobody's. */
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

/** Runs to show on the map: those that go on, and ended ones until they were put away. */
export function shownRuns(state: { runs: readonly PlanRun[]; dismissed: ReadonlySet<string> }): readonly PlanRun[] {
  return state.runs.filter((run) => run.state !== 'ended' || !state.dismissed.has(run.id));
}

/** Operations with a line of their own on the map: those that ask, then those that are no part of a run, newest first. */
export function loneOperations(state: State): readonly Operation[] {
  const ofRuns = new Set(state.runs.flatMap((run) => nodesOfRun(run).map(({ operation }) => operation)));
  const newestFirst = [...shownOperations(state)].reverse();
  const asks = ({ nodes }: Operation): boolean => nodes.some((node) => node.question !== null);
  return [...newestFirst.filter(asks), ...newestFirst.filter((one) => !asks(one) && !ofRuns.has(one.id))];
}

/** The run that a panel opens on: the latest that has not ended, else the latest result not put away. */
export function runToShow(state: { runs: readonly PlanRun[]; dismissed: ReadonlySet<string> }): PlanRun | null {
  const shown = shownRuns(state);
  return shown.findLast((run) => run.state !== 'ended') ?? shown.at(-1) ?? null;
}

export function nodesOfRun(run: PlanRun): PlanRun['steps'][number]['nodes'] {
  return run.steps.flatMap(({ nodes }) => nodes);
}
