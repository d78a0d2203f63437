/** One node's share of an operation, as the verbs' runners take it. */
import type { PowerRequest } from '../api/power.ts';
import type { ClientIdentity } from '../api/protocol.ts';
import type { Address } from '../rack/address.ts';
import type { DependenceRule } from '../rack/plan.ts';
import type { LastLines } from './last-lines.ts';
import type { Dependence } from './others.ts';
import type { NodeRecord, OperationRecord } from './operation-record.ts';
import type { OperationPorts } from './ports.ts';
import type { Starts } from './stagger.ts';
import type { Turns } from './turns.ts';

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
  console: Turns;
  /** When those that go down are expected to say their last lines. */
  lastLines: LastLines;
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
