import { expect, test } from 'vitest';
import type { Verb } from '../../src/api/power.ts';
import type { GuardFacts } from '../../src/power/guard-facts.ts';
import { impactOf, refusalsFor } from '../../src/power/guards.ts';
import { unnamedNode, type InventoryNode } from '../../src/rack/inventory.ts';
import { START } from './fake-rack.ts';

const NODE: InventoryNode = { ...unnamedNode(3), name: 'k8s-worker-04', role: 'worker', cluster: 'prod' };
const SAMPLE = { power: 'on', current: 29, fan: 116, at: START, rttMs: 3 } as const;
const VERBS: Verb[] = ['on', 'off', 'force-off', 'cycle', 'force-cycle'];

function facts(changes: Partial<GuardFacts> = {}): GuardFacts {
  return {
    verb: 'force-off',
    addr: 3,
    node: NODE,
    bus: { phase: 'ready', detail: '', master: 0 },
    status: { ok: true, sample: SAMPLE, master: false },
    now: START,
    otherHolder: null,
    takeConsole: false,
    busyWith: null,
    host: null,
    peers: null,
    ...changes,
  };
}

const failed = (failure: 'silent' | 'garbled' | 'foreign' | 'bus'): Partial<GuardFacts> => ({
  status: { ok: false, failure, detail: 'detail' },
});

test.each(VERBS)('%s of a healthy node is refused by nobody', (verb) => {
  expect(refusalsFor(facts({ verb }))).toEqual([]);
});

/** For each rule: what brings it about, which verbs it refuses, whether there is a way around. */
test.each<[what: string, changes: Partial<GuardFacts>, rule: string, verbs: Verb[], overridable: boolean]>([
  ['a locked bus', { bus: { phase: 'locked', detail: 'nothing answers', master: null } }, 'bus', VERBS, false],
  ['a bus that could not ask', failed('bus'), 'bus', VERBS, false],
  ['an address nobody described', { node: null }, 'inventory', VERBS, true],
  ['the bus master', { addr: 0 }, 'master', VERBS.slice(1), false],
  ['a master by role', { node: { ...NODE, role: 'master' } }, 'master', VERBS.slice(1), false],
  [
    'a master by its own reply',
    { status: { ok: true, sample: SAMPLE, master: true } },
    'master',
    VERBS.slice(1),
    false,
  ],
  ['a master not known', { bus: { phase: 'ready', detail: '', master: null } }, 'master', VERBS.slice(1), false],
  ['a protected node', { node: { ...NODE, protected: true } }, 'protected', VERBS.slice(1), true],
  ['a machine that goes by another name', { host: { host: 'web1', at: START - 60_000 } }, 'host', VERBS.slice(1), true],
  ['silence', failed('silent'), 'unknown', VERBS, false],
  ['noise', failed('garbled'), 'unknown', VERBS, false],
  ["another's reply", failed('foreign'), 'identity', VERBS, false],
  ['a status of 11 s ago', { now: START + 11_000 }, 'stale', VERBS, true],
  [
    'a disabled node',
    { status: { ok: true, sample: { ...SAMPLE, power: 'disabled' }, master: false } },
    'disabled',
    VERBS,
    false,
  ],
  ["another's console", { otherHolder: { addr: 5, name: 'bob', silent: false } }, 'console', ['off', 'cycle'], true],
  ['an operation on the node', { busyWith: 'abc' }, 'operation', VERBS, true],
])('%s', (_what, changes, rule, verbs, overridable) => {
  for (const verb of VERBS) {
    const refusals = refusalsFor(facts({ ...changes, verb }));
    expect(
      refusals.map((refusal) => refusal.rule),
      verb,
    ).toEqual(verbs.includes(verb) ? [rule] : []);
    for (const { message, override } of refusals) {
      expect(message).toMatch(/\S+ \S+/);
      expect(override !== null, verb).toBe(overridable);
    }
  }
});

test('a status of just under ten seconds still counts', () => {
  expect(refusalsFor(facts({ now: START + 10_000 }))).toEqual([]);
});

test('who takes the console, or shuts down what is off already, needs nobody to give it', () => {
  const held = { verb: 'off', otherHolder: { addr: 5, name: 'bob', silent: false } } as const;
  expect(refusalsFor(facts({ ...held, takeConsole: true }))).toEqual([]);
  const off = { ok: true, sample: { ...SAMPLE, power: 'off' }, master: false } as const;
  expect(refusalsFor(facts({ ...held, status: off }))).toEqual([]);
});

test('impact: what is lost, what depends on it', () => {
  const plane = (addr: number): InventoryNode => ({ ...unnamedNode(addr), role: 'controlplane', cluster: 'prod' });
  const dns = { ...unnamedNode(8), name: 'ns02', role: 'dns', chassisFan: 2 };
  const of = (node: InventoryNode, others: InventoryNode[]): string =>
    impactOf(facts({ addr: node.addr, node }), {
      name: 'r',
      configured: true,
      calibration: null,
      nodes: [node, ...others],
    }).join('\n');
  expect(of(dns, [])).toMatch(/loses power at once[^]*chassis fan 2 stops[^]*only name server/);
  expect(of(dns, [{ ...dns, addr: 9 }])).toContain('1 other name server has to answer alone');
  expect(of(plane(1), [])).toContain('loses its quorum');
  expect(of(plane(1), [plane(2)])).toContain('loses its quorum');
  expect(of(plane(1), [plane(2), plane(3)])).toContain('at most 1 of 3 members off');
  expect(impactOf(facts({ verb: 'on' }), { name: 'r', configured: true, calibration: null, nodes: [NODE] })).toEqual(
    [],
  );
});

test('the refusal of another host says both names and how old its knowledge is', () => {
  const [refusal] = refusalsFor(facts({ host: { host: 'web1', at: START - 720_000 } }));
  expect(refusal?.message).toBe(
    'the machine at A-3, 03 showed the host name ‘web1’ on its console 12 min ago, and the configuration says ‘k8s-worker-04’',
  );
});

test.each([
  ['the same name with its domain, in capitals', { host: 'K8S-worker-04.lab.example', at: START }],
  ['a name seen more than a day ago', { host: 'web1', at: START - 86_400_001 }],
  ['no name', null],
])('%s refuses nothing', (_what, host) => {
  expect(refusalsFor(facts({ host }))).toEqual([]);
});
