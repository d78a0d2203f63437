/** doctor against prepared machines and bus states: each trouble named rightly, and a healthy one without a word of warning. */
import { spawnSync } from 'node:child_process';
import { openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { busChecks, type BusPicture, profileOf, settingsCheck } from '../../src/cli/doctor/bus.ts';
import { type Check, type Machine, piChecks } from '../../src/cli/doctor/machine.ts';
import { portChecks, staleSockets } from '../../src/cli/doctor/port.ts';
import {
  lifetimeCheck,
  clockCheck,
  configCheck,
  directoryChecks,
  versionChecks,
} from '../../src/cli/doctor/program.ts';
import { configSchema } from '../../src/config/schema.ts';
import { unnamedNode } from '../../src/rack/inventory.ts';
import { inspectBus } from '../../src/server/bus-diagnostics.ts';
import { startRack, startRackInProcess, type TestRack } from '../support/rack.ts';
import { folder, GID, machine, PI, PROCESS, removeFolders, troubles } from './doctor-machine.ts';
import { jsonLines, rackui, rackuiProcess } from './support.ts';

const NOW = Date.UTC(2026, 10, 24);
afterAll(removeFolders);

function diagnose(m: Machine, { port = '/dev/serial0', now = NOW, node = '20.19.0', server = '' } = {}): Check[] {
  return [
    ...piChecks(m, port),
    ...portChecks(m, port, null),
    ...versionChecks(node, '1.0.0', server === '' ? null : server),
    clockCheck(m, now),
    configCheck(m, undefined).check,
  ];
}

describe('a healthy machine gives no warning', () => {
  const zero = { '/proc/device-tree/model': 'Raspberry Pi Zero W Rev 1.1\0' };
  const five = {
    '/proc/device-tree/model': 'Raspberry Pi 5 Model B\0',
    '/boot/firmware/config.txt': 'dtparam=uart0=on\n',
    '/dev/ttyAMA0': '',
  };
  test.each<[string, Record<string, string | null>, string]>([
    ['Pi 4 with the mini UART', {}, '/dev/serial0'],
    [
      'Pi 3 without Bluetooth',
      {
        '/proc/device-tree/model': 'Raspberry Pi 3 Model B Plus\0',
        '/boot/firmware/config.txt': 'enable_uart=1\ndtoverlay=disable-bt\n',
        '/dev/ttyAMA0': '',
        '/dev/serial0': '→ ttyAMA0',
      },
      '/dev/serial0',
    ],
    ['Zero W', zero, '/dev/serial0'],
    ['Pi 5 on its GPIO', five, '/dev/ttyAMA0'],
    ['another Linux', { '/proc/device-tree/model': null, '/boot/firmware/config.txt': null }, '/dev/ttyS0'],
    ['a masked getty', { '/etc/systemd/system/serial-getty@ttyS0.service': '→ /dev/null' }, '/dev/serial0'],
  ])('%s', (_name, changes, port) => {
    expect(troubles(diagnose(machine(changes), { port }))).toEqual([]);
  });
});

describe('a broken one is named rightly', () => {
  const config = (text: string): Record<string, string> => ({ '/boot/firmware/config.txt': text });
  test.each<[string, Record<string, string | null>, string, RegExp, RegExp]>([
    [
      'no port',
      { '/dev/serial0': null, '/dev/ttyUSB0': '' },
      'port',
      /does not exist; there are \/dev\/ttyS0/,
      /raspi-config/,
    ],
    ['a link to nowhere', { '/dev/ttyS0': null }, 'port', /points to \/dev\/ttyS0, which does not exist/, /UART/],
    [
      'held by screen',
      { ...PROCESS('screen', 'screen /dev/serial0 115200'), '/proc/412/fd/3': '→ /dev/ttyS0' },
      'holder',
      /screen \(pid 412, user root\) has \/dev\/ttyS0 open/,
      /kill 412/,
    ],
    [
      'a login prompt',
      { ...PROCESS('agetty', '/sbin/agetty -o -p 115200 ttyS0 vt220') },
      'getty',
      /agetty \(pid 412, user root\)/,
      /disable --now serial-getty@ttyS0/,
    ],
    [
      'a login prompt at the next start',
      { '/etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service': '→ /lib/x' },
      'getty',
      /is enabled/,
      /disable --now/,
    ],
    [
      'an inittab',
      { '/etc/inittab': '#x\nT0:23:respawn:/sbin/getty -L ttyS0 115200 vt100\n' },
      'getty',
      /inittab/,
      /T0:23/,
    ],
    [
      'the kernel’s console',
      { '/boot/firmware/cmdline.txt': 'console=serial0,115200 console=tty1 rootwait' },
      'console',
      /cmdline\.txt gives .*console=serial0/,
      /sed -i .*console=serial0/,
    ],
    [
      'the kernel’s console on older systems',
      { '/boot/firmware/cmdline.txt': null, '/boot/cmdline.txt': 'console=ttyS0,115200 rootwait' },
      'console',
      /\/boot\/cmdline\.txt gives/,
      /console=ttyS0/,
    ],
    ['not rebooted since', { '/proc/cmdline': 'console=ttyS0,115200 x' }, 'console', /was started with/, /reboot/],
    [
      'UART not enabled',
      config('[pi5]\nenable_uart=1\n[all]\n# enable_uart=1\n'),
      'uart',
      /does not enable/,
      /enable_uart=1/,
    ],
    ['UART disabled', config('enable_uart=0\n'), 'uart', /enable_uart=0/, /tee -a/],
    [
      'Bluetooth’s UART',
      { '/dev/serial0': '→ ttyAMA0', '/dev/ttyAMA0': '' },
      'bluetooth',
      /which Bluetooth uses/,
      /disable-bt/,
    ],
    [
      'moved by an overlay',
      config('enable_uart=1\ndtoverlay=miniuart-bt\n'),
      'bluetooth',
      /moves GPIO 14\/15/,
      /ttyAMA0/,
    ],
    [
      'a clock that moves',
      config('enable_uart=1\ncore_freq=400\n'),
      'bluetooth',
      /follows the core clock/,
      /core_freq/,
    ],
    [
      'time never set',
      { '/run/systemd/timesync/synchronized': null, '/run/systemd/timesync/x': '' },
      'clock',
      /not synch/,
      /timedatectl/,
    ],
    [
      'a wrong configuration',
      { '/etc/rackui/rack.yaml': 'nodes:\n  - { pos: Z-9 }\n' },
      'config',
      /rack\.yaml:2:\d+/,
      /config check/,
    ],
  ])('%s', (_name, changes, id, seen, todo) => {
    const found = troubles(diagnose(machine(changes)));
    expect(found.map((check) => check.id)).toEqual([id]);
    expect(found[0]?.seen).toMatch(seen);
    expect(found[0]?.todo).toMatch(todo);
  });

  test('a Pi 5 on its debug connector', () => {
    const five = {
      '/proc/device-tree/model': 'Raspberry Pi 5 Model B\0',
      '/dev/serial0': '→ ttyAMA10',
      '/dev/ttyAMA10': '',
    };
    const [found] = troubles(diagnose(machine(five)));
    expect(found).toMatchObject({ id: 'bluetooth', seen: expect.stringMatching(/debug connector/) as string });
  });

  test.each<[string, Machine, string, RegExp, RegExp]>([
    [
      'not in the group',
      machine({ '/etc/group': `dialout:x:${GID}:\n` }, { ...PI, gids: [] }),
      'permission',
      /group dialout/,
      /usermod -aG dialout pi/,
    ],
    ['in the group since', machine({}, { ...PI, gids: [] }), 'permission', /since this session began/, /log out/],
    [
      'nobody’s port',
      machine({ '/etc/group': `root:x:${GID}:\n` }, { ...PI, gids: [] }),
      'permission',
      /mode 660/,
      /udev|getty/,
    ],
  ])('%s', (_name, m, id, seen, todo) => {
    const [found, ...more] = troubles(diagnose(m));
    expect(more).toEqual([]);
    expect(found).toMatchObject({ id, verdict: 'failure' });
    expect(found?.seen).toMatch(seen);
    expect(found?.todo).toMatch(todo);
  });

  test('old programs, another server, a clock of 1970', () => {
    const found = troubles(diagnose(machine(), { now: 0, node: '18.20.1', server: '0.9.0' }));
    expect(found.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual([
      'node failure',
      'version warning',
      'clock failure',
    ]);
  });

  test('a server that a command starts here ends with the login: said, with what keeps one', () => {
    const login = { '/proc/self/cgroup': '0::/user.slice/user-1000.slice/session-7.scope\n' };
    const kills = { '/etc/systemd/logind.conf': '[Login]\nKillUserProcesses=yes\n' };
    const judged = lifetimeCheck(machine({ ...login, ...kills }), null);
    expect(judged).toMatchObject({ id: 'lifetime', verdict: 'warning' });
    expect(`${judged.seen} ${judged.todo ?? ''}`).toMatch(
      /a server that a command starts here ends when this login of pi/,
    );
    expect(lifetimeCheck(machine(login), null)).toMatchObject({ verdict: 'ok' });
    const running = { '/proc/77/cgroup': '0::/system.slice/nightly.service\n' };
    const server = { pid: 77, user: 'pi', autostarted: true };
    expect(lifetimeCheck(machine(running), server).seen).toBe(
      'the server (pid 77) ends with nightly.service, the unit in which it is started',
    );
    expect(lifetimeCheck(machine(running), { ...server, autostarted: false })).toMatchObject({ verdict: 'ok' });
  });

  test('the command looks at a copy of a machine’s files, and says so by its exit code', async () => {
    const broken = machine({ '/boot/firmware/cmdline.txt': 'console=serial0,115200' });
    const ran = await rackui(['doctor', '--root', broken.root, '--json']);
    expect(ran.code).toBe(5);
    const [told] = jsonLines(ran) as unknown as [{ verdict: string; checks: Check[]; profile: null }];
    expect(told).toMatchObject({ verdict: 'failure', profile: null });
    expect(troubles(told.checks).map(({ id }) => id)).toContain('console');
  });
});

/** As `stty -a` (GNU coreutils 9) tells of the port that rackui has opened. */
const RAW = `speed 115200 baud; rows 0; columns 0; line = 0;
intr = ^C; quit = ^\\; erase = ^?; kill = ^U; eof = ^D; eol = <undef>; min = 1; time = 0;
-parenb -parodd -cmspar cs8 -hupcl -cstopb cread clocal -crtscts
-ignbrk -brkint -ignpar -parmrk -inpck -istrip -inlcr -igncr -icrnl -ixon -ixoff -iuclc -ixany -imaxbel -iutf8
-opost -olcuc -ocrnl -onlcr -onocr -onlret -ofill -ofdel nl0 cr0 tab0 bs0 vt0 ff0
-isig -icanon -iexten -echo -echoe -echok -echonl -noflsh -xcase -tostop -echoprt -echoctl -echoke -flusho -extproc
`;

describe('the settings of the open port', () => {
  test.each<[what: string, text: string | null, verdict: string, seen: RegExp]>([
    ['as rackui set them', RAW, 'ok', /115200 8N1, raw/],
    ['another speed', RAW.replace('115200', '9600'), 'failure', /speed is 9600, not 115200/],
    [
      'cooked',
      RAW.replace('-icanon', 'icanon').replace('-echo ', 'echo '),
      'failure',
      /icanon: .*echo: the system echoes/,
    ],
    ['flow control by bytes', RAW.replace('-ixon', 'ixon'), 'failure', /ixon: a byte of a node stops/],
    ['flow control by wires', RAW.replace('-crtscts', 'crtscts'), 'failure', /crtscts: output waits for RTS/],
    ['seven bits', RAW.replace('cs8', 'cs7'), 'failure', /lose a bit/],
    ['parity', RAW.replace('-parenb', 'parenb'), 'failure', /parity/],
    ['carriage returns changed', RAW.replace('-icrnl', 'icrnl'), 'failure', /icrnl: carriage returns/],
    ['not to be had', null, 'warning', /cannot be read back/],
  ])('%s', (_what, text, verdict, seen) => {
    const check = settingsCheck(text);
    expect(check).toMatchObject({ id: 'settings', verdict });
    expect(check.seen.replaceAll('; ', ' ')).toMatch(seen);
    expect(check.todo === null).toBe(verdict === 'ok');
  });
});

test('sockets that a dead server left are named, a living one’s and others’ files are not', async () => {
  const place = folder('sockets');
  const [dead, living] = [join(place, 'dead.sock'), join(place, 'living.sock')];
  // A process that is killed leaves its socket's file.
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(dead)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  const server = createServer().listen(living);
  await new Promise((resolve) => server.once('listening', resolve));
  writeFileSync(join(place, 'no.sock'), '');
  try {
    const stale = await staleSockets([place, place, join(place, 'absent')]);
    expect(stale).toEqual([dead]);
    const [found, ...more] = troubles(directoryChecks('/dev/x', { socket: living }, stale)).filter(
      ({ id }) => id === 'sockets',
    );
    expect(more).toEqual([]);
    expect(found).toMatchObject({ verdict: 'warning', todo: expect.stringContaining(`rm ${dead}`) as string });
  } finally {
    server.close();
  }
});

describe('the bus', () => {
  const config = configSchema.parse({});
  const racks: TestRack[] = [];
  afterEach(async () => {
    for (const rack of racks.splice(0)) await rack.stop();
  });
  const rackWith = async (...args: string[]): Promise<TestRack> => {
    const rack = await startRackInProcess({ args: ['--nodes', '4', ...args] });
    racks.push(rack);
    return rack;
  };
  const look = async (rack: TestRack, nodes = [0, 1, 2, 3]): Promise<BusPicture> => {
    const { phase, detail, master, before, wasLocked, diagnostics } = await inspectBus({
      ...{ port: rack.port, config, nodes, exchanges: 100 },
    });
    return {
      ...{ state: phase, detail, master, first: { before, wasLocked }, whyNot: null },
      survey: diagnostics && { ...diagnostics, verbEcho: null },
    };
  };
  const named = (picture: BusPicture, configured: number[] | null = null): string[] =>
    troubles(busChecks(picture, configured?.map(unnamedNode) ?? null)).map(({ id, verdict }) => `${id} ${verdict}`);

  test.each([
    ['locked, as hardware starts', []],
    ['unlocked already', ['--unlocked']],
  ])('%s: no warning', async (_name, args) => {
    const rack = await rackWith(...args);
    const picture = await look(rack);
    expect(named(picture, [0, 1, 2, 3])).toEqual([]);
    expect(busChecks(picture, null).find(({ id }) => id === 'lock')?.seen).toMatch(
      args.length === 0 ? /was locked/ : /already/,
    );
    const { bus, nodes } = await rack.counters();
    expect([bus.masterCuts, ...Object.values(nodes).flatMap(({ on, off }) => [on, off])].every((n) => n === 0)).toBe(
      true,
    );
    await rack.until((state) => state.bus.pipe === null);
  });

  test('a pipe that somebody left open is told, with whose it is, and closed', async () => {
    const rack = await rackWith('--unlocked');
    await rack.ctl('wedge', { node: '02' });
    const picture = await look(rack);
    expect(named(picture)).toEqual(['pipe warning']);
    expect(busChecks(picture, null).find(({ id }) => id === 'pipe')?.seen).toMatch(/pipe to 02/);
    await rack.until((state) => state.bus.pipe === null);
  });

  test('another unlock string: locked, and nothing is claimed about nodes', async () => {
    expect(named(await look(await rackWith('--unlock', 'Sesame')))).toEqual(['bus failure']);
  });

  test('a deaf bus', async () => {
    const rack = await rackWith();
    await rack.ctl('mute');
    expect(named(await look(rack))).toEqual(['bus failure']);
  });

  test('a port whose settings another program changed while it was open', async () => {
    const rack = await rackWith('--unlocked');
    const picture = await look(rack);
    expect(busChecks(picture, null).find(({ id }) => id === 'settings')?.seen).toMatch(/read back from the open port/);
    const cooked = picture.survey && { ...picture.survey.forms, tty: RAW.replace('-ixon', 'ixon') };
    expect(named({ ...picture, survey: picture.survey && cooked && { ...picture.survey, forms: cooked } })).toEqual([
      'settings failure',
    ]);
  });

  test.each([
    ['', /ZZ is 4 × YY on (\d+) of \1 readings: it is the drive/],
    ['fan=speed', /ZZ is 4 × YY on 0 of 1?\d\d readings: it is an independent value/],
  ])('what ZZ means on a bus with ‘%s’', async (dialect, seen) => {
    const rack = await rackWith(...(dialect === '' ? [] : ['--dialect', dialect]));
    // Four times this is no speed of a fan, which otherwise may be four times an idle node's current for a second.
    await rack.ctl('shows-current', { node: 'all', counts: '60' });
    const picture = await look(rack);
    expect(busChecks(picture, null).find(({ id }) => id === 'fan')?.seen).toMatch(seen);
  });

  test('a bus that is managed from another node than the configuration says', async () => {
    const picture = await look(await rackWith());
    const nodes = [0, 1, 2, 3].map(unnamedNode).map((node) => ({ ...node, role: node.addr === 1 ? 'master' : null }));
    const [found, ...more] = troubles(busChecks(picture, nodes));
    expect(more).toEqual([]);
    expect(found).toMatchObject({ id: 'master', verdict: 'failure' });
    expect(found?.seen).toMatch(/the master node-00 \(A-0, 00\), but node-01 \(A-1, 01\) is configured/);
    expect(found?.todo).toMatch(/role: master to the node at 00/);
  });

  test('nodes of the configuration that are not there', async () => {
    expect(named(await look(await rackWith(), [0, 1, 2, 3, 9]), [0, 1, 2, 3, 9])).toEqual(['nodes warning']);
  });

  test('a node that answers badly shows in the error rate', async () => {
    const rack = await rackWith();
    await rack.ctl('garble', { node: '02', share: '0.15' });
    // Where even its first answer was lost it is missing, which is told too.
    expect(named(await look(rack), [0, 1, 2, 3]).join()).toMatch(/errors failure|nodes warning/);
    // After each damaged reply the line is left to fall silent.
  }, 120_000);

  test.each([
    ['', { echo: 'bare', lineEnd: 'CR LF', leadingSpaces: 0, finalLineEnd: true, closeInPipe: '' }],
    [
      'brackets=yes,newline=lf,spaces=2,final-newline=no,close=bell,hex=upper,uid=colons',
      {
        echo: 'with brackets',
        lineEnd: 'LF',
        leadingSpaces: 2,
        finalLineEnd: false,
        hexDigits: 'upper case',
        closeInPipe: '^G',
        closeIdle: '^G',
      },
    ],
    ['echo=no,newline=cr,close=newline', { echo: 'none', lineEnd: 'CR', finalLineEnd: true, closeInPipe: '␍' }],
  ])('profile of the dialect ‘%s’', async (dialect, expected) => {
    const { survey } = await look(await rackWith(...(dialect === '' ? [] : ['--dialect', dialect])));
    expect(survey && profileOf(survey)).toMatchObject(expected);
  });
});

/** Named, so that not the whole address field is looked through. */
const FOUR = `name: four\nnodes: [{ addr: "00" }, { addr: "01" }, { addr: "02" }, { addr: "03" }]\n`;

describe('the command', () => {
  let rack: TestRack;
  let home: string;
  beforeAll(async () => {
    rack = await startRack({ args: ['--nodes', '4'] });
    home = folder('home');
    writeFileSync(join(home, 'rack.yaml'), FOUR);
  });
  afterAll(() => rack.stop());
  const env = (): Record<string, string | undefined> => ({
    ...{ XDG_CONFIG_HOME: home, XDG_STATE_HOME: home, XDG_RUNTIME_DIR: home, RACKUI_CONFIG: undefined },
  });
  const words = (...args: string[]): string[] => [
    ...['doctor', '--config', join(home, 'rack.yaml'), '--port', rack.link, ...args],
  ];
  const doctor = (...args: string[]): ReturnType<typeof rackui> => rackui(words(...args), { env: env() });

  test('opens the port itself where no server runs, asks a server where one does, and finds nothing wrong with either', async () => {
    const alone = await doctor();
    expect(alone.stderr).toBe('');
    expect(alone.stdout).toMatch(/^0 failures, 0 warnings/m);
    expect(alone.stdout).toMatch(/4 BMCs answer/);
    expect(alone.stdout).toMatch(/^ {2}echo +bare$/m);
    expect(alone.code).toBe(0);
    const { code } = await rackui(['--config', join(home, 'rack.yaml'), '--port', rack.link, 'status'], { env: env() });
    expect(code).toBe(0);
    const asked = await doctor('--json');
    await rackui(['--port', rack.link, 'server', 'stop'], { env: env() });
    const [told] = jsonLines(asked) as unknown as [{ verdict: string; checks: Check[]; profile: { echo: string } }];
    expect(troubles(told.checks)).toEqual([]);
    expect(told).toMatchObject({ verdict: 'ok', profile: { echo: 'bare' } });
    expect(told.checks.find(({ id }) => id === 'holder')?.seen).toMatch(/rackui server \(pid \d+\) has it/);
  });

  test('names the program that has the port, and does not touch the bus', async () => {
    const other = openSync(rack.link, 'r+');
    expect(other).toBeGreaterThan(0);
    // The other program is this process.
    const ran = await rackuiProcess(words(), { env: env() });
    expect(ran.stdout).toMatch(new RegExp(`FAILURE +holder +.*pid ${process.pid}`));
    expect(ran.stdout).not.toMatch(/BMCs answer/);
    expect(ran.code).toBe(5);
  });
});
