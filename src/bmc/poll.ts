/**
 * Status exchanges with several BMCs. One follows the other on the line at once as long as nothing else has to be done
 * there; the replies are passed on together, because at one poll a second every step of the way starts with cold caches.
 */
import type { Address } from '../rack/address.ts';
import { type BmcClient, describeFailure } from './bmc-client.ts';
import type { Reply } from './question.ts';
import type { Transport } from './transport.ts';
import type { Polled, StatusOutcome } from './types.ts';

export interface PollOptions {
  addrs: readonly Address[];
  /** `brief`: an earlier silence does not lengthen the wait. */
  patience: 'patient' | 'brief';
  /** Asked when the line is free for this one; false: it is left out. */
  wanted: (addr: Address) => boolean;
  take: (outcomes: readonly Polled[]) => void;
}

export class Poll {
  readonly #bmcClient: BmcClient;
  readonly #o: PollOptions;
  /** Number of addresses that were asked or left out. */
  #done = 0;

  constructor(bmcClient: BmcClient, options: PollOptions) {
    this.#bmcClient = bmcClient;
    this.#o = options;
  }

  get over(): boolean {
    return this.#done === this.#o.addrs.length;
  }

  /**
   * Asks one, then as many as `undisturbed()` allows. The outcomes are passed on before anything else is done on the
   * line. Rejects LineLost.
   */
  async run(wire: Transport, undisturbed: () => boolean): Promise<void> {
    const first = this.#next();
    if (first === null) return;
    const outcomes: Polled[] = [];
    try {
      await this.#bmcClient.askEach(wire, first, this.#o.patience, (addr, reply) => {
        outcomes.push({ addr, outcome: outcomeOf(addr, reply) });
        return undisturbed() ? this.#next() : null;
      });
    } finally {
      this.#o.take(outcomes);
    }
  }

  #next(): Address | null {
    const { addrs, wanted } = this.#o;
    for (let addr = addrs[this.#done]; addr !== undefined; addr = addrs[this.#done]) {
      this.#done++;
      if (wanted(addr)) return addr;
    }
    return null;
  }
}

function outcomeOf(addr: Address, reply: Reply): StatusOutcome {
  if (reply.ok) return { ok: true, sample: reply.sample, master: reply.master };
  return { ok: false, failure: reply.failure, detail: describeFailure(addr, reply) };
}
