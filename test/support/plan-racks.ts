/**
 * Two racks for plans over both: nodes that are shut down with proof, servers, and no machine that ssh can reach. Each rack has
 * the plans `shed` (two nodes), `one` (the first of them) and `guarded` (a protected one).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startCommand } from './command.ts';
import type { TestRack } from './rack.ts';
import { racks, type Racks } from './racks.ts';
import type { VirtualClock } from './virtual-clock.ts';
import { virtualStand } from './virtual-stand.ts';

const SIM = ['--time-scale', '30', '--no-loss'];
const NODES = 4;

interface Plans {
  /** Replaces what the list of racks says beside them, switches all nodes on, and counts cuts from here on. */
  begin(more: string): Promise<void>;
  /** Returns how often power was cut at each rack since then. */
  cuts(): Promise<Record<string, number>>;
}

export type VirtualPlanRacks = Pick<Racks, 'folder' | 'config' | 'env' | 'run'> & Plans & AsyncDisposable;

/** Between processes: one server for both racks. */
export async function planRacks(): Promise<Racks & Plans> {
  const path = process.env['PATH'] ?? '';
  const bin = programs();
  process.env['PATH'] = `${bin}:${path}`;
  const two = await racks({ north: NODES, south: NODES }, SIM);
  for (const [name, rack] of two.racks)
    writeFileSync(join(two.folder, `${name}.yaml`), configuration(name, rack.link, join(bin, 'password')));
  await two.serve();
  return {
    ...two,
    ...plans(two),
    async [Symbol.asyncDispose]() {
      await two[Symbol.asyncDispose]();
      process.env['PATH'] = path;
      rmSync(bin, { recursive: true });
    },
  };
}

/** In this process and in virtual time: a server for each rack. */
export async function virtualPlanRacks(clock: VirtualClock): Promise<VirtualPlanRacks> {
  const bin = programs();
  const folder = mkdtempSync(join(tmpdir(), 'rackui-racks-'));
  const runtime = join(folder, 'run');
  mkdirSync(runtime, { mode: 0o700 });
  const stands = await Promise.all(
    ['north', 'south'].map(async (name) => {
      const port = `/dev/${name}`;
      const text = configuration(name, port, join(bin, 'password'));
      writeFileSync(join(folder, `${name}.yaml`), text);
      return [
        name,
        await virtualStand({ clock, config: text, sim: ['--nodes', String(NODES), ...SIM], port, runtime }),
      ] as const;
    }),
  );
  const config = join(folder, 'racks.yaml');
  const env = {
    ...{ RUNTIME_DIRECTORY: runtime, XDG_STATE_HOME: join(folder, 'state'), RACKUI_CONFIG: config },
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
  };
  const run: Racks['run'] = async (...args) => {
    const { code, stdout, stderr } = await startCommand(args, { env: { ...env, RACKUI_SOCKET: undefined } }).ended;
    return { code, out: stdout, err: stderr };
  };
  const say = (more: string): void => writeFileSync(config, `racks: [north.yaml, south.yaml]\n${more}`);
  return {
    ...{ folder, config, env, run },
    ...plans({ racks: new Map(stands.map(([name, { rack }]) => [name, rack])), say, run }),
    async [Symbol.asyncDispose]() {
      for (const [, place] of stands) await place[Symbol.asyncDispose]();
      for (const path of [bin, folder]) rmSync(path, { recursive: true });
    },
  };
}

/** Returns a folder for PATH, with an ssh that reaches nothing; in it is also the nodes' password. */
function programs(): string {
  const bin = mkdtempSync(join(tmpdir(), 'rackui-bin-'));
  const ssh = '#!/bin/sh\necho "ssh: connect to host far port 22: No route to host" >&2\nexit 255\n';
  writeFileSync(join(bin, 'ssh'), ssh, { mode: 0o755 });
  writeFileSync(join(bin, 'password'), 'raspberry\n', { mode: 0o600 });
  return bin;
}

function plans({ racks: all, say, run }: { racks: ReadonlyMap<string, TestRack> } & Pick<Racks, 'say' | 'run'>): Plans {
  const cutsSoFar = async (): Promise<[string, number][]> =>
    Promise.all(
      [...all].map(async ([name, rack]): Promise<[string, number]> => {
        const nodes = Object.values((await rack.counters()).nodes);
        return [name, nodes.reduce((sum, node) => sum + node.off, 0)];
      }),
    );
  let before = new Map<string, number>();
  return {
    async begin(more) {
      say(more);
      for (const rack of all.values()) await switchOffHalted(rack);
      const { code, out, err } = await run('on', '*:all');
      expect(code, out + err).toBe(0);
      before = new Map(await cutsSoFar());
    },
    async cuts() {
      return Object.fromEntries((await cutsSoFar()).map(([name, number]) => [name, number - (before.get(name) ?? 0)]));
    },
  };
}

/** Takes the power of nodes that an earlier test left on their way down: nothing proves to a server how far they are. */
async function switchOffHalted(rack: TestRack): Promise<void> {
  for (const { addr, guest } of (await rack.state()).nodes)
    if (['stopping', 'halted'].includes(guest)) await rack.ctl('power', { node: addr, state: 'off' });
}

function configuration(name: string, port: string, password: string): string {
  const step = (nodes: string): string =>
    `{ steps: [{ name: a, action: off, selector: "${nodes}", parallel: 1, verify: status }] }`;
  return [
    ...[`name: ${name}`, `port: ${port}`, 'server: { linger: 2 }', 'boot: { proof: status }', 'nodes:'],
    ...[1, 2, 3].map((n) => `  - { addr: "0${n}", name: node-0${n}${n === 3 ? ', protected: true' : ''} }`),
    `login: { user: pi, password: { file: ${password} } }`,
    'shutdown: { settle: 1, request: 20, acknowledged: 20, stopping: 20, hard: 30 }',
    `plans: { shed: ${step('node-[01-02]')}, one: ${step('node-01')}, guarded: ${step('node-03')} }`,
    '',
  ].join('\n');
}
