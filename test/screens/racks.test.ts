/** Several racks as goldens: the tabs over one of them, and the overview of all. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { unnamedNode, type Inventory } from '../../src/rack/inventory.ts';
import { glyphs } from '../../src/tui/canvas/glyphs.ts';
import type { State } from '../../src/tui/model/state.ts';
import { paintScreen } from '../../src/tui/screen/rack-tabs.ts';
import { expectGolden, GOLDENS } from './golden.ts';
import { EVE, ME, MIXED, nodeOn, NOW, Scene } from './scene.ts';

const NAMES = ['er24a', 'er24b', 'lab', 'spare', 'attic'];

interface Fleet {
  scene: Scene;
  states: () => State[];
}

function fleetOf(scenes: readonly Scene[], names: readonly string[]): Fleet {
  scenes.forEach((scene, index) => {
    scene.state = { ...scene.state, racks: { names, index, shown: index === 0 } };
  });
  const [first, ...others] = scenes;
  if (first === undefined) throw new Error('a fleet has racks');
  first.peers = others.map(({ state }) => state);
  return { scene: first, states: () => [first.state, ...first.peers] };
}

function plain(cols: number, rows: number, name: string, count: number): Scene {
  const rack: Inventory = {
    name,
    nodes: Array.from({ length: count }, (_, addr) => unnamedNode(addr)),
    configured: true,
    calibration: null,
  };
  return new Scene({ cols, rows, rack, nodes: rack.nodes.map(({ addr }) => nodeOn(addr)), sessions: [ME] });
}

/** Five racks: as one is in life, without a bus, without its server, of 96 nodes, and one that was never reached. */
function five(cols: number, rows: number): Fleet {
  const [b, lab, spare, attic] = [24, 8, 96, 0].map((count, i) => plain(cols, rows, NAMES[i + 1] ?? '', count));
  if (!b || !lab || !spare || !attic) throw new Error('five racks');
  for (const scene of [b, lab, spare, attic]) scene.state = { ...scene.state, alarms: [] };
  b.state = { ...b.state, bus: { ...b.state.bus, state: 'down', detail: '/dev/ttyUSB1 is gone' } };
  lab.dispatch({ type: 'link-lost', why: 'the server ended' });
  attic.dispatch({ type: 'link-lost', why: 'ssh: connect to host mcp-attic port 22: No route to host' });
  return fleetOf([new Scene({ cols, rows, nodes: MIXED, sessions: [ME, EVE] }), b, lab, spare, attic], NAMES);
}

/** 32 racks of 24 nodes; one has an alarm, one is not reached, one has a node that is lost. */
function many(cols: number, rows: number): Fleet {
  const names = Array.from({ length: 32 }, (_, i) => `rack-${String(i + 1).padStart(2, '0')}`);
  const scenes = names.map((name) => plain(cols, rows, name, 24));
  scenes.forEach((scene, i) => {
    if (i !== 20) scene.state = { ...scene.state, alarms: [] };
  });
  scenes[11]?.dispatch({ type: 'link-lost', why: 'the server ended' });
  const silent = { state: 'failed', failure: 'silent', since: NOW - 9_000, tries: 3, last: null } as const;
  const nodes = [nodeOn(5, { reading: silent })];
  scenes[6]?.dispatch({ type: 'update', note: { now: NOW, nodes }, local: NOW });
  return fleetOf(scenes, names);
}

const SIZES = [
  [80, 24],
  [120, 40],
  [200, 60],
] as const;
const SCREENS: Record<string, [(cols: number, rows: number) => Fleet, string[]]> = {
  tabs: [five, []],
  overview: [five, ['R']],
  'overview-unreached': [five, ['R', '>']],
  'overview-search': [five, ['R', '/', 'w', 'o', 'r', 'k', 'e', 'r']],
  'overview-heat': [five, ['R', 'H']],
  fleet: [many, ['R']],
};

test.each(Object.entries(SCREENS).flatMap(([name, how]) => SIZES.map((size) => [name, how, ...size] as const)))(
  '%s',
  (name, [make, keys], cols, rows) => {
    const { scene, states } = make(cols, rows - 1);
    scene.keys(...keys);
    const frame = paintScreen(states(), 0, () => null, glyphs(false));
    expect([frame.cols, frame.rows]).toEqual([cols, rows]);
    expectGolden(`racks/${name}-${cols}x${rows}`, frame);
  },
);

test('no golden without a test', () => {
  const names = Object.keys(SCREENS).flatMap((name) => SIZES.map(([cols, rows]) => `${name}-${cols}x${rows}.txt`));
  expect(readdirSync(`${GOLDENS}/racks`).sort()).toEqual(names.sort());
});

const lines = (states: State[], active = 0): string[] => paintScreen(states, active, () => null, glyphs(false)).lines();

test('overview shows the racks worst first: alarms, no connection, no bus, lost nodes, the others', () => {
  const { scene, states } = many(120, 39);
  scene.keys('R');
  const text = lines(states()).join('\n');
  const order = [...text.matchAll(/rack-\d\d(?= {2})/g)].map(([name]) => name);
  expect(order.slice(0, 4)).toEqual(['rack-21', 'rack-12', 'rack-07', 'rack-01']);
  expect(new Set(order).size).toBe(32);
});

