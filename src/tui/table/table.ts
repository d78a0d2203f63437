/** The table of nodes: its keys and commands. Pure. */
import type { Binding } from '../keymap/lookup.ts';
import { chosen, layoutOf } from '../layout/layout.ts';
import { step, type Step } from '../model/events.ts';
import type { Command, KeySection } from '../model/keys.ts';
import type { State } from '../model/state.ts';
import type { FleetColumnId, Sort } from '../model/table.ts';
import { type Column, COLUMNS, shownColumns, sortedRows } from './columns.ts';

/** Performs a command of the table; null: it is the same as on the map. */
export function onTableCommand(state: State, command: Command): Step | null {
  switch (command) {
    case 'up':
      return step(moved(state, -1));
    case 'down':
      return step(moved(state, 1));
    case 'scroll-up':
      return step(moved(state, -pageOf(state)));
    case 'scroll-down':
      return step(moved(state, pageOf(state)));
    case 'first':
      return step(moved(state, -Infinity));
    case 'last':
      return step(moved(state, Infinity));
    case 'left':
      return step(toColumn(state, -1));
    case 'right':
      return step(toColumn(state, 1));
    case 'next-match':
      return step(moved(state, 1));
    case 'previous-match':
      return step(moved(state, -1));
    case 'sort':
      return sortedBy(state);
    default:
      return null;
  }
}

/** Moves the cursor by rows; one that the filter hides goes to the first row. */
function moved(state: State, by: number): State {
  const rows = sortedRows(state);
  const at = rows.findIndex(({ node }) => node.addr === state.cursor);
  const to = at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + by));
  return { ...state, cursor: rows[to]?.node.addr ?? state.cursor };
}

/** Returns the rows of a page: one stays visible. */
function pageOf(state: State): number {
  const layout = layoutOf(state);
  const height = layout.kind === 'normal' ? (layout.table?.height ?? 0) : 0;
  return Math.max(1, height - 2);
}

function toColumn(state: State, by: 1 | -1): State {
  const columns = shownColumns(state, [state]);
  const at = columns.findIndex(({ id }) => id === state.column);
  const next = columns[Math.max(0, Math.min(columns.length - 1, at + by))];
  return next === undefined ? state : { ...state, column: next.id };
}

/**
 * Sorts by the selected column. The first row is selected: the table would stay where the node of the cursor now is,
 * often at its end.
 */
function sortedBy(state: State): Step {
  const { table } = state.view;
  const column = COLUMNS.find(({ id }) => id === state.column);
  if (column === undefined) return step(state);
  const sort = nextSort(table.sort, column);
  const view = { ...state.view, table: { ...table, sort } };
  const sorted = chosen(state, view, `sorted by: ${sortWords(sort, column)}`);
  const cursor = sortedRows(sorted.state)[0]?.node.addr ?? state.cursor;
  return { ...sorted, state: { ...sorted.state, cursor } };
}

/** Returns the next order by a column: in its usual direction, then in the other one, then by what is wrong. */
export function nextSort(sort: Sort | null, { id, descends }: Column<FleetColumnId>): Sort | null {
  const usual = descends === true;
  if (sort?.column !== id) return { column: id, reverse: usual };
  return sort.reverse === usual ? { column: id, reverse: !usual } : null;
}

/** `current, highest first`. */
export function sortWords(sort: Sort | null, { title, descends }: Column<FleetColumnId>): string {
  if (sort === null) return 'problems first';
  const way = sort.reverse ? 'last value first' : 'first value first';
  return `${title}, ${descends === true ? numberWay(sort.reverse) : way}`;
}

const numberWay = (reverse: boolean): string => (reverse ? 'highest first' : 'lowest first');

export const TABLE_SECTIONS: readonly KeySection[] = [
  {
    context: 'table',
    base: 'map',
    title: 'Table: keys of the map, and these',
    where: 'in the table',
    reserved: [[/^[0-7]$/, 'begins the address of a node']],
  },
];

export const TABLE_BINDINGS: readonly Binding[] = [
  { context: 'table', keys: ['up', 'k'], command: 'up', hint: null, help: 'row above' },
  { context: 'table', keys: ['down', 'j'], command: 'down', hint: null, help: 'row below' },
  { context: 'table', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'a page up' },
  { context: 'table', keys: ['pagedown'], command: 'scroll-down', hint: null, help: 'a page down' },
  { context: 'table', keys: ['home'], command: 'first', hint: null, help: 'first row' },
  { context: 'table', keys: ['end'], command: 'last', hint: null, help: 'last row' },
  { context: 'table', keys: ['left', 'h'], command: 'left', hint: null, help: 'column to the left' },
  { context: 'table', keys: ['right', 'l'], command: 'right', hint: null, help: 'column to the right' },
  {
    context: 'table',
    keys: ['s'],
    command: 'sort',
    hint: 'sort',
    help: 'sort by the selected column; again: reversed; again: problems first',
  },
  { context: 'table', keys: ['T'], command: 'show-map', hint: 'map', help: 'back to the map' },
  { context: 'table', keys: ['C'], command: 'columns', hint: 'columns', help: 'select the columns' },
];
