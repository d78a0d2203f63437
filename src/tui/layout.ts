/** Where everything stands for a terminal of this size and this state. Pure: rectangles only. */
import { rowOf, SLOTS_PER_BLADE } from '../rack/address.ts';
import type { Rect } from './frame.ts';
import type { State } from './state.ts';
import { loneOperations, shownRuns } from './state-plans.ts';

/** The smallest terminal in which a node can be told from its neighbour and a dialog can be read. */
export const MIN_COLS = 60;
export const MIN_ROWS = 16;

/** A console is made for this: 80 columns and the pane's edge. */
const CONSOLE_COLS = 81;
/** From here map and console stand side by side (PRODUCT section 3). */
const BESIDE_COLS = 132;
const DETAIL_COLS = 200;
const CELL_COLS = { min: 12, max: 30 };

export interface MapLayout {
  area: Rect;
  cellWidth: number;
  /** 1 to 4 lines of a node, and perhaps an empty one between blades. */
  cellHeight: number;
  lines: number;
  /** Blades (rows of the rack) from top to bottom, and the first one visible. */
  blades: readonly number[];
  firstBlade: number;
  visibleBlades: number;
}

export interface Layout {
  header: Rect;
  map: MapLayout | null;
  /** The selected node in one line. */
  selected: Rect | null;
  events: Rect | null;
  /** Running operations and results; null where there are none. */
  operations: Rect | null;
  /** The pane with its title line. */
  console: Rect | null;
  detail: Rect | null;
  notice: Rect;
  footer: Rect;
}

export type ScreenLayout = ({ kind: 'normal' } & Layout) | { kind: 'too-small' };

/** Cells that the pane has for a node's screen. */
export function paneRoom(state: State): { cols: number; rows: number } {
  const layout = layoutOf(state);
  const pane = layout.kind === 'normal' ? layout.console : null;
  if (pane === null) return { cols: 80, rows: 24 };
  return { cols: pane.width - (pane.x > 0 ? 1 : 0), rows: pane.height - 1 };
}

/** True when the console has (most of) the screen to itself. */
export function consoleFills({ size, focus, zoom }: State): boolean {
  return zoom || (focus === 'console' && size.cols < BESIDE_COLS);
}

export function layoutOf(state: State): ScreenLayout {
  const { cols, rows } = state.size;
  if (cols < MIN_COLS || rows < MIN_ROWS) return { kind: 'too-small' };
  const line = (y: number): Rect => ({ x: 0, y, width: cols, height: 1 });
  const frame = { header: line(0), notice: line(rows - 2), footer: line(rows - 1) };
  const body = rows - 3;
  if (consoleFills(state)) {
    return {
      kind: 'normal',
      ...frame,
      map: null,
      selected: null,
      events: null,
      operations: null,
      detail: null,
      // A line of chrome less: the notice takes the pane's place only when there is something to say.
      console: { x: 0, y: 1, width: cols, height: rows - 2 },
    };
  }
  const beside = cols >= BESIDE_COLS;
  const left = beside ? cols - CONSOLE_COLS - (cols >= DETAIL_COLS ? detailWidth(cols) : 0) : cols;
  const operations = operationLines(state, body);
  const bladeList = blades(state);
  // Beside a console the map keeps its events under it; alone it spreads, and the events take what is left.
  const eventsWanted = body >= 30 ? 6 : 2;
  const mapRoom = body - 1 - operations - eventsWanted;
  const map = mapLayout(state, bladeList, { x: 0, y: 1, width: left, height: mapRoom });
  const mapEnd = 1 + map.visibleBlades * map.cellHeight;
  const eventsFrom = mapEnd + 1;
  const eventsTo = rows - 2 - operations;
  return {
    kind: 'normal',
    ...frame,
    map,
    selected: { x: 0, y: mapEnd, width: left, height: 1 },
    events: eventsTo > eventsFrom ? { x: 0, y: eventsFrom, width: left, height: eventsTo - eventsFrom } : null,
    operations: operations > 0 ? { x: 0, y: eventsTo, width: left, height: operations } : null,
    console: beside ? { x: left, y: 1, width: CONSOLE_COLS, height: body } : null,
    detail:
      beside && cols >= DETAIL_COLS
        ? { x: left + CONSOLE_COLS, y: 1, width: cols - left - CONSOLE_COLS, height: body }
        : null,
  };
}

function detailWidth(cols: number): number {
  return Math.min(50, cols - CONSOLE_COLS - 4 * 20);
}

function operationLines(state: State, body: number): number {
  const shown = shownRuns(state).length + loneOperations(state).length;
  return Math.min(shown, body >= 30 ? 6 : 2);
}

/** From the first blade of the rack to its last, also those where nothing is known: a gap in the rack is a gap here. */
export function blades(state: State): number[] {
  const rows = state.rack.nodes.map((node) => rowOf(node.addr));
  if (rows.length === 0) return [0];
  const [first, last] = [Math.min(...rows), Math.max(...rows)];
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function mapLayout(state: State, bladeList: readonly number[], area: Rect): MapLayout {
  const cellWidth = Math.min(CELL_COLS.max, Math.floor(area.width / SLOTS_PER_BLADE));
  const fits = Math.floor(area.height / bladeList.length);
  // Below three lines there is no half measure: one line a node, and scrolling where even that is too much.
  const cellHeight = fits >= 5 ? 5 : fits >= 3 ? fits : 1;
  const visible = Math.min(bladeList.length, Math.max(1, Math.floor(area.height / cellHeight)));
  const at = Math.max(0, bladeList.indexOf(rowOf(state.cursor)));
  const firstBlade = Math.max(0, Math.min(at - Math.floor(visible / 2), bladeList.length - visible));
  return {
    area,
    cellWidth: Math.max(CELL_COLS.min, cellWidth),
    cellHeight,
    lines: Math.min(4, cellHeight),
    blades: bladeList,
    firstBlade,
    visibleBlades: visible,
  };
}
