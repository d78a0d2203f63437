/**
 * The reference rack, whole, by its own plans: down with every node asked by a real ssh client, up again. Nodes of a step go
 * down together, so a run takes less than what their own shutdowns take one after another. In virtual time; a part of the rack
 * goes down between real processes, whose ssh clients take their time.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { PlanRun } from '../../src/api/plans.ts';
import type { Evidence } from '../../src/api/power.ts';
import type { RackClient } from '../../src/client/client.ts';
import { HAS_SSHD, SshHosts } from '../support/ssh-hosts.ts';
import { REFERENCE_RACK, stand, type Stand } from '../support/stand.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { virtualStand } from '../support/virtual-stand.ts';
import { eventually, hex } from './scene.ts';

/** Not the place of any other test that runs at the same time. */
const BASE = '127.72.0';
const PORT = 2283;
const ip = (addr: number): string => `${BASE}.${addr}`;
/** All that the bus switches: not the master. */
const NODES = Array.from({ length: 23 }, (_, index) => index + 1);
/** A worker of the one cluster, two of the other, which halt beside each other, and a name server. */
const FEW = [0x01, 0x03, 0x0e, 0x04];
/** Bytes at once: eight at a time, as a UART hands them on, each would be an event of its own. */
const VIRTUAL = ['--time-scale', '5', '--no-loss', '--line-rate', 'unlimited'];
const RUN_MS = 240_000;

/** What was seen of halts before, as a rack that is in use has learned it; counts, and ms. */
const HALTS = [{ running: 60, low: 12, high: 30 }];

/** By the patterns of names: the order in which they must go, and come. */
const DOWN = [/^dk8s-worker/, /^dk8s-controlplane/, /^k8s-worker/, /^k8s-controlplane/, /^ns/];
const UP = [/^ns/, /controlplane/, /worker/];

/**
 * `stopJobS`: so many guest seconds a worker's service takes to stop; settling and the touch take seconds of ours for each node.
 * The others: how long nodes were seen to take to their last line before, ms.
 */
interface Pace {
  stopJobS: number;
  worker: number;
  other: number;
}

test.skipIf(!HAS_SSHD)(
  'the whole reference rack down by its plan: in order, proven, and sooner than one after another; needs openssh-server',
  { timeout: RUN_MS },
  async () => {
    await using hosts = await sshHosts();
    using clock = new VirtualClock();
    const config = configuration(BASE, hosts.config);
    await using place = await virtualStand({ clock, config, sim: VIRTUAL });
    const { run, cuts } = await shedAll(place, hosts, NODES, { stopJobS: 80, worker: 16_600, other: 600 });
    const steps = DOWN.map((names) => cuts.filter(({ name }) => names.test(name)));
    expect(steps.map((step) => step.length)).toEqual([6, 3, 9, 3, 2]);

    const took = ((run.endedAt ?? Infinity) - run.startedAt) / 1000;
    const slaves = (await place.rack.state()).nodes.filter(({ addr }) => addr !== '00');
    const own = slaves.reduce((sum, { shutdownMs }) => sum + (shutdownMs ?? NaN), 0) / 1000;
    const ratio = took / own;
    console.log(
      `shed-all: ${took.toFixed(1)} s for 23 nodes whose own shutdowns take ${own.toFixed(1)} s together: ${ratio.toFixed(2)}; ${cuts.map(({ grounds }) => grounds.at(-1)).join('')}`,
    );
    expect(ratio).toBeLessThan(0.8);
    const proven = cuts.filter(({ grounds }) => grounds === 'marker').length;
    // Asked so far apart that the one console reads most last lines.
    expect(proven).toBeGreaterThan(cuts.length / 2);
  },
);

test.skipIf(!HAS_SSHD)(
  'a part of the reference rack down by a plan between real processes: in order and proven; needs openssh-server',
  { timeout: RUN_MS },
  async () => {
    await using hosts = await sshHosts();
    const config = configuration(BASE, hosts.config, FEW);
    await using place = await stand({ config, sim: ['--time-scale', '30', '--no-loss'] });
    await shedAll(place, hosts, FEW, { stopJobS: 60, worker: 3_000, other: 1_000 });
  },
);

