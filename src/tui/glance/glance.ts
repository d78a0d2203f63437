/** Consoles at a glance: keys, moving, tiles, and the requests for their last lines. Pure. */
import type { Address } from '../../rack/address.ts';
import type { Rect } from '../canvas/frame.ts';
import { GIVEN_UP_MS } from '../detail/detail.ts';
import type { Binding } from '../keymap/lookup.ts';
import { layoutOf } from '../layout/layout.ts';
import { shownNodes } from '../map/filter.ts';
import { step, type Step, type UiEvent } from '../model/events.ts';
import type { Command, KeySection } from '../model/keys.ts';
import type { State } from '../model/state.ts';
import { tableGlances } from '../table/table-view.ts';

/** Performs a command of the consoles at a glance; null: it is the same as on the map. */
export function onGlanceCommand(state: State, command: Command): Step | null {
  const tiles = tilesOf(state);
  if (tiles === null) return null;
  const by = distanceOf(command, tiles);
  if (by === null) return null;
  const { nodes } = tiles;
  const at = nodes.indexOf(state.cursor);
  const to = at < 0 ? 0 : Math.max(0, Math.min(nodes.length - 1, at + by));
  // Above the first and below the last line of tiles there is nothing to go to.
  const stays = (command === 'up' || command === 'down') && at >= 0 && to !== at + by;
  return step({ ...state, cursor: stays ? state.cursor : (nodes[to] ?? state.cursor) });
}

/** Returns the number of tiles by which a command moves; null: it does not move. */
function distanceOf(command: Command, { columns, count }: Tiles): number | null {
  switch (command) {
    case 'left':
    case 'previous-match':
      return -1;
    case 'right':
    case 'next-match':
      return 1;
    case 'up':
      return -columns;
    case 'down':
      return columns;
    case 'scroll-up':
      return -count;
    case 'scroll-down':
      return count;
    case 'first':
      return -Infinity;
    case 'last':
      return Infinity;
    default:
      return null;
  }
}

export const GLANCE_SECTIONS: readonly KeySection[] = [
  {
    context: 'glance',
    base: 'map',
    title: 'Consoles at a glance: keys of the map, and these',
    where: 'in the consoles at a glance',
    reserved: [[/^[0-7]$/, 'begins the address of a node']],
  },
];

export const GLANCE_BINDINGS: readonly Binding[] = [
  { context: 'glance', keys: ['up', 'k'], command: 'up', hint: null, help: 'console above' },
  { context: 'glance', keys: ['down', 'j'], command: 'down', hint: null, help: 'console below' },
  { context: 'glance', keys: ['left', 'h'], command: 'left', hint: null, help: 'console to the left' },
  { context: 'glance', keys: ['right', 'l'], command: 'right', hint: null, help: 'console to the right' },
  { context: 'glance', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'a page up' },
  { context: 'glance', keys: ['pagedown'], command: 'scroll-down', hint: null, help: 'a page down' },
  { context: 'glance', keys: ['home'], command: 'first', hint: null, help: 'first console' },
  { context: 'glance', keys: ['end'], command: 'last', hint: null, help: 'last console' },
  { context: 'glance', keys: ['g'], command: 'show-map', hint: 'map', help: 'back to the map' },
];

interface Tiles {
  area: Rect;
  nodes: readonly Address[];
  /** The first visible node and the number of visible ones. */
  from: number;
  count: number;
  columns: number;
  /** Of a tile, its title line and the blank column after it included. */
  width: number;
  height: number;
}

/** Least tile in which all nodes are shown at once, and the one of a rack that scrolls. */
const LEAST = { width: 24, height: 2 };
const SCROLLED = { width: 29, height: 3 };
/** Largest tile: a screen of 80 by 24 with its title. */
const MOST = { width: 81, height: 25 };

/** Returns the nodes of the tiles: the marked ones, or those that the filter shows. */
function glanceNodes(state: State): readonly Address[] {
  const shown = shownNodes(state);
  const marked = shown.filter((addr) => state.marks.has(addr));
  return marked.length > 0 ? marked : shown;
}

