/**
 * Mains fail and nobody is there: the server asks NUT's own upsd, on loopback, about dummy UPSes; upsmon ends the machine.
 * The nodes are those of a simulated rack, whose ledger says what was cut alive.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NutClient, NutError, words } from '../../src/server/ups/nut-client.ts';
import { missingNut, startNut, until, type NutServer } from '../support/nut.ts';
import { UPS, upsStand, type UpsStand } from './ups-stand.ts';

const POLICY = 'outage: { onBattery: [{ after: 1, run: shed-dev }], margin: 5, restore: { after: 1, charge: 50 } }\n';
const upsLines = (nut: NutServer, ...names: string[]): string =>
  `ups:\n${names.map((name) => `  - { name: ${name}, port: ${nut.port}, poll: 0.3 }\n`).join('')}`;

/** What was cut while it lived: nothing, ever; and how often a node was switched on. */
async function ledger({ rack }: UpsStand, node: string): Promise<{ cuts: number[]; on: number }> {
  const { bus, nodes } = await rack.counters();
  return {
    cuts: [bus.masterCuts, ...['01', '02', '03'].map((addr) => nodes[addr]?.cutAlive ?? 0)],
    on: nodes[node]?.on ?? 0,
  };
}

type RackState = Awaited<ReturnType<UpsStand['rack']['state']>>;

/** A failure shows the outage's own words. */
async function rackIs(place: UpsStand, holds: (state: RackState) => boolean): Promise<void> {
  try {
    await place.rack.until(holds, 90_000);
  } catch {
    const { nodes } = await place.rack.state();
    const standing = nodes.slice(0, 4).map(({ name, power, guest }) => `${name} ${power} ${guest}`);
    const { policies } = await place.status();
    throw new Error(JSON.stringify({ standing, policies }, null, 1));
  }
}
const off = (place: UpsStand, ...nodes: number[]): Promise<void> =>
  rackIs(place, (state) => nodes.every((n) => state.nodes[n]?.power === 'off'));
const up = (place: UpsStand, ...nodes: number[]): Promise<void> =>
  rackIs(place, (state) => nodes.every((n) => state.nodes[n]?.guest === 'login'));

