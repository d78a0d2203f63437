/** The operator's mouse, as a terminal reports it, and the bell. */
import { expect, test } from 'vitest';
import type { Alarm } from '../../src/rack/alarms.ts';
import { layoutOf } from '../../src/tui/layout/layout.ts';
import { cellAt } from '../../src/tui/layout/map-layout.ts';
import { ended, running } from '../screens/operations.ts';
import { preview } from '../screens/plans.ts';
import { ME, MIXED, NOW, Scene } from '../screens/scene.ts';

const WIDE = { cols: 160, rows: 50 };
const ours = (options = {}): Scene => new Scene({ ...options }).keys('M');
const press = (x: number, y: number, button = 0): string => `\x1b[<${button};${x + 1};${y + 1}M`;
const release = (x: number, y: number): string => `\x1b[<0;${x + 1};${y + 1}m`;
const drag = (x: number, y: number): string => press(x, y, 32);
const UP = 64;
const DOWN = 65;

function cell(scene: Scene, addr: number): [x: number, y: number] {
  const layout = layoutOf(scene.state);
  const at = layout.kind === 'normal' && layout.map !== null ? cellAt(layout.map, addr) : null;
  if (at === null) throw new Error('that node is not on the map');
  return [at.x + 3, at.y];
}
const console_ = (scene: Scene): { x: number; width: number } => {
  const layout = layoutOf(scene.state);
  if (layout.kind !== 'normal' || layout.console === null) throw new Error('there is no console');
  return layout.console;
};
const done = (scene: Scene, what: string): object[] => scene.effects.filter((effect) => effect.do === what);

test('off until its key or the configuration says so; the key tells the terminal', () => {
  const scene = new Scene({});
  const [x, y] = cell(scene, 0x06);
  expect(scene.keys(press(x, y), release(x, y)).state.cursor).toBe(0);
  scene.keys('M');
  expect(done(scene, 'report-mouse')).toEqual([{ do: 'report-mouse', on: true }]);
  expect(scene.keys(press(x, y), release(x, y)).state.cursor).toBe(0x06);
  expect(done(scene.keys('M'), 'report-mouse').at(-1)).toEqual({ do: 'report-mouse', on: false });
});

test('a click selects, a second one opens the console as Enter would', () => {
  const scene = ours();
  const [x, y] = cell(scene, 0x0d);
  scene.keys(press(x, y), release(x, y));
  expect([scene.state.cursor, done(scene, 'attach')]).toEqual([0x0d, []]);
  scene.keys(press(x, y));
  expect(done(scene, 'attach')).toMatchObject([{ addr: 0x0d }]);
});

test('every cell of every layout is the node that is seen there', () => {
  for (const size of [{ cols: 80, rows: 24 }, { cols: 120, rows: 40 }, WIDE, { cols: 240, rows: 70 }])
    for (const { addr } of ours(size).state.rack.nodes) {
      const scene = ours(size).keys(addr === 0 ? '01' : '00');
      expect(scene.keys(press(...cell(scene, addr))).state.cursor).toBe(addr);
    }
});

test('the wheel moves on the map and scrolls a panel', () => {
  const scene = ours();
  const [x, y] = cell(scene, 0);
  expect(scene.keys(press(x, y, DOWN)).state.cursor).toBe(0x04);
  expect(scene.keys(press(x, y, UP)).state.cursor).toBe(0x00);
  scene.keys('?', press(x, y, DOWN));
  expect(scene.state.overlay).toMatchObject({ kind: 'help', scroll: 1 });
  const alarms = ours({ nodes: MIXED }).keys('a');
  alarms.keys(press(0, 0, UP));
  expect(alarms.state.overlay).toMatchObject({ kind: 'alarms', selected: 2 });
});

