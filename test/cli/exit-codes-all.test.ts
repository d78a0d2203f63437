/**
 * Every exit code that docs/json.md and the help name for a command, provoked with the real program: code, command line,
 * situation. The last test holds what was played against what is named.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXITS } from '../../src/cli/exit-codes.ts';
import { missingNut } from '../support/nut.ts';
import { OutageStage } from '../support/outage-stage.ts';
import { shellOf } from '../support/shells.ts';
import { PROGRAM, stand, type Stand } from '../support/stand.ts';
import { rackui, type Ran } from './support.ts';

const played = new Set<string>();
let place: Stand;
let folder: string;

/** n1 to n23; n20 to n23 never come to the end of a shutdown. */
const NODES = Array.from({ length: 23 }, (_, index) => index + 1);
const HUNG = [20, 21, 22, 23];
const hex = (addr: number): string => addr.toString(16).padStart(2, '0');

function configuration(more = ''): string {
  const step = (name: string, nodes: string, rest = ''): string =>
    `{ name: ${name}, action: off, selector: "${nodes}", deadline: 3${rest} }`;
  return [
    'name: exits',
    'poll: { interval: 1 }',
    'nodes:',
    '  - { addr: "00", name: boss, role: master }',
    ...NODES.map((addr) => `  - { addr: "${hex(addr)}", name: n${addr}${addr === 16 ? ', protected: true' : ''} }`),
    `login: { user: pi, password: { file: ${join(folder, 'password')} } }`,
    'shutdown: { settle: 0.3, request: 5, acknowledged: 4, stopping: 5, hard: 6 }',
    'boot: { proof: status }',
    'plans:',
    `  pauses: { steps: [${step('a', 'n20')}] }`,
    `  skips: { steps: [${step('a', 'n21', ', onFail: skip')}] }`,
    `  cuts: { steps: [${step('a', 'n19', ', onDeadline: cut')}] }`,
    `  later: { steps: [${step('a', 'n17', ', onDeadline: cut')}, { name: b, action: off, selector: n18 }] }`,
    `  guarded: { steps: [${step('a', 'n16')}] }`,
    more,
    '',
  ].join('\n');
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-exits-'));
  writeFileSync(join(folder, 'password'), 'raspberry\n', { mode: 0o600 });
  place = await stand({
    config: configuration(),
    sim: ['--time-scale', '30', '--no-loss', ...shellOf(folder, 'n12', 'dash')],
  });
  for (const addr of HUNG) await place.rack.ctl('shutdown-hangs', { node: hex(addr) });
}, 60_000);
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** The command of a command line: `plan run`. */
function commandOf(line: readonly string[]): string {
  const two = line.slice(0, 2).join(' ');
  return two in EXITS ? two : (line[0] ?? '');
}

const split = (line: string): string[] =>
  (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, '$1'));

async function run(line: string, socket = place.socket): Promise<Ran> {
  return rackui(['--socket', socket, ...split(line)], { env: { RACKUI_CONFIG: undefined } });
}

/** Runs it with the words that confirm it, as its own refusal names them. */
async function confirmed(line: string): Promise<Ran> {
  const asked = await run(line);
  const words = /--confirm '([^']+)'/.exec(asked.stderr)?.[1];
  return words === undefined ? asked : run(`${line} --confirm '${words}'`);
}

async function endsWith(code: number, line: string, ran: Promise<Ran>): Promise<Ran> {
  const { code: got, stdout, stderr } = await ran;
  expect(got, `${line}\n${stdout}\n${stderr}`).toBe(code);
  played.add(`${commandOf(split(line))} ${code}`);
  return { code: got, stdout, stderr };
}

/** Ctrl-C once it has said something on its standard output. */
async function interrupted(line: string, socket = place.socket): Promise<string> {
  const asks = /^(?:off|cycle|plan run)/.test(line) && !line.includes('--armed');
  const words = asks ? /--confirm '([^']+)'/.exec((await run(line, socket)).stderr)?.[1] : undefined;
  const args = [...split(line), ...(words === undefined ? [] : ['--confirm', words])];
  const child = spawn(process.execPath, [PROGRAM, '--socket', socket, ...args, '--json']);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await expect.poll(() => said, { timeout: 30_000 }).toMatch(/"id":/);
  child.kill('SIGINT');
  expect(await ended, said).toBe(130);
  played.add(`${commandOf(split(line))} 130`);
  return /"id":"([^"]+)"/.exec(said)?.[1] ?? '';
}

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
    await endsWith(3, line, run(line, place.viewSocket));
  });
});

