/**
 * Every scenario that a shutdown can meet (docs/power.md), with the real server over the real line; and over all of them
 * one count: cuts on nodes that should have stayed on.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HAS_SSHD } from '../support/ssh-hosts.ts';
import { BUS } from './bus.ts';
import { ENERGY, ENERGY_OPTIONS } from './energy.ts';
import { KILLED } from './killed.ts';
import { ledger, Scene, wrongCuts, type Scenario, type SceneOptions } from './scene.ts';
import { HALTS, HALTS_ODDLY, REFUSES, STALLS, STUCK } from './systems.ts';
import { WAYS, WAYS_OPTIONS } from './ways.ts';

interface Group {
  name: string;
  scenarios: readonly Scenario[];
  options?: SceneOptions;
  skip?: boolean;
}

/** Each on a stand of its own; five at a time, because they mostly wait; the long ones first. */
const GROUPS: readonly Group[] = [
  { name: 'ways; needs openssh-server', scenarios: WAYS, options: WAYS_OPTIONS, skip: !HAS_SSHD },
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
  for (const { name, scenarios, options, skip = false } of GROUPS)
    describe.skipIf(skip).concurrent(name, () => {
      let scene: Scene;
      beforeAll(async () => {
        scene = await Scene.open(options);
      }, 60_000);
      afterAll(() => scene[Symbol.asyncDispose]());
      for (const scenario of scenarios)
        test(scenario.says, { timeout: 90_000, concurrent: false }, () => scene.play(scenario));
    });
});

test('over all of them: 0 cuts on nodes that should have stayed on', () => {
  expect(wrongCuts()).toEqual([]);
  // It was worth counting.
  expect(ledger.length).toBeGreaterThan(HALTS.length);
});
