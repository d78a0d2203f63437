/** A frame that keeps panes of the one before it is the frame that is painted from nothing. */
import { expect, test } from 'vitest';
import type { NodeState } from '../../src/api/methods.ts';
import { STALE_AFTER_MS } from '../../src/rack/reading.ts';
import type { Frame, Rect } from '../../src/tui/canvas/frame.ts';
import { glyphs } from '../../src/tui/canvas/glyphs.ts';
import { Panes } from '../../src/tui/canvas/panes.ts';
import { bindingsIn } from '../../src/tui/keymap/lookup.ts';
import { withNotice } from '../../src/tui/model/events.ts';
import { PRESETS } from '../../src/tui/model/state.ts';
import { paintScreen } from '../../src/tui/screen/rack-tabs.ts';
import { plot } from '../../src/tui/terminal/plot.ts';
import { ended, running } from './operations.ts';
import { MIXED, NOW, nodeOn, RACK, Scene } from './scene.ts';

const G = glyphs(false);

/** Numbers from 0 to 1, the same in each run. */
function chance(seed: number): () => number {
  let at = seed;
  return () => {
    at = (at * 1_103_515_245 + 12_345) % 2_147_483_648;
    return at / 2_147_483_648;
  };
}

/** Samples of some of the nodes. */
function samples(scene: Scene, random: () => number): void {
  const nodes = RACK.nodes.flatMap(({ addr }): NodeState[] => {
    const { reading, ...rest } = nodeOn(addr);
    if (reading.state !== 'ok' || random() < 0.4) return [];
    const values = { current: Math.floor(random() * 90), fan: Math.floor(random() * 130), at: scene.now };
    return [{ ...rest, reading: { ...reading, sample: { ...reading.sample, ...values } } }];
  });
  update(scene, { nodes });
}

type Note = Parameters<Scene['dispatch']>[0] & { type: 'update' };
const update = (scene: Scene, note: Omit<Note['note'], 'now'>): unknown =>
  scene.dispatch({ type: 'update', note: { now: scene.now, ...note }, local: scene.now });

/** Presses one of the keys that are in force on the map, the table, or at the console. */
function press(scene: Scene, random: () => number): void {
  const { state } = scene;
  const contexts = [state.view.main, 'map', 'prefix'] as const;
  const bindings = bindingsIn(state, contexts[Math.floor(random() * contexts.length)] ?? 'map');
  const [name = 'up'] = bindings[Math.floor(random() * bindings.length)]?.keys ?? [];
  const token = { kind: 'key', name, bytes: new Uint8Array() } as const;
  scene.dispatch({ type: 'token', token, burst: 1, local: scene.now, fleet: [state] });
}

/** All that happens to a screen; the first ones most often. */
const HAPPENS: readonly ((scene: Scene, random: () => number) => unknown)[] = [
  samples,
  (scene) => scene.later(1000),
  press,
  (scene) => scene.keys('\x1b'),
  (scene, random) => scene.later(random() * 2 * STALE_AFTER_MS),
  (scene) => {
    const { layout } = scene;
    if (layout.detail !== null && scene.state.overlay === null && scene.state.link.kind === 'connected')
      scene.later(0).detailed();
  },
  (scene, random) => {
    const [text, addr, level] = ['it happened', Math.floor(random() * 24), 'notice'] as const;
    scene.dispatch({ type: 'event', note: { seq: scene.now, at: scene.now, topic: 'node', level, addr, text } });
  },
  (scene, random) => {
    const { bus } = scene.state;
    update(scene, {
      bus: { ...bus, sweepMs: random() * 99, quietReads: random() < 0.5, state: random() < 0.7 ? 'ready' : 'locked' },
    });
  },
  (scene, random) => {
    const view = { ...scene.state.view, preset: PRESETS[Math.floor(random() * PRESETS.length)] ?? 'auto' };
    scene.state = { ...scene.state, view };
  },
  (scene) => scene.dispatch({ type: 'operation', note: running() }),
  (scene) => scene.dispatch({ type: 'operation', note: ended() }),
  (scene) => scene.dispatch({ type: 'identified', addr: scene.state.cursor, uid: '0a1b2c', why: '' }),
  (scene) => scene.dispatch({ type: 'tick', local: scene.now, dateAhead: scene.now - NOW }),
  (scene) =>
    scene.dispatch({ type: 'detail-failed', error: Object.assign(new Error('it is gone'), { code: 0, data: null }) }),
  (scene) => (scene.state = withNotice(scene.state, 'warning', 'the bus was busy for a while, and is not any more')),
  (scene, random) => {
    const { cols, rows } = scene.state.size;
    scene.dispatch({ type: 'resize', cols: cols + (random() < 0.5 ? 1 : -1), rows });
  },
  (scene) =>
    (scene.state = { ...scene.state, rack: { ...scene.state.rack, nodes: scene.state.rack.nodes.slice(0, 20) } }),
];

