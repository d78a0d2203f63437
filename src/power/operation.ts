/**
 * The records of a running operation and of its nodes. Every change is published and journalled, and each node's end is
 * reported as an event.
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
import { messageOf } from '../lib/errors.ts';
import type { Address } from '../rack/address.ts';
import type { DependenceRule } from '../rack/plan.ts';
import type { Starts } from './boot-stagger.ts';
import type { HaltWindows, ConsoleArbiter } from './console-arbiter.ts';
import type { Dependence } from './guard-facts.ts';
import type { OperationPorts } from './ports.ts';

/** A plan's settings for the operations that carry it out. */
export interface PlanShare {
  plan: string;
  /** Nodes that lose power for good with this plan. */
  nodesPoweredOff: ReadonlySet<Address>;
  verify: 'status' | 'boot';
  /** No operator answers questions. */
  armed: boolean;
  /** Longest time for which one try of an armed run may keep the console from other nodes, ms. */
  patienceMs: number;
  /**
   * A cut at the deadline may hit a node that could not get its shutdown request; its own time has passed then, not
   * only the run's.
   */
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
  /** Facts for the guards about dependent nodes. */
  dependence: Dependence;
  /** Null: not part of a plan. */
  plan: PlanShare | null;
  /** Arbiter of the one console. */
  console: ConsoleArbiter;
  /** Expected times of the last lines of nodes that go down. */
  haltWindows: HaltWindows;
  /** Boots in progress, by node. */
  starts: Starts;
  /** Aborts when the operation, or this node's part of it, is to stop. */
  signal: AbortSignal;
  /** Epoch milliseconds, or null. */
  deadlineAt: number | null;
  /** Its kernel's boot id, read with the shutdown request of a cycle; null: not known. */
  bootId: string | null;
  /** Receives the answer to the node's open question; null while none can be taken. */
  onAnswer: ((choice: string, by: ClientIdentity) => void) | null;
}

/** Names the operator, for sentences. */
export function nameOf(by: ClientIdentity): string {
  return by.from === null ? by.user : `${by.user} from ${by.from}`;
}

/** Pieces of evidence kept for a node; an ordinary shutdown has about ten. */
const EVIDENCE_LIMIT = 100;

type Ports = Pick<OperationPorts, 'now' | 'publish' | 'journal' | 'event'>;

/** Returns the progress of a node whose turn has not come. */
export function newNode(addr: Address, name: string, since: number): NodeProgress {
  return {
    addr,
    name,
    phase: 'waiting',
    since,
    until: null,
    detail: 'waits for its turn',
    evidence: [],
    question: null,
    outcome: null,
  };
}

export class OperationRecord {
  readonly id: string;
  readonly nodes: readonly NodeRecord[];
  readonly #ports: Ports;
  readonly #operation: Operation;
  /** Set while the disk accepts no writes, so that each such period is reported once. */
  #journalReported = false;

  constructor(ports: Ports, operation: Operation) {
    this.id = operation.id;
    this.#ports = ports;
    this.#operation = operation;
    this.nodes = operation.nodes.map((progress) => new NodeRecord(ports, progress, () => this.changed()));
  }

  get ended(): boolean {
    return this.#operation.endedAt !== null;
  }

  /** Returns a copy that is not changed afterwards. */
  snapshot(): Operation {
    return structuredClone(this.#operation);
  }

  node(addr: Address): NodeRecord | null {
    return this.nodes.find((node) => node.addr === addr) ?? null;
  }

  /**
   * Publishes and journals the state. A journal error stops nothing here: a cut waits for {@link journalled} instead.
   */
  changed(): void {
    const snapshot = this.snapshot();
    this.#ports.publish(snapshot);
    this.#ports.journal.write(snapshot).then(
      () => (this.#journalReported = false),
      (error: unknown) => {
        if (this.#journalReported) return;
        this.#journalReported = true;
        this.#ports.event('alarm', null, `The journal of operation ${this.id} cannot be written: ${messageOf(error)}`);
      },
    );
  }

  /** Resolves when the present state is on the disk. @throws the disk's error */
  journalled(): Promise<void> {
    return this.#ports.journal.write(this.snapshot());
  }

  /** Marks the operation as ended, after all of its nodes. */
  end(): void {
    this.#operation.endedAt = this.#ports.now();
    this.changed();
  }
}

/** One node's part of an operation. */
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

  /** True while the node is not worked on: its turn has not come, or is over. */
  get idle(): boolean {
    return this.#progress.phase === 'waiting' || this.#progress.outcome !== null;
  }

  get question(): Question | null {
    return this.#progress.question;
  }

  get evidence(): Evidence[] {
    return structuredClone(this.#progress.evidence);
  }

  /**
   * Sets phase, detail, limit (`until`, epoch ms, or null) and question of the node. Publishes nothing when nothing
   * changed.
   */
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

  /** Adds a piece of evidence. It is published with the next change, or with {@link NodeRecord.end}. */
  prove(kind: string, text: string): void {
    const { evidence } = this.#progress;
    // Bounds what a node repeats for ever: the beginning and the newest pieces are kept.
    if (evidence.length >= EVIDENCE_LIMIT) evidence.splice(EVIDENCE_LIMIT / 2, 1);
    evidence.push({ at: this.#ports.now(), kind, text });
  }

  /** Ends the node's part with its outcome. Later changes to an ended node are ignored. */
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

/** Changes all times of an operation that another server wrote. */
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
