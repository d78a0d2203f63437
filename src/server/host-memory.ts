/**
 * By which name each node last called itself on its console: `hosts.json` in the state directory, because a name read
 * yesterday still guards the cut of today, whichever server is asked.
 */
import { z } from 'zod';
import { keepTime, recallTime, steadyNow } from '../lib/clock.ts';
import { formatAddress, type Address } from '../rack/address.ts';
import type { HostSeen } from '../rack/host-name.ts';
import { byAddress } from './node-memory.ts';
import { StateFile } from './state-file.ts';

/** A name that is seen again and again is written again only after this long, ms. */
const REWRITE_MS = 60_000;

/** `boot`, `up`: as `keepTime` has it; absent in files of earlier versions. */
const fileShape = byAddress(
  z.object({
    host: z.string().regex(/^[\w.-]{1,253}$/),
    at: z.number(),
    boot: z.string().nullish(),
    up: z.number().nullish(),
  }),
);
type Kept = z.infer<typeof fileShape>[string];

export class HostMemory {
  readonly #file: StateFile<z.infer<typeof fileShape>>;
  readonly #seen: Map<Address, HostSeen>;

  constructor(stateDir: string, trouble: (text: string) => void) {
    this.#file = new StateFile(stateDir, 'hosts.json', fileShape, trouble);
    this.#seen = new Map(
      Object.entries(this.#file.read() ?? {}).map(([addr, kept]) => [Number.parseInt(addr, 16), seenOf(kept)]),
    );
  }

  /** The last name, of whatever age, or null. */
  get(addr: Address): HostSeen | null {
    return this.#seen.get(addr) ?? null;
  }

  saw(addr: Address, host: string, at: number): void {
    const before = this.#seen.get(addr);
    this.#seen.set(addr, { host, at });
    if (before?.host === host && before.before !== true && at - before.at < REWRITE_MS) return;
    this.#file.write(Object.fromEntries([...this.#seen].map(([node, seen]) => [formatAddress(node), keptOf(seen)])));
  }
}

/** Dates tell no age: the clock may have been set since. What was seen before the last boot counts from now, as older. */
function seenOf({ host, at, boot, up }: Kept): HostSeen {
  const known = typeof boot === 'string' && typeof up === 'number' ? recallTime({ boot, up, wall: at }) : null;
  return known === null ? { host, at: steadyNow(), before: true } : { host, at: known };
}

/** Of a time that is not known no boot is kept, so that the next server does not take it for known. */
function keptOf({ host, at, before }: HostSeen): Kept {
  const { boot, up, wall } = keepTime(at);
  return before === true ? { host, at: wall } : { host, at: wall, boot, up };
}
