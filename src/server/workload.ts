/** Which nodes operations work on, as operations publish it: for the map's marks, quicker polling, and who changed a power. */
import type { Operation } from '../api/power.ts';
import type { Address } from '../rack/address.ts';

/** A change of power that is seen this long after its operation ended is still its work, ms. */
const AFTERMATH_MS = 15_000;

export class Workload {
  readonly #now: () => number;
  readonly #running = new Map<Address, string>();
  readonly #endedAt = new Map<Address, number>();
  readonly #operations = new Set<string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes a published state in; returns the nodes whose mark changed. */
  published(operation: Operation): Address[] {
    if (operation.endedAt === null) this.#operations.add(operation.id);
    else this.#operations.delete(operation.id);
    return operation.nodes
      .filter(({ addr, outcome }) => this.#mark(addr, operation, outcome === null && operation.endedAt === null))
      .map(({ addr }) => addr);
  }

  #mark(addr: Address, { id }: Operation, runs: boolean): boolean {
    const mine = this.#running.get(addr) === id;
    if (runs) this.#running.set(addr, id);
    else if (mine) {
      this.#running.delete(addr);
      this.#endedAt.set(addr, this.#now());
    }
    return runs !== mine;
  }

  /** The operation that runs on a node, or null. */
  on(addr: Address): string | null {
    return this.#running.get(addr) ?? null;
  }

  /** The nodes that operations work on. */
  get nodes(): Address[] {
    return [...this.#running.keys()];
  }

  get busy(): boolean {
    return this.#operations.size > 0;
  }

  /** True while a change of power on this node is the work of an operation, running or just ended. */
  switchedHere(addr: Address): boolean {
    return this.#running.has(addr) || this.#now() - (this.#endedAt.get(addr) ?? -Infinity) < AFTERMATH_MS;
  }
}
