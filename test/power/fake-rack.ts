/** A rack for operations in virtual time: BMCs that do what a test says, a scripted console, disks that may fail. */
import type { ClientIdentity } from '../../src/api/methods.ts';
import type { Operation, PowerRequest } from '../../src/api/power.ts';
import type { BusHealth, StatusOutcome, VerbOutcome } from '../../src/bmc/types.ts';
import { readScreenState, type ScreenState } from '../../src/console/screen-state.ts';
import type { ProgramEnd } from '../../src/lib/subprocess.ts';
import { Operations } from '../../src/power/operations.ts';
import {
  ConsoleHeld,
  mayTake,
  type ConsoleHolder,
  type AuditEntry,
  type ConsoleCondition,
  type Credentials,
  type HaltBand,
  type Hook,
  type HookMoment,
  type NetworkPort,
  type OperationConsole,
  type OperationPorts,
} from '../../src/power/ports.ts';
import { type HostSeen, type Inventory, unnamedNode } from '../../src/rack/inventory.ts';
import type { Power, Sample } from '../../src/rack/reading.ts';
import { nextSystem, UNKNOWN_SYSTEM, type SystemSign, type SystemState } from '../../src/rack/system-state.ts';

export const START = Date.UTC(2026, 6, 14, 12, 0, 0);

/** Time that passes only when a test says so. */
class VirtualClock {
  time = START;
  readonly #timers = new Set<{ at: number; ms: number; fn: () => void }>();

  every(ms: number, fn: () => void): () => void {
    const timer = { at: this.time + ms, ms, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets `ms` pass, timer by timer; everything that a timer set off settles before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.time = Math.max(this.time, due.at);
      due.at += due.ms;
      due.fn();
      await settle();
    }
    this.time = end;
  }
}

/** Every promise that can resolve without time has done so. */
export async function settle(): Promise<void> {
  for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve));
}

export const OPERATOR: ClientIdentity = { user: 'ada', from: '192.0.2.7', tty: '/dev/pts/3', program: 'off', pid: 42 };

const INVENTORY: Inventory = {
  name: 'test',
  configured: true,
  calibration: null,
  nodes: [
    { ...unnamedNode(0), name: 'mcp01', role: 'master' },
    { ...unnamedNode(1), name: 'dk8s-worker-01', role: 'worker', cluster: 'dev', chassisFan: 1 },
    { ...unnamedNode(2), name: 'k8s-controlplane-01', role: 'controlplane', cluster: 'prod' },
    { ...unnamedNode(3), name: 'k8s-worker-04', role: 'worker', cluster: 'prod' },
    { ...unnamedNode(4), name: 'ns01', role: 'dns', protected: true },
    { ...unnamedNode(5), name: 'dk8s-worker-02', role: 'worker', cluster: 'dev' },
  ],
};

export class FakeRack {
  readonly clock = new VirtualClock();
  readonly startedAt = START;
  readonly power = new Map<number, Power>(INVENTORY.nodes.map(({ addr }) => [addr, 'on']));
  health: BusHealth = { phase: 'ready', detail: '', master: 0 };
  inventory = structuredClone(INVENTORY);
  /** What a node's BMC answers instead of its status. */
  readonly trouble = new Map<number, StatusOutcome>();
  /** A sweep has just read every node. */
  swept = false;
  /** So many status requests are not answered. */
  lostReplies = 0;
  /** What becomes of a verb instead of success; may change the rack first. */
  onVerb: ((addr: number, verb: 'on' | 'off') => VerbOutcome | null) | null = null;
  /** Runs while a verb is under way, before it takes effect. */
  duringVerb: (() => Promise<void>) | null = null;
  auditFails: Error | null = null;
  journalFails: Error | null = null;
  disk: () => Promise<void> = () => Promise.resolve();
  unfinished: Operation[] = [];
  credentials: Credentials | null = null;
  readonly hosts = new Map<number, HostSeen>();
  holder: (Pick<ConsoleHolder, 'addr' | 'session' | 'name'> & Partial<ConsoleHolder>) | null = null;
  console = new FakeConsole();
  /** Where each node has its own, kept by address. */
  consoleFor: ((addr: number) => FakeConsole) | null = null;
  readonly consoles = new Map<number, FakeConsole>();
  /** Counts, where they are not the usual. */
  readonly currents = new Map<number, number>();

