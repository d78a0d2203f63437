/** What each node drew after it had halted: `halt-bands.json` in the state directory. */
import { z } from 'zod';
import { HALTS_KEPT, haltBand, type ObservedHalt } from '../power/halt-band.ts';
import type { HaltBand, HaltBandPort } from '../power/ports.ts';
import { formatAddress, type Address } from '../rack/address.ts';
import { StateFile } from './state-file.ts';

const count = z.number().min(0).max(255);
const fileShape = z.record(
  z.string().regex(/^[0-7][0-9a-f]$/),
  z.object({
    /** Another name at this address is another machine: what was seen of the one says nothing of the other. */
    name: z.string(),
    halts: z.array(z.object({ running: count, low: count, high: count })).max(HALTS_KEPT),
  }),
);

export class HaltBands implements HaltBandPort {
  readonly #file: StateFile<z.infer<typeof fileShape>>;
  readonly #nameOf: (addr: Address) => string;
  readonly #known: z.infer<typeof fileShape>;

  constructor(stateDir: string, nameOf: (addr: Address) => string, trouble: (text: string) => void) {
    this.#file = new StateFile(stateDir, 'halt-bands.json', fileShape, trouble);
    this.#nameOf = nameOf;
    this.#known = this.#file.read() ?? {};
  }

  get(addr: Address): HaltBand | null {
    return haltBand(this.#halts(addr));
  }

  observed(addr: Address, running: number, halted: readonly number[]): void {
    if (halted.length === 0) return;
    const halt = { running, low: Math.min(...halted), high: Math.max(...halted) };
    const halts = [...this.#halts(addr), halt].slice(-HALTS_KEPT);
    this.#known[formatAddress(addr)] = { name: this.#nameOf(addr), halts };
    this.#file.write(this.#known);
  }

  #halts(addr: Address): ObservedHalt[] {
    const known = this.#known[formatAddress(addr)];
    return known?.name === this.#nameOf(addr) ? known.halts : [];
  }
}
