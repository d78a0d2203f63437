/**
 * The distance between exchanges. On a clean bus there is none; damaged or foreign replies make it grow, so that what is
 * still under way has ended before the next question, and every clean exchange makes it shrink again. Pure.
 */

/** The first step up from nothing, and the most that is ever kept, ms. */
const FIRST_MS = 1;
const MOST_MS = 50;
/** Four clean exchanges take back what one damaged reply added. */
const SHRINK = 0.84;

export class ExchangeGap {
  readonly #floorMs: number;
  #ms: number;

  /** `floorMs`: never less than this, 0 and up. */
  constructor(floorMs: number) {
    this.#floorMs = this.#ms = floorMs;
  }

  /** Milliseconds to keep before the next exchange. */
  get ms(): number {
    return this.#ms;
  }

  /** True while damage keeps it above its floor. */
  get grown(): boolean {
    return this.#ms > this.#floorMs;
  }

  damaged(): void {
    this.#ms = Math.max(this.#floorMs, Math.min(MOST_MS, Math.max(FIRST_MS, this.#ms * 2)));
  }

  clean(): void {
    const less = this.#ms * SHRINK;
    this.#ms = less < this.#floorMs + FIRST_MS / 2 ? this.#floorMs : less;
  }
}
