/** The shipped hooks for Kubernetes: a stand-in of kubectl is run by the real server, around shutdowns of simulated nodes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Operation, PowerRequest } from '../../src/api/power.ts';
import type { RackClient } from '../../src/client/client.ts';
import { eightNodes, type Stand, sweptStand } from '../support/stand.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/kubernetes/hooks.yaml', import.meta.url));
const LIMIT = { timeout: 90_000, interval: 100 };
/** Notes its arguments, and does as the file of its verb says. */
const KUBECTL = `#!/bin/sh
folder=$(dirname "$0")
echo "$*" >>"$folder/calls"
case "$*" in *uncordon*) verb=uncordon ;; *) verb=drain ;; esac
[ ! -e "$folder/$verb" ] || . "$folder/$verb"
`;

let folder: string;
let place: Stand;
let client: RackClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-test-kubectl-'));
  writeFileSync(join(folder, 'kubectl'), KUBECTL, { mode: 0o755 });
  const hooks = readFileSync(EXAMPLE, 'utf8').replace('limit: 120', 'limit: 3');
  place = await sweptStand({
    config: [
      eightNodes({ 0: 'role: master', 3: 'cluster: prod', 4: 'cluster: prod' }),
      'login: { user: pi, password: { command: [echo, raspberry] } }',
      'shutdown: { settle: 1 }',
      hooks,
    ].join('\n'),
    sim: ['--time-scale', '20'],
    env: { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` },
  });
  client = await place.client();
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  for (const name of ['calls', 'drain', 'uncordon']) rmSync(join(folder, name), { force: true });
  await place.rack.ctl('power', { node: 'all', state: 'on' });
  await client.request('sweep', { addrs: null, interrupt: false });
});

const calls = (): string[] => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
const start = (verb: PowerRequest['verb'], node: number): Promise<Operation> =>
  client.request('power.start', {
    ...{ verb, nodes: [node], label: `n${node}`, confirm: `n${node}` },
    ...{ deadlineS: null, onDeadline: 'leave', takeConsole: false },
  });
const find = async ({ id }: Operation): Promise<Operation['nodes'][number] | undefined> =>
  (await client.request('ops.list', {})).find((one) => one.id === id)?.nodes[0];
const outcome = async (operation: Operation): Promise<string> => {
  await expect.poll(async () => (await find(operation))?.outcome, LIMIT).not.toBeNull();
  return (await find(operation))?.outcome ?? '';
};

test('a node is drained by its name before it is off, and uncordoned once it is up', async () => {
  expect(await outcome(await start('off', 3))).toBe('done');
  expect(await place.rack.node('03')).toMatchObject({ power: 'off' });
  expect(calls()).toEqual([
    '--kubeconfig=/etc/rackui/kubeconfig drain n3 --ignore-daemonsets --delete-emptydir-data --timeout=110s',
  ]);
  expect(await outcome(await start('on', 3))).toBe('done');
  expect(calls().slice(1)).toEqual(['--kubeconfig=/etc/rackui/kubeconfig uncordon n3']);
}, 180_000);

test.each([
  ['fails', 'echo "error: cannot evict pod web-1" >&2; exit 1', /exit code 1.*error: cannot evict pod web-1/],
  ['does not end', 'sleep 1000', /no end within 3 s/],
])(
  'a drain that %s leaves the node on, and its operator is asked',
  async (_what, script, why) => {
    writeFileSync(join(folder, 'drain'), script);
    const operation = await start('off', 4);
    await expect.poll(async () => (await find(operation))?.question?.text ?? '', LIMIT).toMatch(why);
    expect(await place.rack.node('04')).toMatchObject({ power: 'on' });
    await client.request('ops.abort', { id: operation.id });
    expect(await outcome(operation)).not.toBe('done');
    expect(await place.rack.node('04')).toMatchObject({ power: 'on' });
    expect((await place.rack.counters()).nodes['04']).toMatchObject({ off: 0 });
  },
  180_000,
);

test('an uncordon that fails is said, and the node is on', async () => {
  writeFileSync(join(folder, 'uncordon'), 'echo "Unable to connect to the server" >&2; exit 1');
  await outcome(await start('off', 3));
  const operation = await start('on', 3);
  expect(await outcome(operation)).toBe('done');
  expect((await find(operation))?.detail).toMatch(/a program that runs after it failed .*Unable to connect/);
}, 180_000);

test('a node of no cluster is shut down without kubectl', async () => {
  writeFileSync(join(folder, 'calls'), '');
  expect(await outcome(await start('off', 5))).toBe('done');
  expect(calls()).toEqual(['']);
}, 180_000);
