/**
 * One stand on which scenarios are played one after another, each on a node of its own: the real server over a simulated
 * line, guests thirty times as fast. A ledger keeps, over all scenes, what the racks counted against what was allowed.
 * A virtual scene is in this process and in virtual time; one at a time, because it is the time of the whole process.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { NodeProgress, Operation, Outcome, PowerRequest, Verb } from '../../src/api/power.ts';
import type { RackClient } from '../../src/client/client.ts';
import type { GuestPhase } from '../../src/sim/guest/guest.ts';
import type { NodeDescription } from '../../src/sim/rack/node.ts';
import type { SshHosts } from '../support/ssh-hosts.ts';
import { stand, type Stand } from '../support/stand.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { virtualStand } from '../support/virtual-stand.ts';

/** What section 5 of the shutdown's design calls a scenario, and how it is played. */
export interface Scenario {
  says: string;
  play: (scene: Scene) => Promise<void>;
}

/** A control verb of the simulator and its values; the node is added. */
export type Fault = readonly [verb: string, params?: Record<string, unknown>];

export interface SceneOptions {
  /** Configuration beside nodes, limits and login, as YAML lines. */
  config?: string;
  sim?: string[];
  /** More of a node's entry: `, ip: 127.0.0.1`. */
  node?: (addr: number) => string;
  /** More limits of the shutdown. */
  limits?: string;
  virtual?: boolean;
  /** Real ssh servers behind the nodes. */
  ssh?: () => Promise<SshHosts>;
}

/** Guest seconds pass in this many a second: a stop job of 90 s is three of ours. */
const TIME_SCALE = 30;
const NODES = 24;
const WAIT_MS = 60_000;

/** The states' limits, for guests of this speed. What is typed and read is not faster: those limits stay in our own seconds. */
const LIMITS = 'request: 10, acknowledged: 4, stopping: 5, hard: 8, settle: 1, cyclePause: 0.5';

/** Cuts by what the racks counted: `wrong` hit a node that should have stayed on. */
export const ledger: { scenario: string; node: string; cuts: number; allowed: boolean }[] = [];

export const wrongCuts = (): typeof ledger => ledger.filter(({ cuts, allowed }) => cuts > 0 && !allowed);

export class Scene implements AsyncDisposable {
  readonly stand: Stand;
  /** The last state of each operation that the server told of. */
  readonly operations = new Map<string, Operation>();
  /** Looks of those who wait for what an operation comes to. */
  readonly #waiting = new Set<() => void>();
  #client: RackClient;
  readonly hosts: SshHosts | null;
  readonly #secrets: string;
  readonly #clock: VirtualClock | null;
  /** Nodes that this scenario may cut. */
  readonly #allowed = new Set<string>();
  #cuts = new Map<string, number>();
  #next = 1;

  private constructor(
    stand: Stand,
    client: RackClient,
    secrets: string,
    hosts: SshHosts | null,
    clock: VirtualClock | null,
  ) {
    this.#clock = clock;
    this.stand = stand;
    this.#client = client;
    this.hosts = hosts;
    this.#secrets = secrets;
  }

  static async open(options: SceneOptions = {}): Promise<Scene> {
    const { config = '', sim = [], node = () => '', limits = '', ssh, virtual = false } = options;
    const secrets = mkdtempSync(join(tmpdir(), 'rackui-secret-'));
    writeFileSync(join(secrets, 'password'), 'raspberry\n', { mode: 0o600 });
    const hosts = (await ssh?.()) ?? null;
    const nodes = Array.from({ length: NODES }, (_, addr) => {
      const role = addr === 0 ? ', role: master' : '';
      return `  - { addr: "${hex(addr)}", name: ${nameOf(addr)}${role}${addr === 0 ? '' : node(addr)} }`;
    });
    const text = `name: scene
poll: { interval: 2 }
login: { user: pi, password: { file: ${join(secrets, 'password')} } }
shutdown: { ${LIMITS}${limits === '' ? '' : `, ${limits}`} }
${hosts?.config ?? ''}${config}
nodes:
${nodes.join('\n')}
`;
    // A busy machine delivers together what was sent apart: how the bridge loses that is another test's business.
    const place = { config: text, sim: ['--time-scale', String(TIME_SCALE), '--no-loss', ...sim] };
    const clock = virtual ? new VirtualClock() : null;
    const one = await (clock ? virtualStand({ clock, ...place }) : stand(place));
    hosts?.obey(one.rack.control);
    const scene = new Scene(one, await one.client('scenarios'), secrets, hosts, clock);
    scene.#listen();
    await scene.ready();
    return scene;
  }

