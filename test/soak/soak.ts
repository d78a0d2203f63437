/**
 * `npm run soak -- --minutes N --seed S`: the real server on the simulated rack, with faults of every kind, consoles, power
 * operations, clients that come and go and a server that dies, all drawn from one seed. Prints its figures as JSON; exit
 * code 1 when anything that must be 0 is not.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { confirmationText, cuts, type Verb } from '../../src/api/power.ts';
import type { RackClient } from '../../src/client/client.ts';
import { formatAddress } from '../../src/rack/address.ts';
import { seededRandom } from '../../src/sim/random.ts';
import { buildOwnPrograms } from '../support/build-program.ts';
import { stand } from '../support/stand.ts';
import { Witness } from '../support/witness.ts';
import { FAULTS } from './faults.ts';
import { Journal } from './journal.ts';
import { Picture } from './picture.ts';

const NODES = 12;
const CONFIG = `
name: soak
port: /dev/null
poll: { interval: 0.25 }
nodes:
${Array.from({ length: NODES }, (_, n) => `  - { addr: "${formatAddress(n)}", name: n${n} }`).join('\n')}
login: { user: pi, password: { command: [echo, raspberry] } }
shutdown: { request: 5, settle: 1, stopping: 10, hard: 10 }
boot: { limit: 10 }
`;
/** A recovery that takes longer than this is none; back-off alone may take 30 s. */
const RECOVERY_LIMIT_MS = 60_000;
/** An operation's node may lose power this long after its end was told: the last `\` was under way. */
const PERMIT_MS = 2_000;

await buildOwnPrograms();
const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes ?? 1);
const seed = Number(values.seed ?? 1);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('usage: npm run soak -- [--minutes N] [--seed S]: N above 0, S a whole number');
  process.exit(64);
}

