/** The facts for the guards, gathered afresh: a status exchange at the moment of asking, not what the sweep remembers. */
import type { Verb } from '../api/power.ts';
import { PRIORITY, type StatusOutcome } from '../bmc/types.ts';
import type { Address } from '../rack/address.ts';
import type { GuardFacts } from './guards.ts';
import type { OperationPorts } from './ports.ts';

export interface Question {
  verb: Verb;
  addr: Address;
  session: number;
  takeConsole: boolean;
  /** The running operation that has the node, other than the one that asks; null: none. */
  busyWith: string | null;
}

export async function gatherFacts(ports: OperationPorts, question: Question): Promise<GuardFacts> {
  const { verb, addr, session, takeConsole, busyWith } = question;
  const status = await freshStatus(ports, addr);
  const holder = ports.console.holder();
  return {
    verb,
    addr,
    node: ports.inventory().nodes.find((node) => node.addr === addr) ?? null,
    // After the exchange: what it did to the bus counts.
    bus: ports.bus.health,
    status,
    now: ports.now(),
    otherHolder: holder !== null && holder.session !== session ? { addr: holder.addr, name: holder.name } : null,
    takeConsole,
    busyWith,
  };
}

/** One lost or damaged reply is noise, and no reason to refuse an outage's operator; only a right one counts for anything. */
const ASKS = 3;

async function freshStatus(ports: OperationPorts, addr: Address): Promise<StatusOutcome> {
  for (let asked = 1; ; asked++) {
    const status = await ports.bus.status(addr, PRIORITY.operator);
    // A bus that is not usable answers for itself at once.
    if (status.ok || status.failure === 'bus' || asked === ASKS) return status;
  }
}
