/** Typing the filter of `/`: the map follows each letter. Pure. */
import { type Address, formatAddress } from '../../rack/address.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { step, type Step, withNotice } from '../model/events.ts';
import type { Overlay } from '../model/overlays.ts';
import { nameOf, type State } from '../model/state.ts';
import { typedInto } from '../overlays/power-rules.ts';
import { filterProblem, shownNodes } from './filter.ts';

export function keyInFilter(state: State, line: Extract<Overlay, { kind: 'filter' }>, name: string): Step {
  const closed: State = { ...state, overlay: null };
  switch (bindingOf(state, 'filter', name)?.command) {
    case 'cancel':
      return step({ ...closed, filter: line.before, cursor: line.cursor });
    case 'accept': {
      const filter = state.filter.trim();
      if (shownNodes(state).length > 0) return step({ ...closed, filter });
      const before: State = { ...closed, filter: line.before, cursor: line.cursor };
      const why = filterProblem(filter, state) ?? `no node matches "${filter}"`;
      return step(withNotice(before, 'warning', `${why}${why.endsWith('?') ? ' The' : '; the'} filter is as it was`));
    }
    default: {
      const filter = typedInto(state.filter, name);
      return step(filter === null ? state : withCursor({ ...state, filter }));
    }
  }
}

/** The cursor goes along while one types: to the node that the last word names best, so that `/` and Enter jump. */
function withCursor(state: State): State {
  const shown = shownNodes(state);
  const word = state.filter.toLowerCase().split(/\s+/).at(-1) ?? '';
  const names = (addr: Address): boolean =>
    formatAddress(addr) === word || nameOf(state, addr).toLowerCase().startsWith(word);
  const best = word === '' ? undefined : shown.find(names);
  return { ...state, cursor: best ?? (shown.includes(state.cursor) ? state.cursor : (shown[0] ?? state.cursor)) };
}