test(
  'the whole reference rack up by its plan: in order, one booting node a blade, verified',
  { timeout: 2 * RUN_MS },
  async () => {
    const config = configuration('127.72.1', '');
    using clock = new VirtualClock();
    await using place = await virtualStand({ clock, config, sim: ['--state', 'off', '--no-loss'] });
    const { rack } = place;
    await rack.ctl('supply');
    const client = await ready(place);
    let most = 0;
    const powered = new Map<string, number>();
    const up = new Map<string, number>();
    const watching = setInterval(() => {
      void rack.state().then(({ nodes }) => {
        const boots = nodes.filter(({ guest }) => guest === 'firmware' || guest === 'booting');
        const blades = boots.map(({ addr }) => parseInt(addr, 16) >> 2);
        most = Math.max(most, ...blades.map((blade) => blades.filter((one) => one === blade).length));
        for (const { addr, power, guest } of nodes.slice(1)) {
          if (power === 'on' && !powered.has(addr)) powered.set(addr, Date.now());
          if (guest === 'login' && !up.has(addr)) up.set(addr, Date.now());
        }
      });
    }, 100);
    const run = await runPlan(client, 'bring-up').finally(() => clearInterval(watching));
    expect(run).toMatchObject({ state: 'ended', detail: '23 of 23 nodes done' });
    expect(most).toBe(1);
    const { nodes } = await rack.state();
    expect(nodes.slice(1).map(({ power }) => power)).toEqual(NODES.map(() => 'on'));
    const counters = await rack.counters();
    for (const { addr } of nodes.slice(1)) expect(counters.nodes[addr]).toMatchObject({ on: 1, off: 0, brownOuts: 0 });

    const ons = place
      .audit()
      .filter(({ stage, verb }) => stage === 'intent' && verb === 'on')
      .map((entry) => (entry.node as { name: string }).name);
    const stepOf = ons.map((name) => UP.findIndex((names) => names.test(name)));
    expect(stepOf).toEqual([...stepOf].sort((a, b) => a - b));
    expect(stepOf).toHaveLength(23);
    for (const { name, detail } of run.steps.flatMap((step) => step.nodes))
      expect(detail).toMatch(
        name.includes('worker')
          ? /^is on, confirmed by two status replies$/
          : /^is on, confirmed by two status replies; .*a login prompt/,
      );
    const took = ((run.endedAt ?? Infinity) - run.startedAt) / 1000;
    const own = [...up].reduce((sum, [addr, at]) => sum + at - (powered.get(addr) ?? NaN), 0) / 1000;
    const ratio = took / own;
    console.log(
      `bring-up: ${took.toFixed(1)} s; the ${up.size} that are up by then took ${own.toFixed(1)} s together: ${ratio.toFixed(2)}`,
    );
    expect(ratio).toBeLessThan(0.8);
  },
);

const sshHosts = (): Promise<SshHosts> => SshHosts.behind(new Map(NODES.map((addr) => [ip(addr), hex(addr)])), PORT);

