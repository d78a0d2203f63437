/**
 * Questions that were never answered, by node. A slow BMC answers them later, in the middle of another question, and such
 * an answer tells of the past: as many replies as a node may still owe are not believed. Pure.
 */
import type { Address } from '../rack/address.ts';

/** A reply that has not come by then will not come, ms: 250 is the most that is ever waited for one. */
const OWED_FOR_MS = 10_000;
/** A silent node is asked ever more rarely; so many questions fit into that time all the same. */
const MOST = 16;
/**
 * A reply that comes so soon behind its question, ms, is its answer: questions that were not answered are at least a
 * time-out (30 ms) apart, and so are the late replies of a BMC that answers in order.
 */
const IN_STEP_MS = 20;

export class Unanswered {
  readonly #questions = new Map<Address, number[]>();

  /** How many replies `addr` may still owe at `now` (ms, monotonic). */
  owedBy(addr: Address, now: number): number {
    const questions = this.#questions.get(addr);
    if (!questions) return 0;
    // A node that failed last time is never believed at its first word, however long ago that was.
    return Math.max(1, questions.filter((at) => now - at < OWED_FOR_MS).length);
  }

  failed(addr: Address, now: number): void {
    const questions = this.#questions.get(addr) ?? [];
    this.#questions.set(addr, [...questions.slice(1 - MOST), now]);
  }

  /** `lagMs`: from the last question to its reply. A slow node owes as many replies afterwards as before. */
  answered(addr: Address, lagMs: number, now: number): void {
    if (lagMs < IN_STEP_MS) this.#questions.delete(addr);
    else this.#questions.get(addr)?.fill(now);
  }

  /** Those whose last question was not answered. */
  get nodes(): Iterable<Address> {
    return this.#questions.keys();
  }
}