describe.each([
  ['off', 1],
  ['cycle', 3],
] as const)('%s', (verb, free) => {
  test('2: one is done, another was left on at the deadline', async () => {
    const line = `${verb} n${free} n22 --deadline 12`;
    await endsWith(2, line, confirmed(line));
  });
  test('4: left on at the deadline', async () => {
    const line = `${verb} n22 --deadline 2`;
    await endsWith(4, line, confirmed(line));
  });
  test('130: Ctrl-C leaves it running', async () => {
    const id = await interrupted(`${verb} n22`);
    expect((await run(`abort ${id}`)).code).toBe(0);
  });
  test('6: cut at its deadline', async () => {
    const addr = free + 1;
    await place.rack.ctl('shutdown-hangs', { node: hex(addr) });
    const line = `${verb} n${addr} --deadline 6 --on-deadline cut`;
    await endsWith(6, line, confirmed(line));
  });
});

describe('on', () => {
  test('2: the one that was to come on did not', async () => {
    await place.rack.ctl('power', { node: hex(5), state: 'off' });
    await place.rack.ctl('on-ignored', { node: hex(5) });
    await endsWith(2, 'on n5', confirmed('on n5'));
  });
  test('4 and 130: one that goes down is waited for', async () => {
    const id = await interrupted('off n23');
    await expect.poll(async () => (await run(`ops ${id}`)).stdout, { timeout: 20_000 }).toMatch(/is shutting down/);
    await run(`abort ${id}`);
    await endsWith(4, 'on n23 --deadline 2', confirmed('on n23 --deadline 2'));
    const waits = await interrupted('on n23');
    await run(`abort ${waits}`);
  });
});

describe('plans', () => {
  const idOf = ({ stdout }: Ran): string => /"id":"([^"]+)"/.exec(stdout)?.[1] ?? '';

  test('show 3: a guard would refuse', async () => {
    await endsWith(3, 'plan show guarded', run('plan show guarded'));
  });

  test('run 2, resume 2 and 130: a node is left on at its deadline and the run pauses', async () => {
    const ran = await endsWith(2, 'plan run pauses', confirmed('plan run pauses --json'));
    const id = idOf(ran);
    await endsWith(2, `plan resume ${id}`, run(`plan resume ${id}`));
    await interrupted(`plan resume ${id}`);
    await run(`plan abort ${id}`);
  });

  test('run 4, 130, resume 4: the run ends without the node', async () => {
    await endsWith(4, 'plan run skips', confirmed('plan run skips'));
    const id = await interrupted('plan run skips');
    expect((await run(`plan pause ${id}`)).code).toBe(0);
    await expect.poll(async () => (await run('plan list')).stdout, { timeout: 30_000 }).toMatch(/skips .*paused/);
    await endsWith(4, `plan resume ${id}`, run(`plan resume ${id}`));
  });

  test('run 6: an armed run cuts a node at its deadline', async () => {
    await place.rack.ctl('shutdown-hangs', { node: hex(19) });
    await endsWith(6, 'plan run cuts', run('plan run cuts --armed'));
  });

  test('resume 6: an armed run that was paused has cut a node at its deadline', async () => {
    await place.rack.ctl('shutdown-hangs', { node: hex(17) });
    const id = await interrupted('plan run later --armed');
    expect((await run(`plan pause ${id}`)).code).toBe(0);
    await expect
      .poll(async () => (await run('plan list')).stdout, { timeout: 60_000, interval: 500 })
      .toMatch(new RegExp(`${id}\\b.*\\bpaused`));
    await endsWith(6, `plan resume ${id}`, run(`plan resume ${id}`));
  });
});

test('answer 3: the wrong words', async () => {
  await place.rack.ctl('inhibited', { node: hex(11) });
  const begun = await run("off n11 --confirm 'n11' --detach --json");
  const id = /"id":"([^"]+)"/.exec(begun.stdout)?.[1] ?? '';
  await expect.poll(async () => (await run(`ops ${id}`)).stdout, { timeout: 30_000 }).toMatch(/answer: rackui answer/);
  const line = `answer ${id} force --confirm other`;
  await endsWith(3, line, run(line));
  await run(`abort ${id}`);
});

