/** Lists what comes in an outage, second by second. */
import { expect, test } from 'vitest';
import type { Supply, UpsReading } from '../../../src/api/outage.ts';
import { outageView } from '../../../src/power/outage/forecast.ts';
import type { OutagePolicy } from '../../../src/power/outage/record.ts';
import { upsReading } from '../../screens/supplies.ts';

function forecastOf(steps: OutagePolicy['steps'], runtimeS: number | null): [number | null, string][] {
  const policy: OutagePolicy = {
    ...{ index: 0, ups: ['rack'], needs: 1, nodes: null, nodesText: 'the whole rack', assumedS: null },
    ...{ steps, last: 'shed-all', marginS: 60, restore: { afterS: 120, charge: 50 }, restorePlan: null },
  };
  const supply: Supply = { state: 'mains', low: false, shutdown: false, runtimeS, charge: 100, why: null };
  const ups: UpsReading[] = [upsReading({ runtimeS })];
  const view = outageView(policy, {
    ...{ state: null, supply, ups, report: null, now: 0, lastMs: 100_000 },
    lengthOf: () => 40_000,
    warnings: () => [],
  });
  return view.forecast.map(({ atS, text }) => [atS, text]);
}

test('the last plan begins when the battery lasts just for it and the margin', () => {
  expect(forecastOf([{ afterS: 30, plan: 'shed-dev' }], 300)).toEqual([
    [0, 'mains fail'],
    [30, 'plan shed-dev begins, takes 40 s'],
    [140, 'plan shed-all begins, takes 100 s'],
    [300, 'the battery is empty'],
  ]);
});

test.each([
  ['a step that comes too late for the battery is not listed', 200, 140],
  ['a step at the moment of the last plan is not listed', 140, 140],
  ['a step that runs the last plan earlier stands in its place', 139, 139],
])('%s', (_what, afterS, atS) => {
  const begins = forecastOf([{ afterS, plan: 'shed-all' }], 300).filter(([, text]) => text.startsWith('plan'));
  expect(begins.map(([at]) => at)).toEqual([atS]);
});

test('without a known runtime the last plan waits for a low battery', () => {
  expect(forecastOf([], null)).toEqual([
    [0, 'mains fail'],
    [null, 'plan shed-all begins when the battery is low, takes 100 s'],
  ]);
});