describe.skipIf(missingNut.length > 0)(
  `NUT${missingNut.length > 0 ? ` (missing here: ${missingNut.join(', ')})` : ''}`,
  () => {
    test(
      'mains that fail shed, a low battery sheds the rest, upsmon ends this machine, the next server restores',
      { timeout: 300_000 },
      async () => {
        await using place = await upsStand();
        await using nut = await startNut(place.folder, ['apc']);
        await place.restartWith(upsLines(nut, 'apc') + POLICY);
        await until(async () => (await place.status()).policies[0]?.supply.state === 'mains');
        // Off on purpose before the outage: it stays off.
        await place.rack.ctl('power', { node: '03', state: 'off' });
        const last = join(place.folder, 'last');
        nut.startUpsmon(`/usr/bin/env RACKUI=${place.program} ${join(UPS, 'rackui-shutdown')} 60 touch ${last}`);
        await place.rack.until((state) => state.nodes[3]?.power === 'off', 10_000);
        const client = await place.client();
        await client.request('sweep', { addrs: null, interrupt: false });
        client.close();
        await nut.set('apc', 'ups.status', 'OB');
        await off(place, 1);
        expect((await place.rack.node('02')).power).toBe('on');
        await nut.set('apc', 'ups.status', 'OB LB');
        await off(place, 1, 2);
        await until(() => Promise.resolve(existsSync(last)));
        const before = await place.report();
        expect(before).toMatchObject({ committed: true, endedAt: null });
        expect(before?.nodes.map(({ name, state }) => `${name} ${state}`)).toEqual(['dev1 taken', 'prod1 taken']);
        // Darkness: the server ends, the mains return, nodes may boot by themselves, the server starts.
        await place.killServer('SIGKILL');
        await nut.stopUpsd();
        await nut.startUpsd();
        await nut.set('apc', 'ups.status', 'OL CHRG');
        await place.startServer();
        await up(place, 1, 2);
        await until(async () => (await place.report())?.endedAt !== null);
        const report = await place.report();
        expect(report?.nodes.map(({ name, state }) => `${name} ${state}`)).toEqual(['dev1 restored', 'prod1 restored']);
        expect(report?.lines.map(({ text }) => text).join('\n')).toMatch(
          /plan shed-dev begins[^]*plan shed-all begins[^]*bring-up/,
        );
        expect(await ledger(place, '03')).toMatchObject({ cuts: [0, 0, 0, 0], on: 0 });
      },
    );

    test(
      'a flicker begins nothing; a battery too small for the plan is said; mains back restore what was taken',
      { timeout: 240_000 },
      async () => {
        await using place = await upsStand();
        await using nut = await startNut(place.folder, ['apc']);
        await place.restartWith(upsLines(nut, 'apc') + POLICY.replace('after: 1, run', 'after: 8, run'));
        await until(async () => (await place.status()).policies[0]?.supply.state === 'mains');
        await nut.set('apc', 'ups.status', 'OB');
        await until(async () => (await place.report())?.phase === 'battery');
        await nut.set('apc', 'ups.status', 'OL');
        await until(async () => (await place.report())?.endedAt !== null);
        expect((await place.report())?.lines.map(({ text }) => text)).toEqual([
          'the mains have failed',
          'the mains returned before any plan was started',
        ]);
        await nut.set('apc', 'battery.runtime', '10');
        await nut.set('apc', 'ups.status', 'OB');
        await until(async () => ((await place.status()).policies[0]?.problems.length ?? 0) > 0);
        expect((await place.status()).policies[0]?.problems[0]).toMatch(
          /plan shed-all takes \d+ s and the battery lasts 10 s/,
        );
        await off(place, 1, 2, 3);
        await nut.set('apc', 'ups.status', 'OL');
        await up(place, 1, 2, 3);
        await until(async () => (await place.report())?.endedAt !== null);
        expect(await ledger(place, '01')).toMatchObject({ cuts: [0, 0, 0, 0], on: 1 });
      },
    );

    test(
      'of two UPSes one may fail where one is enough; upsd that ends is unknown, never mains',
      { timeout: 240_000 },
      async () => {
        await using place = await upsStand();
        await using nut = await startNut(place.folder, ['left', 'right']);
        await place.restartWith(upsLines(nut, 'left', 'right') + POLICY.replace('{ on', '{ needs: 1, on'));
        const supply = async (): Promise<string | undefined> => (await place.status()).policies[0]?.supply.state;
        await until(async () => (await supply()) === 'mains');
        await nut.set('left', 'ups.status', 'OB');
        await until(async () => (await place.status()).policies[0]?.ups[0]?.state === 'battery');
        expect(await supply()).toBe('mains');
        expect(await place.report()).toBeNull();
        await nut.stopUpsd();
        await until(async () => (await supply()) === 'unknown');
        expect((await place.status()).policies[0]?.supply.why).toMatch(/left: .*right: /);
        expect((await place.rack.node('01')).power).toBe('on');
        await nut.startUpsd();
        await until(async () => (await supply()) === 'mains');
      },
    );

    test('upsd answers a wrong password and an unknown UPS with its own words', async () => {
      await using place = await upsStand();
      await using nut = await startNut(place.folder, ['apc']);
      const address = { host: '127.0.0.1', port: nut.port, tls: false, ca: null };
      const client = await NutClient.connect(address);
      await expect(client.variables('nobody')).rejects.toThrow('UNKNOWN-UPS');
      expect((await client.variables('apc')).get('ups.status')).toBe('OL');
      await expect(client.login('apc', 'admin', 'wrong')).rejects.toThrow('ACCESS-DENIED');
      client.close();
      const other = await NutClient.connect(address);
      await other.login('apc', 'admin', 'x');
      other.close();
    });
  },
);

test('a line of upsd is split as it quotes', () => {
  expect(words('VAR apc ups.mfr "A \\"B\\" \\\\ C"')).toEqual(['VAR', 'apc', 'ups.mfr', 'A "B" \\ C']);
});

test('a port where nothing listens fails with its address', async () => {
  await expect(NutClient.connect({ host: '127.0.0.1', port: 1, tls: false, ca: null })).rejects.toThrow(NutError);
});
