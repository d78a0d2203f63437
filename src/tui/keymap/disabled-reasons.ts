/** Why a key cannot be used now, in words for people; null: it can. Pure. */
import type { PlanState } from '../../api/plans.ts';
import { layoutOf } from '../layout/layout.ts';
import { runToShow, shownRuns } from '../model/overlays.ts';
import { shownOperations, type State } from '../model/state.ts';

export const viewOnly = (state: State): string | null =>
  state.access === 'view' ? 'this session may look and change nothing' : null;
export const noLink = (state: State): string | null =>
  state.link.kind === 'lost' ? 'the server is gone: reconnecting' : null;
export const noOperations = (state: State): string | null =>
  shownOperations(state).length === 0 ? 'no operation runs and no result waits' : null;
export const noResults = (state: State): string | null => (shownRuns(state).length === 0 ? noOperations(state) : null);
export const noRun = (state: State): string | null =>
  runToShow(state) === null ? 'no plan runs and no result waits' : null;

/** The run that the panel shows is in one of these states. */
export function runIn(...states: readonly PlanState[]): (state: State) => string | null {
  return ({ overlay, runs }) => {
    const id = overlay?.kind === 'emergency' && overlay.mode.is === 'run' ? overlay.mode.id : null;
    const run = runs.find((one) => one.id === id);
    if (run === undefined) return 'no plan is shown';
    return states.includes(run.state) ? null : `this plan is ${run.state}`;
  };
}

export const busFine = (state: State): string | null =>
  state.bus.state === 'ready' || state.bus.state === 'paused' ? 'the bus answers: nothing to retry' : null;
export const noFilter = (state: State): string | null => (state.filter === '' ? 'nothing is filtered' : null);
export const noMark = (state: State): string | null =>
  state.lastMark === null ? 'no node was marked yet: a range begins there' : null;
export const noCharts = (state: State): string | null => {
  const layout = layoutOf(state);
  return layout.kind === 'normal' && layout.detail !== null ? null : 'no detail is shown: L goes to a layout with it';
};
export const nothingShown = (state: State): string | null =>
  state.pane.shown === null ? 'no console was opened yet: Enter on a node opens one' : null;

export function first(...reasons: readonly ((state: State) => string | null)[]): (state: State) => string | null {
  return (state) => reasons.map((reason) => reason(state)).find((reason) => reason !== null) ?? null;
}
