/** Formats plans of several racks and their runs as text and JSON. */
import type { FleetRecord } from '../../client/fleet-journal.ts';
import { count } from '../../lib/words.ts';
import {
  fleetExitCode,
  type FleetPart,
  type FleetPlanDefinition,
  isUnderWay,
  partName,
  partsOf,
} from '../../rack/fleet-plan.ts';

/** `shed-dev  north/shed-dev, then south/shed-dev + west/shed-dev  the development clusters`. */
export function fleetPlanLine(name: string, { steps, description }: FleetPlanDefinition): string {
  const order = steps.map(({ plans }) => plans.join(' + ')).join(', then ');
  return `${name}  ${order}${description === undefined ? '' : `  ${description}`}`;
}

/** `fleet plan shed-dev (run f1x, by pi) paused: south/shed-dev unreached: …; 1 done, 1 unreached`. */
export function fleetRunLine(run: FleetRecord): string {
  const counts = new Map<string, number>();
  for (const { state } of partsOf(run)) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts].map(([state, number]) => `${number} ${state}`).join(', ');
  const detail = run.detail === '' ? '' : `: ${run.detail}`;
  return `plan ${run.plan} (run ${run.id}, by ${run.by}${run.armed ? ', armed' : ''}) ${run.state}${detail}; ${count(partsOf(run).length, 'part')}: ${parts}`;
}

export function fleetRunLines(run: FleetRecord): string[] {
  return [
    fleetRunLine(run),
    ...run.steps.flatMap(({ name, parts }) => [`  ${name}`, ...parts.map((part) => `    ${fleetPartLine(part)}`)]),
  ];
}

/** `south/shed-dev running (run p1y)`. */
export function fleetPartLine(part: FleetPart): string {
  const { state, run, detail } = part;
  return `${partName(part)} ${state}${run === null ? '' : ` (run ${run})`}${detail === '' ? '' : `: ${detail}`}`;
}

/** Returns the commands for a run that waits for an operator. */
export function fleetHowOn(run: FleetRecord): string[] {
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
    `resume it with 'rackui plan resume ${run.id}', abort it with 'rackui plan abort ${run.id}'`,
  ];
}

/** Returns the documented JSON of a run. Times are ISO 8601. */
export function fleetRunJson(run: FleetRecord): Record<string, unknown> {
  const { id, plan, by, armed, state, detail, started, ended, deadlineS, steps } = run;
  return {
    ...{ id, plan, by, armed, state, detail },
    startedAt: new Date(started.wall).toISOString(),
    endedAt: ended === null ? null : new Date(ended.wall).toISOString(),
    deadlineAt: deadlineS === null ? null : new Date(started.wall + deadlineS * 1000).toISOString(),
    exitCode: state === 'running' ? null : fleetExitCode(run),
    steps: steps.map(({ name, onFail, parts }) => ({ name, onFail, parts: parts.map(fleetPartJson) })),
  };
}

export function fleetPartJson(part: FleetPart): Record<string, unknown> {
  const { rack, plan, state, run, exitCode, detail } = part;
  return { rack, plan, state, run, exitCode: isUnderWay(part) ? null : exitCode, detail };
}
