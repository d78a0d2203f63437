/** The sheet of a rack's boards: read as spreadsheets write it, and written so that it reads back. */
import { expect, test } from 'vitest';
import { findDoubles } from '../../src/rack/doubles.ts';
import { type Inventory, unnamedNode } from '../../src/rack/inventory.ts';
import { formatSheet, parseSheet, type SheetNode } from '../../src/rack/sheet.ts';

const NODES: SheetNode[] = [
  { addr: 0, name: 'mcp01', ip: '192.168.197.4', mac: 'e4:5f:01:40:58:80', uid: '0123-45', vlan: 6 },
  { addr: 0x0a, name: undefined, ip: undefined, mac: undefined, uid: 'a "b", c', vlan: undefined },
];

test('a sheet that is written reads back', () => {
  const text = formatSheet([...NODES].reverse());
  expect(text).toBe(
    'BMC id,name,ip,mac,BMC UID,vlan\r\n00,mcp01,192.168.197.4,e4:5f:01:40:58:80,0123-45,6\r\n0a,,,,"a ""b"", c",\r\n',
  );
  expect(parseSheet(text)).toEqual({
    ok: true,
    unread: [],
    rows: NODES.map((node, i) => ({ line: i + 2, node })),
  });
});

test.each<[what: string, text: string]>([
  ['semicolons and a byte order mark', '\uFEFFBMC ID;Name;Notes\n3;n03;top\n'],
  ['tabs and other titles', 'Position\tHostname\tnotes\nA-3\tn03\t\n'],
  ['cells over two lines, blank lines', 'notes,BMC id,"name"\n"a\nb",0x03, n03 \n,,\n\n'],
])('a sheet with %s is read', (_what, text) => {
  const sheet = parseSheet(text);
  expect(sheet).toMatchObject({ ok: true, unread: [expect.stringMatching(/^notes$/i)] });
  expect(sheet.ok && sheet.rows.map(({ node: { addr, name } }) => [addr, name])).toEqual([[3, 'n03']]);
});

test.each<[what: string, text: string, line: number, message: RegExp]>([
  ['without the column of BMC ids', 'name,ip\nn03,1.2.3.4\n', 1, /^no column 'BMC id'/],
  ['that is empty', '', 1, /^no column 'BMC id'/],
  ['with a column twice', 'BMC id,name,host\n03,a,b\n', 1, /'name' and 'host' are the same column/],
  ['with an id that is none', 'BMC id,name\n03,a\n80,b\n', 3, /BMC id '80': two hex digits from 00 to 7f/],
  ['with a row without an id', 'BMC id,name\n,a\n', 2, /BMC id ''/],
  ['with an id twice', 'BMC id,name\n3,a\n\n03,b\n', 4, /BMC id 03 is already in line 2/],
  ['with more cells than titles', 'BMC id,name\n03,a,b\n', 2, /3 cells under 2 titles/],
  ['with words as vlan', 'BMC id,vlan\n03,dev\n', 2, /vlan 'dev': a number/],
])('a sheet %s is refused with its line', (_what, text, line, message) => {
  const sheet = parseSheet(text);
  expect(sheet).toMatchObject({ ok: false, problems: [{ line }] });
  expect(sheet.ok ? '' : sheet.problems[0]?.message).toMatch(message);
});

const rackOf = (name: string, ...nodes: object[]): { rack: string; inventory: Inventory } => ({
  rack: name,
  inventory: {
    ...{ name, configured: true, calibration: null },
    nodes: nodes.map((node, addr) => ({ ...unnamedNode(addr), ...node })),
  },
});

test('doubles of names, addresses and boards are found in one rack and across racks', () => {
  const north = rackOf('north', { name: 'ns01', ip: '10.0.0.1' }, { mac: 'AA:BB:CC:00:00:01' }, { ip: '10.0.0.9' });
  const south = rackOf('south', { name: 'NS01' }, { mac: 'aa:bb:cc:00:00:01', uid: '7' }, { ip: '10.0.0.9', uid: '7' });
  expect(findDoubles([north, south])).toEqual([
    'the name ns01 is that of north:ns01 (00) and south:NS01 (00)',
    'the ip address 10.0.0.9 is that of north:node-02 (02) and south:node-02 (02)',
    'the mac address AA:BB:CC:00:00:01 is that of north:node-01 (01) and south:node-01 (01)',
    'the board (UID) 7 is that of south:node-01 (01) and south:node-02 (02)',
  ]);
});

test('nodes without a name of their own are no doubles', () => {
  expect(findDoubles([rackOf('north', {}, {}), rackOf('south', {}, {})])).toEqual([]);
});
