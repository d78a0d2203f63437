/** Places the panes for a terminal of this size and this state, as rectangles; changes preset and zoom. Pure. */
import { rowOf } from '../../rack/address.ts';
import type { Rect } from '../canvas/frame.ts';
import { marginWidth } from '../console/line-margin.ts';
import { shownNodes } from '../map/filter.ts';
import { step, type Step, withNotice } from '../model/events.ts';
import { type Inputs, sameInputs } from '../canvas/inputs.ts';
import { loneOperations, shownRuns } from '../model/results.ts';
import { type MainView, type Preset, PRESET_WORDS, PRESETS, type State, type View } from '../model/state.ts';
import { type CellKind, mapHeight, mapLayout, type MapLayout } from './map-layout.ts';

/** The smallest terminal in which nodes can be distinguished and a dialog can be read. */
export const MIN_COLS = 60;
export const MIN_ROWS = 16;

/** Size of a console: 80 columns and the pane's edge, 24 lines and its title. */
const CONSOLE = { cols: 81, rows: 25 };
/** Least columns for the map and one pane side by side, and for both panes (docs/layouts.md). */
const BESIDE_COLS = 132;
const DETAIL_COLS = 200;
/** Least columns of a detail beside the map, and its share of a wider screen. */
const DETAIL_BESIDE = { cols: 50, share: 1 / 3 };
/** Narrower terminals have room for a map and a detail beside it, and for a console below both. */
const NARROW_DETAIL = { cols: 116, map: 80 };
/**
 * Detail under the map, with charts and identity side by side. `from`: least rows of the terminal; `rows`, `most`:
 * least and most rows of the detail, fewer show too little; `events`: rows kept for the events.
 */
const UNDER = { from: 40, rows: 11, most: 18, events: 4 };

export interface Layout {
  header: Rect;
  map: MapLayout | null;
  /** The table with its titles, in place of the map. */
  table: Rect | null;
  /** The consoles at a glance, in place of the map. */
  glance: Rect | null;
  /** The selected node in one line. */
  selected: Rect | null;
  events: Rect | null;
  /** Running operations and results; null where there are none. */
  operations: Rect | null;
  /** The pane with its title line. */
  console: Rect | null;
  detail: Rect | null;
  /** Null: the console fills the screen, and notices are in its title. */
  notice: Rect | null;
  footer: Rect;
}

/** Panes beside the map. */
interface Panes {
  console: boolean;
  detail: boolean;
}

type ScreenLayout = ({ kind: 'normal' } & Layout) | { kind: 'too-small' };

/** Returns the cells of the pane for a node's screen. */
export function paneRoom(state: State): { cols: number; rows: number } {
  const screen = paneScreen(state);
  return screen === null ? { cols: 80, rows: 24 } : { cols: screen.width, rows: screen.height };
}

/** Returns the lines of a page: two of them stay visible. */
export function pageOf(state: State): number {
  return Math.max(1, paneRoom(state).rows - 2);
}

/** Returns the pane's place for a node's screen; null where the pane is not shown. */
export function paneScreen(state: State): Rect | null {
  const layout = layoutOf(state);
  const pane = layout.kind === 'normal' ? layout.console : null;
  if (pane === null) return null;
  const edge = pane.x > 0 ? 1 : 0;
  const left = edge + marginWidth(state, pane.width - edge);
  return { x: pane.x + left, y: pane.y + 1, width: pane.width - left, height: pane.height - 1 };
}

/** Returns whether the console has (most of) the screen to itself. */
function consoleFills(state: State): boolean {
  return state.zoom || (state.focus === 'console' && !panesBeside(state).console);
}

/** Returns whether a console was opened here; until then none takes room from the map. */
const consoleOpened = ({ focus, pane }: State): boolean => focus === 'console' || pane.shown !== null;

/**
 * Returns the panes beside the map on this terminal, by the view's preset or another one. `detail` under the map also
 * depends on the room that the map leaves.
 */
function panesOf(state: State, preset: Preset = state.view.preset): Panes {
  const { cols, rows } = state.size;
  const beside = cols >= BESIDE_COLS;
  const third = cols >= DETAIL_COLS || (rows >= UNDER.from && (beside || cols >= NARROW_DETAIL.cols));
  if (preset === 'auto')
    return consoleOpened(state) ? { console: beside, detail: beside && third } : { console: false, detail: beside };
  if (preset === 'all') return { console: true, detail: third };
  return { console: preset === 'console', detail: preset === 'detail' };
}

/** Returns the panes of the present view. Beside a table there are only those that were chosen: it takes the width. */
function panesBeside(state: State): Panes {
  const panes = panesOf(state);
  const { main, preset } = state.view;
  if (main === 'map' || preset !== 'auto') return panes;
  return { console: false, detail: main === 'table' && panes.detail };
}

/** The last layout of each rack. */
const placed = new WeakMap<State['rack'], { inputs: Inputs; layout: ScreenLayout }>();

