/** Places the table's columns and rows in a rectangle. Pure. */
import type { Address } from '../../rack/address.ts';
import type { Rect } from '../canvas/frame.ts';
import { layoutOf } from '../layout/layout.ts';
import type { State } from '../model/state.ts';
import { type Column, shownColumns, sortedRows } from './columns.ts';
import type { Row } from './row.ts';

/** A column with its place on the screen. */
export interface Placed {
  column: Column;
  x: number;
  width: number;
}

/** The visible columns; `left`, `right`: there are more on that side. */
export interface Placement {
  placed: readonly Placed[];
  left: boolean;
  right: boolean;
}

/**
 * Places the name, and after it as many columns as fit, among them the selected one. The room that they leave goes
 * to the columns that grow.
 */
export function placeColumns(state: State, { x, width }: Rect): Placement {
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
export function visibleRows(state: State, rows: readonly Row[], height: number): { from: number; count: number } {
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