/** Runs the plan and checks what holds for any part of the rack: what was cut, in order. */
async function shedAll(
  place: Stand,
  hosts: SshHosts,
  addrs: readonly number[],
  pace: Pace,
): Promise<{ run: PlanRun; cuts: Cut[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-whole-rack-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const told = join(folder, 'master-told');
  const { rack } = place;
  hosts.obey(rack.control);
  await rack.ctl('listen', { place: `${BASE}:${PORT}`, sshd: hosts.port });
  for (const { addr, name } of (await rack.state()).nodes)
    if (name.includes('worker')) await rack.ctl('stop-job', { node: addr, seconds: pace.stopJobS });
  await remember(place, pace, told);

  const run = await runPlan(await ready(place), 'shed-all');
  expect(run).toMatchObject({ state: 'ended', detail: `${addrs.length + 1} of ${addrs.length + 1} nodes done` });
  const slaves = (await rack.state()).nodes.filter(({ addr }) => addrs.includes(parseInt(addr, 16)));
  expect(slaves.map(({ power, guest }) => [power, guest])).toEqual(addrs.map(() => ['off', 'dead']));
  const counters = await rack.counters();
  expect(slaves.map(({ addr }) => counters.nodes[addr])).toMatchObject(addrs.map(() => ({ off: 1, cutAlive: 0 })));
  expect(counters.bus).toMatchObject({ masterCuts: 0, catastrophe: false });

  const cuts = cutsOf(place);
  expect(cuts.map(({ name }) => name).sort()).toEqual(slaves.map(({ name }) => name).sort());
  // The kernel's last line, or all signs together; and asked by ssh, every one.
  for (const { name, grounds } of cuts) expect(`${name}: ${grounds}`).toMatch(/: (marker|grade B)$/);
  expect(hosts.asked.sort()).toEqual(slaves.map(({ addr }) => `${addr} cat /proc/uptime; sudo -n systemctl poweroff`));
  const steps = DOWN.map((names) => cuts.filter(({ name }) => names.test(name)));
  steps.reduce((before, step) => {
    expect(Math.min(...step.map(({ askedAt }) => askedAt))).toBeGreaterThan(lastOf(before));
    return step;
  });
  for (const oneByOne of steps.slice(3))
    for (const [index, { askedAt }] of oneByOne.entries())
      if (index > 0) expect(askedAt).toBeGreaterThan(oneByOne[index - 1]?.cutAt ?? Infinity);
  // The master by its own program, once, when all others were off.
  expect(readFileSync(told, 'utf8')).toBe(`${addrs.length}\n`);
  return { run, cuts };
}

interface Cut {
  name: string;
  /** Epoch ms: when it was asked to shut down, and when it was seen off. */
  askedAt: number;
  cutAt: number;
  grounds: string;
}

const lastOf = (cuts: readonly Cut[]): number => Math.max(...cuts.map(({ cutAt }) => cutAt));

/** From the audit log, in the order in which power went. */
function cutsOf(place: Stand): Cut[] {
  return place
    .audit()
    .filter(({ stage, outcome }) => stage === 'outcome' && outcome === 'done')
    .map((entry) => {
      const evidence = entry.evidence as Evidence[];
      const proof = evidence.find(({ kind }) => kind === 'marker' || kind === 'grade');
      return {
        name: (entry.node as { name: string }).name,
        askedAt: evidence.find(({ kind }) => kind === 'request')?.at ?? NaN,
        cutAt: Date.parse(entry.at as string),
        grounds: proof?.kind === 'grade' ? `grade ${proof.text.slice(0, 1)}` : (proof?.kind ?? 'nothing'),
      };
    });
}

/**
 * The rack's own file, on loopback; limits for a rack that lives five to thirty times as fast. `part`: these nodes alone, with a plan
 * in the same order.
 */
function configuration(base: string, ssh: string, part: readonly number[] | null = null): string {
  const whole = readFileSync(REFERENCE_RACK, 'utf8').replace(
    /addr: "(\w\w)",(.*?)ip: [\d.]+,/g,
    (_all, addr: string, between: string) => `addr: "${addr}",${between}ip: ${base}.${parseInt(addr, 16)},`,
  );
  return [
    part === null ? whole : partOf(whole, part),
    ssh,
    'poll: { interval: 2 }',
    'shutdown: { cutOn: B, networkGone: 1, steady: 0.5, settle: 0.3, request: 10, acknowledged: 5 }',
    '',
  ].join('\n');
}

function partOf(whole: string, part: readonly number[]): string {
  const lines = whole.split('\n').filter((line) => [0, ...part].some((addr) => line.includes(`addr: "${hex(addr)}"`)));
  const names = lines.map((line) => /name: ([^,]+),/.exec(line)?.[1] ?? '');
  const steps = DOWN.map((step) => names.filter((name) => step.test(name)))
    .filter((step) => step.length > 0)
    .map((step, index) => `{ name: step-${index}, action: off, selector: "${step.join(' ')}", onFail: skip }`);
  return [
    ...['nodes:', ...lines, 'plans:', '  shed-all:', '    steps:', ...steps.map((step) => `      - ${step}`)],
    '      - { name: master, action: off, selector: "role:master", onFail: skip }',
  ].join('\n');
}

/**
 * A server that has watched these nodes halt before: it knows when a last line comes, and what each draws after it. What
 * stands in for the master's power-off notes in `told` how many nodes were off by then.
 */
async function remember(place: Stand, pace: Pace, told: string): Promise<void> {
  await place.killServer();
  const file = (name: string): string => join(place.folder, name);
  const poweroff = `poweroff: [sh, -c, 'grep -c ''"outcome":"done"'' "$0" >> "$1"', ${file('audit.jsonl')}, ${told}]`;
  writeFileSync(file('rack.yaml'), `${readFileSync(file('rack.yaml'), 'utf8')}${poweroff}\n`);
  const { nodes } = await place.rack.state();
  const known = nodes.filter(({ addr }) => addr !== '00').map(({ addr, name }) => [addr, { name, halts: HALTS }]);
  writeFileSync(file('halt-bands.json'), JSON.stringify(Object.fromEntries(known)));
  const took = nodes.map(({ addr, name }) => [
    addr,
    { name, off: [name.includes('worker') ? pace.worker : pace.other], on: [] },
  ]);
  writeFileSync(file('durations.json'), JSON.stringify(Object.fromEntries(took)));
  await place.startServer();
}

async function ready(place: Stand): Promise<RackClient> {
  const client = await place.client('whole rack');
  await eventually(
    async () => {
      const { bus } = await client.request('sweep', { addrs: null, interrupt: false });
      if (bus.state !== 'ready') throw new Error(`the bus is ${bus.state}`);
    },
    60_000,
    100,
  );
  return client;
}

/** The run when it has ended, or waits for somebody. */
async function runPlan(client: RackClient, name: string): Promise<PlanRun> {
  const { confirm } = await client.request('plan.show', { name });
  return new Promise((resolve, reject) => {
    let last: PlanRun | null = null;
    const limit = setTimeout(
      () => reject(new Error(`plan ${name} has not ended: ${JSON.stringify(last, null, 1)}`)),
      RUN_MS,
    );
    client.on('plan', (run) => {
      last = run;
      if (run.state !== 'ended' && run.state !== 'paused') return;
      clearTimeout(limit);
      resolve(run);
    });
    client.request('plan.run', { name, confirm, armed: false, deadlineS: null }).catch(reject);
  });
}
