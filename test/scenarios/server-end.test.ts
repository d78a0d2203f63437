/**
 * A server that ends while a node has halted and is about to be cut: by SIGTERM, after its cut; killed, by the next server.
 * One of them with a server's process, the others in virtual time.
 */
import { expect, test } from 'vitest';
import type { Operation, Phase, PowerRequest } from '../../src/api/power.ts';
import type { RackClient } from '../../src/client/client.ts';
import { stand, type Stand } from '../support/stand.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { virtualStand } from '../support/virtual-stand.ts';

const CONFIG = `
name: end
nodes:
  - { addr: "00", name: boss, role: master }
  - { addr: "01", name: alpha }
  - { addr: "02", name: beta }
login: { user: pi, password: { command: [echo, raspberry] } }
shutdown: { settle: 4 }
plans: { shed-all: { steps: [{ name: all, action: off, selector: "alpha beta" }] } }
`;
const LIMIT_MS = 120_000;
const OFF: PowerRequest = {
  ...{ verb: 'off', nodes: [1, 2], label: 'both', confirm: 'both 2' },
  ...{ deadlineS: null, onDeadline: 'leave', takeConsole: false },
};

/** `clock`: of virtual time; null: real processes. */
async function haltingStand(clock: VirtualClock | null): Promise<Stand> {
  const options = { sim: ['--time-scale', '30', '--no-loss', '--line-rate', 'unlimited'], config: CONFIG };
  const place = await (clock ? virtualStand({ clock, ...options }) : stand(options));
  await (await place.client()).request('sweep', { addrs: null, interrupt: false });
  return place;
}

const powers = async ({ rack }: Stand): Promise<string[]> =>
  (await rack.state()).nodes.slice(1, 3).map(({ power }) => power);

/** Resolves when alpha is in one of these phases: `settle` is behind its last line, seconds before its cut. */
function alphaIs(phases: readonly Phase[], client: RackClient): Promise<void> {
  return new Promise((resolve) =>
    client.on('operation', ({ nodes }: Operation) => {
      if (nodes[0]?.addr === 1 && phases.includes(nodes[0].phase)) resolve();
    }),
  );
}

test(
  'SIGTERM while a node settles: it is cut first, which an event says, and no other is begun',
  async () => {
    await using place = await haltingStand(null);
    const client = await place.client();
    const events: string[] = [];
    client.on('event', ({ text }) => events.push(text));
    const settles = alphaIs(['settle'], client);
    await client.request('power.start', OFF);
    await settles;
    await place.killServer('SIGTERM');
    expect(await powers(place)).toEqual(['off', 'on']);
    expect(events).toContain('The server waits up to 10 s for alpha: shutting down, or about to be cut');
  },
  LIMIT_MS,
);

test(
  'in virtual time SIGTERM while a node goes down: its last line is heard, and it is cut first',
  async () => {
    using clock = new VirtualClock();
    await using place = await haltingStand(clock);
    const client = await place.client();
    const stops = alphaIs(['acknowledged', 'stopping'], client);
    await client.request('power.start', OFF);
    await stops;
    await place.killServer('SIGTERM');
    expect(await powers(place)).toEqual(['off', 'on']);
  },
  LIMIT_MS,
);

test(
  'in virtual time SIGTERM while a node of a run settles: the next server knows that it is done',
  async () => {
    using clock = new VirtualClock();
    await using place = await haltingStand(clock);
    const client = await place.client();
    const settles = alphaIs(['settle'], client);
    await client.request('plan.run', { name: 'shed-all', confirm: null, armed: true, deadlineS: 100 });
    await settles;
    await place.killServer('SIGTERM');
    expect(await powers(place)).toEqual(['off', 'on']);
    await place.startServer();
    const { runs } = await (await place.client()).request('plan.list', {});
    expect(runs.map(({ state, steps }) => [state, steps[0]?.nodes.map(({ outcome }) => outcome)])).toEqual([
      ['interrupted', ['done', null]],
    ]);
  },
  LIMIT_MS,
);

test(
  'in virtual time killed while a node settles: the next server cuts it, and does not ask it again',
  async () => {
    using clock = new VirtualClock();
    await using place = await haltingStand(clock);
    const client = await place.client();
    const settles = alphaIs(['settle'], client);
    await client.request('power.start', OFF);
    await settles;
    await place.killServer('SIGKILL');
    await place.startServer();
    const again = await place.client();
    await again.request('sweep', { addrs: null, interrupt: false });
    const ended = new Promise<Operation>((resolve) =>
      again.on('operation', (operation) => {
        if (operation.endedAt !== null) resolve(operation);
      }),
    );
    await again.request('power.start', { ...OFF, nodes: [1], label: 'alpha', confirm: 'alpha' });
    const [node] = (await ended).nodes;
    expect(node).toMatchObject({ outcome: 'done', detail: 'is off, confirmed by two status replies' });
    expect(node?.evidence.map(({ kind }) => kind)).not.toContain('request');
    expect(await powers(place)).toEqual(['off', 'on']);
  },
  LIMIT_MS,
);