/** Where these words stand on the screen. */
function placeOf(scene: Scene, words: string): [x: number, y: number] {
  const lines = scene.seen().lines();
  const y = lines.findIndex((line) => line.includes(words));
  if (y < 0) throw new Error(`'${words}' is not on the screen:\n${lines.join('\n')}`);
  return [(lines[y] ?? '').indexOf(words), y];
}
const click = (scene: Scene, words: string): Scene => {
  const [x, y] = placeOf(scene, words);
  return scene.keys(press(x, y), release(x, y));
};

test('a click chooses in a list, one on what is chosen does it', () => {
  const alarms = click(ours({ nodes: MIXED }).keys('a'), 'dk8s-worker-05 11');
  expect(alarms.state.overlay).toMatchObject({ kind: 'alarms', selected: 1 });
  expect(click(alarms, 'dk8s-worker-05 11').state).toMatchObject({ overlay: null, cursor: 0x11 });

  const palette = click(ours().keys(':').typed('dns'), 'ns02 C-0');
  expect(palette.state.overlay).toMatchObject({ kind: 'palette', index: 1 });
  expect(click(palette, 'ns02 C-0').state.overlay).toBeNull();

  const consoles = click(ours().keys('c'), 'k8s-worker-04');
  expect(done(consoles, 'attach')).toEqual([]);
  expect(done(click(consoles, 'k8s-worker-04'), 'attach')).toMatchObject([{ addr: 3 }]);

  const operations = click(ours({ operations: [running(), ended()] }).keys('o'), ended().label);
  expect(operations.state.overlay).toMatchObject({ kind: 'operations', selected: 1 });
});

test('from the menu a click leads to a dialog, never past it', () => {
  const scene = click(ours().keys('03', 'p'), 'Force off');
  expect(scene.state.overlay).toMatchObject({ kind: 'menu', index: 3 });
  expect(click(scene, 'Force off').state.overlay).toMatchObject({ kind: 'power', request: { verb: 'force-off' } });
  expect(done(scene, 'start')).toEqual([]);
});

test('a key in the footer is pressed by a click, at a console behind its prefix', () => {
  expect(click(ours(), 'p power').state.overlay).toMatchObject({ kind: 'menu' });
  const scene = click(ours(WIDE).keys('03', '\r').attached('login: '), 'd detach');
  expect(done(scene, 'detach')).toHaveLength(1);
  expect(done(scene, 'keys')).toEqual([]);
});

/** Clicks at each kind of target that the screen has anywhere, and at a cell of every other row and of every tenth column. */
function clickEverywhere(scene: Scene): void {
  const frame = scene.seen();
  const known = new Set<string>();
  for (let y = 0; y < frame.rows; y++)
    for (let x = 0; x < frame.cols; x++) {
      const target = JSON.stringify(frame.targetAt(x, y));
      if (!known.has(target) || (y % 2 === 0 && (x + 4 * y) % 40 === 2)) scene.keys(press(x, y), release(x, y));
      known.add(target);
    }
}

test('nothing in the emergency panel is done by a click', () => {
  const scene = ours(WIDE).keys('!').plans().previewed(preview('shed-dev'));
  const [before, count] = [scene.state.overlay, scene.effects.length];
  clickEverywhere(scene);
  expect(scene.state.overlay).toBe(before);
  expect(scene.effects.slice(count).filter(({ do: what }) => what !== 'detail')).toEqual([]);
});

test('the line above a console below the map is dragged, and remembered', () => {
  const scene = ours({ cols: 100, rows: 40 }).keys('L').keys('03', '\r').attached('login: ').keys('\x1d', 'd');
  const pane = (): { y: number; height: number } => {
    const { console } = scene.layout;
    if (console === null) throw new Error('there is no console');
    return console;
  };
  const { y, height } = pane();
  scene.keys(press(30, y), drag(30, y + 4));
  expect(pane()).toMatchObject({ y: y + 4, height: height - 4 });
  scene.keys(drag(30, 0));
  expect(scene.layout.map?.area.height).toBeGreaterThanOrEqual(4);
  scene.keys(drag(30, 39));
  expect(pane().height).toBe(6);
  scene.keys(drag(30, y + 2), release(30, y + 2));
  expect(done(scene, 'remember').at(-1)).toMatchObject({ view: { splitRows: height - 2 } });
});

