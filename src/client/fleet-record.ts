/** Makes the record of a new run of a plan over several racks, and describes runs in words. */
import { randomBytes } from 'node:crypto';
import { count } from '../lib/words.ts';
import { type FleetPart, type FleetPlanDefinition, partName, partOf, partsOf } from '../rack/fleet-plan.ts';
import { type FleetJournal, type FleetRecord, nextFleetId, now } from './fleet-journal.ts';

/** Makes a record, which is not on the disk yet. `list`: the file that lists the racks. */
export function newFleetRecord(
  journal: FleetJournal,
  { list, plan, by }: { list: string; plan: string; by: string },
  { steps }: FleetPlanDefinition,
  { armed, deadlineS }: { armed: boolean; deadlineS: number | null },
): FleetRecord {
  const key = randomBytes(12).toString('hex');
  return {
    ...{ id: nextFleetId(journal.read(list).runs), plan, by, armed, state: 'running', detail: '' },
    ...{ list, key, started: now(), ended: null, deadlineS },
    steps: steps.map(({ name, plans, onFail }, step) => ({
      ...{ name, onFail },
      parts: plans.map((word, index) => ({
        ...partOf(word),
        ...{ state: 'waiting', request: `${key}.${step}.${index}`, run: null, confirmed: armed, confirm: null },
        ...{ exitCode: null, detail: '' },
      })),
    })),
  };
}

/** `north/shed-dev, then south/shed-dev + west/shed-dev`. */
export function fleetOrder({ steps }: FleetPlanDefinition): string {
  return steps.map(({ plans }) => plans.join(' + ')).join(', then ');
}

/** `plan shed-dev (run f1x, by pi) paused: south/shed-dev unreached: …; 1 done, 1 unreached`. */
export function fleetRunLine(run: FleetRecord): string {
  const counts = new Map<string, number>();
  for (const { state } of partsOf(run)) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts].map(([state, number]) => `${number} ${state}`).join(', ');
  const detail = run.detail === '' ? '' : `: ${run.detail}`;
  return `plan ${run.plan} (run ${run.id}, by ${run.by}${run.armed ? ', armed' : ''}) ${run.state}${detail}; ${count(partsOf(run).length, 'part')}: ${parts}`;
}

/** `south/shed-dev running (run p1y)`. */
export function fleetPartLine(part: FleetPart): string {
  const { state, run, detail } = part;
  return `${partName(part)} ${state}${run === null ? '' : ` (run ${run})`}${detail === '' ? '' : `: ${detail}`}`;
}

/** Returns the commands for a run that waits for an operator. */
export function fleetHowOn(run: FleetRecord): string[] {
  return [
    ...fleetObstacles(run),
    `resume it with 'rackui plan resume ${run.id}', abort it with 'rackui plan abort ${run.id}'`,
  ];
}

/** Returns the commands for the parts that an operator must deal with at their racks. */
export function fleetObstacles(run: FleetRecord): string[] {
  const parts = partsOf(run);
  const held = parts.filter(({ state }) => state === 'held');
  const ended = parts.filter(({ state }) => state === 'incomplete');
  return [
    ...held.map(
      (part) =>
        `${partName(part)}: skip a node there with 'rackui plan skip ${part.rack}/${part.run ?? ''} NODE', or abort it with 'rackui plan abort ${part.rack}/${part.run ?? ''}'`,
    ),
    ...ended.map(
      (part) =>
        `${partName(part)} is not begun again: see 'rackui plan list', then leave it out with 'rackui plan skip ${run.id} ${partName(part)}'`,
    ),
  ];
}

/** Returns the refusal of a second run of a plan beside one that has not ended; null: there is none. */
export function secondRunRefusal(runs: readonly FleetRecord[], plan: string): string | null {
  const before = runs.find((run) => run.plan === plan && run.state !== 'ended');
  return before === undefined
    ? null
    : `nothing was started: ${fleetRunLine(before)}; ${fleetHowOn(before).at(-1) ?? ''}`;
}

/** Says that a program left a run that it drove. */
export function fleetLeft({ id, plan }: FleetRecord): string {
  return `run ${id} of ${plan} is left: what runs on the racks continues, nothing more is started; resume it with 'rackui plan resume ${id}'`;
}

/** Says that a run cannot be driven by a second program. */
export function fleetDrivenElsewhere({ id, plan }: FleetRecord): string {
  return `run ${id} of ${plan} is driven by another rackui: pause it with 'rackui plan pause ${id}', or abort it`;
}
