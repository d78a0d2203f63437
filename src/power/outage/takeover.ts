/**
 * What an outage makes of work that somebody else began: a former server's outage after a restart or darkness, and armed
 * runs that UPS software started without telling of an outage. Pure.
 */
import type { PlanRun } from '../../api/plan.ts';
import type { Address } from '../../rack/address.ts';
import type { Inventory } from '../../rack/inventory.ts';
import type { OutageState } from './policy.ts';
import { addLine, markDark, type OutageRecord } from './record.ts';

export interface Takeover {
  now: number;
  wall: number;
  /** The record was written since this machine was booted. */
  sameBoot: boolean;
  /** Other UPS software tells the supply: none can be asked. */
  told: boolean;
}

/**
 * Goes on with a former server's outage. After darkness what was on has lost its power, and the mains are back; in the
 * same boot the outage stands where it stood, and a plan that the former server's end interrupted is begun again.
 */
export function takeOver(record: OutageRecord, { now, wall, sameBoot, told }: Takeover): OutageState {
  for (const run of record.runs) run.ended = true;
  const { phase, committed, since, known } = record;
  const wentDown = committed || !sameBoot;
  if (wentDown) markDark(record);
  addLine(record, wall, wentDown ? 'a server runs again, with the mains' : 'the server was started again');
  const fresh = { stepsBegun: 0, committed: false, lastAt: null, dark: false };
  if (wentDown || (phase !== 'battery' && phase !== 'last'))
    // A UPS that is not asked yet is waited for, unless the boot itself shows that something feeds this machine.
    return { ...fresh, phase: 'mains', since: now, dark: wentDown && (told || !sameBoot), known: null };
  return { ...fresh, phase, lastAt: now, since: Math.min(since, now), known: known ?? { at: now, runtimeS: null } };
}

/** Armed runs that switch off and are not over. */
export function shedRuns(runs: readonly PlanRun[]): PlanRun[] {
  return runs.filter(
    ({ armed, endedAt, steps }) => armed && endedAt === null && steps.some(({ action }) => action === 'off'),
  );
}

/** Makes runs that were begun before the outage was known a part of it, with the nodes that they have taken already. */
export function adoptRuns(record: OutageRecord, shedding: readonly PlanRun[], { nodes }: Inventory): void {
  for (const { addr, name } of nodes)
    if (tookAway(shedding, addr) && !record.nodes.some((node) => node.addr === addr))
      record.nodes.push({ addr, name, state: 'on', detail: 'on when the plan began' });
  const onBefore = record.nodes.map(({ addr }) => addr);
  for (const { id, plan } of shedding) record.runs.push({ id, plan, kind: 'step', ended: false, onBefore });
}

/** Whether one of the runs has switched this node off itself. */
function tookAway(runs: readonly PlanRun[], addr: Address): boolean {
  return runs.some(({ steps }) =>
    steps.some(({ nodes }) =>
      nodes.some((node) => node.addr === addr && node.outcome === 'done' && node.operation !== null),
    ),
  );
}
