/** In which order and how far apart nodes are switched on, so that boot peaks do not meet. Pure. */
import { rowOf, slotOf, type Address } from '../rack/address.ts';

/** Between any two nodes (SHUTDOWN section 3). */
export const STAGGER_MS = 2_000;
/** One booting node a blade: 50 W feed four of them. The peak lies early in a boot; the figure is ours, not measured. */
export const BLADE_MS = 15_000;

/** Blade after blade rather than one blade's four in a row: by slot, then by row. */
export function switchOnOrder(addrs: readonly Address[]): Address[] {
  return [...addrs].sort((a, b) => slotOf(a) - slotOf(b) || rowOf(a) - rowOf(b));
}

/** When `addr` may be switched on, given when others were; epoch milliseconds, `now` at the earliest. */
export function mayBoot(addr: Address, switchedOn: ReadonlyMap<Address, number>, now: number): number {
  let at = now;
  for (const [other, since] of switchedOn)
    at = Math.max(at, since + (rowOf(other) === rowOf(addr) ? BLADE_MS : STAGGER_MS));
  return at;
}
