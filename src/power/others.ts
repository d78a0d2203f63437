/** How the nodes stand on which a rule about dependence looks: with what is old asked afresh. */
import { PRIORITY } from '../bmc/types.ts';
import type { Address } from '../rack/address.ts';
import type { InventoryNode } from '../rack/inventory.ts';
import type { DependenceRule } from '../rack/plan.ts';
import { ageMs, shownPower, STALE_AFTER_MS, type ShownPower } from '../rack/reading.ts';
import type { OperationPorts } from './ports.ts';

/** What the asker knows of the others. */
export interface Dependence {
  /** Nodes that lose power for good by the same operation or plan. */
  takes: ReadonlySet<Address>;
  /** It is a configured plan, thought through beforehand. */
  plan: boolean;
  overrides: readonly DependenceRule[];
  /** Something is being done to that node just now. */
  moving(addr: Address): boolean;
}

export interface Other {
  node: InventoryNode;
  /** Old is unknown. */
  power: ShownPower;
  moving: boolean;
  taken: boolean;
}

export interface Others extends Pick<Dependence, 'plan' | 'overrides'> {
  nodes: Other[];
}

export async function othersOf(ports: OperationPorts, addr: Address, dependence: Dependence): Promise<Others> {
  const { nodes } = ports.inventory();
  const self = nodes.find((node) => node.addr === addr);
  const looked = nodes
    .filter((node) => node.addr !== addr)
    .map(async (node): Promise<Other> => ({
      node,
      power: matters(self, node) ? await powerOf(ports, node.addr) : known(ports, node.addr),
      moving: dependence.moving(node.addr),
      taken: dependence.takes.has(node.addr),
    }));
  return { plan: dependence.plan, overrides: dependence.overrides, nodes: await Promise.all(looked) };
}

/** A rule may hang on this one's answer. */
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

/** A console pauses the sweep: what is old is asked, rather than a reason to refuse. */
async function powerOf(ports: OperationPorts, addr: Address): Promise<ShownPower> {
  const power = known(ports, addr);
  if (power !== 'unknown') return power;
  const status = await ports.bus.status(addr, PRIORITY.operator);
  return status.ok ? status.sample.power : 'unknown';
}
