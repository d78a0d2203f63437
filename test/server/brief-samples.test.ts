/** Samples that repeat nothing: who takes them knows of every node what others are told whole. */
import { connect as connectSocket } from 'node:net';
import { expect, test } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { API_VERSION, type NodeState, type ServerNotes } from '../../src/api/methods.ts';
import { stateAfter } from '../../src/client/client.ts';
import type { Sample } from '../../src/rack/reading.ts';
import { UNKNOWN_SYSTEM } from '../../src/rack/system-state.ts';
import { briefSample } from '../../src/server/sessions/brief-samples.ts';
import { Outbox, type Picture } from '../../src/server/sessions/outbox.ts';
import { eventually, Harness } from './harness.ts';

const NOW = 1_000_000;
const SAMPLE: Sample = { power: 'on', current: 40, fan: 120, at: NOW - 60, rttMs: 2.5 };
const NODE: NodeState = {
  addr: 3,
  reading: { state: 'ok', sample: SAMPLE, source: 'sweep' },
  system: UNKNOWN_SYSTEM,
  onSince: null,
  kubernetes: null,
  alarms: ['its current is high'],
  op: null,
};
const read = (sample: Partial<Sample>): NodeState => ({
  ...NODE,
  reading: { state: 'ok', sample: { ...SAMPLE, ...sample }, source: 'sweep' },
});

test('another sample is five numbers, from which its receiver makes the whole state', () => {
  const next = read({ current: 43, fan: 121, at: NOW + 940, rttMs: 2.75 });
  const brief = briefSample(NODE, next, NOW + 1000);
  expect(brief).toEqual([3, 43, 121, 60, 2.75]);
  expect(brief && stateAfter(NODE, brief, NOW + 1000)).toEqual(next);
});

const MORE: Record<string, NodeState> = {
  'another power': read({ power: 'off' }),
  'another reason for the reading': { ...NODE, reading: { state: 'ok', sample: SAMPLE, source: 'operation' } },
  'a reply that did not come': {
    ...NODE,
    reading: { state: 'failed', failure: 'silent', since: NOW, tries: 2, last: SAMPLE },
  },
  'no reading any more': { ...NODE, reading: { state: 'unasked' } },
  'another system': { ...NODE, system: { ...UNKNOWN_SYSTEM, system: 'halted' } },
  'no system': { ...NODE, system: null },
  'a time at which power came on': { ...NODE, onSince: NOW },
  'a state in a cluster': { ...NODE, kubernetes: { state: 'ready', why: '', at: NOW, until: NOW + 1 } },
  'one alarm less': { ...NODE, alarms: [] },
  'another alarm': { ...NODE, alarms: ['its fan has stopped'] },
  'an operation': { ...NODE, op: 'o-1' },
};

test.each(Object.entries(MORE))('%s is told whole, and what follows it too where it was never told', (_, changed) => {
  expect(briefSample(NODE, changed, NOW)).toBeNull();
  expect(briefSample(undefined, changed, NOW)).toBeNull();
  if (changed.reading.state !== 'ok') expect(briefSample(changed, NODE, NOW)).toBeNull();
});

/** A client of few lines, and the updates that it got. */
async function plainClient({ socket: path }: Harness, options: { brief?: boolean }): Promise<Plain> {
  const socket = connectSocket(path);
  const rpc = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
  const updates: ServerNotes['update'][] = [];
  rpc.onNotification('update', (update: ServerNotes['update']) => void updates.push(update));
  rpc.listen();
  const who = { user: 'plain', from: null, tty: null, program: 'test', pid: 1 };
  await rpc.sendRequest('hello', { api: API_VERSION, who, ...options });
  const close = (): void => {
    rpc.dispose();
    socket.destroy();
  };
  return { updates, [Symbol.dispose]: close };
}

interface Plain extends Disposable {
  updates: ServerNotes['update'][];
}

test('a client that takes brief samples knows of each node what the others are told whole', async () => {
  await using rack = await Harness.start({
    config: { nodes: [{ addr: '00' }, { addr: '01' }], poll: { interval: 0.2 } },
  });
  const ours = await rack.ready();
  using whole = await plainClient(rack, {});
  using brief = await plainClient(rack, { brief: true });
  const states = ({ updates }: Pick<Plain, 'updates'>): NodeState[] => updates.flatMap(({ nodes = [] }) => nodes);
  for (const power of [1, 0, 1] as const) {
    const node = rack.rack.nodes.get(1);
    if (node) node.power = power;
    const [from, seen] = [brief.updates.length, states(ours).length];
    const isSo = ({ addr, reading }: NodeState): boolean =>
      addr === 1 && reading.state === 'ok' && reading.sample.power === (power === 1 ? 'on' : 'off');
    await eventually(() => {
      expect(states(ours).slice(seen).some(isSo)).toBe(true);
      // Told whole, then in numbers.
      expect(states({ updates: brief.updates.slice(from) }).some(isSo)).toBe(true);
      expect(brief.updates.at(-1)?.samples?.some(([addr]) => addr === 1)).toBe(true);
      expect(brief.updates.at(-1)?.nodes).toBeUndefined();
    });
  }
  expect(whole.updates.every(({ samples }) => samples === undefined)).toBe(true);
  const key = ({ addr, reading }: NodeState): string => `${addr} ${reading.state === 'ok' ? reading.sample.at : ''}`;
  const told = new Map(states(whole).map((state) => [key(state), state]));
  const common = states(ours).filter((state) => told.has(key(state)));
  expect(common.length).toBeGreaterThan(3);
  const rounded = (state: NodeState | undefined): unknown =>
    JSON.parse(JSON.stringify(state), (name, value: unknown) => (name === 'rttMs' ? Math.round(Number(value)) : value));
  for (const state of common) expect(rounded(state)).toEqual(rounded(told.get(key(state))));
});

test('a client that may not read consoles any more, or may again, is told all nodes whole', async () => {
  const updates: ServerNotes['update'][] = [];
  let reads = true;
  const picture = { now: () => NOW, node: () => NODE } as unknown as Picture;
  const outbox = new Outbox(picture, {
    send: (_method, update) => Promise.resolve(void updates.push(update as ServerNotes['update'])),
    reads: () => reads,
    lagging: () => undefined,
  });
  outbox.takesBrief();
  for (const [may, field] of [
    [true, 'nodes'],
    [true, 'samples'],
    [false, 'nodes'],
    [false, 'samples'],
    [true, 'nodes'],
  ] as const) {
    reads = may;
    const sent = updates.length;
    outbox.changed({ node: 3 });
    await eventually(() => expect(updates.length).toBe(sent + 1));
    expect(Object.keys(updates[sent] ?? {})).toEqual(['now', field]);
  }
  outbox.close();
});
