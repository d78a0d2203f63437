/**
 * Time that passes only when nothing else is left to do: timers and clocks of this process replaced, so that a hundred
 * thousand time-outs take seconds. (Fake timers that yield to the real event loop by a real timer take a hundred times as long.)
 */

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setImmediate: globalThis.setImmediate,
  now: performance.now.bind(performance),
};

interface Timer {
  id: number;
  at: number;
  run: () => void;
}

export class VirtualTime implements Disposable {
  now = 1_000_000;
  #timers: Timer[] = [];
  #next = 1;

  constructor() {
    globalThis.setTimeout = ((run: () => void, ms = 0) => this.after(ms, run)) as unknown as typeof setTimeout;
    globalThis.clearTimeout = ((id?: number) => {
      this.#timers = this.#timers.filter((timer) => timer.id !== id);
    }) as typeof clearTimeout;
    performance.now = () => this.now;
  }

  /** Runs `run` in `ms` of virtual time; in order of time, then of asking. */
  after(ms: number, run: () => void): number {
    const timer = { id: this.#next++, at: this.now + Math.max(0, ms), run };
    let i = this.#timers.length;
    while (i > 0 && (this.#timers[i - 1]?.at ?? 0) > timer.at) i--;
    this.#timers.splice(i, 0, timer);
    return timer.id;
  }

  /** Lets time pass until `work` has settled; rejects when nothing is left that could settle it. */
  async until<T>(work: Promise<T>): Promise<T> {
    const state = { over: false };
    const mark = (): void => void (state.over = true);
    work.then(mark, mark);
    for (let idle = 0; ;) {
      await new Promise<void>((resolve) => real.setImmediate(resolve));
      if (state.over) return work;
      const timer = this.#timers.shift();
      if (timer) {
        idle = 0;
        this.now = timer.at;
        timer.run();
      } else if (++idle > 1_000) throw new Error('nothing is left to wait for, and it has not settled: a lost entry');
    }
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = real.setTimeout;
    globalThis.clearTimeout = real.clearTimeout;
    performance.now = real.now;
  }
}
