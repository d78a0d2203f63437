/** What the schema cannot see: nodes that contradict one another, plans that cannot be run. Pure. */
import { formatAddress, formatPosition, type Address } from '../rack/address.ts';
import { unnamedNode, type Inventory } from '../rack/inventory.ts';
import { resolvePlan, type PlanDefinition } from '../rack/plan.ts';

interface NamedNode {
  addr: Address;
  name?: string | undefined;
  role?: string | undefined;
}

export interface Contradiction {
  /** Path of the later of two contradicting values in the configuration. */
  path: (string | number)[];
  message: string;
}

/** One node an address, one node a name (host names know no case), one master. */
export function checkNodes(nodes: readonly NamedNode[]): Contradiction[] {
  const problems: Contradiction[] = [];
  const addresses = new Map<Address, NamedNode>();
  const names = new Map<string, NamedNode>();
  let master: NamedNode | null = null;
  nodes.forEach((node, index) => {
    const nameOf = (other: NamedNode): string => other.name ?? unnamedNode(other.addr).name;
    const key = nameOf(node).toLowerCase();
    const sameAddress = addresses.get(node.addr);
    const sameName = names.get(key);
    if (sameAddress)
      problems.push({
        path: ['nodes', index, 'addr'],
        message: `${describe(node.addr)} is already ${nameOf(sameAddress)}: one node an address`,
      });
    else addresses.set(node.addr, node);
    if (sameName && !sameAddress)
      problems.push({
        path: ['nodes', index, 'name'],
        message: `the name ${nameOf(node)} is already the node at ${describe(sameName.addr)}: every node needs its own`,
      });
    else names.set(key, node);
    if (node.role !== 'master') return;
    if (master !== null)
      problems.push({
        path: ['nodes', index, 'role'],
        message: `${nameOf(master)} is already the master: exactly one node manages the bus`,
      });
    master ??= node;
  });
  return problems;
}

/** Every plan against the rack's nodes; nodes that are only found on the bus are for whoever looks at the plan then. */
export function checkPlans(plans: Readonly<Record<string, PlanDefinition>>, rack: Inventory): Contradiction[] {
  return Object.entries(plans).flatMap(([name, plan]) => {
    const resolved = resolvePlan(plan, rack);
    if (resolved.ok) return [];
    return resolved.problems
      .filter(({ field }) => rack.configured || field !== 'selector')
      .map(({ step, field, message }) => ({
        path: ['plans', name, 'steps', step, field],
        message,
      }));
  });
}

function describe(addr: Address): string {
  return `address ${formatAddress(addr)} (${formatPosition(addr)})`;
}