  limits: OperationPorts['limits'] = {
    request: 60,
    acknowledged: 15,
    stopping: 180,
    hard: 300,
    settle: 5,
    cyclePause: 2,
    cutOn: 'A',
    networkGone: 100,
    steady: 15,
  };
  /** Most tests are not about what comes after the status. */
  boot: OperationPorts['boot'] = { proof: 'status', limit: 120 };
  network: FakeNetwork | null = null;
  hooks: (Hook & { when: HookMoment })[] = [];
  readonly bands = new Map<number, HaltBand>();
  /** `off 03` → ms. */
  readonly usual = new Map<string, number>();
  /** `off 03 12.5`: seconds. */
  readonly took: string[] = [];
  readonly observed: { addr: number; running: number; halted: number[] }[] = [];
  readonly systems = new Map<number, SystemState>();

  /** Everything that left or was written down, in order. */
  readonly log: string[] = [];
  readonly audits: AuditEntry[] = [];
  readonly events: string[] = [];
  readonly published: Operation[] = [];
  onPublished: (operation: Operation) => void = () => undefined;
  readonly journalled: Operation[] = [];
  readonly operations: Operations;

  constructor() {
    this.operations = new Operations(this.ports());
  }

  /** When each verb went out, `off 03` → seconds since the start. */
  readonly verbs: { verb: string; at: number }[] = [];

  sample(addr: number, power = this.power.get(addr) ?? 'on'): Sample {
    return { power, current: this.currents.get(addr) ?? 29, fan: 116, at: this.clock.time, rttMs: 3 };
  }

  status(addr: number): StatusOutcome {
    if (this.health.phase !== 'ready') return { ok: false, failure: 'bus', detail: this.health.detail };
    if (this.lostReplies > 0) {
      this.lostReplies--;
      return { ok: false, failure: 'silent', detail: `the BMC at ${hex(addr)} does not answer` };
    }
    return this.trouble.get(addr) ?? { ok: true, sample: this.sample(addr), master: addr === 0 };
  }

  ports(): OperationPorts {
    const later = (): Pick<FakeRack, 'limits' | 'boot' | 'network'> => this;
    return {
      now: () => this.clock.time,
      every: (ms, fn) => this.clock.every(ms, fn),
      inventory: () => this.inventory,
      reading: (addr) =>
        this.swept ? { state: 'ok', sample: this.sample(addr), source: 'sweep' } : { state: 'unasked' },
      bus: this.bus(),
      console: {
        holder: () => this.holder && { lent: false, silent: false, ...this.holder },
        acquire: (addr, _opId, { session, take }) => {
          if (this.holder && this.holder.session !== session && !mayTake({ silent: false, ...this.holder }, take))
            return Promise.reject(new ConsoleHeld(this.holder.name));
          this.log.push(`console ${hex(addr)}`);
          const console = this.consoles.get(addr) ?? this.consoleFor?.(addr) ?? this.console;
          console.opened(() => this.clock.time);
          return Promise.resolve(console);
        },
      },
      hostSeen: (addr) => this.hosts.get(addr) ?? null,
      credentials: () => {
        this.log.push('credentials asked for');
        return Promise.resolve(this.credentials);
      },
      publish: (operation) => {
        this.published.push(operation);
        this.onPublished(operation);
      },
      event: (level, _addr, text) => this.events.push(`${level}: ${text}`),
      audit: (entry) => {
        if (this.auditFails) return Promise.reject(this.auditFails);
        this.audits.push(structuredClone(entry));
        this.log.push(`audit ${entry.stage} ${entry.node.addr}`);
        return Promise.resolve();
      },
      journal: {
        write: async (operation) => {
          await this.disk();
          if (this.journalFails) throw this.journalFails;
          this.journalled.push(operation);
        },
        unfinished: () => this.unfinished,
      },
      // Tests change these after the operations were made.
      get limits() {
        return later().limits;
      },
      get boot() {
        return later().boot;
      },
      get network() {
        return later().network;
      },
      hooks: (when) => this.hooks.filter((hook) => hook.when === when),
      haltBands: {
        get: (addr) => this.bands.get(addr) ?? null,
        observed: (addr, running, halted) => this.observed.push({ addr, running, halted: [...halted] }),
      },
      durations: {
        usual: (addr, way) => this.usual.get(`${way} ${hex(addr)}`) ?? null,
        latest: () => [],
        recordDuration: (addr, way, ms) => this.took.push(`${way} ${hex(addr)} ${ms / 1000}`),
      },
      systems: {
        get: (addr) => this.systems.get(addr) ?? UNKNOWN_SYSTEM,
        sign: (addr, kind, text) => this.sign(addr, kind, text),
        unwatched: (addr) => this.unwatched(addr),
      },
    };
  }

