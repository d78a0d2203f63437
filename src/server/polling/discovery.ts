/**
 * Discovers the nodes of a rack without configured nodes: one scan of all addresses, then slow rescans of empty
 * ones.
 */
import { type Bus, PRIORITY, type StatusOutcome } from '../../bmc/types.ts';
import { type Address, MAX_ADDRESS, rowOf, slotOf, SLOTS_PER_BLADE } from '../../rack/address.ts';
import type { NodeStates } from './node-states.ts';

/** Interval of rescans, ms: each costs up to a quarter of a second of silence. */
const RESCAN_EVERY_MS = 5_000;

interface Missed {
  addr: Address;
  silent: boolean;
}

export class Discovery {
  readonly #bus: Pick<Bus, 'status' | 'health'>;
  readonly #nodeStates: NodeStates;
  #next: Address = 0;
  /** Addresses without a valid answer in the scan. */
  #missed: Missed[] = [];
  /** Addresses to ask once more before the scan continues: a node is there, or likely to be. */
  readonly #again: Address[] = [];
  #rescanAt: Address = 0;
  #rescannedAt = -Infinity;
  #finish: () => void = () => undefined;
  readonly #finished: Promise<void>;
  #done = false;

  constructor(bus: Pick<Bus, 'status' | 'health'>, nodeStates: NodeStates) {
    this.#bus = bus;
    this.#nodeStates = nodeStates;
    this.#finished = new Promise((resolve) => (this.#finish = resolve));
  }

  /** Returns whether the first scan is complete. */
  get done(): boolean {
    return this.#done;
  }

  /** Resolves when the first scan is complete, or after `ms`. */
  async finishedWithin(ms: number): Promise<void> {
    if (this.#done || ms <= 0) return;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
    await Promise.race([this.#finished, limit]);
    clearTimeout(timer);
  }

  /** Continues the first scan, 00 to 7f, while `free()`. Returns at once when it is complete. */
  async scan(free: () => boolean): Promise<void> {
    const { master } = this.#bus.health;
    if (master !== null) this.#nodeStates.discovered(master, true);
    while (!this.#done && free()) {
      const again = this.#again[0];
      const addr = again ?? this.#next;
      if (addr > MAX_ADDRESS) {
        this.#done = true;
        this.#finish();
        return;
      }
      const outcome = await this.#ask(addr);
      if (!outcome.ok && outcome.failure === 'bus') return;
      if (again !== undefined) {
        this.#again.shift();
        continue;
      }
      if (!outcome.ok) this.#missed.push({ addr, silent: outcome.failure === 'silent' });
      this.#next++;
      if (slotOf(addr) === SLOTS_PER_BLADE - 1) this.#endOfBlade(addr);
    }
  }

  /**
   * Lists addresses to ask again: blades are rarely half empty, so silence beside an answer, or below a later one,
   * is doubted.
   */
  #endOfBlade(addr: Address): void {
    const row = addr === MAX_ADDRESS ? this.#lastRow : rowOf(addr);
    const worthIt = ({ addr: missed, silent }: Missed): boolean =>
      !silent || (addr === MAX_ADDRESS ? rowOf(missed) <= row : this.#lastRow === row && rowOf(missed) === row);
    this.#again.push(...this.#missed.filter(worthIt).map((missed) => missed.addr));
    this.#missed = this.#missed.filter((missed) => !worthIt(missed));
  }

  /**
   * Asks one empty address, the next one each time, at long intervals: a node that was put in later appears by
   * itself.
   */
  async rescanOne(): Promise<void> {
    if (!this.#done || performance.now() - this.#rescannedAt < RESCAN_EVERY_MS) return;
    this.#rescannedAt = performance.now();
    for (let tried = 0; tried <= MAX_ADDRESS; tried++) {
      const addr = this.#rescanAt;
      this.#rescanAt = (this.#rescanAt + 1) % (MAX_ADDRESS + 1);
      if (this.#nodeStates.node(addr) !== null) continue;
      await this.#ask(addr);
      return;
    }
  }

  /** The last blade with a node, or -1. */
  get #lastRow(): number {
    return Math.max(-1, ...this.#nodeStates.addresses.map(rowOf));
  }

  async #ask(addr: Address): Promise<StatusOutcome> {
    const outcome = await this.#bus.status(addr, PRIORITY.sweep);
    if (outcome.ok) {
      this.#nodeStates.discovered(addr, outcome.master);
      this.#nodeStates.apply(addr, outcome, 'sweep');
    }
    return outcome;
  }
}
