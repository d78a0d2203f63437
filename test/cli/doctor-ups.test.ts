/** doctor --ups, finding by finding: what is wrong is said with what to do, and what is in order is no trouble. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { OutageView, UpsReading } from '../../src/api/outage.ts';
import { type Check, Machine } from '../../src/cli/doctor/machine.ts';
import { upsSoftwareChecks } from '../../src/cli/doctor/ups-software.ts';
import {
  BARE_PATH,
  planFitChecks,
  type RunResult,
  userRunner,
  upsdChecks,
  userChecks,
} from '../../src/cli/doctor/ups.ts';
import { NOW } from '../screens/scene.ts';
import { outageView, upsReading } from '../screens/supplies.ts';
import { freePort } from '../support/nut.ts';
import { IS_ROOT } from '../support/other-user.ts';
import { PROGRAM, stand, type Stand } from '../support/stand.ts';
import { machine, removeFolders } from './doctor-machine.ts';

afterEach(removeFolders);

/** `failure id: seen → todo`, of what is not in order. */
const troubles = (checks: readonly Check[]): string[] =>
  checks
    .filter(({ verdict }) => verdict !== 'ok')
    .map(({ id, verdict, seen, todo }) => `${verdict} ${id}: ${seen} → ${todo ?? ''}`);

