/** One node's share of an operation, as the verbs' runners take it. */
import type { PowerRequest } from '../api/power.ts';
import type { ClientIdentity } from '../api/protocol.ts';
import type { NodeRecord, OperationRecord } from './operation-record.ts';
import type { OperationPorts } from './ports.ts';

export interface Job {
  ports: OperationPorts;
  operation: OperationRecord;
  node: NodeRecord;
  request: PowerRequest;
  by: ClientIdentity;
  session: number;
  /** Aborts when somebody asked the operation to stop. */
  signal: AbortSignal;
  /** Epoch milliseconds, or null. */
  deadlineAt: number | null;
  /** Takes the answer to the node's open question, while there is one to take it. */
  onAnswer: ((choice: string, by: ClientIdentity) => void) | null;
}

/** Who does it, for sentences. */
export function nameOf(by: ClientIdentity): string {
  return by.from === null ? by.user : `${by.user} from ${by.from}`;
}
