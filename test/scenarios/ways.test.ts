/**
 * Scenarios of a shutdown between real processes: the ways to ask, with a real ssh client and a real sshd, and a sample of
 * each kind that `scenarios.test.ts` plays in virtual time.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HAS_SSHD } from '../support/ssh-hosts.ts';
import { BUS } from './bus.ts';
import { KILLED } from './killed.ts';
import { ledger, Scene, wrongCuts, type Scenario, type SceneOptions } from './scene.ts';
import { HALTS, HALTS_ODDLY, REFUSES, STALLS, STUCK } from './systems.ts';
import { WAYS, WAYS_OPTIONS } from './ways.ts';

/** Titles of the sample: the device goes, the server is killed, and how a system ends, refuses, hangs, is stuck. */
const SAMPLE = [
  'the adapter unplugged during a login',
  'systemd',
  'sudo asks for the password',
  'an inhibitor',
  'a shutdown that hangs in its last step',
  'emergency mode',
  'the server killed at ‘stopping’',
];
const ALL = [...BUS, ...HALTS, ...HALTS_ODDLY, ...REFUSES, ...STALLS, ...STUCK, ...KILLED];
const samples = SAMPLE.flatMap((title) => ALL.filter(({ says }) => says === title));

function play(scenarios: readonly Scenario[], options: SceneOptions = {}): void {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.open(options);
  }, 60_000);
  afterAll(() => scene[Symbol.asyncDispose]());
  for (const scenario of scenarios)
    test(scenario.says, { timeout: 90_000, concurrent: false }, () => scene.play(scenario));
}

// Both at once: they mostly wait.
describe.skipIf(!HAS_SSHD).concurrent('ways; needs openssh-server', () => play(WAYS, WAYS_OPTIONS));
describe.concurrent('a sample of each kind', () => play(samples));

test('the sample is whole, and 0 cuts hit nodes that should have stayed on', () => {
  expect(samples.map(({ says }) => says)).toEqual(SAMPLE);
  expect(wrongCuts()).toEqual([]);
  expect(ledger.length).toBeGreaterThan(0);
});
