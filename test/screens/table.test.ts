/** The table of nodes as goldens, and its order: what is wrong first, by every column, with filter and marks. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { unnamedNode, type Inventory } from '../../src/rack/inventory.ts';
import { COLUMNS, sortedRows } from '../../src/tui/table/columns.ts';
import { rankOf } from '../../src/tui/table/row.ts';
import { expectGolden, GOLDENS } from './golden.ts';
import { EVE, ME, MIXED, nodeOn, NOW, Scene, type SceneOptions } from './scene.ts';

const table = (size: SceneOptions): Scene => new Scene({ nodes: MIXED, sessions: [ME, EVE], ...size }).keys('T', '15');

const LINES: Parameters<Scene['glanced']>[0] = {
  0x03: { shows: 'login', lines: ['', 'k8s-worker-04 login:'] },
  0x11: { shows: 'failed', lines: ['[ 4.1] Kernel panic - not syncing: Attempted to kill init!'], from: 'log' },
};

const SMALL = { cols: 80, rows: 24 };
const GOLDEN_SCENES: Record<string, () => Scene> = {
  'table-60x16': () => table({ cols: 60, rows: 16 }),
  'table-80x24': () => table(SMALL),
  'table-120x40': () => table({ cols: 120, rows: 40 }),
  'table-200x60': () => table({ cols: 200, rows: 60 }).glanced(LINES).detailed(),
  'table-last-columns': () => table(SMALL).keys(...Array.from({ length: 12 }, () => 'l')),
  'table-sorted': () => table(SMALL).keys('l', 'l', 'l', 'l', 'l', 's'),
  'table-filtered': () => table(SMALL).keys('/').typed('state:lost').keys('\r'),
  'table-no-match': () => table(SMALL).keys('/').typed('zzz'),
  'columns-80x24': () => table(SMALL).keys('C', 'j', ' '),
};

test.each(Object.entries(GOLDEN_SCENES))('%s', async (name, made) => {
  expectGolden(`table/${name}`, await made().frame());
});

test('without a UTF-8 terminal every cell of the table is ASCII', async () => {
  const frame = await table(SMALL).keys('l', 's').frame(true);
  expectGolden('table/table-ascii', frame);
});

const order = (scene: Scene): string[] => sortedRows(scene.state).map(({ node }) => node.name);

test('rows stand by what is wrong first, and by address where it is the same', () => {
  const wrong = sortedRows(table(SMALL).state).map((row) => row.wrong);
  expect(wrong.slice(0, 7)).toEqual(['alarm', 'lost', 'absent', 'halted', 'stale', 'unknown', 'off']);
  expect(wrong.map(rankOf)).toEqual(wrong.map(rankOf).sort((a, b) => a - b));
  const rest = sortedRows(table(SMALL).state).slice(7);
  expect(rest.map(({ node }) => node.addr)).toEqual(rest.map(({ node }) => node.addr).sort((a, b) => a - b));
});

test.each(COLUMNS.map(({ id }) => id))(
  'column %s sorts in both directions, and nodes without a value stand last',
  (id) => {
    const scene = table(SMALL);
    const to = (): void => {
      scene.state = { ...scene.state, column: id };
    };
    to();
    const column = COLUMNS.find((one) => one.id === id);
    const known = (): number => sortedRows(scene.state).filter((row) => column?.value(row) !== null).length;
    const names = order(scene.keys('s'));
    const count = known();
    expect(
      sortedRows(scene.state)
        .slice(count)
        .every((row) => column?.value(row) === null),
    ).toBe(true);
    const values = (): unknown[] =>
      sortedRows(scene.state)
        .slice(0, count)
        .map((row) => column?.value(row));
    const first = values();
    scene.keys('s');
    expect(values()).toEqual(first.toReversed());
    expect(
      sortedRows(scene.state)
        .slice(count)
        .every((row) => column?.value(row) === null),
    ).toBe(true);
    scene.keys('s');
    expect(scene.state.view.table.sort).toBeNull();
    expect(order(scene)).not.toEqual(names.toReversed());
  },
);

test('map and table share cursor, marks and filter, and the keys of a node work in both', () => {
  const scene = table(SMALL).keys(' ', 'j', ' ', 'T');
  expect([...scene.state.marks]).toEqual([0x15, 0x11]);
  expect(scene.state).toMatchObject({ cursor: 0x11, view: { main: 'map' } });
  scene.keys('T', 'p');
  expect(scene.state.overlay).toMatchObject({ kind: 'menu', targets: { nodes: [0x11, 0x15] } });
  scene.keys('\x1b', '/').typed('dns').keys('\r');
  expect(order(scene)).toEqual(['ns01', 'ns02']);
  scene.keys('\x1b[F', '\r').attached('login: ');
  expect(scene.state.pane.attachment).toMatchObject({ kind: 'joined', addr: 0x08 });
  // A console has the screen until it is left: then the table is there again.
  expect(scene.layout).toMatchObject({ table: null, map: null });
  scene.keys('\x1d', 'd');
  expect(scene.layout.table).not.toBeNull();
});

test('a cursor that the filter hides is named as such, and moves to the first row', () => {
  const scene = table(SMALL).keys('/').typed('dns').keys('\r', '15');
  expect(scene.seen().lines().join('\n')).toContain('outside the filter: dk8s-worker-06');
  expect(scene.keys('j').state.cursor).toBe(0x04);
});

test('a click selects a node, a second one opens its console; a click on a title selects and then sorts', () => {
  const scene = table({ cols: 120, rows: 40 });
  scene.state = { ...scene.state, settings: { ...scene.state.settings, mouse: true } };
  const click = (text: string): void => {
    const lines = scene.seen().lines();
    const y = lines.findIndex((line, i) => i > 0 && line.includes(text));
    const x = (lines[y] ?? '').indexOf(text);
    scene.keys(`\x1b[<0;${x + 1};${y + 1}M`, `\x1b[<0;${x + 1};${y + 1}m`);
  };
  click('ns01');
  expect(scene.state.cursor).toBe(0x04);
  click('peak');
  expect(scene.state).toMatchObject({ column: 'peak', view: { table: { sort: null } } });
  click('peak');
  expect(scene.state.view.table.sort).toEqual({ column: 'peak', reverse: true });
  click('ns01');
  expect(scene.state.pane.attachment).toMatchObject({ kind: 'joining', addr: 0x04 });
});

test('no cell of the table is green where its reading is old or missing', async () => {
  const scene = new Scene({ cols: 200, rows: 60, nodes: MIXED }).keys('T');
  const frame = await scene.frame();
  const wrong = sortedRows(scene.state).filter(({ look }) => look.freshness !== 'fresh');
  for (const { node } of wrong) {
    const y = frame.lines().findIndex((line, i) => i > 0 && line.includes(` ${node.name} `));
    expect(y, node.name).toBeGreaterThan(0);
    const inks = frame.inks.slice(y * frame.cols, (y + 1) * frame.cols);
    expect(inks.filter((ink) => ink === 'ok' || ink === 'pulse')).toEqual([]);
  }
});

test('last lines are asked for where their column is on the screen, and never by a session that only looks', () => {
  const asked = (scene: Scene): number => scene.later(0).effects.filter((effect) => effect.do === 'glances').length;
  expect(asked(table({ cols: 200, rows: 60 }))).toBe(1);
  expect(asked(table(SMALL))).toBe(0);
  const looks = table({ cols: 200, rows: 60, access: 'view' });
  expect(asked(looks)).toBe(0);
  expect(looks.seen().lines().join('\n')).toContain('hidden: view only');
});

test('the time since its power came on is shown where rackui saw that', () => {
  const nodes = MIXED.map((node) => (node.addr === 4 ? { ...node, onSince: NOW - 7_300_000 } : node));
  const scene = new Scene({ cols: 200, rows: 60, nodes }).keys('T');
  expect(
    scene
      .seen()
      .lines()
      .find((line) => line.includes('ns01')),
  ).toMatch(/ dns +2h /);
  expect(
    scene
      .seen()
      .lines()
      .find((line) => line.includes('ns02')),
  ).toMatch(/ dns +- /);
});

/** Several times the largest rack: the frame must not take longer than a key may. */
const rackOf = (count: number): Inventory => ({
  name: `er${count}`,
  nodes: Array.from({ length: count }, (_, addr) => ({ ...unnamedNode(addr), addr, name: `worker-${addr}` })),
  configured: true,
  calibration: null,
});

test('768 nodes scroll with the cursor, in every size', () => {
  const rack = rackOf(768);
  const nodes = rack.nodes.map(({ addr }) => nodeOn(addr));
  for (const [cols, rows] of [
    [60, 16],
    [80, 24],
    [200, 60],
  ] as const) {
    const scene = new Scene({ cols, rows, rack, nodes }).keys('T', '\x1b[F');
    expect(scene.state.cursor).toBe(767);
    expect(scene.seen().lines().join('\n')).toMatch(/▌worker-767 .*[^]*, nodes \d+ to 768 of 768/);
    expect(scene.keys('\x1b[5~').state.cursor).toBe(767 - (scene.layout.table?.height ?? 0) + 2);
    expect(scene.keys('\x1b[H').state.cursor).toBe(sortedRows(scene.state)[0]?.node.addr);
  }
});

test('every golden is some screen', () => {
  const names = [...Object.keys(GOLDEN_SCENES), 'table-ascii'].map((name) => `${name}.txt`);
  expect(readdirSync(`${GOLDENS}/table`).sort()).toEqual(names.sort());
});
