/** Scenarios of the two ways to ask: ssh and the console, each alone, both, neither. A real ssh client and a real sshd. */
import { expect } from 'vitest';
import { SshHosts } from '../support/ssh-hosts.ts';
import { hex, type Fault, type Scenario, type Scene, type SceneOptions } from './scene.ts';
import { asks } from './systems.ts';

/** Not the port of any other test that runs at the same time. */
const PORT = 2281;
const BASE = '127.71.3';
const ip = (addr: number): string => `${BASE}.${addr}`;

export const WAYS_OPTIONS: SceneOptions = {
  node: (addr) => `, ip: ${ip(addr)}`,
  limits: 'networkGone: 1.5, steady: 0.5',
  ssh: () => {
    const addresses = Array.from({ length: 23 }, (_, index) => index + 1);
    return SshHosts.behind(new Map(addresses.map((addr) => [ip(addr), hex(addr)])), PORT);
  },
};

/** The rack's ports, with a real sshd behind them. */
async function open(scene: Scene): Promise<void> {
  await scene.stand.rack.ctl('listen', { place: `${BASE}:${PORT}`, sshd: scene.hosts?.port });
}

function halts(says: string, askedBySsh: boolean, ...faults: Fault[]): Scenario {
  return {
    says,
    play: async (scene) => {
      const addr = await scene.halts(...faults);
      expect(scene.hosts?.asked.some((line) => line.startsWith(hex(addr)))).toBe(askedBySsh);
    },
  };
}

export const WAYS: readonly Scenario[] = [
  { says: 'the nodes’ ports open', play: open },
  halts('ssh and console alive', true),
  halts('ssh dead, the console alive', false, ['network', { state: 'gone' }]),
  halts('sshd dead, the console alive', false, ['network', { state: 'refused' }]),
  asks('the console dead, ssh alive: halted, and nothing proves it', /./, ['console-dead']),
  asks('no getty, ssh alive, a shutdown without end', /./, ['no-getty'], ['shutdown-hangs']),
  // Cut, but not for the quotation: for its own last line, three seconds of silence later.
  halts(
    'by ssh: an old log quoted, and silence after it',
    true,
    ['quotes-log'],
    ['shutdown-style', { style: 'quiet' }],
    ['stop-job', { seconds: 90 }],
  ),
  asks('both dead', /./, ['console-dead'], ['network', { state: 'gone' }]),
  asks('a last line, and something that answers at its address still', /the machine is alive \(something answers/, [
    'network',
    { state: 'up' },
  ]),
  asks('an inhibitor, by ssh', /./, ['inhibited']),
  {
    says: 'four at once by ssh',
    play: async (scene) => {
      const addrs = [scene.fresh(), scene.fresh(), scene.fresh(), scene.fresh()];
      scene.allow(...addrs);
      const { id } = await scene.start('off', addrs);
      // One console: it proves one halt after another, or somebody is asked; what was cut had halted.
      for (const addr of addrs) {
        const { outcome, question } = await scene.settled(id, addr);
        expect([outcome === 'done', question !== null]).toContain(true);
        await scene.wasHalted(addr);
      }
    },
  },
];
