/** The facts for the guards: a status exchange at the moment of asking, or one that was made a moment before. */
import type { PowerRequest, Verb } from '../api/power.ts';
import { PRIORITY, type StatusOutcome } from '../bmc/types.ts';
import type { Address } from '../rack/address.ts';
import { othersOf, type Dependence } from './others.ts';
import type { GuardFacts } from './guards.ts';
import type { OperationPorts } from './ports.ts';

export interface Question {
  verb: Verb;
  addr: Address;
  session: number;
  takeConsole: PowerRequest['takeConsole'];
  /** The running operation that has the node, other than the one that asks; null: none. */
  busyWith: string | null;
  /** `young`: a sample of the last moments will do; what it lets through proves itself once more in the verb's own pipe. */
  status: 'new' | 'young';
  /** Which name its console showed last was seen by whoever confirmed this. */
  hostSettled: boolean;
  /** What depends on the node counts too; null: that was asked before its turn. */
  dependence: Dependence | null;
}

/** A sample so young is as good as a new one where a proof follows, ms: a sweep makes one a second. */
const YOUNG_MS = 2_000;

export async function gatherFacts(ports: OperationPorts, question: Question): Promise<GuardFacts> {
  const { verb, addr, session, takeConsole, busyWith } = question;
  const { dependence } = question;
  const young = question.status === 'young' ? youngStatus(ports, question) : null;
  const status = young ?? (await freshStatus(ports, addr));
  const holder = ports.console.holder();
  const { nodes, configured } = ports.inventory();
  return {
    verb,
    addr,
    node: nodes.find((node) => node.addr === addr) ?? null,
    // After the exchange: what it did to the bus counts.
    bus: ports.bus.health,
    status,
    now: ports.now(),
    // A keyboard that an operation lent comes back: its turn is waited for.
    otherHolder: holder !== null && holder.session !== session && !holder.lent ? holder : null,
    takeConsole,
    busyWith,
    // Where the bus was scanned for nodes, nobody said how they are called.
    host: configured && !question.hostSettled ? ports.hostSeen(addr) : null,
    others: dependence === null || verb === 'on' ? null : await othersOf(ports, addr, dependence),
  };
}

/** Only a sample that has the verb sent: that nothing needs to be done any more is said of a new one alone. */
function youngStatus(ports: OperationPorts, { verb, addr }: Question): StatusOutcome | null {
  const reading = ports.reading(addr);
  if (reading.state !== 'ok' || ports.now() - reading.sample.at > YOUNG_MS) return null;
  if (reading.sample.power !== (verb === 'on' ? 'off' : 'on')) return null;
  return { ok: true, sample: reading.sample, master: addr === ports.bus.health.master };
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
