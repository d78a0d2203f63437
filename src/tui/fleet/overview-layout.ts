/** Lays out the overview of racks: small maps in columns, the worst rack first, and the way from node to node. Pure. */
import { SLOTS_PER_BLADE } from '../../rack/address.ts';
import { blades } from '../layout/layout.ts';
import { countsOf } from '../map/node-look.ts';
import type { Place } from '../model/overlays.ts';
import { isUnreached, type State, unseenAlarms } from '../model/state.ts';
import { foundNodes, isAt, rackMatches } from './search.ts';

/** A node's sign; `x` and `y`: from the upper left corner of all maps. */
interface Sign extends Place {
  x: number;
  y: number;
}

/** The small map of one rack: a line of words, and the lines of its signs. */
export interface SmallMap {
  rack: number;
  column: number;
  x: number;
  y: number;
  width: number;
  height: number;
  signs: readonly Sign[];
}

/** Columns of the selection's mark before each line, and of the gap after a small map. */
const MARK = 1;
const GAP = 1;
/** Least columns of a small map: six blades of a line, as a rack of 24 nodes has. */
const LEAST = 32;

/** Ranks a rack by its worst problem; 0 is the worst. What is not known is worse than what is good. */
function rankOf(state: State): number {
  if (unseenAlarms(state).length > 0) return 0;
  if (state.link.kind === 'lost') return 1;
  if (state.bus.state !== 'ready' && state.bus.state !== 'paused') return 2;
  const { failed, lost, unknown, old, disabled, halted } = countsOf(state);
  if (failed + lost > 0) return 3;
  return unknown + old + disabled + halted > 0 ? 4 : 5;
}

/** Returns the indexes of the racks, the worst first; equal ones stay in the order of the list. */
function worstFirst(states: readonly State[]): number[] {
  const ranks = states.map(rankOf);
  return states.map((_, index) => index).sort((a, b) => (ranks[a] ?? 0) - (ranks[b] ?? 0) || a - b);
}

/**
 * Places the small maps in as few columns as show all racks in this room; where none do, in as many as fit.
 * Maps of a row share its height, and a blank line stands between rows where there is room for it.
 */
export function layOutRacks(states: readonly State[], room: { width: number; height: number }): SmallMap[] {
  const order = worstFirst(states);
  const most = Math.max(1, Math.floor(room.width / LEAST));
  for (let columns = 1; ; columns++) {
    const tight = place(states, order, Math.floor(room.width / columns), columns, 0);
    if (heightOf(tight) > room.height && columns < most && columns < states.length) continue;
    const loose = place(states, order, Math.floor(room.width / columns), columns, 1);
    return heightOf(loose) <= room.height ? loose : tight;
  }
}

const heightOf = (maps: readonly SmallMap[]): number => Math.max(0, ...maps.map(({ y, height }) => y + height));

function place(
  states: readonly State[],
  order: readonly number[],
  width: number,
  columns: number,
  between: number,
): SmallMap[] {
  const maps: SmallMap[] = [];
  let y = 0;
  for (let from = 0; from < order.length; from += columns) {
    const row = order.slice(from, from + columns).flatMap((rack, column) => {
      const state = states[rack];
      return state === undefined ? [] : [smallMap(state, { rack, column, x: column * width, y, width: width - GAP })];
    });
    maps.push(...row);
    y = heightOf(row) + between;
  }
  return maps;
}

function smallMap(state: State, at: Omit<SmallMap, 'height' | 'signs'>): SmallMap {
  const { rack, x, y, width } = at;
  if (state.rack.nodes.length === 0)
    return { ...at, height: 2, signs: [{ rack, addr: null, x: x + MARK + 1, y: y + 1 }] };
  const known = new Set(state.rack.nodes.map(({ addr }) => addr));
  const perLine = Math.max(1, Math.floor((width - MARK - 1) / (SLOTS_PER_BLADE + 1)));
  const signs: Sign[] = [];
  blades(state).forEach((blade, i) => {
    const left = x + MARK + 1 + (i % perLine) * (SLOTS_PER_BLADE + 1);
    const line = y + 1 + Math.floor(i / perLine);
    // As on the map: slots rise to the left.
    for (let slot = SLOTS_PER_BLADE - 1; slot >= 0; slot--) {
      const addr = blade * SLOTS_PER_BLADE + slot;
      if (known.has(addr)) signs.push({ rack, addr, x: left + SLOTS_PER_BLADE - 1 - slot, y: line });
    }
  });
  return { ...at, height: 1 + Math.ceil(blades(state).length / perLine), signs };
}

/** Returns the sign next to `from` as seen on the screen; at an edge it is the place itself. */
export function neighbourOf(maps: readonly SmallMap[], from: Place, way: 'up' | 'down' | 'left' | 'right'): Place {
  const here = maps.flatMap(({ signs }) => signs).find((sign) => isAt(sign, from));
  const own = maps.find(({ rack }) => rack === from.rack);
  if (here === undefined || own === undefined) return from;
  const side = way === 'left' || way === 'right';
  const ahead = maps
    .filter(({ column }) => side || column === own.column)
    .flatMap(({ signs }) => signs)
    .filter(({ x, y }) => {
      if (side) return y === here.y && (way === 'right' ? x > here.x : x < here.x);
      return way === 'down' ? y > here.y : y < here.y;
    });
  const far = ({ x, y }: Sign): number => Math.abs(y - here.y) * 1000 + Math.abs(x - here.x);
  const [first, ...rest] = ahead;
  const next = first && rest.reduce((best, one) => (far(one) < far(best) ? one : best), first);
  return next === undefined ? from : { rack: next.rack, addr: next.addr };
}

/** Returns the place in the rack `by` maps further, in the order of the screen. */
export function rackFurther(maps: readonly SmallMap[], from: Place, by: 1 | -1): Place {
  const at = maps.findIndex(({ rack }) => rack === from.rack);
  const map = maps[(at + by + maps.length) % maps.length];
  const [first] = map?.signs ?? [];
  return first === undefined ? from : { rack: first.rack, addr: first.addr };
}

/** Returns the places that the words of `text` leave, in the order of the screen; '' leaves all. */
export function foundIn(states: readonly State[], maps: readonly SmallMap[], text: string): Place[] {
  return maps.flatMap(({ rack, signs }): Place[] => {
    const state = states[rack];
    if (state === undefined) return [];
    const found = foundNodes(state, text);
    return signs.filter(({ addr }) => (addr === null ? rackMatches(state, text) : found.has(addr)));
  });
}

/** Returns the reason why nothing, or nothing new, is known of the rack; null: it is connected. */
export function whyLost(state: State): string | null {
  if (state.link.kind !== 'lost') return null;
  return isUnreached(state) ? state.link.why : `${state.link.why}; the values are from before`;
}
