/**
 * Stores what was learned of each node in the state directory, by address and name: durations of shutdown and boot
 * (`durations.json`), current after a halt (`halt-bands.json`), and the last host name on its console
 * (`hosts.json`), which guards a cut even if an earlier server read it.
 */
import * as z from 'zod';
import { keepTime, recallTime, steadyNow } from '../lib/clock.ts';
import { StateFile } from '../lib/json-file.ts';
import { DURATIONS_KEPT, haltBand, HALTS_KEPT, type ObservedHalt, usualOf } from '../power/learned.ts';
import type { HaltBand, HaltBandPort, DurationPort, Way } from '../power/ports.ts';
import { type Address, formatAddress } from '../rack/address.ts';
import type { HostSeen } from '../rack/inventory.ts';

/** Makes the schema of a file with one entry for each node. */
export function byAddress<T>(shape: z.ZodType<T>): z.ZodType<Record<string, T>> {
  return z.record(z.string().regex(/^[0-7][0-9a-f]$/), shape);
}

export interface MemoryOptions {
  stateDir: string;
  /** Returns the node's present name. */
  nameOf: (addr: Address) => string;
  warn: (text: string) => void;
}

type Named<T> = T & { name: string };

/**
 * Keeps learned values of each node. Another name at an address is another machine, for which the values do not
 * hold.
 */
export class NodeMemory<T extends object> {
  readonly #file: StateFile<Record<string, Named<T>>>;
  readonly #nameOf: (addr: Address) => string;
  readonly #known: Record<string, Named<T>>;

  constructor(file: string, shape: z.ZodType<Named<T>>, { stateDir, nameOf, warn }: MemoryOptions) {
    this.#file = new StateFile(stateDir, file, byAddress(shape), warn);
    this.#nameOf = nameOf;
    this.#known = this.#file.read() ?? {};
  }

  /** Returns the node's values; null where nothing was learned of this machine. */
  get(addr: Address): T | null {
    const known = this.#known[formatAddress(addr)];
    return known?.name === this.#nameOf(addr) ? known : null;
  }

  set(addr: Address, learned: T): void {
    this.#known[formatAddress(addr)] = { ...learned, name: this.#nameOf(addr) };
    this.#file.write(this.#known);
  }
}

/** Durations, ms, oldest first. */
const seen = z.array(z.number().int().min(0)).max(DURATIONS_KEPT);

export class Durations implements DurationPort {
  readonly #memory: NodeMemory<Record<Way, number[]>>;

  constructor(options: MemoryOptions) {
    this.#memory = new NodeMemory('durations.json', z.object({ name: z.string(), off: seen, on: seen }), options);
  }

  usual(addr: Address, way: Way): number | null {
    return usualOf(this.#of(addr)[way]);
  }

  latest(addr: Address, way: Way): readonly number[] {
    return this.#of(addr)[way];
  }

  recordDuration(addr: Address, way: Way, ms: number): void {
    const known = this.#of(addr);
    const next = [...known[way], Math.max(0, Math.round(ms))].slice(-DURATIONS_KEPT);
    this.#memory.set(addr, { ...known, [way]: next });
  }

  #of(addr: Address): Record<Way, number[]> {
    return this.#memory.get(addr) ?? { off: [], on: [] };
  }
}

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

/** Interval in which an unchanged name is not written again, ms. */
const REWRITE_MS = 60_000;

/** `boot`, `up`: see `keepTime`; absent in files of earlier versions. */
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

  constructor(stateDir: string, warn: (text: string) => void) {
    this.#file = new StateFile(stateDir, 'hosts.json', fileShape, warn);
    this.#seen = new Map(
      Object.entries(this.#file.read() ?? {}).map(([addr, kept]) => [Number.parseInt(addr, 16), seenOf(kept)]),
    );
  }

  /** Returns the last name, of whatever age, or null. */
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

/**
 * Restores a name with its age. Dates give no age, because the clock may have been set since: a name from before
 * the last boot counts from now, marked as older.
 */
function seenOf({ host, at, boot, up }: Kept): HostSeen {
  const known = typeof boot === 'string' && typeof up === 'number' ? recallTime({ boot, up, wall: at }) : null;
  return known === null ? { host, at: steadyNow(), before: true } : { host, at: known };
}

/**
 * Stores a name; without a boot where its time is unknown, so that the next server does not take the time for
 * known.
 */
function keptOf({ host, at, before }: HostSeen): Kept {
  const { boot, up, wall } = keepTime(at);
  return before === true ? { host, at: wall } : { host, at: wall, boot, up };
}
