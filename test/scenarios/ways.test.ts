/**
 * Scenarios of a shutdown: the ways to ask, with a real ssh client and a real sshd, in virtual time; and between real
 * processes a sample of what processes and devices are the subject of, and of the rest of `scenarios.test.ts`.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HAS_SSHD } from '../support/ssh-hosts.ts';
import { BUS } from './bus.ts';
import { KILLED } from './killed.ts';
import { ledger, Scene, wrongCuts, type Scenario, type SceneOptions } from './scene.ts';
import { HALTS } from './systems.ts';
import { WAYS, WAYS_OPTIONS } from './ways.ts';

/** Titles of the samples: asked by ssh; asked on the console, the device goes, the server is killed. */
const BY_SSH = ['the nodes’ ports open', 'ssh and console alive'];
const SAMPLE = ['systemd', 'the adapter unplugged during a login', 'the server killed at ‘stopping’'];
const titled = (titles: readonly string[]): Scenario[] =>
  titles.flatMap((title) => [...WAYS, ...BUS, ...HALTS, ...KILLED].filter(({ says }) => says === title));

function play(scenarios: readonly Scenario[], options: SceneOptions): void {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.open(options);
  }, 60_000);
  afterAll(() => scene[Symbol.asyncDispose]());
  test.each(scenarios)('$says', { timeout: 90_000 }, (scenario) => scene.play(scenario));
}

describe.skipIf(!HAS_SSHD)('ways; needs openssh-server', () =>
  play(WAYS, { ...WAYS_OPTIONS, virtual: true, sim: ['--line-rate', 'unlimited'] }),
);
describe.skipIf(!HAS_SSHD)('by ssh between real processes', () => play(titled(BY_SSH), WAYS_OPTIONS));
describe('a sample between real processes', () => play(titled(SAMPLE), {}));

test('the sample is whole, and 0 cuts hit nodes that should have stayed on', () => {
  const all = [...BY_SSH, ...SAMPLE];
  expect(titled(all).map(({ says }) => says)).toEqual(all);
  expect(wrongCuts()).toEqual([]);
  expect(ledger.length).toBeGreaterThan(0);
});