/** Returns the layout: the same object as long as nothing has changed that places a pane. */
export function layoutOf(state: State): ScreenLayout {
  const inputs = inputsOf(state);
  const known = placed.get(state.rack);
  if (known !== undefined && sameInputs(known.inputs, inputs)) return known.layout;
  const layout = place(state);
  placed.set(state.rack, { inputs, layout });
  return layout;
}

/** Returns all that {@link place} reads. */
function inputsOf(state: State): Inputs {
  const { size, zoom, focus, view, cursor, runs, operations, dismissed, pane } = state;
  const rows = view.main === 'table' ? tableHeight(state) : null;
  return [size, zoom, focus, view, cursor, runs, operations, dismissed, pane.shown, rows];
}

function place(state: State): ScreenLayout {
  const { cols, rows } = state.size;
  if (cols < MIN_COLS || rows < MIN_ROWS) return { kind: 'too-small' };
  const line = (y: number): Rect => ({ x: 0, y, width: cols, height: 1 });
  const frame = { header: line(0), notice: line(rows - 2), footer: line(rows - 1) };
  if (consoleFills(state)) {
    return {
      kind: 'normal',
      ...frame,
      map: null,
      table: null,
      glance: null,
      selected: null,
      events: null,
      operations: null,
      detail: null,
      notice: null,
      console: { x: 0, y: 1, width: cols, height: rows - 2 },
    };
  }
  const body: Rect = { x: 0, y: 1, width: cols, height: rows - 3 };
  const panes = panesBeside(state);
  const { left, console, detail } = cols >= BESIDE_COLS ? sideBySide(state, body, panes) : stacked(state, body, panes);
  return { kind: 'normal', ...frame, console, ...column(state, left, detail) };
}

interface Arrangement {
  /** Column of the map and the parts under it. */
  left: Rect;
  console: Rect | null;
  /** `under`: the part of its column that the map leaves. */
  detail: Rect | 'under' | null;
}

/** A dragged console leaves the map a line for each node's cell, and keeps some lines of its own. */
const DRAGGED = { console: 40, map: 62, consoleRows: 6, mapRows: 5 };

function sideBySide({ view }: State, body: Rect, panes: Panes): Arrangement {
  const { split, main, preset } = view;
  if (main !== 'map' && preset === 'auto') return { left: body, console: null, detail: panes.detail ? 'under' : null };
  const detail = !panes.detail
    ? 0
    : !panes.console
      ? Math.max(DETAIL_BESIDE.cols, Math.floor(body.width * DETAIL_BESIDE.share))
      : body.width >= DETAIL_COLS
        ? Math.min(50, body.width - CONSOLE.cols - 4 * 20)
        : 0;
  const most = body.width - detail - DRAGGED.map;
  const wanted = split === null ? CONSOLE.cols : Math.max(DRAGGED.console, Math.min(most, split));
  const console = panes.console ? wanted : 0;
  const left = body.width - console - detail;
  const part = (x: number, width: number): Rect | null => (width > 0 ? { ...body, x, width } : null);
  return {
    left: { ...body, width: left },
    console: part(left, console),
    detail: part(left + console, detail) ?? (panes.detail ? 'under' : null),
  };
}

/** Divides the height of a narrow terminal: the map keeps a line for each blade, or as many as possible. */
function stacked(state: State, body: Rect, panes: Panes): Arrangement {
  if (!panes.console && !panes.detail) return { left: body, console: null, detail: null };
  const mapRows = Math.min(blades(state).length, Math.max(4, Math.floor(body.height * 0.4))) + 1;
  const beside = panes.detail && body.width >= NARROW_DETAIL.cols;
  const whole = beside ? { ...body, width: NARROW_DETAIL.map } : body;
  const { splitRows } = state.view;
  const rows =
    splitRows === null
      ? Math.min(CONSOLE.rows, body.height - mapRows)
      : Math.max(DRAGGED.consoleRows, Math.min(body.height - DRAGGED.mapRows, splitRows));
  const lower = panes.console ? rows : 0;
  const console = lower > 0 ? { ...whole, y: body.y + body.height - lower, height: lower } : null;
  const left = { ...whole, height: body.height - lower };
  if (!panes.detail) return { left, console, detail: null };
  if (beside) return { left, console, detail: { ...body, x: whole.width, width: body.width - whole.width } };
  const height = Math.min(UNDER.most, body.height - mapRows);
  return {
    left: { ...body, height: body.height - height },
    console,
    detail: { ...body, y: body.y + body.height - height, height },
  };
}

/**
 * Divides the map's column from top to bottom: map, selected node, events, a detail without a place of its own,
 * operations.
 */
