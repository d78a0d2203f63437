/**
 * Command lines with the exit code that each is to end with, on stands of their own in virtual time; notes which were
 * provoked.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { EXITS } from '../../src/cli/exit-codes.ts';
import { startCommand } from '../support/command.ts';
import type { Stand } from '../support/stand.ts';
import { eventually, VirtualClock } from '../support/virtual-clock.ts';
import { virtualStand } from '../support/virtual-stand.ts';
import { rackui, type Ran } from './support.ts';

/** Commands with codes that were provoked: `plan run 2`. */
export const played = new Set<string>();

/** n1 to n23; n20 to n23 never come to the end of a shutdown. */
const NODES = Array.from({ length: 23 }, (_, index) => index + 1);
const HUNG = [20, 21, 22, 23];
export const hex = (addr: number): string => addr.toString(16).padStart(2, '0');

export function configuration(folder: string, more = ''): string {
  const step = (name: string, nodes: string, rest = ''): string =>
    `{ name: ${name}, action: off, selector: "${nodes}", deadline: 5${rest} }`;
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

export interface OwnStand {
  readonly place: Stand;
  readonly folder: string;
}

/** Has the time of a group of tests pass only while they have nothing else to do. */
export function virtualTime(): { readonly clock: VirtualClock } {
  let clock: VirtualClock | null = null;
  beforeAll(() => void (clock = new VirtualClock()));
  afterAll(() => clock?.[Symbol.dispose]());
  return {
    get clock() {
      if (!clock) throw new Error('time is not virtual yet');
      return clock;
    },
  };
}

/** A stand for the tests of one group, which are played one after another. */
export function ownStand(time: { readonly clock: VirtualClock }): OwnStand {
  let place: Stand | null = null;
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rackui-exits-'));
    writeFileSync(join(folder, 'password'), 'raspberry\n', { mode: 0o600 });
    place = await virtualStand({
      clock: time.clock,
      config: configuration(folder),
      sim: ['--time-scale', '30', '--no-loss', '--line-rate', 'unlimited'],
    });
    for (const addr of HUNG) await place.rack.ctl('shutdown-hangs', { node: hex(addr) });
  });
  afterAll(async () => {
    await place?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    get place() {
      if (!place) throw new Error('the stand was not set up');
      return place;
    },
    get folder() {
      return folder;
    },
  };
}

/** The command of a command line: `plan run`. */
function commandOf(line: readonly string[]): string {
  const two = line.slice(0, 2).join(' ');
  return two in EXITS ? two : (line[0] ?? '');
}

export const split = (line: string): string[] =>
  (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, '$1'));

export async function run(line: string, { socket }: Pick<Stand, 'socket'>): Promise<Ran> {
  return rackui(['--socket', socket, ...split(line)], { env: { RACKUI_CONFIG: undefined } });
}

/** Runs it with the words that confirm it, as its own refusal names them. */
export async function confirmed(line: string, place: Stand): Promise<Ran> {
  const asked = await run(line, place);
  const words = /--confirm '([^']+)'/.exec(asked.stderr)?.[1];
  return words === undefined ? asked : run(`${line} --confirm '${words}'`, place);
}

export async function endsWith(code: number, line: string, ran: Promise<Ran>): Promise<Ran> {
  const { code: got, stdout, stderr } = await ran;
  expect(got, `${line}\n${stdout}\n${stderr}`).toBe(code);
  played.add(`${commandOf(split(line))} ${code}`);
  return { code: got, stdout, stderr };
}

/** Waits until the command prints it. */
export async function shows(line: string, words: RegExp, place: Stand): Promise<void> {
  await eventually(async () => expect((await run(line, place)).stdout).toMatch(words), 60_000);
}

/** Ctrl-C once it has said something on its standard output. */
export async function interrupted(line: string, place: Stand): Promise<string> {
  const asks = /^(?:off|cycle|plan run)/.test(line) && !line.includes('--armed');
  const words = asks ? /--confirm '([^']+)'/.exec((await run(line, place)).stderr)?.[1] : undefined;
  const args = [...split(line), ...(words === undefined ? [] : ['--confirm', words])];
  const command = startCommand(['--socket', place.socket, ...args, '--json']);
  await eventually(() => expect(command.stdout + command.stderr).toMatch(/"id":/));
  command.signal('SIGINT');
  const { code, stdout, stderr } = await command.ended;
  expect(code, stdout + stderr).toBe(130);
  played.add(`${commandOf(split(line))} 130`);
  return /"id":"([^"]+)"/.exec(stdout + stderr)?.[1] ?? '';
}
