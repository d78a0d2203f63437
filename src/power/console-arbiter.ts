/**
 * When nodes that go down together say their last lines: far enough apart for the one console to read each, because a line
 * that nobody reads costs a hundred seconds of grade B. Pure.
 *
 * Who has the one console on the bus: one at a time. Whoever is about to hear a last line, where it is known when it comes,
 * goes first, because it comes once; then who has to ask a node through it; then who has to look whether one is silent;
 * then who only watches a shutdown that goes on without him. Within each, the order of asking.
 */

/** Over and above the settling time, from one node's console to the next's, with a prompt of a third between, ms. */
const CONSOLE_MS = 2_000;
/** A last line is waited for from so long before its time, and so long after it, ms: between two there is time to ask a third. */
const LEAD_MS = 1_000;
const LAG_MS = 2_000;

export class HaltWindows {
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

export type Use = 'ask' | 'judge' | 'watch';

const ORDER: readonly Use[] = ['ask', 'judge', 'watch'];

interface Waiting {
  use: Use;
  /** When a watched node's last line is expected, or null. */
  dueAt: number | null;
  go: () => void;
}

export class ConsoleArbiter {
  readonly #now: () => number;
  #waiting: Waiting[] = [];
  #holder: Use | null = null;
  #holderDueAt: number | null = null;
  /**
   * When its holder last typed, milliseconds of his clock: a status request takes what is not sent yet off the wire, and an
   * answer may be torn.
   */
  typedAt = -Infinity;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** What the console is used for now, or null. */
  get holder(): Use | null {
    return this.#holder;
  }

  /** Somebody waits for it. */
  get wanted(): boolean {
    return this.#waiting.length > 0;
  }

  /** Somebody waits whose node is about to say its last line, and the holder's is not. */
  get urgent(): boolean {
    return !isDue(this.#holderDueAt, this.#now()) && this.#due() !== undefined;
  }

  /** Resolves with the way to hand the turn on, when it is ours; with null when `signal` aborted before. */
  take(use: Use, signal: AbortSignal, dueAt: number | null = null): Promise<(() => void) | null> {
    if (signal.aborted) return Promise.resolve(null);
    return new Promise((resolve) => {
      const waiting: Waiting = {
        use,
        dueAt,
        go: () => {
          signal.removeEventListener('abort', aborted);
          this.#holder = use;
          this.#holderDueAt = dueAt;
          let over = false;
          resolve(() => {
            if (over) return;
            over = true;
            this.#holder = null;
            this.#holderDueAt = null;
            this.#next();
          });
        },
      };
      const aborted = (): void => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        resolve(null);
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.push(waiting);
      this.#next();
    });
  }

  #next(): void {
    if (this.#holder !== null) return;
    const inOrder = ORDER.map((use) => this.#waiting.find((one) => one.use === use));
    const next = this.#due() ?? inOrder.find((one) => one !== undefined);
    if (!next) return;
    this.#waiting = this.#waiting.filter((one) => one !== next);
    next.go();
  }

  #due(): Waiting | undefined {
    return this.#waiting.find(({ dueAt }) => isDue(dueAt, this.#now()));
  }
}
