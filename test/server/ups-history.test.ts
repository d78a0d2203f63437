/** What is kept of a UPS for its charts. */
import { expect, test } from 'vitest';
import { UpsHistory } from '../../src/server/ups/ups-monitor.ts';

/** A whole day's slot, and a whole step of any length used here. */
const T0 = 1_800_000_000_000;
const said = (charge: number | null, runtimeS: number | null = null, load: number | null = null) => ({
  ...{ charge, runtimeS, load },
});

test('points are means of what was said; what was not said is null, a zero is a zero', () => {
  const history = new UpsHistory(2_000);
  history.record(T0, said(90, 600, 40));
  history.record(T0 + 2_000, said(80, null, 0));
  expect(history.series(T0 + 3_000, 4_000, 2)).toEqual([null, [85, 600, 20]]);
});

test.each([
  ['half a second', 500],
  ['two seconds', 2_000],
  ['half a minute', 30_000],
])('a UPS asked every %s has no gaps at the finest step', (_what, pollMs) => {
  const history = new UpsHistory(pollMs);
  for (let at = T0; at <= T0 + 120_000; at += pollMs + 70) history.record(at, said(50));
  const points = history.series(T0 + 90_000, 2_000, 20);
  expect(points.filter((point) => point === null)).toEqual([]);
});

test('a stretch without answers is a gap, and the answer after it does not fill it', () => {
  const history = new UpsHistory(2_000);
  history.record(T0, said(50));
  history.record(T0 + 2_000, null);
  history.record(T0 + 8_000, said(40));
  expect(history.series(T0 + 8_500, 2_000, 5).map((point) => point?.[0] ?? null)).toEqual([50, null, null, null, 40]);
});

test('a day is kept, and nothing older passes for it', () => {
  const history = new UpsHistory(2_000);
  history.record(T0, said(10));
  history.record(T0 + 86_400_000 + 10_000, said(20));
  const day = history.series(T0 + 86_400_000 + 10_000, 86_400_000 / 24, 24);
  expect(day.filter((point) => point !== null)).toEqual([[20, null, null]]);
});
