/**
 * When nodes that go down together say their last lines: far enough apart for the one console to read each, because a line
 * that nobody reads costs a hundred seconds of grade B. Pure.
 */

/** Over and above the settling time, from one node's console to the next's, with a prompt of a third between, ms. */
const CONSOLE_MS = 2_000;
/** A last line is waited for from so long before its time, and so long after it, ms: between two there is time to ask a third. */
const LEAD_MS = 1_000;
const LAG_MS = 2_000;

export class LastLines {
  #booked: number[] = [];

  /** Books a last line `ownMs` after the asking, `settleMs` to be watched after it; how long to wait with the asking, ms. */
  book(now: number, ownMs: number, settleMs: number): number {
    const gap = settleMs + CONSOLE_MS;
    this.#booked = this.#booked.filter((at) => at > now - gap);
    let at = now + ownMs;
    for (const other of this.#booked) if (Math.abs(at - other) < gap) at = other + gap;
    this.#booked = [...this.#booked, at].sort((a, b) => a - b);
    return at - ownMs - now;
  }
}

/** A last line expected at `dueAt` may come about now; null: nobody knows when. */
export function isDue(dueAt: number | null, now: number): boolean {
  return dueAt !== null && now >= dueAt - LEAD_MS && now < dueAt + LAG_MS;
}
