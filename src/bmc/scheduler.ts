/**
 * The one owner of the serial line: a single loop takes jobs by priority (first come first within one), runs one
 * exchange at a time, lends the wire to a console between them, and brings the bus back when it fails. Nothing else
 * writes to the line.
 */
import { type Address, formatAddress } from '../rack/address.ts';
import { type BmcClient, describeFailure } from './bmc-client.ts';
import type { Connection } from './connection.ts';
import { BusConsoleSession } from './console/session.ts';
import type { Poll } from './poll.ts';
import { LineLost, type Transport } from './transport.ts';
import {
  type BusHealth,
  type ConsoleBaud,
  type ConsoleHandlers,
  type ConsoleSession,
  type Priority,
  PRIORITY,
} from './types.ts';

export class PriorityQueue<T> {
  /** One for each priority. */
  readonly #lanes: readonly T[][] = Object.values(PRIORITY).map(() => []);

  push(priority: Priority, item: T): void {
    this.#lanes[priority]?.push(item);
  }

  /** Removes and returns the next item; null: the queue is empty. */
  shift(): { priority: Priority; item: T } | null {
    const priority = this.top;
    if (priority === null) return null;
    const item = this.#lanes[priority]?.shift();
    return item === undefined ? null : { priority, item };
  }

  /** Priority of the next item, or null when nothing waits. */
  get top(): Priority | null {
    for (let priority = this.#lanes.length - 1; priority >= 0; priority--)
      if (this.#lanes[priority]?.length !== 0) return priority as Priority;
    return null;
  }

  /** Removes and returns everything of one lane, oldest first. */
  drain(priority: Priority): T[] {
    return this.#lanes[priority]?.splice(0) ?? [];
  }
}

/** Delays before a console whose BMC does not answer is tried again, ms. */
const CONSOLE_RETRY_MS = [200, 500, 2_000] as const;

/**
 * Silence after ^G, and the longest wait for it, ms. The bridge stops; bytes in the buffers of this machine come
 * within a few milliseconds.
 */
const QUIET = { ms: 4, capMs: 60 } as const;
/**
 * The longest wait behind a console in the middle of output, ms: the node's output must not pass for a BMC's answer.
 */
const SPEAKING_CAP_MS = 2_000;
/** The longest wait for late answers of a BMC ahead of its console, ms. */
const LATE_CAP_MS = 1_000;

interface Job {
  run(wire: Transport): Promise<void>;
  refuse(detail: string): void;
}

export class Scheduler {
  readonly #connection: Connection;
  readonly #bmcClient: BmcClient;
  readonly #pacingMs: number;
  readonly #queue = new PriorityQueue<Job>();
  #session: BusConsoleSession | null = null;
  #leaving: { session: BusConsoleSession; done: () => void }[] = [];
  /** Number of running tasks of several exchanges, as verbs: until they end, no console gets the wire. */
  #holds = 0;
  #life: 'new' | 'running' | 'closing' = 'new';
  #wake: () => void = () => undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(connection: Connection, bmcClient: BmcClient, pacingMs: number) {
    this.#connection = connection;
    this.#bmcClient = bmcClient;
    this.#pacingMs = pacingMs;
    connection.onHealth((health) => this.#changed(health));
  }

  get consoleAddr(): Address | null {
    return this.#session?.addr ?? null;
  }

  start(): void {
    if (this.#life !== 'new') return;
    this.#life = 'running';
    this.#loop = this.#run();
  }

  /** Wakes the loop after a change. */
  wake(): void {
    this.#wake();
  }

  /**
   * Queues an exchange; resolves its result, or a sentence when the bus cannot be used. Rejects the errors of `work`
   * except LineLost.
   */
  exchange<T>(priority: Priority, work: (wire: Transport) => Promise<T>): Promise<T | string> {
    if (this.#connection.health.phase !== 'ready') return Promise.resolve(this.#connection.health.detail);
    return new Promise((resolve, reject) => {
      this.#queue.push(priority, {
        refuse: resolve,
        run: (wire) =>
          work(wire).then(resolve, (error: unknown) => {
            if (error instanceof LineLost) resolve(error.message);
            else reject(error instanceof Error ? error : new Error(String(error)));
            throw error;
          }),
      });
      this.#wake();
    });
  }

  /**
   * Runs a poll, which gives way to everything else between its exchanges. Resolves null, or a sentence when the bus
   * cannot be used.
   */
  async poll(priority: Priority, poll: Poll): Promise<string | null> {
    while (!poll.over) {
      const refused = await this.exchange(priority, (wire) => poll.run(wire, () => this.#isUndisturbed(wire)));
      if (typeof refused === 'string') return refused;
    }
    return null;
  }

  /** See {@link Bus.hold}. */
  hold(): () => void {
    let held = true;
    this.#holds++;
    this.#wake();
    return () => {
      if (!held) return;
      held = false;
      this.#holds--;
      this.#wake();
    };
  }

  /** See {@link Bus.openConsole}. */
  openConsole(addr: Address, baud: ConsoleBaud, handlers: ConsoleHandlers): ConsoleSession {
    const former = this.#session;
    const session = new BusConsoleSession(addr, baud, handlers, {
      pacingMs: this.#pacingMs,
      now: this.#connection.now,
      release: (ended) => this.#release(ended, 'closed'),
      doubt: () => this.#wake(),
    });
    if (this.#connection.health.phase !== 'ready') session.wait(this.#connection.health.detail);
    if (former) void this.#release(former, `the console moved to ${formatAddress(addr)}`);
    this.#session = session;
    this.#wake();
    return session;
  }

  /** Discards what was known of the console of `addr`, after its power was switched. */
  switched(addr: Address): void {
    if (this.#session?.addr === addr) this.#session.resetProof('its power was switched');
  }

  /** Sends ^G, then closes the port. */
  async close(): Promise<void> {
    const started = this.#life === 'running';
    this.#life = 'closing';
    this.#wake();
    if (started) await this.#loop;
  }

  async #run(): Promise<void> {
    while (this.#life === 'running') {
      if (this.#connection.health.phase !== 'ready') {
        const waitMs = await this.#connection.bringUp();
        this.#bmcClient.clearSuspicion();
        if (waitMs > 0) await this.#pause(waitMs);
        continue;
      }
      try {
        await this.#runNext(this.#connection.wire);
      } catch (error) {
        await this.#connection.lose(error);
      }
    }
    await this.#connection.close();
    this.#session?.end('the bus was closed');
  }

  /** Does one step of a usable bus: recovery, the console's way off or onto the wire, a job, or waiting. */
  #runNext(wire: Transport): Promise<void> {
    if (this.#bmcClient.suspicious) return this.#bmcClient.recover();
    if (this.#bmcClient.outOfStep) return this.#bmcClient.resync(wire);
    const leaving = this.#leaving[0];
    if (leaving) {
      // Requests of operators go before the last keys of a closed console.
      const calm = this.#holds === 0 && (this.#queue.top ?? PRIORITY.sweep) < PRIORITY.sample;
      if (calm && leaving.session.lastWordsMs > 0) return this.#pause(leaving.session.lastWordsMs);
      this.#leaving.shift();
      return leaving.session.leave('', 'final', this.#quiet(leaving.session)).finally(leaving.done);
    }
    const session = this.#session;
    if (session?.onWire) {
      const why = `console ${formatAddress(session.addr)} holds the pipe`;
      for (const job of this.#queue.drain(PRIORITY.sweep)) job.refuse(why);
      if (this.#queue.top !== null || this.#holds > 0)
        return session.leave('the bus was needed for power or a sample', 'needed', this.#quiet(session));
      const { doubtful } = session;
      if (doubtful === null) return this.#pause(null);
      const wait = doubtful.at - performance.now();
      if (wait > 0) return this.#pause(wait);
      return session.leave(doubtful.why, 'ask', this.#quiet(session));
    }
    const waiting = session !== null && this.#holds === 0;
    const due = waiting && session.retryAt <= performance.now();
    // A poll never keeps a console waiting; requests of operators go first.
    if (due && (this.#queue.top ?? PRIORITY.sweep) < PRIORITY.sample) return this.#lend(wire, session);
    const top = this.#queue.top;
    const rest = this.#bmcClient.restMs;
    if (top !== null && top <= PRIORITY.sample && rest > 0) return this.#pause(rest);
    const job = this.#queue.shift();
    if (job) return job.item.run(wire);
    return this.#pause(waiting ? Math.max(1, session.retryAt - performance.now()) : null);
  }

  /** True when {@link Scheduler.#runNext} would only continue the running poll. */
  #isUndisturbed(wire: Transport): boolean {
    const { suspicious, outOfStep, restMs } = this.#bmcClient;
    const usable = this.#life === 'running' && this.#connection.health.phase === 'ready' && wire.lost === null;
    const claimed = this.#session !== null || this.#leaving.length > 0 || this.#queue.top !== null;
    return usable && !claimed && !suspicious && !outOfStep && restMs <= 0;
  }

  /** Silence of the line behind a console before a reply counts as one: the node's last output may be under way. */
  #quiet(session: BusConsoleSession): { ms: number; capMs: number } {
    return session.speaking ? { ms: this.#connection.profile.settledMs, capMs: SPEAKING_CAP_MS } : QUIET;
  }

  /** Puts the console on the wire: pipe, identity, `~`. */
  async #lend(wire: Transport, session: BusConsoleSession): Promise<void> {
    if (session.addr === this.#connection.health.master) {
      this.#endSession(session, 'the master has no console on this bus: rackui runs on it');
      return;
    }
    const reply = await this.#bmcClient.ask(wire, session.addr);
    // Missed questions may still be answered, and a BMC's late reply is no output of its node.
    const { outstanding, profile } = this.#connection;
    if (reply.ok && outstanding.mayCome(session.addr, performance.now()))
      await wire.quiet(profile.silenceMs(true), LATE_CAP_MS);
    if (reply.ok && session === this.#session) {
      session.enter(wire, reply.sample.power === 'on');
    } else if (reply.ok) {
      wire.closePipe(); // closed or replaced while its node was being asked
    } else {
      if (reply.failure === 'silent' && session.failures === 0) this.#bmcClient.silentAtConsole(session.addr);
      session.retryAt =
        performance.now() + (CONSOLE_RETRY_MS[Math.min(session.failures++, CONSOLE_RETRY_MS.length - 1)] ?? 0);
      session.wait(describeFailure(session.addr, reply));
    }
  }

  #changed(health: BusHealth): void {
    if (health.phase === 'ready') return;
    this.#session?.drop(health.detail);
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) job.item.refuse(health.detail);
    for (const { done } of this.#leaving.splice(0)) done();
  }

  async #release(session: BusConsoleSession, why: string): Promise<void> {
    if (session.phase.phase === 'closed') return;
    this.#endSession(session, why);
    if (!session.onWire) return;
    await new Promise<void>((done) => {
      this.#leaving.push({ session, done });
      this.#wake();
    });
  }

  #endSession(session: BusConsoleSession, why: string): void {
    if (this.#session === session) this.#session = null;
    session.end(why);
  }

  /** Sleeps until something happens, or at most `ms` (null: no limit). */
  #pause(ms: number | null): Promise<void> {
    if (this.#life !== 'running') return Promise.resolve();
    return new Promise((resolve) => {
      const timer = ms === null ? undefined : setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
