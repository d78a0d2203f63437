/**
 * What the hardware does by itself, against the real server on the simulated rack: mains that return, boards that are
 * swapped, a manager elsewhere than the configuration says, a fan value that is only the drive. In virtual time; an
 * adapter that is unplugged, between real processes.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { EventRecord } from '../../src/api/methods.ts';
import type { RackClient } from '../../src/client/client.ts';
import { ownRefusals } from '../../src/power/plans/preview.ts';
import type { Alarm } from '../../src/rack/alarms.ts';
import { masterMismatch, unnamedNode } from '../../src/rack/inventory.ts';
import { eightNodes, stand, type Stand } from '../support/stand.ts';
import { eventually, VirtualClock } from '../support/virtual-clock.ts';
import { virtualStand } from '../support/virtual-stand.ts';

const FAST = ['--time-scale', '20', '--no-loss'];

const config = (nodes: string, more = ''): string => `name: lab
port: /dev/null
poll: { interval: 0.2 }
${more}
${nodes}
`;

async function readable(place: Stand): Promise<RackClient> {
  const client = await place.client();
  await eventually(async () => {
    const { bus, nodes } = await client.request('sweep', { addrs: null, interrupt: false });
    expect(bus.state).toBe('ready');
    expect(nodes.every(({ reading }) => reading.state === 'ok')).toBe(true);
  });
  return client;
}

async function seen(client: RackClient): Promise<{ alarms: Alarm[]; events: EventRecord[] }> {
  const { alarms, events } = await client.request('sweep', { addrs: null, interrupt: false });
  return { alarms, events };
}

const powers = async (client: RackClient): Promise<string> => {
  const { nodes } = await client.request('sweep', { addrs: null, interrupt: false });
  return nodes.map(({ reading }) => (reading.state === 'ok' ? reading.sample.power : '?')).join(' ');
};

describe('mains that return', () => {
  const NODES = eightNodes({ 0: 'role: master' });

  async function outage(place: Stand, client: RackClient): Promise<void> {
    await place.rack.ctl('mains', { on: 'off' });
    await eventually(async () => {
      const { bus } = await client.request('sweep', { addrs: null, interrupt: false });
      expect(bus.state).not.toBe('ready');
    });
    await place.rack.ctl('mains', { on: 'on' });
    await client.request('bus.retry', {});
    await eventually(async () =>
      expect((await client.request('sweep', { addrs: null, interrupt: false })).bus.state).toBe('ready'),
    );
  }

  test('nodes that had been cut come on by themselves: an event each, one for the rack, no alarm', async () => {
    using clock = new VirtualClock();
    await using place = await virtualStand({ clock, config: config(NODES), sim: FAST });
    const client = await readable(place);
    await place.rack.ctl('power', { node: '02,05', state: 'off' });
    await eventually(async () => expect(await powers(client)).toBe('on on off on on off on on'));
    await client.request('alarms.ack', { ids: null });
    await outage(place, client);
    await eventually(async () => expect(await powers(client)).toBe('on on on on on on on on'));
    await eventually(async () => {
      const { events } = await seen(client);
      expect(events.map(({ text }) => text).join('\n')).toMatch(
        /The rack lost power: .* 8 nodes powered on automatically, 0 are off/,
      );
    });
    const { alarms, events } = await seen(client);
    expect(alarms.filter(({ kind }) => kind === 'power-changed')).toEqual([]);
    expect(events.filter(({ text }) => /n[25] .* came on with the rack's power/.test(text))).toHaveLength(2);
    const { nodes } = await place.rack.counters();
    expect(Object.values(nodes).every(({ on, off }) => on === 0 && off === 0)).toBe(true);
  });

  test('a server that starts on locked BMCs claims no loss of power', async () => {
    using clock = new VirtualClock();
    await using place = await virtualStand({ clock, config: config(NODES), sim: FAST });
    const client = await readable(place);
    const texts = async (): Promise<string> => (await seen(client)).events.map(({ text }) => text).join('\n');
    const unlocked = 'Bus: the BMCs were locked, and are unlocked now';
    await eventually(async () => expect(await texts()).toContain(unlocked));
    expect(await texts()).not.toMatch(/without power|the rack's power/);
  });

  test('nodes that stay off afterwards are an alarm, in words that name the outage', async () => {
    using clock = new VirtualClock();
    await using place = await virtualStand({
      clock,
      config: config(NODES),
      sim: [...FAST, '--dialect', 'mains=stays-off'],
    });
    const client = await readable(place);
    await outage(place, client);
    await eventually(async () => expect(await powers(client)).toBe('on off off off off off off off'));
    const { alarms } = await seen(client);
    expect(alarms.filter(({ kind }) => kind === 'power-changed')).toHaveLength(7);
    expect(alarms.every(({ text, kind }) => kind !== 'power-changed' || /without the rack's power/.test(text))).toBe(
      true,
    );
  });

  test('a bus that only fell silent explains nothing: a node switched meanwhile is an alarm', async () => {
    await using place = await stand({ config: config(NODES), sim: FAST });
    const client = await readable(place);
    await place.rack.ctl('power', { node: '03', state: 'off' });
    await eventually(async () => expect(await powers(client)).toMatch(/^on on on off/));
    await client.request('alarms.ack', { ids: null });
    await place.rack.ctl('unplug');
    await eventually(async () =>
      expect((await client.request('sweep', { addrs: null, interrupt: false })).bus.state).toBe('down'),
    );
    await place.rack.ctl('power', { node: '03', state: 'on' });
    await place.rack.ctl('replug');
    await eventually(async () => {
      const { alarms } = await seen(client);
      expect(alarms.map(({ kind, addr, text }) => `${kind} ${addr} ${text}`)).toContain(
        'power-changed 3 went from off to on, not switched by this server',
      );
    });
  });

  test('a blade that was taken out and put back: its nodes come on together, no alarm', async () => {
    using clock = new VirtualClock();
    await using place = await virtualStand({ clock, config: config(NODES), sim: FAST });
    const client = await readable(place);
    await place.rack.ctl('power', { node: '06', state: 'off' });
    await eventually(async () => expect(await powers(client)).toMatch(/off on$/));
    await client.request('alarms.ack', { ids: null });
    await place.rack.ctl('silent', { node: '04,05,06,07' });
    await eventually(async () => expect(await powers(client)).toMatch(/\? \? \? \?$/));
    await place.rack.ctl('power', { node: '06', state: 'on' });
    await place.rack.ctl('silent', { node: '04,05,06,07', on: 'off' });
    await eventually(async () => expect(await powers(client)).toMatch(/on on on on$/));
    const { alarms, events } = await seen(client);
    expect(alarms.filter(({ kind }) => kind === 'power-changed')).toEqual([]);
    expect(events.some(({ text }) => /n6 .* came on with the power of blade B/.test(text))).toBe(true);
  });
});

describe('boards', () => {
  const boards = (place: Stand): Record<string, { uid: string }> => {
    const file = join(place.folder, 'boards.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, { uid: string }>) : {};
  };

  test('a swapped board is an event and an alarm until somebody has seen it, also where it was swapped while no server ran', async () => {
    using clock = new VirtualClock();
    await using place = await virtualStand({ clock, config: config(eightNodes()), sim: FAST });
    const client = await readable(place);
    await eventually(() => expect(Object.keys(boards(place))).toHaveLength(8));
    const before = boards(place)['03']?.uid ?? '';
    expect(before).toMatch(/^[0-9a-f-]{36}$/);
    const { rack } = await client.request('sweep', { addrs: null, interrupt: false });
    expect(rack.nodes.find(({ addr }) => addr === 3)?.uid).toBe(before);
    // It is pulled, another one is put in.
    await place.rack.ctl('silent', { node: '03' });
    await eventually(async () => expect(await powers(client)).toMatch(/^on on on \?/));
    await place.rack.ctl('swap-board', { node: '03' });
    await place.rack.ctl('silent', { node: '03', on: 'off' });
    await eventually(async () => {
      const { alarms, events } = await seen(client);
      const alarm = alarms.find(({ kind }) => kind === 'board-changed');
      expect(alarm).toMatchObject({ addr: 3, clearedAt: null });
      expect(alarm?.text).toContain(`its BMC's UID was ${before} and is`);
      expect(
        events.some(({ level, text }) => level === 'alarm' && /n3 .* has another board in its slot/.test(text)),
      ).toBe(true);
    });
    await client.request('alarms.ack', { ids: null });
    await eventually(async () =>
      expect((await seen(client)).alarms.filter(({ kind }) => kind === 'board-changed')).toEqual([]),
    );
    await place.killServer();
    await place.rack.ctl('swap-board', { node: '06' });
    await place.startServer();
    const again = await place.client();
    await eventually(async () => {
      const kinds = (await seen(again)).alarms.map(({ kind, addr }) => `${kind} ${addr}`);
      expect(kinds).toContain('board-changed 6');
      expect(kinds).not.toContain('board-changed 3');
    });
  });

  test.each(['uid=plain', 'uid=labelled,spaces=3', 'uid=colons,hex=upper', 'uid=bare,newline=lf,echo=no'])(
    'a UID in the form ‘%s’ tells boards apart too',
    async (dialect) => {
      using clock = new VirtualClock();
      await using place = await virtualStand({
        clock,
        config: config(eightNodes()),
        sim: [...FAST, '--dialect', dialect],
      });
      const client = await readable(place);
      await eventually(() => expect(Object.keys(boards(place))).toHaveLength(8));
      expect(new Set(Object.values(boards(place)).map(({ uid }) => uid)).size).toBe(8);
      await place.rack.ctl('swap-board', { node: '02' });
      await place.rack.ctl('unplug');
      await eventually(async () =>
        expect((await client.request('sweep', { addrs: null, interrupt: false })).bus.state).toBe('down'),
      );
      await place.rack.ctl('replug');
      await eventually(async () => {
        const { alarms } = await seen(client);
        expect(alarms.filter(({ kind }) => kind === 'board-changed').map(({ addr }) => addr)).toEqual([2]);
      });
    },
  );

  test('a board that the configuration does not name is an alarm that lasts', async () => {
    const nodes = eightNodes({ 4: 'uid: "00000000-0000-4000-8000-000000000004"' });
    using clock = new VirtualClock();
    await using place = await virtualStand({ clock, config: config(nodes), sim: FAST });
    const client = await readable(place);
    const alarm = async (): Promise<Alarm | undefined> =>
      (await seen(client)).alarms.find(({ kind }) => kind === 'board');
    await eventually(async () => expect(await alarm()).toMatchObject({ addr: 4, clearedAt: null }));
    expect((await alarm())?.text).toMatch(/not 00000000-0000-4000-8000-000000000004/);
    await client.request('alarms.ack', { ids: null });
    expect(await alarm()).toMatchObject({ clearedAt: null });
  });
});

describe('a manager elsewhere', () => {
  test('the configuration names another: an event, an alarm, and no plan shuts this machine down', async () => {
    const rackFile = eightNodes({ 1: 'role: master' });
    const nodes = eightNodes({ 0: 'role: master' });
    const scratch = mkdtempSync(join(tmpdir(), 'rackui-hardware-'));
    onTestFinished(() => rmSync(scratch, { recursive: true }));
    const marker = join(scratch, 'ran');
    const file = join(scratch, 'sim.yaml');
    writeFileSync(file, rackFile);
    const plans = `poweroff: [touch, ${marker}]
plans:
  named: { steps: [{ name: last, action: off, selector: n0, onFail: skip }] }
  real: { steps: [{ name: last, action: off, selector: n1, onFail: skip }] }`;
    using clock = new VirtualClock();
    await using place = await virtualStand({ clock, config: config(nodes, plans), sim: ['--rack', file, ...FAST] });
    const client = await readable(place);
    await eventually(async () => {
      const { alarms, events } = await seen(client);
      expect(alarms.find(({ kind }) => kind === 'master')?.text).toMatch(
        /the master n1 \(A-1, 01\), but n0 \(A-0, 00\) is configured/,
      );
      expect(events.some(({ level, text }) => level === 'alarm' && /The bus has the master n1/.test(text))).toBe(true);
    });
    for (const name of ['named', 'real']) {
      await client.request('plan.run', { name, confirm: null, armed: true, deadlineS: null });
      await eventually(async () => {
        const { runs } = await client.request('plan.list', {});
        const run = runs.findLast(({ plan }) => plan === name);
        expect(run?.state).toBe('ended');
        const [node] = run?.steps.flatMap((step) => step.nodes) ?? [];
        expect(node).toMatchObject({ outcome: 'left-on' });
        expect(node?.detail).toMatch(
          name === 'named' ? /would shut down another machine/ : /is not configured as such/,
        );
      });
    }
    expect(existsSync(marker)).toBe(false);
  });

  const node = (addr: number, role: string | null) => ({ ...unnamedNode(addr), role });
  test.each<[string, ReturnType<typeof node>, number | null, number]>([
    ['the master, as both say', node(5, 'master'), 5, 0],
    ['the master, before the bus has answered', node(5, 'master'), null, 0],
    ['a second manager, which is this one', node(7, 'manager'), 7, 0],
    ['a second manager, which is another machine', node(7, 'manager'), 0, 1],
    ['a second manager, before the bus has answered', node(7, 'manager'), null, 1],
    ['the master by the configuration only', node(0, 'master'), 9, 1],
    ['the master by the bus only', node(9, 'worker'), 9, 1],
  ])('%s', (_what, one, master, refusals) => {
    expect(ownRefusals(one, { poweroff: 'systemctl poweroff', master })).toHaveLength(refusals);
  });

  test.each([
    [[node(0, 'master')], null],
    [[node(0, 'worker')], 3],
    [[node(3, 'master')], 3],
    [[], 0],
  ])('no contradiction: %#', (nodes, master) => {
    expect(masterMismatch(nodes, master)).toBeNull();
  });
});

test.each([
  ['fan=drive', []],
  ['fan=speed', ['fan-stopped 3']],
])('a fan value of 0 on a bus with ‘%s’ is the alarm %j', async (dialect, expected) => {
  const limits = 'alarms: { after: 0.3, settle: 0, currentHigh: 200 }';
  using clock = new VirtualClock();
  await using place = await virtualStand({
    clock,
    config: config(eightNodes(), limits),
    sim: [...FAST, '--dialect', dialect],
  });
  const client = await readable(place);
  await place.rack.ctl('shows-fan', { node: '03', counts: '0' });
  await eventually(async () => {
    const { nodes } = await client.request('sweep', { addrs: null, interrupt: false });
    const reading = nodes.find(({ addr }) => addr === 3)?.reading;
    expect(reading?.state === 'ok' ? reading.sample.fan : null).toBe(0);
  });
  // Another node's current passes its limit after that, for as long: its alarm tells that the fan's would be there by now.
  await place.rack.ctl('shows-current', { node: '05', counts: '240' });
  const kinds = async (): Promise<string[]> => (await seen(client)).alarms.map(({ kind, addr }) => `${kind} ${addr}`);
  await eventually(async () => expect(await kinds()).toContain('current-high 5'));
  expect((await kinds()).filter((kind) => kind !== 'current-high 5')).toEqual(expected);
});
