/** Rows and columns of the table of all racks: a rack's name, then the columns of one rack's table. Pure. */
import { byName } from '../../lib/natural-order.ts';
import { shorten } from '../canvas/glyphs.ts';
import type { Place } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import type { FleetColumnId, Sort } from '../model/table.ts';
import { type Column, inOrder, shownColumns } from '../table/columns.ts';
import { allRows, type Row } from '../table/row.ts';
import { nameOfRack } from './racks.ts';
import { foundNodes, isAt, rackMatches } from './search.ts';

/** A node with the state of its rack; `row` null: no node of that rack is known. */
export interface FleetRow {
  of: State;
  row: Row | null;
}

/** A place of no row: the first one is selected, whichever it is, until a key is pressed. */
export const FIRST_ROW: Place = { rack: -1, addr: null };

export const placeOf = ({ of, row }: FleetRow): Place => ({ rack: of.racks.index, addr: row?.node.addr ?? null });

export const rowAt = (rows: readonly FleetRow[], at: Place): number => rows.findIndex((one) => isAt(placeOf(one), at));

/** Returns the rows that the words of a search leave, in the order of the table; '' leaves all. */
export function fleetRows(fleet: readonly State[], filter: string, sort: Sort | null): readonly FleetRow[] {
  const rows = fleet.flatMap((of): FleetRow[] => {
    if (of.rack.nodes.length === 0) return rackMatches(of, filter) ? [{ of, row: null }] : [];
    const found = foundNodes(of, filter);
    return allRows(of).flatMap((row) => (found.has(row.node.addr) ? [{ of, row }] : []));
  });
  if (sort?.column !== 'rack') return inOrder(rows, ({ row }) => row, sort);
  const sign = sort.reverse ? -1 : 1;
  return rows.sort((a, b) => sign * byName(nameOfRack(a.of), nameOfRack(b.of)));
}

const NAME_WIDEST = 14;

const RACK_COLUMN: Column<'rack'> = {
  id: 'rack',
  title: 'rack',
  about: 'name of the rack in the list of racks',
  width: (state) => Math.max(5, Math.min(NAME_WIDEST, nameOfRack(state).length)),
  cell: (_row, { state, g, width }) => [[shorten(nameOfRack(state), width, g), 'dim']],
  // Sorted by the state: a row does not have the name of its rack.
  value: () => null,
};

/** Returns the columns that are shown: the first two always. */
export function fleetColumns(state: State, fleet: readonly State[]): readonly Column<FleetColumnId>[] {
  return [RACK_COLUMN, ...shownColumns(state, fleet)];
}
