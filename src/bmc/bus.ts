/**
 * The one owner of the serial line: a single loop takes jobs by priority, runs one exchange at a time, lends the wire to
 * a console between them, and brings the bus back when it fails. Nothing else writes to the line.
 */
import { formatAddress, type Address } from '../rack/address.ts';
import type { Power } from '../rack/reading.ts';
import { BIOS_COMMANDS, DEFAULT_UNLOCK } from './codec.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { Lease } from './console-lease.ts';
import { ExchangeGap } from './gap.ts';
import { statusExchange, verbExchange, type Reply, type VerbExchange } from './exchange.ts';
import { readUid, saidTo, surveyForms, type Forms } from './hand.ts';
import { PriorityQueue } from './queue.ts';
import { judgeRaw } from './raw-rules.ts';
import {
  PRIORITY,
  type BmcVerb,
  type Bus,
  type BusCounters,
  type BusHealth,
  type ConsoleBaud,
  type ConsoleHandlers,
  type ConsoleLease,
  type Priority,
  type RawOutcome,
  type Recovery,
  type StatusOutcome,
  type UidOutcome,
  type VerbOutcome,
} from './types.ts';
import { verifiedVerb } from './verb.ts';
import { LineLost, type Wire } from './wire.ts';

export interface BusOptions extends Partial<Omit<ConnectionOptions, 'port'>> {
  port: string;
  /** Milliseconds between console bytes towards a node; 2 were seen to be safe. */
  pacingMs?: number;
  /** Milliseconds kept between exchanges on a clean bus; damaged replies make it more for a while. */
  gapMs?: number;
}

/** So many answers in a row missing from nodes that used to answer: is it the bus? */
const SUSPICIOUS = 3;
/** After a reply that was not one, the line must be silent for so long, and is waited for at most so long, ms. */
const RESYNC_QUIET_MS = 3;
const RESYNC_CAP_MS = 60;
/** A console whose BMC does not answer is tried again after this. */
const CONSOLE_RETRY_MS = [200, 500, 2_000] as const;

interface Job {
  run(wire: Wire): Promise<void>;
  refuse(detail: string): void;
}

/** Throws when the unlock string could harm an unlocked bus. */
export function createBus(options: BusOptions): Bus {
  const unlock = options.unlock ?? DEFAULT_UNLOCK;
  if (BIOS_COMMANDS.test(unlock))
    throw new Error('the unlock string holds a BIOS command character: on an unlocked bus it would be executed');
  return new SerialBus({ ...options, unlock }, options.pacingMs ?? 2, options.gapMs ?? 0);
}

