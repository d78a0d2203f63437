/**
 * Every scenario that a shutdown can meet (docs/power.md), with a whole server over the simulated line, in virtual time; and
 * over all of them one count: cuts on nodes that should have stayed on. `ways.test.ts` has those of ssh, and some of these
 * between real processes.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUS } from './bus.ts';
import { ENERGY, ENERGY_OPTIONS } from './energy.ts';
import { KILLED } from './killed.ts';
import { ledger, Scene, wrongCuts, type Scenario, type SceneOptions } from './scene.ts';
import { HALTS, HALTS_ODDLY, REFUSES, STALLS, STUCK } from './systems.ts';

interface Group {
  name: string;
  scenarios: readonly Scenario[];
  options?: SceneOptions;
}

/** Bytes come as they are said, not eight at a time as a UART hands them on: that is the bus's own subject. */
const AT_ONCE = ['--line-rate', 'unlimited'];

/** Each on a stand of its own, one after another: virtual time is the whole process's. */
const GROUPS: readonly Group[] = [
  { name: 'bus', scenarios: BUS },
  { name: 'energy', scenarios: ENERGY, options: ENERGY_OPTIONS },
  { name: 'refuses', scenarios: REFUSES },
  { name: 'stalls', scenarios: STALLS },
  { name: 'halts', scenarios: HALTS },
  { name: 'halts oddly', scenarios: HALTS_ODDLY },
  { name: 'stuck', scenarios: STUCK },
  { name: 'killed', scenarios: KILLED },
];

describe('every scenario', () => {
  for (const { name, scenarios, options } of GROUPS)
    describe(name, () => {
      let scene: Scene;
      beforeAll(async () => {
        scene = await Scene.open({
          ...options,
          sim: [...(options?.sim ?? []), ...(name === 'bus' ? [] : AT_ONCE)],
          virtual: true,
        });
      }, 60_000);
      afterAll(() => scene[Symbol.asyncDispose]());
      for (const scenario of scenarios) test(scenario.says, { timeout: 90_000 }, () => scene.play(scenario));
    });
});

test('over all of them: 0 cuts on nodes that should have stayed on', () => {
  expect(wrongCuts()).toEqual([]);
  // It was worth counting.
  expect(ledger.length).toBeGreaterThan(HALTS.length);
});
