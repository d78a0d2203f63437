/** Alarms, events and history of the supply: a real server, and the UPS of a simulated rack. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OutageStatus } from '../../src/api/outage.ts';
import type { RackClient } from '../../src/client/client.ts';
import { freePort } from '../support/nut.ts';
import { innerStand } from '../support/inner-stand.ts';
import { type Stand } from '../support/stand.ts';

const CONFIG = `
name: alarms
nodes:
  - { addr: "00", name: boss, role: master }
  - { addr: "01", name: one }
  - { addr: "02", name: two }
plans:
  shed-all: { steps: [{ name: all, action: off, selector: "one two" }] }
`;

let place: Stand;
let client: RackClient;
let viewer: RackClient;
const seen = { control: null as OutageStatus | null, view: null as OutageStatus | null };

beforeAll(async () => {
  const port = await freePort();
  const ups = `ups: [{ name: rack, port: ${port}, poll: 0.2 }]\noutage: { margin: 0, last: shed-all }\n`;
  const sim = ['--upsd', String(port), '--battery', '50', '--time-scale', '30', '--no-loss'];
  place = await innerStand({ sim, config: CONFIG + ups });
  client = await place.client();
  viewer = await place.client('looker', true);
  client.on('update', ({ outage }) => (seen.control = outage ?? seen.control));
  viewer.on('update', ({ outage }) => (seen.view = outage ?? seen.view));
  await client.request('sweep', { addrs: null, interrupt: false });
});
afterAll(() => place[Symbol.asyncDispose]());

/** Kinds of the supply's alarms that last. */
async function lasting(): Promise<string[]> {
  const { standing } = await client.request('alarms.list', { limit: 0 });
  return standing
    .filter(({ subject, clearedAt }) => subject !== undefined && clearedAt === null)
    .map(({ kind }) => kind);
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const limit = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > limit) throw new Error(`it did not come to ${what}: ${JSON.stringify(await lasting())}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const alarmsAre = (...kinds: string[]): Promise<void> =>
  until(`alarms ${kinds.join(', ')}`, async () => (await lasting()).sort().join() === kinds.sort().join());
const supply = async (): Promise<OutageStatus['policies'][0] | undefined> =>
  (await client.request('outage.status', {})).policies[0];

describe('in the order of an outage', () => {
  test('mains: no alarm; charge, load and how long the battery would last are told', async () => {
    await until('mains', async () => (await supply())?.supply.state === 'mains');
    expect(await supply()).toMatchObject({
      ...{ supply: { charge: 100, why: null }, phase: null },
      ups: [{ name: 'rack', state: 'mains', unregistered: null }],
      last: { plan: 'shed-all', fits: true },
    });
    expect((await supply())?.batteryS).toBeGreaterThan(60);
    expect(await lasting()).toEqual([]);
  });

  test('an old battery is an alarm of its own, and hides no other once it was acknowledged', async () => {
    await place.rack.ctl('ups-flags', { flags: 'RB' });
    await alarmsAre('replace-battery');
    await client.request('alarms.ack', { ids: null });
    await place.rack.ctl('upsd', { on: false });
    await alarmsAre('replace-battery', 'ups-unknown');
    const { standing } = await client.request('alarms.list', { limit: 0 });
    expect(standing.find(({ kind }) => kind === 'ups-unknown')).toMatchObject({
      ...{ subject: 'rack', acknowledged: null },
      text: expect.stringMatching(/^UPS rack gives no answer that counts: .*upsd/) as string,
    });
    expect(await supply()).toMatchObject({ supply: { state: 'unknown', charge: null }, phase: null });
    const heard = (await supply())?.ups[0]?.answeredAt ?? null;
    expect(heard).not.toBeNull();
    expect(client.now() - (heard ?? 0)).toBeLessThan(30_000);
    await place.rack.ctl('upsd', { on: true });
    await alarmsAre('replace-battery');
    await place.rack.ctl('ups-flags', { flags: 'none' });
    await alarmsAre();
  });

  test('a plan that takes longer than the battery would last is an alarm before the mains fail', async () => {
    // The same watt-hours at a hundred times the pace.
    await place.rack.ctl('time-scale', { factor: 3000 });
    await alarmsAre('outage');
    const { standing } = await client.request('alarms.list', { limit: 0 });
    expect(standing.find(({ kind }) => kind === 'outage')?.text).toMatch(
      /^the whole rack: plan shed-all takes \d+:\d\d and the battery lasts \d+:\d\d: it does not fit$/,
    );
    expect((await supply())?.last?.fits).toBe(false);
    expect((await supply())?.problems[0]).toMatch(/nodes that have not shut down by then lose power/);
    await place.rack.ctl('time-scale', { factor: 30 });
    await alarmsAre();
  });

  test('on battery: alarm, event and phase, for those who may only look too; over with the mains', async () => {
    await place.rack.ctl('mains', { on: false });
    await alarmsAre('on-battery');
    await until('a phase for both', () =>
      [seen.control, seen.view].every((status) => status?.policies[0]?.phase?.is === 'battery'),
    );
    expect(seen.view?.policies[0]?.ups[0]).toMatchObject({ state: 'battery' });
    const shown = (await viewer.request('alarms.list', { limit: 0 })).standing.map(({ text }) => text);
    expect(shown).toContain('UPS rack is on battery');
    const told = (await viewer.request('events.list', { limit: 200 })).map(({ topic, level, text }) => [
      ...[topic, level, text.replace(/\d+:\d\d/, 'M:SS').replace(/load \d+/, 'load N')],
    ]);
    expect(told).toContainEqual(['supply', 'alarm', 'UPS rack: battery, charge 100 %, lasts M:SS, load N %']);
    await place.rack.ctl('mains', { on: true });
    await alarmsAre();
    expect((await client.request('alarms.list', { limit: 0 })).standing.map(({ kind }) => kind)).toContain(
      'on-battery',
    );
  });

  test('the history has what was said, a gap where nothing was, and no UPS but those there are', async () => {
    const { points } = await viewer.request('ups.history', { name: 'rack', stepMs: 2000, count: 900 });
    const said = points.filter((point) => point !== null);
    expect(said.length).toBeGreaterThan(0);
    expect(said.at(-1)).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    expect(points[0]).toBeNull();
    await expect(viewer.request('ups.history', { name: 'apc', stepMs: 2000, count: 60 })).rejects.toThrow(
      "no UPS 'apc' is configured",
    );
  });
});
