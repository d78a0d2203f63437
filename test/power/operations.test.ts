import { expect, test } from 'vitest';
import type { PowerRequest } from '../../src/api/power.ts';
import { NotFound } from '../../src/lib/errors.ts';
import { PowerRefused } from '../../src/power/ports.ts';
import { FakeRack, OPERATOR, settle, requestOf, START } from './fake-rack.ts';

async function refusalOf(promise: Promise<unknown>): Promise<string[]> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof PowerRefused)) throw new Error(`not refused: ${String(error)}`);
  return error.refusals.map(({ rule }) => rule);
}

test('force-off: intent on the disk, then the verb, then its outcome', async () => {
  const rack = new FakeRack();
  const started = await rack.start({ verb: 'force-off', confirm: 'k8s-worker-04' });
  expect(started.nodes[0]?.outcome).toBeNull();
  await settle();
  expect(rack.log).toEqual(['audit intent 03', 'off 03', 'audit outcome 03']);
  expect(rack.ends).toEqual(['done: is off, confirmed by two status replies']);
  expect(rack.operation.nodes[0]?.evidence.map(({ kind }) => kind)).toEqual(['identity', 'verified']);
  expect(rack.audits[1]).toMatchObject({ outcome: 'done', tries: 1, reportedBy: OPERATOR });
  expect(rack.operations.busy()).toBe(false);
});

test.each([null, '', 'k8s-worker-4', 'K8S-WORKER-04', '03', 'k8s-worker-04 '])(
  'a cut that %j should confirm is refused, and the bus is not even asked',
  async (confirm) => {
    const rack = new FakeRack();
    for (const verb of ['off', 'force-off', 'cycle', 'force-cycle'] as const)
      expect(await refusalOf(rack.start({ verb, confirm }))).toEqual(['confirm']);
    await settle();
    expect(rack.log).toEqual([]);
    expect(rack.operations.list()).toEqual([]);
  },
);

test('several nodes are confirmed by group and count', async () => {
  const rack = new FakeRack();
  const group = { verb: 'force-off', nodes: [3, 5, 3], label: 'marked' } satisfies Partial<PowerRequest>;
  expect(await refusalOf(rack.start({ ...group, confirm: 'marked 3' }))).toEqual(['confirm']);
  expect(await refusalOf(rack.start({ ...group, label: ' ', confirm: '  2' }))).toEqual(['confirm']);
  await rack.start({ ...group, confirm: 'marked 2' });
  await settle();
  expect(rack.verbs.map(({ verb }) => verb)).toEqual(['off 03', 'off 05']);
});

test('one refusing node refuses the whole cut: it is not what was confirmed', async () => {
  const rack = new FakeRack();
  const all = { verb: 'force-off', nodes: [3, 4, 0], label: 'x', confirm: 'x 3' } satisfies Partial<PowerRequest>;
  expect(await refusalOf(rack.start(all))).toEqual(['protected', 'dns', 'master']);
  await settle();
  expect(rack.log).toEqual([]);
  // And the nodes are free again.
  await rack.start({ verb: 'force-off', confirm: 'k8s-worker-04' });
});

test('of several nodes to switch on, those that refuse are left out', async () => {
  const rack = new FakeRack();
  for (const addr of [1, 3]) rack.power.set(addr, 'off');
  rack.trouble.set(5, { ok: false, failure: 'silent', detail: 'the BMC at 05 does not answer' });
  await rack.start({ verb: 'on', nodes: [1, 3, 5], label: 'x' });
  await rack.clock.advance(60_000);
  expect(rack.ends.map((end) => end.split(':')[0])).toEqual(['done', 'done', 'refused']);
});

test('switching on: two seconds apart, and one booting node a blade', async () => {
  const rack = new FakeRack();
  for (const addr of [1, 2, 5]) rack.power.set(addr, 'off');
  await rack.start({ verb: 'on', nodes: [1, 2, 3, 5], label: 'x' });
  await rack.clock.advance(60_000);
  expect(rack.verbs).toEqual([
    { verb: 'on 01', at: 0 },
    { verb: 'on 05', at: 2 },
    { verb: 'on 02', at: 15 },
  ]);
  expect(rack.ends[2]).toBe('done: was on already');
});

test('force-cycle: off, two seconds, on', async () => {
  const rack = new FakeRack();
  await rack.start({ verb: 'force-cycle', confirm: 'k8s-worker-04' });
  await rack.clock.advance(10_000);
  expect(rack.verbs).toEqual([
    { verb: 'off 03', at: 0 },
    { verb: 'on 03', at: 2 },
  ]);
  expect(rack.ends).toEqual(['done: is on again, confirmed by two status replies']);
});

