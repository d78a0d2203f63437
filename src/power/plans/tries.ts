/**
 * What follows when one try of a node has ended: its end, or another try at the end of the queue. Only armed runs try
 * again, until their time is up. Pure.
 */
import type { PlanRun } from '../../api/plan.ts';
import type { Again, Outcome } from '../../api/power.ts';
import type { StepSettings } from './record.ts';

/** How a try of a node ended. */
export interface TryEnd {
  outcome: Outcome;
  detail: string;
  /** What an armed run may still try; null: the same again. */
  again: Again | null;
}

/** A node whose last try failed. */
export interface Failed extends TryEnd {
  againAt: number;
  /** Tries that failed; those that the bus was away for do not count. */
  tries: number;
}

export interface TryFacts {
  now: number;
  run: Pick<PlanRun, 'armed' | 'state' | 'deadlineAt'>;
  onFail: StepSettings['onFail'];
  end: TryEnd;
  /** Tries that failed before this one. */
  triesBefore: number;
  /** When its step wants it cut; epoch ms, null: never. */
  cutAt: number | null;
  busReady: boolean;
}

/** A node is tried again after this long, then after twice as long, up to the longest, ms. */
const AGAIN_MS = 5_000;
const LONGEST_AGAIN_MS = 60_000;
const SHORTEST_AGAIN_MS = 1_000;
/** Tries of an armed run that has no deadline. */
const MOST_TRIES = 3;

/** Null: the node has ended as its try did. */
export function afterTry({ now, run, onFail, end, triesBefore, cutAt, busReady }: TryFacts): Failed | null {
  const { outcome, again } = end;
  if (!run.armed || run.state !== 'running' || again === 'no') return null;
  if (outcome === 'done' || outcome === 'cut-unproven' || outcome === 'aborted') return null;
  if (run.deadlineAt !== null && now >= run.deadlineAt) return null;
  // A bus that is away says nothing about the node: it is tried as soon as the bus is back.
  if (outcome === 'bus' || !busReady) return { ...end, againAt: now, tries: triesBefore };
  if (onFail === 'abort' || (again === 'at-deadline' && cutAt === null)) return null;
  const tries = triesBefore + 1;
  const cutDue = cutAt !== null && now < cutAt;
  if (run.deadlineAt === null && !cutDue && tries >= MOST_TRIES) return null;
  const left = run.deadlineAt === null ? Infinity : run.deadlineAt - now;
  const pauseMs = Math.min(AGAIN_MS * 2 ** (tries - 1), LONGEST_AGAIN_MS, Math.max(SHORTEST_AGAIN_MS, left / 4));
  const next = now + pauseMs;
  if (!cutDue) return { ...end, againAt: next, tries };
  return { ...end, againAt: again === 'at-deadline' ? cutAt : Math.min(next, cutAt), tries };
}

/** A program without which nothing goes on wants the node to stay on: it is not cut either. */
export function isVeto({ outcome, again }: TryEnd): boolean {
  return outcome === 'left-on' && again === null;
}
