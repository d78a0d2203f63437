/**
 * One outage on a stand of its own: NUT's own upsd with dummy UPSes on loopback, a simulated rack with guests in a hurry,
 * a real server; or all of it in this process and in virtual time, with a stand-in for upsd, one stage at a time. The
 * simulator's ledger says what was cut alive, what died with the battery, what was switched on.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OutageReport, OutageStatus } from '../../src/api/outage.ts';
import { connect, type RackClient } from '../../src/client/client.ts';
import type { Counters } from '../../src/sim/rack/counters.ts';
import { Deaths } from './deaths.ts';
import { isListed } from './journal-keys.ts';
import { startNut, type NutServer } from './nut.ts';
import type { CommandEnd } from './outage-command.ts';
import type { RackState, TestRack } from './rack.ts';
import { PROGRAM, stand, type Stand } from './stand.ts';
import { VirtualClock } from './virtual-clock.ts';
import { virtualNut } from './virtual-nut.ts';
import { virtualStand } from './virtual-stand.ts';

/** What comes at all comes within this, ms, on a machine with other things to do. */
const PATIENCE_MS = 120_000;
const EVERY_MS = 400;
/** From the death of a server until it is started again, ms. */
const RESTART_MS = 500;

export interface OutageStageOptions {
  /** Names of the UPSes; default: one, `apc`. */
  upses?: readonly string[];
  /** More settings of each UPS. */
  ups?: string;
  variables?: Readonly<Record<string, string>>;
  /** Settings of the policy. */
  policy?: string;
  /** More of the configuration. */
  config?: string;
  /** `nodes:` and `plans:` of another rack. */
  rack?: string;
  /** Options of the simulated rack. */
  sim?: readonly string[];
  /** More of the server's environment; `folder` is there already. */
  env?: (folder: string) => NodeJS.ProcessEnv;
  /** Nodes that nothing can shut down. */
  hopeless?: readonly string[];
  /** In virtual time the server is killed at these transitions of its journals, once at each, and started anew. */
  dieAt?: readonly string[];
  virtual?: boolean;
}

/** What became of it, as the table has it. */
export interface OutageRow {
  fault: string;
  nodes: string;
  evidence: string;
  time: string;
  cutAlive: number;
  leftToDie: number;
  switchedOn: number;
}

interface Command {
  ended: Promise<CommandEnd>;
}

export const OUTAGE_NODES = `
nodes:
  - { addr: "00", name: boss, role: master }
  - { addr: "01", name: dev1 }
  - { addr: "02", name: prod1 }
  - { addr: "03", name: prod2 }
  - { addr: "04", name: spare }
`;
export const OUTAGE_PLANS = `
plans:
  shed-dev: { steps: [{ name: dev, action: off, selector: dev1 }] }
  shed-all: { steps: [{ name: all, action: off, selector: "dev1 prod1 prod2 spare" }] }
  bring-up: { steps: [{ name: all, action: on, selector: "dev1 prod1 prod2 spare", stagger: 0 }] }
`;

const LIMITS = 'shutdown: { settle: 0.3, request: 8, acknowledged: 5, stopping: 10, hard: 15 }\nboot: { limit: 8 }\n';

