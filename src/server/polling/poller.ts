/**
 * Polls the BMC of every node, and again at once where one did not answer; silent addresses ever more rarely,
 * because each costs its whole timeout.
 */
import { type Bus, type Polled, PRIORITY, type Priority, type StatusOutcome } from '../../bmc/types.ts';
import type { Address } from '../../rack/address.ts';
import type { Source } from '../../rack/reading.ts';
import type { BusStatusMonitor } from './bus-status.ts';
import type { Discovery } from './discovery.ts';
import type { NodeStates } from './node-states.ts';

/** First and longest pause between questions to a silent address, ms: 1, 2, 4, … 30 s. */
const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/** Spaces the questions to silent addresses. Pure: times are those of the steady clock, ms. */
export class BackOff {
  readonly #silent = new Map<Address, { pauseMs: number; nextAt: number }>();

  /** Returns the addresses to ask at `now`, in the order given. */
  due(addrs: readonly Address[], now: number): Address[] {
    return addrs.filter((addr) => (this.#silent.get(addr)?.nextAt ?? now) <= now);
  }

  /** Resets the pause of an address that sent something, even if garbled: every sweep asks it. */
  onReply(addr: Address): void {
    this.#silent.delete(addr);
  }

  silent(addr: Address, now: number): void {
    const before = this.#silent.get(addr);
    const pauseMs = before ? Math.min(LONGEST_MS, before.pauseMs * 2) : FIRST_MS;
    this.#silent.set(addr, { pauseMs, nextAt: now + pauseMs });
  }

  /** Makes everything due again: after the bus was away, earlier silence is irrelevant. */
  reset(): void {
    this.#silent.clear();
  }
}

/** Interval of polls of nodes in an operation, ms. */
const BUSY_EVERY_MS = 250;
/**
 * Interval of questions to the master between sweeps, ms: an open pipe is freed within a second,
 * whatever the interval of sweeps.
 */
const PULSE_MS = 400;

export interface PollerPorts {
  now(): number;
  /** Returns the nodes in operations. */
  busyNodes(): Address[];
  /** Runs the requests that may be made between two sweeps, while `free()`. */
  between(free: () => boolean): Promise<void>;
}

export class Poller {
  readonly #bus: Pick<Bus, 'status' | 'poll'>;
  readonly #monitor: BusStatusMonitor;
  readonly #nodeStates: NodeStates;
  readonly #discovery: Discovery | null;
  readonly #ports: PollerPorts;
  readonly #backOff = new BackOff();
  #stopped = false;
  #wake: (() => void) | null = null;
  #wakeWanted = false;
  #busyTimer: NodeJS.Timeout | null = null;
  #askingBusy = false;
  /** Address that {@link readNext} read last; -1: none yet. */
  #readLast: Address = -1;

  /** `discovery`: null where the inventory is configured. */
  constructor(
    bus: Pick<Bus, 'status' | 'poll'>,
    monitor: BusStatusMonitor,
    nodeStates: NodeStates,
    discovery: Discovery | null,
    ports: PollerPorts,
  ) {
    this.#bus = bus;
    this.#monitor = monitor;
    this.#nodeStates = nodeStates;
    this.#discovery = discovery;
    this.#ports = ports;
  }

  /** Polls until {@link stop}; the promise ends with it. */
  async run(): Promise<void> {
    this.pollBusy();
    while (!this.#stopped) {
      const started = performance.now();
      const next = started + this.#nodeStates.intervalMs;
      if (this.#free) {
        // Discovered nodes are polled on time while the scan continues.
        await this.#discovery?.scan(() => this.#free && performance.now() < next);
        await this.#pollAll();
        await this.#discovery?.rescanOne();
        await this.#ports.between(() => this.#free && performance.now() < next);
      }
      const scanning = this.#free && this.#discovery?.done === false;
      if (scanning) await this.#pause(0);
      else await this.#rest(next);
    }
  }

  stop(): void {
    this.#stopped = true;
    if (this.#busyTimer) clearInterval(this.#busyTimer);
    this.wake();
  }

  /** Polls the nodes in operations more often, until there are none. To be called when an operation has begun. */
  pollBusy(): void {
    if (this.#stopped || this.#busyTimer !== null || this.#ports.busyNodes().length === 0) return;
    this.#busyTimer = setInterval(() => void this.#askBusy(), BUSY_EVERY_MS);
  }

  /** Starts a sweep now, silent addresses included: the bus is free (again). */
  wake(): void {
    this.#backOff.reset();
    this.#wakeWanted = true;
    this.#wake?.();
  }

  /**
   * Asks `addrs` now for a client, silent ones too; values that a sweep reads meanwhile are not asked twice.
   * Returns false when the bus could not be used, so that some readings are not new.
   */
  async fresh(addrs: readonly Address[], source: Source = 'request'): Promise<boolean> {
    return (await this.#ask(addrs, PRIORITY.sample, this.#ports.now(), source)) !== 'interrupted';
  }

  /** Reads one node beside an open console: the next in order, without those that were silent lately. */
  async readNext(): Promise<void> {
    const due = this.#backOff.due(this.#nodeStates.addresses, this.#ports.now());
    const addr = due.find((one) => one > this.#readLast) ?? due[0];
    if (addr === undefined) return;
    this.#readLast = addr;
    await this.#ask([addr], PRIORITY.sample, Infinity, 'pause');
  }

  /** Waits until the next sweep; asks the master at intervals. */
  async #rest(until: number): Promise<void> {
    while (!this.#stopped) {
      const left = until - performance.now();
      if ((await this.#pause(Math.max(0, Math.min(left, PULSE_MS)))) || left <= PULSE_MS) return;
      const { master } = this.#monitor;
      if (master === null || !this.#free) continue;
      const outcome = await this.#bus.status(master, PRIORITY.sweep);
      // Silence of the master makes the bus check itself; the node is checked by the sweep, which asks twice.
      if (outcome.ok) this.#take(master, outcome, 'sweep', 1);
    }
  }

  get #free(): boolean {
    return !this.#stopped && this.#monitor.ready && !this.#monitor.paused;
  }

  async #pollAll(): Promise<void> {
    const started = performance.now();
    const due = this.#backOff.due(this.#nodeStates.addresses, this.#ports.now());
    // A pass that a client's request shortened measures nothing.
    if ((await this.#ask(due, PRIORITY.sweep, this.#ports.now(), 'sweep')) === 'all')
      this.#monitor.swept(performance.now() - started);
  }

  /**
   * Asks the nodes once in order, then again those that answered before and did not now. Nodes that answered
   * another request since `since` (steady clock, ms) are left out: the pass is `shared` then.
   */
  async #ask(
    addrs: readonly Address[],
    priority: Priority,
    since: number,
    source: Source,
  ): Promise<'all' | 'shared' | 'interrupted'> {
    const shared: Address[] = [];
    const again: { addr: Address; first: StatusOutcome }[] = [];
    const wanted = (addr: Address): boolean => {
      if (!this.#answeredSince(addr, since)) return !this.#stopped;
      shared.push(addr);
      return false;
    };
    const take = (outcomes: readonly Polled[]): void => {
      if (this.#stopped) return;
      for (const { addr, outcome } of outcomes)
        if (!outcome.ok && this.#nodeStates.reading(addr).state !== 'failed') again.push({ addr, first: outcome });
        else this.#take(addr, outcome, source, 1);
    };
    const usable = await this.#bus.poll(priority, addrs, wanted, take);
    if (!usable) return 'interrupted';
    for (const { addr, first } of again) {
      if (this.#stopped) break;
      const second = await this.#bus.status(addr, priority);
      // The first failure is used where the second question could not be sent.
      if (!second.ok && second.failure === 'bus') this.#take(addr, first, source, 1);
      else this.#take(addr, second, source, 2);
    }
    if (this.#stopped) return 'interrupted';
    return shared.length > 0 ? 'shared' : 'all';
  }

  #answeredSince(addr: Address, since: number): boolean {
    const reading = this.#nodeStates.reading(addr);
    return reading.state === 'ok' && reading.sample.at > since;
  }

  #take(addr: Address, outcome: StatusOutcome, source: Source, asked: number): void {
    if (!outcome.ok && outcome.failure === 'silent') this.#backOff.silent(addr, this.#ports.now());
    else this.#backOff.onReply(addr);
    this.#nodeStates.apply(addr, outcome, source, asked);
  }

  async #askBusy(): Promise<void> {
    const busy = this.#ports.busyNodes();
    if (busy.length === 0 && this.#busyTimer !== null) {
      clearInterval(this.#busyTimer);
      this.#busyTimer = null;
    }
    if (this.#askingBusy || !this.#free || busy.length === 0) return;
    this.#askingBusy = true;
    try {
      await this.#ask(busy, PRIORITY.sweep, Infinity, 'operation');
    } finally {
      this.#askingBusy = false;
    }
  }

  /** Waits; resolves true when it was woken. */
  #pause(ms: number): Promise<boolean> {
    if (this.#stopped) return Promise.resolve(true);
    if (this.#wakeWanted) {
      this.#wakeWanted = false;
      // Yields a macrotask all the same: a bus that answers at once must not starve the sockets.
      return new Promise((resolve) => setImmediate(() => resolve(true)));
    }
    return new Promise((resolve) => {
      const done = (woken: boolean): void => {
        clearTimeout(timer);
        this.#wake = null;
        this.#wakeWanted = false;
        resolve(woken);
      };
      const timer = setTimeout(() => done(false), ms);
      this.#wake = () => done(true);
    });
  }
}
