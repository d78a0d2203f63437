/** The facts on which the guards of power operations decide, gathered before they run. */
import type { PowerRequest, Verb } from '../api/power.ts';
import type { BusHealth, StatusOutcome } from '../bmc/types.ts';
import type { Address } from '../rack/address.ts';
import type { HostSeen, InventoryNode } from '../rack/inventory.ts';
import type { DependenceRule } from '../rack/plan.ts';
import type { ShownPower } from '../rack/reading.ts';
import type { ConsoleHolder } from './ports.ts';

/** The operation's or plan's facts about the other nodes. */
export interface Dependence {
  /** Nodes that lose power for good by the same operation or plan. */
  nodesPoweredOff: ReadonlySet<Address>;
  /** True for a configured plan, which was checked as a whole beforehand. */
  plan: boolean;
  overrides: readonly DependenceRule[];
  /** Reports whether an operation works on that node just now. */
  inOperation(addr: Address): boolean;
}

export interface Peer {
  node: InventoryNode;
  /** `unknown` where the reading is stale. */
  power: ShownPower;
  inOperation: boolean;
  losesPower: boolean;
}

export interface Peers extends Pick<Dependence, 'plan' | 'overrides'> {
  nodes: Peer[];
}

/** Everything that the guards may examine, for one node and one verb. */
export interface GuardFacts {
  verb: Verb;
  addr: Address;
  /** Null: the inventory does not contain the address. */
  node: InventoryNode | null;
  bus: BusHealth;
  /** Reply to the status request made for this check. */
  status: StatusOutcome;
  now: number;
  /** Session that types on a console, if it is another than the requesting one. */
  otherHolder: Pick<ConsoleHolder, 'addr' | 'name' | 'silent'> | null;
  /** The request takes the console even then. */
  takeConsole: PowerRequest['takeConsole'];
  /** Running operation that has this node, or null. */
  busyWith: string | null;
  /** Host name last shown on its console; null: never seen, or no name is configured to compare it with. */
  host: HostSeen | null;
  /** The rest of the rack, for the guards about dependent nodes; null: those ran before its turn. */
  peers: Peers | null;
}
