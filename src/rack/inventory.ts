/**
 * What the owner says is in the rack: the inventory, from the configuration or from discovery.
 *
 * The name that a machine gave itself on its console, held against the name that the inventory gives its slot. Pure.
 */
import { type Address, formatAddress, formatPosition } from './address.ts';
import type { Calibration } from './calibration.ts';

/** What a node's console said last, and when (steady time). */
export interface HostSeen {
  host: string;
  at: number;
  /** It was before `at`, nobody knows how long: before the machine that rackui runs on was booted. */
  before?: true;
}

/**
 * A name that was seen longer ago than this says nothing any more: boards and cards change places in an afternoon, and
 * whoever looks at the console again has a newer one. Ours, not measured.
 */
export const HOST_SEEN_LIMIT_MS = 24 * 3_600_000;

/** Compared by the first label, which is all that a prompt usually shows; host names know no case. */
export function sameHost(a: string, b: string): boolean {
  return firstLabel(a) === firstLabel(b);
}

function firstLabel(host: string): string {
  return (host.split('.')[0] ?? host).toLowerCase();
}

/** One node as the owner describes it. Everything but the address is optional knowledge. */
export interface InventoryNode {
  addr: Address;
  /** Host name by which operators and confirmations call it; `node-03` where nobody named it. */
  name: string;
  /** `master` is the node whose BMC manages the bus; others are free text (`worker`, `controlplane`, `dns`). */
  role: string | null;
  cluster: string | null;
  ip: string | null;
  mac: string | null;
  /** Number of the chassis fan fed from this node's GPIO power, if any: it stops when the node is off. */
  chassisFan: number | null;
  /** Protected nodes are refused by every verb that cuts power. */
  protected: boolean;
  /** Identity of the board's BMC: as configured, else as it was last read; null: not known. */
  uid: string | null;
  /** What its counts of current mean: its own calibration or the rack's; null: nobody measured it. */
  calibration: Calibration | null;
}

/** The rack: its name and its nodes in address order. */
export interface Inventory {
  name: string;
  nodes: InventoryNode[];
  /** False when nobody configured the nodes and the bus was scanned for them. */
  configured: boolean;
  /** Of nodes that have none of their own, also of those that are only found. */
  calibration: Calibration | null;
}

/** `worker-05 (A-3, 03)`: a node as messages name it. */
export function nodeLabel({ name, addr }: Pick<InventoryNode, 'name' | 'addr'>): string {
  return `${name} (${placeText(addr)})`;
}

/** `A-3, 03`: where a node is. */
export function placeText(addr: Address): string {
  return `${formatPosition(addr)}, ${formatAddress(addr)}`;
}

/** The inventory entry for an address nobody described. */
export function unnamedNode(addr: Address): InventoryNode {
  return {
    addr,
    name: `node-${formatAddress(addr)}`,
    role: null,
    cluster: null,
    ip: null,
    mac: null,
    chassisFan: null,
    protected: false,
    uid: null,
    calibration: null,
  };
}

/**
 * What is wrong where the configuration names another node as the master than the one whose BMC manages the bus; null:
 * nothing, or one of the two is not known. @param seen the address that answers as the master
 */
export function masterMismatch(nodes: readonly InventoryNode[], seen: Address | null): string | null {
  const named = nodes.find(({ role }) => role === 'master');
  if (named === undefined || seen === null || named.addr === seen) return null;
  const real = nodes.find(({ addr }) => addr === seen);
  const manager = nodeLabel({ name: real?.name ?? 'the BMC', addr: seen });
  return `is managed by ${manager}, and the configuration says by ${nodeLabel(named)}: correct role: master; no plan shuts this machine down until then`;
}

/** What counts of current of the node at `addr` mean; null: nobody measured it, or there is no such node. */
export function calibrationOf({ nodes }: Inventory, addr: Address): Calibration | null {
  return nodes.find((node) => node.addr === addr)?.calibration ?? null;
}
