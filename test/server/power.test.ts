/** Power through the server: what a client is told, what reaches the wire, what is on the disk. */
import { expect, test } from 'vitest';
import { RPC_ERROR, type ServerNotes } from '../../src/api/methods.ts';
import type { Operation, Refusal } from '../../src/api/power.ts';
import { startRack } from '../support/rack.ts';
import { CUT_ALPHA, eventually, Harness, refusal, type Operator } from './harness.ts';
import { ServeProcess } from './process.ts';

function operationsOf({ client }: Operator): ServerNotes['operation'][] {
  const seen: Operation[] = [];
  client.on('operation', (operation) => seen.push(operation));
  return seen;
}

test('a confirmed cut: seen by everybody, proven, and written down before it left', async () => {
  await using rack = await Harness.start();
  const alice = await rack.ready('alice');
  const bob = await rack.ready('bob');
  const seen = operationsOf(bob);
  const started = await alice.client.request('power.start', CUT_ALPHA);
  expect(started).toMatchObject({ verb: 'force-off', endedAt: null, nodes: [{ addr: 1, outcome: null }] });
  // Whoever has its id can ask the next server how it ended.
  expect(rack.file('operations.jsonl')).toContain(`"id":"${started.id}"`);
  await eventually(() => expect(seen.at(-1)).toMatchObject({ id: started.id, nodes: [{ outcome: 'done' }] }));
  expect(rack.rack.verbs).toEqual([expect.stringMatching(/01/)]);
  const audit = rack
    .file('audit.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(audit).toMatchObject([
    { stage: 'intent', op: started.id, reportedBy: { user: 'alice' } },
    { stage: 'outcome', op: started.id, outcome: 'done', tries: 1 },
  ]);
  // It was our doing: no alarm.
  await eventually(() => expect(bob.events.some(({ text }) => text === 'alpha (A-1, 01) is off')).toBe(true));
  expect(bob.events.filter(({ level }) => level === 'alarm')).toEqual([]);
  expect(await bob.client.request('ops.list', {})).toMatchObject([{ id: started.id, nodes: [{ outcome: 'done' }] }]);
});

test.each([
  ['without its confirmation', { confirm: null }, 'confirm'],
  ['with another confirmation', { confirm: 'beta' }, 'confirm'],
  ['of the master', { nodes: [0], label: 'boss', confirm: 'boss' }, 'master'],
])('a cut %s is refused by its rule, and nothing is sent', async (_what, change, rule) => {
  await using rack = await Harness.start();
  const alice = await rack.ready();
  const failure = await refusal(alice.client.request('power.start', { ...CUT_ALPHA, ...change }));
  expect(failure.code).toBe(RPC_ERROR.refused);
  expect((failure.data as Refusal[]).map((one) => one.rule)).toContain(rule);
  expect(rack.rack.written).not.toMatch(/[\\/]/);
});

test('a node that is not of this rack is refused', async () => {
  await using rack = await Harness.start();
  const alice = await rack.ready();
  const failure = await refusal(alice.client.request('power.check', { ...CUT_ALPHA, nodes: [0x1f] }));
  expect(failure).toMatchObject({ code: RPC_ERROR.unknown });
});

test('a power that nobody here changed is an alarm', async () => {
  await using rack = await Harness.start({
    config: { nodes: [{ addr: '00' }, { addr: '01' }], poll: { interval: 0.02 } },
  });
  const alice = await rack.ready();
  const node = rack.rack.nodes.get(1);
  if (node) node.power = 0;
  await eventually(() =>
    expect(alice.events.find(({ level }) => level === 'alarm')?.text).toBe(
      'node-01 (A-1, 01) went from on to off, not switched by this server',
    ),
  );
});

test('a node that falls silent is lost, with its alarm, and comes back', async () => {
  await using rack = await Harness.start({
    config: { nodes: [{ addr: '00' }, { addr: '01' }], poll: { interval: 0.02 } },
  });
  const alice = await rack.ready();
  rack.rack.tamper = (reply, addr) => (addr === 1 ? null : reply);
  await eventually(() =>
    expect(alice.events.at(-1)?.text).toMatch(/node-01 .* stopped answering \(silent\); it was on/),
  );
  await eventually(() => {
    const last = alice.updates.flatMap(({ nodes }) => nodes ?? []).filter(({ addr }) => addr === 1);
    expect(last.at(-1)).toMatchObject({ reading: { state: 'failed', last: { power: 'on' } }, alarms: ['lost'] });
  });
  rack.rack.tamper = (reply) => reply;
  await eventually(() => expect(alice.events.at(-1)?.text).toMatch(/node-01 .* answers again after .* s: on/));
});

test('server.stop waits for operations, and says which', async () => {
  await using rack = await Harness.start();
  const alice = await rack.ready();
  const { id } = await alice.client.request('power.start', { ...CUT_ALPHA, verb: 'force-cycle' });
  const failure = await refusal(alice.client.request('server.stop', {}));
  expect(failure.code).toBe(RPC_ERROR.refused);
  expect(failure.message).toContain(`operation ${id} runs (force-cycle alpha)`);
});

test('a server that must go in the middle of a cycle switches the node on first', async () => {
  await using rack = await startRack({ args: ['--nodes', '4'] });
  await using server = await new ServeProcess({
    port: rack.port,
    config: 'nodes: [{ addr: "00" }, { addr: "01", name: alpha }]\n',
  }).ready();
  const alice = await server.connect();
  await alice.client.request('sweep', { addrs: null, interrupt: false });
  await alice.client.request('power.start', { ...CUT_ALPHA, verb: 'force-cycle' });
  await rack.until(({ nodes }) => nodes.find(({ addr }) => addr === '01')?.power === 'off');
  server.kill('SIGTERM');
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect((await rack.node('01')).power).toBe('on');
});

test('killed in the middle of a cycle: the next server says so, and repeats nothing', async () => {
  await using rack = await startRack({ args: ['--nodes', '4'] });
  const config = 'nodes: [{ addr: "00" }, { addr: "01", name: alpha }]\n';
  await using first = await new ServeProcess({ port: rack.port, config }).ready();
  const alice = await first.connect();
  await alice.client.request('sweep', { addrs: null, interrupt: false });
  const { id } = await alice.client.request('power.start', { ...CUT_ALPHA, verb: 'force-cycle' });
  await rack.until(({ nodes }) => nodes.find(({ addr }) => addr === '01')?.power === 'off');
  first.kill('SIGKILL');
  await first.exited;
  await using second = await new ServeProcess({ port: rack.port, config, dir: first.dir }).ready();
  const bob = await second.connect();
  expect(await bob.client.request('ops.list', {})).toMatchObject([{ id, nodes: [{ outcome: 'interrupted' }] }]);
  await bob.client.request('sweep', { addrs: null, interrupt: false });
  expect((await rack.node('01')).power).toBe('off');
});