/** Paints over the frame before and from nothing, and compares all that a frame holds. */
function compare(panes: Panes, scene: Scene, what: string): void {
  const { state, screens } = scene;
  const kept = paintScreen(panes, [state], 0, screens, G, plot);
  // Another rack of the same nodes: nothing that was computed for a rack is known of it.
  const whole = paintScreen(new Panes(), [{ ...state, rack: { ...state.rack } }], 0, screens, G, plot);
  const differs: number[] = [];
  for (let y = 0; y < whole.rows; y++) {
    if (kept.sameRow(whole, y)) continue;
    for (let i = y * whole.cols; i < (y + 1) * whole.cols; i++) if (!kept.sameCell(whole, i)) differs.push(i);
  }
  if (differs.length > 0) expect(kept.lines(), what).toEqual(whole.lines());
  expect(differs, what).toEqual([]);
  expect(kept.cursor, what).toEqual(whole.cursor);
  const targets = (frame: Frame): string[] =>
    Array.from({ length: Math.floor((frame.cols * frame.rows) / 13) }, (_, n) =>
      JSON.stringify(frame.targetAt((n * 13) % frame.cols, Math.floor((n * 13) / frame.cols))),
    );
  if (targets(kept).join() !== targets(whole).join()) expect(targets(kept), what).toEqual(targets(whole));
}

test.each([
  [80, 24],
  [120, 40],
  [160, 50],
  [200, 60],
])('at %ix%i whatever happens', async (cols, rows) => {
  for (const begin of ['', 'T', 'g', '\r']) {
    const random = chance(cols + begin.length);
    const scene = new Scene({ cols, rows, nodes: MIXED }).keys('03', ...(begin === '' ? [] : [begin]));
    if (begin === '\r') scene.attached('login: ');
    await scene.parsed();
    const panes = new Panes();
    for (let i = 0; i < 25; i++) {
      const which = Math.floor(random() * random() * HAPPENS.length);
      HAPPENS[which]?.(scene, random);
      await scene.parsed();
      compare(panes, scene, `${begin}: ${which} at ${i}`);
    }
  }
});

test('without a message ages go on until every node is old', () => {
  const scene = new Scene({ cols: 160, rows: 50 });
  const panes = new Panes();
  const greens = (): number => {
    const { chars, inks } = paintScreen(panes, [scene.state], 0, scene.screens, G);
    return chars.filter((ch, i) => ch === G.power.on && inks[i] === 'ok').length;
  };
  const before = greens();
  for (let ms = 0; ms <= STALE_AFTER_MS; ms += 1000) compare(panes, scene.later(1000), `after ${ms}`);
  expect(before).toBeGreaterThan(23);
  expect(scene.state.now - NOW).toBeGreaterThan(STALE_AFTER_MS);
  // The legend's own.
  expect(greens()).toBe(1);
});

test('a second with samples paints neither the events nor the keys again', () => {
  const painted: Rect[] = [];
  class Watched extends Panes {
    override renew<T>(rect: Rect, paint: () => T): T {
      painted.push(rect);
      return super.renew(rect, paint);
    }
  }
  const scene = new Scene({ cols: 160, rows: 50 });
  const { footer, events } = scene.layout;
  const panes = new Watched();
  const random = chance(1);
  for (let second = 0; second < 3; second++) {
    compare(panes, scene, 'a second');
    samples(scene.later(1000), random);
  }
  for (const rect of [footer, events]) expect(painted.filter((one) => one === rect)).toHaveLength(1);
});
