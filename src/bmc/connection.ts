/**
 * The line and its health: opens the port, brings the bus up, notices when it is lost, and says in one sentence what is
 * wrong. Knows nothing of jobs and consoles.
 */
import { openLine, LineError, type LineHandlers } from './line.ts';
import { BusProfile } from './profile.ts';
import { probe } from './recovery.ts';
import type { BusHealth, Line } from './types.ts';
import { LineLost, Wire } from './wire.ts';

export interface ConnectionOptions {
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
  readonly #o: ConnectionOptions;
  readonly #listeners = new Set<(health: BusHealth) => void>();
  readonly #onLost: () => void;
  #health: BusHealth = { phase: 'starting', detail: 'opening the port', master: null };
  #wire: Wire | null = null;
  #failures = 0;

  /** `onLost` is called when an open line vanishes. */
  constructor(options: Partial<ConnectionOptions> & { port: string; unlock: string }, onLost: () => void) {
    this.#o = { now: Date.now, open: openLine, ...options };
    this.#onLost = onLost;
  }

  get health(): BusHealth {
    return this.#health;
  }

  get now(): () => number {
    return this.#o.now;
  }

  get strayBytes(): number {
    return this.#wire?.stray ?? 0;
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
      this.#wire ??= await this.#open();
      await this.probe();
    } catch (error) {
      await this.lose(error);
      if (error instanceof LineError && error.kind === 'missing') return MISSING_POLL_MS;
    }
    if (this.#health.phase === 'ready') {
      this.#failures = 0;
      return 0;
    }
    return BACKOFF_MS[Math.min(this.#failures++, BACKOFF_MS.length - 1)] ?? 30_000;
  }

  /** ^G, the master's `=`, the unlock string. A port whose bus does not answer is closed, to be opened afresh. */
  async probe(): Promise<void> {
    const wire = this.#wire;
    if (!wire) return;
    const result = await probe(wire, { profile: this.profile, unlock: this.#o.unlock, now: this.#o.now });
    if (result.phase === 'ready') {
      if (this.#health.phase !== 'ready' || this.#health.master !== result.master)
        this.#become({ phase: 'ready', detail: '', master: result.master });
      return;
    }
    this.#wire = null;
    this.#become({ phase: result.phase, detail: result.detail, master: null });
    await wire.close();
  }

  /** The line failed: the bus is down until it is brought up again. Errors of other kinds are rethrown. */
  async lose(error: unknown): Promise<void> {
    if (!(error instanceof LineLost) && !(error instanceof LineError)) throw error;
    const wire = this.#wire;
    this.#wire = null;
    this.#become({ phase: 'down', detail: error.message, master: null });
    await wire?.close();
  }

  /** ^G, then the port. */
  async close(): Promise<void> {
    const wire = this.#wire;
    this.#wire = null;
    this.#become({ phase: 'down', detail: 'the bus was closed', master: null });
    wire?.closePipe();
    await wire?.close();
  }

  async #open(): Promise<Wire> {
    let wire: Wire | null = null;
    const line = await this.#o.open(this.#o.port, {
      // What the opening itself shakes loose belongs to nobody.
      onData: (bytes) => wire?.feed(bytes),
      onLost: (why) => {
        wire?.lose(why);
        this.#onLost();
      },
    });
    return (wire = new Wire(line));
  }

  #become(health: BusHealth): void {
    const before = this.#health;
    this.#health = health;
    if (before.phase === health.phase && before.detail === health.detail && before.master === health.master) return;
    for (const listener of this.#listeners) listener(health);
  }
}
