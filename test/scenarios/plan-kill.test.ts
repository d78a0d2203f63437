/**
 * The server killed at every kind of transition that a plan of 24 nodes writes down, one server's life for each: whoever comes
 * next finds the run interrupted and resumes it. Half of the lives end before the transition is on the disk, half after. Nothing
 * that still ran is ever cut, nothing is cut twice, and the run comes to its end. In virtual time; a shorter plan with
 * `kill -9` of real processes.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PlanRun } from '../../src/api/plans.ts';
import { Deaths } from '../support/deaths.ts';
import { ownProgram } from '../support/program.ts';
import { startRack, type TestRack } from '../support/rack.ts';
import { eightNodes, REFERENCE_RACK } from '../support/stand.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { virtualStand, type VirtualStand } from '../support/virtual-stand.ts';

/** What an operation writes down on a node's way down. */
const PHASES = ['waiting', 'preflight', 'request', 'acknowledged', 'stopping', 'settle', 'cut', 'ended'];
/** The first and the last node of each step, in the plan's order; the master is alone in its own. */
const OF_STEPS = ['01', '15', '0c', '14', '03', '17', '02', '0a', '04', '08', '00'];
const ADDRESSES = Array.from({ length: 16 }, (_, index) => (index + 1).toString(16).padStart(2, '0'));

/**
 * Every transition of the run; of its nodes, at both ends of each step; of the operations, each phase on two nodes. A master
 * whose start was the end of a life has no end of its own: its end is in a shorter plan, second, so that it is not on the disk.
 */
const WANTED: readonly (readonly [plan: string, keys: readonly string[]])[] = [
  [
    'shed-all',
    [
      'run running',
      'run ended',
      ...OF_STEPS.flatMap((addr) => [`plan ${addr} started`, `plan ${addr} ended`]),
      ...ADDRESSES.map((addr, index) => `op ${addr} ${PHASES[index % PHASES.length] ?? ''}`),
    ].filter((key) => key !== 'plan 00 ended'),
  ],
  ['shed-few', ['plan 04 started', 'plan 00 ended']],
];

/** Nodes that halted unseen are tried three times in each life. */
const LIFE_MS = 180_000;
const SIM = ['--line-rate', 'unlimited', '--time-scale', '30', '--no-loss'];