  /** A session after the server was started anew. */
  async restarted(): Promise<void> {
    await this.reconnect();
    await this.ready();
  }

  /** A session after the server stood still for longer than a session waits; what it does goes on. */
  async reconnect(): Promise<void> {
    this.#client.close();
    this.#client = await this.stand.client('scenarios');
    this.#listen();
    for (const operation of await this.#client.request('ops.list', {})) this.#note(operation);
  }

  get session(): RackClient {
    return this.#client;
  }

  /** Plays it, then holds what the rack counted against what the scenario allowed. */
  async play({ says, play }: Scenario): Promise<void> {
    this.#allowed.clear();
    try {
      await play(this);
    } finally {
      // What a failed one left running would hold the console against the next.
      for (const { id, endedAt } of await this.#client.request('ops.list', {}))
        if (endedAt === null) await this.#client.request('ops.abort', { id });
      await this.#account(says);
    }
  }

  /** The next node that no scenario has touched. */
  fresh(): number {
    if (this.#next >= NODES) throw new Error('this scene has no nodes left: spread its scenarios over two');
    return this.#next++;
  }

  async ctl(addr: number, ...faults: Fault[]): Promise<void> {
    for (const [verb, params] of faults) await this.stand.rack.ctl(verb, { node: hex(addr), ...params });
  }

  node(addr: number): Promise<NodeDescription> {
    return this.stand.rack.node(hex(addr));
  }

  async guest(addr: number, ...phases: GuestPhase[]): Promise<void> {
    await this.stand.rack.until(
      ({ nodes }) => phases.includes(nodes.find((one) => one.addr === hex(addr))?.guest ?? 'dead'),
      WAIT_MS,
    );
  }

  /** What an operator asks for who typed what was wanted. */
  request(verb: Verb, addrs: number[], more: Partial<PowerRequest> = {}): PowerRequest {
    const label = addrs.length === 1 ? nameOf(addrs[0] ?? 0) : 'these';
    const confirm = addrs.length === 1 ? label : `${label} ${addrs.length}`;
    const usual = { deadlineS: null, onDeadline: 'leave', takeConsole: false } as const;
    return { verb, nodes: addrs, label, confirm, ...usual, ...more };
  }

  /** A fresh node with these faults is asked, seen to halt, and cut; its address. */
  async halts(...faults: Fault[]): Promise<number> {
    const addr = this.fresh();
    await this.ctl(addr, ...faults);
    this.allow(addr);
    const { id } = await this.start('off', [addr]);
    await this.goesOff(id, addr);
    return addr;
  }

  start(verb: Verb, addrs: number[], more: Partial<PowerRequest> = {}): Promise<Operation> {
    return this.#client.request('power.start', this.request(verb, addrs, more));
  }

  /** This scenario may cut these nodes. */
  allow(...addrs: number[]): void {
    for (const addr of addrs) this.#allowed.add(hex(addr));
  }

  /** Where the node stands in the operation, once `holds`. */
  until(id: string, addr: number, holds: (node: NodeProgress) => boolean): Promise<NodeProgress> {
    const look = (): NodeProgress | undefined => this.operations.get(id)?.nodes.find((one) => one.addr === addr);
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const node = look();
        if (!node || !holds(node)) return;
        clearTimeout(limit);
        this.#waiting.delete(check);
        resolve(node);
      };
      const limit = setTimeout(() => {
        this.#waiting.delete(check);
        const now = JSON.stringify(look(), null, 1);
        reject(new Error(`${nameOf(addr)} did not come to what is waited for; it is: ${now}`));
      }, WAIT_MS);
      this.#waiting.add(check);
      check();
    });
  }

  /** Asked a question, or ended. */
  settled(id: string, addr: number): Promise<NodeProgress> {
    return this.until(id, addr, ({ outcome, question }) => outcome !== null || question !== null);
  }

  /** Expects that the node went off by itself and was cut after that. */
  async goesOff(id: string, addr: number): Promise<void> {
    const { outcome, question, detail } = await this.settled(id, addr);
    expect({ outcome, question: question?.text, detail }).toMatchObject({ outcome: 'done', question: undefined });
    expect(await this.node(addr)).toMatchObject({ power: 'off', guest: 'dead' });
    await this.wasHalted(addr);
  }

