/**
 * The bridge between master and slave loses console bytes that come back to back (`root` arrived as `oot`); 2 ms between
 * bytes was seen to be safe (bus-protocol section 5). Pure.
 *
 * A pseudo-terminal keeps no time stamps: what we know is when we *read* a byte, not when it was sent. Bytes that waited
 * because this process, the kernel's pty worker or the driver's own was not scheduled look like a burst, and the driver must
 * not be blamed for that. So two things excuse a byte that comes early: a stall that the caller measured (`stallMs`; S ms
 * excuse about 1 + S/2 bytes), and trust that a driver earns with every byte that kept the spacing. A burst out of the
 * blue finds hardly any trust, and whoever sends text too fast spends it within a few bytes.
 */
import type { Random } from './random.ts';

/** Closer than this may be lost. Under the 2 ms that was seen to be safe, to leave room for the clock. */
const SPACING_MS = 1.8;
/** Jitter of one read against the next on a machine that is not stalled. */
const JITTER_MS = 1.2;
/** Share of the bytes that come too early and are lost. Ours: nobody counted. */
const LOSS = 0.3;
/** Trust, in ms by which bytes may come too early: at first (one byte), earned by a spaced byte, and at most (five bytes). */
const TRUST_AT_FIRST = 0.6;
const TRUST_EARNED = 0.2;
const TRUST_MOST = 3;

export class Bridge {
  /** Earliest moment for the next byte that keeps the spacing. */
  private next = 0;
  private trust = TRUST_AT_FIRST;
  private readonly random: Random;
  private readonly lossy: boolean;

  constructor(random: Random, lossy: boolean) {
    this.random = random;
    this.lossy = lossy;
  }

  /** Whether the byte that was read at `at` (ms) reaches the slave. */
  passes(at: number, stallMs: number): boolean {
    if (!this.lossy) return true;
    const early = this.next - at - JITTER_MS;
    if (early > this.trust) return this.random() >= LOSS;
    if (early > 0) {
      this.trust -= early;
      this.next = at + SPACING_MS;
      return true;
    }
    if (this.next <= at) this.trust = Math.min(TRUST_MOST, this.trust + TRUST_EARNED);
    // The most charitable moment at which it can have been sent: in step with its predecessor, if the stall allows that.
    this.next = Math.max(this.next, at - stallMs) + SPACING_MS;
    return true;
  }
}
