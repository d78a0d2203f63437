/** Runs that exclude one another: the same plan again, or opposite actions on a node. Pure. */
import type { PlanRun } from '../../api/plans.ts';
import type { Refusal } from '../../api/power.ts';
import type { Address } from '../../rack/address.ts';

/** A run that is to begin, or to resume. */
export interface Wanted {
  name: string;
  steps: readonly { action: string; nodes: readonly { addr: Address }[] }[];
  /** Its own id, where it has one: it does not conflict with itself. */
  id?: string;
}

/**
 * Returns the runs that an armed run ends: those that would switch a node the other way, wait for an operator, or are
 * the same plan again. Runs of other nodes are not affected.
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

/** Returns the refusal for a conflict with one of `runs`, or null. */
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
    message: `plan ${other.plan} (run ${other.id}) is ${other.state}${twice ? '' : ', and requires the opposite for some of these nodes'}: ${end}`,
    override: other.state === 'running' ? end : `${end}, or continue it with 'rackui plan resume ${other.id}'`,
  };
}
