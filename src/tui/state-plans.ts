/** The emergency panel: which plan, what it would do, whether it is armed, and the run that came of it. Plain data. */
import type { PlanPreview, PlanRun, PlanSummary } from '../api/plan.ts';
import type { Operation } from '../api/power.ts';
import type { Address } from '../rack/address.ts';
import { shownOperations, type State } from './state.ts';
import type { Field, Shown } from './state-overlay.ts';

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
