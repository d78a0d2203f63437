/** Finds what two nodes of one or several racks cannot both have: a name, an IP or MAC address, a board. Pure. */
import { formatAddress } from './address.ts';
import type { Inventory, InventoryNode } from './inventory.ts';
import { unnamedNode } from './inventory.ts';

const VALUES: Readonly<Record<string, (node: InventoryNode) => string | null>> = {
  // A node without a name of its own is called by its address, in every rack.
  name: ({ addr, name }) => (name === unnamedNode(addr).name ? null : name),
  'ip address': ({ ip }) => ip,
  'mac address': ({ mac }) => mac,
  'board (UID)': ({ uid }) => uid,
};

/** Returns a sentence for each value that several nodes have. `rack`: the name in the list of racks. */
export function findDoubles(racks: readonly { rack: string; inventory: Inventory }[]): string[] {
  return Object.entries(VALUES).flatMap(([what, valueOf]) => {
    const owners = new Map<string, { value: string; nodes: string[] }>();
    for (const { rack, inventory } of racks)
      for (const node of inventory.nodes) {
        const value = valueOf(node);
        if (value === null) continue;
        const known = owners.get(value.toLowerCase()) ?? { value, nodes: [] };
        known.nodes.push(`${rack}:${node.name} (${formatAddress(node.addr)})`);
        owners.set(value.toLowerCase(), known);
      }
    return [...owners.values()]
      .filter(({ nodes }) => nodes.length > 1)
      .map(({ value, nodes }) => `the ${what} ${value} is that of ${nodes.join(' and ')}`);
  });
}
