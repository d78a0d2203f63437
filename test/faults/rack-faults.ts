/** Faults of hooks, nodes, consoles, servers, disks and clocks in an outage. */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { IS_ROOT, NOBODY, rackuiAs } from '../support/other-user.ts';
import { delay } from '../support/outage-stage.ts';
import { PROGRAM } from '../support/stand.ts';
import {
  ALL_BUT_PROD1,
  allButProd1,
  BACK,
  mainsReturn,
  SHED,
  shedToDarkness,
  STAY_OFF,
  STEPS,
  toTheEnd,
  type OutageFault,
} from './outage-fault.ts';
import { KILLED } from './killed-fault.ts';

const HOOK = (more: string): string =>
  `hooks: [{ when: before-off, nodes: prod1, run: [sh, -c, "exit 1"], limit: 3${more} }]\n`;

const libraries = '/usr/lib';
const FAKETIME = readdirSync(libraries)
  .map((folder) => join(libraries, folder, 'faketime', 'libfaketimeMT.so.1'))
  .find((path) => existsSync(path));

/** The date is set by so many seconds: of the processes by faketime, or of virtual time. */
const step = (seconds: number): Pick<OutageFault, 'play' | 'ends' | 'says'> => ({
  async play(stage) {
    await stage.away(120, 'OB');
    await stage.told(/plan shed-dev begins/);
    stage.setDate(seconds);
    await stage.told(/plan shed-dev ended/);
    await stage.away(60, 'OB LB');
    await stage.shed();
    await mainsReturn(stage);
  },
  ends: BACK,
  says: /dev1.* back/,
});

