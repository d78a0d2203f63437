/**
 * Sends updates and notes to one client. State coalesces: the latest value is sent, ten times a second at most (a
 * console's state at once, the samples of a sweep together), and only after the former update has left. Console bytes go in order; for a client that
 * is too slow they are dropped, and it gets the screen when it has taken what was under way. Only events and notes
 * that must arrive unchanged can pile up: a client with a megabyte of them waiting is disconnected.
 */
import type { BusStatus } from '../../api/bus.ts';
import type { ConfigStatus } from '../../api/configuration.ts';
import type { BriefSample, ConsoleState, NodeState, ServerNotes, Session } from '../../api/methods.ts';
import type { OutageStatus } from '../../api/outage.ts';
import type { PlanRun } from '../../api/plans.ts';
import type { Operation } from '../../api/power.ts';
import type { Address } from '../../rack/address.ts';
import type { Alarm } from '../../rack/alarms.ts';
import type { Inventory } from '../../rack/inventory.ts';
import { OutputQueue, type ConsoleWord } from '../consoles/output-queue.ts';
import { briefSample } from './brief-samples.ts';

/** Shortest time between two updates, ms. */
const UPDATE_EVERY_MS = 100;
/** Longest time for which a sample waits for others, ms: a sweep's end sends them before. */
const SAMPLE_WAIT_MS = 1_000;
/**
 * Most bytes of console data that may wait for a client, about 90 s of a flooding console; and of notes, about 5
 * 000 events.
 */
const QUEUE_LIMIT = 1024 * 1024;

/** Name of a value that changed; the value is read when the update is made. */
export type Change =
  | 'rack'
  | 'bus'
  | 'console'
  | 'sessions'
  | 'alarms'
  | 'outage'
  | 'config'
  /** `sampled`: another sample of an unchanged state, which may wait for those of the sweep. */
  | { node: Address; sampled?: boolean }
  | { operation: Operation }
  | { plan: PlanRun };

/** Notes whose order against console bytes does not matter. */
export type PlainNote = Exclude<keyof ServerNotes, ConsoleWord | 'console.data'>;

/** Reads present values for updates. */
export interface Picture {
  now(): number;
  inventory(): Inventory;
  bus(): BusStatus;
  node(addr: Address): NodeState;
  console(): ConsoleState | null;
  sessions(): Session[];
  alarms(): Alarm[];
  outage(): OutageStatus;
  config(): ConfigStatus;
}

export interface OutboxPorts {
  /** Resolves when the note has left for the socket. */
  send<M extends keyof ServerNotes>(method: M, params: ServerNotes[M]): Promise<void>;
  /** Returns whether the client may read console output, which `send` hides from others. */
  reads(): boolean;
  /** Called when too much waits; nothing more is sent. */
  lagging(queuedBytes: number): void;
}

export class Outbox {
  readonly #ports: OutboxPorts;
  readonly #picture: Picture;
  readonly #names = new Set<Extract<Change, string>>();
  readonly #nodes = new Set<Address>();
  /** What the client has of each node; null: it does not take brief samples. */
  #sentNodes: Map<Address, NodeState> | null = null;
  /** Whether it could read console output then. */
  #sentReadable = false;
  readonly #operations = new Map<string, Operation>();
  readonly #plans = new Map<string, PlanRun>();
  #timer: NodeJS.Timeout | null = null;
  /** Time of the next update; Infinity: nothing has changed. */
  #due = Infinity;
  #lastAt = -Infinity;
  #updateInFlight = false;
  readonly #queue: OutputQueue;
  /** Bytes of notes that wait. */
  #noted = 0;
  /** Promise of the last message; notes leave in order. */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(picture: Picture, ports: OutboxPorts) {
    this.#picture = picture;
    this.#ports = ports;
    this.#queue = new OutputQueue((method, params) => this.#send(method, params));
  }

  /** Bytes that wait for the client. */
  get queued(): number {
    return this.#noted + this.#queue.words + this.#queue.data;
  }

  /** From now on the client takes {@link BriefSample}s. */
  takesBrief(): void {
    this.#sentNodes ??= new Map();
  }

  changed(change: Change): void {
    if (typeof change === 'string') this.#names.add(change);
    else if ('node' in change) this.#nodes.add(change.node);
    else if ('plan' in change) this.#plans.set(change.plan.id, change.plan);
    else this.#operations.set(change.operation.id, change.operation);
    // A user waits for the console to type, and its state seldom changes.
    if (change === 'console') this.#schedule(0);
    else if (typeof change === 'object' && 'node' in change && change.sampled === true)
      this.#schedule(performance.now() + SAMPLE_WAIT_MS);
    else this.#schedule(this.#lastAt + UPDATE_EVERY_MS);
  }

