/**
 * `kill -9` at every transition that a plan of 24 nodes writes down, one server's life for each: whoever
 * comes next finds the run interrupted and resumes it. Half of the lives end before the transition is on the disk, half
 * after. Nothing that still ran is ever cut, nothing is cut twice, and the run comes to its end.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlanRun } from '../../src/api/plans.ts';
import { buildDyingServer } from '../support/dying-program.ts';
import { startRack, type TestRack } from '../support/rack.ts';
import { REFERENCE_RACK } from '../support/stand.ts';

/** What an operation writes down on a node's way down. */
const PHASES = ['waiting', 'preflight', 'request', 'acknowledged', 'stopping', 'settle', 'cut', 'ended'];
const ADDRESSES = Array.from({ length: 24 }, (_, addr) => addr.toString(16).padStart(2, '0'));

/** Every transition of the plan's journal; of the operations', each phase on two nodes, spread over the rack. */
const WANTED = [
  'run running',
  'run ended',
  ...ADDRESSES.flatMap((addr) => [`plan ${addr} started`, `plan ${addr} ended`]),
  ...ADDRESSES.slice(1, 17).map((addr, index) => `op ${addr} ${PHASES[index % PHASES.length] ?? ''}`),
];

/** Racks at once, each with its share of the transitions: a life is mostly waiting. */
const RACKS = 4;
/** Nodes that halted unseen are tried three times in each life. */
const LIFE_MS = 180_000;
let program: Awaited<ReturnType<typeof buildDyingServer>>;

beforeAll(async () => {
  program = await buildDyingServer();
});
afterAll(() => program[Symbol.dispose]());

test('killed at every transition: nothing alive is cut, nothing is cut twice, and resume comes to the end', async () => {
  const shares = Array.from({ length: RACKS }, (_, rack) => WANTED.filter((_key, index) => index % RACKS === rack));
  const died = await Promise.all(shares.map(dieAtEach));
  expect(died.flat().sort()).toEqual([...WANTED].sort());
}, 900_000);

/** The transitions at which servers died, in order. */
async function dieAtEach(keys: readonly string[]): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'rackui-plan-kill-'));
  const told = join(dir, 'master-told');
  const config = join(dir, 'rack.yaml');
  const wanted = join(dir, 'wanted');
  writeFileSync(wanted, keys.join('\n'));
  writeFileSync(join(dir, 'password'), 'raspberry\n', { mode: 0o600 });
  writeFileSync(config, configuration(dir, told), { mode: 0o600 });
  try {
    await using rack = await startRack({
      args: ['--rack', REFERENCE_RACK, '--line-rate', 'unlimited', '--time-scale', '30', '--no-loss'],
    });
    const died: string[] = [];
    let run: PlanRun | null = null;
    while (run === null) {
      const said = await live([program.path, rack.link, dir, config, 'shed-all', wanted]);
      const key = /^died (.*)$/m.exec(said)?.[1];
      const over = /^ended (.*)$/m.exec(said)?.[1];
      expect(key ?? over, `a life after ${died.join(', ')} said: ${said}`).toBeTruthy();
      if (key !== undefined) died.push(key);
      else run = JSON.parse(over ?? '') as PlanRun;
      const { nodes, bus } = await rack.counters();
      const wrong = Object.entries(nodes).filter(([, { off, cutAlive }]) => cutAlive > 0 || off > 1);
      expect([wrong, bus.masterCuts], `after it died at ${key ?? 'the end'}`).toEqual([[], 0]);
    }
    await expectProven(run, rack);
    // A life that died around the master's own program does not run it again.
    expect(existsSync(told) ? readFileSync(told, 'utf8').length : 0).toBeLessThanOrEqual(1);
    return died;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What is called done is off; what is not was left on, and the only reason is that nobody saw it halt. */
async function expectProven(run: PlanRun, rack: TestRack): Promise<void> {
  const truth = new Map((await rack.state()).nodes.map(({ addr, power, guest }) => [addr, { power, guest }]));
  for (const { addr, name, outcome, detail } of run.steps.flatMap(({ nodes }) => nodes)) {
    if (addr === 0) continue;
    const { power, guest } = truth.get(addr.toString(16).padStart(2, '0')) ?? {};
    const said = `${name} ${outcome ?? ''}: ${detail}`;
    if (outcome === 'done') expect(power, said).toBe('off');
    else expect([outcome, power, guest], said).toEqual(['deadline', 'on', 'halted']);
  }
}

function configuration(dir: string, told: string): string {
  return [
    readFileSync(REFERENCE_RACK, 'utf8').replaceAll(', parallel: 1 }', ', parallel: 1, onFail: skip }'),
    `login: { user: pi, password: { file: ${join(dir, 'password')} } }`,
    // Nobody answers questions: a node whose halt was missed is left on after two limits' time.
    'shutdown: { settle: 0.2, request: 4, hard: 4, stopping: 4 }',
    // Stands in for a power-off: one letter for each time that it runs.
    `poweroff: [sh, -c, 'printf x >> "$0"', ${told}]`,
    '',
  ].join('\n');
}

/** One server's life, until it dies or the run is over: what it said. */
function live(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    const stuck = setTimeout(() => {
      said += 'it was stuck';
      child.kill('SIGKILL');
    }, LIFE_MS);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(stuck);
      resolve(said);
    });
  });
}
