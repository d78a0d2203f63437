/** Which operation has a node: from before its check until its part has ended. */
import type { Address } from '../rack/address.ts';

export class Claims {
  readonly #owners = new Map<Address, string>();

  owner(addr: Address): string | null {
    return this.#owners.get(addr) ?? null;
  }

  /** Takes those of `nodes` that nobody has; answers who had each before. */
  take(nodes: readonly Address[], id: string): Map<Address, string | null> {
    const before = new Map(nodes.map((addr) => [addr, this.owner(addr)]));
    for (const addr of nodes) if (!this.#owners.has(addr)) this.#owners.set(addr, id);
    return before;
  }

  release(id: string, addr: Address): void {
    if (this.#owners.get(addr) === id) this.#owners.delete(addr);
  }

  releaseAll(id: string): void {
    for (const [addr, owner] of this.#owners) if (owner === id) this.#owners.delete(addr);
  }
}
