/** On, off and cycle of a node that has power and whose system has halted, or goes down. */
import { expect, test } from 'vitest';
import type { PowerRequest } from '../../src/api/power.ts';
import { FakeNetwork, FakeRack, OPERATOR, requestOf } from './fake-rack.ts';

const ON: Partial<PowerRequest> = { verb: 'on', nodes: [3] };

function halted(rack: FakeRack): FakeRack {
  rack.sign(3, 'asked', 'was asked to shut down on its console');
  rack.sign(3, 'halt', 'reboot: Power down');
  return rack;
}

test('on cuts a node that has halted, and switches it on again', async () => {
  const rack = halted(new FakeRack());
  await rack.start(ON);
  await rack.clock.advance(20_000);
  expect(rack.ends).toEqual(['done: is on again, confirmed by two status replies']);
  expect(rack.verbs.map(({ verb }) => verb)).toEqual(['off 03', 'on 03']);
  expect(rack.console.typed).toEqual(['\x11 \x15', '\x11\x15\r']);
  expect(rack.audits[0]).toMatchObject({ verb: 'on', stage: 'intent' });
  expect(rack.audits[0]?.evidence.map(({ kind }) => kind)).toContain('marker');
});

test('on waits for the last line of a node that goes down', async () => {
  const rack = new FakeRack();
  rack.sign(3, 'asked', 'was asked to shut down by ssh');
  await rack.start(ON);
  await rack.clock.advance(30_000);
  expect(rack.operation.nodes[0]).toMatchObject({ phase: 'stopping', outcome: null });
  expect(rack.console.typed).toEqual([]);
  rack.sign(3, 'halt', 'reboot: System halted');
  await rack.clock.advance(20_000);
  expect(rack.ends).toEqual(['done: is on again, confirmed by two status replies']);
});

test.each([
  ['shows a prompt', 'login', /^done: was on already: it shows/],
  ['stands at an emergency shell', 'failed', /^failed: was on already, and its system is not up/],
] as const)('on of a node that goes down and then %s cuts nothing', async (_what, kind, words) => {
  const rack = new FakeRack();
  rack.sign(3, 'asked');
  await rack.start(ON);
  await rack.clock.advance(100_000);
  rack.sign(3, kind);
  await rack.clock.advance(1_000);
  expect(rack.ends[0]).toMatch(words);
  expect(rack.verbs).toEqual([]);
});

test('a last line before a console that answers is no halt', async () => {
  const rack = halted(new FakeRack());
  rack.console.onTyped = () => rack.says('pi@k8s-worker-04:~$ ');
  await rack.start(ON);
  await rack.clock.advance(10_000);
  expect(rack.verbs).toEqual([]);
  expect(rack.operation.nodes[0]?.question?.text).toMatch(/nothing proves that it has halted/);
});

test.each(['\r\n', '\b \b', '^U'])('an echo %j is a sign of life, however short', async (echo) => {
  const rack = halted(new FakeRack());
  rack.console.onTyped = () => rack.says(echo);
  for (const verb of ['on', 'off'] as const) {
    await rack.start({ ...ON, verb, confirm: 'k8s-worker-04' });
    await rack.clock.advance(20_000);
    expect(rack.verbs).toEqual([]);
    rack.operations.abort(rack.operation.id, OPERATOR);
    await rack.clock.advance(1_000);
  }
});

test('a BMC that answers nothing between the two touches proves no halt', async () => {
  const rack = halted(new FakeRack());
  rack.console.onTyped = () =>
    rack.trouble.set(3, { ok: false, failure: 'silent', detail: 'the BMC at 03 does not answer' });
  await rack.start(ON);
  await rack.clock.advance(20_000);
  expect(rack.console.typed).toEqual(['\x11 \x15']);
  expect(rack.operation.nodes[0]?.question?.text).toMatch(/nothing proves that it has halted/);
  expect(rack.verbs).toEqual([]);
});

test('a console that goes away for a moment is touched anew, blank and Enter', async () => {
  const rack = halted(new FakeRack());
  rack.console.onTyped = () => {
    if (rack.console.typed.length !== 1) return;
    rack.console.become({ open: false, proven: false, why: 'the pipe fell shut' });
    const stop = rack.clock.every(2_000, () => {
      stop();
      rack.console.become({ open: true, proven: true, why: '' });
    });
  };
  await rack.start(ON);
  await rack.clock.advance(20_000);
  expect(rack.console.typed).toEqual(['\x11 \x15', '\x11 \x15', '\x11\x15\r']);
  expect(rack.ends).toEqual(['done: is on again, confirmed by two status replies']);
});

test('an unproven console gets no printable byte: silence takes the place of the blank', async () => {
  const rack = halted(new FakeRack());
  rack.console.condition = { open: true, proven: false, why: 'nothing came yet' };
  await rack.start(ON);
  await rack.clock.advance(20_000);
  expect(rack.console.typed).toEqual(['\x11\x15\r']);
});

test.each<[what: string, make: (rack: FakeRack) => void, why: RegExp]>([
  ['from before its power was unwatched', (rack) => halted(rack).unwatched(3), /before its power was last switched/],
  [
    'that nobody here had asked for',
    (rack) => rack.sign(3, 'halt', 'reboot: Power down'),
    /no shutdown had been requested from here/,
  ],
])('a last line %s proves nothing: somebody is asked', async (_what, make, why) => {
  const rack = new FakeRack();
  make(rack);
  await rack.start(ON);
  await rack.clock.advance(20_000);
  expect(rack.operation.nodes[0]?.question?.text).toMatch(why);
  expect(rack.verbs).toEqual([]);
});

