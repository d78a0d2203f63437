/** Scenarios of what feeds the rack: starting together, nodes that do not start, mains, a battery. */
import { expect } from 'vitest';
import type { PlanRun } from '../../src/api/plans.ts';
import { eventually, hex, type Scenario, type Scene, type SceneOptions } from './scene.ts';

/** Nodes of the plans' steps; no other scenario of this scene touches them. */
const FIRST = [8, 9];
const SECOND = [10, 11];
const SHED = [12, 13, 14, 15];
const selector = (addrs: readonly number[]): string => addrs.map(hex).join(' ');

export const ENERGY_OPTIONS: SceneOptions = {
  config: `boot: { limit: 10 }
plans:
  shed:
    steps:
      - { name: first, action: off, selector: "${selector(FIRST)}", onFail: skip }
      - { name: second, action: off, selector: "${selector(SECOND)}", onFail: skip }
  last:
    steps:
      - { name: all, action: off, selector: "${selector(SHED)}", onFail: skip }
`,
};

const counters = async (scene: Scene, addr: number) => (await scene.stand.rack.counters()).nodes[hex(addr)];

/** The blade B by hand: addresses 04 to 07. */
const BLADE = [4, 5, 6, 7];

async function run(scene: Scene, holds: (run: PlanRun) => boolean): Promise<PlanRun> {
  return eventually(
    async () => {
      const { runs } = await scene.session.request('plan.list', {});
      const last = runs.at(-1);
      if (last && holds(last)) return last;
      throw new Error(`the plan's run did not come to what is waited for; it is: ${JSON.stringify(last, null, 1)}`);
    },
    60_000,
    50,
  );
}

export const ENERGY: readonly Scenario[] = [
  {
    says: 'brown-out at a simultaneous boot, by hand',
    play: async (scene) => {
      const { rack } = scene.stand;
      await rack.ctl('supply', { blade: 36 });
      const blade = BLADE.map(hex).join(',');
      await rack.ctl('power', { node: blade, state: 'off' });
      await rack.ctl('power', { node: blade, state: 'on' });
      for (const addr of BLADE) await scene.guest(addr, 'login');
      expect((await counters(scene, 4))?.brownOuts).toBeGreaterThan(0);
    },
  },
  {
    says: 'the same blade switched on by the server: no brown-out',
    play: async (scene) => {
      const { rack } = scene.stand;
      await rack.ctl('power', { node: BLADE.map(hex).join(','), state: 'off' });
      const before = await Promise.all(BLADE.map(async (addr) => (await counters(scene, addr))?.brownOuts));
      await scene.session.request('sweep', { addrs: BLADE, interrupt: true });
      const { id } = await scene.start('on', BLADE, { confirm: null });
      for (const addr of BLADE) {
        const { outcome, detail } = await scene.until(id, addr, (node) => node.outcome !== null);
        expect([outcome, detail]).toEqual(['done', expect.anything()]);
        expect((await scene.node(addr)).guest).toMatch(/login|shell/);
      }
      expect(await Promise.all(BLADE.map(async (addr) => (await counters(scene, addr))?.brownOuts))).toEqual(before);
    },
  },
  {
    says: 'a node that is switched on and never boots',
    play: async (scene) => {
      const addr = 16;
      await scene.ctl(addr, ['boot-stops', { where: 'nothing' }], ['power', { state: 'off' }]);
      await scene.session.request('sweep', { addrs: [addr], interrupt: true });
      const { id } = await scene.start('on', [addr], { confirm: null });
      const { outcome, detail } = await scene.until(id, addr, (node) => node.outcome !== null);
      expect([outcome, detail]).not.toEqual(['done', expect.anything()]);
      expect((await scene.node(addr)).power).toBe('on');
    },
  },
  {
    says: 'mains back during a plan: it is aborted, and what was not begun stays on',
    play: async (scene) => {
      const { rack } = scene.stand;
      await rack.ctl('battery', { wh: 60 });
      await rack.ctl('mains', { on: false });
      scene.allow(...FIRST);
      const { id } = await scene.session.request('plan.run', {
        name: 'shed',
        confirm: 'shed 4',
        armed: false,
        deadlineS: null,
      });
      await run(scene, ({ steps }) => steps[0]?.nodes.some(({ outcome }) => outcome === 'done') ?? false);
      await rack.ctl('mains', { on: true });
      await scene.session.request('plan.abort', { id });
      const ended = await run(scene, ({ state }) => state === 'ended');
      expect(ended.steps[0]?.nodes.map(({ outcome }) => outcome)).toContain('done');
      for (const addr of SECOND) expect(await scene.node(addr)).toMatchObject({ power: 'on', guest: 'login' });
    },
  },
  {
    says: '24 nodes against a battery: what was shed lost nothing, and the dead rack is unknown, not off',
    play: async (scene) => {
      const { rack } = scene.stand;
      // Some 70 W, thirty times as fast: a minute of ours.
      await rack.ctl('battery', { wh: 35 });
      await rack.ctl('mains', { on: false });
      scene.allow(...SHED);
      await scene.session.request('plan.run', { name: 'last', confirm: null, armed: true, deadlineS: null });
      await run(scene, ({ plan, state }) => plan === 'last' && state === 'ended');
      const { supply } = await rack.state();
      expect(supply).toMatchObject({ dead: false, mains: false });
      for (const addr of SHED) expect(await scene.node(addr)).toMatchObject({ power: 'off' });
      // The rest of its energy is not waited for.
      await rack.ctl('battery', { wh: 1 });
      await rack.until((state) => state.supply.dead, 60_000);
      for (const addr of SHED) expect(await counters(scene, addr)).toMatchObject({ off: 1, cutAlive: 0, lostPower: 0 });
      expect((await counters(scene, 20))?.lostPower).toBe(1);
      await eventually(
        async () => {
          const { bus, nodes } = await scene.session.request('sweep', { addrs: null, interrupt: false });
          expect(bus.state).not.toBe('ready');
          const lost = nodes.find((node) => node.addr === 20)?.reading;
          expect(lost?.state === 'ok' ? lost.sample.power : 'unknown').not.toBe('off');
        },
        30_000,
        100,
      );
      await rack.ctl('mains', { on: true });
      await scene.session.request('bus.retry', {});
      await scene.ready();
    },
  },
];
