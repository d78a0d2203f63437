/**
 * Selects the next actions of a run: nodes that may be started now, the time of the next check, the end. Operations
 * themselves keep two boots on one blade apart. Pure.
 */
import type { PlanNodeRun, PlanStepRun } from '../../api/plans.ts';
import type { Address } from '../../rack/address.ts';
import { isFine, nodesOf, type PlanRecord, type StepSettings } from './record.ts';

export interface SchedulingContext {
  now: number;
  /** No status or verb can be sent without it; an armed run waits for it. */
  busReady: boolean;
  /** Reports whether an operation outside of this run works on the node: it is awaited. */
  busy(addr: Address): boolean;
  /** Reports whether the node is in the state that its step wants: nothing is switched. */
  isThere(step: PlanStepRun, addr: Address): boolean;
  /** Reports whether the node is this machine: nothing is begun after it. */
  isMaster(addr: Address): boolean;
  /** Returns the time at which a step last started a node that had something to do; epoch ms, 0: never. */
  lastStart(step: string): number;
  /**
   * Returns the time at which a node whose last try failed is tried again, epoch ms; null: none failed. Only in armed
   * runs.
   */
  againAt(addr: Address): number | null;
}

export interface RunnableSteps {
  start: { step: PlanStepRun; settings: StepSettings; node: PlanNodeRun }[];
  /** Time at which more may be allowed without any event; epoch ms, or null. */
  nextAt: number | null;
  /** First node whose outcome its step does not accept, or null. */
  failed: { settings: StepSettings; node: PlanNodeRun } | null;
  /** Nothing runs and nothing is left to do. */
  over: boolean;
}

/**
 * Longest and shortest time for which a try of an armed run counts among the step's parallel ones, ms; after that a
 * slow node no longer delays others.
 */
const LONGEST_TRY_MS = 45_000;
const SHORTEST_TRY_MS = 15_000;
/** Time before the run's deadline at which this machine goes down, whatever is still tried, ms. */
const MASTER_MS = 15_000;

export function runnableSteps({ run, settings }: PlanRecord, around: SchedulingContext): RunnableSteps {
  const { now } = around;
  const runnable: RunnableSteps = { start: [], nextAt: null, failed: firstFailure(run, settings), over: false };
  runnable.over = nodesOf(run).every(({ state }) => state === 'ended');
  if (run.state !== 'running' || runnable.failed !== null) return runnable;
  if (run.deadlineAt !== null && now >= run.deadlineAt) return runnable;
  const later = (at: number): void => {
    runnable.nextAt = Math.min(runnable.nextAt ?? Infinity, at);
  };
  if (run.deadlineAt !== null) later(run.deadlineAt);
  if (run.armed && !around.busReady) return runnable;
  const offTryMs = run.armed ? tryLength({ run }, around) : Infinity;
  const passed = passedSteps(run.steps, around);
  const ended = new Set(
    run.steps.filter(({ nodes }) => nodes.every(({ state }) => state === 'ended')).map(({ name }) => name),
  );
  const lastMinute = run.deadlineAt !== null && now >= run.deadlineAt - MASTER_MS;
  const isFresh = (node: PlanNodeRun): boolean => node.state === 'waiting' && around.againAt(node.addr) === null;
  // Failed nodes are tried again after all others had their turn.
  const freshWait = nodesOf(run).some(
    (node) => isFresh(node) && !around.busy(node.addr) && !around.isMaster(node.addr),
  );
  run.steps.forEach((step, index) => {
    const own = settings[index];
    if (!own) return;
    // Nothing is tried after this machine goes down: it waits for other nodes' tries, as long as there is time.
    const isLast = step.action === 'off' && step.nodes.some(({ addr }) => around.isMaster(addr));
    const done = isLast && !lastMinute ? ended : passed;
    if (isLast && run.armed && run.deadlineAt !== null) later(Math.max(now + 1, run.deadlineAt - MASTER_MS));
    if (!step.needs.every((need) => done.has(need))) return;
    if (isLast && !lastMinute && !run.steps.every((other) => other === step || ended.has(other.name))) return;
    const tryMs = step.action === 'off' ? offTryMs : Infinity;
    const counted = step.nodes.filter(({ state, since }) => state === 'started' && now - since < tryMs);
    for (const { since } of counted) if (tryMs !== Infinity) later(since + tryMs);
    let under = counted.length;
    let last = around.lastStart(step.name);
    for (const node of inOrder(step.nodes, around)) {
      if (node.state !== 'waiting') continue;
      const againAt = around.againAt(node.addr);
      if (againAt !== null) {
        if (freshWait) continue;
        if (now < againAt) {
          later(againAt);
          continue;
        }
      }
      // A node that is in its state already takes no current and no turn.
      const idle = around.isThere(step, node.addr);
      if (around.busy(node.addr)) continue;
      if (!idle) {
        if (under >= own.parallel) continue;
        const from = last === 0 ? 0 : last + own.stagger * 1000;
        if (now < from) {
          later(from);
          break;
        }
        under++;
        if (tryMs !== Infinity) later(now + tryMs);
        last = own.stagger > 0 ? now : last;
      }
      runnable.start.push({ step, settings: own, node });
    }
  });
  return runnable;
}

/** Returns the time for which a try of an armed run may delay others, ms: a share of the time that is left. */
export function tryLength(
  { run }: Pick<PlanRecord, 'run'>,
  { now, againAt }: Pick<SchedulingContext, 'now' | 'againAt'>,
): number {
  const left = run.deadlineAt === null ? Infinity : run.deadlineAt - now;
  const waiting = nodesOf(run).filter(({ state, addr }) => state === 'waiting' && againAt(addr) === null).length;
  return Math.min(LONGEST_TRY_MS, Math.max(SHORTEST_TRY_MS, left / (waiting + 1)));
}

/** Returns the steps whose every node has ended, or failed in its turn: steps that need them continue. */
function passedSteps(steps: readonly PlanStepRun[], { againAt }: Pick<SchedulingContext, 'againAt'>): Set<string> {
  return new Set(
    steps
      .filter(({ nodes }) => nodes.every(({ state, addr }) => state === 'ended' || againAt(addr) !== null))
      .map(({ name }) => name),
  );
}

/** Sorts nodes without a turn so far first, then failed ones, the longest ago first. */
function inOrder(nodes: readonly PlanNodeRun[], { againAt }: Pick<SchedulingContext, 'againAt'>): PlanNodeRun[] {
  return [...nodes].sort((a, b) => (againAt(a.addr) ?? 0) - (againAt(b.addr) ?? 0));
}

/**
 * Returns the first node whose failure stops its step: with `skip` the others continue without it, in an armed run with
 * `pause` too. A node that was cut without proof is off, as the step or an operator wanted it: only `abort` stops there.
 */
function firstFailure({ steps, armed }: PlanRecord['run'], settings: readonly StepSettings[]): RunnableSteps['failed'] {
  for (const [index, step] of steps.entries()) {
    const own = settings[index];
    if (!own || own.onFail === 'skip' || (armed && own.onFail === 'pause')) continue;
    const isOff = (one: PlanNodeRun): boolean => own.onFail === 'pause' && one.outcome === 'cut-unproven';
    const node = step.nodes.find((one) => one.state === 'ended' && !isFine(one) && !isOff(one));
    if (node) return { settings: own, node };
  }
  return null;
}
