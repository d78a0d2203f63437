/**
 * The guards before every power verb, with the facts that they examine and the checks of a request before any node is
 * reached. Each guard is one pure function that returns a refusal or null; a new one is added to {@link GUARDS}.
 */
import { ANYWAY, confirmationText, cuts, type PowerRequest, type Refusal, type Verb } from '../api/power.ts';
import { PRIORITY, type StatusOutcome } from '../bmc/types.ts';
import { count } from '../lib/words.ts';
import { type Address, formatPosition } from '../rack/address.ts';
import {
  HOST_SEEN_LIMIT_MS,
  type Inventory,
  type InventoryNode,
  nodeLabel,
  placeText,
  sameHost,
} from '../rack/inventory.ts';
import { isManager } from '../rack/plan.ts';
import { STALE_AFTER_MS } from '../rack/reading.ts';
import type { SystemState } from '../rack/system-state.ts';
import { chassisFan, lastNameServer, peersOf, quorum } from './dependency-guards.ts';
import type { Dependence, GuardFacts } from './guard-facts.ts';
import { mayTake, type OperationPorts } from './ports.ts';

export interface Question {
  verb: Verb;
  addr: Address;
  session: number;
  takeConsole: PowerRequest['takeConsole'];
  /** Running operation that has the node, other than the requesting one; null: none. */
  busyWith: string | null;
  /** `young`: a recent sample is enough; a verb that it lets through is verified once more in its own pipe. */
  status: 'new' | 'young';
  /** The operator saw the host name that its console showed last, and confirmed the request. */
  hostSettled: boolean;
  /** Facts about dependent nodes; null: their guards ran before its turn. */
  dependence: Dependence | null;
}

/** Age up to which a sample counts as new where a verification follows, ms: a poll makes one a second. */
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
    // Read after the exchange, which may have changed the bus's health.
    bus: ports.bus.health,
    status,
    now: ports.now(),
    // A keyboard that an operation lent is returned: its turn is awaited.
    otherHolder: holder !== null && holder.session !== session && !holder.lent ? holder : null,
    takeConsole,
    busyWith,
    // Where the nodes come from a scan of the bus, no names are configured to compare with.
    host: configured && !question.hostSettled ? ports.hostSeen(addr) : null,
    peers: dependence === null || verb === 'on' ? null : await peersOf(ports, addr, dependence),
  };
}

/**
 * Returns a recent sample only where the verb is needed: that nothing is left to do is concluded from a new sample
 * alone.
 */
function youngStatus(ports: OperationPorts, { verb, addr }: Question): StatusOutcome | null {
  const reading = ports.reading(addr);
  if (reading.state !== 'ok' || ports.now() - reading.sample.at > YOUNG_MS) return null;
  if (reading.sample.power !== (verb === 'on' ? 'off' : 'on')) return null;
  return { ok: true, sample: reading.sample, master: addr === ports.bus.health.master };
}

/**
 * Tries for one right reply: a single lost or damaged reply is noise, and no reason to refuse an operator in an outage.
 */
const ASKS = 3;

async function freshStatus(ports: OperationPorts, addr: Address): Promise<StatusOutcome> {
  for (let asked = 1; ; asked++) {
    const status = await ports.bus.status(addr, PRIORITY.operator);
    // An unusable bus fails every request: the result is final at once.
    if (status.ok || status.failure === 'bus' || asked === ASKS) return status;
  }
}

type Guard = (facts: GuardFacts) => Refusal | null;

/** Verbs that request a shutdown from the node's own operating system first. */
function isGraceful(verb: Verb): boolean {
  return verb === 'off' || verb === 'cycle';
}

/** Names a node as messages do: `k8s-worker-01 (A-3, 03)`. */
function nameNode(node: InventoryNode | null, addr: Address): string {
  return node ? nodeLabel(node) : `the slot at ${placeText(addr)}`;
}

/**
 * Reports whether the node is a master: by any reply with master status, or by its role in the inventory. Another
 * manager is a master too.
 */
function isMaster({ addr, node, bus, status }: GuardFacts): boolean {
  return addr === bus.master || (node !== null && isManager(node)) || (status.ok && status.master);
}

const busNotReady: Guard = ({ bus }) =>
  bus.phase === 'ready'
    ? null
    : { rule: 'bus', message: `the bus is not usable (${bus.phase}): ${bus.detail}`, override: null };

const notInInventory: Guard = ({ node, addr }) =>
  node
    ? null
    : {
        rule: 'inventory',
        message: `no node is known at ${placeText(addr)}`,
        override: 'add it to the configuration',
      };

const masterSlot: Guard = (facts) =>
  cuts(facts.verb) && isMaster(facts)
    ? {
        rule: 'master',
        message: `${nameNode(facts.node, facts.addr)} manages this bus: cutting its power would end the bus and this program`,
        override: null,
      }
    : null;

/** Without a proven master it is not known which slot must never be cut. */
const masterUnknown: Guard = ({ verb, bus }) =>
  cuts(verb) && bus.phase === 'ready' && bus.master === null
    ? { rule: 'master', message: 'the master of the bus is not known yet, so no node is cut', override: null }
    : null;

