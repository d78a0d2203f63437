/**
 * Guards for what depends on a node: name servers, quorums, cooling. Each can be overridden by name. They are checked
 * before a node's turn, not at the cut: once its system has halted, a refusal has no use. Also gathers the states of
 * the peers that these guards examine; stale ones are requested again.
 */
import type { Refusal } from '../api/power.ts';
import { PRIORITY } from '../bmc/types.ts';
import type { Address } from '../rack/address.ts';
import type { InventoryNode } from '../rack/inventory.ts';
import type { DependenceRule } from '../rack/plan.ts';
import { ageMs, shownPower, type ShownPower, STALE_AFTER_MS } from '../rack/reading.ts';
import { compressNames } from '../rack/selectors.ts';
import type { GuardFacts, Dependence, Peer, Peers } from './guard-facts.ts';
import type { OperationPorts } from './ports.ts';

type Facts = Pick<GuardFacts, 'verb' | 'node' | 'status' | 'peers'>;

/** Reports whether the node is on and remains on while this one is away. */
const remainsOn = ({ power, inOperation, losesPower }: Peer): boolean => power === 'on' && !inOperation && !losesPower;

const names = (peers: readonly Peer[]): string => compressNames(peers.map(({ node }) => node.name));

/** Refuses to cut the last name server that answers, unless a plan takes them all. */
export function lastNameServer(facts: Facts): Refusal | null {
  const { node, peers } = facts;
  if (!asks(facts, 'dns') || node?.role !== 'dns' || peers === null) return null;
  const servers = peers.nodes.filter((other) => other.node.role === 'dns');
  if (servers.some(remainsOn)) return null;
  if (peers.plan && servers.every(({ losesPower, power }) => losesPower || power === 'off')) return null;
  const rest =
    servers.length === 0
      ? 'there is no other'
      : `${names(servers)} ${servers.length === 1 ? 'does' : 'do'} not stay on`;
  return {
    rule: 'dns',
    message: `${node.name} is the last name server that answers: ${rest}`,
    override: servers.length === 0 ? 'add --override dns' : `bring ${names(servers)} up first, or add --override dns`,
  };
}

/** Allows one member of a control plane at a time, or the whole cluster. */
export function quorum(facts: Facts): Refusal | null {
  const { node, peers, verb } = facts;
  if (!asks(facts, 'quorum') || node?.role !== 'controlplane' || peers === null) return null;
  const ofCluster = peers.nodes.filter((other) => other.node.cluster === node.cluster);
  // A cycle returns each member before the next is cut, so only members that are already away count.
  const goes = verb.endsWith('cycle') ? (): boolean => false : ({ losesPower }: Peer): boolean => losesPower;
  const whole = ofCluster.every(({ losesPower, power }) => losesPower || (peers.plan && power === 'off'));
  if (node.cluster !== null && !verb.endsWith('cycle') && whole) return null;
  const away = ofCluster.filter(
    (other) => other.node.role === 'controlplane' && (other.power !== 'on' || other.inOperation || goes(other)),
  );
  if (away.length === 0) return null;
  const how = away.map((other) => `${other.node.name} ${stateText(other)}`).join(', ');
  return {
    rule: 'quorum',
    message: `${node.name} keeps the quorum of ${node.cluster ?? 'its'} control plane: ${how}`,
    override: 'wait until the others are on, select the whole cluster, or add --override quorum',
  };
}

function stateText({ power, inOperation, losesPower }: Peer): string {
  if (inOperation) return 'is in an operation';
  if (power === 'on' && losesPower) return 'goes with it';
  return `is ${power}`;
}

/** Refuses a node that feeds a chassis fan while others stay on and no other such fan is proven to run. */
export function chassisFan(facts: Facts): Refusal | null {
  const { node, peers, verb } = facts;
  if (!asks(facts, 'fan') || node === null || node.chassisFan === null || peers === null) return null;
  if (verb.endsWith('cycle')) return null;
  if (peers.nodes.some((other) => other.node.chassisFan !== null && remainsOn(other))) return null;
  const hot = peers.nodes.filter(({ power, losesPower }) => !losesPower && power !== 'off' && power !== 'absent');
  if (hot.length === 0) return null;
  return {
    rule: 'fan',
    message: `${node.name} feeds chassis fan ${node.chassisFan}, no other chassis fan is proven to run, and ${names(hot)} ${hot.length === 1 ? 'stays' : 'stay'} on`,
    override: 'switch on a node with a chassis fan, select the others too, or add --override fan',
  };
}

/** Reports whether the rule applies: power is taken from a node that has it, and the rule is not overridden. */
function asks({ status, peers }: Facts, rule: DependenceRule): boolean {
  if (peers === null || peers.overrides.includes(rule)) return false;
  return !(status.ok && status.sample.power === 'off');
}

export async function peersOf(ports: OperationPorts, addr: Address, dependence: Dependence): Promise<Peers> {
  const { nodes } = ports.inventory();
  const self = nodes.find((node) => node.addr === addr);
  const peers = nodes
    .filter((node) => node.addr !== addr)
    .map(async (node): Promise<Peer> => ({
      node,
      power: matters(self, node) ? await powerOf(ports, node.addr) : known(ports, node.addr),
      inOperation: dependence.inOperation(node.addr),
      losesPower: dependence.nodesPoweredOff.has(node.addr),
    }));
  return { plan: dependence.plan, overrides: dependence.overrides, nodes: await Promise.all(peers) };
}

/** Reports whether a rule may depend on the other node's state. */
function matters(self: InventoryNode | undefined, other: InventoryNode): boolean {
  if (!self) return false;
  if (self.chassisFan !== null && other.chassisFan !== null) return true;
  return (
    self.role === other.role &&
    (self.role === 'dns' || (self.role === 'controlplane' && self.cluster === other.cluster))
  );
}

function known(ports: OperationPorts, addr: Address): ShownPower {
  const reading = ports.reading(addr);
  const age = ageMs(reading, ports.now());
  return reading.state === 'ok' && (age === null || age > STALE_AFTER_MS) ? 'unknown' : shownPower(reading);
}

/**
 * Returns the node's power. Requests it when the known one is stale: an open console pauses the poll, which is no
 * reason to refuse.
 */
async function powerOf(ports: OperationPorts, addr: Address): Promise<ShownPower> {
  const power = known(ports, addr);
  if (power !== 'unknown') return power;
  const status = await ports.bus.status(addr, PRIORITY.operator);
  return status.ok ? status.sample.power : 'unknown';
}
