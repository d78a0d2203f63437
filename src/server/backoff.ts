/** Which addresses a sweep asks. A silent address costs its whole timeout, so it is asked ever more rarely. */
import type { Address } from '../rack/address.ts';

/** First and longest pause between questions to a silent address, ms: 1, 2, 4, … 30 s. */
const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/** Pure: time comes in as epoch milliseconds. */
export class BackOff {
  readonly #silent = new Map<Address, { pauseMs: number; nextAt: number }>();

  /** The addresses to ask at `now`, in the order given. */
  due(addrs: readonly Address[], now: number): Address[] {
    return addrs.filter((addr) => (this.#silent.get(addr)?.nextAt ?? now) <= now);
  }

  /** It said something, even if garbled: it is asked in every sweep. */
  heard(addr: Address): void {
    this.#silent.delete(addr);
  }

  silent(addr: Address, now: number): void {
    const before = this.#silent.get(addr);
    const pauseMs = before ? Math.min(LONGEST_MS, before.pauseMs * 2) : FIRST_MS;
    this.#silent.set(addr, { pauseMs, nextAt: now + pauseMs });
  }

  /** Everything is due again: the line was away, and what was silent then says nothing about now. */
  forget(): void {
    this.#silent.clear();
  }
}