test('after the cut of a cycle, neither abort nor deadline nor a dead bus keeps the node off', async () => {
  const rack = new FakeRack();
  const { id } = await rack.start({ verb: 'force-cycle', confirm: 'k8s-worker-04', deadlineS: 1 });
  await settle();
  expect(rack.power.get(3)).toBe('off');
  rack.operations.abort(id, OPERATOR);
  rack.health = { phase: 'down', detail: 'the port vanished', master: null };
  await rack.clock.advance(20_000);
  expect(rack.operation.nodes[0]).toMatchObject({ phase: 'switch-on', outcome: null });
  expect(rack.operation.nodes[0]?.detail).toContain('the port vanished');
  rack.health = { phase: 'ready', detail: '', master: 0 };
  await rack.clock.advance(5_000);
  expect(rack.power.get(3)).toBe('on');
  expect(rack.ends[0]).toMatch(/^done: is on again.*aborted too late/);
});

test('a cut whose effect was not seen is followed by on as well, and ends as failed', async () => {
  const rack = new FakeRack();
  rack.onVerb = (_addr, verb) =>
    verb === 'off'
      ? { ok: false, sent: true, tries: 3, reason: 'unverified', detail: 'its BMC says on', last: null }
      : null;
  await rack.start({ verb: 'force-cycle', confirm: 'k8s-worker-04' });
  await rack.clock.advance(10_000);
  expect(rack.verbs.map(({ verb }) => verb)).toEqual(['off 03', 'on 03']);
  expect(rack.ends[0]).toMatch(/^failed: is on, but it is not certain/);
});

test('what cannot be written down is not cut', async () => {
  for (const disk of ['auditFails', 'journalFails'] as const) {
    const rack = new FakeRack();
    rack[disk] = new Error('no space left on device');
    await rack.start({ verb: 'force-off', confirm: 'k8s-worker-04' });
    await settle();
    expect(rack.verbs).toEqual([]);
    expect(rack.ends[0]).toContain('no space left on device');
    expect(rack.operation.nodes[0]?.outcome).toBe('refused');
  }
});

test('a full disk keeps nobody from switching on', async () => {
  const rack = new FakeRack();
  rack.power.set(3, 'off');
  rack.auditFails = rack.journalFails = new Error('no space left on device');
  await rack.start({ verb: 'on' });
  await settle();
  expect(rack.power.get(3)).toBe('on');
  expect(rack.events.join('\n')).toContain('no space left on device');
});

test('abort: what has not left does not leave', async () => {
  const rack = new FakeRack();
  rack.duringVerb = async () => {
    rack.duringVerb = null;
    rack.operations.abort(rack.operation.id, OPERATOR);
    await Promise.resolve();
  };
  await rack.start({ verb: 'force-off', nodes: [3, 5], label: 'x', confirm: 'x 2' });
  await settle();
  expect(rack.verbs).toEqual([]);
  expect(rack.ends).toEqual([
    'aborted: aborted before the verb was sent',
    'aborted: aborted before its turn: nothing was sent',
  ]);
});

test('the rules are asked again at each turn', async () => {
  const rack = new FakeRack();
  rack.onVerb = () => {
    // While the first is cut, somebody protects the second.
    const second = rack.inventory.nodes.find(({ addr }) => addr === 5);
    if (second) second.protected = true;
    return null;
  };
  await rack.start({ verb: 'force-off', nodes: [3, 5], label: 'x', confirm: 'x 2' });
  await settle();
  expect(rack.verbs.map(({ verb }) => verb)).toEqual(['off 03']);
  expect(rack.ends[1]).toMatch(/^refused: nothing was sent: dk8s-worker-02 .* is protected/);
});

test('of two who ask at once, one has the node', async () => {
  const rack = new FakeRack();
  const results = await Promise.allSettled(
    [1, 2].map((session) => rack.start({ verb: 'force-cycle', confirm: 'k8s-worker-04' }, session)),
  );
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  await rack.clock.advance(10_000);
  expect(rack.verbs).toHaveLength(2);
  // Free again afterwards.
  await rack.start({ verb: 'force-off', confirm: 'k8s-worker-04' });
});

test('force-off of a node that is off sends nothing', async () => {
  const rack = new FakeRack();
  rack.power.set(3, 'off');
  await rack.start({ verb: 'force-off', confirm: 'k8s-worker-04' });
  await settle();
  expect(rack.log).toEqual([]);
  expect(rack.ends).toEqual(['done: was off already']);
});

