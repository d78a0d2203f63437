/** Plans as sent between server and clients: list, preview, state of a run. */
import type { Address } from '../rack/address.ts';
import type { OnFail, PlanAction } from '../rack/plan.ts';
import type { ShownPower } from '../rack/reading.ts';
import { EXIT, type Outcome, type Phase, type Refusal } from './power.ts';

export interface PlanSummary {
  name: string;
  description: string | null;
  steps: { name: string; action: PlanAction; nodes: number }[];
  nodes: number;
  /** The plan cuts power: a run needs the typed words, or `armed`. */
  cuts: boolean;
  /** Expected duration of a run, ms; 0: nothing to do; null where the plan has a problem. */
  predictedMs: number | null;
  /** Reason why it cannot be run on this rack, as a sentence; null: it can. */
  problem: string | null;
  /** Known obstacles to a run, with step and nodes; empty: none. */
  warnings: string[];
}

export interface PlanList {
  plans: PlanSummary[];
  /** Running, paused and interrupted ones, then the last ended ones; oldest first. */
  runs: PlanRun[];
}

/** The effect of a run now; only one status request is sent to each node. */
export interface PlanPreview extends Omit<PlanSummary, 'steps'> {
  /** The words that confirm it (`shed-dev 9`); '' where nothing is cut. */
  confirm: string;
  /** In the order in which they begin. */
  steps: PlanStepPreview[];
  /** Nodes of the rack that no step touches. */
  stays: { addr: Address; name: string; power: ShownPower }[];
  /**
   * Present current of the rack and of the plan's nodes, the most that the plan frees, in counts; in amperes too
   * where every node that draws any is calibrated, else null.
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
  /** Expected beginning and end, ms after the run's start. */
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
  /**
   * Remark where it differs from the action: `is off already`, `shuts itself down by: systemctl poweroff`; else null.
   */
  remark: string | null;
  refusals: Refusal[];
}

/**
 * `running`: steps begin as their needs end. `pausing`: nothing new begins, running operations continue. `paused`:
 * nothing runs; resume, skip or abort. `aborting`: running operations are being ended. `interrupted`: the server
 * ended meanwhile; resume checks every started node again. `ended`: see the nodes.
 */
export type PlanState = 'running' | 'pausing' | 'paused' | 'aborting' | 'interrupted' | 'ended';

export interface PlanRun {
  id: string;
  /** {@link PlanRunRequest.request}, where it had one. */
  request: string | null;
  plan: string;
  /** The user who started it, as the client reported. */
  by: string;
  /** Started without typed words, for unattended use. */
  armed: boolean;
  startedAt: number;
  endedAt: number | null;
  /** Time after which nothing new begins, epoch ms; null: none. */
  deadlineAt: number | null;
  /** Expected end, as calculated at its start. */
  predictedEndAt: number;
  state: PlanState;
  /** One sentence: reason of the state, and what to do next. */
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
  /** Start of this state, epoch ms. */
  since: number;
  /** Id of its operation, running or ended; null: none yet. */
  operation: string | null;
  /** Phase of that operation while it runs; else null. */
  phase: Phase | null;
  /** Null until it ends. `skipped`: left out, by an operator or because an earlier step failed. */
  outcome: Outcome | 'skipped' | null;
  detail: string;
  /** Number of starts: more than 1 after a retry or a server that ended meanwhile. */
  tries: number;
}

export interface PlanRunRequest {
  name: string;
  /** The typed words; must equal {@link PlanPreview.confirm}, unless `armed`. */
  confirm: string | null;
  /** For scripts (a UPS): no typed words, and steps with `onDeadline: cut` cut at their deadline. */
  armed: boolean;
  /** Seconds after which nothing new begins, or null. */
  deadlineS: number | null;
  /**
   * Unique id of this request, by which it can be repeated: where a run with it is known, that run is returned as it is
   * now, and nothing is begun. Also one that has ended, and of an earlier server.
   */
  request?: string | undefined;
}

/** Returns the words that confirm a plan that cuts: its name and the number of nodes that lose power. */
export function planConfirmation(name: string, nodes: number): string {
  return `${name} ${nodes}`;
}

/** Returns whether something of a run is under way. */
export function goesOn({ state }: Pick<PlanRun, 'state'>): boolean {
  return state === 'running' || state === 'pausing' || state === 'aborting';
}

/** Returns the exit code of a run once nothing of it runs; a paused or interrupted one counts as partly done. */
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
