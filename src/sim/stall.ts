/**
 * How long this process was not looking. A heartbeat of about a millisecond, only while it matters (console bytes are coming
 * in); what a beat is late, the operating system kept from us. See Bridge for why that has to be known.
 */
const BEAT_MS = 1;
/** A timer of 1 ms comes after 1.1 ms on a machine that is not stalled. */
const USUAL_MS = 1.3;
/** What piled up during a stall may be read in several pieces: it excuses what is read so soon after it, too. */
const REMEMBERED_MS = 10;
/** Without console bytes for so long, the heart stops. */
const REST_AFTER_MS = 1_000;

export class StallMeter {
  private readonly clock: () => number;
  private timer: NodeJS.Timeout | null = null;
  private lastBeat = 0;
  private lastAsked = 0;
  private worst = 0;
  private worstAt = -Infinity;

  constructor(clock: () => number) {
    this.clock = clock;
  }

  /** The longest recent stall, ms; keeps the heart beating for a while. */
  recent(): number {
    const now = this.clock();
    this.lastAsked = now;
    if (!this.timer) {
      this.lastBeat = now;
      this.beat();
    }
    this.note(now - this.lastBeat - USUAL_MS, now);
    return this.worst;
  }

  stop(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private note(stall: number, now: number): void {
    if (now - this.worstAt > REMEMBERED_MS) this.worst = 0;
    if (stall < this.worst) return;
    this.worst = Math.max(0, stall);
    this.worstAt = now;
  }

  private beat(): void {
    this.timer = setTimeout(() => {
      const now = this.clock();
      this.note(now - this.lastBeat - USUAL_MS, now);
      this.lastBeat = now;
      if (now - this.lastAsked > REST_AFTER_MS) this.stop();
      else this.beat();
    }, BEAT_MS);
  }
}
