/** Marks of several racks: each rack keeps its own; views of all racks set them anywhere and go from one to the next. Pure. */
import { type Address, rowOf } from '../../rack/address.ts';
import { first, noLink, viewOnly } from '../keymap/disabled-reasons.ts';
import { keyOf } from '../keymap/lookup.ts';
import { type Effect, step, type Step, withNotice } from '../model/events.ts';
import type { Command } from '../model/keys.ts';
import type { Place } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { nameOfRack } from './racks.ts';

/** The selected node, and the nodes that the search leaves. */
interface Choice {
  at: Place;
  found: () => readonly Place[];
}

/** Performs a command that marks, or that acts on marked nodes; null: it is none of these. */
export function onMarkCommand(
  state: State,
  { at, found }: Choice,
  command: Command,
  fleet: readonly State[],
): Step | null {
  const ofRack = (): Place[] => found().filter(({ rack }) => rack === at.rack);
  switch (command) {
    case 'mark':
      return toggled(state, [at], at, fleet);
    case 'mark-blade':
      return toggled(
        state,
        ofRack().filter(({ addr }) => addr !== null && at.addr !== null && rowOf(addr) === rowOf(at.addr)),
        at,
        fleet,
      );
    case 'mark-all':
      return toggled(state, found(), at, fleet);
    case 'mark-range': {
      const from = fleet[at.rack]?.lastMark ?? at.addr;
      if (from === null || at.addr === null) return step(state);
      const [low, high] = [Math.min(from, at.addr), Math.max(from, at.addr)];
      const range = ofRack().filter(({ addr }) => addr !== null && addr >= low && addr <= high);
      return marked(state, range, at, fleet, true);
    }
    case 'unmark-all':
      return marked(state, markedPlaces(fleet), at, fleet, false);
    case 'power':
      return openPower(state, at, fleet);
    default:
      return null;
  }
}

/** Marks all of these nodes; where all were marked, unmarks them. */
function toggled(state: State, places: readonly Place[], at: Place, fleet: readonly State[]): Step {
  const all = places.every(({ rack, addr }) => addr === null || fleet[rack]?.marks.has(addr) === true);
  return marked(state, places, at, fleet, !all);
}

/** Marks or unmarks nodes, each at its own rack. A range begins at the selected node afterwards. */
function marked(state: State, places: readonly Place[], at: Place, fleet: readonly State[], on: boolean): Step {
  let after = state;
  const effects: Effect[] = [];
  for (const { racks, marks: before } of fleet) {
    const { index } = racks;
    const addrs = places.flatMap(({ rack, addr }) => (rack === index && addr !== null ? [addr] : []));
    if (addrs.length === 0) continue;
    const marks = new Set(on ? [...before, ...addrs] : [...before].filter((addr) => !addrs.includes(addr)));
    const lastMark = on && index === at.rack ? at.addr : null;
    if (index === state.racks.index) after = { ...after, marks, lastMark };
    else effects.push({ do: 'forward', index, event: { type: 'marks', marks, lastMark } });
  }
  return step(after, ...effects);
}

/** Returns all marked nodes, in the order of the tabs and of the addresses. */
function markedPlaces(fleet: readonly State[]): Place[] {
  return fleet.flatMap(({ marks, racks }) => sorted(marks).map((addr) => ({ rack: racks.index, addr })));
}

const sorted = (marks: ReadonlySet<Address>): Address[] => [...marks].sort((a, b) => a - b);

/** Returns the marked node after (1) or before (-1) a place, wrapping around; null: none is marked. */
export function nextMarked(fleet: readonly State[], from: Place, by: 1 | -1): Place | null {
  return neighbour(markedPlaces(fleet), from, by);
}

/** Returns the next marked node whose console can be opened: not a master, and not of a rack without connection. */
export function nextMarkedConsole(fleet: readonly State[], from: Place, by: 1 | -1): Place | null {
  const open = markedPlaces(fleet).filter(({ rack, addr }) => {
    const of = fleet[rack];
    return of !== undefined && of.bus.master !== addr && noLink(of) === null;
  });
  return neighbour(open, from, by);
}

function neighbour(places: readonly Place[], from: Place, by: 1 | -1): Place | null {
  const order = (place: Place): number => (place.rack - from.rack) * 1000 + ((place.addr ?? -1) - (from.addr ?? -1));
  return by > 0
    ? (places.find((place) => order(place) > 0) ?? places[0] ?? null)
    : (places.findLast((place) => order(place) < 0) ?? places.at(-1) ?? null);
}

/** `north 3, south 2`: the number of marked nodes of each rack that has some; '' where there are none. */
export function markWords(fleet: readonly State[]): string {
  return fleet
    .filter(({ marks }) => marks.size > 0)
    .map((of) => `${nameOfRack(of)} ${of.marks.size}`)
    .join(', ');
}

/**
 * Shows the power menu at the rack of the marked nodes, or of the selected one. Marked nodes of several racks are
 * refused: guards, dialog and confirmation are those of one rack.
 */
function openPower(state: State, at: Place, fleet: readonly State[]): Step {
  const racks = fleet.filter(({ marks }) => marks.size > 0);
  const [enter, power] = [keyOf(state, 'racks', 'accept'), keyOf(state, 'map', 'power')];
  if (racks.length > 1)
    return step(
      withNotice(
        state,
        'warning',
        `power: nodes of several racks are marked: ${markWords(fleet)}. A dialog acts on one rack: ${enter} shows a rack, ${power} acts on its marked nodes there`,
      ),
    );
  const of = racks[0] ?? fleet[at.rack];
  if (of === undefined) return step(state);
  const { index } = of.racks;
  const why = first(noLink, viewOnly)(of);
  if (why !== null) return step(withNotice(state, 'info', `power: ${nameOfRack(of)}: ${why}`));
  const [lowest] = sorted(of.marks);
  const addr = index === at.rack && at.addr !== null ? at.addr : lowest;
  if (addr === undefined) return step(state);
  return step({ ...state, overlay: null }, { do: 'rack', index, node: { addr, attach: false, power: true } });
}