test('check: a fresh sample, refusals, impact, and the words that confirm', async () => {
  const rack = new FakeRack();
  const check = await rack.operations.check(requestOf({ verb: 'force-off', nodes: [1, 4], label: 'pair' }), 1);
  expect(check.confirm).toBe('pair 2');
  expect(check.nodes.map(({ refusals }) => refusals.map(({ rule }) => rule))).toEqual([['fan'], ['protected', 'dns']]);
  expect(check.nodes[0]?.impact.join('\n')).toMatch(/loses power at once[^]*chassis fan 1 stops[^]*cluster dev/);
  expect(check.nodes[0]?.sample).toMatchObject({ power: 'on' });
  expect(rack.log).toEqual([]);
});

test('who asks for what there is not is told so', async () => {
  const rack = new FakeRack();
  expect(() => rack.operations.abort('zzz', OPERATOR)).toThrow(NotFound);
  const { id } = await rack.start({ verb: 'force-off', confirm: 'k8s-worker-04' });
  expect(() =>
    rack.operations.answer(id, { addr: 3, question: 'x', choice: 'force', confirm: null }, OPERATOR),
  ).toThrow(NotFound);
});

test('a sample of the sweep a moment ago will do for a verb, which proves itself, but not for a word that nothing is to be done', async () => {
  const rack = new FakeRack();
  rack.swept = true;
  rack.lostReplies = 3;
  await rack.start({ verb: 'force-off', confirm: 'k8s-worker-04' });
  await settle();
  expect(rack.verbs.map(({ verb }) => verb)).toEqual(['off 03']);
  expect(rack.lostReplies).toBe(3);
  // Off already, says the sweep: it is asked.
  expect(await refusalOf(rack.start({ verb: 'force-off', confirm: 'k8s-worker-04' }))).toEqual(['unknown']);
});

test('two lost replies are noise, three are silence', async () => {
  const rack = new FakeRack();
  rack.lostReplies = 3;
  expect(await refusalOf(rack.start({ verb: 'force-off', confirm: 'k8s-worker-04' }))).toEqual(['unknown']);
  rack.lostReplies = 2;
  await rack.start({ verb: 'force-off', confirm: 'k8s-worker-04' });
  await settle();
  expect(rack.verbs.map(({ verb }) => verb)).toEqual(['off 03']);
});

test('an answer to a question that has changed meanwhile is none', async () => {
  const rack = new FakeRack();
  rack.sign(3, 'asked');
  await rack.clock.advance(301_000);
  const { id } = await rack.start({ verb: 'on' });
  await rack.clock.advance(10_000);
  const { question } = rack.operation.nodes[0] ?? {};
  expect(question).toBeTruthy();
  for (const other of ['', 'q1', `${question?.id ?? ''}0`])
    expect(() =>
      rack.operations.answer(
        id,
        { addr: 3, question: other, choice: 'cycle', confirm: question?.choices[1]?.confirm ?? null },
        OPERATOR,
      ),
    ).toThrow(/nothing was done: the question about .* has changed, it is now: /);
  expect(rack.operation.nodes[0]?.question?.id).toBe(question?.id);
});

test.each(['off', 'force-off', 'force-cycle'] as const)(
  'another name on its console makes %s need one word more, and forbids nothing',
  async (verb) => {
    const rack = new FakeRack();
    rack.hosts.set(3, { host: 'not-me', at: START });
    const check = await rack.operations.check(requestOf({ verb }), 1);
    expect(check.confirm).toBe('k8s-worker-04 anyway');
    expect(check.nodes[0]?.refusals).toEqual([]);
    expect(check.nodes[0]?.impact.join(' ')).toMatch(
      /showed the host name ‘not-me’ .* the configuration says ‘k8s-worker-04’/,
    );
    await expect(rack.start({ verb, confirm: 'k8s-worker-04' })).rejects.toThrow(/showed the host name ‘not-me’/);
    await rack.start({ verb, confirm: check.confirm });
    await rack.clock.advance(10_000);
    expect(rack.operation.nodes[0]?.outcome).not.toBe('refused');
    if (verb === 'force-off') expect(rack.ends).toEqual(['done: is off, confirmed by two status replies']);
  },
);

test('a name that a console shows after the confirmation holds up no cut, and a word more forces nothing else', async () => {
  const rack = new FakeRack();
  rack.swept = true;
  const started = rack.start({ verb: 'force-off', confirm: 'k8s-worker-04' });
  rack.hosts.set(3, { host: 'late', at: START });
  await started.catch(() => undefined);
  const check = await rack.operations.check(requestOf({ verb: 'force-off', nodes: [4] }), 1);
  expect(check.confirm).toBe('ns01');
  await expect(rack.start({ verb: 'force-off', nodes: [4], confirm: 'ns01 anyway' })).rejects.toThrow(/protected/);
});
