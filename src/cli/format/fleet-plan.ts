/** Formats plans of several racks and their runs as text and JSON. */
import type { FleetRecord } from '../../client/fleet-journal.ts';
import { fleetOrder, fleetPartLine, fleetRunLine } from '../../client/fleet-record.ts';
import { fleetExitCode, type FleetPart, type FleetPlanDefinition, isUnderWay } from '../../rack/fleet-plan.ts';

/** `shed-dev  north/shed-dev, then south/shed-dev + west/shed-dev  the development clusters`. */
export function fleetPlanLine(name: string, plan: FleetPlanDefinition): string {
  return `${name}  ${fleetOrder(plan)}${plan.description === undefined ? '' : `  ${plan.description}`}`;
}

export function fleetRunLines(run: FleetRecord): string[] {
  return [
    fleetRunLine(run),
    ...run.steps.flatMap(({ name, parts }) => [`  ${name}`, ...parts.map((part) => `    ${fleetPartLine(part)}`)]),
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
