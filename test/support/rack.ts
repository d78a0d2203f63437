/**
 * A simulated rack for tests: as a process of its own, behind a real pseudo-terminal (what end-to-end tests want), or
 * inside the test's process (faster to start; the wire is the same). Whoever starts one stops it.
 *
 *     await using rack = await startRack({ args: ['--time-scale', '20'] });
 *     await rack.ctl('off-ignored', { node: '03' });
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { perform, SimControl, startControlled } from '../../src/sim/control/socket.ts';
import type { SimHost } from '../../src/sim/host.ts';
import { parseSimArgs } from '../../src/sim/options.ts';
import type { Counters } from '../../src/sim/rack/counters.ts';
import type { NodeDescription } from '../../src/sim/rack/node.ts';
import type { SupplyState } from '../../src/sim/rack/power-supply.ts';
import type { Surroundings } from '../../src/sim/simulator.ts';
import { PROGRAM } from './program.ts';

export interface RackOptions {
  /** Options of `rackui sim` (see `rackui sim --help`): `['--seed', '7', '--no-loss']`. */
  args?: string[];
  /** The rack's inside, for whoever watches it; only of a rack in this process. */
  watch?: (host: SimHost) => void;
}

export interface RackState {
  supply: SupplyState;
  bus: { port: string | null; locked: boolean; pipe: string | null; console: string | null; dead: boolean };
  nodes: NodeDescription[];
}

export interface TestRack extends AsyncDisposable {
  /** The device, `/dev/pts/N`. After `replug` it may be another: then use {@link link}. */
  readonly port: string;
  /** A symbolic link that always points to the device, and is absent while it is unplugged. */
  readonly link: string;
  readonly control: string;
  /** Any verb of the control socket (`help` lists them); rejects with its sentence. */
  ctl(verb: string, params?: Record<string, unknown>): Promise<unknown>;
  state(): Promise<RackState>;
  /** The true state of one node by address, `03`. */
  node(addr: string): Promise<NodeDescription>;
  counters(): Promise<Counters>;
  /** Resolves when `holds` says so of the true state; rejects with the state after `timeoutMs`. */
  until(holds: (state: RackState) => boolean, timeoutMs?: number): Promise<RackState>;
  stop(): Promise<void>;
}

const WAIT_MS = 15_000;

/** The rack as its own process. */
export async function startRack({ args = [] }: RackOptions = {}): Promise<TestRack> {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-test-rack-'));
  const paths = { link: join(folder, 'tty'), control: join(folder, 'control') };
  const child = spawn(
    process.execPath,
    [PROGRAM, 'sim', '--exit-with-stdin', '--link', paths.link, '--control', paths.control, ...args],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (/^ready$/m.test(said)) resolve();
    });
    void exited.then(() => reject(new Error(`the simulated rack ended at once:\n${said}`)));
  });
  const control = await SimControl.connect(paths.control);
  return handle({
    ...paths,
    port: /^port (.*)$/m.exec(said)?.[1] ?? '',
    ctl: (verb, params) => control.request(verb, params),
    stop: async () => {
      control.close();
      child.stdin.end();
      const stubborn = setTimeout(() => child.kill('SIGKILL'), 5000);
      await exited;
      clearTimeout(stubborn);
      rmSync(folder, { recursive: true, force: true });
    },
  });
}

/** The rack in this process. */
export async function startRackInProcess({ args = [], watch }: RackOptions = {}): Promise<TestRack> {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-test-rack-'));
  const paths = { link: join(folder, 'tty'), control: join(folder, 'control') };
  const host = await startControlled(parseSimArgs(['--link', paths.link, '--control', paths.control, ...args]));
  watch?.(host);
  return handle({
    ...paths,
    port: host.port ?? '',
    ctl: (verb, params = {}) =>
      new Promise((resolve) => {
        resolve(perform(host, verb, params));
      }),
    stop: () => {
      host.close();
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  });
}

/** The rack in this process, on a line and a clock of the caller's. */
export async function rackOnLine(args: string[], surroundings: Surroundings): Promise<TestRack> {
  const host = await startControlled(parseSimArgs(args), surroundings);
  return handle({
    ...{ port: host.port ?? '', link: host.port ?? '', control: host.control },
    // oxlint-disable-next-line typescript/require-await -- a verb that is wrong rejects
    ctl: async (verb, params = {}) => perform(host, verb, params),
    stop: () => {
      host.close();
      return Promise.resolve();
    },
  });
}

function handle(rack: Pick<TestRack, 'port' | 'link' | 'control' | 'ctl' | 'stop'>): TestRack {
  const state = async (): Promise<RackState> => (await rack.ctl('state')) as RackState;
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => (stopped ??= rack.stop());
  return {
    ...rack,
    ctl: async (verb, params) => rack.ctl(verb, params),
    stop,
    state,
    async node(addr) {
      const node = (await state()).nodes.find((one) => one.addr === addr);
      if (!node) throw new Error(`no node ${addr} in the simulated rack`);
      return node;
    },
    counters: async () => (await rack.ctl('counters')) as Counters,
    async until(holds, timeoutMs = WAIT_MS) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const now = await state();
        if (holds(now)) return now;
        if (performance.now() > deadline)
          throw new Error(`the rack did not come to the expected state. It is:\n${JSON.stringify(now, null, 1)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    [Symbol.asyncDispose]: stop,
  };
}
