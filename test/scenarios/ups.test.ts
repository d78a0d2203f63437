/**
 * Mains fail and nobody is there, in virtual time; `outage-loop.test.ts` has the same with NUT's own programs. And what NUT's own
 * upsd, on loopback, says of dummy UPSes. The nodes are those of a simulated rack, whose ledger says what was cut alive.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NutClient, NutError, words } from '../../src/server/ups/nut-client.ts';
import { UpsMonitor } from '../../src/server/ups/ups-monitor.ts';
import { missingNut, startNut, until } from '../support/nut.ts';
import { OutageStage, type OutageStageOptions } from '../support/outage-stage.ts';

const LIMIT_MS = 120_000;
const onStage = (after: number, options: OutageStageOptions = {}): Promise<OutageStage> =>
  OutageStage.set({
    virtual: true,
    ...options,
    policy: `, onBattery: [{ after: ${after}, run: shed-dev }]${options.policy ?? ''}`,
  });

/** What was cut while it lived: nothing, ever; and how often each node was switched on. */
async function ledger({ rack }: OutageStage): Promise<{ cuts: number[]; on: number[] }> {
  const { bus, nodes } = await rack.counters();
  const all = Object.values(nodes);
  return { cuts: [bus.masterCuts, ...all.map(({ cutAlive }) => cutAlive)], on: all.map(({ on }) => on) };
}
const UNCUT = [0, 0, 0, 0, 0, 0];

const off = (stage: OutageStage, ...nodes: number[]): Promise<unknown> =>
  stage.rack.until((state) => nodes.every((n) => state.nodes[n]?.power === 'off'), 90_000);
const up = (stage: OutageStage, ...nodes: number[]): Promise<unknown> =>
  stage.rack.until((state) => nodes.every((n) => state.nodes[n]?.guest === 'login'), 90_000);

test(
  'mains that fail shed, a low battery sheds the rest, the last command ends, the next server restores',
  async () => {
    await using stage = await onStage(1);
    await stage.nut.set('apc', 'ups.status', 'OB');
    await off(stage, 1);
    expect((await stage.rack.node('02')).power).toBe('on');
    await stage.nut.set('apc', 'ups.status', 'OB LB');
    const { code, said } = await stage.command('last', '--within', '60').ended;
    expect(code, said).toBe(0);
    await off(stage, 1, 2, 3);
    const before = await stage.report();
    expect(before).toMatchObject({ committed: true, endedAt: null });
    expect(before?.nodes.map(({ name, state }) => `${name} ${state}`)).toEqual([
      ...['dev1 taken', 'prod1 taken', 'prod2 taken'],
    ]);
    // The server ends, the mains return, the server starts.
    await stage.place.killServer('SIGKILL');
    await stage.nut.stopUpsd();
    await stage.nut.startUpsd();
    await stage.nut.set('apc', 'ups.status', 'OL CHRG');
    await stage.place.startServer();
    await up(stage, 1, 2, 3);
    const report = await stage.over();
    expect(report.nodes.map(({ name, state }) => `${name} ${state}`)).toEqual([
      ...['dev1 restored', 'prod1 restored', 'prod2 restored'],
    ]);
    expect(report.lines.map(({ text }) => text).join('\n')).toMatch(
      /plan shed-dev begins[^]*plan shed-all begins[^]*bring-up/,
    );
    // What was off before the outage stays off.
    expect(await ledger(stage)).toEqual({ cuts: UNCUT, on: [0, 1, 1, 1, 0] });
  },
  LIMIT_MS,
);