const random = seededRandom(seed);
const pick = <T>(list: readonly T[]): T => {
  const one = list[Math.floor(random() * list.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
};
const slave = (): number => 1 + Math.floor(random() * (NODES - 1));

const figures = {
  seed,
  minutes,
  exchanges: 0,
  readings: 0,
  damagedReplies: 0,
  faults: 0,
  recoveries: 0,
  notRecovered: 0,
  slowestRecoveryMs: 0,
  consoles: 0,
  typed: 0,
  operations: 0,
  operationsDone: 0,
  falselyDone: 0,
  clientRestarts: 0,
  serverRestarts: 0,
  memoryStartMb: 0,
  memoryEndMb: 0,
  lies: 0,
  wrongCuts: 0,
  masterCuts: 0,
  keysInBios: 0,
  mostKeysAtOnce: 0,
};
/** Keys that a pipe which falls shut while somebody types may take: see docs/bus.md. */
const KEYS_AT_ONCE = 8;
const troubles: string[] = [];
const journal = new Journal();
/** Tells of something that must not be, at once, with what happened before it. */
const trouble = (text: string): void => {
  troubles.push(text);
  console.error(`${text}\n${journal.last()}`);
};

const watching: Witness[] = [];
await using rack = await stand({
  sim: ['--time-scale', '20', '--seed', String(seed)],
  config: CONFIG,
  watch: (host) => void watching.push(new Witness(host)),
});
const seen = watching[0] ?? failed('the rack has nobody who watches it');
const picture = new Picture(rack, seen);
await picture.connect();

const end = performance.now() + minutes * 60_000;
const running = (): boolean => performance.now() < end;
/** Nodes that an operation of ours may cut now. */
const permits = new Map<number, number>();
let restarting: Promise<void> | null = null;

await Promise.all([faults(), cutsOnly(), typing(), switching(), clients(), restarts(), progress()]);

const last = seen.host.simulator.rack.counters();
Object.assign(figures, {
  exchanges: picture.exchanges,
  readings: picture.readings,
  damagedReplies: picture.errors,
  memoryEndMb: residentMb(),
  lies: picture.lies.length,
  masterCuts: last.bus.masterCuts,
  // Typed within a moment of a pipe that was taken: see docs/bus.md.
  keysInBios: Object.values(last.nodes).reduce(
    (sum, node) => sum + node.biosForConsole.printable,
    last.bus.masterForConsole.printable,
  ),
});
console.log(JSON.stringify(figures, null, 2));
for (const one of [...troubles, ...picture.lies.slice(0, 20)]) console.error(one);
const { lies, wrongCuts, masterCuts, falselyDone, notRecovered, mostKeysAtOnce } = figures;
if (lies + wrongCuts + masterCuts + falselyDone + notRecovered > 0 || mostKeysAtOnce > KEYS_AT_ONCE)
  process.exitCode = 1;

/** One fault after another: set, held, ended, and the way back timed. */
async function faults(): Promise<void> {
  while (running()) {
    await delay(200 + random() * 1_500);
    const fault = pick(FAULTS);
    // The master's own BMC breaks too, but it has no guest, and nobody takes the operator's machine away by hand.
    const master = fault.of === 'bmc' && !['disabled', 'power'].includes(fault.verb) && random() < 0.1;
    const node = formatAddress(master ? 0 : slave());
    const params = fault.params(node, random);
    for (const before of fault.before ?? []) await rack.rack.ctl(before.verb, before.params(node));
    await rack.rack.ctl(fault.verb, params);
    journal.note(`fault: ${fault.name} ${JSON.stringify(params)}`);
    figures.faults++;
    await delay(200 + random() * 3_000);
    await rack.rack.ctl('clear', { node: 'all' });
    for (const { verb, params } of fault.end ?? []) await rack.rack.ctl(verb, params(node));
    journal.note(`fault over: ${fault.name}`);
    const since = Date.now();
    const began = performance.now();
    for (;;) {
      if (restarting) await restarting;
      if (await picture.well(since).catch(() => false)) break;
      if (performance.now() - began > RECOVERY_LIMIT_MS) {
        figures.notRecovered++;
        trouble(`${fault.name} on ${node}: not recovered; bus ${JSON.stringify(picture.bus)}`);
        break;
      }
      await delay(20);
    }
    figures.recoveries++;
    figures.slowestRecoveryMs = Math.max(figures.slowestRecoveryMs, Math.round(performance.now() - began));
  }
}

/** Every cut that a BIOS executed must be one that an operation of ours was confirmed for. */
async function cutsOnly(): Promise<void> {
  let before = seen.cuts();
  let strayed = '[]';
  let told = '[]';
  let toldKeys = 0;
  while (running()) {
    await delay(50);
    const { bus, nodes } = seen.host.simulator.rack.counters();
    const stray = [
      ['00 (master)', bus.masterForConsole.printable] as const,
      ...Object.entries(nodes).map(([name, node]) => [name, node.biosForConsole.printable] as const),
    ].filter(([, count]) => count > 0);
    // Told when no more of them come: a word is one trouble.
    const [text, settled] = [JSON.stringify(stray), JSON.stringify(stray) === strayed];
    if (settled && text !== told) trouble(`keys in a BIOS: ${stray.map((one) => one.join(' ')).join(', ')}`);
    if (settled) {
      told = text;
      const keys = stray.reduce((sum, [, count]) => sum + count, 0);
      figures.mostKeysAtOnce = Math.max(figures.mostKeysAtOnce, keys - toldKeys);
      toldKeys = keys;
    }
    strayed = text;
    const now = seen.cuts();
    for (const [addr, count] of now) {
      if (count === before.get(addr) || (permits.get(addr) ?? 0) > performance.now()) continue;
      figures.wrongCuts++;
      trouble(`${formatAddress(addr)} was cut, and nobody had confirmed that`);
    }
    before = now;
  }
}

/** Somebody at a console: opens one, presses Enter, types a little, leaves. */
async function typing(): Promise<void> {
  while (running()) {
    await delay(random() * 4_000);
    await asking(async (client) => {
      const addr = slave();
      await client.request('console.attach', { addr, take: true, watch: false });
      journal.note(`console of ${formatAddress(addr)} opened`);
      client.on('console.note', ({ text }) => journal.note(`console of ${formatAddress(addr)}: ${text}`));
      figures.consoles++;
      for (const text of ['\r', '\r', 'uptime\r', `${String.fromCharCode(7)}\\\r`]) {
        client.note('console.input', {
          addr,
          data: Buffer.from(text, 'latin1').toString('base64'),
          at: client.now(),
        });
        figures.typed += text.length;
        journal.note(`typed at ${formatAddress(addr)}: ${JSON.stringify(text)}`);
        await delay(random() * 800);
      }
      await client.request('console.detach', {});
      journal.note(`console of ${formatAddress(addr)} left`);
    });
  }
}

/** Power operations on single nodes, some aborted; one that says done must be. */
async function switching(): Promise<void> {
  while (running()) {
    await delay(random() * 3_000);
    await asking(async (client) => {
      const addr = slave();
      const verb = pick<Verb>(['on', 'off', 'force-off', 'cycle', 'force-cycle']);
      if (cuts(verb)) permits.set(addr, Infinity);
      try {
        const name = `n${addr}`;
        const confirm = confirmationText([name], name);
        const { id } = await client.request('power.start', {
          ...{ verb, nodes: [addr], label: name, confirm, deadlineS: 20, onDeadline: pick(['leave', 'cut']) },
          takeConsole: true,
        });
        figures.operations++;
        journal.note(`operation ${id}: ${verb} of ${formatAddress(addr)}`);
        if (random() < 0.15)
          setTimeout(() => {
            void client.request('ops.abort', { id }).catch(() => undefined);
          }, 1_500);
        for (;;) {
          const operation = (await client.request('ops.list', {})).find((one) => one.id === id);
          const node = operation?.nodes[0];
          if (operation === undefined || node === undefined) break;
          if (node.question && operation.endedAt === null) {
            const { key } = pick(node.question.choices);
            const choice = node.question.choices.find((one) => one.key === key);
            await client
              .request('ops.answer', {
                id,
                addr,
                question: node.question.id,
                choice: key,
                confirm: choice?.confirm ?? null,
              })
              .catch(() => undefined);
          }
          if (operation.endedAt !== null) {
            journal.note(`operation ${id}: ${node.outcome ?? 'ended'}: ${node.detail}`);
            if (node.outcome === 'done') judge(addr, verb, operation.endedAt);
            break;
          }
          await delay(100);
        }
      } finally {
        if (permits.has(addr)) permits.set(addr, performance.now() + PERMIT_MS);
      }
    });
  }
}

function judge(addr: number, verb: Verb, endedAt: number): void {
  figures.operationsDone++;
  const wanted = verb === 'off' || verb === 'force-off' ? 'off' : 'on';
  // From before its end was told: what becomes of the node later is another matter.
  const said = seen.lastSaid(addr, Date.now() - endedAt + 2_000);
  if (said.length === 0 || said.includes(wanted)) return;
  figures.falselyDone++;
  trouble(`${verb} of ${formatAddress(addr)} is called done, its BMC last said ${said.join(', ')}`);
}

/** Clients that come, look and go, in order or just so. */
async function clients(): Promise<void> {
  while (running()) {
    await delay(300 + random() * 2_000);
    await asking(async (client) => {
      figures.clientRestarts++;
      if (random() < 0.5) await client.request('sweep', { addrs: [slave(), slave()], interrupt: random() < 0.3 });
    });
  }
}

/** The server dies three times in the first third, as by `kill -9` or in order; then one lives on, whose memory counts. */
async function restarts(): Promise<void> {
  for (let n = 0; n < 3; n++) {
    await delay((minutes * 60_000) / 9);
    restarting = (async () => {
      await rack.killServer(pick(['SIGKILL', 'SIGTERM']));
      journal.note('the server died');
      // What a dead server had sent is still the rack's to execute.
      for (const addr of permits.keys()) permits.set(addr, performance.now() + PERMIT_MS);
      await delay(random() * 500);
      await rack.startServer();
      await picture.connect();
      figures.serverRestarts++;
    })();
    await restarting;
    restarting = null;
  }
  await delay(Math.min(60_000, (minutes * 60_000) / 6));
  figures.memoryStartMb = residentMb();
}

/** Does it as a client of its own; a server that is gone meanwhile, or says no, is part of the game. */
async function asking(work: (client: RackClient) => Promise<void>): Promise<void> {
  if (restarting) await restarting;
  let client: RackClient | null = null;
  try {
    client = await rack.client('soak');
    await work(client);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  } finally {
    client?.close();
  }
}

async function progress(): Promise<void> {
  let told = 0;
  for (let n = 1; running(); n++) {
    await delay(Math.min(10_000, Math.max(0, end - performance.now())));
    for (const lie of picture.lies.slice(told)) console.error(`lie: ${lie}`);
    told = picture.lies.length;
    if (n % 6 === 0)
      console.error(
        `${n / 6} min: ${picture.exchanges} exchanges, ${figures.faults} faults, ${figures.recoveries} recoveries, ${picture.lies.length} lies, ${figures.wrongCuts} wrong cuts, ${residentMb()} MB`,
      );
  }
}

function residentMb(): number {
  const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${rack.serverPid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kb) / 102.4) / 10;
}

function failed(why: string): never {
  throw new Error(why);
}
