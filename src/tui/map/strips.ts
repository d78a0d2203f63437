/** Requests the history that the map's strips show, and gives them their columns, scale and time. Pure. */
import type { HistoryRequest, RackHistory } from '../../api/node.ts';
import type { Address } from '../../rack/address.ts';
import { barHeight, type Glyphs, type Range, rangeOf } from '../canvas/glyphs.ts';
import { GIVEN_UP_MS } from '../detail/detail.ts';
import { chosen, layoutOf } from '../layout/layout.ts';
import type { MapLayout } from '../layout/map-layout.ts';
import { step, type Step } from '../model/events.ts';
import { SCALES, type State, WINDOW_MS, WINDOW_WORDS, WINDOWS } from '../model/state.ts';
import { isSummed, lookOf, viewOf } from './node-look.ts';
import {
  CURRENT,
  FAN,
  stepOf,
  type Strip,
  type Strips,
  stripsFrom,
  stripValues,
  totalValues,
} from '../model/strips.ts';

/** Columns of a value, a blank before it included: ` 105`, ` 0.51A`. */
const COUNTS_WIDTH = 4;
const AMPS_WIDTH = 6;
/** Columns of a line's strip: the rest of a wide cell, at most these. */
const MOST_LINE_STRIP = 24;
/** Least columns of a line with a strip beside the longest usual name. */
const LINE_WITH_STRIP = 35;
const LINE_NAME = 15;
/** Columns where there is a table, or the cells have no strips: those of the header's. */
const HEADER_COLUMNS = 24;
/**
 * Most strip cells that may move in a second. Each cell that changes costs about five bytes, and about a third of
 * them changes in a move: so a map sends less than 2 KB a second for its strips.
 */
const MOVED_A_SECOND = 900;

/** Parts of a cell's width, in columns. */
export interface StripRoom {
  columns: number;
  /** Columns of the value after the strip; of the signs after the value. */
  value: number;
  signs: number;
}

/** Divides a cell's width: the same in all cells, so that strips and values are aligned. */
export function stripRoom(map: MapLayout, rack: State['rack']): StripRoom {
  const value = rack.nodes.some(({ calibration }) => calibration !== null) ? AMPS_WIDTH : COUNTS_WIDTH;
  // The edge before the cell's text, and the blank after it.
  const width = map.cellWidth - 2;
  if (map.kind === 'full') {
    const signs = width >= 24 ? 3 : width >= 17 ? 2 : 1;
    return { columns: Math.max(2, width - value - signs), value, signs };
  }
  const columns = map.kind === 'line' && width >= LINE_WITH_STRIP ? width - LINE_NAME - 12 : 0;
  return { columns: Math.min(columns, MOST_LINE_STRIP), value, signs: columns > 0 ? 2 : 1 };
}

/** Returns the columns of the strips that this rack's own view shows; null: none. */
function columnsShown(state: State): number | null {
  const layout = layoutOf(state);
  if (!state.racks.shown || layout.kind !== 'normal' || (layout.map ?? layout.table) === null) return null;
  return (layout.map === null ? 0 : stripRoom(layout.map, state.rack).columns) || HEADER_COLUMNS;
}

/** Returns the request for what the screen shows; null: no server to ask, or nothing to show. */
function wantedHistory(state: State, listed: boolean): HistoryRequest | null {
  const columns = columnsShown(state) ?? (listed ? HEADER_COLUMNS : null);
  if (state.link.kind === 'lost' || columns === null) return null;
  const windowMs = WINDOW_MS[state.view.window];
  const stepMs = Math.ceil(Math.max(windowMs / columns, state.intervalMs));
  return { stepMs, count: Math.ceil(windowMs / stepMs) };
}

/** Requests the history where the known one has other steps. `listed`: a table of all racks shows this one's nodes. */
export function withHistory({ state, effects }: Step, listed = false): Step {
  const request = wantedHistory(state, listed);
  if (request === null) return { state, effects };
  const { strips } = state;
  const same = strips.stepMs === request.stepMs && strips.count === request.count;
  if (same && (strips.askedAt === null || state.now - strips.askedAt < GIVEN_UP_MS)) return { state, effects };
  // Until the answer is here the samples that arrive are the beginning of a history.
  const asked: Strips = { ...strips, ...request, askedAt: state.now, nodes: same ? strips.nodes : new Map() };
  return { state: { ...state, strips: asked }, effects: [...effects, { do: 'rack-history', request }] };
}

export function historyRead(state: State, answer: RackHistory): Step {
  const { stepMs, count } = state.strips;
  // An answer to a former request.
  if (answer.stepMs !== stepMs || answer.nodes.some(({ points }) => points.length !== count)) return step(state);
  return step({ ...state, strips: stripsFrom(answer, count, state.intervalMs) });
}

