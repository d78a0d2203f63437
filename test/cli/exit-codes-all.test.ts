/**
 * Every exit code that docs/json.md and the help name for a command, provoked: code, command line, situation; in this process
 * and in virtual time, but for a real shell and a closed pipe. The last test holds what was played against what is named.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXITS } from '../../src/cli/exit-codes.ts';
import { startCommand } from '../support/command.ts';
import { OutageStage } from '../support/outage-stage.ts';
import { shellOf } from '../support/shells.ts';
import { PROGRAM, stand, type Stand } from '../support/stand.ts';
import { eventually, type VirtualClock } from '../support/virtual-clock.ts';
import { virtualStand } from '../support/virtual-stand.ts';
import {
  configuration,
  confirmed,
  endsWith,
  hex,
  interrupted,
  ownStand,
  played,
  run,
  shows,
  split,
  virtualTime,
} from './exits.ts';
import { rackui, type Ran } from './support.ts';

/** A stand of its own: what it plays brings the whole rack down. */
async function lastStand(clock: VirtualClock, step: string): Promise<Stand> {
  const config = [
    'nodes: [{ addr: "00", name: boss, role: master }, { addr: "01", name: n1 }, { addr: "02", name: n2 }]',
    'login: { user: pi, password: { command: [echo, raspberry] } }',
    'shutdown: { settle: 0.3, request: 5, acknowledged: 4, stopping: 5, hard: 6 }',
    `plans: { shed-all: { steps: [{ name: all, action: off, selector: "n1 n2", ${step} }] } }`,
    '',
  ].join('\n');
  return virtualStand({ clock, sim: ['--time-scale', '30', '--no-loss', '--line-rate', 'unlimited'], config });
}

describe('between processes', () => {
  let place: Stand;
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rackui-exits-'));
    writeFileSync(join(folder, 'password'), 'raspberry\n', { mode: 0o600 });
    place = await stand({
      config: configuration(folder),
      sim: ['--time-scale', '30', '--no-loss', ...shellOf(folder, 'n12', 'dash')],
    });
  });
  afterAll(async () => {
    await place[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test('put and get 1: no such place, no such file', async () => {
    for (const line of [`put n12 ${join(folder, 'password')} /absent/file`, 'get n12 absent'])
      await endsWith(1, line, run(line, place));
  });

  test.each(['config schema', 'plan list', 'status --json'])(
    '141: the reader of %s went away before it was written',
    async (line) => {
      const child = spawn(process.execPath, [PROGRAM, '--socket', place.socket, ...split(line)], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      child.stdout.destroy();
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
      expect(code).toBe(141);
    },
  );
});

describe('off, cycle and plans', () => {
  const time = virtualTime();
  describe.each([
    ['off', 1],
    ['cycle', 3],
  ] as const)('%s', (verb, free) => {
    const own = ownStand(time);
    test('2: one is done, another was left on at the deadline', async () => {
      const line = `${verb} n${free} n22 --deadline 12`;
      await endsWith(2, line, confirmed(line, own.place));
    });
    test('4: left on at the deadline', async () => {
      const line = `${verb} n22 --deadline 2`;
      await endsWith(4, line, confirmed(line, own.place));
    });
    test('130: Ctrl-C leaves it running', async () => {
      const id = await interrupted(`${verb} n22`, own.place);
      expect((await run(`abort ${id}`, own.place)).code).toBe(0);
    });
    test('6: cut at its deadline', async () => {
      const addr = free + 1;
      await own.place.rack.ctl('shutdown-hangs', { node: hex(addr) });
      const line = `${verb} n${addr} --deadline 6 --on-deadline cut`;
      await endsWith(6, line, confirmed(line, own.place));
    });
  });

  describe('plans', () => {
    const own = ownStand(time);
    const idOf = ({ stdout }: Ran): string => /"id":"([^"]+)"/.exec(stdout)?.[1] ?? '';

    test('show 3: a guard would refuse', async () => {
      await endsWith(3, 'plan show guarded', run('plan show guarded', own.place));
    });

    test('run 2, resume 2 and 130: a node is left on at its deadline and the run pauses', async () => {
      const ran = await endsWith(2, 'plan run pauses', confirmed('plan run pauses --json', own.place));
      const id = idOf(ran);
      await endsWith(2, `plan resume ${id}`, run(`plan resume ${id}`, own.place));
      await interrupted(`plan resume ${id}`, own.place);
      await run(`plan abort ${id}`, own.place);
    });

    test('run 4, 130, resume 4: the run ends without the node', async () => {
      await endsWith(4, 'plan run skips', confirmed('plan run skips', own.place));
      const id = await interrupted('plan run skips', own.place);
      expect((await run(`plan pause ${id}`, own.place)).code).toBe(0);
      // It is pausing until its node has ended.
      await shows('plan list', /skips .*paused by/, own.place);
      await endsWith(4, `plan resume ${id}`, run(`plan resume ${id}`, own.place));
    });

    test('run 6: an armed run cuts a node at its deadline', async () => {
      await own.place.rack.ctl('shutdown-hangs', { node: hex(19) });
      await endsWith(6, 'plan run cuts', run('plan run cuts --armed', own.place));
    });

    test('resume 6: an armed run that was paused has cut a node at its deadline', async () => {
      await own.place.rack.ctl('shutdown-hangs', { node: hex(17) });
      const id = await interrupted('plan run later --armed', own.place);
      expect((await run(`plan pause ${id}`, own.place)).code).toBe(0);
      await shows('plan list', new RegExp(`${id}\\b.*\\bpaused`), own.place);
      await endsWith(6, `plan resume ${id}`, run(`plan resume ${id}`, own.place));
    });
  });
});

