/** How long each node took to go down and to come up: `durations.json` in the state directory. */
import { z } from 'zod';
import { DURATIONS_KEPT, usualOf, type DurationPort, type Way } from '../power/durations.ts';
import { formatAddress, type Address } from '../rack/address.ts';
import { StateFile } from './state-file.ts';

/** Milliseconds, oldest first. */
const seen = z.array(z.number().int().min(0)).max(DURATIONS_KEPT);
const fileShape = z.record(
  z.string().regex(/^[0-7][0-9a-f]$/),
  /** Another name at this address is another machine. */
  z.object({ name: z.string(), off: seen, on: seen }),
);
type Known = z.infer<typeof fileShape>[string];

export class Durations implements DurationPort {
  readonly #file: StateFile<z.infer<typeof fileShape>>;
  readonly #nameOf: (addr: Address) => string;
  readonly #known: z.infer<typeof fileShape>;

  constructor(stateDir: string, nameOf: (addr: Address) => string, trouble: (text: string) => void) {
    this.#file = new StateFile(stateDir, 'durations.json', fileShape, trouble);
    this.#nameOf = nameOf;
    this.#known = this.#file.read() ?? {};
  }

  usual(addr: Address, way: Way): number | null {
    return usualOf(this.#of(addr)[way]);
  }

  took(addr: Address, way: Way, ms: number): void {
    const known = this.#of(addr);
    const next = [...known[way], Math.max(0, Math.round(ms))].slice(-DURATIONS_KEPT);
    this.#known[formatAddress(addr)] = { ...known, [way]: next };
    this.#file.write(this.#known);
  }

  #of(addr: Address): Known {
    const name = this.#nameOf(addr);
    const known = this.#known[formatAddress(addr)];
    return known?.name === name ? known : { name, off: [], on: [] };
  }
}