  /** Sends a note that must arrive unchanged. */
  note<M extends PlainNote>(method: M, params: ServerNotes[M]): void {
    if (this.#closed) return;
    const bytes = JSON.stringify(params).length;
    this.#noted += bytes;
    void this.#send(method, params)
      .catch(() => undefined)
      .then(() => (this.#noted -= bytes));
    this.#checkBacklog();
  }

  /**
   * Sends console bytes. Returns the number of bytes dropped because too much waited: then the client needs the
   * screen again.
   */
  consoleData(addr: Address, bytes: Uint8Array, at: number): number {
    if (this.#closed) return 0;
    this.#queue.feed(addr, bytes, at);
    return this.#queue.data > QUEUE_LIMIT ? this.#queue.drop() : 0;
  }

  /** Sends a note about a console, after the bytes before it. */
  consoleNote(params: ServerNotes['console.note']): void {
    if (this.#closed) return;
    this.#queue.addNote('console.note', params, JSON.stringify(params).length);
    this.#checkBacklog();
  }

  /**
   * Sends the screen in place of dropped bytes. It does not count against the limit: it is made only when nothing
   * waits.
   */
  consoleResync(params: ServerNotes['console.resync']): void {
    if (!this.#closed) this.#queue.addNote('console.resync', params, 0);
  }

  /** Drops the waiting console bytes: the screen that follows holds them. */
  dropConsoleData(): void {
    this.#queue.drop();
  }

  /** Resolves when the client has taken all console bytes. */
  consoleTaken(): Promise<void> {
    return this.#queue.taken();
  }

  /** Resolves when everything given so far has left for the socket. */
  async sent(): Promise<void> {
    await this.#queue.taken();
    await this.#last.catch(() => undefined);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Schedules an update for `due` (performance.now()) at the latest. */
  #schedule(due: number): void {
    if (due >= this.#due) return;
    this.#due = due;
    this.#arm();
  }

  #arm(): void {
    if (this.#closed || this.#updateInFlight || this.#due === Infinity) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#flushState(), Math.max(0, this.#due - performance.now()));
  }

  async #flushState(): Promise<void> {
    this.#timer = null;
    this.#due = Infinity;
    this.#lastAt = performance.now();
    this.#updateInFlight = true;
    const sends = this.#stateNotes();
    await Promise.all(sends).catch(() => undefined);
    this.#updateInFlight = false;
    this.#arm();
  }

  #stateNotes(): Promise<void>[] {
    const picture = this.#picture;
    const sends: Promise<void>[] = [];
    if (this.#names.delete('rack')) sends.push(this.#send('rack', { rack: picture.inventory() }));
    const update: ServerNotes['update'] = { now: picture.now() };
    if (this.#names.has('bus')) update.bus = picture.bus();
    if (this.#names.has('console')) update.console = picture.console();
    if (this.#names.has('sessions')) update.sessions = picture.sessions();
    if (this.#names.has('alarms')) update.alarms = picture.alarms();
    if (this.#names.has('outage')) update.outage = picture.outage();
    if (this.#names.has('config')) update.config = picture.config();
    this.#addNodes(update);
    if (Object.keys(update).length > 1) sends.push(this.#send('update', update));
    for (const operation of this.#operations.values()) sends.push(this.#send('operation', operation));
    for (const run of this.#plans.values()) sends.push(this.#send('plan', run));
    this.#names.clear();
    this.#nodes.clear();
    this.#operations.clear();
    this.#plans.clear();
    return sends;
  }

  /** Adds the nodes that changed: whole, and those that have another sample and nothing else as samples. */
  #addNodes(update: ServerNotes['update']): void {
    const nodes: NodeState[] = [];
    const samples: BriefSample[] = [];
    const readable = this.#ports.reads();
    if (readable !== this.#sentReadable) this.#sentNodes?.clear();
    this.#sentReadable = readable;
    for (const addr of this.#nodes) {
      const state = this.#picture.node(addr);
      const sample = this.#sentNodes && briefSample(this.#sentNodes.get(addr), state, update.now);
      if (sample) samples.push(sample);
      else nodes.push(state);
      this.#sentNodes?.set(addr, state);
    }
    if (nodes.length > 0) update.nodes = nodes;
    if (samples.length > 0) update.samples = samples;
  }

  #send<M extends keyof ServerNotes>(method: M, params: ServerNotes[M]): Promise<void> {
    const sent = this.#ports.send(method, params);
    this.#last = sent;
    return sent;
  }

  #checkBacklog(): void {
    const waiting = this.#noted + this.#queue.words;
    if (waiting <= QUEUE_LIMIT || this.#closed) return;
    this.close();
    this.#ports.lagging(waiting);
  }
}
