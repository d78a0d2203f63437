/** The faults of an outage: how each is brought about, and what has to come of it. */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execFileSync } from 'node:child_process';
import { buildDyingServer } from '../support/dying-program.ts';
import { IS_ROOT, NOBODY, rackuiAs } from '../support/other-user.ts';
import { PROGRAM } from '../support/stand.ts';
import type { OutageStage, OutageStageOptions } from '../support/outage-stage.ts';

export interface OutageFault extends OutageStageOptions {
  name: string;
  play(stage: OutageStage): Promise<void>;
  /** The nodes at the end, by name; a pattern of the row's `nodes`. */
  ends: RegExp;
  /** What the report has to say, anywhere. */
  says?: RegExp;
  /** Takes longest: begun first. */
  slow?: boolean;
  /** Why it cannot be played on this machine; null: it can. */
  missing?: string | null;
}

const SHED = /^dev1, prod1, prod2, spare off$/;
const ALL_BUT_PROD1 = /^dev1, prod2, spare off; prod1 on \(\w+\)$/;
const BACK = /^dev1, prod1, prod2 on \(login\); spare off$/;
const DOWN = /^(taken ?)+$/;
const STEPS = ', onBattery: [{ after: 1, run: shed-dev }]';
/** Of the simulator: nodes stay off when the mains return. */
const STAY_OFF = ['--dialect', 'mains=stays-off,mains-after-off=stays-off'];
const HOOK = (more: string): string =>
  `hooks: [{ when: before-off, nodes: prod1, run: [sh, -c, "exit 1"], limit: 3${more} }]\n`;

const libraries = '/usr/lib';
const FAKETIME = readdirSync(libraries)
  .map((folder) => join(libraries, folder, 'faketime', 'libfaketimeMT.so.1'))
  .find((path) => existsSync(path));

/** The last plan runs from a low battery on, and then the battery ends. */
async function toTheEnd(stage: OutageStage, batteryS = 60): Promise<void> {
  await stage.away(batteryS, 'OB LB');
  await stage.shed();
  await stage.dark();
}