const protectedNode: Guard = ({ verb, node, addr }) =>
  cuts(verb) && node?.protected === true
    ? {
        rule: 'protected',
        message: `${nameNode(node, addr)} is protected in the configuration`,
        override: 'remove `protected: true` from its entry in the configuration',
      }
    : null;

/**
 * Compares the host name last shown on the console: a BMC proves its address, not which machine is in the slot. Boards
 * and cards change places, and maps contain errors.
 */
const otherHost: Guard = ({ verb, node, addr, host, now }) => {
  if (!cuts(verb) || !node || host === null || sameHost(host.host, node.name)) return null;
  const age = now - host.at;
  if (age > HOST_SEEN_LIMIT_MS) return null;
  return {
    rule: 'host',
    message: `the machine at ${placeText(addr)} showed the host name ‘${host.host}’ on its console ${host.before === true ? 'before this machine was last booted' : `${inWords(age)} ago`}, and the configuration says ‘${node.name}’`,
    override: `open its console, which reads the name again; or add ‘${ANYWAY.trim()}’ to the confirmation; or correct the configuration`,
  };
};

/**
 * Refuses without a right reply. Silence, noise and foreign replies need different inspections by the operator; none of
 * them is a state.
 */
const notAnswering: Guard = ({ node, addr, bus, status }) => {
  if (status.ok || bus.phase !== 'ready') return null;
  const name = nameNode(node, addr);
  switch (status.failure) {
    case 'silent':
      return { rule: 'unknown', message: `the BMC of ${name} does not answer: its state is unknown`, override: null };
    case 'garbled':
      return {
        rule: 'unknown',
        message: `the BMC of ${name} sent an unreadable reply: ${status.detail}`,
        override: null,
      };
    case 'foreign':
      return { rule: 'identity', message: `another BMC answered for ${name}: ${status.detail}`, override: null };
    case 'bus':
      return { rule: 'bus', message: `the BMC of ${name} could not be queried: ${status.detail}`, override: null };
  }
};

const stale: Guard = ({ node, addr, status, now }) =>
  status.ok && now - status.sample.at > STALE_AFTER_MS
    ? {
        rule: 'stale',
        message: `the status of ${nameNode(node, addr)} is ${Math.round((now - status.sample.at) / 1000)} s old; the limit is ${STALE_AFTER_MS / 1000} s`,
        override: 'try again',
      }
    : null;

const disabled: Guard = ({ node, addr, status }) =>
  status.ok && status.sample.power === 'disabled'
    ? {
        rule: 'disabled',
        message: `the BMC of ${nameNode(node, addr)} reports the node as disabled: it accepts no power verb`,
        override: null,
      }
    : null;

/** Only a graceful verb needs the console; the others borrow the wire for milliseconds and leave a marked gap. */
const consoleHeld: Guard = ({ verb, node, addr, status, otherHolder, takeConsole }) =>
  isGraceful(verb) && otherHolder && !mayTake(otherHolder, takeConsole) && !(status.ok && status.sample.power === 'off')
    ? {
        rule: 'console',
        message: `${otherHolder.name} types on the console of ${formatPosition(otherHolder.addr)}, and shutting down ${nameNode(node, addr)} needs the one console there is`,
        override: 'take the console',
      }
    : null;

const inOperation: Guard = ({ node, addr, busyWith }) =>
  busyWith === null
    ? null
    : {
        rule: 'operation',
        message: `${nameNode(node, addr)} is in operation ${busyWith}`,
        override: `answer or abort ${busyWith} first`,
      };

/** All guards, in the order in which an operator wants to read their refusals. */
export const GUARDS: readonly Guard[] = [
  busNotReady,
  notInInventory,
  masterSlot,
  masterUnknown,
  protectedNode,
  otherHost,
  notAnswering,
  stale,
  disabled,
  lastNameServer,
  quorum,
  chassisFan,
  consoleHeld,
  inOperation,
];

/** Returns all refusals for one node; empty: the verb may be sent. */
export function refusalsFor(facts: GuardFacts): Refusal[] {
  return GUARDS.flatMap((guard) => guard(facts) ?? []);
}

/** Formats an age: `40 s`, `12 min`, `3 h`. */
function inWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  return seconds < 6_000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

/** Returns the verb's consequences for this node and others, for the dialog, one sentence each. */
export function impactOf(facts: GuardFacts, inventory: Inventory): string[] {
  const { verb, node, status, otherHolder } = facts;
  if (!cuts(verb) || !node) return [];
  const impact: string[] = [];
  const name = node.name;
  if (status.ok && status.sample.power === 'off')
    impact.push(verb.endsWith('cycle') ? `${name} is off: it can only be switched on` : `${name} is off already`);
  else if (!isGraceful(verb)) impact.push(`${name} loses power at once: what it has not written to disk is lost`);
  impact.push(...dependentsOf(node, inventory));
  if (otherHolder && !isGraceful(verb))
    impact.push(`the console of ${formatPosition(otherHolder.addr)}, held by ${otherHolder.name}, pauses for a moment`);
  return impact;
}