test('a last line that an earlier server read does not make off cut: the node is asked like any other', async () => {
  const rack = halted(new FakeRack());
  rack.unwatched(3);
  await rack.start({ verb: 'off', confirm: 'k8s-worker-04' });
  await rack.clock.advance(40_000);
  expect(rack.operation.nodes[0]?.question?.text).toMatch(/is silent, even after Ctrl-Q/);
  expect(rack.verbs).toEqual([]);
  // One that is read now, of this power-on, counts again.
  expect(rack.systems.get(3)?.recalled).toBe(true);
  rack.sign(3, 'halt', 'reboot: Power down');
  expect(rack.systems.get(3)?.recalled).toBe(false);
});

test('a halted node that cannot be cut is not asked again: off says why it has power', async () => {
  const rack = halted(new FakeRack());
  rack.auditFails = new Error('ENOSPC: no space left on device');
  await rack.start({ verb: 'off', confirm: 'k8s-worker-04' });
  await rack.clock.advance(20_000);
  expect(rack.ends[0]).toMatch(/^refused: it has halted and still has power: nothing was cut: .*ENOSPC/);
  expect(rack.verbs).toEqual([]);
});

test('a last line before a network that answers is no halt', async () => {
  const rack = halted(new FakeRack());
  rack.network = new FakeNetwork();
  await rack.start(ON);
  await rack.clock.advance(10_000);
  expect(rack.verbs).toEqual([]);
  expect(rack.operation.nodes[0]?.question?.text).toMatch(/its network still answers/);
});

test('a silent node whose last line nobody read is asked about; the answer needs its name', async () => {
  const rack = new FakeRack();
  rack.sign(3, 'asked');
  await rack.clock.advance(301_000);
  const { id } = await rack.start(ON);
  await rack.clock.advance(10_000);
  const { question } = rack.operation.nodes[0] ?? {};
  expect(question?.choices.map(({ key, confirm }) => [key, confirm])).toEqual([
    ['leave', null],
    ['cycle', 'k8s-worker-04'],
  ]);
  const answer = { addr: 3, question: question?.id ?? '', choice: 'cycle', confirm: 'k8s-worker-04' };
  rack.operations.answer(id, answer, OPERATOR);
  await rack.clock.advance(10_000);
  expect(rack.ends).toEqual(['done: is on again, confirmed by two status replies']);
});

test('left without an answer it stays powered, and that is no done', async () => {
  const rack = new FakeRack();
  rack.sign(3, 'asked');
  await rack.clock.advance(301_000);
  await rack.start(ON);
  await rack.clock.advance(320_000);
  expect(rack.ends[0]).toMatch(/^left-on: it has halted or is shutting down, and still has power; nothing was cut/);
  expect(rack.verbs).toEqual([]);
});

test('a protected node that has halted is not cut, and on says so', async () => {
  const rack = new FakeRack();
  rack.sign(4, 'asked');
  rack.sign(4, 'halt', 'reboot: Power down');
  await rack.start({ verb: 'on', nodes: [4] });
  await rack.clock.advance(20_000);
  expect(rack.ends[0]).toMatch(/^refused: it has halted and still has power: .*protected/);
  expect(rack.verbs).toEqual([]);
});

test('off cuts a node that has halted without asking it again', async () => {
  const rack = halted(new FakeRack());
  await rack.start({ verb: 'off', confirm: 'k8s-worker-04' });
  await rack.clock.advance(20_000);
  expect(rack.ends).toEqual(['done: is off, confirmed by two status replies']);
  expect(rack.console.typed).toEqual(['\x11 \x15', '\x11\x15\r']);
});

test('an abort while its last line is waited for sends nothing and says what is left', async () => {
  const rack = new FakeRack();
  rack.sign(3, 'asked');
  const { id } = await rack.start(ON);
  await rack.clock.advance(5_000);
  rack.operations.abort(id, OPERATOR);
  await rack.clock.advance(1_000);
  expect(rack.ends).toEqual(['aborted: aborted: it has halted or is shutting down, and still has power']);
});

test.each([
  ['stopping', ['request'], 'going-down'],
  ['asking', ['request', 'ack'], 'going-down'],
  ['settle', ['request', 'marker'], 'halted'],
  ['stopping', ['request', 'restart'], 'unknown'],
  ['request', [], 'unknown'],
] as const)('a server that ended at %s with %j leaves a node that is known to be %s', (phase, kinds, system) => {
  const rack = new FakeRack();
  const evidence = kinds.map((kind) => ({ at: 0, kind, text: kind }));
  const node = { addr: 3, name: 'k8s-worker-04', since: 0, until: null, detail: '', question: null, outcome: null };
  rack.unfinished = [
    { id: 'x', verb: 'off', label: '', by: '', startedAt: 0, endedAt: null, nodes: [{ ...node, phase, evidence }] },
  ];
  rack.operations.recover();
  expect(rack.systems.get(3)?.system ?? 'unknown').toBe(system);
  // Nobody saw its power meanwhile.
  if (system !== 'unknown') expect(rack.systems.get(3)?.recalled).toBe(true);
});

test('a keyboard that an operation lent does not make other nodes refuse; another one does', async () => {
  const rack = new FakeRack();
  rack.holder = { addr: 5, session: 9, name: 'bob', lent: true };
  const check = await rack.operations.check(requestOf({ verb: 'off', nodes: [3] }), 1);
  expect(check.nodes[0]?.refusals).toEqual([]);
  rack.holder = { addr: 5, session: 9, name: 'bob', lent: false };
  const again = await rack.operations.check(requestOf({ verb: 'off', nodes: [3] }), 1);
  expect(again.nodes[0]?.refusals.map(({ rule }) => rule)).toEqual(['console']);
});
