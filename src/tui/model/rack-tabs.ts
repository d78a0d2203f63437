/** The racks of one interface, as each of them knows the others. */

export interface RackTabs {
  /** In order. */
  names: readonly string[];
  /** Of this rack. */
  index: number;
  /** It is on the screen. */
  shown: boolean;
  /** Text about a plan of several racks that has not ended; null or absent: there is none. */
  plan?: string | null;
}
