/**
 * The distance between exchanges. On a clean bus there is none; damaged or foreign replies make it grow, so that what is
 * still under way has ended before the next question, and every clean exchange makes it shrink again. Pure.
 *
 * Asking BMCs, one question at a time: each exchange behind what is known of its node and this bus, and what its answer
 * says about both. It decides nothing about the line; {@link Bus} does, by what it reads here.
 */
import { type Address, formatAddress } from '../rack/address.ts';
import type { Power } from '../rack/reading.ts';
import type { Connection } from './connection.ts';
import { type Reply, statusExchange, verbExchange, type VerbExchange } from './exchange.ts';
import type { Transport } from './transport.ts';
import type { BmcVerb, BusCounters } from './types.ts';

/** The first step up from nothing, and the most that is ever kept, ms. */
const FIRST_MS = 1;
const MOST_MS = 50;
/** Four clean exchanges take back what one damaged reply added. */
const SHRINK = 0.84;

export class ExchangeGap {
  readonly #floorMs: number;
  #ms: number;

  /** `floorMs`: never less than this, 0 and up. */
  constructor(floorMs: number) {
    this.#floorMs = this.#ms = floorMs;
  }

  /** Milliseconds to keep before the next exchange. */
  get ms(): number {
    return this.#ms;
  }

  /** True while damage keeps it above its floor. */
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

/** So many answers in a row missing from nodes that used to answer: is it the bus? */
const SUSPICIOUS = 3;
/** A reply of its own that came damaged tells of the line, hardly of a pipe that leads elsewhere. */
const DAMAGED_COUNTS = 0.25;
/** After a reply that was not one, the line must be silent for so long, and is waited for at most so long, ms. */
const RESYNC_QUIET_MS = 3;
const RESYNC_CAP_MS = 60;

export class BmcClient {
  readonly #counters = { exchanges: 0, silent: 0, garbled: 0, foreign: 0, recoveries: 0 };
  readonly #connection: Connection;
  readonly #gap: ExchangeGap;
  /** Nodes whose silence would be news. */
  readonly #answering = new Set<Address>();
  /** The power that each node's last good reply told. */
  readonly #power = new Map<Address, Power>();
  /** Before then (performance.now) nothing is asked that can wait; and whether the line must first fall silent. */
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

  /** Several nodes fell silent in a row, or the master did: is the bus still there? */
  get suspicious(): boolean {
    return this.#suspects >= SUSPICIOUS;
  }

  /** How long what can wait still has to, ms; below 0: no more. */
  get restMs(): number {
    return this.#restUntil - performance.now();
  }

  /** A console's node fell silent: no sweep runs beside a console, so this silence is the first that could be seen. */
  silentAtConsole(addr: Address): void {
    if (this.#answering.has(addr)) this.#suspects = SUSPICIOUS;
  }

  /** The bus came up: what was before says nothing. */
  trust(): void {
    this.#suspects = 0;
  }

  /** Looks whether the bus is still there. */
  async recover(): Promise<void> {
    this.#counters.recoveries++;
    await this.#connection.probe();
    this.#suspects = 0;
    // Silence that outlives this is the nodes' own and raises no suspicion again until they have answered.
    for (const addr of this.#connection.unanswered.nodes) this.#answering.delete(addr);
  }

  /** The last reply was damaged or foreign. */
  get outOfStep(): boolean {
    return this.#resync;
  }

  /** What such a reply still drags along belongs to no question of ours. */
  async resync(wire: Transport): Promise<void> {
    this.#resync = false;
    await wire.quiet(RESYNC_QUIET_MS, RESYNC_CAP_MS);
  }

  async ask(
    wire: Transport,
    addr: Address,
    after: 'close' | 'keep-open' = 'close',
    patience: 'patient' | 'brief' = 'patient',
  ): Promise<Reply> {
    const kind = addr === this.#connection.health.master ? 'master' : 'slave';
    const asking = this.#asking(wire, addr);
    if (patience === 'brief') asking.silenceMs = this.#connection.profile.silenceMs(false);
    return this.#count(addr, await statusExchange({ ...asking, target: { kind, addr } }, after));
  }

  /** Identity proof, `work` behind it in the same pipe (the master needs none), ^G. */
  async proven<T>(
    wire: Transport,
    addr: Address,
    work: () => Promise<T>,
  ): Promise<{ ok: true; value: T } | { ok: false; detail: string }> {
    let reply = await this.ask(wire, addr, 'keep-open');
    // One reply that was lost may be noise: the proof is asked again, nothing else has gone out.
    if (!reply.ok) reply = await this.ask(wire, addr, 'keep-open');
    if (!reply.ok) return { ok: false, detail: describeFailure(addr, reply) };
    try {
      // The proof's own line end may still be under way: it is not what `work` will hear.
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
        ...this.#asking(wire, addr),
        addr,
        // The last word: asked between the proof and the verb, in one turn of the event loop.
        mayStill: () => about.mayStill() && addr !== this.#connection.health.master,
        onSent: about.onSent,
      },
      verb,
    );
    this.#count(addr, exchange.sent ? exchange.after : exchange.reply);
    return exchange;
  }

  #asking(wire: Transport, addr: Address): Omit<Parameters<typeof statusExchange>[0], 'target'> {
    const { profile, now } = this.#connection;
    const owed = this.#connection.unanswered.owedBy(addr, performance.now());
    const known = this.#power.get(addr) ?? null;
    return { wire, profile, now, owed, known, silenceMs: profile.silenceMs(owed > 0) };
  }

  #count(addr: Address, reply: Reply): Reply {
    this.#counters.exchanges++;
    if (reply.ok) {
      this.#suspects = 0;
      this.#answering.add(addr);
      this.#connection.unanswered.answered(addr, reply, performance.now());
      this.#power.set(addr, reply.sample.power);
      this.#gap.clean();
    } else {
      this.#counters[reply.failure]++;
      this.#connection.unanswered.failed(addr, performance.now(), reply.damaged);
      this.#resync = reply.failure !== 'silent';
      if (this.#resync) this.#gap.damaged();
      // The master's silence is the bus's; an address that never answered says nothing about the bus.
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
  if (reply.failure === 'foreign') return `another BMC answered for ${formatAddress(addr)}: its reply was not believed`;
  return `what came from ${who} cannot be read`;
}
