/**
 * A running operation as others see it: every change is published, journalled and, where it ends something, told.
 *
 * One node's share of an operation, as the verbs' runners take it.
 */
import { randomBytes } from 'node:crypto';
import type { ClientIdentity } from '../api/methods.ts';
import type {
  Again,
  DraftQuestion,
  Evidence,
  NodeProgress,
  Operation,
  Outcome,
  Phase,
  PowerRequest,
  Question,
} from '../api/power.ts';
import type { Address } from '../rack/address.ts';
import type { DependenceRule } from '../rack/plan.ts';
import type { Starts } from './boot-stagger.ts';
import type { HaltWindows, ConsoleArbiter } from './console-arbiter.ts';
import type { OperationPorts } from './ports.ts';
import type { Dependence } from './guard-facts.ts';

/** What a plan tells the operations that carry it out. */
export interface PlanShare {
  plan: string;
  /** Everything that loses power for good with this plan. */
  takes: ReadonlySet<Address>;
  verify: 'status' | 'boot';
  /** Nobody answers questions. */
  armed: boolean;
  /** How long one try of an armed run may keep others from the console, ms. */
  patienceMs: number;
  /** A cut at the deadline may meet a node that could not be asked: its own time has passed then, not only the run's. */
  cutUnasked: boolean;
  /** Its deadline is the run's: a node that goes down by then is watched to its end. */
  watchedOn: boolean;
  overrides: readonly DependenceRule[];
}

export interface Job {
  ports: OperationPorts;
  operation: OperationRecord;
  node: NodeRecord;
  request: PowerRequest;
  by: ClientIdentity;
  session: number;
  /** What the rules about dependent nodes have to know. */
  dependence: Dependence;
  /** Null: no plan's. */
  plan: PlanShare | null;
  /** The one console. */
  console: ConsoleArbiter;
  /** When those that go down are expected to say their last lines. */
  lastLines: HaltWindows;
  /** What boots where. */
  starts: Starts;
  /** Aborts when somebody asked the operation to stop. */
  signal: AbortSignal;
  /** Epoch milliseconds, or null. */
  deadlineAt: number | null;
  /** Its kernel's boot id, as it was asked to shut down for a cycle; null: not known. */
  bootId: string | null;
  /** Takes the answer to the node's open question, while there is one to take it. */
  onAnswer: ((choice: string, by: ClientIdentity) => void) | null;
}

/** Who does it, for sentences. */
export function nameOf(by: ClientIdentity): string {
  return by.from === null ? by.user : `${by.user} from ${by.from}`;
}

/** Pieces of evidence kept for a node; an ordinary shutdown has about ten. */
const EVIDENCE_LIMIT = 100;

type Ports = Pick<OperationPorts, 'now' | 'publish' | 'journal' | 'event'>;

/** A node whose turn has not come. */
export function newNode(addr: Address, name: string, since: number): NodeProgress {
  return {
    ...{ addr, name, phase: 'waiting', since, until: null, detail: 'waits for its turn' },
    ...{ evidence: [], question: null, outcome: null },
  };
}

export class OperationRecord {
  readonly id: string;
  readonly nodes: readonly NodeRecord[];
  readonly #ports: Ports;
  readonly #operation: Operation;
  /** Told once for each spell in which the disk takes nothing. */
  #journalTold = false;

  constructor(ports: Ports, operation: Operation) {
    this.id = operation.id;
    this.#ports = ports;
    this.#operation = operation;
    this.nodes = operation.nodes.map((progress) => new NodeRecord(ports, progress, () => this.changed()));
  }

  get ended(): boolean {
    return this.#operation.endedAt !== null;
  }

