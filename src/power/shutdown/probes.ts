/** Probes for signs of life beside the console: whether the network answers, and the BMC's status. */
import { PRIORITY } from '../../bmc/types.ts';
import type { Job } from '../operation.ts';
import type { ShutdownEvent, Stage } from './state.ts';

/** Intervals of the network probes and of the BMC's samples, ms. */
const PROBE_MS = 2_000;
const SAMPLE_MS = 2_000;
/**
 * Time after input in which no status request is sent, ms: typed bytes are paced and answered, and the request could
 * take either off the wire.
 */
const TYPING_MS = 500;

const GATHERING: readonly Stage['is'][] = ['gone', 'testing'];
const ASKED: readonly Stage['is'][] = [
  ...([
    'before',
    'spaced',
    'ssh',
    'requesting',
    'asked',
    'by-hand',
    'stopping',
    'gone',
    'testing',
    'settle',
    'cutting',
  ] as const),
];

export class LifeProbes {
  readonly #job: Job;
  readonly #send: (event: ShutdownEvent) => void;
  #probing = false;
  #probedAt = -Infinity;
  #sampling = false;
  #sampledAt = -Infinity;

  constructor(job: Job, send: (event: ShutdownEvent) => void) {
    this.#job = job;
    this.#send = send;
  }

  /** Probes where it is time. `held`: this shutdown holds the console. */
  probe(stage: Stage['is'], at: number, { held }: { held: boolean }): void {
    const { ports } = this.#job;
    if (ports.network !== null && ASKED.includes(stage) && at - this.#probedAt >= PROBE_MS) void this.#probe(at);
    // A gap in another node's console could swallow the line that its shutdown waits for.
    const { holder, typedAt } = this.#job.console;
    const free = holder === null || ((held || holder === 'test') && at - typedAt >= TYPING_MS);
    if (GATHERING.includes(stage) && free && ports.console.holder() === null && at - this.#sampledAt >= SAMPLE_MS)
      void this.sample();
  }

  async sample(): Promise<void> {
    if (this.#sampling) return;
    this.#sampling = true;
    const { ports, node } = this.#job;
    this.#sampledAt = ports.now();
    try {
      const status = await ports.bus.status(node.addr, PRIORITY.operator);
      const at = ports.now();
      if (status.ok) this.#send({ kind: 'sample', at, sample: status.sample, why: '' });
      // An unusable bus is no fact about the node.
      else if (status.failure !== 'bus') this.#send({ kind: 'sample', at, sample: null, why: status.detail });
    } finally {
      this.#sampling = false;
    }
  }

  async #probe(at: number): Promise<void> {
    const { ports, node } = this.#job;
    if (this.#probing || ports.network === null) return;
    this.#probing = true;
    this.#probedAt = at;
    try {
      const reachable = await ports.network.reachable(node.addr);
      this.#send({ kind: 'network', at: ports.now(), reachable, askedAt: at });
    } finally {
      this.#probing = false;
    }
  }
}
