/** The columns of the table: title, width, contents and order of each. */
import { byName } from '../../lib/natural-order.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import { drawOf, drawText } from '../../rack/calibration.ts';
import type { Inventory } from '../../rack/inventory.ts';
import { KUBERNETES_WORD } from '../../rack/kubernetes.ts';
import type { InkRole, Span } from '../canvas/frame.ts';
import { barRows, formatAge, type Glyphs, POWER_WORD, rangeOf, shorten } from '../canvas/glyphs.ts';
import { KUBERNETES_INK } from '../map/kubernetes.ts';
import type { State } from '../model/state.ts';
import { COLUMN_IDS, type ColumnId, type FleetColumnId, type TableView } from '../model/table.ts';
import { rankOf, type Row, rowsOf } from './row.ts';

export interface Column<Id extends FleetColumnId = ColumnId> {
  id: Id;
  title: string;
  /** Its contents in a sentence, for the list of columns. */
  about: string;
  /** Columns of the screen, without the blank after them; a title with the sign of the order fits. */
  width(state: State): number;
  /** True where it takes the room that others leave. */
  grows?: true;
  right?: true;
  /** True where its highest value is the one to see first. */
  descends?: true;
  cell(row: Row, tools: CellTools): readonly Span[];
  /** Value by which it sorts; null is last in both directions. */
  value(row: Row): number | string | null;
}

export interface CellTools {
  state: State;
  g: Glyphs;
  width: number;
}

/** Most columns of a name; in a narrow terminal the values are more important. */
const nameWidest = (cols: number): number => (cols < 100 ? 14 : 20);
const WORDS_WIDEST = 12;
const TREND = 8;
/** Least span of the trend's scale, in counts: jitter stays flat. */
const TREND_FLOOR = 16;

