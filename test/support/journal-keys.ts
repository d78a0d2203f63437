/** Names of what a server's journals are about to write: `run STATE`, `plan ADDR STATE`, `op ADDR PHASE`, `outage PHASE, RUN`. */
import type { Operation } from '../../src/api/power.ts';
import type { OutageRecord } from '../../src/power/outage/record.ts';
import type { PlanRecord } from '../../src/power/plans/record.ts';

const hex = (addr: number): string => addr.toString(16).padStart(2, '0');

export const operationKeys = ({ nodes }: Operation): string[] =>
  nodes.map(({ addr, phase }) => `op ${hex(addr)} ${phase}`);

export const planKeys = ({ run }: PlanRecord): string[] => [
  `run ${run.state}`,
  ...run.steps.flatMap(({ nodes }) =>
    nodes.map(({ addr, state, outcome }) => `plan ${hex(addr)} ${outcome === 'interrupted' ? outcome : state}`),
  ),
];

export function outageKeys({ phase, runs }: OutageRecord): string[] {
  const last = runs.at(-1);
  const run = last === undefined ? 'nothing' : `${last.kind}${last.ended ? ' over' : ''}`;
  return [`outage ${phase}, ${run}`];
}

/** Tells whether `key` is one of `list`, in which `outage *` means all of a kind. */
export const isListed = (key: string, list: readonly string[]): boolean =>
  list.includes(key) || list.includes(key.replace(/ .*/, ' *'));
