/**
 * What this bus turned out to do where bus-protocol says [?]: learned from its own replies and forgotten when the port is
 * opened anew. Also the round trips from which the time-outs for silence are made.
 *
 * Questions that were never answered, by node. A slow BMC answers them later, in the middle of another question, and such
 * an answer tells of the past: as many replies as a node may still owe are not believed. Pure.
 */
import type { Address } from '../rack/address.ts';

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

/** A reply that has not come by then will not come, ms: 250 is the most that is ever waited for one. */
const OWED_FOR_MS = 10_000;
/** Most replies that come at all come within this, ms. */
const UNDER_WAY_MS = 1_000;
/** A silent node is asked ever more rarely; so many questions fit into that time all the same. */
const MOST = 16;
/**
 * A reply that comes later than this behind its question, ms, may be that of a BMC that is late as a rule: it owes as many
 * replies afterwards as before. One that comes at once proves nothing, for late replies can follow one another closely;
 * what was owed then stays owed until its time is over.
 */
const LATE_MS = 20;

interface Debt {
  /** When the questions were put that may still be answered. */
  asked: number[];
  /** Its last question was not answered. */
  failing: boolean;
}

export class OutstandingReplies {
  readonly #debts = new Map<Address, Debt>();
  /** Nodes that answered once: where nobody is, nobody is late. */
  readonly #answering = new Set<Address>();

  /** How many replies `addr` may still owe at `now` (ms, monotonic). */
  owedBy(addr: Address, now: number): number {
    const debt = this.#debts.get(addr);
    if (!debt) return 0;
    const owed = debt.asked.filter((at) => now - at < OWED_FOR_MS).length;
    // A node that failed last time is never believed at its first word, however long ago that was.
    return debt.failing ? Math.max(1, owed) : owed;
  }

  /** Whether a reply of any node may still be under way at `now`: one that was asked a moment ago, or `addr` at all. */
  mayCome(addr: Address, now: number): boolean {
    const recent = [...this.#answering].some((one) =>
      this.#debts.get(one)?.asked.some((at) => now - at < UNDER_WAY_MS),
    );
    return recent || this.owedBy(addr, now) > 0;
  }

  /** `damaged`: its reply came, though torn, so that nothing more is owed; else a line that tears replies would never be paid. */
  failed(addr: Address, now: number, damaged = false): void {
    const asked = this.#debts.get(addr)?.asked ?? [];
    this.#debts.set(addr, { asked: damaged ? asked : [...asked.slice(1 - MOST), now], failing: true });
  }

  /** `lagMs`: from the last question to its reply; `missed`: so many before it had none. */
  answered(addr: Address, { lagMs, missed }: { lagMs: number; missed: number }, now: number): void {
    this.#answering.add(addr);
    const before = this.#debts.get(addr)?.asked ?? [];
    const asked = [...before.filter((at) => now - at < OWED_FOR_MS), ...Array<number>(missed).fill(now)].slice(-MOST);
    if (asked.length === 0) this.#debts.delete(addr);
    else this.#debts.set(addr, { asked: lagMs > LATE_MS ? asked.map(() => now) : asked, failing: false });
  }

  /** Those whose last question was not answered. */
  get nodes(): Address[] {
    return [...this.#debts].filter(([, { failing }]) => failing).map(([addr]) => addr);
  }
}