/** In virtual time where that is the stage's. */
export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class OutageStage implements AsyncDisposable {
  readonly nut: NutServer;
  readonly place: Stand;
  /** Of NUT; the stand has one of its own. */
  readonly folder: string;
  /** Of the server that is asked. */
  socket: string;
  readonly #hopeless: readonly string[];
  readonly #children = new Set<ChildProcess>();
  /** When the mains went away, and how long the battery was said to last, s. */
  #awayAt: number | null = null;
  #batteryS: number | null = null;
  #shedAt: number | null = null;
  #leftToDie = 0;
  /** Of an outage that is over. */
  #over: OutageReport | null = null;
  /** As the nodes stood, and the report, when the battery ended; null: it has not, or the mains have returned since. */
  #atTheEnd: { nodes: RackState['nodes']; report: OutageReport | null } | null = null;

  /** Keys at which servers died in virtual time, in order. */
  readonly died: readonly string[];
  readonly #clock: VirtualClock | null;
  #session: { socket: string; client: RackClient } | null = null;

  private constructor(
    nut: NutServer,
    place: Stand,
    folder: string,
    hopeless: readonly string[],
    clock: VirtualClock | null,
    deaths: Deaths,
  ) {
    this.#clock = clock;
    this.died = deaths.died;
    this.nut = nut;
    this.place = place;
    this.socket = place.socket;
    this.folder = folder;
    this.#hopeless = hopeless;
  }

  static async set(options: OutageStageOptions = {}): Promise<OutageStage> {
    const {
      upses = ['apc'],
      ups = '',
      policy = '',
      rack = OUTAGE_NODES + OUTAGE_PLANS,
      config = '',
      sim = [],
      hopeless = [],
      variables = {},
      virtual = false,
    } = options;
    const folder = mkdtempSync(join(tmpdir(), 'rackui-outage-'));
    writeFileSync(join(folder, 'password'), 'raspberry\n', { mode: 0o600 });
    const clock = virtual ? new VirtualClock() : null;
    const nut = await (clock ? virtualNut(upses, { variables }) : startNut(folder, upses, { variables }));
    const lines = upses.map((name) => `  - { name: ${name}, port: ${nut.port}, poll: 0.3${ups} }\n`).join('');
    const text = [
      `name: outage\n${rack}`,
      `login: { user: pi, password: { file: ${join(folder, 'password')} } }\n`,
      /^shutdown:/m.test(config) ? '' : LIMITS,
      config,
      `ups:\n${lines}`,
      `outage: { margin: 5, restore: { after: 1, charge: 50 }${policy} }\n`,
    ].join('');
    const rackOptions = ['--time-scale', '30', '--no-loss', '--line-rate', 'unlimited', ...sim];
    const deaths: Deaths = new Deaths(
      (key) => isListed(key, options.dieAt ?? []),
      () => place,
    );
    let place: Stand;
    try {
      place = await (clock
        ? virtualStand({ clock, sim: rackOptions, config: text, journal: deaths.witness })
        : stand({ sim: rackOptions, config: text, env: options.env?.(folder) ?? {} }));
      const stage = new OutageStage(nut, place, folder, hopeless, clock, deaths);
      if (options.dieAt) void stage.#startAfter(deaths);
      await stage.#ready();
      return stage;
    } catch (error) {
      await nut[Symbol.asyncDispose]();
      clock?.[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get rack(): TestRack {
    return this.place.rack;
  }

  endPrograms(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.endPrograms();
    this.#session?.client.close();
    await this.place[Symbol.asyncDispose]();
    await this.nut[Symbol.asyncDispose]();
    this.#clock?.[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Starts the server again after each death, as a service manager does. */
  async #startAfter(deaths: Deaths): Promise<void> {
    for (let dead = deaths.next(); ;) {
      await dead;
      await delay(RESTART_MS);
      dead = deaths.next();
      // One that dies as it starts has not started.
      await Promise.race([this.place.startServer(), dead]);
    }
  }

  /** Off on purpose before the outage: it has to stay off. */
  async #ready(): Promise<void> {
    const state = await this.rack.state();
    const spare = state.nodes.find(({ name }) => name === 'spare');
    if (spare) await this.rack.ctl('power', { node: spare.addr, state: 'off' });
    await this.rack.ctl('reset-counters');
    await this.sweep();
    await this.until('the UPS to be on mains', ({ policies }) => policies[0]?.supply.state === 'mains');
  }

  async sweep(): Promise<void> {
    const client = await this.place.client();
    await client.request('sweep', { addrs: null, interrupt: false });
    client.close();
  }

  /** By one session as long as it lasts, because each begins with the whole state of the rack. */
  async status(): Promise<OutageStatus> {
    const { socket } = this;
    if (this.#session?.socket !== socket) {
      this.#session?.client.close();
      const who = { user: 'test', from: null, tty: null, program: 'test', pid: process.pid };
      const session = { socket, client: await connect(socket, who) };
      session.client.onClose(() => {
        if (this.#session === session) this.#session = null;
      });
      this.#session = session;
    }
    return this.#session.client.request('outage.status', {});
  }

  async report(): Promise<OutageReport | null> {
    return (await this.status()).policies[0]?.outage ?? null;
  }

  async until(what: string, holds: (status: OutageStatus) => boolean, patienceMs = PATIENCE_MS): Promise<OutageStatus> {
    const deadline = performance.now() + patienceMs;
    let seen: OutageStatus | null = null;
    for (;;) {
      await delay(EVERY_MS);
      try {
        seen = await this.status();
        if (holds(seen)) return seen;
      } catch (error) {
        // A server that is being started anew.
        if (performance.now() > deadline) throw error;
      }
      if (performance.now() > deadline) {
        const { nodes } = await this.rack.state();
        const standing = nodes.map(({ name, power, guest }) => `${name} ${power} ${guest}`);
        throw new Error(`waited in vain for ${what}: ${JSON.stringify({ standing, seen }, null, 1)}`);
      }
    }
  }

  /** Waits until the outage's own words contain `line`. */
  async told(line: RegExp): Promise<void> {
    await this.until(`the words ${String(line)}`, ({ policies }) =>
      (policies[0]?.outage?.lines ?? []).some(({ text }) => line.test(text)),
    );
  }

  async node(name: string, holds: (node: RackState['nodes'][number]) => boolean): Promise<void> {
    await this.rack.until(({ nodes }) => nodes.some((node) => node.name === name && holds(node)), PATIENCE_MS);
  }

  /** The mains fail; `batteryS`: what the UPS says of its runtime. */
  async away(batteryS: number | null = null, status = 'OB', ...upses: string[]): Promise<void> {
    for (const ups of upses.length > 0 ? upses : ['apc']) {
      if (batteryS !== null) await this.nut.set(ups, 'battery.runtime', String(batteryS));
      await this.nut.set(ups, 'ups.status', status);
    }
    this.#awayAt ??= performance.now();
    this.#batteryS ??= batteryS;
  }

  async back(): Promise<void> {
    await this.nut.set('apc', 'ups.status', 'OL CHRG');
  }

  /** Sets the machine's date by so many seconds; of a stage with faketime's clock in {@link folder}, or in virtual time. */
  setDate(seconds: number): void {
    if (this.#clock) this.#clock.setDate(seconds * 1000);
    else writeFileSync(join(this.folder, 'clock'), `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }

  /** Waits until the last plan has ended, however. */
  async shed(): Promise<void> {
    await this.told(/^plan shed-all ended/);
    this.#shedAt ??= performance.now();
  }

  /** The battery is empty: rack, master and server lose their power; what ran dies with it. */
  async dark(): Promise<void> {
    const report = await this.report().catch(() => null);
    await this.place.killServer('SIGKILL');
    this.#atTheEnd = { nodes: (await this.rack.state()).nodes, report };
    this.#forgetBoot();
    await this.rack.ctl('battery', { wh: 0 });
    await this.rack.ctl('mains', { on: false });
    const { nodes } = await this.rack.state();
    const { nodes: counted } = await this.rack.counters();
    this.#leftToDie = nodes.filter(
      ({ addr, name }) => (counted[addr]?.lostPower ?? 0) > 0 && !this.#hopeless.includes(name),
    ).length;
  }

  /** What was written down was written in another boot of this machine. */
  #forgetBoot(): void {
    for (const name of ['outages', 'plans', 'operations']) {
      const path = join(this.place.folder, `${name}.jsonl`);
      if (existsSync(path))
        writeFileSync(path, readFileSync(path, 'utf8').replace(/"boot":"[^"]*"/g, '"boot":"before"'));
    }
  }

  /** Mains return: nodes boot or not, as the rack's habit is, and this machine's server starts. */
  async light(): Promise<void> {
    await this.rack.ctl('mains', { on: true });
    await this.nut.set('apc', 'ups.status', 'OL CHRG');
    this.#atTheEnd = null;
    await this.place.startServer();
  }

  async over(patienceMs = PATIENCE_MS): Promise<OutageReport> {
    const isOver = (status: OutageStatus): boolean => typeof status.policies[0]?.outage?.endedAt === 'number';
    const { policies } = await this.until('the end of the outage', isOver, patienceMs);
    const report = policies[0]?.outage;
    if (!report) throw new Error('there is no report');
    this.#over = report;
    return report;
  }

  /** Runs `rackui outage …` against the stand's server, in virtual time in this process. */
  command(...args: string[]): Command {
    const { socket } = this.place;
    if (!this.#clock) return this.start([process.execPath, PROGRAM, '--socket', socket, 'outage', ...args]);
    return { ended: import('./outage-command.ts').then(({ outageCommand }) => outageCommand(socket, ...args)) };
  }

  /** Runs a program that ends with the stage at the latest. */
  start([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv = process.env): Command {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    this.#children.add(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    const ended = new Promise<CommandEnd>((resolve) => {
      child.once('close', (code) => {
        this.#children.delete(child);
        resolve({ code, said });
      });
    });
    return { ended };
  }

  /** The outage's own words, as of {@link row}. */
  lines: readonly string[] = [];

  /** What the ledger and the outage's own report come to. */
  async row(fault: string): Promise<OutageRow> {
    const report = this.#atTheEnd === null ? (this.#over ?? (await this.report())) : this.#atTheEnd.report;
    this.lines = report?.lines.map(({ text }) => text) ?? [];
    const { nodes, bus }: Counters = await this.rack.counters();
    const standing = this.#atTheEnd?.nodes ?? (await this.rack.state()).nodes;
    const slaves = standing.filter(({ addr }) => addr !== '00');
    const spare = slaves.find(({ name }) => name === 'spare');
    return {
      fault,
      nodes: grouped(slaves.map(({ name, power, guest }) => [name, power === 'off' ? 'off' : `on (${guest})`])),
      evidence: grouped((report?.nodes ?? []).map(({ name, state, detail }) => [name, `${STATES[state]}: ${detail}`])),
      time: this.#time(),
      cutAlive: bus.masterCuts + slaves.reduce((sum, { addr }) => sum + (nodes[addr]?.cutAlive ?? 0), 0),
      leftToDie: this.#leftToDie,
      switchedOn: spare === undefined ? 0 : (nodes[spare.addr]?.on ?? 0),
    };
  }

  #time(): string {
    if (this.#awayAt === null || this.#shedAt === null) return '-';
    const took = ((this.#shedAt - this.#awayAt) / 1000).toFixed(0);
    return this.#batteryS === null ? `${took} s` : `${took} of ${this.#batteryS} s`;
  }
}

const STATES: Record<OutageReport['nodes'][number]['state'], string> = {
  on: 'on',
  taken: 'shut down',
  lost: 'lost power',
  restored: 'back',
  'came-back': 'back by itself',
  missing: 'not back',
};

/** `dev1, prod1 off; prod2 on (login)`: names that share their words stand together. */
function grouped(pairs: readonly (readonly [string, string])[]): string {
  const groups = new Map<string, string[]>();
  for (const [name, text] of pairs) groups.set(text, [...(groups.get(text) ?? []), name]);
  return [...groups]
    .map(([text, names]) => `${names.length > 6 ? `${names.length} nodes` : names.join(', ')} ${text}`)
    .join('; ');
}
