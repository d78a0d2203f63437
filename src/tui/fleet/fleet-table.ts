/** The table of the nodes of all racks, as that of one rack: the same columns, order and filter. Pure. */
import type { Frame } from '../canvas/frame.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { chosen } from '../layout/layout.ts';
import { step, type Step } from '../model/events.ts';
import type { Place } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import type { FleetColumnId } from '../model/table.ts';
import { type KeyPress, type OverlayType, type PaintTools } from '../overlays/overlay.ts';
import { openColumnList } from '../table/column-list.ts';
import { nextSort, sortWords } from '../table/table.ts';
import { fleetColumns, type FleetRow, fleetRows, placeOf, rowAt } from './fleet-rows.ts';
import { linesShown, paintFleetTable, ROUND, type ShownTable } from './fleet-table-view.ts';
import { roomOf } from './overview-view.ts';
import { toPlace, withoutNotice } from './racks.ts';
import { type Search, typedSearch } from './search.ts';
import { onViewCommand } from './view-commands.ts';

interface RackTable extends Search {
  kind: 'racks-table';
  /** The selected column. */
  column: FleetColumnId;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    'racks-table': RackTable;
  }
}

export const RACK_TABLE: OverlayType<RackTable> = {
  kind: 'racks-table',
  sections: [
    {
      context: 'racks-table',
      base: 'racks',
      title: 'Table of all racks: keys of the overview, and these',
      where: 'in the table of all racks',
    },
  ],
  keys: [
    { context: 'racks-table', keys: ['up', 'k'], command: 'up', hint: null, help: 'row above' },
    { context: 'racks-table', keys: ['down', 'j'], command: 'down', hint: null, help: 'row below' },
    { context: 'racks-table', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'a page up' },
    { context: 'racks-table', keys: ['pagedown'], command: 'scroll-down', hint: null, help: 'a page down' },
    { context: 'racks-table', keys: ['home'], command: 'first', hint: null, help: 'first row' },
    { context: 'racks-table', keys: ['end'], command: 'last', hint: null, help: 'last row' },
    { context: 'racks-table', keys: ['left', 'h'], command: 'left', hint: null, help: 'column to the left' },
    { context: 'racks-table', keys: ['right', 'l'], command: 'right', hint: null, help: 'column to the right' },
    {
      context: 'racks-table',
      keys: ['s'],
      command: 'sort',
      hint: 'sort',
      help: 'sort by the selected column; again: reversed; again: problems first',
    },
    { context: 'racks-table', keys: ['T'], command: 'show-map', hint: 'maps', help: 'back to the small maps' },
    { context: 'racks-table', keys: ['C'], command: 'columns', hint: 'columns', help: 'select the columns' },
  ],
  showsAllRacks: true,
  fills: true,
  context: ({ typing }) => (typing === null ? 'racks-table' : null),
  onKey,
  paint,
  linesShown: (state, table, fleet) => linesShown(roomOf(state.size), state, shownTable(state, table, fleet)),
};

const rowsOf = (state: State, { filter }: Search, fleet: readonly State[]): readonly FleetRow[] =>
  fleetRows(fleet, filter, state.view.table.sort);

/** Returns the place, or that of the first row where its node has none. */
function present(rows: readonly FleetRow[], at: Place): Place {
  const [first] = rows;
  return first === undefined || rowAt(rows, at) >= 0 ? at : placeOf(first);
}

function onKey(before: State, table: RackTable, { name, fleet }: KeyPress): Step {
  const state = withoutNotice(before);
  const rows = rowsOf(state, table, fleet);
  const at = present(rows, table.at);
  const become = (changes: Partial<RackTable>): Step => step({ ...state, overlay: { ...table, at, ...changes } });
  const found = (filter: string): Place[] => rowsOf(state, { ...table, filter }, fleet).map(placeOf);
  if (table.typing !== null) {
    const next = typedSearch({ ...table, at }, table.typing, name, found);
    return next === null ? step(state) : step({ ...state, overlay: next });
  }
  const moved = (by: number): Step => {
    const to = rows[Math.max(0, Math.min(rows.length - 1, rowAt(rows, at) + by))];
    return to === undefined ? become({}) : become({ at: placeOf(to) });
  };
  const page = Math.max(1, roomOf(state.size).height - ROUND - 1);
  const command = bindingOf(state, 'racks-table', name)?.command;
  switch (command) {
    case 'up':
      return moved(-1);
    case 'down':
      return moved(1);
    case 'scroll-up':
      return moved(-page);
    case 'scroll-down':
      return moved(page);
    case 'first':
      return moved(-Infinity);
    case 'last':
      return moved(Infinity);
    case 'left':
    case 'right': {
      const columns = fleetColumns(state, fleet);
      const index = columns.findIndex(({ id }) => id === table.column) + (command === 'left' ? -1 : 1);
      return become({ column: columns[Math.max(0, Math.min(columns.length - 1, index))]?.id ?? table.column });
    }
    case 'sort':
      return sorted(state, { ...table, at }, fleet);
    case 'columns':
      return openColumnList(state, table.column, { ...table, at });
    case 'next-rack':
      return become({ at: rackFurther(rows, at, 1) });
    case 'previous-rack':
      return become({ at: rackFurther(rows, at, -1) });
    case 'accept':
    case 'attach':
      return rows.length === 0 ? step(state) : toPlace(state, at, command === 'attach');
    case 'show-map':
      return step({ ...state, overlay: { kind: 'racks', at, filter: table.filter, typing: null } });
    default:
      return onViewCommand(state, { ...table, at }, command, fleet, () => rows.map(placeOf));
  }
}

/** Sorts as the table of one rack does; the first row is selected. */
function sorted(state: State, table: RackTable, fleet: readonly State[]): Step {
  const column = fleetColumns(state, fleet).find(({ id }) => id === table.column);
  if (column === undefined) return step(state);
  const sort = nextSort(state.view.table.sort, column);
  const view = { ...state.view, table: { ...state.view.table, sort } };
  const next = chosen(state, view, `sorted by: ${sortWords(sort, column)}`);
  const [first] = fleetRows(fleet, table.filter, sort);
  const at = first === undefined ? table.at : placeOf(first);
  return { ...next, state: { ...next.state, overlay: { ...table, at } } };
}

/** Returns the first row of the next rack that has one, in the order of the tabs. */
function rackFurther(rows: readonly FleetRow[], at: Place, by: 1 | -1): Place {
  const racks = [...new Set(rows.map(({ of }) => of.racks.index))].sort((a, b) => a - b);
  const index = racks.indexOf(at.rack);
  const rack = racks[(index + by + racks.length) % Math.max(1, racks.length)];
  const first = rows.find(({ of }) => of.racks.index === rack);
  return first === undefined ? at : placeOf(first);
}

function shownTable(state: State, table: RackTable, fleet: readonly State[]): ShownTable {
  const rows = rowsOf(state, table, fleet);
  return { fleet, rows, search: { ...table, at: present(rows, table.at) }, column: table.column };
}

function paint(frame: Frame, state: State, table: RackTable, { g, fleet }: PaintTools): void {
  paintFleetTable(frame, roomOf(state.size), state, shownTable(state, table, fleet), g);
}
