/** Power operations as they travel between server and clients. */
import type { Address } from '../rack/address.ts';
import type { DependenceRule } from '../rack/plan.ts';
import type { Power, Sample } from '../rack/reading.ts';
import type { System } from '../rack/system-state.ts';

/** `off` and `cycle` are graceful; the `force-` verbs cut at once. */
export type Verb = 'on' | 'off' | 'force-off' | 'cycle' | 'force-cycle';

/** Verbs that end in a power cut: they need a typed confirmation. */
export function cuts(verb: Verb): boolean {
  return verb !== 'on';
}

export interface PowerRequest {
  verb: Verb;
  nodes: Address[];
  /** How the operator called the targets (`row:A`, `marked`); part of the confirmation of several. */
  label: string;
  /** What the operator typed; must equal {@link PowerCheck.confirm}. Ignored for `on`. */
  confirm: string | null;
  /** Seconds from the start after which the operation gives up, or null for the states' own limits. */
  deadlineS: number | null;
  /** What a graceful off does at its deadline: leave the node on (the default), or cut. */
  onDeadline: 'leave' | 'cut';
  /**
   * Take the console from another operator if the shutdown needs it; `silent`: only from one whose program has been
   * silent for `SILENT_LIMIT_S`, for requests that nobody watches.
   */
  takeConsole: boolean | 'silent';
  /** The nodes as the preview showed them ({@link seenIn}): a cut is refused where one is not so any more. */
  seen?: NodeSeen[] | undefined;
  /** Rules about what depends on a node that the operator breaks on purpose. */
  overrides?: DependenceRule[] | undefined;
}

/**
 * The words that confirm a cut: the node's name, or for several the label and the count (`row:A 4`).
 * The server compares; clients show it.
 */
export function confirmationText(names: readonly string[], label: string): string {
  const [only] = names;
  return names.length === 1 && only !== undefined ? only : `${label} ${names.length}`;
}

/**
 * What is added to the confirmation where a node's console last showed another name than the configuration's: a console
 * can be made to show any name, so it warns and cannot forbid.
 */
export const ANYWAY = ' anyway';

/** A node as a preview showed it. `power` null: it did not answer. */
export interface NodeSeen {
  addr: Address;
  power: Power | null;
  system: System;
}

/** What a preview showed, for {@link PowerRequest.seen}. */
export function seenIn({ nodes }: PowerCheck): NodeSeen[] {
  return nodes.map(({ addr, sample, system }) => ({ addr, power: sample?.power ?? null, system }));
}

/** A guard's refusal: which rule, in a sentence, and how to override it (null: it cannot be). */
export interface Refusal {
  rule: string;
  message: string;
  override: string | null;
}

/** The answer to `power.check`: nothing is sent to the bus but a fresh status request for each node. */
export interface PowerCheck {
  verb: Verb;
  /** {@link confirmationText}, with {@link ANYWAY} where that is needed. */
  confirm: string;
  nodes: {
    addr: Address;
    name: string;
    /** The fresh sample that was read for this check, or null with the reason in `problem`. */
    sample: Sample | null;
    /** What is known of its operating system. */
    system: System;
    problem: string | null;
    refusals: Refusal[];
    /** Sentences the dialog shows: what depends on the node, what is lost. */
    impact: string[];
  }[];
}

/** Phases of one node's operation, in order (shutdown section 1). */
export type Phase =
  | 'waiting'
  | 'preflight'
  /** Programs configured for before the shutdown, or for after it, run. */
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
 * `left-on`: the node was not cut, on purpose. `interrupted`: the server died meanwhile. `cut-unproven`: power was cut at
 * the deadline, as the plan says, and nothing proves that the machine had halted.
 */
export type Outcome =
  'done' | 'refused' | 'failed' | 'left-on' | 'aborted' | 'deadline' | 'bus' | 'interrupted' | 'cut-unproven';

/** One piece of proof, as it goes to the audit log. */
export interface Evidence {
  at: number;
  /** `identity`, `status`, `marker`, `ack`, `verified`, `answer`, … */
  kind: string;
  text: string;
}

/** A question to whoever watches, when a machine may not decide alone. The first choice is the default. */
export interface Question {
  /** An answer names it: to a question that has changed meanwhile it is none. */
  id: string;
  text: string;
  choices: { key: string; label: string; danger: boolean; confirm: string | null }[];
  since: number;
}

/** A question before it is asked. */
export type DraftQuestion = Omit<Question, 'id'>;

export interface NodeProgress {
  addr: Address;
  name: string;
  phase: Phase;
  /** When the phase began; epoch milliseconds of the server. */
  since: number;
  /** When the phase's limit ends, or null. */
  until: number | null;
  /** One sentence: what is happening, or how it ended and what to do next. */
  detail: string;
  evidence: Evidence[];
  question: Question | null;
  outcome: Outcome | null;
  /** What an armed run may still try: nothing, or only the cut at its deadline. Absent: the same again. */
  again?: Again;
}

export type Again = 'no' | 'at-deadline';

export interface Operation {
  id: string;
  verb: Verb;
  label: string;
  /** Who asked, as the client reported it. */
  by: string;
  startedAt: number;
  endedAt: number | null;
  nodes: NodeProgress[];
}

/** The documented exit codes. `unproven`: a node was cut at its deadline, and nothing proves that it had halted. */
export const EXIT = {
  ...{ done: 0, partly: 2, refused: 3, deadline: 4, unavailable: 5, unproven: 6 },
  ...{ usage: 64, config: 78 },
} as const;

/** The exit code that an ended operation stands for; the documented one for each way to end. */
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