test('two keys of the overview show a node of another rack, or open its console', () => {
  const { scene } = five(120, 39);
  scene.keys('R', '\t', '\t', '\t', 'h', '\r');
  expect(scene.state.overlay).toBeNull();
  expect(scene.effects.at(-1)).toEqual({ do: 'rack', index: 1, node: { addr: 3, attach: false } });
  scene.keys('R', '/').typed('spare').keys('\r', 'c');
  expect(scene.effects.at(-1)).toEqual({ do: 'rack', index: 3, node: { addr: 3, attach: true } });
});

test('a chosen node is selected in its rack; its console opens unless the server is lost', () => {
  const scene = plain(120, 39, 'one', 24);
  scene.dispatch({ type: 'go', addr: 7, attach: false });
  expect(scene.state).toMatchObject({ cursor: 7, focus: 'map', overlay: null });
  scene.dispatch({ type: 'go', addr: 9, attach: true });
  expect(scene.effects.at(-1)).toMatchObject({ do: 'attach', addr: 9 });
  const lost = plain(120, 39, 'two', 24).dispatch({ type: 'link-lost', why: 'the server ended' });
  const count = lost.effects.length;
  lost.dispatch({ type: 'go', addr: 9, attach: true });
  expect(lost.effects.slice(count).some((effect) => effect.do === 'attach')).toBe(false);
  expect(lost.state.notice?.text).toBe('console: no connection to the server: reconnecting');
});

test('the values of a lost rack turn stale in the overview and are never green', () => {
  const { scene, states } = five(120, 39);
  scene.keys('R');
  const frame = paintScreen(states(), 0, () => null, glyphs(false));
  const y = frame.lines().findIndex((line) => /^.lab /.test(line));
  const inks = new Set(frame.inks.slice((y + 1) * frame.cols, (y + 1) * frame.cols + 12));
  expect(inks).toContain('stale');
  expect(inks).not.toContain('ok');
});

test('the tab of the shown rack is visible however many racks there are', () => {
  const { states } = many(80, 23);
  const all = states();
  for (const active of [0, 9, 31]) expect(lines(all, active)[0]).toContain(` ${all[active]?.racks.names[active]} `);
});

/** Two racks with the same nodes; the second one's alarms came a minute later. */
function two(): { scene: Scene; states: () => State[] } {
  const { scene, states } = fleetOf(
    ['north', 'south'].map(() => new Scene({ cols: 160, rows: 49, nodes: MIXED })),
    ['north', 'south'],
  );
  scene.peers = scene.peers.map((peer) => ({
    ...peer,
    alarms: peer.alarms.map((alarm) => ({ ...alarm, since: alarm.since + 60_000 })),
    events: peer.events.map((event) => ({ ...event, at: event.at + 50_000 })),
  }));
  return { scene, states };
}

test('the list of alarms has those of all racks with their names; Enter shows the rack at the node', () => {
  const { scene, states } = two();
  scene.keys('a');
  const rows = lines(states()).filter((line) => /(north|south):/.test(line));
  expect(rows).toHaveLength(6);
  expect(rows.at(-1)).toMatch(/south:.*its fan has stopped/);
  scene.keys('\r');
  expect(scene.effects.at(-1)).toEqual({ do: 'rack', index: 1, node: { addr: 0x15, attach: false } });
});

test('alarms of another rack are acknowledged there, and refused with the reason where that is impossible', () => {
  const { scene } = two();
  scene.keys('a', ' ');
  expect(scene.effects.at(-1)).toEqual({ do: 'elsewhere', index: 1, effect: { do: 'acknowledge', ids: [3] } });
  scene.keys('A');
  expect(scene.effects.slice(-2)).toEqual([
    { do: 'acknowledge', ids: null },
    { do: 'elsewhere', index: 1, effect: { do: 'acknowledge', ids: null } },
  ]);
  const count = scene.effects.length;
  scene.peers = scene.peers.map((peer) => ({ ...peer, access: 'view' }));
  scene.keys(' ');
  expect(scene.effects.slice(count)).toEqual([]);
  expect(scene.state.notice?.text).toBe('south: not acknowledged: this is a view-only session');
});

test('the list of events has those of all racks by time; Enter shows the rack at the node', () => {
  const { scene, states } = two();
  scene.keys('e');
  const rows = lines(states()).filter((line) => /(north|south):/.test(line));
  expect(rows.map((line) => /(north|south):/.exec(line)?.[1])).toEqual([
    ...['north', 'north', 'north', 'south', 'north', 'south', 'south', 'south'],
  ]);
  scene.keys('\r');
  expect(scene.effects.at(-1)).toEqual({ do: 'rack', index: 1, node: { addr: 0x15, attach: false } });
});

test('the palette finds nodes of other racks by the name of the rack, and shows them there', () => {
  const { scene, states } = two();
  scene.keys(':').typed('south:ns01');
  expect(lines(states()).findLast((line) => line.includes('south:ns01'))).toMatch(/south:ns01 B-0 04 dns/);
  scene.keys('\r');
  expect(scene.effects.at(-1)).toEqual({ do: 'rack', index: 1, node: { addr: 4, attach: false } });
});