/** Returns what depends on this node, by the inventory's roles and independent of the verb: one sentence each. */
export function dependentsOf(node: InventoryNode, inventory: Inventory): string[] {
  const { name, addr, chassisFan, cluster, role } = node;
  const impact: string[] = [];
  if (chassisFan !== null) impact.push(`chassis fan ${chassisFan} stops while ${name} is off`);
  if (cluster !== null) {
    const others = inventory.nodes.filter((other) => other.cluster === cluster && other.addr !== addr).length;
    impact.push(`${name} is ${role ?? 'a member'} of cluster ${cluster}, which has ${count(others, 'other node')}`);
  } else if (role !== null) impact.push(`${name} serves as ${role}`);
  return [...impact, ...quorumImpact(node, inventory)];
}

/**
 * Describes peers whose quorum or service the loss of this node endangers: by the inventory's roles, not by what runs
 * at present.
 */
function quorumImpact(node: InventoryNode, inventory: Inventory): string[] {
  const peers = inventory.nodes.filter(({ role, cluster }) => role === node.role && cluster === node.cluster);
  if (node.role === 'dns')
    return peers.length === 1
      ? [`${node.name} is the only name server here`]
      : [
          `${peers.length - 1} other name ${peers.length === 2 ? 'server has' : 'servers have'} to answer alone meanwhile`,
        ];
  if (node.role !== 'controlplane') return [];
  // A majority of the members must remain: of three, one may be away; of one or two, none.
  const spare = Math.ceil(peers.length / 2) - 1;
  return [
    spare === 0
      ? `the control plane of ${node.cluster ?? 'its cluster'} loses its quorum without ${node.name}`
      : `the control plane of ${node.cluster ?? 'its cluster'} keeps its quorum with at most ${spare} of ${peers.length} members off`,
  ];
}

/**
 * Returns names as the confirmation wants them; the guards refuse an address that the inventory lacks, by the name
 * given here.
 */
export function namesOf(inventory: Inventory, addrs: readonly Address[]): string[] {
  return addrs.map(
    (addr) => inventory.nodes.find((node) => node.addr === addr)?.name ?? `node-${addr.toString(16).padStart(2, '0')}`,
  );
}

/**
 * Refuses a cut of a node whose state differs from its preview. A state that was unknown then and is known now is no
 * difference.
 */
export function changedSince(
  { verb, seen = [] }: PowerRequest,
  { addr, node, status }: Pick<GuardFacts, 'addr' | 'node' | 'status'>,
  { system }: Pick<SystemState, 'system'>,
): Refusal[] {
  const before = seen.find((one) => one.addr === addr);
  if (before === undefined || !cuts(verb) || !status.ok) return [];
  const { power } = status.sample;
  const otherSystem = power === 'on' && before.system !== 'unknown' && before.system !== system;
  const change =
    before.power !== null && before.power !== power
      ? `was ${before.power} and is ${power}`
      : otherSystem
        ? `was ${before.system} and is ${system}`
        : null;
  if (change === null) return [];
  const name = nodeLabel({ name: node?.name ?? 'the node', addr });
  const message = `nothing was sent: ${name} changed since the check: it ${change} now`;
  return [{ rule: 'changed', message, override: 'check again, then confirm again' }];
}

/** Returns refusals of the request itself; empty: the guards may examine the nodes. */
export function requestRefusals(request: PowerRequest, names: readonly string[]): Refusal[] {
  const refusals: Refusal[] = [];
  const refuse = (rule: string, message: string, override: string | null): void => {
    refusals.push({ rule, message, override });
  };
  const { verb, nodes, label, confirm, deadlineS, onDeadline } = request;
  if (nodes.length === 0) refuse('nodes', 'no node was given', 'name at least one');
  if (deadlineS !== null && !(Number.isFinite(deadlineS) && deadlineS > 0))
    refuse('deadline', `the deadline of ${deadlineS} s is invalid`, 'give seconds above 0, or no deadline');
  if (onDeadline === 'cut' && deadlineS === null)
    refuse('deadline', 'cutting at the deadline needs a deadline', 'give the deadline in seconds');
  if (!cuts(verb) || nodes.length === 0) return refusals;
  if (nodes.length > 1 && label.trim() === '')
    refuse(
      'confirm',
      'an operation on several nodes needs a group name, which is part of the confirmation',
      'name the group',
    );
  const wanted = confirmationText(names, label);
  if (confirm !== wanted && confirm !== wanted + ANYWAY) {
    const given = confirm === null ? 'it was not confirmed' : 'the confirmation does not match';
    refuse('confirm', `nothing was sent: ${given}`, `type '${wanted}'`);
  }
  return refusals;
}

/** Reports whether the operator confirmed the verb after the warning that a node's console showed another name. */
export function isAnyway({ confirm }: Pick<PowerRequest, 'confirm'>): boolean {
  return confirm?.endsWith(ANYWAY) === true;
}