const COLUMNS_BY_ID: Record<ColumnId, Omit<Column, 'id'>> = {
  name: {
    title: 'name',
    about: 'name, with the sign of the master, of a protected node, of the open console',
    width: ({ rack, size }) => 2 + longest(rack, 'name', nameWidest(size.cols)),
    cell: ({ node, look }, { state, g, width }) => {
      const sign = signOf(state, node, g);
      const name = shorten(node.name, width - 2, g);
      return [
        [name, look.power === 'on' ? 'text' : look.ink],
        ...(sign === null ? [] : [[' ', 'text'] as const, sign]),
      ];
    },
    value: ({ node }) => node.name,
  },
  addr: {
    title: 'addr',
    about: 'address on the bus, hexadecimal',
    width: () => 5,
    cell: ({ node }) => [[formatAddress(node.addr), 'dim']],
    value: ({ node }) => node.addr,
  },
  pos: {
    title: 'pos',
    about: 'position: blade and slot',
    width: () => 4,
    cell: ({ node }) => [[formatPosition(node.addr), 'dim']],
    value: ({ node }) => node.addr,
  },
  state: {
    title: 'state',
    about: 'power and system, with the age of a reading that is not fresh',
    width: () => 16,
    cell: ({ look }, { g }) => [
      [`${g.power[look.power]} ${POWER_WORD[look.power]}`, look.ink],
      [look.age === null ? '' : ` ${look.age}`, 'stale'],
    ],
    value: ({ look }) => POWER_WORD[look.power],
  },
  alarm: {
    title: 'alarm',
    about: 'its alarm; of several the first that was not acknowledged',
    width: () => 10,
    grows: true,
    cell: ({ alarms }, { g }) => {
      const [first] = alarms;
      if (first === undefined) return [];
      const more = alarms.length > 1 ? `${alarms.length}: ` : '';
      const calm = first.acknowledged !== null || first.clearedAt !== null;
      return [[`${g.alarm} ${more}${first.text}`, calm ? 'dim' : 'fault']];
    },
    value: ({ alarms }) => alarms[0]?.text ?? null,
  },
  current: {
    title: 'current',
    about: 'current: counts, or amperes where the node is calibrated',
    width: () => 8,
    right: true,
    descends: true,
    cell: (row) => [measured(row, row.look.current, 'spark')],
    value: ({ node, look }) => (look.current === null ? null : amount(look.current, node)),
  },
  fan: {
    title: 'fan',
    about: 'fan, in counts',
    width: () => 6,
    right: true,
    descends: true,
    cell: ({ look }) => [look.fan === null ? ['-', 'dim'] : [`${look.fan} ct`, inkFor(look, 'fan')]],
    value: ({ look }) => look.fan,
  },
  age: {
    title: 'age',
    about: 'age of the reading; fresh: not older than three sweeps',
    width: () => 5,
    right: true,
    descends: true,
    cell: ({ look, view }) => {
      if (look.age !== null) return [[look.age, 'stale']];
      if (look.freshness === 'fresh') return [['fresh', 'dim']];
      return [[view?.reading.state === 'failed' ? 'never' : '-', 'dim']];
    },
    value: ({ look, view }) => {
      const reading = view?.reading;
      const sample = reading?.state === 'ok' ? reading.sample : reading?.state === 'failed' ? reading.last : null;
      if (sample === null) return null;
      // Fresh ones are alike, so that rows do not change places with every sweep.
      return look.freshness === 'fresh' ? -Infinity : -sample.at;
    },
  },
  trend: {
    title: 'trend',
    about: 'current at the end of the strips’ time (w); sorted by its rise',
    width: () => TREND,
    descends: true,
    cell: ({ currents, look }, { g }) => {
      const shown = currents().slice(-TREND);
      const [bars = ''] = barRows(shown, TREND, 1, rangeOf(shown, TREND_FLOOR), g);
      return [[bars, inkFor(look, 'spark', 'dim')]];
    },
    value: ({ currents }) => {
      const known = currents()
        .slice(-TREND)
        .filter((one) => one !== null);
      const [last] = known.slice(-1);
      return last === undefined ? null : last - (known[0] ?? last);
    },
  },
  peak: {
    title: 'peak',
    about: 'highest current in the strips’ time (w)',
    width: () => 8,
    right: true,
    descends: true,
    cell: (row) => [measured(row, row.peak(), 'text')],
    value: (row) => {
      const peak = row.peak();
      return peak === null ? null : amount(peak, row.node);
    },
  },
  role: {
    title: 'role',
    about: 'role in the inventory',
    width: ({ rack }) => Math.max(5, longest(rack, 'role', WORDS_WIDEST)),
    cell: ({ node }) => [[node.role ?? '', 'dim']],
    value: ({ node }) => node.role,
  },
  cluster: {
    title: 'cluster',
    about: 'cluster in the inventory',
    width: ({ rack }) => Math.max(8, longest(rack, 'cluster', WORDS_WIDEST)),
    cell: ({ node }) => [[node.cluster ?? '', 'dim']],
    value: ({ node }) => node.cluster,
  },
  kubernetes: {
    title: 'kubernetes',
    about: 'state in its Kubernetes cluster, where one is configured',
    width: () => 11,
    cell: ({ kubernetes: one }, { g }) => {
      if (one === null) return [['-', 'dim']];
      return [[`${one === 'ready' ? '' : `${g.kubernetes[one]} `}${KUBERNETES_WORD[one]}`, KUBERNETES_INK[one]]];
    },
    value: ({ kubernetes }) => kubernetes,
  },
  'on-for': {
    title: 'on for',
    about: 'time since rackui saw its power come on; - where it was on before, or its BMC was silent since',
    width: () => 7,
    right: true,
    descends: true,
    cell: ({ view }, { state }) => {
      const since = view?.onSince ?? null;
      return [since === null ? ['-', 'dim'] : [formatAge(Math.max(0, state.now - since)), 'text']];
    },
    value: ({ view }) => (view?.onSince == null ? null : -view.onSince),
  },
  op: {
    title: 'operation',
    about: 'running operation, and its phase on this node',
    width: () => 19,
    cell: ({ op }) => {
      if (op === null) return [];
      const asks = op.progress.question !== null;
      return [
        [`${op.operation.verb}: `, 'warn'],
        [asks ? 'asking' : op.progress.phase, asks ? 'danger' : 'text'],
      ];
    },
    value: ({ op }) => (op === null ? null : `${op.operation.verb} ${op.progress.phase}`),
  },
  line: {
    title: 'last line on its console',
    about: 'last line on its console, with its age; for sessions that may act',
    width: () => 25,
    grows: true,
    cell: (row, { state }) => {
      if (state.access === 'view') return [['hidden: view only', 'dim']];
      const line = row.node.addr === state.bus.master ? null : row.lastLine();
      if (line === null) return [['-', 'dim']];
      const { age, text } = line;
      return [
        [age === null ? '' : `${age} `, 'stale'],
        [text, age === null ? 'text' : 'dim'],
      ];
    },
    value: ({ lastLine }) => lastLine()?.text ?? null,
  },
};