test(
  'a flicker begins nothing; a battery too small for the plan is said; mains back restore what was taken',
  async () => {
    await using stage = await onStage(8);
    await stage.nut.set('apc', 'ups.status', 'OB');
    await stage.until('the battery', ({ policies }) => policies[0]?.outage?.phase === 'battery');
    await stage.nut.set('apc', 'ups.status', 'OL');
    expect((await stage.over()).lines.map(({ text }) => text)).toEqual([
      'the mains have failed',
      'the mains returned before any plan was started',
    ]);
    await stage.nut.set('apc', 'battery.runtime', '10');
    await stage.nut.set('apc', 'ups.status', 'OB');
    const { policies } = await stage.until('a problem', (status) => (status.policies[0]?.problems.length ?? 0) > 0);
    expect(policies[0]?.problems[0]).toMatch(/plan shed-all takes \d+ s and the battery lasts 10 s/);
    await off(stage, 1, 2, 3);
    await stage.nut.set('apc', 'ups.status', 'OL');
    await up(stage, 1, 2, 3);
    await stage.over();
    expect(await ledger(stage)).toEqual({ cuts: UNCUT, on: [0, 1, 1, 1, 0] });
  },
  LIMIT_MS,
);

test(
  'of two UPSes one may fail where one is enough; upsd that ends is unknown, never mains',
  async () => {
    await using stage = await onStage(1, { upses: ['left', 'right'], policy: ', needs: 1' });
    await stage.nut.set('left', 'ups.status', 'OB');
    const one = await stage.until('the battery', ({ policies }) => policies[0]?.ups[0]?.state === 'battery');
    expect(one.policies[0]).toMatchObject({ supply: { state: 'mains' }, outage: null });
    await stage.nut.stopUpsd();
    const none = await stage.until('no answer', ({ policies }) => policies[0]?.supply.state === 'unknown');
    expect(none.policies[0]?.supply.why).toMatch(/left: .*right: /);
    expect((await stage.rack.node('01')).power).toBe('on');
    await stage.nut.startUpsd();
    await stage.until('the mains', ({ policies }) => policies[0]?.supply.state === 'mains');
  },
  LIMIT_MS,
);

describe.skipIf(missingNut.length > 0)(
  `NUT${missingNut.length > 0 ? ` (missing here: ${missingNut.join(', ')})` : ''}`,
  () => {
    test('upsd answers a wrong password and an unknown UPS with its own words; one that ends is unknown until it is back', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'rackui-ups-'));
      await using nut = await startNut(folder, ['left', 'right']);
      const address = { host: '127.0.0.1', port: nut.port, tls: false, ca: null };
      const client = await NutClient.connect(address);
      await expect(client.variables('nobody')).rejects.toThrow('UNKNOWN-UPS');
      expect((await client.variables('left')).get('ups.status')).toBe('OL');
      await expect(client.login('left', 'admin', 'wrong')).rejects.toThrow('ACCESS-DENIED');
      client.close();
      const other = await NutClient.connect(address);
      await other.login('left', 'admin', 'x');
      other.close();

      const sources = ['left', 'right'].map((name) => ({ ...address, name, pollMs: 200, login: null }));
      const monitor = new UpsMonitor(sources, { now: () => performance.now(), changed: () => undefined });
      const states = (): string => sources.map(({ name }) => monitor.reading(name).state).join(' ');
      const shows = (wanted: string): Promise<void> => until(() => Promise.resolve(states() === wanted));
      monitor.start();
      await shows('mains mains');
      await nut.set('left', 'ups.status', 'OB');
      await shows('battery mains');
      await nut.stopUpsd();
      await shows('unknown unknown');
      await nut.startUpsd({ 'ups.status': 'OL' });
      await shows('mains mains');
      monitor.close();
      rmSync(folder, { recursive: true, force: true });
    });
  },
);

test('a line of upsd is split as it quotes', () => {
  expect(words('VAR apc ups.mfr "A \\"B\\" \\\\ C"')).toEqual(['VAR', 'apc', 'ups.mfr', 'A "B" \\ C']);
});

test('a port where nothing listens fails with its address', async () => {
  await expect(NutClient.connect({ host: '127.0.0.1', port: 1, tls: false, ca: null })).rejects.toThrow(NutError);
});