  /** What shows of a node's system. */
  sign(addr: number, kind: SystemSign['kind'], text: string = kind): void {
    const limits = { unheard: 75_000, stopping: 300_000, boot: 120_000 };
    const before = this.systems.get(addr) ?? UNKNOWN_SYSTEM;
    this.systems.set(addr, nextSystem(before, { kind, at: this.clock.time, text }, limits));
  }

  /** Nobody saw its power for a while. */
  unwatched(addr: number): void {
    this.systems.set(addr, { ...(this.systems.get(addr) ?? UNKNOWN_SYSTEM), recalled: true });
  }

  start(request: Partial<PowerRequest>, session = 1): Promise<Operation> {
    return this.operations.start(requestOf(request), OPERATOR, session);
  }

  /** The node's console, a little later than now: an answer takes its time. */
  says(text: string): void {
    const stop = this.clock.every(5, () => {
      stop();
      this.console.say(text, this.clock.time);
    });
  }

  /** The present state of the only, or the last, operation. */
  get operation(): Operation {
    const operation = this.operations.list().at(-1);
    if (!operation) throw new Error('there is no operation');
    return operation;
  }

  /** `done: is off, confirmed by two status replies` for each node. */
  get ends(): string[] {
    return this.operation.nodes.map(({ outcome, detail }) => `${outcome ?? 'running'}: ${detail}`);
  }

  private bus(): OperationPorts['bus'] {
    const health = (): BusHealth => this.health;
    return {
      get health() {
        return health();
      },
      hold: () => () => undefined,
      status: (addr) => Promise.resolve(this.status(addr)),
      verb: async (addr, verb, { signal }) => {
        await this.duringVerb?.();
        if (signal?.aborted)
          return { ok: false, sent: false, reason: 'aborted', detail: 'aborted before the verb was sent' };
        if (this.health.phase !== 'ready')
          return { ok: false, sent: false, reason: 'bus', detail: `${this.health.detail}; nothing was sent` };
        this.log.push(`${verb} ${hex(addr)}`);
        this.verbs.push({ verb: `${verb} ${hex(addr)}`, at: (this.clock.time - START) / 1000 });
        const instead = this.onVerb?.(addr, verb);
        if (instead) return instead;
        const proof = this.sample(addr);
        this.power.set(addr, verb);
        return { ok: true, tries: 1, proof, verified: [this.sample(addr), this.sample(addr)] };
      },
    };
  }
}

const DONE: ProgramEnd = { code: 0, why: '', output: [] };
/** Nodes by network: what ssh answers, and who is reachable. */
export class FakeNetwork implements NetworkPort {
  readonly asked: number[] = [];
  readonly askedBoot: number[] = [];
  /** Where they can be read. */
  readonly bootIds = new Map<number, string>();
  /** Addresses at which nothing answers any more. */
  readonly gone = new Set<number>();
  answer: (addr: number, ran: () => void) => Promise<ProgramEnd> = () => Promise.resolve(DONE);

