/** Heat: the value that colours the map's cells, its legend, and what never gets a colour. */
import { describe, expect, test } from 'vitest';
import type { NodeState } from '../../src/api/methods.ts';
import { HEAT_GROUNDS, type Frame } from '../../src/tui/canvas/frame.ts';
import { cellAt } from '../../src/tui/layout/map-layout.ts';
import { HEATS, viewFrom } from '../../src/tui/model/state.ts';
import { MIXED, nodeOn, NOW, RACK, Scene } from '../screens/scene.ts';

const by = (heat: (typeof HEATS)[number], scene: Scene): Scene => {
  scene.state = { ...scene.state, view: { ...scene.state.view, heat } };
  return scene;
};

/** Level of a node's cell, 1 to 5, from its last line; null: its ground is another one. */
function levelOf(scene: Scene, frame: Frame, addr: number): number | null {
  const { map } = scene.layout;
  const at = map && cellAt(map, addr);
  if (!map || !at) throw new Error(`node ${addr} is not on the map`);
  const ground = frame.groundAt((at.y + map.lines - 1) * frame.cols + at.x + 1);
  const level = HEAT_GROUNDS.findIndex((one) => one === ground);
  return level < 0 ? null : level + 1;
}

const reading = (current: number, fan: number, age = 300): NodeState['reading'] => ({
  state: 'ok',
  sample: { power: 'on', current, fan, at: NOW - age, rttMs: 3 },
  source: 'sweep',
});

test('the key cycles the values, each named, and the choice is kept', () => {
  const scene = new Scene({ cols: 120, rows: 40 });
  const seen = HEATS.map(() => {
    scene.keys('H');
    expect(scene.state.notice?.text).toContain('map: colours by ');
    return scene.state.view.heat;
  });
  expect(seen).toEqual(['current', 'fan', 'age', 'cluster', 'alarm', 'state']);
  const kept = scene.effects.filter((effect) => effect.do === 'remember');
  expect(kept.map(({ view }) => viewFrom(view).heat)).toEqual(seen);
  expect(viewFrom({ heat: 'colder' }).heat).toBe('state');
});

test.each(HEATS.filter((heat) => heat !== 'state'))('by %s, an old or unknown node has no colour', (heat) => {
  const scene = by(heat, new Scene({ cols: 160, rows: 50, nodes: MIXED }));
  const frame = scene.seen();
  // 42 s old, silent since it was on, never heard, not asked yet; an alarm is known of the second.
  for (const addr of heat === 'alarm' ? [0x0e, 0x12, 0x14] : [0x0e, 0x11, 0x12, 0x14])
    expect(levelOf(scene, frame, addr), `node ${addr}`).toBe(null);
  expect(levelOf(scene, frame, 0x03)).not.toBe(null);
});

test('without a server no node has a colour once its value is old', () => {
  const scene = by('current', new Scene({ cols: 160, rows: 50 })).dispatch({ type: 'link-lost', why: 'it ended' });
  const frame = scene.later(11_000).seen();
  for (const { addr } of RACK.nodes) expect(levelOf(scene, frame, addr)).toBe(null);
});

describe('levels', () => {
  test('of current and fan rise with the value from one end of the legend to the other', () => {
    const nodes = RACK.nodes.map(({ addr }) => nodeOn(addr, { reading: reading(20 + 4 * addr, 90 + 5 * addr) }));
    for (const heat of ['current', 'fan'] as const) {
      const scene = by(heat, new Scene({ cols: 160, rows: 50, nodes }));
      scene.state = { ...scene.state, cursor: 5 };
      const frame = scene.seen();
      const levels = RACK.nodes.map(({ addr }) => levelOf(scene, frame, addr) ?? 0);
      expect([...levels].sort((a, b) => a - b)).toEqual(levels);
      expect(new Set(levels).size).toBe(5);
    }
  });

  test('of age rise until a reading is old', () => {
    const ages = [300, 3000, 5000, 7000, 9500, 10_500];
    const nodes = RACK.nodes.map(({ addr }, i) => nodeOn(addr, { reading: reading(30, 100, ages[i % ages.length]) }));
    const scene = by('age', new Scene({ cols: 160, rows: 50, nodes }));
    const frame = scene.seen();
    expect(ages.map((_, addr) => levelOf(scene, frame, addr))).toEqual([1, 2, 3, 4, 5, null]);
  });

  test('of clusters are as far apart as the ramp allows, and a node without one has none', () => {
    const scene = by('cluster', new Scene({ cols: 160, rows: 50 }));
    const frame = scene.seen();
    expect([0x01, 0x03, 0x04].map((addr) => levelOf(scene, frame, addr))).toEqual([1, 5, null]);
  });

  test('of alarms: one on a silent node has its colour too', () => {
    const scene = by('alarm', new Scene({ cols: 160, rows: 50, nodes: MIXED }));
    const frame = scene.seen();
    // Acknowledged, active, none, and nothing known.
    expect([0x11, 0x15, 0x03, 0x12].map((addr) => levelOf(scene, frame, addr))).toEqual([3, 5, 1, null]);
  });
});

describe('the legend', () => {
  test.each([
    ['current', /by current.*0 \d+ ▁▂▄▅▆ \d+ ct/],
    ['fan', /by fan.*0 \d+ ▁▂▄▅▆ \d+ ct/],
    ['age', /by age.*0 0 ▁▂▄▅▆ 10 s/],
    ['cluster', /by cluster.*dev▁ prod▆/],
    ['alarm', /by alarm.*no▁ ack▄ new▆/],
  ] as const)('of %s says the values of both ends, at 80x24', (heat, says) => {
    expect(
      by(heat, new Scene({ cols: 80, rows: 24 }))
        .seen()
        .lines()[1],
    ).toMatch(says);
  });

  test('has no colours without a value, and every level a sign of its own in ASCII', () => {
    const scene = by('current', new Scene({ cols: 160, rows: 50 }));
    expect(scene.seen(true).lines().join('\n')).toMatch(/H colours: current \d+ \.:\+%# \d+ ct/);
    expect(
      by('state', scene)
        .seen()
        .grounds.some((ground) => ground.startsWith('heat')),
    ).toBe(false);
  });
});