  /** Expects that no cut hit it while its system ran. */
  async wasHalted(addr: number): Promise<void> {
    expect((await this.stand.rack.counters()).nodes[hex(addr)]?.cutAlive).toBe(0);
  }

  /** Expects a question with these words; answers that the node is left on. */
  async asks(id: string, addr: number, words: RegExp): Promise<void> {
    const { question, detail, outcome } = await this.settled(id, addr);
    expect(question?.text ?? `no question, but ${outcome ?? ''}: ${detail}`).toMatch(words);
    expect(question?.choices[0]?.danger).toBe(false);
    await this.#client.request('ops.answer', {
      id,
      addr,
      question: question?.id ?? '',
      choice: 'leave',
      confirm: null,
    });
    await this.ends(id, addr, 'left-on');
  }

  async ends(id: string, addr: number, outcome: Outcome): Promise<void> {
    const node = await this.until(id, addr, (one) => one.outcome !== null);
    expect(node).toMatchObject({ outcome });
    expect((await this.node(addr)).power).toBe('on');
  }

  /**
   * Stops the server (SIGSTOP, as a swapping or suspended machine stops it), does `meanwhile`, and lets it go on after `ms`
   * at the earliest.
   */
  async stopped(ms: number, meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    await this.stand.whileStopped(async () => {
      await Promise.all([new Promise((resolve) => setTimeout(resolve, ms)), meanwhile()]);
    });
    // A session does not wait for so long.
    await this.reconnect();
  }

  /** Lets virtual time pass during `work` although a program of the server's runs, one that waits for this test. */
  async besidePrograms(work: () => Promise<void>): Promise<void> {
    if (this.#clock) this.#clock.passesPrograms = true;
    await work().finally(() => {
      if (this.#clock) this.#clock.passesPrograms = false;
    });
  }

  /** Somebody presses its button, or the watchdog does: it starts again. */
  async startsAgain(addr: number): Promise<void> {
    await this.ctl(addr, ['power', { state: 'off' }], ['power', { state: 'on' }]);
    await this.guest(addr, 'login');
  }

  /** How often its power was cut, and how often while its system ran. */
  async cuts(addr: number): Promise<{ off: number; cutAlive: number }> {
    const { nodes } = await this.stand.rack.counters();
    const { off, cutAlive } = nodes[hex(addr)] ?? { off: -1, cutAlive: -1 };
    return { off, cutAlive };
  }

  /** The bus answers and every node was asked. */
  async ready(): Promise<void> {
    await eventually(
      async () => {
        const { bus } = await this.#client.request('sweep', { addrs: null, interrupt: false });
        expect(bus.state).toBe('ready');
      },
      WAIT_MS,
      50,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stand[Symbol.asyncDispose]();
    await this.hosts?.[Symbol.asyncDispose]();
    rmSync(this.#secrets, { recursive: true, force: true });
    this.#clock?.[Symbol.dispose]();
  }

  #listen(): void {
    this.#client.on('operation', (operation) => this.#note(operation));
  }

  #note(operation: Operation): void {
    this.operations.set(operation.id, operation);
    for (const check of this.#waiting) check();
  }

  async #account(scenario: string): Promise<void> {
    const { bus, nodes } = await this.stand.rack.counters();
    for (const [node, { off }] of Object.entries(nodes)) {
      const cuts = off - (this.#cuts.get(node) ?? 0);
      this.#cuts.set(node, off);
      const allowed = this.#allowed.has(node);
      if (cuts > 0) ledger.push({ scenario, node, cuts, allowed });
      if (!allowed) expect({ scenario, node, cuts }).toEqual({ scenario, node, cuts: 0 });
    }
    // Nothing typed has reached a BIOS, and nobody cut the master.
    expect(bus).toMatchObject({ masterCuts: 0, catastrophe: false });
    const keys = Object.values(nodes).reduce((sum, { biosForConsole }) => sum + biosForConsole.printable, 0);
    expect(keys).toBe(0);
  }
}

/** Resolves with what `look` returns once it throws nothing; in virtual time where that is the stand's. */
export async function eventually<T>(look: () => T | Promise<T>, withinMs: number, everyMs: number): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await new Promise<void>((resolve) => setTimeout(resolve, everyMs));
  }
}

export function nameOf(addr: number): string {
  return addr === 0 ? 'boss' : `node-${hex(addr)}`;
}

export function hex(addr: number): string {
  return addr.toString(16).padStart(2, '0');
}
