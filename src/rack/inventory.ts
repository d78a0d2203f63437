/**
 * The inventory: the rack's nodes, from the configuration or from discovery. Compares the host name on a node's
 * console with the inventory's name for its slot. Pure.
 */
import { type Address, formatAddress, formatPosition, rowOf } from './address.ts';
import type { Calibration } from './calibration.ts';

/** Host name last seen on a node's console, and the time (steady). */
export interface HostSeen {
  host: string;
  at: number;
  /** It was seen before `at`, at an unknown distance: before the machine that runs rackui booted. */
  before?: true;
}

/**
 * Age from which a seen name proves nothing, ms: boards and cards change places in an afternoon, and the next look at
 * the console reads a newer one. Chosen, not measured.
 */
export const HOST_SEEN_LIMIT_MS = 24 * 3_600_000;

/** Compares two host names by their first label, which is all that most prompts show, ignoring case. */
export function sameHost(a: string, b: string): boolean {
  return firstLabel(a) === firstLabel(b);
}

function firstLabel(host: string): string {
  return (host.split('.')[0] ?? host).toLowerCase();
}

/** One node of the inventory. Everything but the address is optional. */
export interface InventoryNode {
  addr: Address;
  /** Host name for operators and confirmations; `node-03` where none is configured. */
  name: string;
  /** `master`: the node whose BMC manages the bus; others are free text (`worker`, `controlplane`, `dns`). */
  role: string | null;
  cluster: string | null;
  ip: string | null;
  mac: string | null;
  /** Number of the chassis fan fed from this node's GPIO power: it stops when the node is off. Null: none. */
  chassisFan: number | null;
  /** Protected: every verb that cuts power is refused. */
  protected: boolean;
  /** Identity of the board's BMC, as configured, else as last read; null: not known. */
  uid: string | null;
  /** Calibration of its counts of current, its own or the rack's; null: none. */
  calibration: Calibration | null;
}

/** The rack: its name and its nodes in address order. */
export interface Inventory {
  name: string;
  nodes: InventoryNode[];
  /** False when no nodes are configured and the bus was scanned for them. */
  configured: boolean;
  /** Calibration of nodes without one of their own, also of discovered ones. */
  calibration: Calibration | null;
}

const BY_ADDRESS = new WeakMap<Inventory, ReadonlyMap<Address, InventoryNode>>();

/** Returns the node at an address; undefined: the slot is empty. An inventory is never changed, only replaced. */
export function nodeAt(rack: Inventory, addr: Address): InventoryNode | undefined {
  let nodes = BY_ADDRESS.get(rack);
  if (nodes === undefined) BY_ADDRESS.set(rack, (nodes = new Map(rack.nodes.map((node) => [node.addr, node]))));
  return nodes.get(addr);
}

const BY_ROW = new WeakMap<Inventory, ReadonlyMap<number, readonly InventoryNode[]>>();

/** Returns the nodes of a row, in address order. */
export function nodesInRow(rack: Inventory, row: number): readonly InventoryNode[] {
  let rows = BY_ROW.get(rack);
  if (rows === undefined) BY_ROW.set(rack, (rows = byRow(rack.nodes)));
  return rows.get(row) ?? [];
}

function byRow(nodes: readonly InventoryNode[]): ReadonlyMap<number, readonly InventoryNode[]> {
  const rows = new Map<number, InventoryNode[]>();
  for (const node of nodes) {
    const row = rows.get(rowOf(node.addr));
    if (row === undefined) rows.set(rowOf(node.addr), [node]);
    else row.push(node);
  }
  return rows;
}

/** Formats a node for messages: `worker-05 (A-3, 03)`. */
export function nodeLabel({ name, addr }: Pick<InventoryNode, 'name' | 'addr'>): string {
  return `${name} (${placeText(addr)})`;
}

/** Formats a node's place: `A-3, 03`. */
export function placeText(addr: Address): string {
  return `${formatPosition(addr)}, ${formatAddress(addr)}`;
}

/** Returns the inventory entry for an address that is not configured. */
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
 * Returns the problem where the configuration names another node as the master than the one whose BMC manages the
 * bus; null: none, or one of the two is not known. @param seen the address that answers as the master
 */
export function masterMismatch(nodes: readonly InventoryNode[], seen: Address | null): string | null {
  const named = nodes.find(({ role }) => role === 'master');
  if (named === undefined || seen === null || named.addr === seen) return null;
  const real = nodes.find(({ addr }) => addr === seen);
  const manager = nodeLabel({ name: real?.name ?? 'the BMC', addr: seen });
  return `has the master ${manager}, but ${nodeLabel(named)} is configured: correct role: master; until then no plan shuts this machine down`;
}

/** Returns the calibration of the node at `addr`; null: none, or no such node. */
export function calibrationOf({ nodes }: Inventory, addr: Address): Calibration | null {
  return nodes.find((node) => node.addr === addr)?.calibration ?? null;
}
