/**
 * Schedules the one console on the bus among nodes that shut down. `HaltWindows` spaces their last lines far enough
 * apart to read each, because a line that is missed costs a hundred seconds of grade B. `ConsoleArbiter` grants the
 * console to one use at a time: first a node whose last line is due, because it comes only once; then `ask` (a request
 * through the console), `test` (of a silence), and `watch` (a shutdown that needs no console). Within each,
 * requests are granted in their order.
 */

/** Time added to the settle time between the last lines of two nodes, ms; it leaves room for a prompt of a third. */
const CONSOLE_MS = 2_000;
/**
 * A last line is awaited from `LEAD_MS` before its expected time until `LAG_MS` after it, ms: between two there is time
 * for a request to a third node.
 */
const LEAD_MS = 1_000;
const LAG_MS = 2_000;

export class HaltWindows {
  #booked: number[] = [];

  /**
   * Books a last line expected `ownMs` after the request and watched for `settleMs`. Returns how long to delay the
   * request, ms.
   */
  reserve(now: number, ownMs: number, settleMs: number): number {
    const gap = settleMs + CONSOLE_MS;
    this.#booked = this.#booked.filter((at) => at > now - gap);
    let at = now + ownMs;
    for (const other of this.#booked) if (Math.abs(at - other) < gap) at = other + gap;
    this.#booked = [...this.#booked, at].sort((a, b) => a - b);
    return at - ownMs - now;
  }
}

/**
 * Reports whether a last line expected at `dueAt` may come about now; null: its time is not known, so it is not due.
 */
export function isDue(dueAt: number | null, now: number): boolean {
  return dueAt !== null && now >= dueAt - LEAD_MS && now < dueAt + LAG_MS;
}

export type Use = 'ask' | 'test' | 'watch';

const ORDER: readonly Use[] = ['ask', 'test', 'watch'];

interface Waiting {
  use: Use;
  /** Expected time of a watched node's last line, epoch ms, or null. */
  dueAt: number | null;
  go: () => void;
}

export class ConsoleArbiter {
  readonly #now: () => number;
  #waiting: Waiting[] = [];
  #holder: Use | null = null;
  #holderDueAt: number | null = null;
  /**
   * Time at which the holder last typed, on the arbiter's clock, ms; -Infinity: never. A status request takes unsent
   * input off the wire, and may tear an answer.
   */
  typedAt = -Infinity;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Present use of the console; null: it is free. */
  get holder(): Use | null {
    return this.#holder;
  }

  /** True while a request waits for the console. */
  get wanted(): boolean {
    return this.#waiting.length > 0;
  }

  /** True while a waiting node's last line is due and the holder's is not. */
  get urgent(): boolean {
    return !isDue(this.#holderDueAt, this.#now()) && this.#due() !== undefined;
  }

  /** Waits for the turn. Resolves with a function that hands it on; with null when `signal` aborted before. */
  acquire(use: Use, signal: AbortSignal, dueAt: number | null = null): Promise<(() => void) | null> {
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
