/**
 * Questions that were never answered, by node. A slow BMC answers them later, in the middle of another question, and such
 * an answer tells of the past: as many replies as a node may still owe are not believed. Pure.
 */
import type { Address } from '../rack/address.ts';

/** A reply that has not come by then will not come, ms: 250 is the most that is ever waited for one. */
const OWED_FOR_MS = 10_000;
/** Most replies that come at all come within this, ms. */
const UNDER_WAY_MS = 1_000;
/** A silent node is asked ever more rarely; so many questions fit into that time all the same. */
const MOST = 16;
/**
 * A reply that comes later than this behind its question, ms, may be that of a BMC that is late as a rule: it owes as many
 * replies afterwards as before. One that comes at once proves nothing, for late replies can follow one another closely;
 * what was owed then stays owed until its time is over.
 */
const LATE_MS = 20;

interface Debt {
  /** When the questions were put that may still be answered. */
  asked: number[];
  /** Its last question was not answered. */
  failing: boolean;
}

export class Unanswered {
  readonly #debts = new Map<Address, Debt>();
  /** Nodes that answered once: where nobody is, nobody is late. */
  readonly #answering = new Set<Address>();

  /** How many replies `addr` may still owe at `now` (ms, monotonic). */
  owedBy(addr: Address, now: number): number {
    const debt = this.#debts.get(addr);
    if (!debt) return 0;
    const owed = debt.asked.filter((at) => now - at < OWED_FOR_MS).length;
    // A node that failed last time is never believed at its first word, however long ago that was.
    return debt.failing ? Math.max(1, owed) : owed;
  }

  /** Whether a reply of any node may still be under way at `now`: one that was asked a moment ago, or `addr` at all. */
  mayCome(addr: Address, now: number): boolean {
    const recent = [...this.#answering].some((one) =>
      this.#debts.get(one)?.asked.some((at) => now - at < UNDER_WAY_MS),
    );
    return recent || this.owedBy(addr, now) > 0;
  }

  /** `damaged`: its reply came, though torn, so that nothing more is owed; else a line that tears replies would never be paid. */
  failed(addr: Address, now: number, damaged = false): void {
    const asked = this.#debts.get(addr)?.asked ?? [];
    this.#debts.set(addr, { asked: damaged ? asked : [...asked.slice(1 - MOST), now], failing: true });
  }

  /** `lagMs`: from the last question to its reply; `missed`: so many before it had none. */
  answered(addr: Address, { lagMs, missed }: { lagMs: number; missed: number }, now: number): void {
    this.#answering.add(addr);
    const before = this.#debts.get(addr)?.asked ?? [];
    const asked = [...before.filter((at) => now - at < OWED_FOR_MS), ...Array<number>(missed).fill(now)].slice(-MOST);
    if (asked.length === 0) this.#debts.delete(addr);
    else this.#debts.set(addr, { asked: lagMs > LATE_MS ? asked.map(() => now) : asked, failing: false });
  }

  /** Those whose last question was not answered. */
  get nodes(): Address[] {
    return [...this.#debts].filter(([, { failing }]) => failing).map(([addr]) => addr);
  }
}
