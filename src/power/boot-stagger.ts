/** In which order and how far apart nodes are switched on, so that boot peaks do not meet. */
import { type Address, rowOf, slotOf } from '../rack/address.ts';
import { type Clock, pause } from './ports.ts';

/** Between any two nodes (shutdown section 3). */
const STAGGER_MS = 2_000;
/**
 * One booting node a blade: 50 W feed four of them. Where nothing shows that one has come up, it counts as booting for so
 * long: the peak lies early in a boot; the figure is ours, not measured.
 */
export const BLADE_MS = 15_000;

/** When a node was switched on, and until when it counts as booting (Infinity: until it is seen to be up). */
export interface Start {
  since: number;
  until: number;
}

/** Blade after blade rather than one blade's four in a row: by slot, then by row. Pure. */
export function switchOnOrder(addrs: readonly Address[]): Address[] {
  return [...addrs].sort((a, b) => slotOf(a) - slotOf(b) || rowOf(a) - rowOf(b));
}

/** When `addr` may be switched on; epoch milliseconds, `now` at the earliest, Infinity: not as things are. Pure. */
export function mayBoot(addr: Address, starts: ReadonlyMap<Address, Start>, now: number): number {
  let at = now;
  for (const [other, { since, until }] of starts)
    at = Math.max(at, since + STAGGER_MS, rowOf(other) === rowOf(addr) ? until : 0);
  return at;
}

/** How often whoever waits looks whether it is its turn, ms. */
const LOOK_MS = 100;

/** Everything that boots in this rack, whoever switched it on: the peaks meet in one power supply. */
export class Starts {
  readonly #starts = new Map<Address, Start>();
  #queue: Address[] = [];

  /**
   * Waits for the turn of `addr`, which counts as booting from then on: until the returned function is called, or for
   * {@link BLADE_MS} where `watched` is false. Null: `signal` aborted, or `until` (epoch milliseconds) passed before.
   * `waits` is told when it will be its turn, null: not known.
   */
  async take(
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
        this.#forget(now);
        // Who came first goes first, except where its blade is not free and another's is.
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

  #forget(now: number): void {
    for (const [addr, { since, until }] of this.#starts)
      if (until <= now && since + STAGGER_MS <= now) this.#starts.delete(addr);
  }
}
