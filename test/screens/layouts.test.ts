/** Layouts and zoom as goldens: every preset at every size, racks of every size, and a cursor that is always in sight. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { NodeState } from '../../src/api/methods.ts';
import { formatAddress } from '../../src/rack/address.ts';
import { unnamedNode, type Inventory } from '../../src/rack/inventory.ts';
import { layoutOf } from '../../src/tui/layout/layout.ts';
import { cellAt } from '../../src/tui/layout/map-layout.ts';
import { PRESETS } from '../../src/tui/model/state.ts';
import { expectGolden, GOLDENS } from './golden.ts';
import { EVE, ME, MIXED, nodeOn, RACK, Scene, type SceneOptions } from './scene.ts';

const SIZES = [
  [80, 24],
  [120, 40],
  [160, 50],
  [240, 70],
] as const;

const RACKS = [4, 8, 12, 24, 48, 96];
const TOO_SMALL = [
  [58, 15],
  [40, 10],
  [24, 3],
  [12, 1],
] as const;

const LOGIN = 'k8s-worker-04 login: pi\r\nPassword: \r\n\x1b[1;32mpi@k8s-worker-04\x1b[0m:~$ ';

/** A rack of so many nodes: the reference rack's names, repeated. */
function rackOf(count: number): Inventory {
  const nodes = Array.from({ length: count }, (_, addr) => ({
    ...(RACK.nodes[addr] ?? { ...unnamedNode(addr), name: `worker-${formatAddress(addr)}`, role: 'worker' }),
    addr,
  }));
  return { name: `er${count}`, nodes, configured: true, calibration: null };
}

const nodesOf = (rack: Inventory): NodeState[] =>
  rack.nodes.map(({ addr }) => MIXED.find((node) => node.addr === addr && addr > 4) ?? nodeOn(addr));

function racked(count: number, size: SceneOptions): Scene {
  const rack = rackOf(count);
  return new Scene({ ...size, rack, nodes: nodesOf(rack), sessions: [ME, EVE] });
}

describe.each(SIZES)('%i x %i', (cols, rows) => {
  test.each(PRESETS)('preset %s', async (preset) => {
    const scene = new Scene({ cols, rows, nodes: MIXED, sessions: [ME, EVE] })
      .keys('03\r')
      .attached(LOGIN)
      .keys('\x1dd');
    scene.state = { ...scene.state, cursor: 0x15, view: { ...scene.state.view, preset } };
    if (scene.layout.detail !== null) scene.detailed();
    expectGolden(`layouts/panes-${preset}-${cols}x${rows}`, await scene.frame());
  });

  test.each(RACKS)('a rack of %i nodes', async (count) => {
    const scene = racked(count, { cols, rows });
    if (scene.layout.detail !== null) scene.detailed();
    expectGolden(`layouts/rack-${count}-${cols}x${rows}`, await scene.frame());
  });
});

/** As a rack whose owner has held a meter to it, but not to one node yet. */
function calibrated(size: SceneOptions): Scene {
  const calibration = { amps: 0.0125, zero: 3 };
  const rack = rackOf(24);
  const nodes = rack.nodes.map((node) => (node.addr === 9 ? node : { ...node, calibration }));
  return new Scene({ ...size, rack: { ...rack, nodes }, nodes: nodesOf(rack), sessions: [ME] });
}

const ZOOMS: Record<string, () => Scene> = {
  'zoom-line': () => racked(24, { cols: 80, rows: 24 }).keys('-'),
  'zoom-glyph': () => racked(24, { cols: 80, rows: 24 }).keys('-', '-'),
  'zoom-line-wide': () => racked(24, { cols: 120, rows: 40 }).keys('-'),
  'zoom-full-scrolled': () => racked(96, { cols: 80, rows: 24 }).keys('4e', '+', '+'),
  'zoom-line-scrolled': () => racked(96, { cols: 80, rows: 24 }).keys('5f', '+'),
  'calibrated-80x24': () => calibrated({ cols: 80, rows: 24 }),
  'calibrated-line': () => calibrated({ cols: 120, rows: 40 }).keys('-'),
  'calibrated-240x70': () => calibrated({ cols: 240, rows: 70 }).detailed(),
  'zoom-fit-again': () => racked(96, { cols: 80, rows: 24 }).keys('+', '+', '='),
};
test.each(Object.entries(ZOOMS))('%s', async (name, make) => {
  expectGolden(`layouts/${name}`, await make().frame());
});

test.each(TOO_SMALL)('too small, %i x %i', async (cols, rows) => {
  expectGolden(`layouts/too-small-${cols}x${rows}`, await new Scene({ cols, rows, nodes: MIXED }).frame());
});

test('the cursor is in sight, whatever the size, the zoom and the rack', () => {
  for (const count of [4, 24, 96, 128])
    for (const [cols, rows] of [[60, 16], ...SIZES, [132, 24], [300, 100]] as const)
      for (const preset of PRESETS)
        for (const cells of ['auto', 'full', 'line', 'glyph'] as const) {
          const { state } = racked(count, { cols, rows });
          for (const cursor of [0, 3, Math.floor(count / 2), count - 1]) {
            const layout = layoutOf({ ...state, cursor, view: { ...state.view, preset, cells } });
            if (layout.kind !== 'normal' || layout.map === null) expect.fail('there is no map');
            const { map } = layout;
            const at = cellAt(map, cursor);
            const where = `${count} nodes, ${cols}x${rows}, ${preset}, ${cells}, node ${cursor}`;
            if (at === null) expect.fail(`${where}: scrolled out of sight`);
            expect(at.x, where).toBeGreaterThanOrEqual(map.area.x);
            expect(at.x + map.cellWidth, where).toBeLessThanOrEqual(map.area.x + map.area.width + 1);
            expect(at.y, where).toBeGreaterThanOrEqual(map.area.y);
            expect(at.y + map.lines, where).toBeLessThanOrEqual(map.area.y + map.area.height);
            // Nothing lies over anything else.
            const below = [layout.selected, layout.events, layout.operations, layout.detail, layout.console];
            for (const rect of below.filter((one) => one !== null))
              expect(
                rect.y >= at.y + map.lines || rect.x >= at.x + map.cellWidth - 1,
                `${where} under ${JSON.stringify(rect)}`,
              ).toBe(true);
          }
        }
});

test('arrows go from band to band and come to every node', () => {
  const scene = racked(96, { cols: 80, rows: 24 });
  const seen = new Set<number>();
  const walk = (): void => {
    seen.add(scene.state.cursor);
  };
  scene.keys('17');
  for (const key of ['l', 'h']) {
    for (let i = 0; i < 40; i++) {
      scene.keys(key);
      walk();
    }
  }
  // The whole line of the screen: both bands.
  expect([...seen].sort((a, b) => a - b)).toEqual([0x14, 0x15, 0x16, 0x17, 0x44, 0x45, 0x46, 0x47]);
});

test('every golden here is some screen', () => {
  const sized = SIZES.map(([cols, rows]) => `${cols}x${rows}`);
  const names = [
    ...sized.flatMap((size) => PRESETS.map((preset) => `panes-${preset}-${size}`)),
    ...sized.flatMap((size) => RACKS.map((count) => `rack-${count}-${size}`)),
    ...Object.keys(ZOOMS),
    ...TOO_SMALL.map(([cols, rows]) => `too-small-${cols}x${rows}`),
  ];
  expect(readdirSync(`${GOLDENS}/layouts`).sort()).toEqual(names.map((name) => `${name}.txt`).sort());
});
