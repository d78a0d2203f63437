/** How long a plan will take, from what was seen of its nodes. */
import { expect, test } from 'vitest';
import type { PlanPreview } from '../../src/api/plans.ts';
import { usualOf } from '../../src/power/learned.ts';
import { expectation, estimatePlan, type EstimateInput } from '../../src/power/plans/estimate.ts';
import { preview, type RackContext } from '../../src/power/plans/preview.ts';
import type { Way } from '../../src/power/ports.ts';
import { ampsOf, ampsText, drawOf } from '../../src/rack/calibration.ts';
import { unnamedNode } from '../../src/rack/inventory.ts';
import type { PlanStep } from '../../src/rack/plan.ts';

function step(action: PlanStep['action'], addrs: number[], over: Partial<PlanStep> = {}): PlanStep {
  return {
    ...{ name: action, selector: 'all', action, needs: [], parallel: 4, stagger: 0, verify: 'boot', deadline: null },
    ...{ onDeadline: 'leave', onFail: 'pause', nodes: addrs.map((addr) => unnamedNode(addr)) },
    ...over,
  };
}

const prospect = (seen: Partial<Record<Way, number>>, over: Partial<EstimateInput> = {}): EstimateInput => ({
  ...{ power: 'on', down: false, console: false, settleMs: 5_000, usual: (way) => seen[way] ?? null },
  ...over,
});

test('a node that was seen to go down and come up is expected to do it again as it did', () => {
  const off = step('off', [1]);
  expect(expectation(off, prospect({ off: 90_000 })).ms).toBe(97_000);
  expect(expectation(off, prospect({})).ms).toBe(30_000);
  const on = prospect({ on: 20_000 }, { power: 'off' });
  expect(expectation(step('on', [1]), on)).toEqual({ ms: 22_000, bladeMs: 22_000, console: false });
  // Done when its BMC says so; its boot peak is its blade's matter all the same.
  expect(expectation(step('on', [1], { verify: 'status' }), on)).toEqual({
    ms: 2_000,
    bladeMs: 17_000,
    console: false,
  });
});

test.each([
  ['off', 'off', 0],
  ['on', 'on', 0],
  ['off', 'unknown', 30_000],
  ['cycle', 'on', 77_000],
] as const)('%s where power is %s', (action, power, ms) => {
  expect(expectation(step(action, [1]), prospect({}, { power })).ms).toBe(ms);
});

test('steps played through: together as many as may be, on one console one after another, one boot a blade', () => {
  const seen = prospect({ off: 23_000, on: 18_000 });
  const ends = (one: PlanStep, more: Partial<EstimateInput> = {}): number[] =>
    [...estimatePlan([one], (which) => expectation(which, { ...seen, ...more })).values()].map(
      ({ endMs }) => endMs / 1000,
    );
  expect(ends(step('off', [1, 2, 3, 4, 5]))).toEqual([30, 30, 30, 30, 60]);
  expect(ends(step('off', [1, 2, 3]), { console: true })).toEqual([30, 60, 90]);
  expect(ends(step('on', [1, 2, 4], { stagger: 2 }), { power: 'off' })).toEqual([20, 40, 42]);
  expect(ends(step('on', [1, 2]))).toEqual([0, 0]);
});

test.each<[what: string, calibrated: number[], amps: PlanPreview['current']['amps']]>([
  ['every node calibrated', [1, 2, 3], { rack: 0.9, plan: 0.675 }],
  ['one that draws is not', [1, 3], null],
  ['nobody measured anything', [], null],
])('what a plan frees, in amperes: %s', (_what, calibrated, amps) => {
  // The last one is not heard of.
  const counts = [33, 63, 33, null];
  const around: RackContext = {
    rack: {
      name: 'r',
      configured: true,
      calibration: null,
      nodes: [1, 2, 3, 4].map((addr) => ({ ...unnamedNode(addr), name: `n${addr}` })),
    },
    stateOf: (addr) => ({ power: 'on', down: false, current: counts[addr - 1] ?? null, refusals: [] }),
    effectiveStep: (one) => one,
    draw: (addr, current) => drawOf(current, calibrated.includes(addr) ? { amps: 0.0075, zero: 3 } : null),
    estimateInput: () => prospect({}),
    means: { login: true, ssh: 'none', poweroff: true, settle: 5, usualMs: () => null, missing: [] },
    poweroff: null,
    master: null,
  };
  const plan = { steps: [{ name: 'a', action: 'off', selector: 'n1 n2', verify: 'boot' } as const] };
  const shown = preview(
    'x',
    { steps: plan.steps.map((one) => ({ ...one, onDeadline: 'leave', onFail: 'pause' })) },
    around,
  );
  expect(shown.current).toMatchObject({ rack: 129, plan: 96 });
  if (amps === null) expect(shown.current.amps).toBeNull();
  else
    for (const [key, value] of Object.entries(amps))
      expect(shown.current.amps?.[key as 'rack' | 'plan']).toBeCloseTo(value, 9);
});

test('amperes begin at zero', () => {
  expect(ampsOf(2, { amps: 0.01, zero: 3 })).toBe(0);
  expect(ampsOf(200, null)).toBeNull();
  expect(ampsText({ part: 2.4, whole: 12 })).toBe('2.40 of 12.00 A (12 of 60 W)');
});

test('of what was seen, the one in the middle: one shutdown that hung is no rule', () => {
  expect(usualOf([])).toBeNull();
  expect(usualOf([20, 300, 22])).toBe(22);
});
