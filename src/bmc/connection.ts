/**
 * Keeps the open port and its health: opens it, brings the bus up (^G, the master's bare `=`, the unlock string;
 * bus-protocol sections 2 and 3), detects its loss, and describes in one sentence what is wrong. Knows nothing of
 * jobs and consoles.
 */
import { steadyNow } from '../lib/clock.ts';
import { type Address, formatAddress } from '../rack/address.ts';
import { BusProfile, OutstandingReplies } from './bus-profile.ts';
import { DEFAULT_UNLOCK } from './codec.ts';
import { statusExchange } from './exchange.ts';
import { describeHolder, holdersOf, PortDiscovery } from './port-discovery.ts';
import type { Reply } from './question.ts';
import { LineError, type LineHandlers, openLine } from './serial-port.ts';
import { LineLost, Transport } from './transport.ts';
import type { BusHealth, Line, Recovery, RecoveryStep } from './types.ts';

export type ProbeResult = { phase: 'ready'; master: Address } | { phase: 'locked' | 'wedged'; detail: string };

/** Wait for the first answer, ms: an unlocked master answers within 5 ms, a locked one never. */
const FIRST_SILENCE_MS = 100;
const SILENCE_MS = 250;
const TRIES_AFTER_UNLOCK = 3;
/** Questions before the bus is given up while the master's own replies come damaged: then the bus is there. */
const TRIES_DAMAGED = 20;

/** Key of the master while its address is not known. */
const ANY_MASTER = -1;

export interface ProbeOptions {
  profile: BusProfile;
  /** Secret: it is in no result. */
  unlock: string;
  now: () => number;
  onStep: (step: RecoveryStep) => void;
  /** Address of the master that answered before; no other is accepted. Null: not known yet. */
  master: Address | null;
  outstanding: OutstandingReplies;
}

/** Probes the bus and leaves every pipe closed. Rejects LineLost. */
async function probe(wire: Transport, options: ProbeOptions): Promise<ProbeResult> {
  const { profile, now, master, outstanding } = options;
  const key = master ?? ANY_MASTER;
  const askMaster = async (silenceMs: number): Promise<Reply> => {
    const count = outstanding.countFrom(key, performance.now());
    const target = { kind: 'master', addr: master } as const;
    const reply = await statusExchange({ wire, profile, now, silenceMs, outstanding: count, known: null, target });
    if (reply.ok) outstanding.answered(key, reply, performance.now());
    else outstanding.failed(key, performance.now(), reply.damaged);
    return reply;
  };
  options.onStep('probe');
  profile.reset();
  wire.console = null;
  wire.closePipe();
  await wire.quiet(5, 150);
  let reply = await askMaster(FIRST_SILENCE_MS);
  for (let tries = 0; !reply.ok && reply.damaged && tries < TRIES_DAMAGED; tries++) {
    await wire.quiet(5, 150);
    reply = await askMaster(FIRST_SILENCE_MS);
  }
  for (let tries = 0; !reply.ok && tries < TRIES_AFTER_UNLOCK; tries++) {
    if (tries === 0) options.onStep('unlock');
    // An open pipe swallows the string, so the pipe is closed first; an unlocked bus ignores the string.
    wire.closePipe();
    await wire.quiet(5, 150);
    wire.send(options.unlock);
    await wire.quiet(20, 150);
    reply = await askMaster(SILENCE_MS);
  }
  if (reply.ok) return { phase: 'ready', master: reply.id };
  if (reply.failure === 'silent') {
    const which = options.unlock === DEFAULT_UNLOCK ? 'the default unlock string' : 'the configured unlock string';
    return {
      phase: 'locked',
      detail: `nothing answers, even after ${which}: check the port, the rack's power, and 'unlock' in the configuration`,
    };
  }
  if (reply.failure === 'foreign' && master !== null)
    return {
      phase: 'wedged',
      detail: `the master was ${formatAddress(master)}, and another answers in its place, even after ^G: its BMC is broken, or this is another rack (then restart the server)`,
    };
  return {
    phase: 'wedged',
    detail:
      reply.failure === 'foreign'
        ? 'a node answers instead of the master, even after ^G: another program may use this bus'
        : 'the master’s replies are unreadable: wrong baud rate, noise, or another program on this bus',
  };
}

export interface ConnectionOptions {
  /** A device, or a pattern of several. */
  port: string;
  /** Secret. */
  unlock: string;
  now: () => number;
  /** Opens the line; tests replace it with a line of their own. */
  open: (port: string, handlers: LineHandlers) => Promise<Line>;
}

/** Interval at which a missing device is looked for, ms; other failures back off to the maximum. */
const MISSING_POLL_MS = 250;
const BACKOFF_MS = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000] as const;

export class Connection {
  readonly profile = new BusProfile();
  readonly outstanding = new OutstandingReplies();
  readonly #o: ConnectionOptions;
  readonly #listeners = new Set<(health: BusHealth) => void>();
  readonly #onLost: () => void;
  readonly #finder: PortDiscovery;
  #health: BusHealth = { phase: 'starting', detail: 'opening the port', master: null };
  #recovery: Recovery | null = null;
  #wire: Transport | null = null;
  /** Path of the device that is open, or was tried last. */
  #path: string;
  #failures = 0;
  /**
   * Address of the BMC that answered a bare `=` first: this machine's own slot, which cannot change while this
   * program runs.
   */
  #master: Address | null = null;
  /** Stray bytes of transports that are closed. */
  #strayBefore = 0;

