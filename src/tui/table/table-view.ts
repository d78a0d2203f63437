/** Paints the table of nodes: a header, and a row a node. */
import type { Address } from '../../rack/address.ts';
import type { Frame, Rect, Span } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import { layoutOf } from '../layout/layout.ts';
import type { State } from '../model/state.ts';
import type { ColumnId, FleetColumnId, Sort } from '../model/table.ts';
import { type Column, COLUMNS, shownColumns, sortedRows } from './columns.ts';
import type { Row } from './row.ts';

export function paintTable(frame: Frame, rect: Rect, state: State, g: Glyphs): void {
  const placement = placementOf(state, rect);
  paintTitles(frame, rect, { sort: state.view.table.sort, selected: state.column }, placement);
  const rows = sortedRows(state);
  if (rows.length === 0) frame.text(rect.x + 1, rect.y + 1, 'No node matches the filter.', 'dim', rect.width - 2);
  const { from, count } = visibleRows(rows.length, rowOfCursor(state, rows), rect.height);
  rows.slice(from, from + count).forEach((row, i) => {
    const { addr } = row.node;
    const line = { ...rect, y: rect.y + 1 + i, height: 1 };
    paintEdge(frame, line, { selected: state.cursor === addr, marked: state.marks.has(addr) }, g);
    for (const one of placement.placed)
      paintCell(frame, line.y, one, one.column.cell(row, { state, g, width: one.width }));
    frame.target(line, { node: addr });
  });
}

const SORTED = { up: '↑', down: '↓' };
const MORE = { left: '←', right: '→' };

export function paintTitles(
  frame: Frame,
  { x, y, width }: Rect,
  { sort, selected }: { sort: Sort | null; selected: FleetColumnId },
  { placed, left, right }: Placement<FleetColumnId>,
): void {
  frame.clear({ x, y, width, height: 1 }, 'bar');
  const chosen = placed.findIndex(({ column }) => column.id === selected);
  placed.forEach(({ column, ...place }, i) => {
    const way = sort?.column !== column.id ? '' : sort.reverse ? SORTED.down : SORTED.up;
    const title = `${column.title}${way}`;
    const at = { x: place.x, y, width: place.width, height: 1 };
    if (i === chosen) frame.ground(at, 'selected');
    const text = column.right === true ? title.padStart(place.width) : title;
    frame.text(place.x, y, text, way === '' ? 'title' : 'key', place.width);
    // A click selects the column; on the selected one it sorts.
    const keys = i === chosen ? ['s'] : Array<string>(Math.abs(i - chosen)).fill(i < chosen ? 'left' : 'right');
    frame.target(at, { keys });
  });
  const first = placed[placed.findIndex(({ column }) => column.id === 'name')];
  if (left && first !== undefined) frame.text(first.x + first.width, y, MORE.left, 'key');
  if (right) frame.text(x + width - 1, y, MORE.right, 'key');
}

/** Paints the ground of a row that is selected or marked, and the sign at its edge. */
export function paintEdge(
  frame: Frame,
  line: Rect,
  { selected, marked }: { selected: boolean; marked: boolean },
  g: Glyphs,
): void {
  if (!selected && !marked) return;
  frame.ground(line, selected ? 'selected' : 'marked');
  frame.put(line.x, line.y, marked && !selected ? g.marked : g.selected, selected ? 'borderFocus' : 'mark');
}

export function paintCell(
  frame: Frame,
  y: number,
  { column, x, width }: Placed<FleetColumnId>,
  cell: readonly Span[],
): void {
  const length = cell.reduce((sum, [text]) => sum + Array.from(text).length, 0);
  const start = column.right === true ? x + Math.max(0, width - length) : x;
  frame.spans(start, y, cell, x + width - start);
}

/** `problems first, nodes 1 to 18 of 24`: the order, and the visible rows where not all are. */
export function tableSpans(state: State, { height }: Rect): Span[] {
  const rows = sortedRows(state);
  const title = COLUMNS.find(({ id }) => id === state.view.table.sort?.column)?.title ?? null;
  return orderSpans(title, rows.length, visibleRows(rows.length, rowOfCursor(state, rows), height));
}

