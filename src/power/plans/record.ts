/** A run of a plan as it is written down: how it stands, and everything frozen when it began. Pure. */
import type { PlanNodeRun, PlanRun, PlanStepRun } from '../../api/plan.ts';
import type { ClientIdentity } from '../../api/protocol.ts';
import type { Address } from '../../rack/address.ts';
import type { DependenceRule, PlanStep } from '../../rack/plan.ts';
import type { Journalled } from '../journal.ts';

/** A step's settings; its nodes stand in the run. */
export type StepSettings = Omit<PlanStep, 'nodes'>;

export interface PlanRecord extends Journalled {
  run: PlanRun;
  /** In the order of the run's steps. */
  settings: StepSettings[];
  who: ClientIdentity;
  /** Everything that loses power for good. */
  takes: Address[];
  /** Rules that this plan may break, by its configuration. */
  overrides: DependenceRule[];
  /** The machine was booted anew since: how far its deadline was away is not known any more, and it has none. */
  deadlineLost?: boolean;
}

/** A node's outcome with which its step is content. */
export function isFine({ outcome }: Pick<PlanNodeRun, 'outcome'>): boolean {
  return outcome === 'done' || outcome === 'skipped';
}

export function newStep(step: PlanStep, at: number): PlanStepRun {
  return {
    name: step.name,
    action: step.action,
    needs: step.needs,
    state: 'waiting',
    nodes: step.nodes.map(({ addr, name }) => ({
      ...{ addr, name, state: 'waiting', since: at, operation: null, phase: null, outcome: null, tries: 0 },
      detail: 'waits for its turn',
    })),
  };
}

export function settingsOf(step: PlanStep): StepSettings {
  const { name, selector, action, needs, parallel, stagger, verify, deadline, onDeadline, onFail } = step;
  return { name, selector, action, needs, parallel, stagger, verify, deadline, onDeadline, onFail };
}

/** Changes all times of a run that another server wrote down. `known`: they are right, not only dates. */
export function movePlanTimes(record: PlanRecord, move: (at: number) => number, known: boolean): void {
  const { run } = record;
  record.startedAt = run.startedAt = move(run.startedAt);
  run.predictedEndAt = move(run.predictedEndAt);
  for (const node of nodesOf(run)) node.since = move(node.since);
  record.deadlineLost = run.deadlineAt !== null && !known;
  run.deadlineAt = run.deadlineAt === null || !known ? null : move(run.deadlineAt);
}

export function nodesOf(run: PlanRun): PlanNodeRun[] {
  return run.steps.flatMap(({ nodes }) => nodes);
}

export function endNode(node: PlanNodeRun, outcome: PlanNodeRun['outcome'], detail: string, at: number): void {
  Object.assign(node, { state: 'ended', since: at, phase: null, outcome, detail });
}

/** Back to the queue, for another try. */
export function requeue(node: PlanNodeRun, detail: string, at: number): void {
  Object.assign(node, { state: 'waiting', since: at, operation: null, phase: null, outcome: null, detail });
}

export function refreshSteps(run: PlanRun): void {
  for (const step of run.steps) {
    const { nodes } = step;
    if (nodes.every(({ state }) => state === 'ended')) step.state = nodes.every(isFine) ? 'done' : 'incomplete';
    else step.state = nodes.some(({ state }) => state !== 'waiting') ? 'running' : 'waiting';
  }
}