  /** `onLost` is called when an open line is lost. */
  constructor(options: Partial<ConnectionOptions> & { port: string; unlock: string }, onLost: () => void) {
    this.#o = { now: steadyNow, open: openLine, ...options };
    this.#path = options.port;
    this.#finder = new PortDiscovery(options.port);
    this.#onLost = onLost;
  }

  get health(): BusHealth {
    return this.#health;
  }

  get now(): () => number {
    return this.#o.now;
  }

  get strayBytes(): number {
    return this.#strayBefore + (this.#wire?.stray ?? 0);
  }

  get recovery(): Recovery | null {
    return this.#recovery;
  }

  /** See {@link Bus.catchUp}. */
  catchUp(): void {
    this.#wire?.catchUp();
  }

  /** Resets the back-off, for a retry at the operator's request. */
  retryNow(): void {
    this.#failures = 0;
  }

  /**
   * Sets the recovery stage, shown to operators; null: none. `waitMs`: time until the next try, ms; null: it is being
   * tried now.
   */
  step(step: RecoveryStep | null, waitMs: number | null = null): void {
    const before = this.#recovery;
    if (step === (before?.step ?? null) && waitMs === null) return;
    this.#recovery = step === null ? null : { step, retryAt: waitMs === null ? null : this.#o.now() + waitMs };
    this.#reportHealth();
  }

  onHealth(listener: (health: BusHealth) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The transport of a usable bus. Throws LineLost when there is none (any more). */
  get wire(): Transport {
    const wire = this.#wire;
    if (!wire || this.#health.phase !== 'ready') throw new LineLost(this.#health.detail);
    if (wire.lost) throw wire.lost;
    return wire;
  }

  /**
   * Opens the port if it is closed, and probes. Resolves 0 when the bus is ready, else the time until the next try,
   * ms.
   */
  async bringUp(): Promise<number> {
    try {
      if (this.#wire === null && this.#health.phase !== 'starting' && this.#recovery?.step !== 'device')
        this.step('reopen');
      this.#wire ??= await this.#open();
      await this.probe();
    } catch (error) {
      await this.lose(error);
      if (error instanceof LineError && error.kind === 'missing') {
        this.step('device');
        return MISSING_POLL_MS;
      }
    }
    if (this.#health.phase === 'ready') {
      this.#failures = 0;
      return 0;
    }
    this.#finder.useless();
    const waitMs = BACKOFF_MS[Math.min(this.#failures++, BACKOFF_MS.length - 1)] ?? 30_000;
    this.step('rest', waitMs);
    return waitMs;
  }

  /**
   * Sends ^G, the master's `=`, and where needed the unlock string. A port whose bus does not answer is closed, to be
   * opened afresh. Rejects LineLost.
   */
  async probe(): Promise<void> {
    const wire = this.#wire;
    if (!wire) return;
    const result = await probe(wire, {
      master: this.#master,
      outstanding: this.outstanding,
      profile: this.profile,
      unlock: this.#o.unlock,
      now: this.#o.now,
      onStep: (step) => this.step(step),
    });
    if (result.phase === 'ready') {
      this.#finder.opened(this.#path);
      this.#master = result.master;
      // The recovery ends first: listeners of the health must not see a ready bus that is still being recovered.
      this.#recovery = null;
      if (this.#health.phase !== 'ready' || this.#health.master !== result.master)
        this.#become({ phase: 'ready', detail: '', master: result.master });
      else this.#reportHealth();
      return;
    }
    this.#forgetWire();
    this.#become({ phase: result.phase, detail: `${result.detail}${this.#others()}`, master: null });
    await wire.close();
  }

  /** Takes the bus down after the line failed, until it is brought up again. Rethrows errors of other kinds. */
  async lose(error: unknown): Promise<void> {
    if (!(error instanceof LineLost) && !(error instanceof LineError)) throw error;
    const wire = this.#forgetWire();
    this.#become({ phase: 'down', detail: error.message, master: null });
    await wire?.close();
  }

  /** Sends ^G, then closes the port. */
  async close(): Promise<void> {
    const wire = this.#forgetWire();
    this.#recovery = null;
    this.#become({ phase: 'down', detail: 'the bus was closed', master: null });
    wire?.closePipe();
    await wire?.close();
  }

  async #open(): Promise<Transport> {
    let wire: Transport | null = null;
    this.#path = this.#finder.find();
    const line = await this.#o.open(this.#path, {
      // Bytes that arrive while the port is being opened are ignored.
      onData: (bytes) => wire?.feed(bytes),
      onLost: (why) => {
        wire?.lose(why);
        this.#onLost();
      },
    });
    return (wire = new Transport(line));
  }

  #forgetWire(): Transport | null {
    const wire = this.#wire;
    this.#strayBefore += wire?.stray ?? 0;
    this.#wire = null;
    return wire;
  }

  /**
   * Names another process that has the device open, as far as this user may see: ` (screen (pid 1, user pi) has it
   * open too)`; empty: none.
   */
  #others(): string {
    const [other] = holdersOf(this.#path);
    return other ? ` (${describeHolder(other)} has ${this.#path} open too: end it)` : '';
  }

  #reportHealth(): void {
    for (const listener of this.#listeners) listener(this.#health);
  }

  #become(health: BusHealth): void {
    const before = this.#health;
    this.#health = health;
    if (before.phase === health.phase && before.detail === health.detail && before.master === health.master) return;
    this.#reportHealth();
  }
}
