/**
 * Asks BMCs, one question at a time: prepares each exchange from what is known of its node and of this bus, and
 * updates both from the reply. Decisions about the bus are left to {@link Scheduler}, which reads its state here.
 *
 * The distance between exchanges is none on a clean bus; damaged or foreign replies double it, so that what is still
 * under way has ended before the next question, and every clean exchange shrinks it again.
 */
import { type Address, formatAddress } from '../rack/address.ts';
import type { Power } from '../rack/reading.ts';
import type { Connection } from './connection.ts';
import { statusExchange, statusExchanges, verbExchange, type VerbExchange } from './exchange.ts';
import type { Ask, Reply } from './question.ts';
import type { Transport } from './transport.ts';
import type { BmcVerb, BusCounters } from './types.ts';

/** The first step above zero, and the maximum, ms. */
const FIRST_MS = 1;
const MOST_MS = 50;
/** Four clean exchanges undo the growth that one damaged reply added. */
const SHRINK = 0.84;

export class ExchangeGap {
  readonly #floorMs: number;
  #ms: number;

  /** `floorMs`: the minimum, ms, 0 and up. */
  constructor(floorMs: number) {
    this.#floorMs = this.#ms = floorMs;
  }

  /** Distance to the next exchange, ms. */
  get ms(): number {
    return this.#ms;
  }

  /** True while damaged replies keep it above its minimum. */
  get grown(): boolean {
    return this.#ms > this.#floorMs;
  }

  damaged(): void {
    this.#ms = Math.max(this.#floorMs, Math.min(MOST_MS, Math.max(FIRST_MS, this.#ms * 2)));
  }

  clean(): void {
    const less = this.#ms * SHRINK;
    this.#ms = less < this.#floorMs + FIRST_MS / 2 ? this.#floorMs : less;
  }
}

/** Consecutive missing answers of nodes that used to answer, from which on the bus itself is probed. */
const SUSPICIOUS = 3;
/**
 * A damaged reply of the asked node counts this much of a missing one: it points to the line, hardly to a pipe that
 * leads elsewhere.
 */
const DAMAGED_COUNTS = 0.25;
/** After a damaged or foreign reply the line must be silent for this long, and is waited for at most this long, ms. */
const RESYNC_QUIET_MS = 3;
const RESYNC_CAP_MS = 60;

export class BmcClient {
  readonly #counters = { exchanges: 0, silent: 0, garbled: 0, foreign: 0, recoveries: 0 };
  readonly #connection: Connection;
  readonly #gap: ExchangeGap;
  /** Nodes that answered their last question: their silence raises suspicion. */
  readonly #answering = new Set<Address>();
  /** The power in each node's last good reply. */
  readonly #power = new Map<Address, Power>();
  /** Until then (performance.now) nothing is asked that can wait; and whether the line must first fall silent. */
  #restUntil = 0;
  #resync = false;
  #suspects = 0;

  constructor(connection: Connection, gapMs: number) {
    this.#connection = connection;
    this.#gap = new ExchangeGap(gapMs);
  }

