/**
 * What a run does next: which nodes may be started now, when to look again, whether it is over. That two boots do not
 * meet on one blade is the operations' matter. Pure.
 */
import type { PlanNodeRun, PlanStepRun } from '../../api/plans.ts';
import type { Address } from '../../rack/address.ts';
import { isFine, nodesOf, type PlanRecord, type StepSettings } from './record.ts';

export interface SchedulingContext {
  now: number;
  /** Nothing can be asked or switched without it; an armed run waits for it. */
  busReady: boolean;
  /** An operation outside of this run works on the node: it is waited for. */
  busy(addr: Address): boolean;
  /** The node is as its step wants it: nothing is switched. */
  isThere(step: PlanStepRun, addr: Address): boolean;
  /** This machine: nothing is begun after it. */
  isMaster(addr: Address): boolean;
  /** When a step last started a node that had something to do; epoch ms, 0: never. */
  lastStart(step: string): number;
  /** When a node whose last try failed is tried again, epoch ms; null: none has failed. Only in armed runs. */
  againAt(addr: Address): number | null;
}

export interface RunnableSteps {
  start: { step: PlanStepRun; settings: StepSettings; node: PlanNodeRun }[];
  /** When time alone may allow more; epoch ms, or null. */
  lookAt: number | null;
  /** A node that ended as its step does not accept; the first, or null. */
  failed: { settings: StepSettings; node: PlanNodeRun } | null;
  /** Nothing runs and nothing is left to do. */
  over: boolean;
}

/** In an armed run a try keeps its place among the step's parallel ones for so long; a slow node holds nobody up, ms. */
const LONGEST_TURN_MS = 45_000;
const SHORTEST_TURN_MS = 15_000;
/** So long before the run's deadline this machine goes down, whatever is still tried, ms. */
const MASTER_MS = 15_000;

export function runnableSteps({ run, settings }: PlanRecord, around: SchedulingContext): RunnableSteps {
  const { now } = around;
  const moves: RunnableSteps = { start: [], lookAt: null, failed: firstFailure(run, settings), over: false };
  moves.over = nodesOf(run).every(({ state }) => state === 'ended');
  if (run.state !== 'running' || moves.failed !== null) return moves;
  if (run.deadlineAt !== null && now >= run.deadlineAt) return moves;
  const later = (at: number): void => {
    moves.lookAt = Math.min(moves.lookAt ?? Infinity, at);
  };
  if (run.deadlineAt !== null) later(run.deadlineAt);
  if (run.armed && !around.busReady) return moves;
  const turnMs = run.armed ? turnLength({ run }, around) : Infinity;
  const passed = passedSteps(run.steps, around);
  const ended = new Set(
    run.steps.filter(({ nodes }) => nodes.every(({ state }) => state === 'ended')).map(({ name }) => name),
  );
  const lastMinute = run.deadlineAt !== null && now >= run.deadlineAt - MASTER_MS;
  const isFresh = (node: PlanNodeRun): boolean => node.state === 'waiting' && around.againAt(node.addr) === null;
  // What failed is tried again when everything else had its turn.
  const freshWait = nodesOf(run).some(
    (node) => isFresh(node) && !around.busy(node.addr) && !around.isMaster(node.addr),
  );
  run.steps.forEach((step, index) => {
    const own = settings[index];
    if (!own) return;
    // After this machine nothing is tried any more: it waits for the tries of others, as long as there is time.
    const isLast = step.action === 'off' && step.nodes.some(({ addr }) => around.isMaster(addr));
    const done = isLast && !lastMinute ? ended : passed;
    if (isLast && run.armed && run.deadlineAt !== null) later(Math.max(now + 1, run.deadlineAt - MASTER_MS));
    if (!step.needs.every((need) => done.has(need))) return;
    if (isLast && !lastMinute && !run.steps.every((other) => other === step || ended.has(other.name))) return;
    const turn = step.action === 'off' ? turnMs : Infinity;
    const inTurn = step.nodes.filter(({ state, since }) => state === 'started' && now - since < turn);
    for (const { since } of inTurn) if (turn !== Infinity) later(since + turn);
    let under = inTurn.length;
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
      // One that is there already takes no current and no turn.
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
        if (turn !== Infinity) later(now + turn);
        last = own.stagger > 0 ? now : last;
      }
      moves.start.push({ step, settings: own, node });
    }
  });
  return moves;
}

/** How long a try of an armed run may keep others from theirs: a share of the time that is left, ms. */
export function turnLength(
  { run }: Pick<PlanRecord, 'run'>,
  { now, againAt }: Pick<SchedulingContext, 'now' | 'againAt'>,
): number {
  const left = run.deadlineAt === null ? Infinity : run.deadlineAt - now;
  const waiting = nodesOf(run).filter(({ state, addr }) => state === 'waiting' && againAt(addr) === null).length;
  return Math.min(LONGEST_TURN_MS, Math.max(SHORTEST_TURN_MS, left / (waiting + 1)));
}

/** Steps whose every node has ended, or had its turn and failed in it: what needs them goes on. */
function passedSteps(steps: readonly PlanStepRun[], { againAt }: Pick<SchedulingContext, 'againAt'>): Set<string> {
  return new Set(
    steps
      .filter(({ nodes }) => nodes.every(({ state, addr }) => state === 'ended' || againAt(addr) !== null))
      .map(({ name }) => name),
  );
}

/** Those that had no turn yet, then those that failed, the longest ago first. */
function inOrder(nodes: readonly PlanNodeRun[], { againAt }: Pick<SchedulingContext, 'againAt'>): PlanNodeRun[] {
  return [...nodes].sort((a, b) => (againAt(a.addr) ?? 0) - (againAt(b.addr) ?? 0));
}

/** One that its step does not let pass: with `skip` the others go on without it, in an armed run with `pause` too. */
function firstFailure({ steps, armed }: PlanRecord['run'], settings: readonly StepSettings[]): RunnableSteps['failed'] {
  for (const [index, step] of steps.entries()) {
    const own = settings[index];
    if (!own || own.onFail === 'skip' || (armed && own.onFail === 'pause')) continue;
    const node = step.nodes.find((one) => one.state === 'ended' && !isFine(one));
    if (node) return { settings: own, node };
  }
  return null;
}
