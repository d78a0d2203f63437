/** What each node drew after it had halted: `halt-bands.json` in the state directory. */
import { z } from 'zod';
import { HALTS_KEPT, haltBand, type ObservedHalt } from '../power/halt-band.ts';
import type { HaltBand, HaltBandPort } from '../power/ports.ts';
import type { Address } from '../rack/address.ts';
import { NodeMemory, type MemoryOptions } from './node-memory.ts';

const count = z.number().min(0).max(255);
const halt = z.object({ running: count, low: count, high: count });

export class HaltBands implements HaltBandPort {
  readonly #memory: NodeMemory<{ halts: ObservedHalt[] }>;

  constructor(options: MemoryOptions) {
    const shape = z.object({ name: z.string(), halts: z.array(halt).max(HALTS_KEPT) });
    this.#memory = new NodeMemory('halt-bands.json', shape, options);
  }

  get(addr: Address): HaltBand | null {
    return haltBand(this.#halts(addr));
  }

  observed(addr: Address, running: number, halted: readonly number[]): void {
    if (halted.length === 0) return;
    const seen = { running, low: Math.min(...halted), high: Math.max(...halted) };
    this.#memory.set(addr, { halts: [...this.#halts(addr), seen].slice(-HALTS_KEPT) });
  }

  #halts(addr: Address): ObservedHalt[] {
    return this.#memory.get(addr)?.halts ?? [];
  }
}
