/**
 * Learns from this bus's own replies the forms that bus-protocol leaves open ([?]), and the round trips from which
 * time-outs for silence are made; all of it is reset when the port is reopened. Pure.
 *
 * Keeps the outstanding replies of each node. A slow BMC answers an earlier question in the middle of a later one,
 * and such a reply shows a past state: as many replies as may be outstanding are not accepted.
 */
import type { Address } from '../rack/address.ts';

/** Replies that prove a form of this bus. */
const HABIT = 3;

/**
 * The shortest wait for silence, ms: less may be a stall of this machine. Discovery waits this long for each empty
 * address.
 */
const FLOOR_MS = 30;
/**
 * Round trips that tell how long bytes are under way, and how many of them, the longest, are taken for stalls of this
 * machine, after which waiting bytes are read first.
 */
const RECENT = 16;
const STALLS = 2;
/** The longest wait for silence, ms; also used before any round trip was measured. */
const CEILING_MS = 250;

export class BusProfile {
  #echoed = 0;
  #terminated = 0;
  #unterminated = 0;
  #slowestMs: number | null = null;
  #recentMs: number[] = [];

  /**
   * True for a bus that echoes requests. It does so ahead of every reply, so a reply without its echo belongs to an
   * earlier request.
   */
  get echoes(): boolean {
    return this.#echoed >= HABIT;
  }

  /** `yes`: a status line without its line end is torn. `no`: no line end comes, none is waited for. */
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
    // A decaying maximum follows a slow bus at once and forgets one stall within some dozen exchanges.
    this.#slowestMs = Math.max(reply.rttMs, (this.#slowestMs ?? 0) * 0.95);
    this.#recentMs.push(reply.rttMs);
    if (this.#recentMs.length > RECENT) this.#recentMs.shift();
  }

  /** Time after which nothing printed before a command reached the bus is under way any more, ms. */
  get settledMs(): number {
    const usual = this.#recentMs.toSorted((a, b) => b - a)[this.#recentMs.length < RECENT ? 0 : STALLS];
    return Math.min(CEILING_MS, 2 * (usual ?? CEILING_MS / 2) + 4);
  }

  /** Time without a byte that counts as silence, ms. `doubtful`: the node failed last time, so the time is longer. */
  silenceMs(doubtful: boolean): number {
    if (this.#slowestMs === null) return CEILING_MS;
    const usual = Math.max(FLOOR_MS, 3 * this.#slowestMs + 10);
    return Math.min(CEILING_MS, doubtful ? 4 * usual : usual);
  }

  reset(): void {
    this.#echoed = this.#terminated = this.#unterminated = 0;
    this.#slowestMs = null;
    this.#recentMs = [];
  }
}

/** Time after which an outstanding reply is given up, ms; far above the 250 ms that one is waited for at most. */
const OUTSTANDING_FOR_MS = 10_000;
/** Time within which most late replies come, ms. */
const UNDER_WAY_MS = 1_000;
/** Outstanding replies kept for one node. A silent node is asked ever more rarely, so more do not occur in practice. */
const MOST = 16;
/**
 * A reply with a longer lag than this, ms, may come from a BMC that is late as a rule: as many replies are outstanding
 * afterwards as before. A prompt one proves nothing, for late replies can follow one another closely; what was
 * outstanding then stays outstanding until its time is over.
 */
const LATE_MS = 20;

interface Debt {
  /** Times of the questions that may still be answered, ms. */
  asked: number[];
  /** The last question was not answered. */
  failing: boolean;
}

export class OutstandingReplies {
  readonly #debts = new Map<Address, Debt>();
  /** Nodes that answered at least once: an empty address sends no late replies. */
  readonly #answering = new Set<Address>();

  /** Number of outstanding replies of `addr` at `now` (ms, monotonic). */
  countFrom(addr: Address, now: number): number {
    const debt = this.#debts.get(addr);
    if (!debt) return 0;
    const outstanding = debt.asked.filter((at) => now - at < OUTSTANDING_FOR_MS).length;
    // The first reply of a node that failed last time is never accepted, however long ago that was.
    return debt.failing ? Math.max(1, outstanding) : outstanding;
  }

  /** True when a late reply may still come at `now`: of any node asked a moment ago, or of `addr` at any time. */
  mayCome(addr: Address, now: number): boolean {
    const recent = [...this.#answering].some((one) =>
      this.#debts.get(one)?.asked.some((at) => now - at < UNDER_WAY_MS),
    );
    return recent || this.countFrom(addr, now) > 0;
  }

  /**
   * Notes a question without a good reply. `damaged`: the reply came torn, so nothing more is outstanding; else the
   * debt of a node on a line that tears replies would never end.
   */
  failed(addr: Address, now: number, damaged = false): void {
    const asked = this.#debts.get(addr)?.asked ?? [];
    this.#debts.set(addr, { asked: damaged ? asked : [...asked.slice(1 - MOST), now], failing: true });
  }

  /**
   * Notes a good reply. `lagMs`: from the last question to its reply; `missed`: number of questions before it that
   * had none.
   */
  answered(addr: Address, { lagMs, missed }: { lagMs: number; missed: number }, now: number): void {
    this.#answering.add(addr);
    if (missed === 0 && !this.#debts.has(addr)) return;
    const before = this.#debts.get(addr)?.asked ?? [];
    const asked = [...before.filter((at) => now - at < OUTSTANDING_FOR_MS), ...Array<number>(missed).fill(now)].slice(
      -MOST,
    );
    if (asked.length === 0) this.#debts.delete(addr);
    else this.#debts.set(addr, { asked: lagMs > LATE_MS ? asked.map(() => now) : asked, failing: false });
  }

  /** The nodes whose last question was not answered. */
  get nodes(): Address[] {
    return [...this.#debts].filter(([, { failing }]) => failing).map(([addr]) => addr);
  }
}
