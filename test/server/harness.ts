/** A whole server in the test's process, on real sockets, around a rack of a few lines of BIOS. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { expect, vi } from 'vitest';
import type { ServerNotes } from '../../src/api/methods.ts';
import type { PowerRequest } from '../../src/api/power.ts';
import { createBus } from '../../src/bmc/index.ts';
import { Trace } from '../../src/bmc/trace.ts';
import { connect, RpcFailure, type RackClient } from '../../src/client/client.ts';
import { inventoryOf, parseConfig, type LoadedConfig } from '../../src/config/load.ts';
import { configSchema } from '../../src/config/schema.ts';
import { openAudit, openJournal } from '../../src/power/journal.ts';
import { openOutageJournal } from '../../src/power/outage/record.ts';
import { openPlanJournal } from '../../src/power/plans/record.ts';
import { ActiveConfig } from '../../src/server/active-config.ts';
import { RackServer } from '../../src/server/rack-server.ts';
import { MiniRack } from '../bmc/mini-rack.ts';

export interface HarnessOptions {
  /** As in the configuration file; without nodes the bus is scanned. */
  config?: Record<string, unknown>;
  rack?: MiniRack;
  autostarted?: boolean;
}

/** A confirmed cut of the node that the configuration calls alpha. */
export const CUT_ALPHA: PowerRequest = {
  ...{ verb: 'force-off', nodes: [1], label: 'alpha', confirm: 'alpha' },
  ...{ deadlineS: null, onDeadline: 'leave', takeConsole: false },
};

/** Four nodes on one blade, the first the master. */
export const NODES = [
  { addr: '00', name: 'boss', role: 'master' },
  { addr: '01', name: 'alpha' },
  { addr: '02', name: 'beta' },
  { addr: '03', name: 'gamma' },
];

export class Harness implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'rackui-test-server-'));
  readonly socket = join(this.dir, 'control.sock');
  readonly viewSocket = join(this.dir, 'control.view.sock');
  readonly stateDir = join(this.dir, 'state');
  readonly rack: MiniRack;
  readonly server: RackServer;
  readonly configuration: ActiveConfig;
  /** Why the server wanted to leave, once it does. */
  readonly leaving: Promise<string>;
  readonly #audit = openAudit(this.stateDir);
  readonly #journal = openJournal(this.stateDir, () => undefined);
  readonly #planJournal = openPlanJournal(this.stateDir, () => undefined);
  readonly #outageJournal = openOutageJournal(this.stateDir, () => undefined);
  readonly #clients: RackClient[] = [];
  #file: () => LoadedConfig = () => ({
    config: this.configuration.config,
    path: null,
    inventory: this.configuration.inventory,
  });
  #writes = 0;
  #closed = false;

  constructor({ config = { nodes: NODES }, rack = new MiniRack(), autostarted = false }: HarnessOptions = {}) {
    this.rack = rack;
    const parsed = configSchema.parse(config);
    let leave: (why: string) => void = () => undefined;
    this.leaving = new Promise((resolve) => (leave = resolve));
    this.configuration = new ActiveConfig(
      { config: parsed, path: null, inventory: inventoryOf(parsed) },
      { load: () => this.#file(), signature: () => Promise.resolve(`${this.#writes}`) },
    );
    const trace = new Trace(Date.now, []);
    this.server = new RackServer({
      bus: createBus({ port: 'fake', open: trace.around(rack.open) }),
      trace,
      unlock: 'UnLock',
      port: '/dev/fake',
      configuration: this.configuration,
      socket: this.socket,
      viewSocket: this.viewSocket,
      gid: null,
      viewGid: null,
      stateDir: this.stateDir,
      consoleLogDir: join(this.stateDir, 'consoles'),
      autostarted,
      audit: (entry) => this.#audit.write(entry),
      journal: this.#journal,
      planJournal: this.#planJournal,
      outageJournal: this.#outageJournal,
      log: pino({ level: 'silent' }),
      leave,
    });
  }

  static async start(options: HarnessOptions = {}): Promise<Harness> {
    const harness = new Harness(options);
    await harness.server.start();
    return harness;
  }

  async connect(user = 'alice', access: 'control' | 'view' = 'control'): Promise<Operator> {
    const who = { user, from: null, tty: null, program: 'interface', pid: process.pid };
    const client = await connect(access === 'control' ? this.socket : this.viewSocket, who);
    this.#clients.push(client);
    return new Operator(client);
  }

  /** A client that has swept once: the bus is ready and every node was asked. */
  async ready(user = 'alice', access: 'control' | 'view' = 'control'): Promise<Operator> {
    const operator = await this.connect(user, access);
    await operator.client.request('sweep', { addrs: null, interrupt: false });
    return operator;
  }

  file(name: string): string {
    return readFileSync(join(this.stateDir, name), 'utf8');
  }

  /** As if the configuration file said this now. */
  write(text: string): void {
    this.#writes++;
    this.#file = () => {
      const config = parseConfig(text, 'rack.yaml');
      return { config, path: 'rack.yaml', inventory: inventoryOf(config) };
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.server.close('the test is over', AbortSignal.abort());
    await this.#audit.close();
    await this.#journal.close();
    await this.#planJournal.close();
    await this.#outageJournal.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A client and everything that it was told. */
export class Operator {
  readonly client: RackClient;
  readonly updates: ServerNotes['update'][] = [];
  readonly consoleNotes: ServerNotes['console.note'][] = [];
  readonly events: ServerNotes['event'][] = [];
  /** What consoles showed since joining, as latin1. */
  seen = '';
  closed: string | null = null;

  constructor(client: RackClient) {
    this.client = client;
    client.on('update', (update) => this.updates.push(update));
    client.on('console.note', (note) => this.consoleNotes.push(note));
    client.on('event', (event) => this.events.push(event));
    client.on('console.data', ({ data }) => (this.seen += Buffer.from(data, 'base64').toString('latin1')));
    client.onClose((why) => (this.closed = why));
  }

  get id(): number {
    return this.client.welcome.session;
  }

  type(addr: number, text: string): void {
    this.client.note('console.input', {
      addr,
      data: Buffer.from(text, 'latin1').toString('base64'),
      at: this.client.now(),
    });
  }

  /** The notes of its consoles, in short. */
  get told(): string[] {
    return this.consoleNotes.map(({ kind, text }) => `${kind}: ${text}`);
  }
}

/** Waits for a condition; the failure is the last assertion's. */
export function eventually(assertion: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(assertion, { interval: 5, timeout: 10_000 });
}

/** The refusal that a request ends with; fails where it does not. */
export async function refusal(request: Promise<unknown>): Promise<RpcFailure> {
  const outcome = await request.then(
    () => null,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(RpcFailure);
  return outcome as RpcFailure;
}