const step = (clock: string): Pick<OutageFault, 'env' | 'play' | 'ends' | 'says' | 'missing'> => ({
  env: (folder) => {
    writeFileSync(join(folder, 'clock'), '+0\n');
    return {
      ...{ LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: join(folder, 'clock'), FAKETIME_NO_CACHE: '1' },
      ...{ FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1' },
    };
  },
  async play(stage) {
    await stage.away(120, 'OB');
    await stage.told(/plan shed-dev begins/);
    writeFileSync(join(stage.folder, 'clock'), `${clock}\n`);
    await stage.told(/plan shed-dev ended/);
    await stage.away(60, 'OB LB');
    await stage.shed();
    await stage.back();
    await stage.over();
  },
  ends: BACK,
  says: /dev1.* back/,
  missing: FAKETIME === undefined ? 'the package faketime' : null,
});

export const OUTAGE_FAULTS: readonly OutageFault[] = [
  {
    name: 'a flicker of 2 s',
    policy: ', onBattery: [{ after: 60, run: shed-dev }]',
    async play(stage) {
      await stage.away(600);
      await stage.told(/mains are away/);
      await delay(2_000);
      await stage.back();
      await stage.over();
    },
    ends: BACK,
    says: /mains are back before anything was begun/,
  },
  {
    name: '5 minutes on battery (1:30)',
    policy: ', onBattery: [{ after: 2, run: shed-dev }]',
    async play(stage) {
      await stage.away(600);
      await stage.told(/plan shed-dev ended/);
      await delay(4_000);
      await stage.back();
      await stage.over();
    },
    ends: BACK,
    says: /dev1 back/,
  },
  {
    name: 'the runtime shrinks faster than predicted',
    variables: { 'battery.runtime': '900' },
    async play(stage) {
      await stage.away(600);
      await stage.told(/mains are away/);
      for (const left of [400, 200]) await stage.nut.set('apc', 'battery.runtime', String(left));
      await stage.nut.set('apc', 'battery.runtime', '60');
      await stage.shed();
      await stage.dark();
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
      await stage.told(/nodes are still on, and the battery lasts/);
      await stage.told(/plan shed-all ended: 4 of/);
      await stage.shed();
      await stage.dark();
    },
    ends: SHED,
  },
  {
    name: 'FSD, announced by upsmon',
    async play(stage) {
      const last = join(stage.folder, 'last');
      stage.nut.startUpsmon(`touch ${last}`);
      await stage.away(60, 'OB LB');
      await stage.shed();
      await stage.dark();
    },
    ends: SHED,
    says: /announces its end \(FSD\)|battery is low/,
  },
  {
    name: 'mains back during shed-dev',
    policy: STEPS,
    async play(stage) {
      await stage.rack.ctl('stop-job', { node: '01', seconds: 90 });
      await stage.away(600);
      await stage.node('dev1', ({ guest }) => guest === 'stopping');
      await stage.back();
      await stage.over();
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
      await stage.back();
      await stage.over();
    },
    ends: BACK,
    says: /prod1 back/,
  },
  {
    name: 'mains back during the last command',
    async play(stage) {
      await stage.away(60, 'OB');
      await stage.told(/mains are away/);
      const last = stage.run('outage', 'last', '--within', '90');
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
      await stage.told(/mains are away/);
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
      await stage.told(/mains are away/);
      await stage.nut.stopUpsd();
      await stage.shed();
      await stage.dark();
    },
    policy: ', last: shed-all',
    ends: SHED,
  },
  {
    name: 'upsd is gone, and the server is started again',
    async play(stage) {
      await stage.away(90);
      await stage.told(/mains are away/);
      await stage.nut.stopUpsd();
      await stage.place.killServer('SIGKILL');
      await stage.place.startServer();
      await stage.shed();
      await stage.dark();
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
      await stage.told(/mains are away/);
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
        await stage.shed();
        await stage.dark();
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
      await stage.told(/mains are away/);
      await stage.nut.set('apc', 'battery.charge', '10');
      await stage.shed();
      await stage.dark();
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
      await stage.shed();
      await stage.dark();
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
      await stage.shed();
      await stage.dark();
    },
    ends: SHED,
  },
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
      await stage.rack.until(({ nodes }) => nodes[1]?.power === 'off' && nodes[3]?.power === 'off', 90_000);
      await stage.shed();
      await stage.dark();
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
      await stage.rack.until(({ nodes }) => nodes[1]?.power === 'off' && nodes[3]?.power === 'off', 90_000);
      await stage.shed();
      await stage.dark();
    },
    hopeless: ['prod1'],
    ends: ALL_BUT_PROD1,
  },
  {
    name: 'a console without a login prompt',
    async play(stage) {
      await stage.rack.ctl('no-getty', { node: '02' });
      await stage.away(60, 'OB LB');
      await stage.rack.until(({ nodes }) => nodes[1]?.power === 'off' && nodes[3]?.power === 'off', 90_000);
      await stage.shed();
      await stage.dark();
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
      await stage.told(/mains are away/);
      // What upsmon does at low battery, as root.
      const own = { PATH: '/usr/bin:/bin', HOME: folder, XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder };
      const last = stage.start([process.execPath, PROGRAM, ...files, 'outage', 'last', '--within', '60'], own);
      const { code, said } = await last.ended;
      if (code !== 0) throw new Error(`the last command ended with ${code ?? 'a signal'}: ${said}`);
      await stage.shed();
      await stage.dark();
      await server[Symbol.asyncDispose]();
    },
    ends: SHED,
    missing: IS_ROOT ? null : 'root',
  },
  {
    name: 'the server is killed at every transition that is written down',
    slow: true,
    async play(stage) {
      using dying = await buildDyingServer();
      await stage.place.killServer('SIGTERM');
      const wanted = join(stage.folder, 'wanted');
      const phases = ['waiting', 'preflight', 'request', 'acknowledged', 'stopping', 'settle', 'cut', 'ended'];
      const keys = [
        'outage *',
        'run *',
        'plan 02 started',
        'plan 02 ended',
        ...phases.map((phase) => `op 01 ${phase}`),
      ];
      writeFileSync(wanted, keys.join('\n'));
      const { folder } = stage.place;
      const life = [process.execPath, dying.path, stage.rack.link, folder, join(folder, 'rack.yaml'), '', wanted];
      const over = new AbortController();
      const isOver = (): boolean => over.signal.aborted;
      const lives = (async () => {
        const died: string[] = [];
        while (!isOver()) {
          const { said } = await stage.start(life).ended;
          const key = /^died (.*)$/m.exec(said)?.[1];
          if (key === undefined && !isOver()) throw new Error(`a life after ${died.join('; ')} said: ${said}`);
          if (key !== undefined) died.push(key);
        }
        return died;
      })();
      await Promise.race([lives, playLives()]);
      over.abort();
      stage.endPrograms();
      const died = await lives;
      for (const key of [
        'outage last, nothing',
        'outage last, last',
        'outage restoring, restore',
        'op 01 request',
        'run ended',
      ])
        if (!died.some((one) => one.startsWith(key))) throw new Error(`it did not die at ${key}: ${died.join('; ')}`);

      async function playLives(): Promise<void> {
        await stage.until('the UPS to be on mains', ({ policies }) => policies[0]?.supply.state === 'mains');
        await stage.away(60, 'OB LB');
        // One that went down unwatched stays halted: nothing proves it to the next server.
        await stage.rack.until(
          ({ nodes }) => nodes.slice(1).every(({ guest }) => ['dead', 'halted'].includes(guest)),
          200_000,
        );
        await stage.until(
          'the plan to be over',
          ({ policies }) =>
            policies[0]?.outage?.phase === 'last' &&
            DOWN.test(policies[0].outage.nodes.map(({ state }) => state).join(' ')),
        );
        await stage.back();
        await stage.over(240_000);
      }
    },
    ends: /^((dev1|prod1|prod2|, )+ on \((login|halted)\); )+spare off$/,
  },
  {
    name: 'the server is stopped (SIGSTOP) for 5 s in the last plan',
    async play(stage) {
      await stage.away(60, 'OB LB');
      await stage.rack.until(({ nodes }) => nodes.slice(1, 4).some(({ power }) => power === 'off'), 60_000);
      process.kill(stage.place.serverPid, 'SIGSTOP');
      await delay(5_000);
      process.kill(stage.place.serverPid, 'SIGCONT');
      await stage.shed();
      await stage.dark();
    },
    ends: SHED,
  },
  {
    name: 'the disk is full',
    async play(stage) {
      // Whatever would make a file longer fails from now on.
      execFileSync('prlimit', ['--pid', String(stage.place.serverPid), '--fsize=1:1']);
      await toTheEnd(stage);
    },
    // What cannot be written down is not cut.
    ends: /^dev1, prod1, prod2 on \(halted\); spare off$/,
  },
  { name: 'the clock is set forward by an hour', policy: STEPS, ...step('+3600') },
  { name: 'the clock is set back by an hour', policy: STEPS, ...step('-3600') },
  {
    name: 'a second outage while the first one’s restore runs',
    async play(stage) {
      await stage.away(60, 'OB LB');
      await stage.shed();
      await stage.back();
      await stage.rack.until(({ nodes }) => nodes.slice(1, 4).some(({ power }) => power === 'on'), 60_000);
      await stage.nut.set('apc', 'ups.status', 'OB LB');
      await stage.told(/mains are away again/);
      await stage.until(
        'the second last plan',
        ({ policies }) =>
          (policies[0]?.outage?.lines ?? []).filter(({ text }) => /plan shed-all ended/.test(text)).length >= 2,
      );
      await stage.back();
      await stage.over();
    },
    ends: BACK,
  },
  {
    name: 'a node stops in fsck as it comes back',
    async play(stage) {
      await stage.away(60, 'OB LB');
      await stage.shed();
      await stage.rack.ctl('boot-stops', { node: '02', where: 'fsck' });
      await stage.back();
      await stage.over();
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
      await stage.told(/mains are away/);
      await stage.rack.ctl('boot-stops', { node: '05', where: 'fsck' });
      await stage.dark();
      await stage.light();
      await stage.over();
    },
    ends: /^22 nodes on \(login\); n5 on \(stuck\)$/,
  },
];
