/** Faults of mains, battery, UPS and upsd. */
import { createServer } from 'node:net';
import { delay } from '../support/outage-stage.ts';
import {
  BACK,
  mainsReturn,
  SHED,
  shedToDarkness,
  STAY_OFF,
  STEPS,
  toTheEnd,
  type OutageFault,
} from './outage-fault.ts';

export const SUPPLY_FAULTS: readonly OutageFault[] = [
  {
    name: 'a flicker of 2 s',
    policy: ', onBattery: [{ after: 60, run: shed-dev }]',
    async play(stage) {
      await stage.away(600);
      await stage.told(/the mains have failed/);
      await delay(2_000);
      await mainsReturn(stage);
    },
    ends: BACK,
    says: /the mains returned before any plan was started/,
  },
  {
    name: '5 minutes on battery (1:30)',
    policy: ', onBattery: [{ after: 2, run: shed-dev }]',
    async play(stage) {
      await stage.away(600);
      await stage.told(/plan shed-dev ended/);
      await delay(4_000);
      await mainsReturn(stage);
    },
    ends: BACK,
    says: /dev1 back/,
  },
  {
    name: 'the runtime shrinks faster than predicted',
    variables: { 'battery.runtime': '900' },
    async play(stage) {
      await stage.away(600);
      await stage.told(/the mains have failed/);
      for (const left of [400, 200]) await stage.nut.set('apc', 'battery.runtime', String(left));
      await stage.nut.set('apc', 'battery.runtime', '60');
      await shedToDarkness(stage);
    },
    ends: SHED,
    says: /the battery lasts 60 s/,
  },
  { name: 'low battery at once', play: (stage) => toTheEnd(stage), ends: SHED, says: /the battery is low/ },
  {
    name: 'low battery, and a runtime that is said too short',
    variables: { 'battery.runtime': '1' },
    // A shutdown that takes longer than a run gets at least.
    async play(stage) {
      await stage.rack.ctl('mute', { on: true });
      await stage.away(1, 'OB LB');
      await stage.told(/plan shed-all begins/);
      await stage.told(/plan shed-all ended: 0 of/);
      await stage.rack.ctl('mute', { on: false });
      await stage.told(/nodes are still on, and the battery has charge/);
      await stage.told(/plan shed-all ended: 4 of/);
      await shedToDarkness(stage);
    },
    ends: SHED,
  },
  {
    name: 'FSD, announced by upsmon',
    // What upsd says of its UPSes once upsmon has told it: test/scenarios/outage-loop.test.ts has NUT's own of both.
    play: (stage) => toTheEnd(stage, 60, 'FSD OB'),
    ends: SHED,
    says: /a forced shutdown \(FSD\)/,
  },
  {
    name: 'mains back during shed-dev',
    policy: STEPS,
    async play(stage) {
      await stage.rack.ctl('stop-job', { node: '01', seconds: 90 });
      await stage.away(600);
      await stage.node('dev1', ({ guest }) => guest === 'stopping');
      await mainsReturn(stage);
    },
    ends: BACK,
    says: /dev1 back/,
  },
  {
    name: 'mains back during shed-all',
    async play(stage) {
      await stage.rack.ctl('stop-job', { node: '02', seconds: 90 });
      await stage.away(60, 'OB LB');
      await stage.node('prod1', ({ guest }) => guest === 'stopping');
      await mainsReturn(stage);
    },
    ends: BACK,
    says: /prod1 back/,
  },
  {
    name: 'mains back during the last command',
    async play(stage) {
      await stage.away(60, 'OB');
      await stage.told(/the mains have failed/);
      const last = stage.command('last', '--within', '90');
      await stage.rack.until(({ nodes }) => nodes.slice(1, 4).some(({ power }) => power === 'off'), 60_000);
      await stage.back();
      const { code, said } = await last.ended;
      if (code !== 0) throw new Error(`the last command ended with ${code ?? 'a signal'}: ${said}`);
      await stage.shed();
      await stage.rack.ctl('reset-counters');
      await delay(2_000);
      const { nodes } = await stage.rack.counters();
      if (Object.values(nodes).some(({ on }) => on > 0))
        throw new Error('a node was switched on as this machine goes down');
      await stage.dark();
      await stage.light();
      await stage.over();
    },
    sim: ['--dialect', 'mains-after-off=stays-off'],
    ends: BACK,
  },
  {
    name: 'mains back after darkness, nodes boot by themselves',
    async play(stage) {
      await toTheEnd(stage);
      await stage.light();
      await stage.over();
    },
    sim: ['--dialect', 'mains-after-off=boots'],
    ends: /dev1, prod1, prod2, spare on \(login\)/,
    says: /back by itself/,
  },
  {
    name: 'mains back after darkness, nodes stay off',
    async play(stage) {
      await toTheEnd(stage);
      await stage.light();
      await stage.over();
    },
    sim: STAY_OFF,
    ends: BACK,
  },
  {
    name: 'upsd is restarted on battery',
    async play(stage) {
      await stage.away(300);
      await stage.told(/the mains have failed/);
      await stage.nut.stopUpsd();
      await stage.nut.startUpsd();
      await toTheEnd(stage);
    },
    ends: SHED,
  },
  {
    name: 'upsd is gone on battery',
    async play(stage) {
      await stage.away(90);
      await stage.told(/the mains have failed/);
      await stage.nut.stopUpsd();
      await shedToDarkness(stage);
    },
    policy: ', last: shed-all',
    ends: SHED,
  },
  {
    name: 'upsd is gone, and the server is started again',
    async play(stage) {
      await stage.away(90);
      await stage.told(/the mains have failed/);
      await stage.nut.stopUpsd();
      await stage.place.killServer('SIGKILL');
      await stage.place.startServer();
      await shedToDarkness(stage);
    },
    ends: SHED,
  },
  {
    name: 'upsd refuses the password',
    ups: ', user: admin, password: { command: [echo, wrong] }',
    play: (stage) => toTheEnd(stage),
    ends: SHED,
  },
  {
    name: 'upsd sends garbage',
    async play(stage) {
      await stage.away(90);
      await stage.told(/the mains have failed/);
      await stage.nut.stopUpsd();
      const garbage = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.write(
          Buffer.from([0xff, 0xfe, 0x00, ...Buffer.from('BEGIN LIST VAR apc\nVAR apc ups.status "OL"\nxyz')]),
        );
        socket.write(Buffer.alloc(4_000, 0x41));
      });
      await new Promise<void>((resolve) => garbage.listen(stage.nut.port, '127.0.0.1', resolve));
      try {
        await shedToDarkness(stage);
      } finally {
        garbage.close();
      }
    },
    ends: SHED,
  },
  {
    name: 'the UPS says no runtime, but its charge',
    variables: { 'battery.runtime': '' },
    policy: ', runtime: 600',
    async play(stage) {
      await stage.away();
      await stage.told(/the mains have failed/);
      await stage.nut.set('apc', 'battery.charge', '10');
      await shedToDarkness(stage);
    },
    ends: SHED,
    says: /the battery lasts 60 s/,
  },
  {
    name: 'the UPS says neither runtime nor charge',
    variables: { 'battery.runtime': '', 'battery.charge': '' },
    policy: ', runtime: 95',
    async play(stage) {
      await stage.away();
      await shedToDarkness(stage);
    },
    ends: SHED,
    says: /the battery lasts \d+ s/,
  },
  {
    name: 'of two UPSes one fails, one is enough',
    upses: ['apc', 'right'],
    policy: ', needs: 1',
    async play(stage) {
      await stage.away(60, 'OB LB', 'apc');
      await stage.until('the reading', ({ policies }) => policies[0]?.ups[0]?.state === 'battery');
      await delay(2_000);
    },
    ends: BACK,
  },
  {
    name: 'of two UPSes one fails, then the other',
    upses: ['apc', 'right'],
    policy: ', needs: 1',
    async play(stage) {
      await stage.away(60, 'OB LB', 'apc');
      await stage.until('the reading', ({ policies }) => policies[0]?.ups[0]?.state === 'battery');
      await stage.away(60, 'OB LB', 'right');
      await shedToDarkness(stage);
    },
    ends: SHED,
  },
];
