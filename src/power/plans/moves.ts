/**
 * What a run does next: which nodes may be started now, when to look again, whether it is over. That two boots do not
 * meet on one blade is the operations' matter. Pure.
 */
import type { PlanNodeRun, PlanStepRun } from '../../api/plan.ts';
import type { Address } from '../../rack/address.ts';
import { isFine, nodesOf, type PlanRecord, type StepSettings } from './record.ts';

export interface Circumstances {
  now: number;
  /** An operation outside of this run works on the node: it is waited for. */
  busy(addr: Address): boolean;
  /** The node is as its step wants it: nothing is switched. */
  isThere(step: PlanStepRun, addr: Address): boolean;
  /** When a step last started a node that had something to do; epoch ms, 0: never. */
  lastStart(step: string): number;
}

export interface Moves {
  start: { step: PlanStepRun; settings: StepSettings; node: PlanNodeRun }[];
  /** When time alone may allow more; epoch ms, or null. */
  lookAt: number | null;
  /** A node that ended as its step does not accept; the first, or null. */
  failed: { settings: StepSettings; node: PlanNodeRun } | null;
  /** Nothing runs and nothing is left to do. */
  over: boolean;
}

export function nextMoves({ run, settings }: PlanRecord, around: Circumstances): Moves {
  const { now } = around;
  const moves: Moves = { start: [], lookAt: null, failed: firstFailure(run.steps, settings), over: false };
  moves.over = nodesOf(run).every(({ state }) => state === 'ended');
  if (run.state !== 'running' || moves.failed !== null) return moves;
  if (run.deadlineAt !== null && now >= run.deadlineAt) return moves;
  const ended = new Set(
    run.steps.filter(({ nodes }) => nodes.every(({ state }) => state === 'ended')).map(({ name }) => name),
  );
  const later = (at: number): void => {
    moves.lookAt = Math.min(moves.lookAt ?? Infinity, at);
  };
  if (run.deadlineAt !== null) later(run.deadlineAt);
  run.steps.forEach((step, index) => {
    const own = settings[index];
    if (!own || !step.needs.every((need) => ended.has(need))) return;
    let under = step.nodes.filter(({ state }) => state === 'started').length;
    let last = around.lastStart(step.name);
    for (const node of step.nodes) {
      if (node.state !== 'waiting') continue;
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
        last = own.stagger > 0 ? now : last;
      }
      moves.start.push({ step, settings: own, node });
    }
  });
  return moves;
}

/** One that its step does not let pass: with `skip` the others go on without it. */
function firstFailure(steps: readonly PlanStepRun[], settings: readonly StepSettings[]): Moves['failed'] {
  for (const [index, step] of steps.entries()) {
    const own = settings[index];
    if (!own || own.onFail === 'skip') continue;
    const node = step.nodes.find((one) => one.state === 'ended' && !isFine(one));
    if (node) return { settings: own, node };
  }
  return null;
}