class SerialBus implements Bus {
  readonly #counters = { exchanges: 0, silent: 0, garbled: 0, foreign: 0, recoveries: 0 };
  readonly #connection: Connection;
  readonly #pacingMs: number;
  readonly #queue = new PriorityQueue<Job>();
  /** Nodes whose silence would be news. */
  readonly #answering = new Set<Address>();
  /** The power that each node's last good reply told. */
  readonly #power = new Map<Address, Power>();
  readonly #gap: ExchangeGap;
  /** Before then (performance.now) nothing is asked that can wait; and whether the line must first fall silent. */
  #restUntil = 0;
  #resync = false;
  #lease: Lease | null = null;
  #leaving: { lease: Lease; done: () => void }[] = [];
  /** Verbs and others that need several exchanges: until they are through, no console gets the wire. */
  #holds = 0;
  #suspects = 0;
  #life: 'new' | 'running' | 'closing' = 'new';
  #wake: () => void = () => undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: BusOptions & { unlock: string }, pacingMs: number, gapMs: number) {
    this.#gap = new ExchangeGap(gapMs);
    this.#pacingMs = pacingMs;
    this.#connection = new Connection(options, () => this.#wake());
    this.#connection.onHealth((health) => this.#changed(health));
  }

  get health(): BusHealth {
    return this.#connection.health;
  }

  get counters(): BusCounters {
    return { ...this.#counters, stray: this.#connection.strayBytes };
  }

  get recovery(): Recovery | null {
    return this.#connection.recovery;
  }

  get consoleAddr(): Address | null {
    return this.#lease?.addr ?? null;
  }

  start(): void {
    if (this.#life !== 'new') return;
    this.#life = 'running';
    this.#loop = this.#run();
  }

  onHealth(listener: (health: BusHealth) => void): () => void {
    return this.#connection.onHealth(listener);
  }

  retry(): void {
    this.#connection.hurry();
    this.#wake();
  }

  async status(addr: Address, priority: Priority, patience: 'patient' | 'brief' = 'patient'): Promise<StatusOutcome> {
    const reply = await this.#exchange(priority, (wire) => this.#ask(wire, addr, 'close', patience));
    if (typeof reply === 'string') return { ok: false, failure: 'bus', detail: reply };
    if (reply.ok) return { ok: true, sample: reply.sample, master: reply.master };
    return { ok: false, failure: reply.failure, detail: describeFailure(addr, reply) };
  }

  async verb(
    addr: Address,
    verb: BmcVerb,
    options: { priority: Priority; signal?: AbortSignal },
  ): Promise<VerbOutcome> {
    const release = this.hold();
    try {
      return await verifiedVerb(
        addr,
        verb,
        {
          isMaster: () => addr === this.health.master,
          status: () => this.status(addr, options.priority),
          exchange: () => this.#verbExchange(addr, verb, options),
        },
        options.signal,
      );
    } finally {
      release();
    }
  }

  async uid(addr: Address, priority: Priority): Promise<UidOutcome> {
    const outcome = await this.#exchange(priority, (wire) => this.#proven(wire, addr, () => readUid(wire)));
    if (typeof outcome === 'string') return { ok: false, detail: outcome };
    return outcome.ok ? { ok: true, uid: outcome.value } : outcome;
  }

  async survey(node: Address | null): Promise<Forms | string> {
    return this.#exchange(PRIORITY.operator, (wire) => surveyForms(wire, node));
  }

  async raw(target: Address | null, text: string): Promise<RawOutcome> {
    const outcome = await this.#exchange(PRIORITY.operator, async (wire) => {
      const { master } = this.health;
      const { refused } = judgeRaw(text, target, master);
      const addr = target ?? master;
      if (refused !== null || addr === null)
        return { ok: false as const, detail: refused ?? 'the master is not known yet' };
      try {
        return await this.#proven(wire, addr, () => saidTo(wire, text));
      } finally {
        // Whatever it was: no pipe stays open, and the master must answer before anybody else is asked.
        await this.#connection.probe();
      }
    });
    if (typeof outcome === 'string') return { sent: false, detail: outcome };
    return outcome.ok
      ? { sent: true, heard: outcome.value, after: this.health }
      : { sent: false, detail: outcome.detail };
  }

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

  openConsole(addr: Address, baud: ConsoleBaud, handlers: ConsoleHandlers): ConsoleLease {
    const former = this.#lease;
    const lease = new Lease(addr, baud, handlers, {
      pacingMs: this.#pacingMs,
      now: this.#connection.now,
      release: (ended) => this.#release(ended, 'closed'),
      doubt: () => this.#wake(),
    });
    if (this.health.phase !== 'ready') lease.wait(this.health.detail);
    if (former) void this.#release(former, `the console moved to ${formatAddress(addr)}`);
    this.#lease = lease;
    this.#wake();
    return lease;
  }

  async close(): Promise<void> {
    const started = this.#life === 'running';
    this.#life = 'closing';
    this.#wake();
    if (started) await this.#loop;
  }

  // --- the loop -----------------------------------------------------------------------------------------------------

  async #run(): Promise<void> {
    while (this.#life === 'running') {
      if (this.health.phase !== 'ready') {
        const waitMs = await this.#connection.bringUp();
        this.#suspects = 0;
        if (waitMs > 0) await this.#pause(waitMs);
        continue;
      }
      try {
        await this.#turn(this.#connection.wire);
      } catch (error) {
        await this.#connection.lose(error);
      }
    }
    await this.#connection.close();
    this.#lease?.end('the bus was closed');
  }

  /** One step of a usable bus: recovery, the console's way off or onto the wire, a job, or waiting. */
  async #turn(wire: Wire): Promise<void> {
    if (this.#suspects >= SUSPICIOUS) return this.#recover();
    if (this.#resync) {
      // What a damaged or foreign reply still drags along belongs to no question of ours.
      this.#resync = false;
      await wire.quiet(RESYNC_QUIET_MS, RESYNC_CAP_MS);
    }
    const leaving = this.#leaving.shift();
    if (leaving) return leaving.lease.leave('', true).finally(leaving.done);
    const lease = this.#lease;
    if (lease?.onWire) {
      const why = `console ${formatAddress(lease.addr)} holds the pipe`;
      for (const job of this.#queue.drain(PRIORITY.sweep)) job.refuse(why);
      if (this.#queue.top !== null || this.#holds > 0)
        return lease.leave('the bus was needed for power or a sample', false);
      const { doubtful } = lease;
      if (doubtful === null) return this.#pause(null);
      const wait = doubtful.at - performance.now();
      if (wait > 0) return this.#pause(wait);
      lease.lookedInto();
      return lease.leave(doubtful.why, false);
    }
    const waiting = lease !== null && this.#holds === 0;
    const due = waiting && lease.retryAt <= performance.now();
    // A sweep never keeps a console waiting; what somebody asked for goes first.
    if (due && (this.#queue.top ?? PRIORITY.sweep) < PRIORITY.sample) return this.#lend(wire, lease);
    const top = this.#queue.top;
    const rest = this.#restUntil - performance.now();
    if (top !== null && top <= PRIORITY.sample && rest > 0) return this.#pause(rest);
    const job = this.#queue.shift();
    if (job) return job.item.run(wire);
    return this.#pause(waiting ? Math.max(1, lease.retryAt - performance.now()) : null);
  }

  /** The console goes onto the wire: pipe, identity, `~`. */
  async #lend(wire: Wire, lease: Lease): Promise<void> {
    if (lease.addr === this.health.master) {
      this.#endLease(lease, 'the master has no console on this bus: this program runs on it');
      return;
    }
    const reply = await this.#ask(wire, lease.addr, 'keep-open');
    if (reply.ok && lease === this.#lease) {
      lease.enter(wire);
    } else if (reply.ok) {
      wire.closePipe(); // closed or replaced while its node was being asked
    } else {
      // No sweep runs beside a console: this silence is the first that could be seen.
      if (reply.failure === 'silent' && lease.failures === 0 && this.#answering.has(lease.addr))
        this.#suspects = SUSPICIOUS;
      lease.retryAt =
        performance.now() + (CONSOLE_RETRY_MS[Math.min(lease.failures++, CONSOLE_RETRY_MS.length - 1)] ?? 0);
      lease.wait(describeFailure(lease.addr, reply));
    }
  }

  /** Several nodes fell silent in a row: is the bus still there? */
  async #recover(): Promise<void> {
    this.#counters.recoveries++;
    await this.#connection.probe();
    this.#suspects = 0;
    // Silence that outlives this is the nodes' own and raises no suspicion again until they have answered.
    for (const addr of this.#connection.unanswered.nodes) this.#answering.delete(addr);
  }

  // --- exchanges ----------------------------------------------------------------------------------------------------

  /** Queues an exchange; resolves its result, or a sentence when the bus cannot be used. */
  #exchange<T>(priority: Priority, work: (wire: Wire) => Promise<T>): Promise<T | string> {
    if (this.health.phase !== 'ready') return Promise.resolve(this.health.detail);
    return new Promise((resolve, reject) => {
      this.#queue.push(priority, {
        refuse: resolve,
        run: async (wire) => {
          try {
            resolve(await work(wire));
          } catch (error) {
            if (error instanceof LineLost) resolve(error.message);
            else reject(error instanceof Error ? error : new Error(String(error)));
            throw error;
          }
        },
      });
      this.#wake();
    });
  }

  async #ask(
    wire: Wire,
    addr: Address,
    after: 'close' | 'keep-open' = 'close',
    patience: 'patient' | 'brief' = 'patient',
  ): Promise<Reply> {
    const kind = addr === this.health.master ? 'master' : 'slave';
    const asking = this.#asking(wire, addr);
    if (patience === 'brief') asking.silenceMs = this.#connection.profile.silenceMs(false);
    return this.#count(addr, await statusExchange({ ...asking, target: { kind, addr } }, after));
  }

  /** Identity proof, `work` behind it in the same pipe (the master needs none), ^G. */
  async #proven<T>(
    wire: Wire,
    addr: Address,
    work: () => Promise<T>,
  ): Promise<{ ok: true; value: T } | { ok: false; detail: string }> {
    let reply = await this.#ask(wire, addr, 'keep-open');
    // One reply that was lost may be noise: the proof is asked again, nothing else has gone out.
    if (!reply.ok) reply = await this.#ask(wire, addr, 'keep-open');
    if (!reply.ok) return { ok: false, detail: describeFailure(addr, reply) };
    try {
      // The proof's own line end may still be under way: it is not what `work` will hear.
      await wire.quiet(RESYNC_QUIET_MS, RESYNC_CAP_MS);
      return { ok: true, value: await work() };
    } finally {
      wire.closePipe();
    }
  }

  #asking(wire: Wire, addr: Address): Omit<Parameters<typeof statusExchange>[0], 'target'> {
    const { profile, now } = this.#connection;
    const owed = this.#connection.unanswered.owedBy(addr, performance.now());
    const known = this.#power.get(addr) ?? null;
    return { wire, profile, now, owed, known, silenceMs: profile.silenceMs(owed > 0) };
  }

  async #verbExchange(
    addr: Address,
    verb: BmcVerb,
    options: { priority: Priority; signal?: AbortSignal },
  ): Promise<VerbExchange | { sent: boolean; bus: string }> {
    let sent = false;
    const outcome = await this.#exchange(options.priority, async (wire) => {
      const exchange = await verbExchange(
        {
          ...this.#asking(wire, addr),
          addr,
          // The last word: asked between the proof and the verb, in one turn of the event loop.
          mayStill: () => options.signal?.aborted !== true && addr !== this.health.master,
          onSent: () => (sent = true),
        },
        verb,
      );
      this.#count(addr, exchange.sent ? exchange.after : exchange.reply);
      return exchange;
    });
    return typeof outcome === 'string' ? { sent, bus: outcome } : outcome;
  }

  #count(addr: Address, reply: Reply): Reply {
    this.#counters.exchanges++;
    if (reply.ok) {
      this.#suspects = 0;
      this.#answering.add(addr);
      this.#connection.unanswered.answered(addr, reply.lagMs, performance.now());
      this.#power.set(addr, reply.sample.power);
      this.#gap.clean();
    } else {
      this.#counters[reply.failure]++;
      this.#connection.unanswered.failed(addr, performance.now());
      this.#resync = reply.failure !== 'silent';
      if (this.#resync) this.#gap.damaged();
      // The master's silence is the bus's; an address that never answered says nothing about the bus.
      if (addr === this.health.master) this.#suspects = SUSPICIOUS;
      else if (this.#answering.has(addr)) this.#suspects++;
    }
    this.#restUntil = performance.now() + this.#gap.ms;
    this.#connection.step(this.#gap.grown ? 'resync' : null);
    return reply;
  }

  #changed(health: BusHealth): void {
    if (health.phase === 'ready') return;
    this.#lease?.drop(health.detail);
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) job.item.refuse(health.detail);
    for (const { done } of this.#leaving.splice(0)) done();
  }

  // --- ends ---------------------------------------------------------------------------------------------------------

  async #release(lease: Lease, why: string): Promise<void> {
    if (lease.phase.phase === 'closed') return;
    this.#endLease(lease, why);
    if (!lease.onWire) return;
    await new Promise<void>((done) => {
      this.#leaving.push({ lease, done });
      this.#wake();
    });
  }

  #endLease(lease: Lease, why: string): void {
    if (this.#lease === lease) this.#lease = null;
    lease.end(why);
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

function describeFailure(addr: Address, reply: Extract<Reply, { ok: false }>): string {
  const who = `the BMC at ${formatAddress(addr)}`;
  if (reply.failure === 'silent') return `${who} does not answer`;
  if (reply.failure === 'foreign') return `another BMC answered for ${formatAddress(addr)}: its reply was not believed`;
  return `what came from ${who} cannot be read`;
}