function column(
  state: State,
  left: Rect,
  place: Arrangement['detail'],
): Pick<Layout, 'map' | 'table' | 'glance' | 'selected' | 'events' | 'operations' | 'detail'> {
  const operations = operationLines(state, left.height);
  // On a low screen running operations are more urgent than events.
  const eventsWanted = left.height >= 30 ? 5 : left.height >= 18 && operations === 0 ? 1 : 0;
  const room = left.height - 1 - operations;
  const under = place === 'under';
  const mapIn = (height: number): MapLayout =>
    mapLayout(blades(state), state.view.cells, state.cursor, { ...left, height });
  // In the automatic layout the detail takes only the room that a map with all of a cell's parts leaves.
  const forced = under && state.view.preset === 'all' ? UNDER.rows + 2 : eventsWanted;
  const { main } = state.view;
  const shared = under && forced === eventsWanted ? mapIn(room - UNDER.rows - UNDER.events) : null;
  const placed = shared?.surround === 'rack' ? shared : mapIn(room - forced);
  const map = main === 'map' ? placed : null;
  // Consoles use every line: the events are about what they show.
  const wanted = main === 'table' ? Math.min(room - forced, tableHeight(state)) : room;
  const mainHeight = map === null ? wanted : mapHeight(map);
  const rest = room - mainHeight;
  const below = under ? Math.min(UNDER.most, Math.max(rest - UNDER.events, state.view.preset === 'all' ? rest : 0)) : 0;
  const detail = below >= UNDER.rows ? below : 0;
  const line = { ...left, height: 1 };
  const end = left.y + left.height - operations;
  const mapEnd = left.y + mainHeight;
  // On a low screen the events also have the line of the notice, while there is none.
  const noticeLine = left.height < 30 && place === null && operations === 0 && end === state.size.rows - 2 ? 1 : 0;
  const events = rest - detail + noticeLine;
  return {
    map,
    table: main === 'table' ? { ...left, height: mainHeight } : null,
    glance: main === 'glance' ? { ...left, height: mainHeight } : null,
    selected: { ...line, y: mapEnd },
    events: events > 0 ? { ...left, y: mapEnd + 1, height: events } : null,
    operations: operations > 0 ? { ...left, y: end, height: operations } : null,
    detail: under ? (detail > 0 ? { ...left, y: end - detail, height: detail } : null) : place,
  };
}

/** Returns the lines of the whole table: titles, and a row a node. */
const tableHeight = (state: State): number => 1 + Math.max(1, shownNodes(state).length);

function operationLines(state: State, body: number): number {
  const shown = shownRuns(state).length + loneOperations(state).length;
  return Math.min(shown, body >= 30 ? 6 : 2);
}

/** Returns the blades from the rack's first to its last, including empty ones: a gap in the rack is a gap here. */
export function blades(state: State): number[] {
  const rows = state.rack.nodes.map((node) => rowOf(node.addr));
  if (rows.length === 0) return [0];
  const [first, last] = [Math.min(...rows), Math.max(...rows)];
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Selects the next preset that differs from the present screen; one that does not fit this terminal is skipped. */
export function nextLayout(state: State): Step {
  const { view } = state;
  const at = PRESETS.indexOf(view.preset);
  const now = panesOf(state);
  const next = [...PRESETS.slice(at + 1), ...PRESETS.slice(0, at)].find(
    (preset) => preset === 'auto' || (fits(state, preset) && !same(panesOf(state, preset), now)),
  );
  const preset = next ?? 'auto';
  return chosen(state, { ...view, preset }, `layout: ${PRESET_WORDS[preset]}`);
}

function fits(state: State, preset: Preset): boolean {
  return preset !== 'all' || panesOf(state, preset).detail;
}

const same = (a: Panes, b: Panes): boolean => a.console === b.console && a.detail === b.detail;

const KINDS: readonly CellKind[] = ['glyph', 'line', 'full'];
const KIND_WORDS: Record<CellKind, string> = {
  glyph: 'one sign per node',
  line: 'one line per node',
  full: 'full cells',
};

/** Zooms one size up or down from the present one. */
export function zoomCells(state: State, by: 1 | -1): Step {
  const layout = layoutOf(state);
  if (layout.kind === 'too-small' || layout.map === null) return step(state);
  const kind = KINDS[KINDS.indexOf(layout.map.kind) + by];
  if (kind === undefined)
    return step(withNotice(state, 'info', by > 0 ? 'this is the largest cell size' : 'this is the smallest cell size'));
  return chosen(state, { ...state.view, cells: kind }, `map: ${KIND_WORDS[kind]}; = fits the rack to the screen`);
}

export function fitCells(state: State): Step {
  return chosen(state, { ...state.view, cells: 'auto' }, 'map: cells fit the rack to the screen');
}

/** Shows the nodes in another way, for the next run too. */
export function showMain(state: State, main: MainView): Step {
  const view = { ...state.view, main };
  return step({ ...state, view }, { do: 'remember', view });
}

export function chosen(state: State, view: View, words: string): Step {
  return step(withNotice({ ...state, view }, 'info', words), { do: 'remember', view });
}
