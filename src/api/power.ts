/** Power operations as sent between server and clients. */
import type { Address } from '../rack/address.ts';
import type { DependenceRule } from '../rack/plan.ts';
import type { Power, Sample } from '../rack/reading.ts';
import type { System } from '../rack/system-state.ts';

/** `off` and `cycle` shut the operating system down first; the `force-` verbs cut at once. */
export type Verb = 'on' | 'off' | 'force-off' | 'cycle' | 'force-cycle';

/** True for verbs that cut power, which need a typed confirmation. */
export function cuts(verb: Verb): boolean {
  return verb !== 'on';
}

export interface PowerRequest {
  verb: Verb;
  nodes: Address[];
  /** The operator's words for the targets (`row:A`, `marked`); part of the confirmation of several. */
  label: string;
  /** The typed words; must equal {@link PowerCheck.confirm}. Ignored for `on`. */
  confirm: string | null;
  /** Seconds after the start at which the operation gives up; null: the limits of the phases alone. */
  deadlineS: number | null;
  /** Action of a graceful off at its deadline: leave the node on (the default), or cut. */
  onDeadline: 'leave' | 'cut';
  /**
   * Takes the console from another operator if the shutdown needs it; `silent`: only from one whose program has been
   * silent for `SILENT_LIMIT_S`, for unattended requests.
   */
  takeConsole: boolean | 'silent';
  /** The nodes as the preview showed them ({@link seenIn}): a cut is refused where one has changed. */
  seen?: NodeSeen[] | undefined;
  /** Dependence rules that the operator breaks on purpose. */
  overrides?: DependenceRule[] | undefined;
}

/**
 * Returns the words that confirm a cut: the node's name, or for several the label and the count (`row:A 4`). The
 * server compares; clients show it.
 */
export function confirmationText(names: readonly string[], label: string): string {
  const [only] = names;
  return names.length === 1 && only !== undefined ? only : `${label} ${names.length}`;
}

/**
 * Suffix of the confirmation where a node's console last showed another name than the configured one: a console can
 * be made to show any name, so this warns and does not forbid.
 */
export const ANYWAY = ' anyway';

/** A node as a preview showed it. `power` null: it did not answer. */
export interface NodeSeen {
  addr: Address;
  power: Power | null;
  system: System;
}

/** Returns the nodes of a preview for {@link PowerRequest.seen}. */
export function seenIn({ nodes }: PowerCheck): NodeSeen[] {
  return nodes.map(({ addr, sample, system }) => ({ addr, power: sample?.power ?? null, system }));
}

/** A guard's refusal: the rule, its reason as a sentence, and how to override it (null: it cannot be). */
export interface Refusal {
  rule: string;
  message: string;
  override: string | null;
}

/** The answer to `power.check`; only one fresh status request is sent to each node. */
export interface PowerCheck {
  verb: Verb;
  /** {@link confirmationText}, with {@link ANYWAY} where that is needed. */
  confirm: string;
  nodes: {
    addr: Address;
    name: string;
    /** The fresh sample read for this check; null: none, see `problem`. */
    sample: Sample | null;
    /** State of its operating system. */
    system: System;
    problem: string | null;
    refusals: Refusal[];
    /** Sentences for the dialog: dependents of the node, and what is lost. */
    impact: string[];
  }[];
}

/** Phases of one node's operation, in order (shutdown section 1). */
export type Phase =
  | 'waiting'
  | 'preflight'
  /** Hooks before the shutdown, or after it, run. */
  | 'before'
  | 'after'
  | 'request'
  | 'acknowledged'
  | 'stopping'
  | 'settle'
  | 'cut'
  | 'pause'
  | 'switch-on'
  | 'verify'
  | 'asking'
  | 'ended';

/**
 * `left-on`: the node was not cut, on purpose. `interrupted`: the server died meanwhile. `cut-unproven`: power was
 * cut at the deadline, as the plan demands, without proof that the machine had halted.
 */
export type Outcome =
  | 'done'
  | 'refused'
  | 'failed'
  | 'left-on'
  | 'aborted'
  | 'deadline'
  | 'bus'
  | 'interrupted'
  | 'cut-unproven';

/** One piece of evidence, as written to the audit log. */
export interface Evidence {
  at: number;
  /** `identity`, `status`, `marker`, `ack`, `verified`, `answer`, … */
  kind: string;
  text: string;
}

/** A prompt for the operator, when rackui must not decide alone. The first choice is the default. */
export interface Question {
  /** Named by an answer; an answer to a question that has changed meanwhile is refused. */
  id: string;
  text: string;
  choices: { key: string; label: string; danger: boolean; confirm: string | null }[];
  since: number;
}

/** A prompt before it has an id. */
export type DraftQuestion = Omit<Question, 'id'>;

export interface NodeProgress {
  addr: Address;
  name: string;
  phase: Phase;
  /** Start of the phase, epoch milliseconds of the server. */
  since: number;
  /** Time limit of the phase; null: none. */
  until: number | null;
  /** One sentence: the present action, or the result and what to do next. */
  detail: string;
  evidence: Evidence[];
  question: Question | null;
  outcome: Outcome | null;
  /** Further tries of an armed run: `no`; `at-deadline`: only the cut at its deadline. Absent: the same again. */
  again?: Again;
}

export type Again = 'no' | 'at-deadline';

export interface Operation {
  id: string;
  verb: Verb;
  label: string;
  /** The user who requested it, as the client reported. */
  by: string;
  startedAt: number;
  endedAt: number | null;
  nodes: NodeProgress[];
}

/** The documented exit codes. `unproven`: a node was cut at its deadline, without proof that it had halted. */
export const EXIT = {
  done: 0,
  partly: 2,
  refused: 3,
  deadline: 4,
  unavailable: 5,
  unproven: 6,
  usage: 64,
  config: 78,
} as const;

/** Returns the documented exit code of an ended operation. */
export function exitCodeOf(operation: Operation): number {
  const outcomes = operation.nodes.map((node) => node.outcome);
  const every = (...wanted: Outcome[]): boolean => outcomes.every((o) => o !== null && wanted.includes(o));
  if (outcomes.includes('cut-unproven')) return EXIT.unproven;
  if (every('done')) return EXIT.done;
  if (outcomes.includes('done')) return EXIT.partly;
  if (every('refused')) return EXIT.refused;
  if (every('deadline')) return EXIT.deadline;
  if (every('bus', 'interrupted')) return EXIT.unavailable;
  return EXIT.partly;
}