  target(addr: number): string {
    return `pi@192.0.2.${addr}`;
  }

  shutDown(
    addr: number,
    _signal: AbortSignal,
    ran: () => void,
    boots: ((bootId: string) => void) | null,
  ): Promise<ProgramEnd> {
    this.asked.push(addr);
    const id = this.bootIds.get(addr);
    if (id !== undefined) boots?.(id);
    return this.answer(addr, ran);
  }

  run(): ReturnType<NetworkPort['run']> {
    return Promise.resolve({ code: 0, output: '', truncated: false, why: '' });
  }

  bootId(addr: number): Promise<string | null> {
    this.askedBoot.push(addr);
    return Promise.resolve(this.bootIds.get(addr) ?? null);
  }

  reachable(addr: number): Promise<boolean> {
    return Promise.resolve(!this.gone.has(addr));
  }

  greets(addr: number): Promise<boolean> {
    return this.reachable(addr);
  }
}

/** A console that shows what a test says and keeps what was typed. */
export class FakeConsole implements OperationConsole {
  condition: ConsoleCondition = { open: true, proven: true, why: '' };
  typed: string[] = [];
  released = 0;
  lent = false;
  /** Reasons not to take the next typing. */
  refuse: string | null = null;
  /** Answers typing, as the node would. */
  onTyped: (text: string) => void = () => undefined;
  #now: () => number = () => START;
  #shown = '';
  /** Nothing was lost since it last said something. */
  #fresh = true;
  #text: (text: string, at: number) => void = () => undefined;
  #state: (condition: ConsoleCondition) => void = () => undefined;

  opened(now = this.#now): void {
    this.#now = now;
    this.#shown = '';
    this.#text = () => undefined;
    this.#state = () => undefined;
  }

  onText(fn: (text: string, at: number) => void): void {
    this.#text = fn;
  }

  onGap(): void {
    // No scene loses output.
  }

  onState(fn: (condition: ConsoleCondition) => void): void {
    this.#state = fn;
    fn(this.condition);
  }

  say(text: string, at: number): void {
    this.#fresh = true;
    this.#shown = (this.#shown + text).slice(-2_000);
    this.#text(text, at);
  }

  /** What a test's text leaves on the screen; before it says anything, an empty line of a console that was watched. */
  readScreen(): ReturnType<OperationConsole['readScreen']> {
    const lines = this.#shown.split(/\r*\n/);
    const line = lines.pop() ?? '';
    const screen = { above: lines, line, before: line.length, below: [], alternate: false };
    const state: ScreenState = this.#shown === '' ? { is: 'rest', text: '' } : readScreenState(screen);
    return Promise.resolve({ screen: state, fresh: this.#fresh });
  }

  become(condition: ConsoleCondition): void {
    this.condition = condition;
    if (!condition.open) this.#fresh = false;
    this.#state(condition);
  }

  type(text: string): { taken: number; refused: string | null } {
    if (this.refuse !== null) return { taken: 0, refused: this.refuse };
    this.typed.push(text);
    this.onTyped(text);
    return { taken: Buffer.byteLength(text), refused: null };
  }

  lend(): void {
    this.lent = true;
  }

  left: () => Promise<number | null> = () => Promise.resolve(this.#now());

  release(): Promise<void> {
    this.released++;
    return Promise.resolve();
  }
}

export function requestOf(request: Partial<PowerRequest>): PowerRequest {
  return {
    verb: 'off',
    nodes: [3],
    label: '03',
    confirm: null,
    deadlineS: null,
    onDeadline: 'leave',
    takeConsole: false,
    ...request,
  };
}

export function hex(addr: number): string {
  return addr.toString(16).padStart(2, '0');
}
