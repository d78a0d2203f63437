/** Several racks as goldens: the tabs over one of them, and the overview of all. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { unnamedNode, type Inventory } from '../../src/rack/inventory.ts';
import { glyphs } from '../../src/tui/canvas/glyphs.ts';
import { Panes } from '../../src/tui/canvas/panes.ts';
import type { State } from '../../src/tui/model/state.ts';
import { paintScreen } from '../../src/tui/screen/rack-tabs.ts';
import { expectGolden, GOLDENS } from './golden.ts';
import { FLEET_PLANS, FLEET_PREVIEW, fleetPlans } from './fleet-plans.ts';
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

/** Racks with plans over several of them: one run waits, an earlier one has ended. */
function planned(cols: number, rows: number): Fleet {
  const fleet = five(cols, rows);
  fleet.scene.dispatch({ type: 'fleet-plans', fleet: FLEET_PLANS });
  return fleet;
}

/** What the racks said of a plan: one is not reached, and a guard of another refuses a node. */
function previewed(cols: number, rows: number): Fleet {
  const fleet = planned(cols, rows);
  fleet.scene.keys('R', '!', '\r');
  fleet.scene.dispatch({ type: 'fleet-previewed', panel: fleet.scene.overlayId, preview: FLEET_PREVIEW });
  fleet.scene.typed('shed');
  return fleet;
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
  table: [five, ['R', 'T']],
  'table-search': [five, ['R', 'T', '/', 'l', 'a', 'b']],
  'table-columns': [five, ['R', 'T', 'C', 'j']],
  'table-fleet': [many, ['R', 'T', 'l', 's', 'j']],
  consoles: [five, ['c', 'l', 'a', 'b', ':']],
  plans: [planned, ['R', '!', 'j']],
  'plan-preview': [previewed, []],
  'plan-run': [planned, ['R', '!', 'j', 'j', '\r']],
};

test.each(Object.entries(SCREENS).flatMap(([name, how]) => SIZES.map((size) => [name, how, ...size] as const)))(
  '%s',
  (name, [make, keys], cols, rows) => {
    const { scene, states } = make(cols, rows - 1);
    scene.keys(...keys);
    const frame = paintScreen(new Panes(), states(), 0, () => null, glyphs(false));
    expect([frame.cols, frame.rows]).toEqual([cols, rows]);
    expectGolden(`racks/${name}-${cols}x${rows}`, frame);
  },
);

test('no golden without a test', () => {
  const names = Object.keys(SCREENS).flatMap((name) => SIZES.map(([cols, rows]) => `${name}-${cols}x${rows}.txt`));
  expect(readdirSync(`${GOLDENS}/racks`).sort()).toEqual(names.sort());
});

const lines = (states: State[], active = 0): string[] =>
  paintScreen(new Panes(), states, active, () => null, glyphs(false)).lines();

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
  const frame = paintScreen(new Panes(), states(), 0, () => null, glyphs(false));
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

test('the table has the nodes of all racks with their names, problems first, and a row for a rack not reached', () => {
  const { scene, states } = five(120, 39);
  scene.keys('R', 'T');
  const rows = lines(states()).slice(3, -2);
  const racks = rows.map((line) => /^.(\S+)/.exec(line)?.[1]);
  // The worst is selected, although the selection of the overview was another one.
  expect(rows[0]).toMatch(/^▌er24a dk8s-worker-06 .* its fan has stopp/);
  expect(racks.slice(0, 2)).toEqual(['er24a', 'er24a']);
  expect(rows.find((line) => line.startsWith(' attic'))).toMatch(/^ attic +\? ssh: connect to host mcp-attic/);
  // Nothing of the rack without its server is shown as it is now.
  const frame = paintScreen(new Panes(), states(), 0, () => null, glyphs(false));
  const lost = frame.lines().findIndex((line) => /^.lab /.test(line));
  expect(new Set(frame.inks.slice(lost * frame.cols, (lost + 1) * frame.cols))).not.toContain('ok');
  scene.keys('/').typed('spare').keys('\r');
  expect(lines(states())[1]).toMatch(/search: spare .* 96 found +$/);
  expect(lines(states()).at(-2)).toMatch(/ spare:node-00 .*problems first, nodes 1 to 35 of 96 $/);
});

test('Enter and c in the table lead to the node of the selected row, at its rack', () => {
  const { scene } = five(120, 39);
  scene.keys('R', 'T', '/').typed('spare').keys('\r', 'j', '\r');
  expect(scene.state.overlay).toBeNull();
  expect(scene.effects.at(-1)).toEqual({ do: 'rack', index: 3, node: { addr: 1, attach: false } });
  scene.keys('R', 'T', '/').typed('attic').keys('\r', 'c');
  expect(scene.effects.at(-1)).toEqual({ do: 'rack', index: 4, node: null });
});