  get counters(): BusCounters {
    return { ...this.#counters, stray: this.#connection.strayBytes };
  }

  /** True after several nodes fell silent in a row, or the master did: the bus must be probed. */
  get suspicious(): boolean {
    return this.#suspects >= SUSPICIOUS;
  }

  /** Remaining time until exchanges that can wait may go, ms; 0 or below: they may. */
  get restMs(): number {
    return this.#restUntil - performance.now();
  }

  /**
   * Notes that the node of the console fell silent. No poll runs beside a console, so this silence is the first that
   * could be seen.
   */
  silentAtConsole(addr: Address): void {
    if (this.#answering.has(addr)) this.#suspects = SUSPICIOUS;
  }

  /** Clears all suspicion after the bus came up. */
  clearSuspicion(): void {
    this.#suspects = 0;
  }

  /** Probes the bus, and clears the suspicion. Rejects LineLost. */
  async recover(): Promise<void> {
    this.#counters.recoveries++;
    await this.#connection.probe();
    this.#suspects = 0;
    // Silence that outlives the probe is the nodes' own, and raises no suspicion again until they have answered.
    for (const addr of this.#connection.outstanding.nodes) this.#answering.delete(addr);
  }

  /** True when the last reply was damaged or foreign. */
  get outOfStep(): boolean {
    return this.#resync;
  }

  /** Waits until the rest of a damaged or foreign reply has passed. Rejects LineLost. */
  async resync(wire: Transport): Promise<void> {
    this.#resync = false;
    await wire.quiet(RESYNC_QUIET_MS, RESYNC_CAP_MS);
  }

  /** Asks one BMC and leaves the pipe open after a good reply. Rejects LineLost. */
  async ask(wire: Transport, addr: Address): Promise<Reply> {
    return this.#count(addr, await statusExchange(this.#asking(wire, this.#target(addr)), 'keep-open'));
  }

  /**
   * Asks one BMC after another, as {@link statusExchanges} does: `first`, then what `next` returns after each reply.
   * `brief`: an earlier silence does not lengthen the wait. Rejects LineLost.
   */
  async askEach(
    wire: Transport,
    first: Address,
    patience: 'patient' | 'brief',
    next: (addr: Address, reply: Reply) => Address | null,
  ): Promise<void> {
    let addr = first;
    const asking = (): Ask => {
      const ask = this.#asking(wire, this.#target(addr));
      if (patience === 'brief') ask.silenceMs = this.#connection.profile.silenceMs(false);
      return ask;
    };
    await statusExchanges(asking(), (reply) => {
      const following = next(addr, this.#count(addr, reply));
      if (following === null) return null;
      addr = following;
      return asking();
    });
  }

  /** Proves the identity, does `work` in the same pipe (the master needs none), then sends ^G. Rejects LineLost. */
  async proven<T>(
    wire: Transport,
    addr: Address,
    work: () => Promise<T>,
  ): Promise<{ ok: true; value: T } | { ok: false; detail: string }> {
    let reply = await this.ask(wire, addr);
    // One lost reply may be noise: the proof is asked for again, because nothing else has gone out.
    if (!reply.ok) reply = await this.ask(wire, addr);
    if (!reply.ok) return { ok: false, detail: describeFailure(addr, reply) };
    try {
      // The proof's own line end may still be under way, and must not become part of the next reply.
      await wire.quiet(RESYNC_QUIET_MS, RESYNC_CAP_MS);
      return { ok: true, value: await work() };
    } finally {
      wire.closePipe();
    }
  }

  async verb(
    wire: Transport,
    addr: Address,
    verb: BmcVerb,
    about: { mayStill: () => boolean; onSent: () => void },
  ): Promise<VerbExchange> {
    const exchange = await verbExchange(
      {
        ...this.#asking(wire, { kind: 'slave', addr }),
        addr,
        // Asked between the proof and the verb, in one turn of the event loop.
        mayStill: () => about.mayStill() && addr !== this.#connection.health.master,
        onSent: about.onSent,
      },
      verb,
    );
    this.#count(addr, exchange.sent ? exchange.after : exchange.reply);
    return exchange;
  }

  #target(addr: Address): { kind: 'slave' | 'master'; addr: Address } {
    return { kind: addr === this.#connection.health.master ? 'master' : 'slave', addr };
  }

  #asking(wire: Transport, target: { kind: 'slave' | 'master'; addr: Address }): Ask {
    const { profile, now } = this.#connection;
    const outstanding = this.#connection.outstanding.countFrom(target.addr, performance.now());
    const known = this.#power.get(target.addr) ?? null;
    return { wire, profile, now, target, outstanding, known, silenceMs: profile.silenceMs(outstanding > 0) };
  }

  #count(addr: Address, reply: Reply): Reply {
    this.#counters.exchanges++;
    if (reply.ok) {
      this.#suspects = 0;
      this.#answering.add(addr);
      this.#connection.outstanding.answered(addr, reply, performance.now());
      this.#power.set(addr, reply.sample.power);
      this.#gap.clean();
    } else {
      this.#counters[reply.failure]++;
      this.#connection.outstanding.failed(addr, performance.now(), reply.damaged);
      this.#resync = reply.failure !== 'silent';
      if (this.#resync) this.#gap.damaged();
      // The master's silence concerns the whole bus; an address that never answered proves nothing about it.
      if (addr === this.#connection.health.master && !reply.damaged) this.#suspects = SUSPICIOUS;
      else if (this.#answering.has(addr)) this.#suspects += reply.damaged ? DAMAGED_COUNTS : 1;
    }
    this.#restUntil = performance.now() + this.#gap.ms;
    this.#connection.step(this.#gap.grown ? 'resync' : null);
    return reply;
  }
}

export function describeFailure(addr: Address, reply: Extract<Reply, { ok: false }>): string {
  const who = `the BMC at ${formatAddress(addr)}`;
  if (reply.failure === 'silent') return `${who} does not answer`;
  if (reply.failure === 'foreign') return `another BMC answered for ${formatAddress(addr)}: its reply was rejected`;
  return `what came from ${who} cannot be read`;
}