test('nothing in a dialog that cuts is done by the mouse', () => {
  const scene = ours().keys('03', 'p', 'f');
  const before = scene.state.overlay;
  clickEverywhere(scene);
  expect(scene.state.overlay).toMatchObject({ kind: 'power', field: before?.kind === 'power' ? before.field : null });
  expect(done(scene, 'start')).toEqual([]);
});

test('the wheel over a console: its own scrollback, unless the node’s program wants it', () => {
  const scene = ours(WIDE).keys('03', '\r').attached('login: ');
  const { x } = console_(scene);
  scene.keys(press(x + 5, 5, UP));
  expect(done(scene, 'mouse')).toHaveLength(1);
  // The runtime knows that the program does not want it.
  scene.dispatch({ type: 'wheel', addr: 3, way: 'up' });
  expect(scene.state.pane.kept.get(3)?.scroll).toBe(3);
  scene.dispatch({ type: 'wheel', addr: 3, way: 'down' }).dispatch({ type: 'wheel', addr: 3, way: 'down' });
  expect(scene.state.pane.kept.get(3)?.scroll).toBe(0);
  // At one that was left there is nobody to ask.
  scene.keys('\x1d', 'd', press(x + 5, 5, UP));
  expect(scene.state.pane.kept.get(3)?.scroll).toBe(3);
  expect(scene.keys(press(x + 5, 5)).state.focus).toBe('console');
});

test('the line between map and console is dragged, within what both need, and remembered', () => {
  const scene = ours(WIDE).keys('03', '\r').attached('login: ');
  const { x, width } = console_(scene);
  scene.keys(press(x, 10), drag(x - 10, 11));
  expect(console_(scene)).toMatchObject({ x: x - 10, width: width + 10 });
  scene.keys(drag(2, 11));
  expect(console_(scene).x).toBeGreaterThanOrEqual(60);
  scene.keys(drag(158, 11));
  expect(console_(scene).width).toBeGreaterThanOrEqual(40);
  scene.keys(drag(x + 4, 11), release(x + 4, 11));
  expect(done(scene, 'remember').at(-1)).toMatchObject({ view: { split: width - 4 } });
  // Let go: moving on moves nothing.
  scene.keys(drag(x - 20, 11));
  expect(console_(scene).x).toBe(x + 4);
});

const alarm = (id: number): Alarm => ({
  ...{ id, kind: 'lost', addr: id, text: 'does not answer', since: NOW, clearedAt: null, acknowledged: null },
});

/** Rings at each of these updates, given as milliseconds after the first and the ids of the alarms then. */
function rings(bell: boolean, ...updates: [at: number, ids: number[]][]): number[] {
  const scene = new Scene({ sessions: [ME] });
  scene.state = { ...scene.state, settings: { ...scene.state.settings, bell } };
  return updates.map(([at, ids]) => {
    const before = scene.effects.length;
    const note = { now: NOW + at, alarms: ids.map(alarm) };
    scene.dispatch({ type: 'update', local: NOW + at, note });
    return scene.effects.slice(before).filter((effect) => effect.do === 'ring').length;
  });
}

test('the bell rings for new alarms, once for a burst of them, and only where that is wanted', () => {
  const story: [number, number[]][] = [
    [0, [1, 2]],
    [1000, [1, 2]],
    [2000, [1, 2, 3]],
    [15_000, [1, 2, 3, 4]],
    [30_000, [4]],
  ];
  expect(rings(true, ...story)).toEqual([1, 0, 0, 1, 0]);
  expect(rings(false, ...story)).toEqual([0, 0, 0, 0, 0]);
});
