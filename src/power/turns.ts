/**
 * Who has the one console on the bus: one at a time. Whoever has to ask a node through it goes first; then who has to
 * look whether one is silent; then who only watches a shutdown that goes on without him. Within each, the order of asking.
 */

export type Use = 'ask' | 'judge' | 'watch';

const ORDER: readonly Use[] = ['ask', 'judge', 'watch'];

interface Waiting {
  use: Use;
  go: () => void;
}

export class Turns {
  #waiting: Waiting[] = [];
  #holder: Use | null = null;
  /**
   * When its holder last typed, milliseconds of his clock: a status request takes what is not sent yet off the wire, and an
   * answer may be torn.
   */
  typedAt = -Infinity;

  /** What the console is used for now, or null. */
  get holder(): Use | null {
    return this.#holder;
  }

  /** Somebody waits for it. */
  get wanted(): boolean {
    return this.#waiting.length > 0;
  }

  /** Resolves with the way to hand the turn on, when it is ours; with null when `signal` aborted before. */
  take(use: Use, signal: AbortSignal): Promise<(() => void) | null> {
    if (signal.aborted) return Promise.resolve(null);
    return new Promise((resolve) => {
      const waiting: Waiting = {
        use,
        go: () => {
          signal.removeEventListener('abort', aborted);
          this.#holder = use;
          let over = false;
          resolve(() => {
            if (over) return;
            over = true;
            this.#holder = null;
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
    const next = ORDER.map((use) => this.#waiting.find((one) => one.use === use)).find((one) => one !== undefined);
    if (!next) return;
    this.#waiting = this.#waiting.filter((one) => one !== next);
    next.go();
  }
}
