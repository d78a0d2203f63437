/** A drill: an outage that is played on chosen nodes, with a supply that fails and returns as the drill has it. Pure. */
import type { Supply } from '../../api/outage.ts';
import type { Address } from '../../rack/address.ts';
import type { OutagePolicy } from './ports.ts';
import type { OutageRecord } from './record.ts';

/** Sheds by the last plan at once, and restores at once. */
export function drillPolicy(policy: OutagePolicy): OutagePolicy {
  return { ...policy, steps: [], restore: { afterS: 0, charge: 0 } };
}

/** Mains are away, with a low battery, until the last plan has run. */
export function drillSupply(record: OutageRecord | null): Supply {
  const over = record?.runs.some(({ kind, ended }) => kind === 'last' && ended) ?? false;
  return {
    ...{ state: over ? 'mains' : 'battery', low: !over },
    ...{ shutdown: false, runtimeS: null, charge: null, why: null },
  };
}

/** What is said of a node before anything is done to it; `drill` null: a real outage. */
export function firstDetail(addr: Address, drill: ReadonlySet<Address> | null): string {
  return drill === null || drill.has(addr) ? 'on when the mains went away' : 'not part of the drill: untouched';
}
