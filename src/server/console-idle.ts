/**
 * `console.telemetry: idle`: while a console is open and silent, some of the rack's nodes are asked now and then. Each
 * time is a gap in that console, marked with its length; never while bytes flow or typed input waits.
 */
import type { Bus } from '../bmc/types.ts';
import type { Address } from '../rack/address.ts';

/** Nodes asked in one gap: some 4 ms each, and as much again to come back. */
const AT_ONCE = 8;
const LOOK_EVERY_MS = 250;

export interface IdlePorts {
  bus: Pick<Bus, 'hold'>;
  addresses(): readonly Address[];
  /** How long the open console has been silent in both directions, ms; null where no console may be interrupted. */
  silentMs(): number | null;
  ask(addrs: readonly Address[]): Promise<unknown>;
}

export class IdleSampler {
  readonly #afterMs: number;
  readonly #ports: IdlePorts;
  readonly #timer: NodeJS.Timeout;
  #next = 0;
  #busy = false;
  #lastAt = -Infinity;

  /** `afterMs`: of silence, and between two samples. */
  constructor(afterMs: number, ports: IdlePorts) {
    this.#afterMs = afterMs;
    this.#ports = ports;
    this.#timer = setInterval(() => void this.#look(), Math.min(LOOK_EVERY_MS, afterMs / 4));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const silent = this.#ports.silentMs();
    const since = performance.now() - this.#lastAt;
    if (this.#busy || silent === null || silent < this.#afterMs || since < this.#afterMs) return;
    const all = this.#ports.addresses();
    const due = Array.from(
      { length: Math.min(AT_ONCE, all.length) },
      (_, i) => all[(this.#next + i) % all.length] ?? 0,
    );
    this.#next = all.length === 0 ? 0 : (this.#next + due.length) % all.length;
    this.#busy = true;
    // One gap, not one for each node.
    const release = this.#ports.bus.hold();
    try {
      await this.#ports.ask(due);
    } finally {
      release();
      this.#busy = false;
      this.#lastAt = performance.now();
    }
  }
}
