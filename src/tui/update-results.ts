/** Operations and results: opening their panel, and putting away what was seen. Pure. */
import { shownOperations, type State } from './state.ts';

/** The panel opens on the latest operation. */
export function withOperations(state: State): State {
  const selected = shownOperations(state).length - 1;
  return { ...state, overlay: { kind: 'operations', selected, scroll: 0, prompt: null } };
}

/** Ended operations and runs are put away; running ones stay. */
export function dismissed(state: State): State {
  const ended = state.operations.filter((operation) => operation.endedAt !== null).map(({ id }) => id);
  const over = state.runs.filter((run) => run.state === 'ended').map(({ id }) => id);
  return { ...state, dismissed: new Set([...state.dismissed, ...ended, ...over]) };
}
