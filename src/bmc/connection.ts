/**
 * The line and its health: opens the port, brings the bus up, notices when it is lost, and says in one sentence what is
 * wrong. Knows nothing of jobs and consoles.
 */
import { steadyNow } from '../lib/clock.ts';
import type { Address } from '../rack/address.ts';
import { describeHolder, holdersOf } from './holder.ts';
import { openLine, LineError, type LineHandlers } from './line.ts';
import { PortFinder } from './port-finder.ts';
import { BusProfile } from './profile.ts';
import { probe } from './recovery.ts';
import type { BusHealth, Line, Recovery, RecoveryStep } from './types.ts';
import { Unanswered } from './unanswered.ts';
import { LineLost, Wire } from './wire.ts';

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
  readonly unanswered = new Unanswered();
  readonly #o: ConnectionOptions;
  readonly #listeners = new Set<(health: BusHealth) => void>();
  readonly #onLost: () => void;
  readonly #finder: PortFinder;
  #health: BusHealth = { phase: 'starting', detail: 'opening the port', master: null };
  #recovery: Recovery | null = null;
  #wire: Wire | null = null;
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
    this.#finder = new PortFinder(options.port);
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
  get wire(): Wire {
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

  async #open(): Promise<Wire> {
    let wire: Wire | null = null;
    this.#path = this.#finder.find();
    const line = await this.#o.open(this.#path, {
      // What the opening itself shakes loose belongs to nobody.
      onData: (bytes) => wire?.feed(bytes),
      onLost: (why) => {
        wire?.lose(why);
        this.#onLost();
      },
    });
    return (wire = new Wire(line));
  }

  #forgetWire(): Wire | null {
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
