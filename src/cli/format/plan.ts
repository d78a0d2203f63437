/** Formats plans and their runs as text and JSON. */
import {
  goesOn,
  planExitCode,
  type PlanNodeRun,
  type PlanPreview,
  type PlanRun,
  type PlanStepRun,
  type PlanSummary,
} from '../../api/plans.ts';
import { count } from '../../lib/words.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import { ampsText } from '../../rack/calibration.ts';
import { nodeLabel } from '../../rack/inventory.ts';
import { compressNames } from '../../rack/selectors.ts';
import { clock, iso } from '../terminal-output.ts';

/** `shed-dev  9 nodes  about 4 min 30 s  the development cluster, workers first`. */
export function planLine({
  name,
  nodes,
  predictedMs,
  description,
  problem,
}: Omit<PlanSummary, 'steps' | 'warnings'>): string {
  if (problem !== null) return `${name}  cannot be run: ${problem}`;
  const suffix = description === null ? '' : `  ${description}`;
  return `${name}  ${count(nodes, 'node')}  ${about(predictedMs)}${suffix}`;
}

/** Returns the exact order, with times after the start, and the objections. */
export function previewLines(plan: PlanPreview): string[] {
  if (plan.problem !== null) return [planLine(plan)];
  const steps = plan.steps.flatMap((step) => {
    const after = step.needs.length === 0 ? 'at once' : `after ${step.needs.join(', ')}`;
    const order = `${step.parallel === 1 ? 'one at a time' : `up to ${step.parallel} at once`}${step.stagger > 0 ? `, ${step.stagger} s apart` : ''}`;
    return [
      `${step.name}: ${step.action}, ${after}, ${order}; if one fails: ${step.onFail}`,
      ...step.nodes.flatMap((node) => [
        `  +${duration(node.startMs).padEnd(12)} ${nodeLabel(node)} ${node.power}${node.remark === null ? '' : `; ${node.remark}`}`,
        ...node.refusals.map(
          ({ rule, message, override }) =>
            `      refused (${rule}): ${message}${override === null ? '' : `; to override: ${override}`}`,
        ),
      ]),
    ];
  });
  const warnings = plan.warnings.map((text) => `will not work: ${text}`);
  const stays =
    plan.stays.length === 0
      ? 'includes all nodes of the rack'
      : `not included: ${compressNames(plan.stays.map(({ name }) => name))}`;
  const { rack, plan: part, amps } = plan.current;
  const calibrated = amps === null ? '' : `: ${ampsText({ part: amps.plan, whole: amps.rack })}`;
  const freed = plan.cuts ? [`draws ${part} of the rack's ${rack} counts${calibrated}`] : [];
  return [
    planLine(plan),
    ...warnings,
    ...steps,
    stays,
    ...freed,
    plan.predictedMs === 0 ? 'nothing to do' : `${about(plan.predictedMs)} in all`,
  ];
}

/** 0: every node is in the plan's state already. */
function about(predictedMs: number | null): string {
  return predictedMs === 0 ? 'nothing to do' : `about ${duration(predictedMs ?? 0)}`;
}

/** `plan shed-dev (run p1x, by pi) paused: ns01 did not go off; 3 done, 6 waiting`. */
export function runLine(run: PlanRun): string {
  const counts = new Map<string, number>();
  for (const node of nodesOf(run)) counts.set(standingOf(node), (counts.get(standingOf(node)) ?? 0) + 1);
  const parts = [...counts].map(([word, count]) => `${count} ${word}`).join(', ');
  return `plan ${run.plan} (run ${run.id}, by ${run.by}${run.armed ? ', armed' : ''}) ${run.state}${run.detail === '' ? '' : `: ${run.detail}`}; ${parts}`;
}

export function runLines(run: PlanRun): string[] {
  return [
    runLine(run),
    ...run.steps.flatMap(({ name, action, state, nodes }) => [
      `  ${name} (${action}): ${state}`,
      ...nodes.map((node) => `    ${nodeLine(node)}`),
    ]),
  ];
}

export function nodeLine(node: PlanNodeRun): string {
  return `${clock(node.since)} ${nodeLabel(node)} ${standingOf(node)}: ${node.detail}`;
}

/** Returns a node's state: waiting, the phase while it is worked on, then its outcome. */
export function standingOf({ state, phase, outcome }: PlanNodeRun): string {
  return outcome ?? phase ?? state;
}

export function nodesOf(run: PlanRun): PlanNodeRun[] {
  return run.steps.flatMap(({ nodes }) => nodes);
}

/** `4 min 30 s`. */
function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Returns the documented JSON of a run. Times are ISO 8601, addresses two hex digits. */
export function runJson(run: PlanRun): Record<string, unknown> {
  const { id, plan, by, armed, state, detail, steps } = run;
  const over = !goesOn({ state });
  return {
    id,
    plan,
    by,
    armed,
    state,
    detail,
    startedAt: iso(run.startedAt),
    endedAt: run.endedAt === null ? null : iso(run.endedAt),
    deadlineAt: run.deadlineAt === null ? null : iso(run.deadlineAt),
    predictedEndAt: iso(run.predictedEndAt),
    exitCode: over ? planExitCode(run) : null,
    steps: steps.map((step) => ({
      name: step.name,
      action: step.action,
      needs: step.needs,
      state: step.state,
      nodes: step.nodes.map(planNodeJson),
    })),
  };
}

export function planNodeJson(node: PlanNodeRun): Record<string, unknown> {
  const { addr, name, state, phase, outcome, detail, operation, tries } = node;
  return {
    addr: formatAddress(addr),
    pos: formatPosition(addr),
    name,
    state,
    phase,
    outcome,
    detail,
    operation,
    tries,
    since: iso(node.since),
  };
}

/** Returns the documented JSON of a preview. */
export function previewJson(plan: PlanPreview): Record<string, unknown> {
  return {
    ...plan,
    stays: plan.stays.map(({ addr, ...rest }) => ({ addr: formatAddress(addr), ...rest })),
    steps: plan.steps.map((step) => ({
      ...step,
      nodes: step.nodes.map(({ addr, ...rest }) => ({ addr: formatAddress(addr), pos: formatPosition(addr), ...rest })),
    })),
  };
}

export function stepOf(run: PlanRun, addr: number): PlanStepRun | undefined {
  return run.steps.find(({ nodes }) => nodes.some((node) => node.addr === addr));
}
