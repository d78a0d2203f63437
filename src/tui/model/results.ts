/** Decides which operations and runs are shown, and dismisses those that have ended. Pure. */
import type { PlanRun } from '../../api/plans.ts';
import type { Operation } from '../../api/power.ts';
import type { State } from './state.ts';

/** Returns the operations to show: running ones, and ended ones until they are dismissed. */
export function shownOperations(state: State): readonly Operation[] {
  return state.operations.filter((operation) => operation.endedAt === null || !state.dismissed.has(operation.id));
}

/** Returns the runs to show on the map: those under way, and ended ones until they are dismissed. */
export function shownRuns(state: { runs: readonly PlanRun[]; dismissed: ReadonlySet<string> }): readonly PlanRun[] {
  return state.runs.filter((run) => run.state !== 'ended' || !state.dismissed.has(run.id));
}

/**
 * Returns the operations with a line of their own on the map: those with a question, then those outside of runs,
 * newest first.
 */
export function loneOperations(state: State): readonly Operation[] {
  const ofRuns = new Set(state.runs.flatMap((run) => nodesOfRun(run).map(({ operation }) => operation)));
  const newestFirst = [...shownOperations(state)].reverse();
  const asks = ({ nodes }: Operation): boolean => nodes.some((node) => node.question !== null);
  return [...newestFirst.filter(asks), ...newestFirst.filter((one) => !asks(one) && !ofRuns.has(one.id))];
}

/** Returns the run on which a panel opens: the latest under way, otherwise the latest result that is not dismissed. */
export function runToShow(state: { runs: readonly PlanRun[]; dismissed: ReadonlySet<string> }): PlanRun | null {
  const shown = shownRuns(state);
  return shown.findLast((run) => run.state !== 'ended') ?? shown.at(-1) ?? null;
}

export function nodesOfRun(run: PlanRun): PlanRun['steps'][number]['nodes'] {
  return run.steps.flatMap(({ nodes }) => nodes);
}

/** Dismisses ended operations and runs; running ones stay. */
export function dismissed(state: State): State {
  const ended = state.operations.filter((operation) => operation.endedAt !== null).map(({ id }) => id);
  const over = state.runs.filter((run) => run.state === 'ended').map(({ id }) => id);
  return { ...state, dismissed: new Set([...state.dismissed, ...ended, ...over]) };
}
