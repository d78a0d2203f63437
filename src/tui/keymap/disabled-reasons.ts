/** Reasons for which a key is disabled now, as text for display; null: it is enabled. Pure. */
import { layoutOf } from '../layout/layout.ts';
import { runToShow, shownOperations, shownRuns } from '../model/results.ts';
import type { State } from '../model/state.ts';
import { keyOf } from './lookup.ts';

export const viewOnly = (state: State): string | null =>
  state.access === 'view' ? 'this is a view-only session' : null;
export const noLink = (state: State): string | null =>
  state.link.kind === 'lost' ? 'no connection to the server: reconnecting' : null;
/** With several racks another one may be connected. */
export const noLinkAnywhere = (state: State): string | null => (state.racks.names.length === 1 ? noLink(state) : null);
export const noOperations = (state: State): string | null =>
  shownOperations(state).length === 0 ? 'no operation is running, and no result is shown' : null;
export const noResults = (state: State): string | null => (shownRuns(state).length === 0 ? noOperations(state) : null);
export const noRun = (state: State): string | null =>
  runToShow(state) === null ? 'no plan is running, and no result is shown' : null;

export const busFine = (state: State): string | null =>
  state.bus.state === 'ready' || state.bus.state === 'paused' ? 'the bus is ready: nothing to retry' : null;
export const noFilter = (state: State): string | null => (state.filter === '' ? 'no filter is set' : null);
export const noMark = (state: State): string | null =>
  state.lastMark === null ? 'no node was marked yet: a range begins at the last mark' : null;
export const noCharts = (state: State): string | null => {
  const layout = layoutOf(state);
  return layout.kind === 'normal' && layout.detail !== null
    ? null
    : `no detail is shown: ${keyOf(state, 'map', 'layout')} selects a layout with it`;
};
export const nothingShown = (state: State): string | null =>
  state.pane.shown === null ? `no console was opened yet: ${keyOf(state, 'map', 'attach')} on a node opens one` : null;

export const noConsoleText = (state: State): string | null =>
  state.access === 'view' ? 'only control sessions see console output' : null;
export const onlyMap = (state: State): string | null => (state.view.main === 'map' ? null : 'only on the map');

export const noEvents = (state: State): string | null => (state.events.length === 0 ? 'there are no events yet' : null);

export const noPolicy = (state: State): string | null =>
  state.outage.policies.length === 0 ? 'no UPS and no outage policy is configured' : null;
export const notDemo = (state: State): string | null =>
  state.settings.demo ? null : "this rack is not simulated: 'rackui demo'";
export const oneRack = (state: State): string | null =>
  state.racks.names.length === 1 ? 'only one rack is configured (racks: lists several)' : null;

export function first(...reasons: readonly ((state: State) => string | null)[]): (state: State) => string | null {
  return (state) => reasons.map((reason) => reason(state)).find((reason) => reason !== null) ?? null;
}
