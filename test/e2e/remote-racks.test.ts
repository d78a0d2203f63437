/**
 * Racks on other machines: real ssh and sshd on loopback, a real server on a simulated rack, commands, and the interface in a
 * pseudo-terminal. What it shows when the line between them is slow, stalls or is cut is in `far-links.test.ts`.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startCommand } from '../support/command.ts';
import { type FarMachine, farMachine } from '../support/far-machine.ts';
import { HAS_SSHD } from '../support/ssh-hosts.ts';
import { eightNodes, PROGRAM, stand, type Stand } from '../support/stand.ts';
import { openTerminal } from '../support/terminal.ts';

const WAIT = 60_000;
const config = (name: string): string => `name: ${name}\nport: /dev/null\n${eightNodes({ 0: 'role: master' })}\n`;

let place: Stand;
let far: FarMachine;
let folder: string;
const list = (): string => join(folder, 'racks.yaml');

beforeAll(async () => {
  if (!HAS_SSHD) return;
  folder = mkdtempSync(join(tmpdir(), 'rackui-fleet-'));
  place = await stand({ config: config('far'), sim: ['--time-scale', '20', '--no-loss'] });
}, WAIT);
afterAll(async () => {
  if (!HAS_SSHD) return;
  await place[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const env = (): NodeJS.ProcessEnv => ({
  ...process.env,
  RACKUI_SOCKET: undefined,
  RACKUI_CONFIG: list(),
  HOME: folder,
  XDG_STATE_HOME: join(folder, 'state'),
});

async function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const { code, stdout, stderr } = await startCommand(args, { env: env() }).ended;
  return { code, out: stdout, err: stderr };
}

function lists(...entries: string[]): void {
  writeFileSync(list(), `racks:\n${entries.map((entry) => `  - ${entry}\n`).join('')}`, { mode: 0o600 });
}

describe.skipIf(!HAS_SSHD)('a rack on another machine; needs openssh-server and openssh-client', () => {
  beforeEach(async () => {
    far = await farMachine(place.socket);
    lists(far.entry('north'), '{ name: south, ssh: nobody@127.0.0.1, port: 1 }');
    return () => far[Symbol.asyncDispose]();
  });

  test('commands work through ssh as they do there; those about a machine say where to run them', async () => {
    const status = await run('--rack', 'north', 'status', '--json');
    expect(status).toMatchObject({ code: 0, err: '' });
    expect((JSON.parse(status.out) as { nodes: unknown[] }).nodes).toHaveLength(8);
    const typed = await run('--rack', 'north', 'console', 'n3', '--send', '', '--expect', 'login:', '--timeout', '30');
    expect(typed.code).toBe(0);
    const unconfirmed = await run('--rack', 'north', 'off', 'n4', '--confirm', 'n5');
    expect(unconfirmed).toMatchObject({ code: 3, out: '' });
    expect(await run('--rack', 'north', 'doctor')).toMatchObject({
      code: 64,
      err: expect.stringMatching(/north is on another: ssh \S+@127\.0\.0\.1 rackui doctor/) as string,
    });
    expect((await run('config', 'check')).out).toMatch(/good, 2 racks\nnorth: on another machine/);
  });

  test('commands for all racks run in parallel and say what each rack answers; one that is not reached makes 2', async () => {
    const status = await run('status', '*:all', '!north:n[4-7]');
    expect(status.code).toBe(2);
    expect(status.out).toMatch(/^north {2}far: bus ready[^\n]* 4 on/);
    expect(
      status.out
        .trimEnd()
        .split('\n')
        .every((line) => line.startsWith('north  ')),
    ).toBe(true);
    expect(status.err).toMatch(/^south {2}rackui: nobody@127\.0\.0\.1: [^\n]*refused\n$/);
    const json = await run('status', '--json');
    expect(json.out.split('\n').map((line) => line && (JSON.parse(line) as object))).toMatchObject([
      { rack: 'south', exitCode: 5, error: expect.stringContaining('refused') as string },
      { rack: 'north', nodes: { length: 8 } },
      '',
    ]);
    expect(await run('verify', 'north:n[1-2]')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^north {2}01 .*match\nnorth {2}02 .*match\nnorth {2}2 match/) as string,
    });
    const typed = await run('console', 'north:n3', '--send', '', '--expect', 'login:', '--timeout', '30');
    expect(typed.code).toBe(0);
    expect((await run('log', 'north:n3')).out).toMatch(/n3 login:/);
    for (const [words, problem] of [
      [['status', 'n3'], /'n3' names no rack: write north:n3, or \*:n3 for all racks/],
      [['plan', 'show', 'north/none'], /^rackui: .*none/],
    ] as const) {
      const wrong = await run(...words);
      expect(wrong.err).toMatch(problem);
      expect(wrong.out).toBe('');
    }
  });

  test('view-only: the far server lets this session only look', async () => {
    lists(far.entry('north', ', viewOnly: true'));
    expect((await run('--rack', 'north', 'status')).code).toBe(0);
    const refused = await run('--rack', 'north', 'on', 'n4');
    expect(refused.code).toBe(3);
  });

  test.each<[situation: string, prepare: () => unknown, words: RegExp]>([
    ['an unknown host key', () => far.distrust('unknown'), /its host key is not known here: log in once with 'ssh /],
    ['a changed host key', () => far.distrust('changed'), /its host key is not the one that is known/],
    ['a refused key', () => far.refuseKey(), /it refused the key: 'ssh-copy-id /],
    ['no rackui there', () => rmSync(join(far.bin, 'rackui')), /there is no rackui in the PATH of its ssh commands/],
    [
      'an older rackui there',
      () => replace("#!/bin/sh\necho \"rackui: 'proxy' is no command; 'rackui --help' lists them\" >&2\nexit 64\n"),
      /its rackui is older and cannot be reached by ssh/,
    ],
    [
      "another user's server there",
      () => replace("#!/bin/sh\necho 'rackui: the server belongs to pi, and you may not use it' >&2\nexit 5\n"),
      /the server belongs to pi, and you may not use it; see 'rackui status' on north/,
    ],
    ['a machine that is away', () => (far.line.down = true), /Connection (?:reset|closed)/],
    [
      'a program that prints no protocol',
      () => replace('#!/bin/sh\nprintf "\\033]0;evil\\007Welcome\\n"\nexec sleep 1\n'),
      /^rackui: /,
    ],
  ])('%s: a sentence that says so, and exit code 5', async (_situation, prepare, words) => {
    prepare();
    const { code, out, err } = await run('--rack', 'north', 'status');
    expect({ code, out }).toEqual({ code: 5, out: '' });
    expect(err).toMatch(words);
    expect(err).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
  });

  test('in the interface, a rack that is not reached is said to be so with the reason, and keeps nobody from the others', async () => {
    await using screen = openTerminal(process.execPath, [PROGRAM], { cols: 100, rows: 30, env: env() });
    const sees = (text: RegExp): Promise<void> => screen.waitFor(text, String(text), WAIT);
    await sees(/8 on 0 off/);
    screen.type('>');
    await sees(/south has not been reached yet\.[^]*port 1: Connection refused[^]*rackui tries again by itself/);
    screen.type('<');
    await sees(/8 on 0 off/);
  });
});

/** Another program in the place of the far rackui. */
function replace(script: string): void {
  const path = join(far.bin, 'rackui');
  rmSync(path);
  writeFileSync(path, script);
  chmodSync(path, 0o755);
}