describe('UPSes', () => {
  const asked = { name: 'apc', host: '127.0.0.1', port: 3493 };
  const silent = (why: string): UpsReading => upsReading({ state: 'unknown', why, charge: null, runtimeS: null });
  const one = (reading: UpsReading | null, user?: string): Check[] =>
    upsdChecks([{ ...asked, user }], reading === null ? [] : [reading], NOW);
  test.each<[what: string, checks: Check[], says: RegExp[]]>([
    ['one that answers', one(upsReading()), []],
    ['one that counts this machine', one(upsReading(), 'monitor'), []],
    ['none configured', upsdChecks([], [], NOW), [/^warning upsd: no UPS is configured.*→ add `ups:/]],
    [
      'one that the server does not ask',
      one(null),
      [/^failure upsd: UPS apc at 127\.0\.0\.1:3493: the server does not query/],
    ],
    [
      'nobody at the port',
      one(silent('no connection to upsd at 127.0.0.1:3493: connect ECONNREFUSED')),
      [/^failure upsd: .*ECONNREFUSED → start upsd there .*LISTEN 127\.0\.0\.1 3493/],
    ],
    ['another name', one(silent('upsd answers UNKNOWN-UPS')), [/→ name it as upsd does: upsc -l 127\.0\.0\.1:3493$/]],
    ['a lost driver', one(silent('upsd answers DATA-STALE')), [/→ its driver has lost it: upsdrvctl start apc/]],
    ['no TLS', one(silent('upsd refuses TLS: ERR FEATURE-NOT-CONFIGURED')), [/→ upsd.conf needs CERTFILE/]],
    [
      'a wrong password',
      one(upsReading({ unregistered: 'upsd answers ACCESS-DENIED' }), 'monitor'),
      [/^failure upsd-login: .*ACCESS-DENIED → give \/etc\/nut\/upsd.users a section \[monitor\]/],
    ],
    ['an old battery', one(upsReading({ replaceBattery: true })), [/^warning upsd: .* → replace its battery$/]],
  ])('%s', (_what, checks, says) => {
    expect(troubles(checks)).toEqual(says.map((line) => expect.stringMatching(line) as string));
  });
});

describe('plans against the battery', () => {
  const view = (lengthMs: number | null, batteryS: number | null, over: Partial<OutageView> = {}): OutageView =>
    outageView(upsReading(), {
      batteryS,
      last: {
        ...{ plan: 'shed-all', lengthMs },
        fits: lengthMs === null || batteryS === null ? null : lengthMs <= batteryS * 1000,
      },
      ...over,
    });
  test.each<[what: string, view: OutageView, says: RegExp[]]>([
    ['one that fits', view(250_000, 900), []],
    [
      'one that does not',
      view(900_000, 250),
      [/^failure plan-fits: .*takes 15:00, the battery lasts 4:10: nodes that .* lose power → shed earlier/],
    ],
    ['a UPS that says no runtime', view(250_000, null), [/^warning plan-fits: .*an unknown time → .*outage\.runtime/]],
    ['no last plan', view(null, 900, { last: null }), [/^failure plan-fits: .*no last plan → set outage\.last/]],
    [
      'a step that nobody can carry out',
      view(1000, 900, { problems: ['plan shed-all: step x: no login'] }),
      [/^warning plan-works: .*no login/],
    ],
  ])('%s', (_what, one, says) => {
    expect(troubles(planFitChecks([one]))).toEqual(says.map((line) => expect.stringMatching(line) as string));
  });
});

describe('UPS software', () => {
  const SCRIPT = '#!/bin/sh\nrackui=${RACKUI:-rackui}\n"$rackui" outage last --within "$1"\n';
  const SHUTDOWN = 'SHUTDOWNCMD "/usr/local/sbin/rackui-shutdown 240 systemctl poweroff"\n';
  const APC = {
    '/etc/apcupsd/apcupsd.conf': 'UPSTYPE usb\n',
    '/etc/apcupsd/onbattery': '#!/bin/sh\ntimeout 30 "${RACKUI:-rackui}" outage battery --json\n',
    '/etc/apcupsd/offbattery': '#!/bin/sh\ntimeout 30 "${RACKUI:-rackui}" outage mains --json\n',
    '/etc/apcupsd/doshutdown': '#!/bin/sh\nRACKUI=/opt/r/rackui\n"$RACKUI" outage last --within 200\n',
  };
  /** `executable`: paths with the bits of programs. */
  function look(
    files: Record<string, string>,
    { asks = true, lastMs = 120_000, executable = Object.keys(files) } = {},
  ) {
    const place = machine(files);
    for (const path of executable) chmodSync(join(place.root, path), 0o755);
    return upsSoftwareChecks(place, asks, lastMs);
  }
  const upsmon = (conf: string, more: Record<string, string> = {}): Record<string, string> => ({
    '/etc/nut/upsmon.conf': conf,
    '/usr/local/sbin/rackui-shutdown': SCRIPT,
    ...more,
  });
  const plain = { executable: [] as string[] };

  test.each<[what: string, found: ReturnType<typeof look>, says: RegExp[]]>([
    ['upsmon as docs/ups has it', look(upsmon(`# a comment\nRUN_AS_USER nut\n${SHUTDOWN}`)), []],
    ['the program itself', look(upsmon('SHUTDOWNCMD "/usr/bin/rackui outage last --within 200"\n')), []],
    ['nothing installed', look({}), [/^failure ups-software: neither .*upsmon\.conf nor .*→ install NUT/]],
    [
      'no SHUTDOWNCMD',
      look(upsmon('MONITOR apc@localhost 1 a b primary\n')),
      [/^failure shutdowncmd: .*not set.*→ put into .*rackui-shutdown/],
    ],
    [
      'another SHUTDOWNCMD',
      look(upsmon('SHUTDOWNCMD "/sbin/shutdown -h +0"\n')),
      [/^failure shutdowncmd: .*"\/sbin\/shutdown -h \+0": this machine shuts down without the rack/],
    ],
    ['one in a comment', look(upsmon(`#${SHUTDOWN}`)), [/^failure shutdowncmd: .*not set/]],
    ['the last one counts', look(upsmon(`${SHUTDOWN}SHUTDOWNCMD "/sbin/halt"\n`)), [/"\/sbin\/halt"/]],
    [
      'a script that is not there',
      look({ '/etc/nut/upsmon.conf': SHUTDOWN }),
      [/rackui-shutdown does not exist → sudo install -m 755 docs\/ups\/rackui-shutdown/],
    ],
    [
      'a script that is not executable',
      look(upsmon(SHUTDOWN), plain),
      [/is not executable → sudo chmod 755 \/usr\/local\/sbin\/rackui-shutdown/],
    ],
    [
      'no seconds',
      look(upsmon('SHUTDOWNCMD "/usr/local/sbin/rackui-shutdown systemctl poweroff"\n')),
      [/^failure shutdowncmd: .*the runtime of the battery/],
    ],
    [
      'no command after the seconds',
      look(upsmon('SHUTDOWNCMD "/usr/local/sbin/rackui-shutdown 60"\n')),
      [/^failure shutdowncmd: .*no command after the seconds shuts this machine down/],
    ],
    [
      'fewer seconds than the plan takes',
      look(upsmon(SHUTDOWN), { lastMs: 300_000 }),
      [/^warning shutdowncmd: .*gives the rack 240 s, but the last plan takes 300 s/],
    ],
    [
      'upssched beside a server that asks itself',
      look(
        upsmon(`${SHUTDOWN}NOTIFYCMD /sbin/upssched\n`, {
          '/etc/nut/upssched.conf': 'CMDSCRIPT /usr/local/sbin/rackui-upssched\n',
          '/usr/local/sbin/rackui-upssched': SCRIPT,
        }),
      ),
      [
        /^warning notifycmd: CMDSCRIPT in \/etc\/nut\/upssched\.conf reports to the server, which queries the UPS itself/,
      ],
    ],
    ["somebody else's NOTIFYCMD", look(upsmon(`${SHUTDOWN}NOTIFYCMD /usr/local/bin/mail-me\n`)), []],
    [
      'nobody tells a server that asks no UPS',
      look(upsmon(SHUTDOWN), { asks: false }),
      [
        /^failure notifycmd: the configuration has no 'ups:', and NOTIFYCMD .* is not set: no program reports to the server/,
      ],
    ],
    ['apcupsd as docs/ups has it', look(APC, { asks: false }), []],
    [
      'apcupsd beside a server that asks itself',
      look(APC),
      [/^warning apcupsd: .*onbattery reports/, /^warning apcupsd: .*offbattery reports/],
    ],
    [
      'an apcupsd script that is not there',
      look({ '/etc/apcupsd/apcupsd.conf': '' }),
      [/^failure apcupsd: \/etc\/apcupsd\/doshutdown does not exist: .*→ sudo install/],
    ],
    [
      'an apcupsd script of the package',
      look({ ...APC, '/etc/apcupsd/doshutdown': '#!/bin/sh\n# outage last\nwall down\n' }, { asks: false }),
      [/^failure apcupsd: .*doshutdown does not run 'rackui outage last'/],
    ],
    [
      'apcupsd scripts that are not executable',
      look(APC, { asks: false, ...plain }),
      [/onbattery is not executable/, /offbattery is not/, /doshutdown is not/],
    ],
  ])('%s', (_what, { checks }, says) => {
    expect(troubles(checks)).toEqual(says.map((line) => expect.stringMatching(line) as string));
  });

  test('who runs which program follows from the files', () => {
    expect(look(APC, { asks: false }).programs).toEqual([
      { where: '/etc/apcupsd/onbattery', user: 'root', rackui: 'rackui' },
      { where: '/etc/apcupsd/offbattery', user: 'root', rackui: 'rackui' },
      { where: '/etc/apcupsd/doshutdown', user: 'root', rackui: '/opt/r/rackui' },
    ]);
    const env =
      'SHUTDOWNCMD "/usr/bin/env RACKUI=/opt/x/rackui /usr/local/sbin/rackui-shutdown 90 systemctl poweroff"\n';
    expect(look(upsmon(env)).programs).toEqual([
      { where: 'SHUTDOWNCMD in /etc/nut/upsmon.conf', user: 'root', rackui: '/opt/x/rackui' },
    ]);
    const sched = upsmon(`${SHUTDOWN}RUN_AS_USER ups\nNOTIFYCMD /sbin/upssched\n`, {
      '/etc/nut/upssched.conf': 'CMDSCRIPT /usr/local/sbin/rackui-upssched\n',
      '/usr/local/sbin/rackui-upssched': SCRIPT,
    });
    expect(look(sched, { asks: false }).programs.map(({ user }) => user)).toEqual(['root', 'ups']);
  });
});

describe('the users that run it', () => {
  const server = { pid: 41, user: 'rackui', port: '/dev/serial0', config: '/home/ann/rack.yaml' };
  const done = (stdout: string): RunResult => ({ code: 0, stdout, stderr: '' });
  const failed = (code: number | null, stderr: string): RunResult => ({ code, stdout: '', stderr });
  const status = (pid: number): RunResult => done(JSON.stringify({ pid, user: 'rackui', port: '/dev/serial0' }));
  const checks = (answers: (RunResult | null)[], to: typeof server | null = server): Check[] => {
    const left = [...answers];
    const runAsUser = (): RunResult | null => left.shift() ?? null;
    const program = { where: 'SHUTDOWNCMD in /etc/nut/upsmon.conf', user: 'root', rackui: 'rackui' };
    return userChecks([program], [], to, { runAsUser, own: '/opt/rackui/bin/rackui' });
  };
  const there = done('/usr/bin/rackui\n');
  test.each<[what: string, checks: Check[], says: RegExp[]]>([
    ['finds and reaches it', checks([there, status(41)]), []],
    [
      'may not be played',
      checks([null]),
      [/^warning ups-user: .*only root or root can check.* → sudo rackui doctor --ups$/],
    ],
    [
      'does not find rackui',
      checks([failed(1, '')]),
      [
        /^failure ups-user: user root \(SHUTDOWNCMD.*: rackui is not found in the PATH of a service .*→ sudo ln -s \/opt\/rackui\/bin\/rackui \/usr\/local\/bin\/rackui, or RACKUI=/,
      ],
    ],
    ['gets no answer', checks([there, failed(null, '')]), [/does not answer within 20 s/]],
    [
      'looks at another port',
      checks([there, failed(5, 'rackui: no rackui server answers at /run/rackui/x.sock')]),
      [
        /connects to no server: no rackui server .* → .*looks in \/etc\/rackui\/rack\.yaml.*has read \/home\/ann\/rack\.yaml/,
      ],
    ],
    [
      'may not join',
      checks([there, failed(5, 'rackui: … and this program cannot connect to it: …')]),
      [/→ let root control: `server: \{ group: GROUP \}`/],
    ],
    ['has no server to reach', checks([there, failed(5, 'rackui: none')], null), [/→ run the server as a service/]],
    [
      'reaches another',
      checks([there, status(77)]),
      [/connects to another server \(pid 77, .* than this one \(pid 41/],
    ],
  ])('one that %s', (_what, found, says) => {
    expect(troubles(found)).toEqual(says.map((line) => expect.stringMatching(line) as string));
  });

  test('one whose programs are none of ours is a warning at most', () => {
    const runAsUser = (): RunResult => failed(1, '');
    const found = userChecks([], ['nut'], server, { runAsUser, own: '/x' });
    expect(found.map(({ verdict }) => verdict)).toEqual(['warning']);
  });
});

describe('for real: a server, a UPS, this machine', () => {
  let place: Stand;
  let folder: string;
  beforeAll(async () => {
    const port = await freePort();
    place = await stand({
      sim: ['--upsd', String(port), '--battery', '500', '--no-loss'],
      config: `name: r\nnodes: [{ addr: "00", name: boss, role: master }, { addr: "01", name: one }]\nups: [{ name: rack, port: ${port}, poll: 0.2 }]\nplans: { shed-all: { steps: [{ name: a, action: off, selector: one }] } }\n`,
    });
    const client = await place.client();
    await client.request('sweep', { addrs: null, interrupt: false });
    while ((await client.request('outage.status', {})).policies[0]?.supply.state !== 'mains')
      await new Promise((resolve) => setTimeout(resolve, 50));
    folder = mkdtempSync(join(tmpdir(), 'rackui-doctor-ups-'));
  });
  afterAll(async () => {
    await place[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  function doctor(...more: string[]): { code: number | null; checks: Check[] } {
    mkdirSync(join(folder, 'home'), { recursive: true });
    const args = [
      PROGRAM,
      '--socket',
      place.socket,
      '--config',
      join(place.folder, 'rack.yaml'),
      'doctor',
      '--ups',
      '--json',
      ...more,
    ];
    const { status, stdout } = spawnSync(process.execPath, args, {
      ...{ encoding: 'utf8', timeout: 120_000 },
      env: { PATH: process.env['PATH'], HOME: join(folder, 'home'), XDG_STATE_HOME: folder, XDG_CONFIG_HOME: folder },
    });
    return { code: status, ...(JSON.parse(stdout) as { checks: Check[] }) };
  }

  test('tells the server, the UPS, the plan, and whether root finds the program in a bare PATH', () => {
    const { code, checks } = doctor();
    const of = (id: string): string[] =>
      checks.filter((one) => one.id === id).map(({ verdict, seen }) => `${verdict} ${seen}`);
    expect(of('server')).toEqual([
      expect.stringMatching(`^ok the server \\(pid ${place.serverPid}, user .*\\) watches port`),
    ]);
    expect(of('upsd')).toEqual([expect.stringMatching(/^ok UPS rack at 127\.0\.0\.1:\d+: mains, charge 100 %/)]);
    expect(of('plan-fits')).toEqual([
      expect.stringMatching(/^ok the whole rack: plan shed-all takes \d+:\d\d, the battery lasts/),
    ]);
    if (IS_ROOT) expect(of('ups-user').join('\n')).toMatch(/user root/);
    // No UPS software of this machine leads to this program.
    expect(code).toBe(5);
  }, 150_000);

  test.skipIf(!IS_ROOT)('root and another user are played with a bare PATH and no HOME', () => {
    const script = join(folder, 'rackui');
    const seen = join(folder, 'environment');
    const run = `exec '${process.execPath}' '${PROGRAM}' --socket '${place.socket}' "$@"`;
    writeFileSync(script, `#!/bin/sh\nenv >> '${seen}'\n${run}\n`);
    chmodSync(folder, 0o755);
    chmodSync(script, 0o755);
    writeFileSync(seen, '');
    chmodSync(seen, 0o666);
    const server = { pid: place.serverPid, user: 'root', port: '/dev/x', config: null };
    const runAsUser = userRunner(new Machine());
    const found = (user: string, rackui: string): Check[] =>
      userChecks([{ where: '', user, rackui }], [], server, { runAsUser, own: PROGRAM });
    expect(found('root', script)).toEqual([
      expect.objectContaining({ verdict: 'ok', seen: expect.stringContaining(`(pid ${place.serverPid}`) as string }),
    ]);
    // Its socket is its owner's alone.
    expect(troubles(found('nobody', script))).toEqual([
      expect.stringMatching(/^failure ups-user: user nobody .*server/),
    ]);
    expect(troubles(found('root', PROGRAM))).toEqual([
      expect.stringMatching(/user root connects to no server: .*→ .*etc\/rackui\/rack\.yaml/),
    ]);
    const environment = readFileSync(seen, 'utf8');
    expect(environment).toContain(`PATH=${BARE_PATH}\n`);
    expect(environment).not.toContain('HOME=');
  });

  test('a copy of a machine is read, and nothing is asked or played', () => {
    const root = join(folder, 'copy');
    mkdirSync(join(root, 'etc/nut'), { recursive: true });
    writeFileSync(join(root, 'etc/nut/upsmon.conf'), 'SHUTDOWNCMD "/sbin/halt"\n');
    const { code, checks } = doctor('--root', root);
    expect(code).toBe(5);
    expect(checks.map(({ id, verdict }) => `${verdict} ${id}`)).toEqual(['failure shutdowncmd', 'failure notifycmd']);
  });
});