test.each(WANTED)(
  'killed at every transition of %s: nothing alive is cut, nothing is cut twice, and resume comes to the end',
  async (plan, keys) => {
    const dir = mkdtempSync(join(tmpdir(), 'rackui-plan-kill-'));
    try {
      const died = await dieAtEach(plan, keys, dir);
      expect(died.toSorted()).toEqual(keys.toSorted());
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
  300_000,
);

/** The transitions at which servers died, in order. */
async function dieAtEach(plan: string, keys: readonly string[], dir: string): Promise<string[]> {
  const told = join(dir, 'master-told');
  using clock = new VirtualClock();
  const deaths = new Deaths(
    (key) => keys.includes(key),
    () => place,
  );
  const { died } = deaths;
  await using place: VirtualStand = await virtualStand({
    ...{ clock, config: configuration(dir, told), sim: SIM, journal: deaths.witness },
  });
  for (let first = true; ; first = false) {
    const run = await Promise.race([deaths.next(), first ? resumed(place, plan) : begun(place, plan), stuck(died)]);
    await expectHarmless(place.rack, died.at(-1) ?? 'the end');
    if (run === null) continue;
    await expectProven(run, place.rack);
    // A life that died around the master's own program does not run it again.
    expect(existsSync(told) ? readFileSync(told, 'utf8').length : 0).toBeLessThanOrEqual(1);
    return died;
  }
}

/** The next life; it may die before it can be asked. */
async function begun(place: VirtualStand, plan: string): Promise<PlanRun> {
  await place.startServer();
  return resumed(place, plan);
}

/** Begins the plan, or resumes what the life before left; the run when it has ended. Never for a life that is killed. */
async function resumed(place: VirtualStand, plan: string): Promise<PlanRun> {
  const { life } = place;
  return life.whileAlive(async () => {
    try {
      const client = await place.client('plan run');
      await client.request('sweep', { addrs: null, interrupt: false });
      const ended = new Promise<PlanRun>((resolve, reject) =>
        client.on('plan', (run) => {
          if (run.state === 'ended') resolve(run);
          if (run.state === 'paused') reject(new Error(`the run paused: ${run.detail}`));
        }),
      );
      ended.catch(() => undefined);
      const { runs } = await client.request('plan.list', {});
      const left = runs.find(({ endedAt }) => endedAt === null);
      const last = runs.at(-1) ?? lastRecord(place);
      // Its end was the last thing that the one before wrote down.
      if (left === undefined && last) return last;
      const run = left
        ? await client.request('plan.resume', { id: left.id })
        : await client.request('plan.run', { name: plan, confirm: null, armed: true, deadlineS: null });
      return run.state === 'ended' ? run : await ended;
    } catch (error) {
      // The server went away with what it was asked.
      if (!life.alive) return new Promise<never>(() => undefined);
      throw error;
    }
  });
}

/** The run that the journal has last. */
function lastRecord({ folder }: VirtualStand): PlanRun | null {
  const path = join(folder, 'plans.jsonl');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  const line = lines.findLast((one) => one.startsWith('{') && one.endsWith('}'));
  return line === undefined ? null : (JSON.parse(line) as { run: PlanRun }).run;
}

function stuck(died: readonly string[]): Promise<never> {
  return new Promise((_resolve, reject) =>
    setTimeout(() => reject(new Error(`a life after ${died.join(', ')} was stuck`)), LIFE_MS),
  );
}

async function expectHarmless(rack: TestRack, died: string): Promise<void> {
  const { nodes, bus } = await rack.counters();
  const wrong = Object.entries(nodes).filter(([, { off, cutAlive }]) => cutAlive > 0 || off > 1);
  expect([wrong, bus.masterCuts], `after it died at ${died}`).toEqual([[], 0]);
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
  writeFileSync(join(dir, 'password'), 'raspberry\n', { mode: 0o600 });
  return [
    readFileSync(REFERENCE_RACK, 'utf8').replaceAll(', parallel: 1 }', ', parallel: 1, onFail: skip }'),
    '  shed-few:',
    '    steps:',
    '      - { name: name-servers, action: off, selector: "role:dns", onFail: skip }',
    '      - { name: master, action: off, selector: "role:master", onFail: skip }',
    `login: { user: pi, password: { file: ${join(dir, 'password')} } }`,
    // Nobody answers questions: a node whose halt was missed is left on after two limits' time.
    'shutdown: { settle: 0.2, request: 4, hard: 4, stopping: 4 }',
    // Stands in for a power-off: one letter for each time that it runs.
    `poweroff: [sh, -c, 'printf x >> "$0"', ${told}]`,
    '',
  ].join('\n');
}

test('kill -9 of a real server before and after a transition is on the disk: the next one resumes to the end', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rackui-plan-kill-'));
  const config = join(dir, 'rack.yaml');
  const wanted = join(dir, 'wanted');
  const keys = ['op 02 preflight', 'plan 01 ended'];
  writeFileSync(wanted, keys.join('\n'));
  writeFileSync(
    config,
    [
      `name: killed\n${eightNodes({ 0: 'role: master' })}`,
      'login: { user: pi, password: { command: [echo, raspberry] } }',
      'shutdown: { settle: 0.2, request: 4, hard: 4, stopping: 4 }',
      'plans: { shed: { steps: [{ name: down, action: off, selector: "n1 n2 n3", parallel: 1, onFail: skip }] } }\n',
    ].join('\n'),
    { mode: 0o600 },
  );
  try {
    await using rack = await startRack({ args: ['--rack', config, ...SIM] });
    const died: string[] = [];
    let run: PlanRun | null = null;
    while (run === null) {
      const said = await live([ownProgram('dying-server'), rack.link, dir, config, 'shed', wanted]);
      const key = /^died (.*)$/m.exec(said)?.[1];
      const over = /^ended (.*)$/m.exec(said)?.[1];
      expect(key ?? over, `a life after ${died.join(', ')} said: ${said}`).toBeTruthy();
      if (key !== undefined) died.push(key);
      else run = JSON.parse(over ?? '') as PlanRun;
      await expectHarmless(rack, key ?? 'the end');
    }
    await expectProven(run, rack);
    expect(died.toSorted()).toEqual(keys.toSorted());
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}, 240_000);

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
