/**
 * The program as a process of its own beside the same command line in this process, as most tests of commands run it: exit code,
 * output, input, environment and signals are the same.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Ran, type RunOptions, startCommand, startProcess } from '../support/command.ts';
import { eightNodes, type Stand, sweptStand } from '../support/stand.ts';

let place: Stand;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-process-'));
  writeFileSync(join(folder, 'wrong.yaml'), 'nodes: 3\n');
  place = await sweptStand({ config: eightNodes({ 0: 'role: master' }), sim: ['--time-scale', '30', '--no-loss'] });
  await place.rack.ctl('shutdown-hangs', { node: '05' });
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Readings are another sweep's. */
const steady = ({ code, stdout, stderr }: Ran): Ran => ({
  ...{ code, stdout },
  stderr: stderr.replace(/current \d+, fan \d+/g, 'current, fan'),
});

test.each<[code: number, line: string, options?: RunOptions]>([
  [0, '--help'],
  [0, 'config schema'],
  [0, 'plan list'],
  [64, 'off n1'],
  [64, 'nonsense'],
  [3, 'off n1 --confirm n2'],
  [3, 'off n0'],
  [3, 'calibrate n3', { input: 'much\n' }],
  [5, '--socket /nonexistent status'],
  [78, 'config check --config WRONG'],
])('%d: %s ends as a process as it does in this one, with the same output', async (code, line, options = {}) => {
  const env = { RACKUI_SOCKET: undefined, ...options.env };
  const at = line.startsWith('--socket') ? [] : ['--socket', place.socket];
  const args = [...at, ...line.replace('WRONG', join(folder, 'wrong.yaml')).split(' ')];
  const ran = await startProcess(args, { ...options, env }).ended;
  expect(ran.code, ran.stderr).toBe(code);
  expect(steady(await startCommand(args, { ...options, env }).ended)).toEqual(steady(ran));
});

test('Ctrl-C leaves an operation to the server with exit code 130, as a process and in this one', async () => {
  const off = ['--socket', place.socket, 'off', 'n5', '--confirm', 'n5', '--json'];
  const interrupted = async (start: typeof startProcess): Promise<Ran> => {
    const command = start(off);
    const idOf = (): string => /"id":"([^"]+)"/.exec(command.stdout)?.[1] ?? '';
    await vi.waitFor(() => expect(idOf()).not.toBe(''), { timeout: 20_000, interval: 20 });
    command.signal('SIGINT');
    const { code, stderr } = await command.ended;
    expect((await startCommand(['--socket', place.socket, 'abort', idOf()]).ended).code).toBe(0);
    return steady({ code, stdout: '', stderr: stderr.replaceAll(idOf(), 'ID') });
  };
  const there = await interrupted(startProcess);
  expect(there.code).toBe(130);
  expect(await interrupted(startCommand)).toEqual(there);
});
