/** Plans as they travel between server and clients: what there is, what one would do, how a run stands. */
import type { Address } from '../rack/address.ts';
import type { OnFail, PlanAction } from '../rack/plan.ts';
import type { ShownPower } from '../rack/reading.ts';
import { EXIT, type Outcome, type Phase, type Refusal } from './power.ts';

export interface PlanSummary {
  name: string;
  description: string | null;
  steps: { name: string; action: PlanAction; nodes: number }[];
  nodes: number;
  /** It takes power away: a run needs the typed words, or `armed`. */
  cuts: boolean;
  /** How long a run is expected to take, ms; 0: nothing is to do; null where the plan has a problem. */
  predictedMs: number | null;
  /** Why it cannot be run on this rack, in a sentence; null: it can. */
  problem: string | null;
  /** What will keep it from working when it is run, with step and nodes; none: nothing is known. */
  warnings: string[];
}

export interface PlanList {
  plans: PlanSummary[];
  /** Running, paused and interrupted ones, then the last ended ones; oldest first. */
  runs: PlanRun[];
}

/** What a run would do now; nothing is sent but a status request for each node. */
export interface PlanPreview extends Omit<PlanSummary, 'steps'> {
  /** The words that confirm it (`shed-dev 9`); '' where nothing is cut. */
  confirm: string;
  /** In the order in which they begin. */
  steps: PlanStepPreview[];
  /** Nodes of the rack that no step touches. */
  stays: { addr: Address; name: string; power: ShownPower }[];
  /**
   * The rack's and the plan's nodes' present current: what the plan frees at most. In counts; in amperes too where every
   * node that draws any is calibrated, else null.
   */
  current: { rack: number; plan: number; amps: { rack: number; plan: number } | null };
}

export interface PlanStepPreview {
  name: string;
  action: PlanAction;
  /** Names of steps that must have ended before. */
  needs: string[];
  parallel: number;
  /** Seconds between two starts. */
  stagger: number;
  onFail: OnFail;
  /** Milliseconds after the run's start at which it is expected to begin and to end. */
  startMs: number;
  endMs: number;
  /** In the order in which they are started. */
  nodes: PlanNodePreview[];
}

export interface PlanNodePreview {
  addr: Address;
  name: string;
  power: ShownPower;
  /** Counts; null where it does not answer. */
  current: number | null;
  startMs: number;
  endMs: number;
  /** In words, where it is not the action itself: `is off already`, `shuts itself down by: systemctl poweroff`. */
  remark: string | null;
  refusals: Refusal[];
}

/**
 * `running`: steps begin as their needs end. `pausing`: nothing new is begun, what runs goes on. `paused`: nothing runs;
 * resume, skip or abort. `aborting`: what runs is being ended. `interrupted`: the server ended meanwhile; resume looks
 * afresh at every node that was under way. `ended`: see the nodes.
 */
export type PlanState = 'running' | 'pausing' | 'paused' | 'aborting' | 'interrupted' | 'ended';

export interface PlanRun {
  id: string;
  plan: string;
  /** Who started it, as the client reported it. */
  by: string;
  /** Started without typed words, for when nobody is there. */
  armed: boolean;
  startedAt: number;
  endedAt: number | null;
  /** When it begins nothing new any more, epoch ms; null: never. */
  deadlineAt: number | null;
  /** When it is expected to end, as reckoned at its start. */
  predictedEndAt: number;
  state: PlanState;
  /** One sentence: why it stands as it does, what next. */
  detail: string;
  steps: PlanStepRun[];
}

export interface PlanStepRun {
  name: string;
  action: PlanAction;
  needs: string[];
  state: 'waiting' | 'running' | 'done' | 'incomplete';
  /** In the order in which they are started. Frozen when the run begins. */
  nodes: PlanNodeRun[];
}

export interface PlanNodeRun {
  addr: Address;
  name: string;
  /** `started` is on the disk before anything is sent to the node; `ended` before anything that needs it. */
  state: 'waiting' | 'started' | 'ended';
  /** Since when it stands so; epoch ms. */
  since: number;
  /** The operation that does it, or did. */
  operation: string | null;
  /** Where that operation stands while it runs. */
  phase: Phase | null;
  /** Null while it has not ended. `skipped`: left out, by somebody or because an earlier step failed. */
  outcome: Outcome | 'skipped' | null;
  detail: string;
  /** How often it was begun: more than 1 after a retry or a server that ended meanwhile. */
  tries: number;
}

export interface PlanRunRequest {
  name: string;
  /** What was typed; must equal {@link PlanPreview.confirm}, unless `armed`. */
  confirm: string | null;
  /** For scripts (a UPS): no typed words, and steps that say so cut at their deadline. */
  armed: boolean;
  /** Seconds after which nothing new is begun, or null. */
  deadlineS: number | null;
}

/** The words that confirm a plan that cuts: its name and how many nodes lose power. */
export function planConfirmation(name: string, nodes: number): string {
  return `${name} ${nodes}`;
}

/** The exit code that a run stands for once nothing of it runs; of a paused or interrupted one: partly. */
export function planExitCode(run: PlanRun): number {
  const outcomes = run.steps.flatMap(({ nodes }) => nodes.map(({ outcome }) => outcome));
  const every = (...wanted: (Outcome | 'skipped' | null)[]): boolean => outcomes.every((one) => wanted.includes(one));
  if (outcomes.includes('cut-unproven')) return EXIT.unproven;
  if (every('done')) return EXIT.done;
  if (outcomes.includes('done') || run.state !== 'ended') return EXIT.partly;
  if (every('refused', 'skipped')) return EXIT.refused;
  if (every('deadline', 'skipped')) return EXIT.deadline;
  if (every('bus', 'interrupted', 'skipped')) return EXIT.unavailable;
  return EXIT.partly;
}
