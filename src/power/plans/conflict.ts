/** Two runs that pull at the same node in different directions, or the same plan twice, are nobody's intention. Pure. */
import type { PlanRun } from '../../api/plan.ts';
import type { Refusal } from '../../api/power.ts';
import type { Address } from '../../rack/address.ts';

/** A run that is to begin, or to go on. */
export interface Wanted {
  name: string;
  steps: readonly { action: string; nodes: readonly { addr: Address }[] }[];
  /** Its own id, where it has one: it is not in its own way. */
  id?: string;
}

/**
 * Runs that an armed one ends for its own sake: those that would switch a node the other way, wait for somebody, or are the
 * same plan once more. A run of other nodes is never in the way.
 */
export function supersededBy({ name, steps, id }: Wanted, runs: readonly PlanRun[]): PlanRun[] {
  const wanted = new Map(steps.flatMap(({ action, nodes }) => nodes.map(({ addr }) => [addr, action] as const)));
  return runs.filter((run) => {
    if (run.endedAt !== null || run.id === id) return false;
    const shared = run.steps.flatMap(({ action, nodes }) =>
      nodes.filter(({ addr, outcome }) => wanted.has(addr) && outcome !== 'done').map(({ addr }) => ({ addr, action })),
    );
    if (shared.length === 0) return false;
    const waits = run.state !== 'running' && run.state !== 'aborting';
    return waits || run.plan === name || shared.some(({ addr, action }) => wanted.get(addr) !== action);
  });
}

/** Why it may not, for the sake of one of `runs`; or null. */
export function conflictOf({ name, steps, id }: Wanted, runs: readonly PlanRun[]): Refusal | null {
  const wanted = new Map(steps.flatMap(({ action, nodes }) => nodes.map(({ addr }) => [addr, action] as const)));
  const contradicts = (run: PlanRun): boolean =>
    run.steps.some(({ action, nodes }) =>
      nodes.some(({ addr, state }) => state !== 'ended' && (wanted.get(addr) ?? action) !== action),
    );
  const other = runs.find((run) => run.endedAt === null && run.id !== id && (run.plan === name || contradicts(run)));
  if (!other) return null;
  const twice = other.plan === name;
  const end = `end it with 'rackui plan abort ${other.id}'`;
  return {
    rule: 'plan',
    message: `plan ${other.plan} (run ${other.id}) is ${other.state}${twice ? '' : ', and wants the opposite of some of these nodes'}: ${end}`,
    override: other.state === 'running' ? end : `${end}, or go on with 'rackui plan resume ${other.id}'`,
  };
}