describe('an outage', () => {
  const time = virtualTime();
  describe('without mains', () => {
    test.each<[code: number, situation: string, hung: string[], step: string, withinS: number]>([
      [2, 'one is off, another was left on', ['02'], 'onFail: skip, deadline: 12', 45],
      [4, 'the time is over', ['01', '02'], 'onFail: skip', 8],
      [6, 'a node is cut at its deadline', ['02'], 'deadline: 8, onDeadline: cut', 25],
    ])('last %d: %s', async (code, _situation, hung, step, withinS) => {
      await using last = await lastStand(time.clock, step);
      for (const node of hung) await last.rack.ctl('shutdown-hangs', { node });
      const line = `outage last --within ${withinS}`;
      await endsWith(code, line, run(line, last));
    });

    test('last 130: Ctrl-C leaves it running; outage 2 and report 2: the mains have failed', async () => {
      await using last = await lastStand(time.clock, 'deadline: 60');
      for (const node of ['01', '02']) await last.rack.ctl('shutdown-hangs', { node });
      await interrupted('outage last --within 40', last);
      expect((await run('outage battery', last)).code).toBe(0);
      await endsWith(2, 'outage', run('outage', last));
      await endsWith(2, 'outage report', run('outage report', last));
    });
  });
});

describe('the others', () => {
  const time = virtualTime();
  describe('on, and an answer', () => {
    const own = ownStand(time);
    test('2: the one that was to come on did not', async () => {
      await own.place.rack.ctl('power', { node: hex(5), state: 'off' });
      await own.place.rack.ctl('on-ignored', { node: hex(5) });
      await endsWith(2, 'on n5', confirmed('on n5', own.place));
    });
    test('4 and 130: one that goes down is waited for', async () => {
      const id = await interrupted('off n23', own.place);
      await shows(`ops ${id}`, /is shutting down/, own.place);
      await run(`abort ${id}`, own.place);
      await endsWith(4, 'on n23 --deadline 2', confirmed('on n23 --deadline 2', own.place));
      const waits = await interrupted('on n23', own.place);
      await run(`abort ${waits}`, own.place);
    });
    test('answer 3: the wrong words', async () => {
      await own.place.rack.ctl('inhibited', { node: hex(11) });
      const begun = await run("off n11 --confirm 'n11' --detach --json", own.place);
      const id = /"id":"([^"]+)"/.exec(begun.stdout)?.[1] ?? '';
      await shows(`ops ${id}`, /answer: rackui answer/, own.place);
      const line = `answer ${id} force --confirm other`;
      await endsWith(3, line, run(line, own.place));
      await run(`abort ${id}`, own.place);
    });
  });

  describe('in a shell', () => {
    const own = ownStand(time);
    beforeAll(() => own.place.rack.ctl('hostname', { node: hex(9), name: 'elsewhere' }).then(() => undefined));

    test('run 1: the command fails; 2: on some nodes; 4: it does not end; 5: no shell is reached', async () => {
      for (const [code, line] of [
        [1, 'run n11 -- false'],
        [2, 'run n11 n9 -- true'],
        [4, "run --timeout 1 n11 -- 'sleep 6000'"],
        [5, 'run n9 -- true'],
      ] as const)
        await endsWith(code, line, run(line, own.place));
    });
    test('put and get 3: the master; 5: no shell is reached', async () => {
      for (const [code, line] of [
        // The master, which has no console: the server refuses, not the node.
        [3, `put boss ${join(own.folder, 'password')}`],
        [3, 'get boss file'],
        [5, `put n9 ${join(own.folder, 'password')}`],
        [5, 'get n9 file'],
      ] as const)
        await endsWith(code, line, run(line, own.place));
    });
    test('sysrq 1: the node does not take it; 3: it would cut; 5: no shell is reached', async () => {
      for (const [code, line] of [
        [1, 'sysrq n11 w'],
        [3, 'sysrq n11 b'],
        [3, 'sysrq n11 u --confirm n10'],
        [5, 'sysrq n9 w'],
      ] as const)
        await endsWith(code, line, run(line, own.place));
      expect((await run('sysrq n11 u', own.place)).stderr).toContain(
        'remounts all file systems read-only and cannot be confirmed',
      );
    });
  });

  describe('looking', () => {
    const own = ownStand(time);

    describe('a session that may only look is refused: 3', () => {
      test.each([
        'log n1',
        'alarms --ack all',
        'discover',
        "bus --raw '#' n1",
        'on n1',
        "off n1 --confirm 'n1'",
        "cycle n1 --confirm 'n1'",
        'abort none',
        "plan run pauses --confirm 'pauses 1'",
        'plan resume none',
        'plan pause none',
        'plan abort none',
        'plan skip none n1',
        'outage battery',
        'outage mains',
        'outage last --within 20',
        'outage drill --nodes n1',
        'server reload',
        'server stop',
        'console n1',
      ])('%s', async (line) => {
        await endsWith(3, line, run(line, { socket: own.place.viewSocket }));
      });
    });
    test('console 4: nothing of what is expected comes', async () => {
      const line = "console n7 --expect 'never said' --timeout 1";
      await endsWith(4, line, run(line, own.place));
    });
    test('console 3: another session has the keyboard', async () => {
      const holding = startCommand([
        ...['--socket', own.place.socket, 'console', 'n7', '--expect', 'never', '--timeout', '60'],
      ]);
      const client = await own.place.client();
      const holder = async (): Promise<unknown> =>
        (await client.request('sweep', { addrs: [], interrupt: false })).console?.holder ?? null;
      await eventually(async () => expect(await holder()).not.toBeNull());
      client.close();
      const line = "console n7 --send 'x' --timeout 2";
      await endsWith(3, line, run(line, own.place));
      for (const refused of ['run n7 -- true', `put n7 ${join(own.folder, 'password')}`, 'get n7 file'])
        await endsWith(3, refused, run(refused, own.place));
      holding.signal('SIGTERM');
      expect((await holding.ended).code).not.toBe(0);
    });
    test('console 5: the node does not answer', async () => {
      await own.place.rack.ctl('silent', { node: hex(10) });
      const line = 'console n10 --send x --timeout 2';
      await endsWith(5, line, run(line, own.place));
      await own.place.rack.ctl('silent', { node: hex(10), on: false });
    });
    test('verify 2: no host name is seen; 3: another machine', async () => {
      await own.place.rack.ctl('console-dead', { node: hex(8) });
      await own.place.rack.ctl('hostname', { node: hex(9), name: 'elsewhere' });
      await endsWith(2, 'verify n8', run('verify n8', own.place));
      await endsWith(3, 'verify n9', run('verify n9', own.place));
    });
    test('discover 3: the file exists', async () => {
      const line = `discover --write ${join(own.place.folder, 'rack.yaml')}`;
      expect(existsSync(join(own.place.folder, 'rack.yaml'))).toBe(true);
      await endsWith(3, line, run(line, own.place));
    });
    test.each(['config export', 'config import'])('%s 3: the file exists', async (command) => {
      const sheet = join(own.folder, 'sheet.csv');
      writeFileSync(sheet, 'BMC id,name\n01,n1\n');
      const file = join(own.place.folder, 'rack.yaml');
      const line = `${command}${command === 'config import' ? ` ${sheet}` : ''} --config ${file} --write ${file}`;
      await endsWith(3, line, run(line, own.place));
    });
    test('calibrate 3: the readings give none', async () => {
      const ran = rackui(['--socket', own.place.socket, 'calibrate', 'n10'], { input: 'much\n' });
      await endsWith(3, 'calibrate n10', ran);
    });
    test('doctor 5: a check failed', async () => {
      const line = `doctor --root ${own.folder}`;
      await endsWith(5, line, run(line, own.place));
    });
    test('setup 3: no Raspberry Pi; 2: something is left to do', async () => {
      const line = `setup --dry-run --root ${own.folder}`;
      await endsWith(3, line, run(line, own.place));
      mkdirSync(join(own.folder, 'proc/device-tree'), { recursive: true });
      writeFileSync(join(own.folder, 'proc/device-tree/model'), 'Raspberry Pi 4 Model B Rev 1.4');
      mkdirSync(join(own.folder, 'boot'));
      writeFileSync(join(own.folder, 'boot/config.txt'), 'enable_uart=1\nkernel=u-boot.bin\n');
      await endsWith(2, line, run(`--port /dev/ttyS0 ${line}`, own.place));
    });
    test('server reload 2: what only a new server can do', async () => {
      writeFileSync(join(own.place.folder, 'rack.yaml'), configuration(own.folder, 'port: /dev/another'));
      await endsWith(2, 'server reload', run('server reload', own.place));
      writeFileSync(join(own.place.folder, 'rack.yaml'), configuration(own.folder));
    });
    test.each(['status', 'alarms', 'events', 'ops', 'plan list', 'plan show both', 'verify exits:n12'])(
      '%s 2: of several racks one is not reached',
      async (line) => {
        const list = join(own.folder, 'racks.yaml');
        writeFileSync(join(own.folder, 'exits.yaml'), configuration(own.folder, `port: ${own.place.rack.link}`));
        const plans = 'plans: { both: { steps: [{ name: a, plans: [exits/skips, gone/any] }] } }\n';
        const racks = 'racks: [exits.yaml, { name: gone, ssh: nobody@127.0.0.1, port: 1 }]\n';
        writeFileSync(list, racks + plans, { mode: 0o600 });
        const words = line === 'verify exits:n12' ? `${line} gone:all` : line;
        const env = { RACKUI_CONFIG: list, RACKUI_SOCKET: undefined, RUNTIME_DIRECTORY: own.place.folder };
        await endsWith(2, line, rackui(split(words), { env }));
      },
    );
  });
});

test('drill 2: a node does not come back', async () => {
  await using stage = await OutageStage.set({ virtual: true });
  await stage.rack.ctl('on-ignored', { node: '01' });
  const line = 'outage drill --nodes dev1';
  await endsWith(2, line, run(line, stage));
});

test('every exit code that is named was provoked', () => {
  const named = Object.entries(EXITS).flatMap(([command, codes]) =>
    Object.keys(codes).map((code) => `${command} ${code}`),
  );
  expect(named.filter((one) => !played.has(one))).toEqual([]);
});