/** `title`: of the column that orders; null: problems are first. */
export function orderSpans(title: string | null, rows: number, { from, count }: Visible): Span[] {
  const order = title === null ? 'problems first' : `by ${title}`;
  const part = count < rows ? `, nodes ${from + 1} to ${from + count} of ${rows}` : '';
  return [[`${order}${part}`, 'dim']];
}

/** A column with its place on the screen. */
interface Placed<Id extends FleetColumnId> {
  column: Column<Id>;
  x: number;
  width: number;
}

/** The visible columns; `left`, `right`: there are more on that side. */
interface Placement<Id extends FleetColumnId> {
  placed: readonly Placed<Id>[];
  left: boolean;
  right: boolean;
}

function placementOf(state: State, rect: Rect): Placement<ColumnId> {
  const [name, ...others] = shownColumns(state, [state]);
  const shown = { fixed: name === undefined ? [] : [name], others, selected: state.column };
  return placeColumns(rect, shown, (column) => column.width(state));
}

/**
 * Places the fixed columns, and after them as many of the others as fit, among them the selected one. The room that
 * they leave goes to the columns that grow.
 */
export function placeColumns<Id extends FleetColumnId>(
  { x, width }: Rect,
  { fixed, others, selected }: { fixed: readonly Column<Id>[]; others: readonly Column<Id>[]; selected: Id },
  ownWidth: (column: Column<Id>) => number,
): Placement<Id> {
  const widthOf = (column: Column<Id>): number => ownWidth(column) + 1;
  const sum = (columns: readonly Column<Id>[]): number => columns.reduce((all, one) => all + widthOf(one), 0);
  // One screen column for the edge of the selected row; the one at the end has the sign of more columns.
  const room = width - 1 - sum(fixed);
  const at = others.findIndex(({ id }) => id === selected);
  let from = 0;
  while (from < at && sum(others.slice(from, at + 1)) > room) from++;
  let to = from;
  while (to < others.length && sum(others.slice(from, to + 1)) <= room) to++;
  const visible = others.slice(from, to);
  const growing = visible.filter(({ grows }) => grows === true);
  const share = growing.length === 0 ? 0 : Math.floor((room - sum(visible)) / growing.length);
  const placed: Placed<Id>[] = [];
  let next = x + 1;
  for (const column of [...fixed, ...visible]) {
    const own = ownWidth(column) + (column.grows === true ? share : 0);
    placed.push({ column, x: next, width: own });
    next += own + 1;
  }
  return { placed, left: from > 0, right: to < others.length };
}

/** The first visible row and the number of visible ones. */
interface Visible {
  from: number;
  count: number;
}

/** Returns the visible rows of so many: the selected one is among them. `height`: with the titles. */
export function visibleRows(rows: number, selected: number, height: number): Visible {
  const room = Math.max(0, height - 1);
  const from = Math.max(0, Math.min(Math.max(0, selected) - Math.floor(room / 2), rows - room));
  return { from, count: Math.min(room, rows - from) };
}

const rowOfCursor = (state: State, rows: readonly Row[]): number =>
  rows.findIndex(({ node }) => node.addr === state.cursor);

/** Returns the nodes whose last lines are on the screen. */
export function tableGlances(state: State): { addrs: Address[]; rows: number } {
  const layout = layoutOf(state);
  const rect = layout.kind === 'normal' ? layout.table : null;
  const shows = rect !== null && placementOf(state, rect).placed.some(({ column }) => column.id === 'line');
  if (!shows) return { addrs: [], rows: 1 };
  const rows = sortedRows(state);
  const { from, count } = visibleRows(rows.length, rowOfCursor(state, rows), rect.height);
  return { addrs: rows.slice(from, from + count).map(({ node }) => node.addr), rows: 1 };
}
