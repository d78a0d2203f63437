/** Paints the table of nodes: a header, and a row a node. */
import type { Frame, Rect, Span } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import type { State } from '../model/state.ts';
import type { ColumnId } from '../model/table.ts';
import { COLUMNS, sortedRows } from './columns.ts';
import { type Placed, placeColumns, type Placement, visibleRows } from './placement.ts';
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

/** `worst first, 1 to 18 of 24`: the order, and the visible rows where not all are. */
export function tableSpans(state: State, { height }: Rect): Span[] {
  const { sort } = state.view.table;
  const rows = sortedRows(state);
  const { from, count } = visibleRows(state, rows, height);
  const order = sort === null ? 'worst first' : `by ${titleOf(sort.column)}`;
  const part = count < rows.length ? `, ${from + 1} to ${from + count} of ${rows.length}` : '';
  return [[`${order}${part}`, 'dim']];
}

const titleOf = (id: ColumnId): string => COLUMNS.find((one) => one.id === id)?.title ?? id;
