/** What depends on a node: one test for each rule, with what it refuses, what it lets pass, and its way around. */
import { expect, test } from 'vitest';
import type { Verb } from '../../src/api/power.ts';
import { chassisFan, lastNameServer, quorum } from '../../src/power/dependency-guards.ts';
import type { GuardFacts, Peer, Peers } from '../../src/power/guard-facts.ts';
import { GUARDS } from '../../src/power/guards.ts';
import { unnamedNode, type InventoryNode } from '../../src/rack/inventory.ts';
import type { DependenceRule } from '../../src/rack/plan.ts';
import { START } from './fake-rack.ts';

type Facts = Parameters<typeof quorum>[0];

function facts(node: Partial<InventoryNode>, others: Peer[], more: Partial<Peers> = {}, verb: Verb = 'off'): Facts {
  return {
    verb,
    node: { ...unnamedNode(3), name: 'self', ...node },
    status: { ok: true, sample: { power: 'on', current: 30, fan: 90, at: START, rttMs: 3 }, master: false },
    peers: { plan: false, overrides: [], nodes: others, ...more },
  };
}

function other(node: Partial<InventoryNode>, more: Partial<Peer> = {}): Peer {
  const addr = node.addr ?? 4;
  return {
    node: { ...unnamedNode(addr), name: `n${addr}`, ...node },
    ...{ power: 'on', inOperation: false, losesPower: false },
    ...more,
  };
}

const dns = { role: 'dns' };
const plane = { role: 'controlplane', cluster: 'prod' };
const fan = { chassisFan: 1 };
const off: Partial<Peer> = { power: 'off' };
const away: [string, Partial<Peer>][] = [
  ['off', off],
  ['unknown', { power: 'unknown' }],
  ['absent', { power: 'absent' }],
  ['in an operation', { inOperation: true }],
  ['going with it', { losesPower: true }],
];

test('they stand among the guards', () => {
  for (const rule of [lastNameServer, quorum, chassisFan]) expect(GUARDS).toContain(rule);
});

test('a name server may go while another stays', () => {
  expect(lastNameServer(facts(dns, [other(dns)]))).toBeNull();
});

test.each(away)('the last name server that answers stays: the other is %s', (_how, state) => {
  expect(lastNameServer(facts(dns, [other(dns, state)]))).toMatchObject({
    rule: 'dns',
    message: 'self is the last name server that answers: n4 does not stay on',
    override: 'bring n4 up first, or add --override dns',
  });
});

test('the only name server there is stays, too', () => {
  expect(lastNameServer(facts(dns, []))?.message).toContain('there is no other');
});

test('a plan that takes every name server may', () => {
  expect(lastNameServer(facts(dns, [other(dns, { losesPower: true })], { plan: true }))).toBeNull();
  expect(lastNameServer(facts(dns, [other(dns, { inOperation: true })], { plan: true }))).not.toBeNull();
});

test('a member of a control plane may go while all others are on', () => {
  expect(quorum(facts(plane, [other(plane), other({ ...plane, addr: 5 })]))).toBeNull();
});

test.each(away)('a quorum is kept: another member is %s', (_how, state) => {
  const worker = other({ role: 'worker', cluster: 'prod', addr: 6 });
  expect(quorum(facts(plane, [other(plane, state), other({ ...plane, addr: 5 }), worker]))).toMatchObject({
    rule: 'quorum',
    message: expect.stringMatching(/^self keeps the quorum of prod control plane: n4 (is|goes)/) as string,
    override: expect.stringContaining('--override quorum') as string,
  });
});

test("another cluster's members do not count, and the whole cluster may go", () => {
  expect(quorum(facts(plane, [other({ ...plane, cluster: 'dev' }, off)]))).toBeNull();
  const whole = [
    other(plane, { losesPower: true }),
    other({ role: 'worker', cluster: 'prod', addr: 6 }, { losesPower: true }),
  ];
  expect(quorum(facts(plane, whole))).toBeNull();
  expect(quorum(facts(plane, [...whole, other({ cluster: 'prod', addr: 7 })]))).not.toBeNull();
});

test('a rolling cycle may take one member while the others wait for their turn', () => {
  expect(quorum(facts(plane, [other(plane, { losesPower: true })], {}, 'cycle'))).toBeNull();
  expect(quorum(facts(plane, [other(plane, { inOperation: true })], {}, 'cycle'))).not.toBeNull();
});

test('a chassis fan may stop while another is proven to run, or nothing else stays on', () => {
  expect(chassisFan(facts(fan, [other({ chassisFan: 2 }), other({ addr: 5 })]))).toBeNull();
  expect(chassisFan(facts(fan, [other({}, off), other({ addr: 5 }, { losesPower: true })]))).toBeNull();
  expect(chassisFan(facts({}, [other({})]))).toBeNull();
});

test.each(away)('a chassis fan runs on while others stay on: the other fan is %s', (_how, state) => {
  expect(chassisFan(facts(fan, [other({ chassisFan: 2 }, state), other({ addr: 5 })]))).toMatchObject({
    rule: 'fan',
    message: expect.stringMatching(
      /^self feeds chassis fan 1, no other chassis fan is proven to run, and .*n.*5.* on$/,
    ) as string,
    override: expect.stringContaining('--override fan') as string,
  });
});

test.each<[DependenceRule, (facts: Facts) => unknown, Facts]>([
  ['dns', lastNameServer, facts(dns, [])],
  ['quorum', quorum, facts(plane, [other(plane, off)])],
  ['fan', chassisFan, facts(fan, [other({})])],
])(
  '%s: broken on purpose by name, never asked of what is off, nor at the moment of the cut',
  (rule, guard, refused) => {
    expect(guard(refused)).not.toBeNull();
    expect(guard({ ...refused, peers: { ...(refused.peers as Peers), overrides: [rule] } })).toBeNull();
    const sample = { power: 'off', current: 0, fan: 0, at: START, rttMs: 3 } as const;
    expect(guard({ ...refused, status: { ok: true, sample, master: false } })).toBeNull();
    expect(guard({ ...refused, peers: null })).toBeNull();
  },
);

test('another node that manages the bus counts as master', async () => {
  const { refusalsFor } = await import('../../src/power/guards.ts');
  const manager: GuardFacts = {
    ...facts({ role: 'manager' }, []),
    ...{ addr: 3, bus: { phase: 'ready', detail: '', master: 0 }, now: START, otherHolder: null },
    ...{ takeConsole: false, busyWith: null, host: null },
  };
  expect(refusalsFor(manager).map(({ rule }) => rule)).toEqual(['master']);
});
