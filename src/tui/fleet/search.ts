/** The search in views of all racks: words of the filter, or the name of a rack. Pure. */
import type { Address } from '../../rack/address.ts';
import { filterProblem, shownNodes } from '../map/filter.ts';
import type { Place } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { typedInto } from '../overlays/overlay.ts';
import { nameOfRack } from './racks.ts';

/** The selection and the search of a view of all racks. */
export interface Search {
  at: Place;
  /** Words that nodes must match; '': all. */
  filter: string;
  /** The selection before the words were typed; null: they are not being typed. */
  typing: Place | null;
}

export const isAt = (one: Place, { rack, addr }: Place): boolean => one.rack === rack && one.addr === addr;

export function rackMatches(state: State, text: string): boolean {
  return nameOfRack(state).toLowerCase().includes(text.toLowerCase());
}

const left = new WeakMap<State, { text: string; addrs: ReadonlySet<Address> }>();

/** Returns the nodes of a rack that the words leave; all where they are part of its name. Cached by state. */
export function foundNodes(state: State, text: string): ReadonlySet<Address> {
  const known = left.get(state);
  if (known?.text === text) return known.addrs;
  const all = text === '' || rackMatches(state, text);
  const addrs = new Set(all ? state.rack.nodes.map(({ addr }) => addr) : shownNodes({ ...state, filter: text }));
  left.set(state, { text, addrs });
  return addrs;
}

/** Returns the reason why no rack can have a node of these words, or null: they are valid for one. */
export function searchProblem(fleet: readonly State[], text: string): string | null {
  const reached = fleet.filter(({ rack }) => rack.nodes.length > 0);
  const problems = reached.map((state) => filterProblem(text, state));
  return problems.includes(null) ? null : (problems[0] ?? null);
}

/** Edits the words of the search; the selection goes to the first node that they leave. Null: the key has no effect. */
export function typedSearch<S extends Search>(
  search: S,
  before: Place,
  name: string,
  found: (filter: string) => readonly Place[],
): S | null {
  if (name === 'escape') return { ...search, typing: null, filter: '', at: before };
  if (name === 'enter') return { ...search, typing: null };
  const filter = typedInto(search.filter, name);
  if (filter === null) return null;
  const [first] = filter === '' ? [before] : found(filter);
  return { ...search, filter, at: first === undefined ? before : { rack: first.rack, addr: first.addr } };
}

/** Returns the place `by` further among those that were found, wrapping around; from elsewhere the first or the last. */
export function nextFound(places: readonly Place[], at: Place, by: 1 | -1): Place {
  const index = places.findIndex((one) => isAt(one, at));
  const next = places[(Math.max(index, by < 0 ? 0 : -1) + by + places.length) % places.length];
  return next === undefined ? at : { rack: next.rack, addr: next.addr };
}
