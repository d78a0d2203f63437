/** The strips of the map: the server's history, continued by samples; gaps, scale, total, and how much of them moves. */
import { describe, expect, test } from 'vitest';
import type { RackHistory } from '../../src/api/node.ts';
import type { Sample } from '../../src/rack/reading.ts';
import { barRows, glyphs } from '../../src/tui/canvas/glyphs.ts';
import { stripOf, stripView } from '../../src/tui/map/strips.ts';
import { WINDOW_MS, WINDOWS } from '../../src/tui/model/state.ts';
import {
  CURRENT,
  FAN,
  stepOf,
  type Strips,
  stripsFrom,
  stripValues,
  totalValues,
  withSamples as withSamplesAt,
} from '../../src/tui/model/strips.ts';
import { NOW, RACK, Scene } from '../screens/scene.ts';

const STEP = 1000;
const INTERVAL = 1000;
const T0 = NOW - (NOW % STEP);
const sample = (at: number, current: number, fan = 100): Sample => ({ power: 'on', current, fan, at, rttMs: 3 });

/** History of nodes by address; the last value is that of the step of T0. */
function history(nodes: Record<number, (number | null)[]>): Strips {
  const answer: RackHistory = {
    ...{ now: T0, stepMs: STEP },
    nodes: Object.entries(nodes).map(([addr, values]) => ({
      addr: Number(addr),
      points: values.map((value) => (value === null ? null : [value, value, 4 * value])),
    })),
  };
  return stripsFrom(answer, Object.values(nodes)[0]?.length ?? 0, INTERVAL);
}

const withSamples = (strips: Strips, samples: readonly (readonly [number, Sample])[]): Strips =>
  withSamplesAt(
    strips,
    samples.map(([addr, one]) => ({ addr, reading: { state: 'ok', sample: one, source: 'sweep' } })),
    T0,
  );

const currents = (strips: Strips, at: number, interval = INTERVAL): readonly (number | null)[] =>
  stripValues(strips, 3, CURRENT, stepOf(strips, at), interval);

describe('samples after the history', () => {
  test('continue it step by step, and the oldest step leaves', () => {
    const strips = withSamples(history({ 3: [10, 11, 12] }), [[3, sample(T0 + 1400, 20, 70)]]);
    expect(currents(strips, T0 + 1400)).toEqual([11, 12, 20]);
    expect(stripValues(strips, 3, FAN, stepOf(strips, T0 + 1400), INTERVAL)).toEqual([44, 48, 70]);
  });

  test('in one step are its mean', () => {
    const read = [T0 + 1100, T0 + 1300, T0 + 1900].map((at, i) => [3, sample(at, 10 + 10 * i)] as const);
    expect(
      currents(
        read.reduce((strips, one) => withSamples(strips, [one]), history({ 3: [1] })),
        T0 + 1900,
      ),
    ).toEqual([20]);
  });

  test('that are known already change nothing', () => {
    const strips = history({ 3: [10, 11] });
    expect(withSamples(strips, [[3, sample(T0, 90)]])).toBe(strips);
    const later = withSamples(strips, [[3, sample(T0 + 1000, 20)]]);
    expect(withSamples(later, [[3, sample(T0 + 1000, 20)]])).toBe(later);
  });

  test('of a node that the history does not have begin one', () => {
    expect(currents(withSamples(history({ 4: [1, 2] }), [[3, sample(T0 + 500, 7)]]), T0 + 500)).toEqual([7]);
  });
});

describe('gaps', () => {
  test('a silence is a gap as long as it was, never the last value', () => {
    const strips = withSamples(history({ 3: [10, 11, 12, 13, 14, 15] }), [[3, sample(T0 + 5000, 20)]]);
    // One step later the last sample may still be the present one.
    expect(currents(strips, T0 + 5000)).toEqual([15, 15, null, null, null, 20]);
    expect(currents(strips, T0 + 9000)).toEqual([null, 20, 20, null, null, null]);
  });

  test('in steps of two sweeps and more a step without a sample is a gap', () => {
    expect(currents(history({ 3: [10, null, 12] }), T0, INTERVAL / 2)).toEqual([10, null, 12]);
  });

  test('a step whose sample has yet to come is none', () => {
    expect(currents(history({ 3: [10, 11, 12] }), T0 + 1000, INTERVAL / 2)).toEqual([11, 12]);
  });

  test('are dots at the foot of a strip, and columns before the first sample are blank', () => {
    const rows = barRows([0, null, 255], 5, 2, { low: 0, high: 255 }, glyphs(false));
    expect(rows).toEqual(['    █', '  ▁·█']);
  });
});

test('the total has a gap where one of its nodes has one', () => {
  const strips = history({ 3: [10, null, null, 12], 4: [1, 2, 3, 4], 5: [7, 7, 7, 7] });
  const to = stepOf(strips, T0);
  expect(totalValues(strips, [3, 4], to, INTERVAL / 2)).toEqual([11, null, null, 16]);
  expect(totalValues(strips, [4, 5], to, INTERVAL / 2)).toEqual([8, 9, 10, 11]);
});

describe('on the screen', () => {
  const scene = (cols = 160, rows = 50): Scene => new Scene({ cols, rows });
  const shown = (one: Scene): ReturnType<typeof stripView> => {
    const { map } = one.layout;
    if (map === null) throw new Error('there is no map');
    return stripView(one.state, map);
  };

  test.each(WINDOWS)('the history of the window is asked for once, whole: %s', (window) => {
    const one = scene();
    one.state = { ...one.state, view: { ...one.state.view, window } };
    const { strips } = one.later(0).state;
    expect(strips.stepMs * strips.count).toBeGreaterThanOrEqual(WINDOW_MS[window]);
    expect(strips.stepMs * (strips.count - 1)).toBeLessThan(WINDOW_MS[window]);
    expect(strips.askedAt).toBe(null);
    expect(one.later(100).state.strips.nodes).toBe(strips.nodes);
  });

  test('one scale for all nodes by default, each its own after the key', () => {
    const one = scene();
    const ranges = (): unknown[] => RACK.nodes.map(({ addr }) => stripOf(one.state, addr, 'current', shown(one)).range);
    expect(new Set(ranges().map((range) => JSON.stringify(range))).size).toBe(1);
    one.keys('y');
    expect(new Set(ranges().map((range) => JSON.stringify(range))).size).toBeGreaterThan(1);
  });

  test('what is not connected asks for nothing, and a new connection asks again', () => {
    const one = scene().dispatch({ type: 'link-lost', why: 'the server ended' });
    const before = one.state.strips;
    expect(one.later(20_000).state.strips).toBe(before);
  });

  test.each([
    [160, 50],
    [240, 70],
    [300, 90],
  ])('in %i x %i less than a thousand cells of strips move in a second', (cols, rows) => {
    const one = scene(cols, rows);
    const { map } = one.layout;
    if (map === null) throw new Error('there is no map');
    // A strip moves when its first column stands for another step.
    const first = (): number => shown(one).to - shown(one).columns;
    let moves = 0;
    let before = first();
    for (let second = 0; second < 60; second++) {
      one.later(1000);
      if (first() !== before) moves++;
      before = first();
    }
    const cells = RACK.nodes.length * one.state.strips.count * (map.currentLines + map.fanLines);
    expect((moves * cells) / 60).toBeLessThan(1000);
    expect(moves).toBeGreaterThan(0);
  });
});
