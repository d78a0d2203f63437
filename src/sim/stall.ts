/**
 * How long this process was not looking. A heartbeat of about a millisecond, only while it matters (console bytes are coming
 * in); what a beat is late, the operating system kept from us. See Bridge for why that has to be known.
 */
const BEAT_MS = 1;
/** A timer of 1 ms comes after 1.1 ms on a machine that is not stalled. */
const USUAL_MS = 1.3;
/** Without console bytes for so long, the heart stops. */
const REST_AFTER_MS = 1_000;

export class StallMeter {
  private readonly clock: () => number;
  private timer: NodeJS.Timeout | null = null;
  private lastBeat = 0;
  private lastTaken = 0;
  private worst = 0;

  constructor(clock: () => number) {
    this.clock = clock;
  }

  /** The longest stall since the last call, ms; keeps the heart beating for a while. */
  take(): number {
    const now = this.clock();
    if (!this.timer) {
      this.lastBeat = now;
      this.worst = 0;
      this.beat();
    }
    const stall = Math.max(this.worst, now - this.lastBeat - USUAL_MS, 0);
    this.worst = 0;
    this.lastTaken = now;
    return stall;
  }

  stop(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private beat(): void {
    this.timer = setTimeout(() => {
      const now = this.clock();
      this.worst = Math.max(this.worst, now - this.lastBeat - USUAL_MS);
      this.lastBeat = now;
      if (now - this.lastTaken > REST_AFTER_MS) this.stop();
      else this.beat();
    }, BEAT_MS);
  }
}
