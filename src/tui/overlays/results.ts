/** Operations and results: opening their panel, and putting away what was seen. Pure. */
import { shownOperations, type State } from '../model/state.ts';

/** The panel opens on an operation that asks something, else on the latest. */
export function withOperations(state: State): State {
  const shown = shownOperations(state);
  const asking = shown.findIndex(({ nodes }) => nodes.some((node) => node.question !== null));
  const selected = asking >= 0 ? asking : shown.length - 1;
  return { ...state, overlay: { kind: 'operations', selected, scroll: 0, prompt: null } };
}

/** Ended operations and runs are put away; running ones stay. */
export function dismissed(state: State): State {
  const ended = state.operations.filter((operation) => operation.endedAt !== null).map(({ id }) => id);
  const over = state.runs.filter((run) => run.state === 'ended').map(({ id }) => id);
  return { ...state, dismissed: new Set([...state.dismissed, ...ended, ...over]) };
}
