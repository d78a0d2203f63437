/**
 * The bridge between master and slave loses console bytes that come back to back (`root` arrived as `oot`); 2 ms between
 * bytes was seen to be safe (PROTOCOL section 5). Pure.
 *
 * A pseudo-terminal keeps no time stamps: what we know is when we *read* a byte, not when it was sent. A byte that waited
 * because this process (or the kernel's pty worker) was not scheduled looks like a burst. The driver must not be blamed for
 * that, so a byte is judged by a leaky bucket: one byte every SPACING_MS fits, with a tolerance of everyday jitter plus the
 * stall that the caller measured (`stallMs`). A stall of S ms thus excuses about 1 + S/2 bytes in one read; five bytes
 * written at once on an idle machine stay five bytes written at once.
 */
import type { Random } from './random.ts';

/** Closer than this may be lost. Under the 2 ms that was seen to be safe, to leave room for the clock. */
const SPACING_MS = 1.8;
/** Jitter of one read against the next on a machine that is not stalled. */
const JITTER_MS = 1.2;
/** Share of the bytes that come too early and are lost. Ours: nobody counted. */
const LOSS = 0.3;

export class Bridge {
  /** Earliest moment for the next byte that keeps the spacing. */
  private next = 0;
  private readonly random: Random;
  private readonly lossy: boolean;

  constructor(random: Random, lossy: boolean) {
    this.random = random;
    this.lossy = lossy;
  }

  /** Whether the byte that was read at `at` (ms) reaches the slave. */
  passes(at: number, stallMs: number): boolean {
    if (!this.lossy) return true;
    if (this.next > at + JITTER_MS) return this.random() >= LOSS;
    // The most charitable moment at which it can have been sent: in step with its predecessor, if the stall allows that.
    this.next = Math.max(this.next, at - stallMs) + SPACING_MS;
    return true;
  }
}
