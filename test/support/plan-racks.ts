/**
 * Two racks for plans over both: nodes that are shut down with proof, one server process, and no machine that ssh can
 * reach. Each rack has the plans `shed` (two nodes) and `guarded` (a protected one).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { racks, type Racks } from './racks.ts';

export interface PlanRacks extends Racks {
  /** Replaces what the list of racks says beside them, switches all nodes on, and counts cuts from here on. */
  begin(more: string): Promise<void>;
  /** Returns how often power was cut at each rack since then. */
  cuts(): Promise<Record<string, number>>;
}

export async function planRacks(): Promise<PlanRacks> {
  const path = process.env['PATH'] ?? '';
  const bin = mkdtempSync(join(tmpdir(), 'rackui-bin-'));
  const ssh = '#!/bin/sh\necho "ssh: connect to host far port 22: No route to host" >&2\nexit 255\n';
  writeFileSync(join(bin, 'ssh'), ssh, { mode: 0o755 });
  writeFileSync(join(bin, 'password'), 'raspberry\n', { mode: 0o600 });
  process.env['PATH'] = `${bin}:${path}`;
  const two = await racks({ north: 4, south: 4 }, ['--time-scale', '30', '--no-loss']);
  for (const [name, rack] of two.racks)
    writeFileSync(join(two.folder, `${name}.yaml`), configuration(name, rack.link, join(bin, 'password')));
  await two.serve();
  const cutsSoFar = async (): Promise<[string, number][]> =>
    Promise.all(
      [...two.racks].map(async ([name, rack]): Promise<[string, number]> => {
        const nodes = Object.values((await rack.counters()).nodes);
        return [name, nodes.reduce((sum, node) => sum + node.off, 0)];
      }),
    );
  let before = new Map<string, number>();
  return {
    ...two,
    async begin(more) {
      two.say(more);
      expect((await two.run('on', '*:all')).code).toBe(0);
      before = new Map(await cutsSoFar());
    },
    async cuts() {
      return Object.fromEntries((await cutsSoFar()).map(([name, number]) => [name, number - (before.get(name) ?? 0)]));
    },
    async [Symbol.asyncDispose]() {
      await two[Symbol.asyncDispose]();
      process.env['PATH'] = path;
      rmSync(bin, { recursive: true });
    },
  };
}

function configuration(name: string, port: string, password: string): string {
  const step = (nodes: string): string =>
    `{ steps: [{ name: a, action: off, selector: "${nodes}", parallel: 1, verify: status }] }`;
  return [
    ...[`name: ${name}`, `port: ${port}`, 'server: { linger: 2 }', 'boot: { proof: status }', 'nodes:'],
    ...[1, 2, 3].map((n) => `  - { addr: "0${n}", name: node-0${n}${n === 3 ? ', protected: true' : ''} }`),
    `login: { user: pi, password: { file: ${password} } }`,
    'shutdown: { settle: 0.3, request: 20, acknowledged: 20, stopping: 20, hard: 30 }',
    `plans: { shed: ${step('node-[01-02]')}, guarded: ${step('node-03')} }`,
    '',
  ].join('\n');
}
