/** Signs, column and fact of nodes in a Kubernetes cluster; nothing old looks ready. */
import { expect, test } from 'vitest';
import type { KubernetesState } from '../../src/rack/kubernetes.ts';
import { sortedRows } from '../../src/tui/table/columns.ts';
import { MIXED, nodeOn, NOW, RACK, Scene, type SceneOptions } from './scene.ts';

const STATES: Readonly<Record<number, KubernetesState>> = { 1: 'ready', 2: 'cordoned', 3: 'not-ready', 4: 'unknown' };
const clustered = (size: SceneOptions): Scene =>
  new Scene({
    ...size,
    nodes: RACK.nodes.map(({ addr }) => {
      const state = STATES[addr];
      const why = state === 'not-ready' ? 'NodeStatusUnknown: Kubelet stopped posting node status.' : '';
      const kubernetes = state === undefined ? null : { state, why, at: NOW - 12_000, until: NOW + 60_000 };
      return nodeOn(addr, { kubernetes });
    }),
  });

const SIZES = [
  { cols: 60, rows: 16 },
  { cols: 80, rows: 24 },
  { cols: 120, rows: 40 },
  { cols: 200, rows: 60 },
];
const nameOf = (addr: number): string => RACK.nodes.find((node) => node.addr === addr)?.name ?? '';

test.each(SIZES)('a map of $cols by $rows has a sign for each state but ready, and explains it', (size) => {
  const text = clustered(size).seen().lines().join('\n');
  for (const sign of ['⊠', '⊟', '⊡']) expect(text.split(sign).length - 1, sign).toBeGreaterThanOrEqual(1);
  if (size.cols < 120) return;
  for (const words of ['⊠ not ready', '⊟ cordoned', '⊡ cluster?']) expect(text).toContain(words);
});

test('a rack of no cluster has no such sign and no such column', () => {
  for (const keys of [[], ['T']]) {
    const text = new Scene({ cols: 200, rows: 60, nodes: MIXED })
      .keys(...keys)
      .seen()
      .lines()
      .join('\n');
    expect(text).not.toMatch(/[⊠⊟⊡]|kubernetes/);
  }
});

/** The table's row of a node; '' where there is none. */
const rowOf = (scene: Scene, addr: number): string =>
  scene
    .seen()
    .lines()
    .find((line) => line.slice(1).startsWith(`${nameOf(addr)} `) && line.includes(`0${addr} `)) ?? '';

test('problems first: a node that is not ready, then a cordoned one, then those that are ready', () => {
  const scene = clustered({ cols: 200, rows: 60 }).keys('T');
  const order = sortedRows(scene.state).map(({ node }) => node.addr);
  expect(order.filter((addr) => [1, 2, 3, 5].includes(addr))).toEqual([3, 2, 1, 5]);
});

test('the table has a column, which sorts and filters', () => {
  const scene = clustered({ cols: 200, rows: 60 }).keys('T');
  expect(scene.seen().lines().join('\n')).toContain('kubernetes');
  expect([1, 2, 3, 4].map((addr) => rowOf(scene, addr))).toEqual([
    expect.stringMatching(/ ready /),
    expect.stringContaining('⊟ cordoned'),
    expect.stringContaining('⊠ not ready'),
    expect.stringContaining('⊡ unknown'),
  ]);
  scene.keys('/').typed('kubernetes:cordoned|not-ready').keys('\r');
  expect([rowOf(scene, 1), rowOf(scene, 4)]).toEqual(['', '']);
  expect(rowOf(scene, 2)).toContain('cordoned');
});

test('the detail pane has the state, the age of the answer and its reason', () => {
  const scene = clustered({ cols: 200, rows: 60 }).keys('03').detailed();
  const pane = scene
    .seen()
    .lines()
    .map((line) => line.split('┃│')[1]?.trim() ?? '')
    .join(' ');
  expect(pane).toMatch(/kubernetes +not ready, 12s ago: NodeStatusUnknown: Kubelet stopped posting node status\. role/);
});

test('an answer that no newer one follows, and a lost server, leave nothing that looks ready', () => {
  for (const after of [
    (scene: Scene): Scene => scene.later(61_000),
    (scene: Scene): Scene => scene.dispatch({ type: 'link-lost', why: 'it ended' }),
  ]) {
    const scene = clustered({ cols: 200, rows: 60 }).keys('T');
    expect(rowOf(scene, 1)).toMatch(/ ready /);
    after(scene);
    for (const addr of [1, 2, 3, 4]) expect(rowOf(scene, addr)).toContain('⊡ unknown');
  }
});

test('without a UTF-8 terminal the signs are letters', () => {
  const text = clustered({ cols: 120, rows: 40 }).seen(true).lines().join('\n');
  for (const words of ['K not ready', 'k cordoned', 'u cluster?']) expect(text).toContain(words);
});