const BY_FAKETIME: Pick<OutageFault, 'real' | 'env' | 'missing'> = {
  real: true,
  env: (folder) => {
    writeFileSync(join(folder, 'clock'), '+0\n');
    return {
      ...{ LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: join(folder, 'clock'), FAKETIME_NO_CACHE: '1' },
      ...{ FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1' },
    };
  },
  missing: FAKETIME === undefined ? 'the package faketime' : null,
};

export const RACK_FAULTS: readonly OutageFault[] = [
  { name: 'a hook vetoes', config: HOOK(''), play: (stage) => toTheEnd(stage), ends: SHED },
  {
    name: 'a required hook vetoes',
    config: HOOK(', required: true'),
    play: (stage) => toTheEnd(stage),
    hopeless: ['prod1'],
    ends: ALL_BUT_PROD1,
    says: /prod1 on: /,
  },
  {
    name: 'a node hangs',
    async play(stage) {
      await stage.rack.ctl('hang', { node: '02' });
      await stage.away(60, 'OB LB');
      await allButProd1(stage);
    },
    hopeless: ['prod1'],
    ends: ALL_BUT_PROD1,
  },
  {
    name: 'a node panics on its way down',
    async play(stage) {
      await stage.rack.ctl('stop-job', { node: '02', seconds: 60 });
      await stage.away(60, 'OB LB');
      await stage.node('prod1', ({ guest }) => guest === 'stopping');
      await stage.rack.ctl('panic', { node: '02' });
      await allButProd1(stage);
    },
    hopeless: ['prod1'],
    ends: ALL_BUT_PROD1,
  },
  {
    name: 'a console without a login prompt',
    async play(stage) {
      await stage.rack.ctl('no-getty', { node: '02' });
      await stage.away(60, 'OB LB');
      await allButProd1(stage);
    },
    hopeless: ['prod1'],
    ends: ALL_BUT_PROD1,
  },
  {
    name: 'a node whose console an operator holds, logged in',
    async play(stage) {
      const operator = await stage.place.client('operator');
      await operator.request('console.attach', { addr: 2, take: true, watch: false });
      const type = (text: string): void =>
        operator.note('console.input', { addr: 2, data: Buffer.from(text).toString('base64'), at: operator.now() });
      let heard = '';
      operator.on('console.data', ({ data }) => (heard += Buffer.from(data, 'base64').toString()));
      const shows = (words: RegExp, press?: string): Promise<unknown> =>
        stage.until(`the console to show ${words}`, () => {
          if (press !== undefined && !words.test(heard)) type(press);
          return words.test(heard);
        });
      await shows(/login: $/, '\r');
      type('pi\r');
      await shows(/Password: $/);
      type('raspberry\r');
      await stage.node('prod1', ({ guest }) => guest === 'shell');
      await toTheEnd(stage);
    },
    ends: SHED,
  },
  {
    name: 'the port is held by another user’s server',
    real: true,
    async play(stage) {
      const { place, folder, rack } = stage;
      await place.killServer('SIGTERM');
      const home = join(folder, 'user');
      mkdirSync(home);
      for (const path of [place.folder, folder, dirname(rack.link)]) chmodSync(path, 0o711);
      for (const path of [home, join(folder, 'password'), rack.port]) chownSync(path, NOBODY, NOBODY);
      const config = join(place.folder, 'rack.yaml');
      const files = ['--config', config, '--port', rack.link];
      stage.socket = join(home, 'rack.sock');
      const server = rackuiAs(NOBODY, folder, ['serve', ...files, '--socket', stage.socket, '--state', home]);
      await server.until(/^ready/m);
      await stage.until('the UPS to be on mains', ({ policies }) => policies[0]?.supply.state === 'mains');
      await stage.away(60);
      await stage.told(/the mains have failed/);
      // What upsmon does at low battery, as root.
      const own = { PATH: '/usr/bin:/bin', HOME: folder, XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder };
      const last = stage.start([process.execPath, PROGRAM, ...files, 'outage', 'last', '--within', '60'], own);
      const { code, said } = await last.ended;
      if (code !== 0) throw new Error(`the last command ended with ${code ?? 'a signal'}: ${said}`);
      await shedToDarkness(stage);
      await server[Symbol.asyncDispose]();
    },
    ends: SHED,
    missing: IS_ROOT ? null : 'root',
  },
  KILLED,
  {
    name: 'the server is stopped (SIGSTOP) for 5 s in the last plan',
    async play(stage) {
      await stage.away(60, 'OB LB');
      await stage.rack.until(({ nodes }) => nodes.slice(1, 4).some(({ power }) => power === 'off'), 60_000);
      await stage.place.whileStopped(() => delay(5_000));
      await shedToDarkness(stage);
    },
    ends: SHED,
  },
  {
    name: 'the disk is full',
    async play(stage) {
      stage.place.fillDisk();
      await toTheEnd(stage);
    },
    // What cannot be written down is not cut.
    ends: /^dev1, prod1, prod2 on \(halted\); spare off$/,
  },
  { name: 'the clock is set forward by an hour', policy: STEPS, ...BY_FAKETIME, ...step(3600) },
  { name: 'the clock is set back by an hour', policy: STEPS, ...step(-3600) },
  {
    name: 'a second outage while the first one’s restore runs',
    async play(stage) {
      await stage.away(60, 'OB LB');
      await stage.shed();
      await stage.back();
      await stage.rack.until(({ nodes }) => nodes.slice(1, 4).some(({ power }) => power === 'on'), 60_000);
      await stage.nut.set('apc', 'ups.status', 'OB LB');
      await stage.told(/the mains failed again/);
      await stage.until(
        'the second last plan',
        ({ policies }) =>
          (policies[0]?.outage?.lines ?? []).filter(({ text }) => /plan shed-all ended/.test(text)).length >= 2,
      );
      await mainsReturn(stage);
    },
    ends: BACK,
  },
  {
    name: 'a node stops in fsck as it comes back',
    async play(stage) {
      await stage.away(60, 'OB LB');
      await stage.shed();
      await stage.rack.ctl('boot-stops', { node: '02', where: 'fsck' });
      await mainsReturn(stage);
    },
    ends: /^dev1, prod2 on \(login\); prod1 on \(\w+\); spare off$/,
    says: /prod1 not back/,
  },
  {
    name: 'one of 23 nodes stops in fsck after darkness',
    rack: `nodes:\n${Array.from({ length: 24 }, (_, n) => `  - { addr: "${n.toString(16).padStart(2, '0')}", name: ${n === 0 ? 'boss, role: master' : `n${n}`} }\n`).join('')}plans: { shed-all: { steps: [{ name: all, action: off, selector: all }] } }\n`,
    sim: STAY_OFF,
    hopeless: Array.from({ length: 23 }, (_, n) => `n${n + 1}`),
    async play(stage) {
      await stage.away(900);
      await stage.told(/the mains have failed/);
      await stage.rack.ctl('boot-stops', { node: '05', where: 'fsck' });
      await stage.dark();
      await stage.light();
      await stage.over();
    },
    ends: /^22 nodes on \(login\); n5 on \(stuck\)$/,
  },
];
