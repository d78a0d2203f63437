/** Nodes of a Kubernetes cluster: what is read of kubectl's list, how long it counts, and the section of the configuration. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { type ClusterReport, kubernetesStatus, presentState } from '../../src/rack/kubernetes.ts';
import { parseNodeList } from '../../src/server/kubernetes/node-list.ts';
import { nodeList } from '../support/kubectl.ts';

test.each([
  ['ready', {}, 'ready', ''],
  ['cordoned', { cordoned: true }, 'cordoned', ''],
  ['not ready', { ready: 'False' }, 'not-ready', /^KubeletNotReady: container runtime network not ready/],
  ['of no known state', { ready: 'Unknown' }, 'not-ready', 'NodeStatusUnknown: Kubelet stopped posting node status.'],
  ['cordoned and not ready', { ready: 'Unknown', cordoned: true }, 'not-ready', /^cordoned; NodeStatusUnknown/],
] as const)('a node that is %s is read as such, with its reason', (_what, node, state, why) => {
  const read = parseNodeList(nodeList({ name: 'K8s-Worker-04', ...node })).get('k8s-worker-04');
  expect(read?.state).toBe(state);
  if (typeof why === 'string') expect(read?.why).toBe(why);
  else expect(read?.why).toMatch(why);
});

test('a node without the condition Ready is unknown, and never ready', () => {
  const bare = (status: unknown): unknown => ({ items: [{ metadata: { name: 'n1' }, status }] });
  for (const status of [undefined, {}, { conditions: [] }, { conditions: [{ type: 'DiskPressure', status: 'False' }] }])
    expect(parseNodeList(JSON.stringify(bare(status))).get('n1')).toEqual({
      state: 'unknown',
      why: 'it has no condition Ready',
    });
});

test('a reason is one short line without hidden characters', () => {
  const conditions = [{ type: 'Ready', status: 'False', reason: 'R', message: `a\x1b[2J\nb\u202e${'x'.repeat(999)}` }];
  const { why } = parseNodeList(JSON.stringify({ items: [{ metadata: { name: 'n1' }, status: { conditions } }] })).get(
    'n1',
  ) ?? { why: '' };
  expect(why).toMatch(/^R: a\[2Jbx+$/);
  expect(why.length).toBeLessThanOrEqual(200);
});

test.each([
  ['nothing', '', 'its output is no JSON'],
  ['half a list', nodeList({ name: 'n1' }).slice(0, 300), 'its output is no JSON'],
  ['a table', 'NAME STATUS\nn1 Ready\n', 'its output is no JSON'],
  ['an error of the API', '{"kind":"Status","status":"Failure","code":403}', 'its output is no list of nodes'],
  [
    'a list of pods',
    '{"kind":"List","items":[{"kind":"Pod","metadata":{"name":"n1"}}]}',
    'its output is no list of nodes',
  ],
  ['a number', '7', 'its output is no list of nodes'],
])('%s is refused', (_what, text, why) => {
  expect(() => parseNodeList(text)).toThrow(why);
});

const report = (over: Partial<ClusterReport> = {}): ClusterReport => ({
  answer: { at: 1000, nodes: new Map([['n3', { state: 'ready', why: '' }]]) },
  failure: '',
  limitMs: 90_000,
  ...over,
});

test('an answer counts up to its limit, then its nodes are unknown; others are in no cluster', () => {
  expect(kubernetesStatus(report(), 'N3', 91_000)).toEqual({ state: 'ready', why: '', at: 1000, until: 91_000 });
  const old = kubernetesStatus(report({ failure: 'kubectl (exit code 1)' }), 'n3', 91_001);
  expect(old).toEqual({ state: 'unknown', why: 'kubectl (exit code 1)', at: 1000, until: 91_000 });
  expect(kubernetesStatus(report(), 'n4', 1000)).toBeNull();
  expect(kubernetesStatus(null, 'n3', 1000)).toBeNull();
});

test('before the first answer no node is known', () => {
  expect(kubernetesStatus(report({ answer: null }), 'n4', 1000)).toEqual({
    ...{ state: 'unknown', why: 'the cluster has not answered yet', at: null, until: null },
  });
});

test('a status that no newer one followed is unknown once its time is over', () => {
  const status = { state: 'ready', why: '', at: 1000, until: 91_000 } as const;
  expect([presentState(status, 91_000), presentState(status, 91_001)]).toEqual(['ready', 'unknown']);
});

test.each([
  ['kubernetes: {}', 'kubernetes.run: missing'],
  ['kubernetes: { run: kubectl get nodes }', 'kubernetes.run: '],
  ['kubernetes: { run: [] }', 'kubernetes.run: '],
  ['kubernetes: { run: [kubectl], interval: 0 }', 'kubernetes.interval: found 0'],
  ['kubernetes: { run: [kubectl], limit: 5 }', 'kubernetes.limit: no such setting'],
])('%s is refused with its place', (text, says) => {
  expect(() => parseConfig(text, 'rack.yaml')).toThrow(says);
});

test('a configuration with the section names a program, so others must not be able to write it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-test-kubernetes-'));
  const file = join(folder, 'rack.yaml');
  writeFileSync(file, 'kubernetes: { run: [kubectl] }\n');
  chmodSync(file, 0o666);
  expect(() => loadConfig(file)).toThrow('it names programs to run');
  chmodSync(file, 0o600);
  expect(loadConfig(file).config.kubernetes).toEqual({ run: ['kubectl'], interval: 30 });
  rmSync(folder, { recursive: true });
});
