import { expect, test } from 'vitest';
import type { Operation, Phase, Verb } from '../../src/api/power.ts';
import { FakeRack, START, settle } from './fake-rack.ts';

function unfinished(verb: Verb, phase: Phase, kinds: string[] = []): Operation {
  const evidence = kinds.map((kind) => ({ at: START, kind, text: '' }));
  const node = { addr: 3, name: 'k8s-worker-04', since: START, until: null, detail: '', question: null, outcome: null };
  return {
    id: 'old',
    verb,
    label: '03',
    by: 'ada',
    startedAt: START,
    endedAt: null,
    nodes: [{ ...node, phase, evidence }],
  };
}

test.each<[Verb, Phase, string[], RegExp]>([
  ['off', 'waiting', [], /nothing was sent/],
  ['off', 'preflight', [], /no shutdown was requested/],
  ['off', 'request', [], /a login was under way/],
  ['off', 'request', ['host', 'intent'], /may have been asked to shut down.*not cut/],
  ['off', 'request', ['intent', 'unsent'], /a login was under way/],
  ['off', 'asking', ['intent', 'request', 'ssh', 'intent'], /may have been asked to shut down.*not cut/],
  ['off', 'stopping', ['request'], /was asked to shut down.*not cut/],
  ['off', 'asking', ['request'], /was asked to shut down.*not cut/],
  ['force-off', 'cut', [], /about to be cut, or was cut already/],
  ['force-cycle', 'cut', [], /rackui on k8s-worker-04/],
  ['force-cycle', 'pause', [], /was cut.*rackui on k8s-worker-04/],
  ['cycle', 'switch-on', [], /was cut.*rackui on k8s-worker-04/],
  ['on', 'switch-on', [], /was being switched on/],
])('a server that died during %s at %s says what was sent, and repeats nothing', async (verb, phase, kinds, words) => {
  const rack = new FakeRack();
  rack.unfinished = [unfinished(verb, phase, kinds)];
  rack.operations.recover();
  await settle();
  expect(rack.ends[0]).toMatch(words);
  expect(rack.operation).toMatchObject({ endedAt: START, nodes: [{ outcome: 'interrupted', phase: 'ended' }] });
  expect(rack.events).toHaveLength(1);
  expect(rack.journalled).toEqual([rack.operation]);
  expect([rack.log, rack.operations.busy()]).toEqual([[], false]);
});
