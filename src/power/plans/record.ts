/**
 * The record of a plan run: its state, and the settings frozen when it began; with the ports that plans need beside
 * those of operations, and the recovery of runs that a dead server left. A recovered run is interrupted until an
 * operator resumes it; every node that was under way is examined afresh then.
 */
import { join } from 'node:path';
import type { ClientIdentity } from '../../api/methods.ts';
import type { PlanNodeRun, PlanRun, PlanStepRun } from '../../api/plans.ts';
import type { ProgramEnd } from '../../lib/subprocess.ts';
import { count } from '../../lib/words.ts';
import type { Address } from '../../rack/address.ts';
import { type DependenceRule, isManager, type PlanDefinition, type PlanMeans, type PlanStep } from '../../rack/plan.ts';
import { type Journal, openJournalFile, EMPTY_AT, type Journalled } from '../journal.ts';
import type { OperationPorts } from '../ports.ts';

/** Ended runs of requests with an id that a later server still knows. */
export const KEPT_REQUESTS = 16;

export function openPlanJournal(stateDir: string, warn: (text: string) => void): Journal<PlanRecord> {
  const path = join(stateDir, 'plans.jsonl');
  return openJournalFile(path, {
    ...{ has: 'settings', moveTimes: movePlanTimes, warn, emptyAt: EMPTY_AT },
    ...{ subject: ({ run }) => run.request ?? null, subjects: KEPT_REQUESTS },
  });
}

export interface PlanPorts extends Pick<
  OperationPorts,
  'now' | 'every' | 'inventory' | 'reading' | 'network' | 'event' | 'limits' | 'bus' | 'durations' | 'systems'
> {
  plans: Readonly<Record<string, PlanDefinition>>;
  /** Returns the configured ways to request a shutdown, and the programs that exist. */
  means(): PlanMeans;
  /** Program by which the master, this machine, shuts itself down; null: none is configured. */
  poweroff: Poweroff | null;
  /** Returns the address that last answered as the master; null: none has. */
  seenMaster: () => Address | null;
  planJournal: {
    /** Resolves when this state of the run is on the disk. */
    write(record: PlanRecord): Promise<void>;
    unfinished(): PlanRecord[];
    /** Returns the last runs of requests with an id that have ended, also of an earlier server. */
    ended(): PlanRecord[];
  };
  publishPlan(run: PlanRun): void;
}

export interface Poweroff {
  /** The command as it runs, for sentences. */
  text: string;
  run(): Promise<ProgramEnd>;
}

/** A step's settings; its nodes are in the run. */
export type StepSettings = Omit<PlanStep, 'nodes'>;

export interface PlanRecord extends Journalled {
  run: PlanRun;
  /** In the order of the run's steps. */
  settings: StepSettings[];
  who: ClientIdentity;
  /** Nodes that lose power for good. */
  takes: Address[];
  /** Rules that this plan may override, by its configuration. */
  overrides: DependenceRule[];
  /** The machine was rebooted since: the rest of its deadline is not known any more, and it has none. */
  deadlineLost?: boolean;
}

/** Reports whether a node's outcome satisfies its step. */
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
      addr,
      name,
      state: 'waiting',
      since: at,
      operation: null,
      phase: null,
      outcome: null,
      tries: 0,
      detail: 'waits for its turn',
    })),
  };
}

export function settingsOf(step: PlanStep): StepSettings {
  const { name, selector, action, needs, parallel, stagger, verify, deadline, onDeadline, onFail } = step;
  return { name, selector, action, needs, parallel, stagger, verify, deadline, onDeadline, onFail };
}

/** Changes all times of a run that another server wrote. `known`: false where only dates are right. */
function movePlanTimes(record: PlanRecord, move: (at: number) => number, known: boolean): void {
  const { run } = record;
  record.startedAt = run.startedAt = move(run.startedAt);
  record.endedAt = run.endedAt = run.endedAt === null ? null : move(run.endedAt);
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

/** Returns a node to the queue for another try. */
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

export function recoverRuns(ports: Pick<PlanPorts, 'now' | 'inventory' | 'planJournal' | 'event'>): PlanRecord[] {
  return ports.planJournal.unfinished().map((record) => {
    const { run } = record;
    const now = ports.now();
    const aborting = run.state === 'aborting';
    const under = nodesOf(run).filter(({ state }) => state === 'started');
    for (const node of under) {
      if (isMaster(node.addr, ports)) {
        // Whether the program ran is not known, but this machine is up. A resume for the other nodes does not shut it
        // down.
        endNode(
          node,
          'left-on',
          'the server ended while it requested the shutdown of this machine, which is up: the request is not repeated automatically',
          now,
        );
        continue;
      }
      endNode(node, 'interrupted', 'the server ended while it was running', now);
    }
    if (aborting) {
      for (const node of nodesOf(run))
        if (node.state === 'waiting') endNode(node, 'aborted', 'aborted before its turn', now);
      Object.assign(run, { state: 'ended', endedAt: now, detail: `${run.detail}; the server ended meanwhile` });
      record.endedAt = now;
    } else if (run.state !== 'paused' || under.length > 0) {
      run.state = 'interrupted';
      run.detail = `the server ended meanwhile, with ${count(under.length, 'node')} in progress: resume checks each of them again`;
    }
    if (record.deadlineLost === true && run.endedAt === null)
      run.detail += '; this machine was rebooted, so the deadline is unknown: the run has none now';
    refreshSteps(run);
    ports.event('warning', null, `Plan ${run.plan} (run ${run.id}) is ${run.state}: ${run.detail}`);
    return record;
  });
}

function isMaster(addr: Address, { inventory }: Pick<PlanPorts, 'inventory'>): boolean {
  const node = inventory().nodes.find((one) => one.addr === addr);
  return node !== undefined && isManager(node);
}
