/** Paints the table of nodes: a header, and a row a node. */
import type { Address } from '../../rack/address.ts';
import type { Frame, Rect, Span } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import { layoutOf } from '../layout/layout.ts';
import type { State } from '../model/state.ts';
import type { ColumnId } from '../model/table.ts';
import { type Column, COLUMNS, shownColumns, sortedRows } from './columns.ts';
import type { Row } from './row.ts';

export function paintTable(frame: Frame, rect: Rect, state: State, g: Glyphs): void {
  const placement = placeColumns(state, rect);
  paintTitles(frame, rect, state, placement);
  const rows = sortedRows(state);
  if (rows.length === 0) frame.text(rect.x + 1, rect.y + 1, 'No node matches the filter.', 'dim', rect.width - 2);
  const { from, count } = visibleRows(state, rows, rect.height);
  rows.slice(from, from + count).forEach((row, i) => {
    const y = rect.y + 1 + i;
    paintRow(frame, { ...rect, y, height: 1 }, row, placement.placed, state, g);
  });
}

const SORTED = { up: '↑', down: '↓' };
const MORE = { left: '←', right: '→' };

function paintTitles(frame: Frame, rect: Rect, state: State, { placed, left, right }: Placement): void {
  const { x, y, width } = rect;
  frame.clear({ x, y, width, height: 1 }, 'bar');
  const { sort } = state.view.table;
  const selected = placed.findIndex(({ column }) => column.id === state.column);
  placed.forEach(({ column, ...place }, i) => {
    const way = sort?.column !== column.id ? '' : sort.reverse ? SORTED.down : SORTED.up;
    const title = `${column.title}${way}`;
    const at = { x: place.x, y, width: place.width, height: 1 };
    if (i === selected) frame.ground(at, 'selected');
    const text = column.right === true ? title.padStart(place.width) : title;
    frame.text(place.x, y, text, way === '' ? 'title' : 'key', place.width);
    // A click selects the column; on the selected one it sorts.
    const keys = i === selected ? ['s'] : Array<string>(Math.abs(i - selected)).fill(i < selected ? 'left' : 'right');
    frame.target(at, { keys });
  });
  const [first] = placed;
  if (left && first !== undefined) frame.text(first.x + first.width, y, MORE.left, 'key');
  if (right) frame.text(x + width - 1, y, MORE.right, 'key');
}

function paintRow(frame: Frame, rect: Rect, row: Row, placed: readonly Placed[], state: State, g: Glyphs): void {
  const { x, y } = rect;
  const { addr } = row.node;
  const selected = state.cursor === addr;
  const marked = state.marks.has(addr);
  if (selected || marked) frame.ground(rect, selected ? 'selected' : 'marked');
  if (selected || marked)
    frame.put(x, y, marked && !selected ? g.marked : g.selected, selected ? 'borderFocus' : 'mark');
  for (const { column, x: at, width } of placed) {
    const cell = column.cell(row, { state, g, width });
    const length = cell.reduce((sum, [text]) => sum + Array.from(text).length, 0);
    const start = column.right === true ? at + Math.max(0, width - length) : at;
    frame.spans(start, y, cell, at + width - start);
  }
  frame.target(rect, { node: addr });
}

/** `problems first, nodes 1 to 18 of 24`: the order, and the visible rows where not all are. */
export function tableSpans(state: State, { height }: Rect): Span[] {
  const { sort } = state.view.table;
  const rows = sortedRows(state);
  const { from, count } = visibleRows(state, rows, height);
  const order = sort === null ? 'problems first' : `by ${titleOf(sort.column)}`;
  const part = count < rows.length ? `, nodes ${from + 1} to ${from + count} of ${rows.length}` : '';
  return [[`${order}${part}`, 'dim']];
}

const titleOf = (id: ColumnId): string => COLUMNS.find((one) => one.id === id)?.title ?? id;

/** A column with its place on the screen. */
interface Placed {
  column: Column;
  x: number;
  width: number;
}

/** The visible columns; `left`, `right`: there are more on that side. */
interface Placement {
  placed: readonly Placed[];
  left: boolean;
  right: boolean;
}

/**
 * Places the name, and after it as many columns as fit, among them the selected one. The room that they leave goes
 * to the columns that grow.
 */
function placeColumns(state: State, { x, width }: Rect): Placement {
  const [name, ...others] = shownColumns(state);
  if (name === undefined) return { placed: [], left: false, right: false };
  // One screen column for the edge of the selected row, and one at the end for the sign of more columns.
  const room = width - 2 - name.width(state);
  const widthOf = (column: Column): number => column.width(state) + 1;
  const sum = (columns: readonly Column[]): number => columns.reduce((all, one) => all + widthOf(one), 0);
  const at = others.findIndex(({ id }) => id === state.column);
  let from = 0;
  while (from < at && sum(others.slice(from, at + 1)) > room) from++;
  let to = from;
  while (to < others.length && sum(others.slice(from, to + 1)) <= room) to++;
  const visible = others.slice(from, to);
  const growing = visible.filter(({ grows }) => grows === true);
  const share = growing.length === 0 ? 0 : Math.floor((room - sum(visible)) / growing.length);
  const placed: Placed[] = [];
  let next = x + 1;
  for (const column of [name, ...visible]) {
    const own = column.width(state) + (column.grows === true ? share : 0);
    placed.push({ column, x: next, width: own });
    next += own + 1;
  }
  return { placed, left: from > 0, right: to < others.length };
}

/** Returns the first visible row and the number of visible ones. */
function visibleRows(state: State, rows: readonly Row[], height: number): { from: number; count: number } {
  const room = Math.max(0, height - 1);
  const at = Math.max(
    0,
    rows.findIndex(({ node }) => node.addr === state.cursor),
  );
  const from = Math.max(0, Math.min(at - Math.floor(room / 2), rows.length - room));
  return { from, count: Math.min(room, rows.length - from) };
}

/** Returns the nodes whose last lines are on the screen. */
export function tableGlances(state: State): { addrs: Address[]; rows: number } {
  const layout = layoutOf(state);
  const rect = layout.kind === 'normal' ? layout.table : null;
  const shows = rect !== null && placeColumns(state, rect).placed.some(({ column }) => column.id === 'line');
  if (!shows) return { addrs: [], rows: 1 };
  const rows = sortedRows(state);
  const { from, count } = visibleRows(state, rows, rect.height);
  return { addrs: rows.slice(from, from + count).map(({ node }) => node.addr), rows: 1 };
}