/** Returns the tiles; null where they are not on the screen. */
export function tilesOf(state: State): Tiles | null {
  const layout = layoutOf(state);
  if (layout.kind !== 'normal' || layout.glance === null) return null;
  const area = layout.glance;
  const nodes = glanceNodes(state);
  const columns = columnsFor(nodes.length, area) ?? Math.max(1, Math.floor(area.width / SCROLLED.width));
  const rows = Math.max(1, Math.ceil(nodes.length / columns));
  const fits = Math.floor(area.height / rows) >= LEAST.height;
  const height = fits ? Math.min(MOST.height, Math.floor(area.height / rows)) : Math.min(SCROLLED.height, area.height);
  const visible = fits ? rows : Math.floor(area.height / height);
  const at = Math.floor(Math.max(0, nodes.indexOf(state.cursor)) / columns);
  const from = Math.max(0, Math.min(at - Math.floor(visible / 2), rows - visible)) * columns;
  const width = Math.min(MOST.width, Math.floor(area.width / columns));
  return { area, nodes, from, count: Math.min(visible * columns, nodes.length - from), columns, width, height };
}

/**
 * Returns the number of columns with which all nodes fit and most of their text is shown; null: they do not fit. A
 * column of text is worth more than a line: cut lines cannot be read.
 */
function columnsFor(count: number, { width, height }: Rect): number | null {
  let best: { columns: number; worth: number } | null = null;
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const tile = { width: Math.floor(width / columns), height: Math.floor(height / Math.ceil(count / columns)) };
    if (tile.width < LEAST.width || tile.height < LEAST.height) continue;
    const worth = Math.min(MOST.width - 1, tile.width - 1) ** 1.5 * Math.min(MOST.height - 1, tile.height - 1);
    if (best === null || worth > best.worth) best = { columns, worth };
  }
  return best?.columns ?? null;
}

/** Returns the place of the visible tile with this index among the nodes. */
export function tileAt({ area, columns, width, height, from }: Tiles, index: number): Rect {
  const at = index - from;
  const wide = { x: area.x + (at % columns) * width, y: area.y + Math.floor(at / columns) * height };
  return { ...wide, width: width - 1, height };
}

type GlanceEvent = Extract<UiEvent, { type: 'glances' | 'glances-failed' }>;

/** Longest age of the shown lines, ms: of the open console, of one that was open when they were read, of others. */
const REFRESH_MS = { open: 1000, others: 15_000 };
/** Most nodes of one request: the server answers it in some ten milliseconds. */
const AT_ONCE = 32;

/** Nodes and lines that the screen shows; no nodes: none. */
interface Wanted {
  addrs: readonly Address[];
  rows: number;
}

function wantedGlances(state: State): Wanted {
  if (!state.racks.shown) return { addrs: [], rows: 1 };
  return state.view.main === 'glance' ? glanceTiles(state) : tableGlances(state);
}

function glanceTiles(state: State): Wanted {
  const tiles = tilesOf(state);
  return tiles === null
    ? { addrs: [], rows: 1 }
    : { addrs: tiles.nodes.slice(tiles.from, tiles.from + tiles.count), rows: tiles.height - 1 };
}

/** Requests the lines that the rack's own view shows. */
export function withGlances(before: Step): Step {
  return requestLines(before, wantedGlances(before.state));
}

/** Requests those of the lines that are missing or old, one request at a time. */
export function requestLines({ state, effects }: Step, { addrs, rows: wanted }: Wanted): Step {
  const { asked } = state.glances;
  if (state.link.kind === 'lost' || state.access === 'view') return { state, effects };
  if (asked !== null && state.now - asked.at < GIVEN_UP_MS) return { state, effects };
  const rows = Math.max(1, wanted);
  const missing = addrs.filter((addr) => addr !== state.bus.master && isOld(state, addr, rows)).slice(0, AT_ONCE);
  if (missing.length === 0) return { state, effects };
  const next: State = { ...state, glances: { ...state.glances, asked: { at: state.now }, failed: null } };
  return { state: next, effects: [...effects, { do: 'glances', addrs: missing, rows }] };
}

function isOld({ glances, console, pane, now }: State, addr: Address, rows: number): boolean {
  const known = glances.nodes.get(addr);
  if (known === undefined || known.rows < rows) return true;
  const isOpen = console?.addr === addr;
  if (known.seen?.from === 'open' && !isOpen) return true;
  // It was open here meanwhile.
  if ((pane.kept.get(addr)?.leftAt ?? 0) > known.readAt) return true;
  return now - known.readAt >= (isOpen ? REFRESH_MS.open : REFRESH_MS.others);
}

export function glanceEvent(state: State, event: GlanceEvent): Step {
  const { glances } = state;
  // Retried after the time in which an answer would have come.
  if (event.type === 'glances-failed') return step({ ...state, glances: { ...glances, failed: event.error.message } });
  const nodes = new Map(glances.nodes);
  for (const { addr, seen } of event.answer.nodes)
    nodes.set(addr, { seen, readAt: event.answer.now, rows: event.rows });
  return step({ ...state, glances: { nodes, asked: null, failed: null } });
}
