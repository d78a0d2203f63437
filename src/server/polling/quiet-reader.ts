/**
 * Keeps the readings of the rack alive while a console is open: while that console is silent it reads one node after
 * another, each in a gap of some 10 ms, so that every node is read once in `console.idle` seconds. It never reads
 * while bytes flow or typed input waits. Off by default, because what the console's node prints in a gap is lost.
 */
import type { Bus } from '../../bmc/types.ts';

/** Shortest time between two gaps, ms. */
const LEAST_MS = 100;

export interface QuietReaderPorts {
  bus: Pick<Bus, 'hold'>;
  nodeCount(): number;
  /** Begins a gap of the open console; false: none is open, or it may not be interrupted now. */
  begin(): boolean;
  readNext(): Promise<void>;
}

export class QuietReader {
  readonly #idleMs: number;
  readonly #ports: QuietReaderPorts;
  #on = false;
  #timer: NodeJS.Timeout | undefined;

  /** `idleMs`: time in which every node is read once. */
  constructor(idleMs: number, ports: QuietReaderPorts) {
    this.#idleMs = idleMs;
    this.#ports = ports;
  }

  get on(): boolean {
    return this.#on;
  }

  set on(on: boolean) {
    this.#on = on;
    clearTimeout(this.#timer);
    if (on) this.#wait();
  }

  #wait(): void {
    const everyMs = Math.max(LEAST_MS, this.#idleMs / Math.max(1, this.#ports.nodeCount()));
    this.#timer = setTimeout(() => void this.#read(), everyMs);
  }

  async #read(): Promise<void> {
    if (this.#ports.begin()) {
      // The retry of a node that does not answer belongs to the same gap.
      const release = this.#ports.bus.hold();
      await this.#ports.readNext().finally(release);
    }
    if (this.#on) this.#wait();
  }
}