/** What all cells of a frame share. */
export interface StripView {
  /** Columns of a strip that are in use now, and those at its right end that are yet to come. */
  columns: number;
  ahead: number;
  /** Number of the last step that is shown. */
  to: number;
  /** Scale of all nodes; null: each node has its own. */
  current: Range | null;
  fan: Range | null;
}

/** Ends of the common scale, in counts: few, so that it seldom changes. */
const ENDS = [0, 16, 24, 32, 48, 64, 96, 128, 192, 256];
/** Least span of the common scale. */
const SHARED_SPAN = 16;
/** Least span of a node's own scale: jitter of a few counts stays flat, a boot does not. */
const OWN_SPAN = 16;

/** Returns what the strips have in common, which is all that {@link stripOf} needs beside a node's own strip. */
export function stripView(state: State, map: MapLayout): StripView {
  const { strips, view } = state;
  const now = stepOf(strips, state.now);
  // The strips move by several columns at once where each move would change many cells.
  const cells = strips.nodes.size * strips.count * (map.currentLines + map.fanLines);
  const moves = Math.max(1, Math.ceil((cells * 1000) / strips.stepMs / MOVED_A_SECOND));
  const ahead = moves - 1 - (now % moves);
  const shared = (of: typeof CURRENT | typeof FAN): Range | null =>
    view.scale === 'node' ? null : sharedRange(strips, of);
  return { columns: strips.count - ahead, ahead, to: now, current: shared(CURRENT), fan: shared(FAN) };
}

const ranges = new WeakMap<Strips, Map<typeof CURRENT | typeof FAN, Range>>();

/** Returns the range of all nodes' values. Cached by strips: several frames show the same samples. */
export function sharedRange(strips: Strips, of: typeof CURRENT | typeof FAN): Range {
  const known = ranges.get(strips) ?? new Map<typeof CURRENT | typeof FAN, Range>();
  ranges.set(strips, known);
  const range = known.get(of) ?? rangeOfAll(strips, of);
  known.set(of, range);
  return range;
}

/** A node without power draws nothing: its zeros are the lowest bar and leave the range to the others. */
function rangeOfAll({ nodes }: Strips, of: typeof CURRENT | typeof FAN): Range {
  let [least, most] = [255, 0];
  for (const { points, open } of nodes.values())
    for (let i = 0; i <= points.length; i++) {
      const value = (i === points.length ? open : points[i])?.[of] ?? 0;
      if (value > most) most = value;
      if (value > 0 && value < least) least = value;
    }
  const high = ENDS.find((end) => most < end) ?? 256;
  const low = ENDS.findLast((end) => end <= least && end <= high - SHARED_SPAN) ?? 0;
  return { low, high };
}

/** A node's values and their scale. */
export function stripOf(
  state: State,
  addr: Address,
  kind: 'current' | 'fan',
  view: StripView,
): { values: readonly (number | null)[]; range: Range } {
  const of = kind === 'current' ? CURRENT : FAN;
  const values = stripValues(state.strips, addr, of, view.to, state.intervalMs);
  return { values, range: view[kind] ?? rangeOf(values, OWN_SPAN) };
}

/**
 * Returns what of a node's last value its strip shows: the height of its bar, which changes more seldom than the value;
 * with a scale of the node's own, all of it.
 */
export function lastShown(
  { open }: Strip,
  kind: 'current' | 'fan',
  view: StripView,
  rows: number,
  g: Glyphs,
): Strip['open'] | number {
  const range = view[kind];
  return open === null || range === null ? open : barHeight(open[kind === 'current' ? CURRENT : FAN], rows, range, g);
}

/** The sum of the nodes whose values the header sums. Its scale is its own, a twelfth of the sum at least. */
export function totalStrip(state: State): { values: (number | null)[]; range: Range } {
  const { strips, now, intervalMs } = state;
  const summed = state.rack.nodes
    .map(({ addr }) => addr)
    .filter((addr) => isSummed(lookOf(state, viewOf(state, addr))));
  const values = totalValues(strips, summed, stepOf(strips, now), intervalMs);
  const most = Math.max(0, ...values.map((value) => value ?? 0));
  return { values, range: rangeOf(values, Math.max(OWN_SPAN, most / 12)) };
}

export function nextWindow(state: State): Step {
  const window = WINDOWS[(WINDOWS.indexOf(state.view.window) + 1) % WINDOWS.length] ?? 'minute';
  return chosen(state, { ...state.view, window }, `map: strips of the last ${WINDOW_WORDS[window]}`);
}

export function nextScale(state: State): Step {
  const scale = SCALES[(SCALES.indexOf(state.view.scale) + 1) % SCALES.length] ?? 'rack';
  const words = scale === 'rack' ? 'one scale for all nodes' : 'one scale per node';
  return chosen(state, { ...state.view, scale }, `map: ${words}`);
}