export const COLUMNS: readonly Column[] = COLUMN_IDS.map((id) => ({ id, ...COLUMNS_BY_ID[id] }));

/** Returns the columns that are shown. `fleet`: the racks whose nodes the table has. */
export function shownColumns({ view }: Pick<State, 'view'>, fleet: readonly State[]): readonly Column[] {
  const inCluster = fleet.some(({ nodes }) => [...nodes.values()].some(({ kubernetes }) => kubernetes !== null));
  return COLUMNS.filter(({ id }) => !view.table.hidden.includes(id) && (id !== 'kubernetes' || inCluster));
}

const sorted = new WeakMap<State, readonly Row[]>();

/** Returns the rows in the order of the table. Cached by state: keys, frame and mouse need the same rows. */
export function sortedRows(state: State): readonly Row[] {
  let rows = sorted.get(state);
  if (rows === undefined) {
    rows = inOrder(rowsOf(state), (row) => row, state.view.table.sort);
    sorted.set(state, rows);
  }
  return rows;
}

/**
 * Sorts items by a column of their rows, or by what is wrong, worst first. Those without a value are last; an item
 * without a row is as wrong as a lost node. Equal ones stay in their order.
 */
export function inOrder<T>(items: readonly T[], rowOf: (item: T) => Row | null, sort: TableView['sort']): T[] {
  const column = COLUMNS.find(({ id }) => id === sort?.column);
  const valueOf = (row: Row): Value => (column === undefined ? rankOf(row.wrong) : column.value(row));
  const sign = column !== undefined && sort?.reverse === true ? -1 : 1;
  return items
    .map((item) => {
      const row = rowOf(item);
      const rowless = column === undefined ? rankOf('lost') : null;
      return { item, value: row === null ? rowless : valueOf(row) };
    })
    .sort((a, b) => compared(a.value, b.value, sign))
    .map(({ item }) => item);
}

type Value = ReturnType<Column['value']>;

function compared(left: Value, right: Value, sign: 1 | -1): number {
  if (left === null || right === null) return Number(left === null) - Number(right === null);
  if (typeof left === 'string' || typeof right === 'string') return sign * byName(String(left), String(right));
  return sign * (left < right ? -1 : Number(left > right));
}

const widths = new WeakMap<Inventory, Map<string, number>>();

/** Returns the columns of the longest word, at most so many. Cached by inventory. */
function longest(rack: Inventory, field: 'name' | 'role' | 'cluster', most: number): number {
  const known = widths.get(rack) ?? new Map<string, number>();
  widths.set(rack, known);
  const width = known.get(field) ?? Math.max(4, ...rack.nodes.map((node) => (node[field] ?? '').length));
  known.set(field, width);
  return Math.min(most, width);
}

function signOf(state: State, { addr, role, protected: isProtected }: Row['node'], g: Glyphs): Span | null {
  if (state.console?.addr === addr) return [g.console, 'title'];
  if (state.bus.master === addr || role === 'master') return [g.master, 'master'];
  return isProtected ? [g.protected, 'master'] : null;
}

/** `43 ct`, `0.51 A`; `-` where no value may be shown. */
function measured({ node, look }: Row, counts: number | null, ink: InkRole): Span {
  return counts === null ? ['-', 'dim'] : [drawText(drawOf(counts, node.calibration), 'ct'), inkFor(look, ink)];
}

/** Returns the ink of a value: old ones never look current. */
function inkFor({ freshness }: Row['look'], fresh: InkRole, old: InkRole = 'stale'): InkRole {
  return freshness === 'stale' || freshness === 'none' ? old : fresh;
}

/** Returns a value that compares in a rack where only some nodes are calibrated: amperes, otherwise counts. */
function amount(counts: number, { calibration }: Row['node']): number {
  return drawOf(counts, calibration).amps ?? counts;
}
