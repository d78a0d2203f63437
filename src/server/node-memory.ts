/** What was learned of each node: a file in the state directory, by address and name. */
import { z } from 'zod';
import { formatAddress, type Address } from '../rack/address.ts';
import { StateFile } from './state-file.ts';

/** The shape of a file that keeps something of each node. */
export function byAddress<T>(shape: z.ZodType<T>): z.ZodType<Record<string, T>> {
  return z.record(z.string().regex(/^[0-7][0-9a-f]$/), shape);
}

export interface MemoryOptions {
  stateDir: string;
  /** By which name a node is known now. */
  nameOf: (addr: Address) => string;
  trouble: (text: string) => void;
}

type Named<T> = T & { name: string };

/** Another name at an address is another machine: what was learned of the one says nothing of the other. */
export class NodeMemory<T extends object> {
  readonly #file: StateFile<Record<string, Named<T>>>;
  readonly #nameOf: (addr: Address) => string;
  readonly #known: Record<string, Named<T>>;

  constructor(file: string, shape: z.ZodType<Named<T>>, { stateDir, nameOf, trouble }: MemoryOptions) {
    this.#file = new StateFile(stateDir, file, byAddress(shape), trouble);
    this.#nameOf = nameOf;
    this.#known = this.#file.read() ?? {};
  }

  /** Null: nothing of this machine. */
  get(addr: Address): T | null {
    const known = this.#known[formatAddress(addr)];
    return known?.name === this.#nameOf(addr) ? known : null;
  }

  set(addr: Address, learned: T): void {
    this.#known[formatAddress(addr)] = { ...learned, name: this.#nameOf(addr) };
    this.#file.write(this.#known);
  }
}
