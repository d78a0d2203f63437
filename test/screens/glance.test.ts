/** The consoles at a glance as goldens: all of them, the marked ones, racks that scroll; what is asked for, and when. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ConsoleState } from '../../src/api/methods.ts';
import type { ConsoleGlance } from '../../src/api/node.ts';
import { unnamedNode, type Inventory } from '../../src/rack/inventory.ts';
import { tilesOf } from '../../src/tui/glance/glance.ts';
import { expectGolden, GOLDENS } from './golden.ts';
import { EVE, ME, MIXED, nodeOn, Scene, type SceneOptions } from './scene.ts';

type Seen = Partial<NonNullable<ConsoleGlance['seen']>>;

const BOOT = [
  '[    1.204113] systemd[1]: Reached target multi-user.target - Multi-User System, and this line is longer than a tile.',
  '',
  'Debian GNU/Linux 13 k8s-worker-04 ttyS0',
  '',
];
const SCREENS: Record<number, Seen> = {
  0x01: { shows: 'shell', lines: ['pi@dk8s-worker-01:~$ uptime', ' 09:12:01 up 41 days', 'pi@dk8s-worker-01:~$'] },
  0x02: { shows: 'blank', lines: [] },
  0x03: { shows: 'login', lines: [...BOOT, 'k8s-worker-04 login:'] },
  0x04: { shows: 'program', lines: ['Do you want to continue? [Y/n]'], at: 0 },
  0x06: { from: 'log', lines: ['日本 wide and \u009b bad'] },
  0x11: {
    ...{ shows: 'failed', from: 'log' },
    lines: [
      '[    4.101] Kernel panic - not syncing: Attempted to kill init!',
      '[    4.102] ---[ end Kernel panic ]---',
    ],
  },
};

const glance = (size: SceneOptions): Scene =>
  new Scene({ nodes: MIXED, sessions: [ME, EVE], ...size }).keys('03', 'g').glanced(SCREENS);

const SMALL = { cols: 80, rows: 24 };
const SCENES: Record<string, () => Scene> = {
  'glance-60x16': () => glance({ cols: 60, rows: 16 }),
  'glance-80x24': () => glance(SMALL),
  'glance-120x40': () => glance({ cols: 120, rows: 40 }),
  'glance-200x60': () => glance({ cols: 200, rows: 60 }),
  'glance-marked': () => glance(SMALL).keys(' ', '11', ' ').glanced(SCREENS),
  'glance-filtered': () => glance(SMALL).keys('/').typed('dns').keys('\r').glanced(SCREENS),
};

test.each(Object.entries(SCENES))('%s', async (name, made) => {
  expectGolden(`glance/${name}`, await made().frame());
});

test('without a UTF-8 terminal every tile is drawn in ASCII', async () => {
  expectGolden('glance/glance-ascii', await glance(SMALL).frame(true));
});

test('every golden is some screen', () => {
  const names = [...Object.keys(SCENES), 'glance-ascii'].map((name) => `${name}.txt`);
  expect(readdirSync(`${GOLDENS}/glance`).sort()).toEqual(names.sort());
});

const asked = (scene: Scene): number[][] =>
  scene.effects.flatMap((effect) => (effect.do === 'glances' ? [[...effect.addrs]] : []));

test('each visible console is asked for once, but for the master, and again as it ages', () => {
  const scene = glance(SMALL);
  expect(asked(scene).flat()).toEqual(MIXED.map(({ addr }) => addr).filter((addr) => addr !== 0));
  const before = asked(scene).length;
  scene.later(5000);
  expect(asked(scene)).toHaveLength(before);
  scene.later(11_000);
  expect(asked(scene).length).toBe(before + 1);
});

test('the console that is open is asked for every second', () => {
  const scene = glance(SMALL);
  const console: ConsoleState = {
    ...{ addr: 3, state: 'open', holder: EVE.id, holderName: 'eve', holderSilentSince: null },
    ...{ watchers: [], unproven: null, baud: 115200 },
  };
  scene.dispatch({ type: 'update', note: { now: scene.now, console }, local: scene.now });
  scene.later(1100);
  expect(asked(scene).at(-1)).toEqual([3]);
  scene.glanced({ 3: { from: 'open', shows: 'shell', lines: ['# live'] } });
  expect(scene.seen().lines().join('\n')).toMatch(/▌● k8s-worker-04 +open /);
});

test('more lines are asked for where the tiles grow', () => {
  const scene = glance(SMALL).keys(' ');
  const rows = scene.effects.flatMap((effect) => (effect.do === 'glances' ? [effect.rows] : []));
  expect(rows.at(-1)).toBeGreaterThan(rows[0] ?? 0);
});

test('arrows go from tile to tile, Enter opens the selected console, and leaving it comes back', () => {
  const scene = glance(SMALL);
  const columns = tilesOf(scene.state)?.columns ?? 0;
  expect(scene.keys('\x1b[B').state.cursor).toBe(3 + columns);
  expect(scene.keys('\x1b[C').state.cursor).toBe(4 + columns);
  scene.keys('\x1b[A', '\r').attached('login: ');
  expect(scene.state.pane.attachment).toMatchObject({ kind: 'joined', addr: 4 });
  expect(scene.layout.glance).toBeNull();
  scene.keys('\x1d', 'd');
  expect(scene.layout.glance).not.toBeNull();
  expect(scene.keys('g').state.view.main).toBe('map');
});

test('a session that only looks is refused with the reason', () => {
  const scene = new Scene({ access: 'view' }).keys('g');
  expect(scene.state).toMatchObject({ view: { main: 'map' } });
  expect(scene.state.notice?.text).toContain('only control sessions');
  // Also where the view of an earlier run is the one of the consoles.
  scene.state = { ...scene.state, view: { ...scene.state.view, main: 'glance' } };
  expect(asked(scene.later(1000))).toEqual([]);
});

test('a rack of 128 nodes scrolls, and the selected tile is always visible', () => {
  const nodes = Array.from({ length: 128 }, (_, addr) => ({ ...unnamedNode(addr), name: `worker-${addr}` }));
  const rack: Inventory = { name: 'er128', nodes, configured: true, calibration: null };
  for (const [cols, rows] of [
    [60, 16],
    [80, 24],
    [200, 60],
  ] as const) {
    const scene = new Scene({ cols, rows, rack, nodes: nodes.map(({ addr }) => nodeOn(addr)) }).keys('g');
    for (const key of ['\x1b[F', '\x1b[A', '\x1b[5~', '\x1b[H', '\x1b[6~', '\x1b[B']) {
      scene.keys(key);
      const tiles = tilesOf(scene.state);
      if (tiles === null) expect.fail('there are no tiles');
      const at = tiles.nodes.indexOf(scene.state.cursor);
      expect(at >= tiles.from && at < tiles.from + tiles.count, `${cols}x${rows} ${at}`).toBe(true);
      expect(asked(scene).every((addrs) => addrs.length <= 32)).toBe(true);
    }
  }
});