describe('looking', () => {
  test('console 4: nothing of what is expected comes', async () => {
    const line = "console n7 --expect 'never said' --timeout 1";
    await endsWith(4, line, run(line));
  });
  test('console 3: another session has the keyboard', async () => {
    const child = spawn(process.execPath, [
      ...[PROGRAM, '--socket', place.socket, 'console', 'n7', '--expect', 'never', '--timeout', '60'],
    ]);
    const ended = new Promise((resolve) => child.once('close', resolve));
    try {
      const holder = async (): Promise<unknown> => {
        const status = JSON.parse((await run('status --json')).stdout) as { console: { holder: string } | null };
        return status.console?.holder ?? null;
      };
      await expect.poll(holder, { timeout: 40_000, interval: 300 }).not.toBe(null);
      const line = "console n7 --send 'x' --timeout 2";
      await endsWith(3, line, run(line));
      for (const refused of ['run n7 -- true', `put n7 ${join(folder, 'password')}`, 'get n7 file'])
        await endsWith(3, refused, run(refused));
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
  });
  test('console 5: the node does not answer', async () => {
    await place.rack.ctl('silent', { node: hex(10) });
    const line = 'console n10 --send x --timeout 2';
    await endsWith(5, line, run(line));
    await place.rack.ctl('silent', { node: hex(10), on: false });
  });
  test('verify 2: no host name is seen; 3: another machine', async () => {
    await place.rack.ctl('console-dead', { node: hex(8) });
    await place.rack.ctl('hostname', { node: hex(9), name: 'elsewhere' });
    await endsWith(2, 'verify n8', run('verify n8'));
    await endsWith(3, 'verify n9', run('verify n9'));
  });
  test('run 1: the command fails; 2: on some nodes; 4: it does not end; 5: no shell is reached', async () => {
    for (const [code, line] of [
      [1, 'run n11 -- false'],
      [2, 'run n11 n9 -- true'],
      [4, "run --timeout 1 n11 -- 'sleep 6000'"],
      [5, 'run n9 -- true'],
    ] as const)
      await endsWith(code, line, run(line));
  }, 120_000);
  test('put and get 1: no such place, no such file; 3: the master; 5: no shell is reached', async () => {
    for (const [code, line] of [
      [1, `put n12 ${join(folder, 'password')} /absent/file`],
      [1, 'get n12 absent'],
      // The master, which has no console: the server refuses, not the node.
      [3, `put boss ${join(folder, 'password')}`],
      [3, 'get boss file'],
      [5, `put n9 ${join(folder, 'password')}`],
      [5, 'get n9 file'],
    ] as const)
      await endsWith(code, line, run(line));
  }, 240_000);
  test('sysrq 1: the node does not take it; 3: it would cut; 5: no shell is reached', async () => {
    for (const [code, line] of [
      [1, 'sysrq n11 w'],
      [3, 'sysrq n11 b'],
      [3, 'sysrq n11 u --confirm n10'],
      [5, 'sysrq n9 w'],
    ] as const)
      await endsWith(code, line, run(line));
    expect((await run('sysrq n11 u')).stderr).toContain('remounts all file systems read-only and cannot be confirmed');
  }, 120_000);
  test('discover 3: the file exists', async () => {
    const line = `discover --write ${join(place.folder, 'rack.yaml')}`;
    expect(existsSync(join(place.folder, 'rack.yaml'))).toBe(true);
    await endsWith(3, line, run(line));
  });
  test.each(['config export', 'config import'])('%s 3: the file exists', async (command) => {
    const sheet = join(folder, 'sheet.csv');
    writeFileSync(sheet, 'BMC id,name\n01,n1\n');
    const file = join(place.folder, 'rack.yaml');
    const line = `${command}${command === 'config import' ? ` ${sheet}` : ''} --config ${file} --write ${file}`;
    await endsWith(3, line, run(line));
  });
  test('calibrate 3: the readings give none', async () => {
    const ran = rackui(['--socket', place.socket, 'calibrate', 'n10'], { input: 'much\n' });
    await endsWith(3, 'calibrate n10', ran);
  });
  test('doctor 5: a check failed', async () => {
    const line = `doctor --root ${folder}`;
    await endsWith(5, line, run(line));
  });
  test('setup 3: no Raspberry Pi; 2: something is left to do', async () => {
    const line = `setup --dry-run --root ${folder}`;
    await endsWith(3, line, run(line));
    mkdirSync(join(folder, 'proc/device-tree'), { recursive: true });
    writeFileSync(join(folder, 'proc/device-tree/model'), 'Raspberry Pi 4 Model B Rev 1.4');
    mkdirSync(join(folder, 'boot'));
    writeFileSync(join(folder, 'boot/config.txt'), 'enable_uart=1\nkernel=u-boot.bin\n');
    await endsWith(2, line, run(`--port /dev/ttyS0 ${line}`));
  });
  test('server reload 2: what only a new server can do', async () => {
    writeFileSync(join(place.folder, 'rack.yaml'), configuration('port: /dev/another'));
    await endsWith(2, 'server reload', run('server reload'));
    writeFileSync(join(place.folder, 'rack.yaml'), configuration());
  });
});

test.each(['status', 'alarms', 'events', 'ops', 'plan list', 'plan show both', 'verify exits:n12'])(
  '%s 2: of several racks one is not reached',
  async (line) => {
    const list = join(folder, 'racks.yaml');
    writeFileSync(join(folder, 'exits.yaml'), configuration(`port: ${place.rack.link}`));
    const plans = 'plans: { both: { steps: [{ name: a, plans: [exits/skips, gone/any] }] } }\n';
    const racks = 'racks: [exits.yaml, { name: gone, ssh: nobody@127.0.0.1, port: 1 }]\n';
    writeFileSync(list, racks + plans, { mode: 0o600 });
    const words = line === 'verify exits:n12' ? `${line} gone:all` : line;
    await endsWith(2, line, rackui(split(words), { env: { RACKUI_CONFIG: list, RACKUI_SOCKET: undefined } }));
  },
);

/** A stand of its own: what it plays brings the whole rack down. */
async function lastStand(step: string): Promise<Stand> {
  const config = [
    'nodes: [{ addr: "00", name: boss, role: master }, { addr: "01", name: n1 }, { addr: "02", name: n2 }]',
    'login: { user: pi, password: { command: [echo, raspberry] } }',
    'shutdown: { settle: 0.3, request: 5, acknowledged: 4, stopping: 5, hard: 6 }',
    `plans: { shed-all: { steps: [{ name: all, action: off, selector: "n1 n2", ${step} }] } }`,
    '',
  ].join('\n');
  return stand({ sim: ['--time-scale', '30', '--no-loss', '--line-rate', 'unlimited'], config });
}

describe('an outage', () => {
  test.each<[code: number, situation: string, hung: string[], step: string, withinS: number]>([
    [2, 'one is off, another was left on', ['02'], 'onFail: skip, deadline: 6', 25],
    [4, 'the time is over', ['01', '02'], 'onFail: skip', 8],
    [6, 'a node is cut at its deadline', ['02'], 'deadline: 8, onDeadline: cut', 25],
  ])(
    'last %d: %s',
    async (code, _situation, hung, step, withinS) => {
      await using own = await lastStand(step);
      for (const node of hung) await own.rack.ctl('shutdown-hangs', { node });
      const line = `outage last --within ${withinS}`;
      await endsWith(code, line, run(line, own.socket));
    },
    60_000,
  );

  test('last 130: Ctrl-C leaves it running; outage 2 and report 2: the mains have failed', async () => {
    await using own = await lastStand('deadline: 60');
    for (const node of ['01', '02']) await own.rack.ctl('shutdown-hangs', { node });
    await interrupted('outage last --within 40', own.socket);
    expect((await run('outage battery', own.socket)).code).toBe(0);
    await endsWith(2, 'outage', run('outage', own.socket));
    await endsWith(2, 'outage report', run('outage report', own.socket));
  }, 60_000);

  test.skipIf(missingNut.length > 0)(
    'drill 2: a node does not come back; needs nut-server',
    async () => {
      await using stage = await OutageStage.set({});
      await stage.rack.ctl('on-ignored', { node: '01' });
      const line = 'outage drill --nodes dev1';
      await endsWith(2, line, run(line, stage.socket));
    },
    150_000,
  );
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

test('every exit code that is named was provoked', () => {
  const named = Object.entries(EXITS).flatMap(([command, codes]) =>
    Object.keys(codes).map((code) => `${command} ${code}`),
  );
  const unplayable = missingNut.length > 0 ? ['outage drill 2'] : [];
  expect(named.filter((one) => !played.has(one))).toEqual(unplayable);
});
