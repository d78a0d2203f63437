/**
 * Plans over several racks: steps in order, each with plans of racks that run at the same time on their racks' own
 * servers. Describes a run, decides which parts may start, and when it waits or is over. Pure.
 */
import { didYouMean } from '../lib/words.ts';

export interface FleetStepDefinition {
  name: string;
  /** `north/shed-dev`: a plan of each rack. */
  plans: string[];
  /** Reaction to a part that does not end as it should: `pause` starts no further step. */
  onFail: 'pause' | 'skip';
}

export interface FleetPlanDefinition {
  description?: string | undefined;
  steps: FleetStepDefinition[];
}

/**
 * `waiting`: nothing was sent. `asked`: on the disk before the request is sent, which may or may not have arrived.
 * `running`: its run there is known. `held`: that run is paused or interrupted, and waits for an operator. `lost`: the
 * rack cannot be reached while its run may continue there. `unreached`, `refused`: nothing was begun there; it is tried
 * again. `incomplete`: it ended, not with all nodes done; it is never begun again. `aborted`: left out by an abort.
 */
export type FleetPartState =
  | 'waiting'
  | 'asked'
  | 'running'
  | 'held'
  | 'lost'
  | 'unreached'
  | 'refused'
  | 'done'
  | 'incomplete'
  | 'skipped'
  | 'aborted';

export interface FleetPart {
  rack: string;
  plan: string;
  state: FleetPartState;
  /** Id of the request to the rack's server, by which repeating it begins nothing. */
  request: string;
  /** Id of its run there; null: not known. */
  run: string | null;
  /** An operator has confirmed it, or the run is armed. */
  confirmed: boolean;
  /** The words that the rack's server compares; null: nothing is cut, or the run is armed. */
  confirm: string | null;
  /** Exit code of what has ended; null: not ended. */
  exitCode: number | null;
  /** One sentence: reason of the state, and what to do next. */
  detail: string;
}

export interface FleetStep {
  name: string;
  onFail: 'pause' | 'skip';
  parts: FleetPart[];
}

/** `paused`: nothing more is started until an operator resumes it. */
export type FleetState = 'running' | 'paused' | 'ended';

export interface FleetRun {
  id: string;
  plan: string;
  by: string;
  armed: boolean;
  state: FleetState;
  detail: string;
  steps: FleetStep[];
}

/** Splits `north/shed-dev`. */
export function partOf(word: string): { rack: string; plan: string } {
  const [, rack = '', plan = ''] = /^([^/]*)\/(.*)$/.exec(word) ?? [];
  return { rack, plan };
}

export function partName({ rack, plan }: Pick<FleetPart, 'rack' | 'plan'>): string {
  return `${rack}/${plan}`;
}

export interface FleetPlanProblem {
  step: number;
  /** Index of the plan in its step; null: the step's name. */
  plan: number | null;
  message: string;
}

/** What is known here of the racks' own plans. */
export interface RackPlans {
  /** Returns the names of a rack's plans; null: it is on another machine. */
  plansOf: (rack: string) => readonly string[] | null;
  /** Reports whether a plan shuts down this machine, which drives the whole. */
  endsHere: (rack: string, plan: string) => boolean;
}

/** Returns what is wrong in a plan; `racks`: names of all racks. */
export function fleetPlanProblems(
  { steps }: FleetPlanDefinition,
  racks: readonly string[],
  { plansOf, endsHere }: RackPlans,
): FleetPlanProblem[] {
  const problems: FleetPlanProblem[] = [];
  const seen = new Set<string>();
  steps.forEach(({ name, plans }, step) => {
    if (steps.findIndex((other) => other.name === name) < step)
      problems.push({ step, plan: null, message: `step '${name}' is defined twice: names of steps must be unique` });
    plans.forEach((word, index) => {
      const wrong = (message: string): unknown => problems.push({ step, plan: index, message });
      const { rack, plan } = partOf(word);
      const known = plansOf(rack);
      if (rack === '' || plan === '') wrong(`'${word}': write RACK/PLAN, such as ${racks[0] ?? 'north'}/shed-dev`);
      else if (!racks.includes(rack))
        wrong(`there is no rack '${rack}'; racks: ${racks.join(', ')}${didYouMean(rack, racks)}`);
      else if (known !== null && !known.includes(plan))
        wrong(`rack ${rack} has no plan '${plan}'; its plans: ${known.join(', ') || 'none'}${didYouMean(plan, known)}`);
      else if (seen.has(word)) wrong(`${word} is in this plan already`);
      else if (plans.some((other, at) => at < index && partOf(other).rack === rack))
        wrong(`${rack} is in this step already: plans of one rack need steps of their own`);
      else if (endsHere(rack, plan) && (plans.length > 1 || step < steps.length - 1))
        wrong(`${word} shuts down this machine, which drives the plan: it must be alone in the last step`);
      seen.add(word);
    });
  });
  return problems;
}

