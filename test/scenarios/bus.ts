/** Scenarios of what lies between server and node: BMCs, the line, and other people. */
import { expect } from 'vitest';
import type { Refusal } from '../../src/api/power.ts';
import { RpcFailure } from '../../src/client/client.ts';
import { hex, nameOf, type Fault, type Scenario, type Scene } from './scene.ts';

/** The rules by which a request is refused. */
async function rules(request: Promise<unknown>): Promise<string[]> {
  try {
    await request;
    return [];
  } catch (error) {
    if (!(error instanceof RpcFailure)) throw error;
    return (error.data as Refusal[]).map(({ rule }) => rule);
  }
}

/** Nothing is ever sent to what does not prove to be that node's BMC, whatever was confirmed. */
function refusedBy(says: string, rule: string, ...faults: Fault[]): Scenario {
  return {
    says,
    play: async (scene) => {
      const addr = scene.fresh();
      await scene.ctl(addr, ...faults);
      const { nodes } = await scene.session.request('power.check', scene.request('off', [addr]));
      expect(nodes[0]?.refusals.map((refusal) => refusal.rule)).toContain(rule);
      // A status that is still young may let it begin; its own proof then ends it.
      const { id } = await scene.start('force-off', [addr]).catch(() => ({ id: null }));
      if (id !== null) {
        const { outcome } = await scene.until(id, addr, (node) => node.outcome !== null);
        expect(outcome).not.toBe('done');
      }
      expect(await scene.node(addr)).toMatchObject({ power: 'on', guest: 'login' });
      await scene.ctl(addr, ['clear']);
    },
  };
}

/** Something happens to the way there while somebody is being logged in. */
function duringLogin(says: string, happens: (scene: Scene) => Promise<void>): Scenario {
  return {
    says,
    play: async (scene) => {
      const addr = scene.fresh();
      const { id } = await scene.start('off', [addr]);
      // Before that, what tore its prompt would be answered by another Enter, and the shutdown would take its course.
      await scene.until(id, addr, ({ detail }) => detail.startsWith('logging in'));
      await happens(scene);
      await scene.asks(id, addr, /./);
      await scene.ready();
    },
  };
}

export const BUS: readonly Scenario[] = [
  refusedBy('a BMC that is silent', 'unknown', ['silent']),
  refusedBy('a BMC that answers garbled', 'unknown', ['garble', { share: 1 }]),
  refusedBy('another BMC answered', 'identity', ['wrong-id', { as: '1f' }]),
  {
    says: 'a BMC that falls silent while its node stops',
    play: async (scene) => {
      const addr = scene.fresh();
      await scene.ctl(addr, ['stop-job', { seconds: 30 }]);
      const { id } = await scene.start('off', [addr]);
      await scene.until(id, addr, ({ phase }) => phase === 'stopping');
      await scene.ctl(addr, ['silent']);
      await scene.asks(id, addr, /BMC|could not be cut/);
      await scene.ctl(addr, ['silent', { on: false }]);
    },
  },
  {
    says: 'a BMC that garbles some of its replies',
    play: async (scene) => {
      const addr = scene.fresh();
      const { id } = await scene.start('off', [addr]);
      await scene.ctl(addr, ['garble', { share: 0.15 }]);
      scene.allow(addr);
      // It is cut, or somebody is asked; what was cut had halted.
      const { outcome, question } = await scene.settled(id, addr);
      expect([outcome === 'done', question !== null]).toContain(true);
      await scene.wasHalted(addr);
    },
  },
  {
    says: '`\\` ignored',
    play: async (scene) => {
      const addr = scene.fresh();
      await scene.ctl(addr, ['off-ignored']);
      scene.allow(addr);
      const { id } = await scene.start('off', [addr]);
      const { outcome, detail } = await scene.until(id, addr, (node) => node.outcome !== null);
      expect([outcome, detail]).toEqual(['failed', expect.stringMatching(/3|three|still/)]);
      expect(await scene.node(addr)).toMatchObject({ power: 'on', guest: 'halted' });
      expect((await scene.stand.rack.counters()).nodes[hex(addr)]?.off).toBe(3);
    },
  },
  duringLogin('the adapter unplugged during a login', async ({ stand }) => {
    await stand.rack.ctl('unplug');
    await stand.rack.ctl('replug');
  }),
  duringLogin('the bridge lost during a login', ({ stand }) => stand.rack.ctl('drop-pipe').then(() => undefined)),
  {
    says: 'two clients: the same node, its console, and an abort by the other',
    play: async (scene) => {
      const addr = scene.fresh();
      const bob = await scene.stand.client('bob');
      await bob.request('console.attach', { addr, take: false, watch: false });
      expect(await rules(scene.start('off', [addr]))).toContain('console');
      await scene.ctl(addr, ['stop-job', { seconds: 100_000 }]);
      const { id } = await scene.start('off', [addr], { takeConsole: true });
      await scene.until(id, addr, ({ phase }) => phase === 'stopping');
      expect(await rules(scene.start('force-off', [addr]))).toContain('operation');
      await bob.request('ops.abort', { id });
      await scene.ends(id, addr, 'aborted');
      await bob.request('console.detach', {});
    },
  },
  {
    says: 'a noisy line',
    play: async (scene) => {
      const addr = scene.fresh();
      await scene.stand.rack.ctl('noise', { chance: 0.3 });
      scene.allow(addr);
      const { id } = await scene.start('off', [addr]);
      const { outcome, question } = await scene.settled(id, addr);
      await scene.stand.rack.ctl('noise', { chance: 0 });
      expect([outcome === 'done', question !== null]).toContain(true);
      await scene.wasHalted(addr);
    },
  },
  {
    says: 'the master’s own slot',
    play: async (scene) => {
      const boss = { label: nameOf(0), confirm: nameOf(0) };
      for (const verb of ['off', 'force-off', 'cycle'] as const)
        expect(await rules(scene.start(verb, [0], boss))).toContain('master');
    },
  },
];
