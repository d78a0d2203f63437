/** Racks beside each other in lists: the name of each before its entries, and the way to a node of another. Pure. */
import type { Address } from '../../rack/address.ts';
import type { Span } from '../canvas/frame.ts';
import { step, type Step } from '../model/events.ts';
import type { Place } from '../model/overlays.ts';
import type { State } from '../model/state.ts';

/** Returns the rack's name in the list of racks. */
export function nameOfRack({ racks, rack }: State): string {
  return racks.names[racks.index] ?? rack.name;
}

/** Returns the rack's name before an entry of a list; empty where there is one rack. */
export function rackSpans(state: State): Span[] {
  return state.racks.names.length === 1 ? [] : [[`${nameOfRack(state)}:`, 'dim']];
}

/** Closes a list and selects a node of a rack, which is then shown; `addr` null: only the rack. */
export function toNodeOf(state: State, of: State, addr: Address | null): Step {
  const { index } = of.racks;
  const node = addr === null ? null : { addr, attach: false };
  if (index !== state.racks.index) return step({ ...state, overlay: null }, { do: 'rack', index, node });
  return step(addr === null ? { ...state, overlay: null } : { ...state, overlay: null, cursor: addr, focus: 'map' });
}

/** Closes a view of all racks and shows the rack of a place, at its node; `attach`: at its console. */
export function toPlace(state: State, { rack: index, addr }: Place, attach: boolean): Step {
  return step({ ...state, overlay: null }, { do: 'rack', index, node: addr === null ? null : { addr, attach } });
}

/** Returns the state without its notice, which is in the line of the selected node. */
export function withoutNotice(state: State): State {
  return state.notice === null ? state : { ...state, notice: null };
}
