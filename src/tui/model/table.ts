/** Columns and order of the table of nodes, as the operator chose them. Plain data, kept across runs. */

/** All columns, in the order in which the table shows them. */
export const COLUMN_IDS = [
  ...(['name', 'addr', 'pos', 'state', 'alarm', 'current', 'fan', 'age'] as const),
  ...(['trend', 'peak', 'role', 'cluster', 'kubernetes', 'on-for', 'op', 'line'] as const),
];
export type ColumnId = (typeof COLUMN_IDS)[number];
/** The table of all racks has a column more: the name of the rack. */
export type FleetColumnId = ColumnId | 'rack';

export interface Sort {
  /** `rack`: in the table of one rack as null. */
  column: FleetColumnId;
  /** True: from the last value to the first. */
  reverse: boolean;
}

export interface TableView {
  hidden: readonly ColumnId[];
  /** Null: what is wrong first. */
  sort: Sort | null;
}

export const USUAL_TABLE: TableView = { hidden: [], sort: null };

/** Reads a table's view stored by an earlier run; unknown columns are dropped. */
export function tableViewFrom(json: unknown): TableView {
  const { hidden, sort } = record(json);
  const { column, reverse } = record(sort);
  const by = ([...COLUMN_IDS, 'rack'] as const).find((one) => one === column);
  return {
    hidden: COLUMN_IDS.filter((id) => id !== 'name' && Array.isArray(hidden) && hidden.includes(id)),
    sort: by === undefined ? null : { column: by, reverse: reverse === true },
  };
}

const record = (json: unknown): Record<string, unknown> =>
  typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
