/** How long each node took to go down and to come up: `durations.json` in the state directory. */
import { z } from 'zod';
import { DURATIONS_KEPT, usualOf, type DurationPort, type Way } from '../power/durations.ts';
import type { Address } from '../rack/address.ts';
import { NodeMemory, type MemoryOptions } from './node-memory.ts';

/** Milliseconds, oldest first. */
const seen = z.array(z.number().int().min(0)).max(DURATIONS_KEPT);

export class Durations implements DurationPort {
  readonly #memory: NodeMemory<Record<Way, number[]>>;

  constructor(options: MemoryOptions) {
    this.#memory = new NodeMemory('durations.json', z.object({ name: z.string(), off: seen, on: seen }), options);
  }

  usual(addr: Address, way: Way): number | null {
    return usualOf(this.#of(addr)[way]);
  }

  took(addr: Address, way: Way, ms: number): void {
    const known = this.#of(addr);
    const next = [...known[way], Math.max(0, Math.round(ms))].slice(-DURATIONS_KEPT);
    this.#memory.set(addr, { ...known, [way]: next });
  }

  #of(addr: Address): Record<Way, number[]> {
    return this.#memory.get(addr) ?? { off: [], on: [] };
  }
}