const FINE: readonly FleetPartState[] = ['done', 'skipped'];
const AHEAD: readonly FleetPartState[] = ['waiting', 'asked', 'running'];
const UNDER_WAY: readonly FleetPartState[] = ['asked', 'running', 'held', 'lost'];

/** True for a part that may have begun and has not ended: only its rack's server knows how it is. */
export function isUnderWay({ state }: FleetPart): boolean {
  return UNDER_WAY.includes(state);
}

/** True for a part of which nothing was begun, and that a resume tries again. */
export function canBegin({ state }: FleetPart): boolean {
  return state === 'waiting' || state === 'unreached' || state === 'refused';
}

export function partsOf({ steps }: Pick<FleetRun, 'steps'>): FleetPart[] {
  return steps.flatMap(({ parts }) => parts);
}

/** Reports whether a step lets the next one start. In an armed run no failure keeps it. */
function isOver({ parts, onFail }: FleetStep, armed: boolean): boolean {
  const passable = armed || onFail === 'skip';
  return parts.every(({ state }) => FINE.includes(state) || (passable && !AHEAD.includes(state)));
}

/** Returns the parts that may start now: those of the first step that is not over. */
export function startable(run: FleetRun): FleetPart[] {
  const step = run.steps.find((one) => !isOver(one, run.armed));
  return step?.parts.filter(({ state }) => state === 'waiting') ?? [];
}

/** Returns the parts that keep the next step from starting, though nothing of theirs is under way. */
export function blocking(run: FleetRun): FleetPart[] {
  const step = run.steps.find((one) => !isOver(one, run.armed));
  return step?.parts.filter(({ state }) => !FINE.includes(state) && state !== 'waiting') ?? [];
}

/** Returns whether every step is over, and nothing is under way. */
export function isComplete(run: FleetRun): boolean {
  return run.steps.every((step) => isOver(step, run.armed)) && !partsOf(run).some(isUnderWay);
}

/** Lets a resume begin the parts of which nothing was begun. */
export function requeue(run: FleetRun): void {
  for (const part of partsOf(run))
    if (canBegin(part) && part.state !== 'waiting')
      Object.assign(part, { state: 'waiting', exitCode: null, detail: 'is tried again' });
}

/** Leaves out parts of which nothing is under way. Returns those that cannot be left out now. */
export function skipParts(parts: readonly FleetPart[], by: string): FleetPart[] {
  const stuck = parts.filter(isUnderWay);
  if (stuck.length > 0) return stuck;
  for (const part of parts)
    if (!FINE.includes(part.state))
      Object.assign(part, {
        state: 'skipped',
        detail: `${part.detail === '' ? '' : `${part.detail}; `}skipped by ${by}`,
      });
  return [];
}

/** Exit codes of {@link fleetExitCode} that are not a part's own. */
const [DONE, PARTLY, UNPROVEN] = [0, 2, 6];

/** Returns the exit code that all parts have; 2 where they differ or wait; 6 where a node was cut without proof. */
export function fleetExitCode(run: FleetRun): number {
  const begun = partsOf(run).filter(({ state }) => state !== 'waiting' && state !== 'aborted');
  const codes = begun.map(({ state, exitCode }) => exitCode ?? (state === 'skipped' ? DONE : PARTLY));
  const [first] = codes;
  if (codes.includes(UNPROVEN)) return UNPROVEN;
  if (first === undefined || codes.some((code) => code !== first)) return PARTLY;
  return first === DONE && begun.length < partsOf(run).length ? PARTLY : first;
}
