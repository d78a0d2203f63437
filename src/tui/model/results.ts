/** Which operations and runs are shown, and putting away those that have ended. Pure. */
import type { PlanRun } from '../../api/plans.ts';
import type { Operation } from '../../api/power.ts';
import type { State } from './state.ts';

/** Operations to show: running ones, and ended ones until they were put away. */
export function shownOperations(state: State): readonly Operation[] {
  return state.operations.filter((operation) => operation.endedAt === null || !state.dismissed.has(operation.id));
}

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

/** Ended operations and runs are put away; running ones stay. */
export function dismissed(state: State): State {
  const ended = state.operations.filter((operation) => operation.endedAt !== null).map(({ id }) => id);
  const over = state.runs.filter((run) => run.state === 'ended').map(({ id }) => id);
  return { ...state, dismissed: new Set([...state.dismissed, ...ended, ...over]) };
}