  /** A copy that nobody changes afterwards. */
  snapshot(): Operation {
    return structuredClone(this.#operation);
  }

  node(addr: Address): NodeRecord | null {
    return this.nodes.find((node) => node.addr === addr) ?? null;
  }

  /** Publishes and journals. A journal that fails stops nothing here: a cut waits for {@link journalled} instead. */
  changed(): void {
    const snapshot = this.snapshot();
    this.#ports.publish(snapshot);
    this.#ports.journal.write(snapshot).then(
      () => (this.#journalTold = false),
      (error: unknown) => {
        if (this.#journalTold) return;
        this.#journalTold = true;
        this.#ports.event('alarm', null, `The journal of operation ${this.id} cannot be written: ${reason(error)}`);
      },
    );
  }

  /** Resolves when the present state is on the disk. @throws what the disk says */
  journalled(): Promise<void> {
    return this.#ports.journal.write(this.snapshot());
  }

  /** All nodes have ended. */
  end(): void {
    this.#operation.endedAt = this.#ports.now();
    this.changed();
  }
}

/** One node's part of it. */
export class NodeRecord {
  readonly addr: Address;
  readonly name: string;
  readonly #ports: Ports;
  readonly #progress: NodeProgress;
  readonly #changed: () => void;

  constructor(ports: Ports, progress: NodeProgress, changed: () => void) {
    this.addr = progress.addr;
    this.name = progress.name;
    this.#ports = ports;
    this.#progress = progress;
    this.#changed = changed;
  }

  get phase(): Phase {
    return this.#progress.phase;
  }

  get outcome(): Outcome | null {
    return this.#progress.outcome;
  }

  /** Nothing is being done to it now: its turn has not come, or is over. */
  get idle(): boolean {
    return this.#progress.phase === 'waiting' || this.#progress.outcome !== null;
  }

  get question(): Question | null {
    return this.#progress.question;
  }

  get evidence(): Evidence[] {
    return structuredClone(this.#progress.evidence);
  }

  /** What is happening now; `until` is the end of the phase's limit. Nothing is told when nothing changed. */
  show(phase: Phase, detail: string, until: number | null = null, question: DraftQuestion | null = null): void {
    const node = this.#progress;
    if (node.outcome !== null) return;
    const same = sameQuestion(node.question, question);
    if (same && node.phase === phase && node.until === until && node.detail === detail) return;
    if (node.phase !== phase) node.since = this.#ports.now();
    const asked = same ? node.question : question && { ...question, id: randomBytes(6).toString('hex') };
    Object.assign(node, { phase, detail, until, question: asked });
    this.#changed();
  }

  /** A piece of proof. It travels with the next change, or with {@link NodeRecord.end}. */
  prove(kind: string, text: string): void {
    const { evidence } = this.#progress;
    // What a node repeats for ever must not grow for ever: how it began stays, and the latest.
    if (evidence.length >= EVIDENCE_LIMIT) evidence.splice(EVIDENCE_LIMIT / 2, 1);
    evidence.push({ at: this.#ports.now(), kind, text });
  }

  /** How it ended, for good. Later words about a node that has ended are not taken. */
  end(outcome: Outcome, detail: string, again: Again | null = null): void {
    const node = this.#progress;
    if (node.outcome !== null) return;
    const at = this.#ports.now();
    Object.assign(node, { phase: 'ended', since: at, until: null, question: null, outcome, detail });
    if (again !== null) node.again = again;
    this.#changed();
    this.#ports.event(outcome === 'done' ? 'notice' : 'warning', node.addr, `${node.name}: ${detail}`);
  }
}

/** Changes all times of an operation that another server wrote down. */
export function moveOperationTimes(operation: Operation, move: (at: number) => number): void {
  operation.startedAt = move(operation.startedAt);
  for (const node of operation.nodes) {
    node.since = move(node.since);
    node.until = node.until === null ? null : move(node.until);
    for (const piece of node.evidence) piece.at = move(piece.at);
    if (node.question !== null) node.question.since = move(node.question.since);
  }
}

function sameQuestion(a: DraftQuestion | null, b: DraftQuestion | null): boolean {
  return a?.text === b?.text && a?.since === b?.since;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
