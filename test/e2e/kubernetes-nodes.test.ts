/** States of a cluster's nodes in the real program: a stand-in of kubectl that answers, fails, hangs, floods, or prints garbage. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { NodeReport, StatusReport } from '../../src/cli/format/status.ts';
import type { RackClient } from '../../src/client/client.ts';
import { rackui } from '../cli/support.ts';
import { printsNodes, writeKubectl } from '../support/kubectl.ts';
import { eightNodes, type Stand, sweptStand } from '../support/stand.ts';

const LIMIT = { timeout: 30_000, interval: 100 };
const NODES = eightNodes({ 0: 'role: master' });
const SECTION = 'kubernetes: { run: [kubectl, get, nodes, -o, json], interval: 1 }';

let folder: string;
let script: (text: string) => void;
let answer: string;
let place: Stand;
let client: RackClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-test-cluster-'));
  script = writeKubectl(folder);
  answer = printsNodes(
    folder,
    { name: 'n3' },
    { name: 'n4', cordoned: true },
    { name: 'n5', ready: 'Unknown' },
    { name: 'elsewhere', ready: 'False' },
  );
  script(answer);
  place = await sweptStand({
    config: `${NODES}\n${SECTION}\n`,
    env: { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` },
  });
  client = await place.client();
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  script(answer);
  await expect.poll(state, LIMIT).toEqual(KNOWN);
});

const KNOWN = { n2: null, n3: 'ready', n4: 'cordoned', n5: 'not-ready' };

async function report(): Promise<Map<string, NodeReport>> {
  const { code, stdout, stderr } = await rackui(['--socket', place.socket, 'status', '--json']);
  expect(code, stderr).toBe(0);
  return new Map((JSON.parse(stdout) as StatusReport).nodes.map((node) => [node.name, node]));
}

/** The states of four nodes by name. */
async function state(): Promise<Record<string, unknown>> {
  const nodes = await report();
  return Object.fromEntries(Object.keys(KNOWN).map((name) => [name, nodes.get(name)?.kubernetes]));
}

async function alarm(): Promise<string> {
  const { standing } = await client.request('alarms.list', { limit: 0 });
  return standing.find(({ kind, clearedAt }) => kind === 'kubernetes' && clearedAt === null)?.text ?? '';
}

test('status has the state of each node of the cluster, with age and reason', async () => {
  const nodes = await report();
  const [ready, sick] = [nodes.get('n3'), nodes.get('n5')];
  expect(ready?.kubernetesAgeMs).toBeGreaterThanOrEqual(0);
  expect(ready?.kubernetesAgeMs).toBeLessThan(4000);
  expect(ready?.kubernetesWhy).toBeNull();
  expect(sick?.kubernetesWhy).toBe('NodeStatusUnknown: Kubelet stopped posting node status.');
  expect(nodes.get('n2')).toMatchObject({ kubernetes: null, kubernetesAgeMs: null, kubernetesWhy: null });
  const { stdout } = await rackui(['--socket', place.socket, 'status']);
  expect(stdout).toMatch(/n4 .*cordoned in Kubernetes\n/);
  expect(stdout).toMatch(/n5 .*not ready in Kubernetes\n/);
  expect(stdout).not.toMatch(/(n2|n3) .*Kubernetes/);
  expect(await alarm()).toBe('');
});

test('map, table and detail pane show it, and show it as unknown once the cluster does not answer', async () => {
  await using screen = place.open({ cols: 200, rows: 60 });
  await screen.waitFor(/⊠ not ready/);
  await screen.waitFor(/⊟ cordoned/);
  screen.type('05');
  await screen.waitFor(/kubernetes +not ready, \d+s ago: NodeStatusUnknown/);
  screen.type('T');
  await screen.waitFor(/n3 .* ready /);
  await screen.waitFor(/n4 .*⊟ cordoned/);
  script('echo "The connection to the server 10.0.0.1:6443 was refused" >&2; exit 1');
  await screen.waitFor(/n3 .*⊡ unknown/);
  await screen.waitFor(/n4 .*⊡ unknown/);
  await screen.waitFor(/kubernetes +unknown, \d+s ago: kubectl \(exit code 1, its last output: “The/);
  screen.type('T');
  await screen.waitFor(/⊡ cluster\?/);
  expect(screen.find('⊟')).toBeNull();
  script(answer);
  await screen.waitFor(/⊟ cordoned/);
}, 120_000);

test.each([
  ['fails', 'echo "error: You must be logged in to the server" >&2; exit 1', /exit code 1.*You must be logged in/],
  ['hangs', 'sleep 1000 & echo $! >"$folder/child"; wait', /no end within 1 s/],
  ['floods', 'yes "$(head -c 4000 /dev/zero | tr "\\0" x)"', /it printed more than 4096 KiB/],
  ['prints garbage', 'echo "NAME STATUS ROLES"; echo "n3 Ready worker"', /its output is no JSON.*n3 Ready worker/],
])(
  'a kubectl that %s leaves no node ready after three intervals, an alarm with the reason, and the sweep as it was',
  async (what, text, why) => {
    script(text);
    await expect.poll(state, LIMIT).toEqual({ n2: null, n3: 'unknown', n4: 'unknown', n5: 'unknown' });
    await expect.poll(alarm, LIMIT).toMatch(why);
    expect(await alarm()).toMatch(/^cannot read the nodes of the Kubernetes cluster: kubectl \(/);
    const node = (await report()).get('n3');
    expect(node?.kubernetesAgeMs).toBeGreaterThan(3000);
    expect(node?.kubernetesWhy).toMatch(why);
    expect(node).toMatchObject({ power: 'on', freshness: 'fresh' });
    script(answer);
    await expect.poll(state, LIMIT).toEqual(KNOWN);
    await expect.poll(alarm, LIMIT).toBe('');
    if (what !== 'hangs') return;
    // One that has ended and that no process waited for has no command line any more.
    const child = `/proc/${readFileSync(join(folder, 'child'), 'utf8').trim()}/cmdline`;
    await expect.poll(() => existsSync(child) && readFileSync(child).length > 0, LIMIT).toBe(false);
  },
  90_000,
);

test('a cluster without a node of this rack is an alarm that names its nodes', async () => {
  script(printsNodes(folder, { name: 'other-1' }, { name: 'other-2' }));
  await expect
    .poll(alarm, LIMIT)
    .toBe(
      "finds no node of this rack in the Kubernetes cluster, which has 2 nodes (other-1, other-2): name the rack's nodes as kubectl get nodes does",
    );
  expect(await state()).toEqual({ n2: null, n3: null, n4: null, n5: null });
  printsNodes(folder, { name: 'N3' }, { name: 'n4', cordoned: true }, { name: 'n5', ready: 'Unknown' });
});

test('a reload without the section forgets the cluster, and one with it asks again', async () => {
  const file = join(place.folder, 'rack.yaml');
  const reload = async (text: string): Promise<void> => {
    writeFileSync(file, text);
    expect((await rackui(['--socket', place.socket, 'server', 'reload'])).code).toBe(0);
  };
  await reload(`${NODES}\n`);
  await expect.poll(state, LIMIT).toEqual({ n2: null, n3: null, n4: null, n5: null });
  await reload(`${NODES}\n${SECTION}\n`);
  await expect.poll(state, LIMIT).toEqual(KNOWN);
});
