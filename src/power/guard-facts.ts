/** The facts on which the guards of power operations decide, gathered before they are asked. */
import type { Address } from '../rack/address.ts';
import type { PowerRequest, Verb } from '../api/power.ts';
import type { BusHealth, StatusOutcome } from '../bmc/types.ts';
import type { HostSeen, InventoryNode } from '../rack/inventory.ts';
import type { DependenceRule } from '../rack/plan.ts';
import type { ShownPower } from '../rack/reading.ts';
import type { ConsoleHolder } from './ports.ts';

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

export interface Peer {
  node: InventoryNode;
  /** Old is unknown. */
  power: ShownPower;
  moving: boolean;
  taken: boolean;
}

export interface Peers extends Pick<Dependence, 'plan' | 'overrides'> {
  nodes: Peer[];
}

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
  others: Peers | null;
}
