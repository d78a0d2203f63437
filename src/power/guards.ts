/**
 * The rules that stand before every power verb. Each is one function that sees the facts and answers with its sentence
 * or with null; adding a rule is adding a function to {@link GUARDS}. Pure.
 */
import { ANYWAY, cuts, type PowerRequest, type Refusal, type Verb } from '../api/power.ts';
import type { BusHealth, StatusOutcome } from '../bmc/types.ts';
import { formatPosition, type Address } from '../rack/address.ts';
import { HOST_SEEN_LIMIT_MS, sameHost, type HostSeen } from '../rack/host-name.ts';
import { nodeLabel, type Inventory, type InventoryNode, placeText } from '../rack/inventory.ts';
import { isManager } from '../rack/plan.ts';
import { STALE_AFTER_MS } from '../rack/reading.ts';
import { chassisFan, lastNameServer, quorum } from './dependence.ts';
import type { Others } from './others.ts';
import { mayTake, type ConsoleHolder } from './ports.ts';
import { count } from '../lib/words.ts';

/** Everything the rules may look at, for one node and one verb. */
export interface GuardFacts {
  verb: Verb;
  addr: Address;
  /** Null: the inventory does not know the address. */
  node: InventoryNode | null;
  bus: BusHealth;
  /** The node's answer to the status request made for this check. */
  status: StatusOutcome;
  now: number;
  /** Who types on a console, if that is another session than the one that asks. */
  otherHolder: Pick<ConsoleHolder, 'addr' | 'name' | 'silent'> | null;
  /** The asker wants the console even so. */
  takeConsole: PowerRequest['takeConsole'];
  /** The running operation that has this node, or null. */
  busyWith: string | null;
  /** How the machine there last called itself on its console; null: never seen, or nobody said how it is called. */
  host: HostSeen | null;
  /** The rest of the rack, for the rules about what depends on this node; null: they were asked before its turn. */
  others: Others | null;
}

type Guard = (facts: GuardFacts) => Refusal | null;

/** Verbs that ask the node's own operating system first, on its console. */
function isGraceful(verb: Verb): boolean {
  return verb === 'off' || verb === 'cycle';
}

/** `k8s-worker-01 (A-3, 03)`: a node as messages name it. */
function nameNode(node: InventoryNode | null, addr: Address): string {
  return node ? nodeLabel(node) : `the slot at ${placeText(addr)}`;
}

/** Any reply with master status counts, and so does a role in the inventory: another manager is a master too. */
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

/** Without a proven master nobody can tell which slot must never be cut. */
const masterUnknown: Guard = ({ verb, bus }) =>
  cuts(verb) && bus.phase === 'ready' && bus.master === null
    ? { rule: 'master', message: 'which node manages the bus is not known yet, so none is cut', override: null }
    : null;

const protectedNode: Guard = ({ verb, node, addr }) =>
  cuts(verb) && node?.protected === true
    ? {
        rule: 'protected',
        message: `${nameNode(node, addr)} is protected in the configuration`,
        override: 'remove `protected: true` from its entry in the configuration',
      }
    : null;

/** A BMC proves its address, not which machine sits in the slot: boards and cards change places, maps have slips. */
const otherHost: Guard = ({ verb, node, addr, host, now }) => {
  if (!cuts(verb) || !node || host === null || sameHost(host.host, node.name)) return null;
  const age = now - host.at;
  if (age > HOST_SEEN_LIMIT_MS) return null;
  return {
    rule: 'host',
    message: `the machine at ${placeText(addr)} called itself ‘${host.host}’ on its console ${host.before === true ? 'before the machine of rackui was last booted' : `${inWords(age)} ago`}, and the configuration says ‘${node.name}’`,
    override: `look at its console: what it shows then counts; or add ‘${ANYWAY.trim()}’ to what confirms it; or correct the configuration`,
  };
};

/** Silence, noise and foreign replies differ in what the operator should look at; none of them is a state. */
const notAnswering: Guard = ({ node, addr, bus, status }) => {
  if (status.ok || bus.phase !== 'ready') return null;
  const name = nameNode(node, addr);
  switch (status.failure) {
    case 'silent':
      return { rule: 'unknown', message: `the BMC of ${name} does not answer: its state is unknown`, override: null };
    case 'garbled':
      return { rule: 'unknown', message: `the BMC of ${name} answers unreadably: ${status.detail}`, override: null };
    case 'foreign':
      return { rule: 'identity', message: `another BMC answers in place of ${name}: ${status.detail}`, override: null };
    case 'bus':
      return { rule: 'bus', message: `${name} could not be asked: ${status.detail}`, override: null };
  }
};

const stale: Guard = ({ node, addr, status, now }) =>
  status.ok && now - status.sample.at > STALE_AFTER_MS
    ? {
        rule: 'stale',
        message: `the status of ${nameNode(node, addr)} is ${Math.round((now - status.sample.at) / 1000)} s old; the limit is ${STALE_AFTER_MS / 1000} s`,
        override: 'ask again',
      }
    : null;

const disabled: Guard = ({ node, addr, status }) =>
  status.ok && status.sample.power === 'disabled'
    ? {
        rule: 'disabled',
        message: `the BMC of ${nameNode(node, addr)} says the node is disabled: it takes no power verb`,
        override: null,
      }
    : null;

/** Only a graceful verb needs the console; the others lend the wire for milliseconds and leave a marked gap. */
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

/** In the order in which an operator wants to read them. */
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

/** All refusals for one node; empty: the verb may go. */
export function refusalsFor(facts: GuardFacts): Refusal[] {
  return GUARDS.flatMap((guard) => guard(facts) ?? []);
}

/** `40 s`, `12 min`, `3 h`. */
function inWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  return seconds < 6_000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

/** What the dialog says the verb means for this node and others, one sentence each. */
export function impactOf(facts: GuardFacts, inventory: Inventory): string[] {
  const { verb, node, status, otherHolder } = facts;
  if (!cuts(verb) || !node) return [];
  const impact: string[] = [];
  const name = node.name;
  if (status.ok && status.sample.power === 'off')
    impact.push(verb.endsWith('cycle') ? `${name} is off: it is only switched on` : `${name} is off already`);
  else if (!isGraceful(verb)) impact.push(`${name} loses power at once: what it has not written to disk is lost`);
  impact.push(...dependentsOf(node, inventory));
  if (otherHolder && !isGraceful(verb))
    impact.push(`the console of ${formatPosition(otherHolder.addr)}, held by ${otherHolder.name}, pauses for a moment`);
  return impact;
}

/** What hangs on this node, whatever is done to it, by the inventory's roles: one sentence each. */
export function dependentsOf(node: InventoryNode, inventory: Inventory): string[] {
  const { name, addr, chassisFan, cluster, role } = node;
  const said: string[] = [];
  if (chassisFan !== null) said.push(`chassis fan ${chassisFan} stops while ${name} is off`);
  if (cluster !== null) {
    const others = inventory.nodes.filter((other) => other.cluster === cluster && other.addr !== addr).length;
    said.push(`${name} is ${role ?? 'a member'} of cluster ${cluster}, which has ${count(others, 'other node')}`);
  } else if (role !== null) said.push(`${name} serves as ${role}`);
  return [...said, ...quorumImpact(node, inventory)];
}

/** Where losing this one may matter more than one: by the inventory's roles, not by who runs at present. */
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
      : `the control plane of ${node.cluster ?? 'its cluster'} keeps its quorum with at most ${spare} of ${peers.length} members away`,
  ];
}
