/** calibrate against the simulated rack: a meter's readings piped in, a configuration that says amperes afterwards. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { innerStand } from '../support/inner-stand.ts';
import { PROGRAM, type Stand } from '../support/stand.ts';
import { jsonLines, rackui } from './support.ts';

const CONFIG = `# a remark
name: test
poll: { interval: 0.2 }
nodes:
  - { addr: "00", name: mcp, role: master }
  - { addr: "01", name: alpha }   # first
`;

let one: Stand;
beforeAll(async () => {
  one = await innerStand({ config: CONFIG, sim: ['--time-scale', '20'] });
});
afterAll(() => one[Symbol.asyncDispose]());
const run = (args: string[], input = ''): ReturnType<typeof rackui> =>
  rackui(['--socket', one.socket, ...args], { input });

test('readings that give no line: what was wrong with them, code 3, and nothing written', async () => {
  const alike = await run(['calibrate', 'alpha', '--write'], 'much\n0.40\n0.41 A\n');
  expect(alike.stderr).toMatch(/'much' is no current: 0\.42, 0\.42 A or 2\.1 W/);
  expect(alike.stderr).toMatch(/point 2: 0\.41 A at \d+\.\d counts \(\d+ to \d+ in 20 readings\)/);
  expect(alike.stderr).toMatch(/no calibration: the loads are too similar/);
  expect(alike.code).toBe(3);
  expect(readFileSync(join(one.folder, 'rack.yaml'), 'utf8')).toContain('{ addr: "01", name: alpha }   # first');
  expect((await run(['calibrate', 'omega'], '0.4\n')).code).toBe(64);
});

test('two loads: the line, written under the node; a server that starts anew says amperes, of this node only', async () => {
  const child = spawn(process.execPath, [PROGRAM, '--socket', one.socket, 'calibrate', 'alpha', '--write', '--json']);
  let told = '';
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.stdin.write('0.50\n');
  await expect.poll(() => told, { timeout: 30_000 }).toMatch(/point 1: 0\.5 A/);
  await one.rack.ctl('power', { node: '01', state: 'off' });
  await expect.poll(async () => (await run(['status', 'alpha'])).stdout).toMatch(/alpha +off/);
  child.stdin.end('0.02\n');
  expect(await ended).toBe(0);
  const [result] = said.split('\n').map((line) => JSON.parse(line || '{}') as { amps?: number; written?: string });
  expect(result?.amps).toBeGreaterThan(0.005);
  const text = readFileSync(result?.written ?? '', 'utf8');
  expect(text).toMatch(/^# a remark$/m);
  expect(text).toMatch(/name: alpha, calibration: \{ amps: 0\.0\d+, zero: [\d.]+ \} \}   # first$/m);
  await one.rack.ctl('power', { node: '01', state: 'on' });
  await one.killServer('SIGTERM');
  await one.startServer();
  await expect.poll(async () => (await run(['status', 'alpha'])).stdout).toMatch(/alpha +on +0\.\d\d A +\d+/);
  const { nodes } = jsonLines(await run(['status', '--json']))[0] as { nodes: { amps: number | null }[] };
  expect(nodes.map(({ amps }) => amps === null)).toEqual([true, false]);
  expect((await run(['status'])).stdout).toMatch(/current \d+ counts in total/);
  expect((await run(['status', 'alpha'])).stdout).toMatch(/current 0\.\d\d A \(\d W\) in total/);
});
