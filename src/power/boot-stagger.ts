/** Orders and spaces the switching on of nodes, so that their boot peaks do not coincide. */
import { type Address, rowOf, slotOf } from '../rack/address.ts';
import { type Clock, pause } from './ports.ts';

/** Minimum time between any two nodes, ms (shutdown section 3). */
const STAGGER_MS = 2_000;
/**
 * Time for which a node counts as booting where nothing shows that it has come up, ms. One node boots per blade at a
 * time, because 50 W feed four of them. The peak lies early in a boot; the figure is our own, not measured.
 */
export const BLADE_MS = 15_000;

/**
 * Time at which a node was switched on, and time until which it counts as booting (Infinity: until it is seen to be
 * up).
 */
export interface Start {
  since: number;
  until: number;
}

/**
 * Sorts by slot, then by row, so that boots spread over the blades instead of filling one blade's four slots in a row.
 * Pure.
 */
export function switchOnOrder(addrs: readonly Address[]): Address[] {
  return [...addrs].sort((a, b) => slotOf(a) - slotOf(b) || rowOf(a) - rowOf(b));
}

/**
 * Returns the time at which `addr` may be switched on, epoch ms: `now` at the earliest, Infinity while a boot without a
 * known end occupies its blade. Pure.
 */
export function mayBoot(addr: Address, starts: ReadonlyMap<Address, Start>, now: number): number {
  let at = now;
  for (const [other, { since, until }] of starts)
    at = Math.max(at, since + STAGGER_MS, rowOf(other) === rowOf(addr) ? until : 0);
  return at;
}

/** Interval at which a waiting node checks its turn, ms. */
const LOOK_MS = 100;

/** Holds everything that boots in this rack, for all operations: their peaks meet in one power supply. */
export class Starts {
  readonly #starts = new Map<Address, Start>();
  #queue: Address[] = [];

  /**
   * Waits for the turn of `addr`, which counts as booting from then on: until the returned function is called, or for
   * {@link BLADE_MS} where `watched` is false. Resolves with null when `signal` aborts, or `until` (epoch ms) passes
   * before. Calls `waits` with the expected time of the turn, epoch ms; null: not known.
   */
  async acquire(
    addr: Address,
    clock: Clock,
    {
      signal,
      until,
      watched,
      waits,
    }: { signal: AbortSignal | null; until: number; watched: boolean; waits: (at: number | null) => void },
  ): Promise<(() => void) | null> {
    this.#queue.push(addr);
    try {
      for (;;) {
        const now = clock.now();
        this.#prune(now);
        // First come, first served, except where the first one's blade is occupied and another's is free.
        const next = this.#queue.find((one) => mayBoot(one, this.#starts, now) <= now);
        if (next === addr) break;
        if (signal?.aborted === true || now >= until) return null;
        const at = mayBoot(addr, this.#starts, now);
        waits(at === Infinity || at <= now ? null : at);
        await pause(clock, LOOK_MS, signal ?? undefined);
      }
    } finally {
      this.#queue.splice(this.#queue.indexOf(addr), 1);
    }
    const since = clock.now();
    const start: Start = { since, until: watched ? Infinity : since + BLADE_MS };
    this.#starts.set(addr, start);
    return () => {
      if (start.until === Infinity) start.until = clock.now();
    };
  }

  #prune(now: number): void {
    for (const [addr, { since, until }] of this.#starts)
      if (until <= now && since + STAGGER_MS <= now) this.#starts.delete(addr);
  }
}
