/**
 * A simulated rack for tests: in a process of racks, behind a real pseudo-terminal (what end-to-end tests want), or
 * inside the test's process (faster to start; the wire is the same). Whoever starts one stops it.
 *
 *     await using rack = await startRack({ args: ['--time-scale', '20'] });
 *     await rack.ctl('off-ignored', { node: '03' });
 */
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
import { RackProcess } from './rack-process.ts';

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

/** The rack in a process of racks, beside the tests' own. */
export async function startRack({ args = [] }: RackOptions = {}): Promise<TestRack> {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-test-rack-'));
  const paths = { link: join(folder, 'tty'), control: join(folder, 'control') };
  const rack = await RackProcess.running.start(['--link', paths.link, '--control', paths.control, ...args]);
  const control = await SimControl.connect(paths.control);
  return handle({
    ...paths,
    port: rack.port,
    ctl: (verb, params) => control.request(verb, params),
    look: async () => (await control.request('state', {})) as RackState,
    stop: async () => {
      control.close();
      await rack.stop();
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
    ...inProcess(host),
    stop: () => {
      host.close();
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  });
}

/** The rack in this process, on a line and a clock of the caller's. */
export async function rackOnLine({ args = [], watch }: RackOptions, surroundings: Surroundings): Promise<TestRack> {
  const host = await startControlled(parseSimArgs(args), surroundings);
  watch?.(host);
  return handle({
    ...{ port: host.port ?? '', link: host.port ?? '', control: host.control },
    ...inProcess(host),
    stop: () => {
      host.close();
      return Promise.resolve();
    },
  });
}

type Control = Pick<TestRack, 'ctl'> & {
  /** Its true state, to be looked at in this turn: it may go on changing. */
  look: () => Promise<RackState>;
};

/** Performs verbs of the control socket. Answers are copies, as those of the socket: the rack in this process goes on counting. */
function inProcess(host: SimHost): Control {
  return {
    ctl: async (verb, params = {}) => structuredClone(await perform(host, verb, params)),
    look: async () => (await perform(host, 'state', {})) as RackState,
  };
}

function handle({ look, ...rack }: Pick<TestRack, 'port' | 'link' | 'control' | 'stop'> & Control): TestRack {
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
        const now = await look();
        if (holds(now)) return structuredClone(now);
        if (performance.now() > deadline)
          throw new Error(`the rack did not come to the expected state. It is:\n${JSON.stringify(now, null, 1)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    [Symbol.asyncDispose]: stop,
  };
}
