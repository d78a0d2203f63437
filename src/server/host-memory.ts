/**
 * By which name each node last called itself on its console: `hosts.json` in the state directory, because a name read
 * yesterday still guards the cut of today, whichever server is asked.
 */
import { z } from 'zod';
import { formatAddress, type Address } from '../rack/address.ts';
import type { HostSeen } from '../rack/host-name.ts';
import { byAddress } from './node-memory.ts';
import { StateFile } from './state-file.ts';

/** A name that is seen again and again is written again only after this long, ms. */
const REWRITE_MS = 60_000;

const fileShape = byAddress(z.object({ host: z.string().regex(/^[\w.-]{1,253}$/), at: z.number() }));

export class HostMemory {
  readonly #file: StateFile<z.infer<typeof fileShape>>;
  readonly #seen: Map<Address, HostSeen>;

  constructor(stateDir: string, trouble: (text: string) => void) {
    this.#file = new StateFile(stateDir, 'hosts.json', fileShape, trouble);
    this.#seen = new Map(
      Object.entries(this.#file.read() ?? {}).map(([addr, seen]) => [Number.parseInt(addr, 16), seen]),
    );
  }

  /** The last name, of whatever age, or null. */
  get(addr: Address): HostSeen | null {
    return this.#seen.get(addr) ?? null;
  }

  saw(addr: Address, host: string, at: number): void {
    const before = this.#seen.get(addr);
    this.#seen.set(addr, { host, at });
    if (before?.host === host && at - before.at < REWRITE_MS) return;
    this.#file.write(Object.fromEntries([...this.#seen].map(([node, seen]) => [formatAddress(node), seen])));
  }
}
