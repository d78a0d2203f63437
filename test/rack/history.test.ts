import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COARSE_MS, COARSE_SLOTS, History, RAW_SLOTS } from '../../src/rack/history.ts';
import type { Sample } from '../../src/rack/reading.ts';

const T0 = 1_700_000_000_000 - (1_700_000_000_000 % COARSE_MS);
const sample = (current: number, fan = 100): Sample => ({ power: 'on', current, fan, at: 0, rttMs: 3 });

/** Current and fan of the `count` seconds up to `now`. */
const seconds = (history: History, now: number, count: number): ([number, number] | null)[] =>
  history.series(now, 1000, count).map((point) => point && [point[0], point[2]]);

describe('the latest seconds', () => {
  test('are what was recorded, oldest first', () => {
    const history = new History(1000);
    for (let n = 0; n < 5; n++) history.record(T0 + n * 1000, sample(n, 100 + n));
    expect(seconds(history, T0 + 4000, 3)).toEqual([
      [2, 102],
      [3, 103],
      [4, 104],
    ]);
    expect(seconds(history, T0 + 4000, 99).filter((point) => point !== null)).toHaveLength(5);
    expect(seconds(new History(1000), T0, 2)).toEqual([null, null]);
  });

  test('a question without an answer is a gap, never the last value', () => {
    const history = new History(1000);
    history.record(T0, sample(7));
    history.record(T0 + 1000, null);
    history.record(T0 + 2000, sample(9));
    expect(seconds(history, T0 + 2000, 3)).toEqual([[7, 100], null, [9, 100]]);
  });

  test('a time in which nobody asked is a gap as long as it was', () => {
    const history = new History(1000);
    history.record(T0, sample(7));
    history.record(T0 + 3000, sample(8));
    history.record(T0 + 6_000, sample(9));
    expect(seconds(history, T0 + 6_000, 7)).toEqual([[7, 100], null, null, [8, 100], null, null, [9, 100]]);
  });

  test('samples that come closer than the sweep do not push the hour out', () => {
    const history = new History(1000);
    for (let n = 0; n < 100; n++) history.record(T0 + n * 10, sample(n));
    const kept = history.series(T0 + 990, 10, 100).filter((point) => point !== null);
    expect(kept.length).toBeLessThanOrEqual(2);
  });

  test('keeps the latest hour, whatever was recorded (property)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.integer({ min: 0, max: 255 })), { maxLength: 80 }),
        fc.nat(100),
        (values, extra) => {
          const history = new History(1000);
          const all = [...Array<number>(extra === 0 ? 0 : RAW_SLOTS - 40).fill(1), ...values];
          all.forEach((value, n) => history.record(T0 + n * 1000, value === null ? null : sample(value)));
          const kept = seconds(history, T0 + (all.length - 1) * 1000, RAW_SLOTS);
          expect(all.length === 0 ? [] : kept.slice(-all.length)).toEqual(
            all.slice(-RAW_SLOTS).map((value) => (value === null ? null : [value, 100])),
          );
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('day', () => {
  test('a minute has its means and its peak, whole', () => {
    const history = new History(1000);
    for (const [n, current] of [10, 20, 60].entries()) history.record(T0 + n * 1000, sample(current, 100 + n));
    history.record(T0 + COARSE_MS, sample(5));
    expect(history.day(T0 + COARSE_MS)).toEqual([
      { at: T0, current: 30, currentMax: 60, fan: 101, samples: 3 },
      { at: T0 + COARSE_MS, current: 5, currentMax: 5, fan: 100, samples: 1 },
    ]);
  });

  test('a minute without samples is not there, and a day later none is', () => {
    const history = new History(1000);
    history.record(T0, sample(1));
    history.record(T0 + COARSE_MS, null);
    history.record(T0 + 5 * COARSE_MS, sample(2));
    expect(history.day(T0 + 5 * COARSE_MS).map(({ at }) => (at - T0) / COARSE_MS)).toEqual([0, 5]);
    expect(history.day(T0 + COARSE_SLOTS * COARSE_MS).map(({ at }) => (at - T0) / COARSE_MS)).toEqual([5]);
    expect(history.day(T0 + 2 * COARSE_SLOTS * COARSE_MS)).toEqual([]);
  });
});

describe('series', () => {
  test('holds means and the highest current of each step, and ends with the step of now', () => {
    const history = new History(1000);
    for (let n = 0; n < 20; n++) history.record(T0 + n * 1000, sample(n, 100 + n));
    expect(history.series(T0 + 19_500, 5000, 3)).toEqual([
      [7, 9, 107],
      [12, 14, 112],
      [17, 19, 117],
    ]);
  });

  test('is null where nothing was answered: asked in vain, not asked, or before the beginning', () => {
    const history = new History(1000);
    for (let n = 0; n < 5; n++) history.record(T0 + n * 1000, sample(7));
    for (let n = 5; n < 10; n++) history.record(T0 + n * 1000, null);
    for (let n = 15; n < 20; n++) history.record(T0 + n * 1000, sample(9));
    expect(history.series(T0 + 19_000, 5000, 5)).toEqual([null, [7, 7, 100], null, null, [9, 9, 100]]);
  });

  test('shows the same points until the next step begins', () => {
    const history = new History(1000);
    for (let n = 0; n < 60; n++) history.record(T0 + n * 1000, sample(n));
    const at = (ms: number): unknown => history.series(T0 + ms, 10_000, 6);
    expect(at(50_000)).toEqual(at(59_999));
    expect(at(60_000)).not.toEqual(at(59_999));
  });

  test('a day comes from the minutes, also in steps shorter than a minute, and is whole where samples begin', () => {
    const history = new History(1000);
    const minutes = 3 * 60;
    for (let n = 0; n < minutes * 60; n++) history.record(T0 + n * 1000, sample(Math.floor(n / 60) % 200));
    const now = T0 + minutes * 60_000 - 1;
    for (const [stepMs, count] of [
      [60_000, minutes],
      [50_000, Math.floor((minutes * 60) / 50) - 1],
      [20_000, minutes * 3],
      [1_200_000, 9],
    ] as const)
      expect(history.series(now, stepMs, count), `steps of ${stepMs} ms`).not.toContain(null);
    expect(history.series(now, 60_000, minutes).map((point) => Math.round(point?.[0] ?? -1))).toEqual(
      Array.from({ length: minutes }, (_, minute) => minute),
    );
  });
});

describe('a day and more', () => {
  const DAY_MS = 86_400_000;

  /** Every sample ever recorded, which is what the history must look like it had kept. */
  interface Kept {
    at: number;
    current: number;
    fan: number;
  }

  /** Runs of seconds in which it is asked and answers, is asked in vain, or nobody asks. */
  const life = fc.array(
    fc.record({
      kind: fc.constantFrom('answers', 'answers', 'answers', 'fails', 'sleeps'),
      seconds: fc.integer({ min: 5, max: 20_000 }),
      level: fc.integer({ min: 0, max: 200 }),
    }),
    { minLength: 4, maxLength: 14 },
  );

  function live(runs: readonly { kind: string; seconds: number; level: number }[], intervalMs: number) {
    const history = new History(intervalMs);
    const kept: Kept[] = [];
    const asked: number[] = [];
    let at = T0;
    for (const { kind, seconds, level } of runs) {
      const end = at + seconds * 1000;
      for (; kind !== 'sleeps' && at < end; at += intervalMs) {
        const current = level + (Math.floor(at / 7000) % 50);
        const fan = 100 + (Math.floor(at / 11_000) % 50);
        history.record(at, kind === 'fails' ? null : sample(current, fan));
        asked.push(at);
        if (kind === 'answers') kept.push({ at, current, fan });
      }
      at = Math.max(at, end);
    }
    return { history, kept, now: at, rawFrom: asked.slice(-RAW_SLOTS)[0] ?? at };
  }

  /** Few enough samples for their ring to reach back further than the day's minutes. */
  const DAY_IN_SAMPLES: [{ kind: string; seconds: number; level: number }[], number, number] = [
    [
      ...[6541, 10_321].map((seconds) => ({ kind: 'answers', seconds, level: 0 })),
      { kind: 'sleeps', seconds: 18_900, level: 0 },
      ...[14_721, 12_141, 18_501, 5161].map((seconds) => ({ kind: 'answers', seconds, level: 0 })),
    ],
    20_000,
    275,
  ];

  test('its chart is what its samples were, gaps are gaps, and nothing of the day before is left (property)', () => {
    fc.assert(
      fc.property(life, fc.constantFrom(5000, 20_000), fc.integer({ min: 40, max: 400 }), (runs, intervalMs, count) => {
        const { history, kept, now, rawFrom } = live(runs, intervalMs);
        const stepMs = Math.ceil(DAY_MS / count / 1000) * 1000;
        const series = history.series(now, stepMs, count);
        expect(series).toHaveLength(count);
        const first = Math.floor(now / stepMs) - count + 1;
        const oldest = (Math.floor(now / COARSE_MS) - COARSE_SLOTS + 1) * COARSE_MS;
        // A minute that the samples do not reach any more stands at its beginning.
        const border = minuteOf(rawFrom);
        const steps = new Map<number, Kept[]>();
        for (const one of kept) {
          // Minutes end with the day; samples stay for as long as their ring holds them.
          if (one.at < oldest && one.at < rawFrom) continue;
          const step = Math.floor((one.at < rawFrom ? minuteOf(one.at) : one.at) / stepMs) - first;
          const inStep = steps.get(step);
          if (inStep) inStep.push(one);
          else steps.set(step, [one]);
        }
        series.forEach((point, i) => {
          const inStep = steps.get(i) ?? [];
          if (inStep.length === 0) {
            // The minute in which the samples begin may stand in either step.
            if (point !== null) expect(i, `step ${i}`).toBe(Math.floor(border / stepMs) - first);
            return;
          }
          expect(point, `step ${i}`).not.toBeNull();
          const [current = 0, most = 0, fan = 0] = point ?? [];
          expect(most).toBeGreaterThanOrEqual(Math.max(...inStep.map((one) => one.current)));
          // The minute of the border is shared by share of time.
          if (inStep.some(({ at }) => minuteOf(at) === border)) return;
          expect(most).toBe(Math.max(...inStep.map((one) => one.current)));
          expect(current).toBeCloseTo(mean(inStep.map((one) => one.current)), 2);
          expect(fan).toBeCloseTo(mean(inStep.map((one) => one.fan)), 2);
        });
      }),
      { numRuns: 25, examples: [DAY_IN_SAMPLES] },
    );
  });

  const minuteOf = (at: number): number => at - (at % COARSE_MS);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

  test('a point that is half minutes and half samples is the mean of both', () => {
    const history = new History(1000);
    const seconds = RAW_SLOTS + 1800;
    for (let n = 0; n < seconds; n++) history.record(T0 + n * 1000, sample(n < 1800 ? 10 : 30));
    // One step over all: a third of the time it was 10.
    const stepMs = DAY_MS;
    const [point] = history.series(T0 + seconds * 1000, stepMs, 1);
    expect(point?.[0]).toBeCloseTo((10 * 1800 + 30 * 3600) / seconds, 1);
  });

  test('a week takes no more memory than a day', () => {
    const history = new History(5000);
    const bytes = (): number => process.memoryUsage().arrayBuffers;
    const before = bytes();
    for (let n = 0; n < 7 * 1440; n++)
      for (let second = 0; second < 60; second += 5)
        history.record(T0 + n * COARSE_MS + second * 1000, sample(n % 200));
    const now = T0 + 7 * DAY_MS;
    expect(bytes() - before).toBeLessThan(64 * 1024);
    expect(history.day(now - 1)).toHaveLength(COARSE_SLOTS);
    expect(history.series(now - 1, COARSE_MS, COARSE_SLOTS)).not.toContain(null);
  });
});
