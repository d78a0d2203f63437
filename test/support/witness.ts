/**
 * What the simulated rack itself saw, against which a server's picture is held: every status reply that a BMC really gave,
 * every byte that a guest really put on the line, every `\` that a BIOS executed. The rack must be in this process.
 */
import type { Sample } from '../../src/rack/reading.ts';
import type { SimHost } from '../../src/sim/host.ts';
import { POWER_STATES } from '../../src/sim/rack/node.ts';

/** Two clocks of one machine, rounded: a reply is never read before it was given, but for this, ms. */
const CLOCKS_MS = 5;
/** Replies remembered of each node; a reading is checked within a second or two of its exchange. */
const REMEMBERED = 4_000;

interface Said {
  at: number;
  power: string;
  current: number;
  fan: number;
}

export class Witness {
  readonly host: SimHost;
  /** What guests put on the line while their console was open, with the time. */
  readonly spoken: { addr: number; at: number; bytes: Uint8Array }[] = [];
  readonly #said = new Map<number, Said[]>();

  constructor(host: SimHost) {
    this.host = host;
    for (const node of host.simulator.rack.nodes.values()) {
      const said: Said[] = [];
      this.#said.set(node.addr, said);
      const status = node.status.bind(node);
      node.status = (at) => {
        const { power, current, fan } = status(at);
        said.push({ at: Date.now(), power: POWER_STATES[power] ?? '?', current, fan });
        if (said.length > REMEMBERED) said.splice(0, REMEMBERED / 2);
        return { power, current, fan };
      };
      const { guest } = node;
      const take = guest.take.bind(guest);
      guest.take = (max) => {
        const bytes = take(max);
        if (bytes.length > 0) this.spoken.push({ addr: node.addr, at: Date.now(), bytes });
        return bytes;
      };
    }
  }

  /** True when this node's BMC gave just this reply within the exchange that the sample stands for. */
  bearsOut(addr: number, sample: Sample): boolean {
    return (this.#said.get(addr) ?? []).some(
      (said) =>
        said.at >= sample.at - sample.rttMs - CLOCKS_MS &&
        said.at <= sample.at + CLOCKS_MS &&
        said.power === sample.power &&
        said.current === sample.current &&
        said.fan === sample.fan,
    );
  }

  /** The powers that this node's BMC told in the last `ms`. */
  lastSaid(addr: number, ms: number): string[] {
    const since = Date.now() - ms;
    return [...new Set((this.#said.get(addr) ?? []).filter(({ at }) => at >= since).map(({ power }) => power))];
  }

  /** `\` executed so far, by address. */
  cuts(): Map<number, number> {
    const { rack } = this.host.simulator;
    return new Map([...rack.nodes.values()].map((node) => [node.addr, node.counters.off]));
  }

  /**
   * Bytes of `addr` that are neither in `heard` (in order, other bytes may lie between) nor were on the line during one of
   * the `gaps` that the console's transcript marks (or within `slackMs` of one).
   */
  unaccounted(
    addr: number,
    { from, to }: { from: number; to: number },
    heard: string,
    gaps: readonly { from: number; to: number }[],
    slackMs: number,
  ): number {
    const said = this.spoken.filter((one) => one.addr === addr && one.at >= from && one.at <= to);
    // What a gap swallowed may be said again later, word for word: such a chunk is then not the one that was heard.
    const inGap = (at: number): boolean => gaps.some((gap) => at >= gap.from - slackMs && at <= gap.to + slackMs);
    const missing = (mayHear: (text: string, position: number, at: number) => boolean): number => {
      let count = 0;
      let position = 0;
      for (const { at, bytes } of said) {
        const text = Buffer.from(bytes).toString('latin1');
        const found = mayHear(text, position, at) ? heard.indexOf(text, position) : -1;
        if (found >= 0) position = found + text.length;
        else if (!inGap(at)) count += bytes.length;
      }
      return count;
    };
    return Math.min(
      missing(() => true),
      missing((text, position, at) => !inGap(at) || heard.startsWith(text, position)),
    );
  }
}