test('the table of all racks sorts by each column as that of one rack, and by the name of the rack', () => {
  const { scene, states } = many(200, 59);
  scene.keys('R', 'T', 's');
  const first = (): string => lines(states())[3] ?? '';
  expect(first()).toMatch(/^▌rack-01/);
  scene.keys('h', 's');
  expect(scene.state.view.table.sort).toEqual({ column: 'rack', reverse: false });
  scene.keys('s');
  expect(first()).toMatch(/^▌rack-32/);
  // The notice of the order is there until the next key.
  expect(lines(states()).at(-2)).toMatch(/^ sorted by: rack, last value first/);
  scene.keys('k');
  expect(lines(states()).at(-2)).toMatch(/by rack, nodes 1 to 55 of 768 $/);
  scene.keys('s');
  expect(scene.state.view.table.sort).toBeNull();
  expect(first()).toMatch(/^▌rack-21/);
  // The table of one rack has no such column: what is wrong is first there.
  scene.keys('h', 's', '\x1b', 'T');
  expect(lines(states()).join('\n')).toContain('problems first');
});

test('the columns are chosen over the table of all racks, which shows them afterwards', () => {
  const { scene, states } = many(200, 59);
  scene.keys('R', 'T', 'l', 'C');
  expect(lines(states()).join('\n')).toMatch(/columns of the table[^]*\[x\] addr/);
  scene.keys('j', ' ', '\x1b');
  expect(scene.state.overlay).toMatchObject({ kind: 'racks-table' });
  expect(lines(states())[2]).toMatch(/rack +name +addr +state/);
});

test('the names of rows out of view are not read for a frame of 768 nodes, nor when the selection moves', () => {
  const { scene, states } = many(200, 59);
  scene.keys('R', 'T');
  let read = 0;
  scene.peers = scene.peers.map((peer) => {
    const nodes = peer.rack.nodes.map((node) =>
      Object.defineProperty({ ...node }, 'name', { get: () => (read++, node.name), enumerable: true }),
    );
    return { ...peer, rack: { ...peer.rack, nodes } };
  });
  // The widths of the columns are measured once.
  const before = lines(states());
  read = 0;
  expect(lines(states())).toEqual(before);
  scene.keys('j', '\x1b[6~', '\x1b[F');
  expect(read).toBeLessThan(2 * 59);
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

test('the list of consoles has those of all racks with their names; Enter opens the one of another rack there', () => {
  const { scene, states } = two();
  scene.peers = scene.peers.map((peer) => ({ ...peer, marks: new Set([4]) }));
  scene.keys('c');
  const rows = (): string[] => lines(states()).filter((line) => /│ (north|south) [0-9a-f]{2} /.test(line));
  // No master has a console.
  expect(rows()[0]).toMatch(/north 01 A-1 +dk8s-worker-01 +on/);
  expect(rows().some((line) => line.includes('mcp01'))).toBe(false);
  scene.typed('south:ns');
  expect(rows().map((line) => /south \S+ \S+ +(\S+) +(\S+)/.exec(line)?.slice(1))).toEqual([
    ['ns01', 'on'],
    ['ns02', 'on'],
  ]);
  scene.keys('\x1b[B', '\x1b[B', '\r');
  expect(scene.state.overlay).toBeNull();
  expect(scene.effects.at(-1)).toEqual({ do: 'rack', index: 1, node: { addr: 4, attach: true } });
  // Of this rack it is opened here.
  scene.keys('c').typed('north:ns01').keys('\r');
  expect(scene.effects.at(-1)).toMatchObject({ do: 'attach', addr: 4 });
});

test('without its server a rack’s consoles are listed as not connected, and one of another rack can be opened', () => {
  const { scene, states } = two();
  scene.dispatch({ type: 'link-lost', why: 'the server ended' });
  const count = scene.effects.length;
  scene.keys('c').typed('north:ns01');
  expect(lines(states()).find((line) => line.includes('north 04'))).toMatch(/ns01 +on +no connection/);
  scene.keys('\r');
  expect(scene.state.notice?.text).toBe('console: no connection to the server: reconnecting');
  expect(scene.effects.slice(count).some((effect) => effect.do === 'attach')).toBe(false);
  scene.keys('c').typed('south:ns01').keys('\r');
  expect(scene.effects.at(-1)).toEqual({ do: 'rack', index: 1, node: { addr: 4, attach: true } });
});

test('the palette finds nodes of other racks by the name of the rack, and shows them there', () => {
  const { scene, states } = two();
  scene.keys(':').typed('south:ns01');
  expect(lines(states()).findLast((line) => line.includes('south:ns01'))).toMatch(/south:ns01 B-0 04 dns/);
  scene.keys('\r');
  expect(scene.effects.at(-1)).toEqual({ do: 'rack', index: 1, node: { addr: 4, attach: false } });
});

test('a plan of several racks that has not ended is in the row of tabs, where there is room', () => {
  const { states } = five(120, 39);
  const shown = states().map((state) => ({ ...state, racks: { ...state.racks, fleet: FLEET_PLANS } }));
  expect(lines(shown)[0]).toContain('│ plan shed-dev runs, 1 of 4 parts done');
  const waits = states().map((state) => ({ ...state, racks: { ...state.racks, fleet: fleetPlans('paused') } }));
  expect(lines(waits)[0]).toContain('│ plan shed-dev unfinished, 1 of 4');
  expect(lines(shown)[0]).toMatch(/next {2}. all $/);
  expect(lines(states())[0]).not.toContain('plan');
});
