/**
 * Reads and writes the sheet of a rack's boards as CSV (RFC 4180): BMC id, name, ip, mac, BMC UID, vlan. Columns are
 * found by their titles in the first line, in any order; commas, semicolons or tabs separate them. Pure.
 */
import { type Address, formatAddress, parseAddress, parsePosition } from './address.ts';

/** A board of the sheet. An empty cell is left out. */
export interface SheetNode {
  addr: Address;
  name?: string | undefined;
  ip?: string | undefined;
  mac?: string | undefined;
  uid?: string | undefined;
  vlan?: number | undefined;
}

export interface SheetRow {
  /** Line of the text, from 1. */
  line: number;
  node: SheetNode;
}

export interface SheetProblem {
  line: number;
  message: string;
}

export type Sheet =
  | { ok: true; rows: SheetRow[]; /** Titles of columns that have no meaning here. */ unread: string[] }
  | { ok: false; problems: SheetProblem[] };

type Column = keyof SheetNode;

/** Titles of each column in lower case without blanks and punctuation; the first, as written below, is exported. */
const TITLES: Record<Column, readonly string[]> = {
  addr: ['bmcid', 'bmc', 'id', 'bmcaddress', 'address', 'addr', 'position', 'pos'],
  name: ['name', 'hostname', 'host', 'node'],
  ip: ['ip', 'ipaddress', 'ipv4', 'ipv6'],
  mac: ['mac', 'macaddress', 'ethernet'],
  uid: ['bmcuid', 'uid'],
  vlan: ['vlan', 'vlanid'],
};
const EXPORTED: readonly (readonly [Column, string])[] = [
  ['addr', 'BMC id'],
  ['name', 'name'],
  ['ip', 'ip'],
  ['mac', 'mac'],
  ['uid', 'BMC UID'],
  ['vlan', 'vlan'],
];

/** Reads a sheet. Lines without any text are skipped. Never throws. */
export function parseSheet(text: string): Sheet {
  const [header, ...lines] = recordsOf(text.replace(/^\uFEFF/, ''));
  const titles = header?.cells ?? [];
  const columns = titles.map((title): Column | null => {
    const plain = title.toLowerCase().replace(/[^a-z0-9]/g, '');
    return EXPORTED.map(([column]) => column).find((column) => TITLES[column].includes(plain)) ?? null;
  });
  const problems: SheetProblem[] = [];
  const wrong = (line: number, message: string): unknown => problems.push({ line, message });
  if (!columns.includes('addr'))
    wrong(1, `no column 'BMC id': the first line has the titles (${EXPORTED.map(([, title]) => title).join(', ')})`);
  for (const [i, column] of columns.entries())
    if (column !== null && columns.indexOf(column) !== i)
      wrong(1, `'${titles[columns.indexOf(column)] ?? ''}' and '${titles[i] ?? ''}' are the same column`);
  const rows: SheetRow[] = [];
  for (const { line, cells } of problems.length > 0 ? [] : lines) {
    const cell = (column: Column): string | undefined => cells[columns.indexOf(column)]?.trim() || undefined;
    const id = cell('addr');
    const addr = id === undefined ? null : (parsePosition(id) ?? parseAddress(id));
    const same = rows.find(({ node }) => node.addr === addr);
    const vlan = cell('vlan');
    if (cells.length > titles.length) wrong(line, `${cells.length} cells under ${titles.length} titles`);
    else if (addr === null)
      wrong(line, `BMC id '${id ?? ''}': two hex digits from 00 to 7f, or a position such as A-3`);
    else if (same !== undefined) wrong(line, `BMC id ${formatAddress(addr)} is already in line ${same.line}`);
    else if (vlan !== undefined && !/^\d+$/.test(vlan)) wrong(line, `vlan '${vlan}': a number from 1 to 4094`);
    else {
      const words = { name: cell('name'), ip: cell('ip'), mac: cell('mac'), uid: cell('uid') };
      rows.push({ line, node: { addr, ...words, vlan: vlan === undefined ? undefined : Number(vlan) } });
    }
  }
  const unread = titles.filter((title, i) => columns[i] === null && title.trim() !== '');
  return problems.length > 0 ? { ok: false, problems } : { ok: true, rows, unread };
}

/** Writes a sheet with commas, a line for each node, in address order. */
export function formatSheet(nodes: readonly SheetNode[]): string {
  const sorted = [...nodes].sort((a, b) => a.addr - b.addr);
  const lines = sorted.map((node) =>
    EXPORTED.map(([column]) => quoted(column === 'addr' ? formatAddress(node.addr) : String(node[column] ?? ''))),
  );
  return [EXPORTED.map(([, title]) => title), ...lines].map((cells) => `${cells.join(',')}\r\n`).join('');
}

const quoted = (cell: string): string => (/[",;\t\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** Splits CSV into its records; a cell in quotes may have separators, line ends, and quotes written twice. */
function recordsOf(text: string): { line: number; cells: string[] }[] {
  const first = text.split(/\r?\n/, 1)[0] ?? '';
  const count = (sign: string): number => first.split(sign).length;
  const separator = [',', ';', '\t'].reduce((best, sign) => (count(sign) > count(best) ? sign : best));
  const records: { line: number; cells: string[] }[] = [];
  let line = 1;
  let record = { line, cells: [''] };
  let inQuotes = false;
  const end = (): void => {
    if (record.cells.some((cell) => cell.trim() !== '')) records.push(record);
  };
  for (let i = 0; i < text.length; i++) {
    const ch = text[i] ?? '';
    const last = record.cells.length - 1;
    const cell = record.cells[last] ?? '';
    if (ch === '\n') line++;
    if (inQuotes) {
      if (ch !== '"') record.cells[last] = cell + ch;
      else if (text[i + 1] === '"') {
        record.cells[last] = `${cell}"`;
        i++;
      } else inQuotes = false;
    } else if (ch === '"' && cell === '') inQuotes = true;
    else if (ch === separator) record.cells.push('');
    else if (ch === '\n') {
      end();
      record = { line, cells: [''] };
    } else if (ch !== '\r') record.cells[last] = cell + ch;
  }
  end();
  return records;
}
