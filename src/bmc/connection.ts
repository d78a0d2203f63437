/**
 * The line and its health: opens the port, brings the bus up, notices when it is lost, and says in one sentence what is
 * wrong. Knows nothing of jobs and consoles.
 *
 * Getting from an open port to a bus that answers: ^G, the master's bare `=`, the unlock string (bus-protocol sections 2, 3).
 */
import { steadyNow } from '../lib/clock.ts';
import { type Address, formatAddress } from '../rack/address.ts';
import { BusProfile, OutstandingReplies } from './bus-profile.ts';
import { DEFAULT_UNLOCK } from './codec.ts';
import { type Reply, statusExchange } from './exchange.ts';
import { describeHolder, holdersOf, PortDiscovery } from './port-discovery.ts';
import { LineError, type LineHandlers, openLine } from './serial-port.ts';
import { LineLost, Transport } from './transport.ts';
import type { BusHealth, Line, Recovery, RecoveryStep } from './types.ts';

export type ProbeResult = { phase: 'ready'; master: Address } | { phase: 'locked' | 'wedged'; detail: string };

/** An unlocked master answers within 5 ms; a locked one never. */
const FIRST_SILENCE_MS = 100;
const SILENCE_MS = 250;
const TRIES_AFTER_UNLOCK = 3;
/** While the master's own replies come, though damaged, the bus is there: so many questions before it is given up. */
const TRIES_DAMAGED = 20;

/** Stands for the master where its address is not known yet. */
const ANY_MASTER = -1;

export interface ProbeOptions {
  profile: BusProfile;
  /** Secret: it is in no result. */
  unlock: string;
  now: () => number;
  onStep: (step: RecoveryStep) => void;
  /** Who answered in this place before: nobody else is believed. Null: not known yet. */
  master: Address | null;
  unanswered: OutstandingReplies;
}

/** Leaves every pipe closed. Rejects LineLost. */
async function probe(wire: Transport, options: ProbeOptions): Promise<ProbeResult> {
  const { profile, now, master, unanswered } = options;
  const key = master ?? ANY_MASTER;
  const askMaster = async (silenceMs: number): Promise<Reply> => {
    const owed = unanswered.owedBy(key, performance.now());
    const target = { kind: 'master', addr: master } as const;
    const reply = await statusExchange({ wire, profile, now, silenceMs, owed, known: null, target });
    if (reply.ok) unanswered.answered(key, reply, performance.now());
    else unanswered.failed(key, performance.now(), reply.damaged);
    return reply;
  };
  options.onStep('probe');
  profile.forget();
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
    // A pipe left open swallows the string, so the pipe is closed first; an unlocked bus ignores it.
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
        ? 'a node answers in the master’s place, even after ^G: another program may be using this bus'
        : 'bytes come, but no answer of the master can be read: wrong speed, noise, or another program on this bus',
  };
}

export interface ConnectionOptions {
  /** A device, or a pattern of several. */
  port: string;
  /** Secret. */
  unlock: string;
  now: () => number;
  /** Opens the line; tests put a wire of their own here. */
  open: (port: string, handlers: LineHandlers) => Promise<Line>;
}

/** A missing device is looked for this often; other failures back off to the maximum. */
const MISSING_POLL_MS = 250;
const BACKOFF_MS = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000] as const;

export class Connection {
  readonly profile = new BusProfile();
  readonly unanswered = new OutstandingReplies();
  readonly #o: ConnectionOptions;
  readonly #listeners = new Set<(health: BusHealth) => void>();
  readonly #onLost: () => void;
  readonly #finder: PortDiscovery;
  #health: BusHealth = { phase: 'starting', detail: 'opening the port', master: null };
  #recovery: Recovery | null = null;
  #wire: Transport | null = null;
  /** The device that is open, or was tried last. */
  #path: string;
  #failures = 0;
  /** Who answered a bare `=` first: it is this machine's own slot, and cannot change while this program runs. */
  #master: Address | null = null;
  /** Of wires that are closed. */
  #strayBefore = 0;

  /** `onLost` is called when an open line vanishes. */
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

  /** See `Bus.catchUp` in types.ts. */
  catchUp(): void {
    this.#wire?.catchUp();
  }

  /** The back-off begins anew: somebody asked. */
  hurry(): void {
    this.#failures = 0;
  }

  /** The rung of the ladder it stands on now, for people; null: none. */
  step(step: RecoveryStep | null, waitMs: number | null = null): void {
    const before = this.#recovery;
    if (step === (before?.step ?? null) && waitMs === null) return;
    this.#recovery = step === null ? null : { step, retryAt: waitMs === null ? null : this.#o.now() + waitMs };
    this.#tell();
  }

  onHealth(listener: (health: BusHealth) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The wire of a usable bus. Throws LineLost when there is none (any more). */
  get wire(): Transport {
    const wire = this.#wire;
    if (!wire || this.#health.phase !== 'ready') throw new LineLost(this.#health.detail);
    if (wire.lost) throw wire.lost;
    return wire;
  }

  /** Opens what is not open and probes. Resolves 0 when the bus is ready, else how long to wait before the next try, ms. */
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

  /** ^G, the master's `=`, the unlock string. A port whose bus does not answer is closed, to be opened afresh. */
  async probe(): Promise<void> {
    const wire = this.#wire;
    if (!wire) return;
    const result = await probe(wire, {
      master: this.#master,
      unanswered: this.unanswered,
      profile: this.profile,
      unlock: this.#o.unlock,
      now: this.#o.now,
      onStep: (step) => this.step(step),
    });
    if (result.phase === 'ready') {
      this.#finder.opened(this.#path);
      this.#master = result.master;
      // The picture first: who hears that the bus is back hears that nothing is being done any more.
      this.#recovery = null;
      if (this.#health.phase !== 'ready' || this.#health.master !== result.master)
        this.#become({ phase: 'ready', detail: '', master: result.master });
      else this.#tell();
      return;
    }
    this.#forgetWire();
    this.#become({ phase: result.phase, detail: `${result.detail}${this.#others()}`, master: null });
    await wire.close();
  }

  /** The line failed: the bus is down until it is brought up again. Errors of other kinds are rethrown. */
  async lose(error: unknown): Promise<void> {
    if (!(error instanceof LineLost) && !(error instanceof LineError)) throw error;
    const wire = this.#forgetWire();
    this.#become({ phase: 'down', detail: error.message, master: null });
    await wire?.close();
  }

  /** ^G, then the port. */
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
      // What the opening itself shakes loose belongs to nobody.
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

  /** Who else has the device open, as far as this user may see: ` (screen (pid 1, user pi) has it open too)`. */
  #others(): string {
    const [other] = holdersOf(this.#path);
    return other ? ` (${describeHolder(other)} has ${this.#path} open too: end it)` : '';
  }

  #tell(): void {
    for (const listener of this.#listeners) listener(this.#health);
  }

  #become(health: BusHealth): void {
    const before = this.#health;
    this.#health = health;
    if (before.phase === health.phase && before.detail === health.detail && before.master === health.master) return;
    this.#tell();
  }
}
