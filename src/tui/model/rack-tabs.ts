/** The racks of one interface, as each of them knows the others. */
import type { FleetPlans } from './fleet-plans.ts';

export interface RackTabs {
  /** In order. */
  names: readonly string[];
  /** Of this rack. */
  index: number;
  /** It is on the screen. */
  shown: boolean;
  /** Plans of several racks and their runs; absent: not read yet, or there is no list of racks. */
  fleet?: FleetPlans;
}
