/** Power operations: checked, confirmed, journalled, run, answered, aborted. */
import type { ClientIdentity } from '../api/protocol.ts';
import type { Operation, PowerCheck, PowerRequest, Refusal } from '../api/power.ts';
import type { Address } from '../rack/address.ts';
import type { OperationPorts } from './ports.ts';

/** Guards, or a confirmation that does not match: nothing was sent. */
export class PowerRefused extends Error {
  readonly refusals: Refusal[];
  constructor(refusals: Refusal[]) {
    super(refusals.map((refusal) => refusal.message).join('; '));
    this.name = 'PowerRefused';
    this.refusals = refusals;
  }
}

/** An id, a node or a question that there is not (any more). */
export class NoSuchOperation extends Error {
  override readonly name = 'NoSuchOperation';
}

export class Operations {
  readonly #ports: OperationPorts;

  constructor(ports: OperationPorts) {
    this.#ports = ports;
  }

  /** Reports what an earlier server left unfinished as interrupted. Call once, before anything else. */
  recover(): void {
    throw new Error(`not built yet ${typeof this.#ports}`);
  }

  /** One fresh status per node, guards and impact; nothing is changed. `session` is the asking session's id. */
  check(request: PowerRequest, session: number): Promise<PowerCheck> {
    throw new Error(`not built yet ${request.verb} ${session}`);
  }

  /**
   * Starts an operation and answers with its first state; it goes on by itself, whatever becomes of the session.
   * @throws {PowerRefused} and nothing was sent.
   */
  start(request: PowerRequest, by: ClientIdentity, session: number): Promise<Operation> {
    throw new Error(`not built yet ${request.verb} ${by.user} ${session}`);
  }

  /** Asks a running operation to stop; its details say what can no longer be recalled. @throws {NoSuchOperation} */
  abort(id: string, by: ClientIdentity): Operation {
    throw new Error(`not built yet ${id} ${by.user}`);
  }

  /**
   * Answers a node's open question.
   * @throws {NoSuchOperation} no such question (any more); {PowerRefused} the confirmation does not match.
   */
  answer(id: string, addr: Address, choice: string, confirm: string | null, by: ClientIdentity): Operation {
    throw new Error(`not built yet ${id} ${addr} ${choice} ${confirm ?? ''} ${by.user}`);
  }

  /** Running ones and the last ended ones, oldest first. */
  list(): Operation[] {
    throw new Error('not built yet');
  }

  /** True while any operation runs: the server must not leave. */
  busy(): boolean {
    throw new Error('not built yet');
  }
}
