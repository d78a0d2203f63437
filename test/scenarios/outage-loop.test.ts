/**
 * A whole outage with nobody there: mains off, shed, darkness in which server, upsd and the rack itself end, mains on, nodes
 * that boot by themselves, a new server, restore, report. And a drill, which plays the same on one node, in virtual time.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { OutageReport } from '../../src/api/outage.ts';
import { ServeProcess } from '../server/process.ts';
import { missingNut, startNut, until } from '../support/nut.ts';
import { OUTAGE_NODES, OUTAGE_PLANS, OutageStage } from '../support/outage-stage.ts';
import { startRack } from '../support/rack.ts';
import { PROGRAM } from '../support/stand.ts';
import { UPS } from './ups-stand.ts';

const PLANS = `${OUTAGE_PLANS}shutdown: { settle: 0.3 }
boot: { limit: 15 }
login: { user: pi, password: { command: [echo, raspberry] } }
`;
const SIM = ['--time-scale', '30', '--no-loss', '--line-rate', 'unlimited'];

describe.skipIf(missingNut.length > 0)(
  `outage${missingNut.length > 0 ? ` (missing here: ${missingNut.join(', ')})` : ''}`,
  () => {
    test('the whole loop: what was on is on again, what was off stays off, and the report says how', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'rackui-loop-'));
      const rackFile = join(folder, 'nodes.yaml');
      const port = join(folder, 'tty');
      const last = join(folder, 'last');
      writeFileSync(rackFile, `name: loop\n${OUTAGE_NODES}`);
      await using nut = await startNut(folder, ['apc']);
      const config = [
        `name: loop\n${OUTAGE_NODES}${PLANS}`,
        `ups: [{ name: apc, port: ${nut.port}, poll: 0.3 }]\n`,
        'outage: { onBattery: [{ after: 1, run: shed-dev }], margin: 5, restore: { after: 1 } }\n',
      ].join('');
      const program = join(folder, 'rackui');
      writeFileSync(
        program,
        `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' --socket '${join(folder, 'control.sock')}' "$@"\n`,
        { mode: 0o755 },
      );
      try {
        {
          await using rack = await startRack({ args: ['--rack', rackFile, ...SIM] });
          symlinkSync(rack.port, port);
          await rack.ctl('power', { node: '04', state: 'off' });
          await using server = await new ServeProcess({ port, config, dir: folder }).ready();
          const client = (await server.connect()).client;
          await client.request('sweep', { addrs: null, interrupt: false });
          const status = async () => (await client.request('outage.status', {})).policies[0];
          await until(async () => (await status())?.supply.state === 'mains');
          await nut.startUpsmon(`/usr/bin/env RACKUI=${program} ${join(UPS, 'rackui-shutdown')} 90 touch ${last}`);

          await nut.set('apc', 'ups.status', 'OB');
          await rack.until(({ nodes }) => nodes[1]?.power === 'off', 60_000);
          expect((await rack.node('02')).power).toBe('on');
          await nut.set('apc', 'ups.status', 'OB LB');
          await until(() => Promise.resolve(existsSync(last)));
          const before = (await status())?.outage;
          expect(before).toMatchObject({ committed: true, endedAt: null });
          expect(before?.nodes.map(({ name, state }) => `${name} ${state}`)).toEqual([
            ...['dev1 taken', 'prod1 taken', 'prod2 taken'],
          ]);
          expect((await rack.state()).nodes.slice(1).map(({ power }) => power)).toEqual(['off', 'off', 'off', 'off']);
          const { nodes, bus } = await rack.counters();
          expect([bus.masterCuts, ...Object.values(nodes).map(({ cutAlive }) => cutAlive)]).toEqual([0, 0, 0, 0, 0, 0]);
          server.kill('SIGKILL');
          await server.exited;
        }
        await nut.stopUpsd();
        for (const name of ['outages', 'plans', 'operations']) {
          const path = join(folder, 'state', `${name}.jsonl`);
          writeFileSync(path, readFileSync(path, 'utf8').replace(/"boot":"[^"]*"/g, '"boot":"before"'));
        }

        // The mains return: prod1 boots by itself, the others stay off.
        await using rack = await startRack({ args: ['--rack', rackFile, ...SIM, '--state', 'off'] });
        rmSync(port);
        symlinkSync(rack.port, port);
        await rack.ctl('power', { node: '02', state: 'on' });
        await nut.startUpsd({ 'ups.status': 'OL CHRG' });
        await using server = await new ServeProcess({ port, config, dir: folder }).ready();
        const client = (await server.connect()).client;
        const report = async (): Promise<OutageReport | null> =>
          (await client.request('outage.status', {})).policies[0]?.outage ?? null;
        await until(async () => typeof (await report())?.endedAt === 'number');
        const ended = await report();
        expect(ended?.nodes.map(({ name, state }) => `${name} ${state}`)).toEqual([
          'dev1 restored',
          'prod1 came-back',
          'prod2 restored',
        ]);
        // Of the low battery upsmon may tell before the server asks again.
        expect(ended?.lines.map(({ text }) => text).join('\n')).toMatch(
          /the mains have failed[^]*plan shed-dev begins[^]*(?:plan shed-all begins[^]*this machine is about to shut down|this machine is about to shut down[^]*plan shed-all begins)[^]*the server was restarted[^]*plan bring-up begins[^]*all nodes that were on are on again/,
        );
        expect((await rack.state()).nodes.slice(1).map(({ guest }) => guest)).toEqual([
          'login',
          'login',
          'login',
          'dead',
        ]);
        const { nodes, bus } = await rack.counters();
        expect(Object.values(nodes).map(({ on }) => on)).toEqual([0, 1, 0, 1, 0]);
        expect([bus.masterCuts, ...Object.values(nodes).map(({ off }) => off)]).toEqual([0, 0, 0, 0, 0, 0]);
        const { standing, past } = await client.request('alarms.list', { limit: 100 });
        expect([...standing, ...past].filter(({ text }) => /not switched by this server/.test(text))).toEqual([]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }, 300_000);
  },
);

describe('in virtual time', () => {
  test('a drill shuts down and restores the node named, and touches no other', async () => {
    await using stage = await OutageStage.set({ virtual: true });
    const { code, said } = await stage.command('drill', '--nodes', 'dev1').ended;
    expect(code, said).toBe(0);
    expect(said).toMatch(/^drill \w+ on dev1$/m);
    expect(said).toMatch(/dev1 +back +/);
    expect(said).toMatch(/prod1 +on +not part of the drill/);
    const { nodes, bus } = await stage.rack.counters();
    expect(Object.entries(nodes).map(([addr, { on, off }]) => `${addr} ${on} ${off}`)).toEqual([
      ...['00 0 0', '01 1 1', '02 0 0', '03 0 0', '04 0 0'],
    ]);
    expect([bus.masterCuts, nodes['01']?.cutAlive]).toEqual([0, 0]);
    const report = await stage.report();
    expect(report).toMatchObject({ drill: true, endedAt: expect.any(Number) as number });

    // Another server knows of it, too.
    await stage.place.killServer('SIGTERM');
    await stage.place.startServer();
    expect(await stage.report()).toEqual(report);
    const again = await stage.command('report').ended;
    expect([again.code, again.said]).toEqual([
      0,
      expect.stringMatching(/^drill \w+: began .*, ended [^]*dev1 +back +/),
    ]);
  }, 180_000);

  test('a drill becomes an outage when the mains really fail, and the rest is shed too', async () => {
    await using stage = await OutageStage.set({ virtual: true });
    await stage.rack.ctl('stop-job', { node: '01', seconds: 120 });
    const drill = stage.command('drill', '--nodes', 'dev1');
    await stage.node('dev1', ({ guest }) => guest === 'stopping');
    await stage.away(60, 'OB LB');
    await stage.told(/the drill is an outage now/);
    await stage.until('all nodes to be down', ({ policies }) => {
      const nodes = policies[0]?.outage?.nodes ?? [];
      return nodes.length > 0 && nodes.every(({ state }) => state === 'taken');
    });
    await stage.back();
    expect((await stage.over()).nodes.map(({ name, state }) => `${name} ${state}`)).toEqual([
      ...['dev1 restored', 'prod1 restored', 'prod2 restored'],
    ]);
    expect((await drill.ended).code).toBe(0);
    const row = await stage.row('drill');
    expect(row).toMatchObject({ cutAlive: 0, switchedOn: 0 });
  }, 180_000);

  test.each([
    ['the master', 'boss'],
    ['an unknown node', 'nobody'],
  ])('a drill on %s is refused', async (_what, node) => {
    await using stage = await OutageStage.set({ virtual: true });
    const { code, said } = await stage.command('drill', '--nodes', node).ended;
    expect(code, said).not.toBe(0);
    expect(await stage.report()).toBeNull();
  });
});
