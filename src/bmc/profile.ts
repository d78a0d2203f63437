/**
 * What this bus turned out to do where bus-protocol says [?]: learned from its own replies and forgotten when the port is
 * opened anew. Also the round trips from which the time-outs for silence are made.
 */

/** Fewer replies than this prove no habit. */
const HABIT = 3;

/** A silence shorter than this may be a stall of this machine; discovery waits this long for each empty address. */
const FLOOR_MS = 30;
/** Before any round trip was measured, and the most that is ever waited. */
const CEILING_MS = 250;

export class BusProfile {
  #echoed = 0;
  #terminated = 0;
  #unterminated = 0;
  #slowestMs: number | null = null;

  /** A bus that echoes does so ahead of every reply: then a reply without its echo belongs to an earlier request. */
  get echoes(): boolean {
    return this.#echoed >= HABIT;
  }

  /** `yes`: a status line without its line end is torn. `no`: there will be none, do not wait for it. */
  get terminates(): 'yes' | 'no' | 'unknown' {
    if (this.#terminated >= HABIT) return 'yes';
    return this.#unterminated >= HABIT ? 'no' : 'unknown';
  }

  sawReply(reply: { echoed: boolean; terminated: boolean; rttMs: number }): void {
    if (reply.echoed) this.#echoed++;
    if (reply.terminated) {
      this.#terminated++;
      this.#unterminated = 0;
    } else {
      this.#unterminated++;
    }
    // A decaying maximum: follows a slow bus at once and forgets one stall within some dozen exchanges.
    this.#slowestMs = Math.max(reply.rttMs, (this.#slowestMs ?? 0) * 0.95);
  }

  /** After so long nothing that was said before a command reached the bus is under way any more, ms. */
  get settledMs(): number {
    return Math.min(CEILING_MS, 2 * (this.#slowestMs ?? CEILING_MS / 2) + 4);
  }

  /** How long silence must last to be called silence, ms. `doubtful`: the node failed last time, so wait longer. */
  silenceMs(doubtful: boolean): number {
    if (this.#slowestMs === null) return CEILING_MS;
    const usual = Math.max(FLOOR_MS, 3 * this.#slowestMs + 10);
    return Math.min(CEILING_MS, doubtful ? 4 * usual : usual);
  }

  forget(): void {
    this.#echoed = this.#terminated = this.#unterminated = 0;
    this.#slowestMs = null;
  }
}
