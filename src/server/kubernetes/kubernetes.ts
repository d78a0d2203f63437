/**
 * Asks a Kubernetes cluster for its nodes by a configured program, again and again; it never changes anything there. An
 * answer counts for three intervals; then its nodes are unknown.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { KubernetesConfig } from '../../config/reporting-schema.ts';
import { expire, steadyNow } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { describeFailure, runProgram } from '../../lib/subprocess.ts';
import { count } from '../../lib/words.ts';
import type { Inventory } from '../../rack/inventory.ts';
import { type ClusterAnswer, type ClusterReport, isCurrent } from '../../rack/kubernetes.ts';
import { parseNodeList } from './node-list.ts';

/** Intervals for which an answer counts. */
const COUNTS_FOR = 3;
/** Most output that is read, bytes: about 200 nodes with all that kubectl prints of each. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Least time from the end of a run to the next, ms. */
const LEAST_PAUSE_MS = 1_000;

export interface KubernetesPorts {
  inventory(): Inventory;
  /** Takes over what is known of the cluster, and judges its age again; null: no cluster is configured. */
  report(report: ClusterReport | null): void;
  /** Raises the alarm with this predicate of a sentence about the server; null clears it. */
  alarm(text: string | null): void;
}

export class Kubernetes {
  readonly #config: KubernetesConfig;
  readonly #ports: KubernetesPorts;
  readonly #abort = new AbortController();
  readonly #working: Promise<void>;
  #answer: ClusterAnswer | null = null;
  #failure = '';
  #callOff: () => void = () => undefined;

  constructor(config: KubernetesConfig, ports: KubernetesPorts) {
    this.#config = config;
    this.#ports = ports;
    this.#judge();
    this.#working = this.#work();
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#working;
    this.#callOff();
    this.#ports.report(null);
    this.#ports.alarm(null);
  }

  get #limitMs(): number {
    return COUNTS_FOR * this.#config.interval * 1000;
  }

  async #work(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const began = steadyNow();
      await this.#ask(began);
      const rest = began + this.#config.interval * 1000 - steadyNow();
      await delay(Math.max(LEAST_PAUSE_MS, rest), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Runs the program once. Its answer has the age of its start: it tells nothing later. */
  async #ask(at: number): Promise<void> {
    const { run, interval } = this.#config;
    const output: Buffer[] = [];
    const read = (chunk: Buffer, stream: 'stdout' | 'stderr'): void => {
      if (stream === 'stdout') output.push(chunk);
    };
    const end = await runProgram(run, interval, this.#abort.signal, { read, mostBytes: MOST_BYTES });
    if (this.#abort.signal.aborted) return;
    try {
      if (end.why !== '') throw new Error(end.why);
      const nodes = parseNodeList(Buffer.concat(output).toString());
      this.#answer = { at, nodes };
      this.#failure = '';
      this.#callOff();
      this.#callOff = expire(at + this.#limitMs - steadyNow() + 1, () => this.#judge());
    } catch (error) {
      this.#failure = describeFailure(run, { why: messageOf(error), output: end.output });
    }
    this.#judge();
  }

  #judge(): void {
    const report = { answer: this.#answer, failure: this.#failure, limitMs: this.#limitMs };
    this.#ports.report(report);
    if (!isCurrent(report, steadyNow())) {
      if (this.#answer !== null || this.#failure !== '')
        this.#ports.alarm(`cannot read the nodes of the Kubernetes cluster: ${this.#failure || 'no answer came'}`);
      return;
    }
    const names = [...(this.#answer?.nodes.keys() ?? [])];
    const known = this.#ports.inventory().nodes.some(({ name }) => names.includes(name.toLowerCase()));
    this.#ports.alarm(
      known ? null : `finds no node of this rack in the Kubernetes cluster, which has ${listedNodes(names)}`,
    );
  }
}

/** Names that show which cluster it is. */
const SHOWN = 3;

function listedNodes(names: readonly string[]): string {
  if (names.length === 0) return 'no nodes';
  const more = names.length > SHOWN ? ', …' : '';
  return `${count(names.length, 'node')} (${names.slice(0, SHOWN).join(', ')}${more}): name the rack's nodes as kubectl get nodes does`;
}
