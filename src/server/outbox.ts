/**
 * What goes out to one client. State coalesces: the latest wins, ten times a second at most, and only once the former
 * update has left. Console bytes are never dropped: a client that does not take them is disconnected, told why, and
 * gets the screen anew when it comes back.
 */
import type { ServerNotes } from '../api/protocol.ts';
import type { PlanRun } from '../api/plan.ts';
import type { Operation } from '../api/power.ts';
import type { Address } from '../rack/address.ts';
import type { Alarm } from '../rack/alarm-book.ts';
import type { NodeState, BusStatus, ConsoleState, Session } from '../api/protocol.ts';
import type { Inventory } from '../rack/inventory.ts';

/** Shortest time between two updates, ms. */
const UPDATE_EVERY_MS = 100;
/** Bytes of notes and console data that may wait for a client: some 90 s of a flooding console. */
const QUEUE_LIMIT = 1024 * 1024;
/** Bytes of console data in one note. */
const CHUNK = 64 * 1024;

/** Something that changed, by name; values are read when the update is made. */
export type Change =
  'rack' | 'bus' | 'console' | 'sessions' | 'alarms' | { node: Address } | { operation: Operation } | { plan: PlanRun };

/** Present values, for updates. */
export interface Picture {
  now(): number;
  inventory(): Inventory;
  bus(): BusStatus;
  node(addr: Address): NodeState;
  console(): ConsoleState | null;
  sessions(): Session[];
  alarms(): Alarm[];
}

export interface OutboxPorts {
  /** Resolves when the note has left for the socket. */
  send<M extends keyof ServerNotes>(method: M, params: ServerNotes[M]): Promise<void>;
  /** Too much waits; nothing more is sent. */
  lagging(queuedBytes: number): void;
}

export class Outbox {
  readonly #ports: OutboxPorts;
  readonly #picture: Picture;
  readonly #names = new Set<Extract<Change, string>>();
  readonly #nodes = new Set<Address>();
  readonly #operations = new Map<string, Operation>();
  readonly #plans = new Map<string, PlanRun>();
  #timer: NodeJS.Timeout | null = null;
  #lastAt = -Infinity;
  #updateInFlight = false;
  #console: { addr: Address; chunks: Uint8Array[]; bytes: number } | null = null;
  #consoleInFlight = false;
  #queued = 0;
  /** The latest of what was sent; notes leave in order. */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(picture: Picture, ports: OutboxPorts) {
    this.#picture = picture;
    this.#ports = ports;
  }

  /** Bytes that wait for the client. */
  get queued(): number {
    return this.#queued;
  }

  changed(change: Change): void {
    if (typeof change === 'string') this.#names.add(change);
    else if ('node' in change) this.#nodes.add(change.node);
    else if ('plan' in change) this.#plans.set(change.plan.id, change.plan);
    else this.#operations.set(change.operation.id, change.operation);
    this.#schedule();
  }

  /** A note that must arrive as it is. */
  note<M extends keyof ServerNotes>(method: M, params: ServerNotes[M]): void {
    this.#flushConsole();
    this.#count(method, params, JSON.stringify(params).length);
  }

  /** Bytes of a console. They are sent at once while the client keeps up, and together when it does not. */
  consoleData(addr: Address, bytes: Uint8Array): void {
    if (this.#closed) return;
    if (this.#console && this.#console.addr !== addr) this.#flushConsole();
    this.#console ??= { addr, chunks: [], bytes: 0 };
    this.#console.chunks.push(bytes);
    this.#console.bytes += bytes.length;
    this.#queued += bytes.length;
    if (!this.#consoleInFlight || this.#console.bytes >= CHUNK) this.#flushConsole();
    this.#judge();
  }

  /** Resolves when everything given so far has left for the socket. */
  async sent(): Promise<void> {
    await this.#last.catch(() => undefined);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#closed || this.#timer || this.#updateInFlight) return;
    const wait = Math.max(0, this.#lastAt + UPDATE_EVERY_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#flushState();
    }, wait);
  }

  async #flushState(): Promise<void> {
    this.#lastAt = performance.now();
    this.#updateInFlight = true;
    const sends = this.#stateNotes();
    await Promise.all(sends).catch(() => undefined);
    this.#updateInFlight = false;
    if (this.#names.size + this.#nodes.size + this.#operations.size + this.#plans.size > 0) this.#schedule();
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
    if (this.#nodes.size > 0) update.nodes = [...this.#nodes].map((addr) => picture.node(addr));
    if (Object.keys(update).length > 1) sends.push(this.#send('update', update));
    for (const operation of this.#operations.values()) sends.push(this.#send('operation', operation));
    for (const run of this.#plans.values()) sends.push(this.#send('plan', run));
    this.#names.clear();
    this.#nodes.clear();
    this.#operations.clear();
    this.#plans.clear();
    return sends;
  }

  #flushConsole(): void {
    const waiting = this.#console;
    if (!waiting) return;
    this.#console = null;
    this.#consoleInFlight = true;
    const data = Buffer.concat(waiting.chunks).toString('base64');
    const sent = this.#send('console.data', { addr: waiting.addr, data });
    void sent
      .catch(() => undefined)
      .then(() => {
        this.#queued -= waiting.bytes;
        this.#consoleInFlight = false;
        this.#flushConsole();
      });
  }

  #count<M extends keyof ServerNotes>(method: M, params: ServerNotes[M], bytes: number): void {
    if (this.#closed) return;
    this.#queued += bytes;
    void this.#send(method, params)
      .catch(() => undefined)
      .then(() => (this.#queued -= bytes));
    this.#judge();
  }

  #send<M extends keyof ServerNotes>(method: M, params: ServerNotes[M]): Promise<void> {
    const sent = this.#ports.send(method, params);
    this.#last = sent;
    return sent;
  }

  #judge(): void {
    if (this.#queued <= QUEUE_LIMIT || this.#closed) return;
    this.close();
    this.#ports.lagging(this.#queued);
  }
}
