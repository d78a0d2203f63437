/**
 * The questions that a shutdown puts to its operators: one text for each problem, with the answers that help. Pure.
 */
import type { DraftQuestion } from '../../api/power.ts';
import type { Target } from './target.ts';

export type OperatorPromptKind =
  | 'console-held'
  | 'console-lost'
  | 'refused'
  | 'silent'
  | 'no-prompt'
  | 'taken'
  | 'nameless'
  | 'nameless-login'
  | 'other-host'
  | 'no-login'
  | 'login-failed'
  | 'login-unfinished'
  | 'not-allowed'
  | 'inhibited'
  | 'unheard'
  | 'idle'
  | 'stalled'
  | 'emergency'
  | 'dirty'
  | 'panic'
  | 'rebooted'
  | 'speaking'
  | 'alive-after-halt'
  | 'hook-failed'
  | 'no-path'
  | 'alive'
  | 'unproven'
  | 'bmc-lost'
  | 'rescued'
  | 'rescue-failed'
  | 'cut-failed'
  | 'force-failed';

export interface OperatorPrompt {
  kind: OperatorPromptKind;
  /** Evidence: the node's own line, or a port's reason; '' where the text needs none. */
  detail: string;
  since: number;
  /** Time after which the node is left on without an answer. */
  until: number;
}

export type Choice = 'wait' | 'retry' | 'skip' | 'trust' | 'console' | 'sync' | 'leave' | 'force';

/** Extra time for the answer `wait`, ms. */
export const WAIT_MS = 60_000;

interface Words {
  text: (target: Target, detail: string) => string;
  /** The first is the default, so it never cuts. */
  choices: readonly [Choice, ...Choice[]];
  /** A halt line that comes now does not answer it. */
  sticky?: true;
  /**
   * Behaviour of an armed run, which has no operator. `listen`: the request may still take effect, so it is awaited for
   * a while. `leave`: another try changes nothing, or does harm. Absent: the console is released at once. Except with
   * `leave`, the node is tried again later.
   */
  unattended?: 'listen' | 'leave';
}

const quoted = (detail: string): string => (detail === '' ? '' : `: “${detail}”`);
const because = (detail: string): string => (detail === '' ? '' : ` (${detail})`);

const PROMPTS: Record<OperatorPromptKind, Words> = {
  'console-held': {
    text: ({ name }, detail) =>
      `The console of ${name} could not be opened${because(detail)}. It was not asked to shut down.`,
    choices: ['wait', 'retry', 'leave', 'force'],
  },
  'console-lost': {
    text: ({ name }, detail) =>
      `The console of ${name} is no longer on the wire${because(detail)}: its halt cannot be observed.`,
    choices: ['wait', 'retry', 'leave', 'force'],
  },
  refused: {
    text: ({ name }, detail) => `The keys for the console of ${name} were not sent${because(detail)}.`,
    choices: ['wait', 'retry', 'console', 'leave', 'force'],
  },
  silent: {
    text: ({ name }) =>
      `The console of ${name} is silent, even after Ctrl-Q: no login runs there, its tty has another baud rate (a getty at 9600 baud is silent), it hangs, or it has halted before.`,
    choices: ['wait', 'retry', 'console', 'leave', 'force'],
  },
  'no-prompt': {
    text: ({ name }, detail) =>
      `The console of ${name} shows no login or shell prompt: a program may run there${quoted(detail)}.`,
    choices: ['wait', 'retry', 'console', 'leave', 'force'],
  },
  taken: {
    text: ({ name }, detail) =>
      `The console of ${name} shows ${detail}. Any key would be input to it, so nothing was typed.`,
    choices: ['console', 'wait', 'retry', 'leave', 'force'],
  },
  nameless: {
    text: ({ name }, detail) =>
      `The console of ${name} shows a shell${quoted(detail)} that did not report its host name: it may be a container, or another machine. It was not asked to shut down.`,
    choices: ['console', 'retry', 'leave', 'force'],
    sticky: true,
  },
  'nameless-login': {
    text: ({ name }, detail) =>
      `The login prompt on the console of ${name} shows no host name${quoted(detail)}. User and password are typed only at a known host.`,
    choices: ['console', 'trust', 'retry', 'leave', 'force'],
    sticky: true,
  },
  'other-host': {
    text: ({ name, place, host }, detail) =>
      `The console at ${place} belongs to ‘${detail}’, but ‘${host ?? name}’ is configured. It was not asked to shut down; correct the configuration first.`,
    choices: ['leave', 'retry'],
    sticky: true,
    unattended: 'leave',
  },
  'no-login': {
    text: ({ name }, detail) =>
      `${name} requires a login, but no credentials are configured${because(detail)}. An operator can shut it down on its console.`,
    choices: ['console', 'wait', 'retry', 'leave', 'force'],
  },
  'login-failed': {
    text: ({ name }, detail) => `The login on ${name} failed${quoted(detail)}. It is not retried automatically.`,
    choices: ['console', 'wait', 'retry', 'leave', 'force'],
    unattended: 'leave',
  },
  // No password was refused: another try does no harm.
  'login-unfinished': {
    text: ({ name }, detail) => `The login on ${name} did not finish${because(detail)}.`,
    choices: ['retry', 'console', 'wait', 'leave', 'force'],
  },
  'not-allowed': {
    text: ({ name }, detail) => `${name} does not let this user shut it down${quoted(detail)}.`,
    choices: ['console', 'wait', 'retry', 'leave', 'force'],
    unattended: 'leave',
  },
  inhibited: {
    text: ({ name }, detail) => `Something on ${name} forbids the shutdown${quoted(detail)}.`,
    choices: ['wait', 'retry', 'console', 'sync', 'leave', 'force'],
    unattended: 'listen',
  },
  unheard: {
    text: ({ name }) => `${name} was asked to shut down, but shows no sign of it.`,
    choices: ['wait', 'retry', 'console', 'sync', 'leave', 'force'],
    unattended: 'listen',
  },
  idle: {
    text: ({ name }) => `${name} has not been shut down on its console yet.`,
    choices: ['wait', 'retry', 'leave', 'force'],
  },
  stalled: {
    text: ({ name }, detail) => `The shutdown of ${name} does not end${because(detail)}.`,
    choices: ['wait', 'retry', 'console', 'sync', 'leave', 'force'],
    unattended: 'listen',
  },
  emergency: {
    text: ({ name }, detail) => `${name} reports an emergency${quoted(detail)}.`,
    choices: ['wait', 'console', 'sync', 'leave', 'force'],
    sticky: true,
  },
  dirty: {
    text: ({ name }, detail) => `${name} has halted, but not cleanly${quoted(detail)}. Its power was not cut.`,
    choices: ['leave', 'force'],
    sticky: true,
    unattended: 'leave',
  },
  panic: {
    text: ({ name }, detail) => `The kernel of ${name} panicked${quoted(detail)}.`,
    choices: ['leave', 'force'],
    sticky: true,
    unattended: 'leave',
  },
  rebooted: {
    text: ({ name }, detail) => `${name} reboots instead of halting${quoted(detail)}. Its power was not cut.`,
    choices: ['leave', 'retry', 'console', 'force'],
    sticky: true,
  },
  speaking: {
    text: ({ name }, detail) =>
      `A halt line was read on ${name}'s console, but it was followed by output${quoted(detail)}. The line may have been a quotation.`,
    choices: ['wait', 'retry', 'console', 'leave', 'force'],
    unattended: 'listen',
  },
  'alive-after-halt': {
    text: ({ name }, detail) =>
      `A last line was read on ${name}'s console, but the machine is alive${because(detail)}: something else printed it. Its power was not cut.`,
    choices: ['wait', 'retry', 'console', 'sync', 'leave', 'force'],
    unattended: 'listen',
  },
  'hook-failed': {
    text: ({ name }, detail) =>
      `A program that runs before the shutdown of ${name} failed${because(detail)}. It was not asked to shut down.`,
    choices: ['retry', 'skip', 'leave', 'force'],
  },
  'no-path': {
    text: ({ name }, detail) => `${name} cannot be reached${because(detail)}.`,
    choices: ['wait', 'retry', 'console', 'leave', 'force'],
  },
  alive: {
    text: ({ name }, detail) =>
      `The network of ${name} does not answer, but its console does${quoted(detail)}: it has not halted.`,
    choices: ['wait', 'retry', 'console', 'sync', 'leave', 'force'],
    unattended: 'listen',
  },
  unproven: {
    text: ({ name }, detail) => `${name} has probably halted, but without proof${because(detail)}.`,
    choices: ['wait', 'console', 'leave', 'force'],
    unattended: 'listen',
  },
  'bmc-lost': {
    text: ({ name }, detail) =>
      `The BMC of ${name} does not answer any more${because(detail)}: its power can be neither read nor cut.`,
    choices: ['wait', 'retry', 'leave', 'force'],
  },
  rescued: {
    text: ({ name }) =>
      `The file systems of ${name} are synced and read-only: a cut loses no written data. It has not halted.`,
    choices: ['leave', 'retry', 'console', 'force'],
    sticky: true,
    unattended: 'leave',
  },
  'rescue-failed': {
    text: ({ name }, detail) => `The file systems of ${name} may not be synced${because(detail)}.`,
    choices: ['wait', 'retry', 'sync', 'console', 'leave', 'force'],
  },
  'cut-failed': {
    text: ({ name }, detail) => `${name} has halted, but its power could not be cut${because(detail)}.`,
    choices: ['retry', 'leave', 'force'],
  },
  'force-failed': {
    text: ({ name }, detail) => `The power of ${name} could not be cut${because(detail)}.`,
    choices: ['leave', 'retry', 'force'],
  },
};

const LABELS: Record<Choice, string> = {
  wait: `wait ${WAIT_MS / 1000} s more`,
  retry: 'try again',
  skip: 'continue without it',
  trust: 'this is the node: type user and password',
  sync: 'sync its disks and remount them read-only, from a shell on its console',
  console: 'shut it down manually on its console; rackui watches for the halt',
  leave: 'leave it on',
  force: 'cut its power now',
};

/** All kinds of operator prompts. */
export const OPERATOR_PROMPT_KINDS = Object.keys(PROMPTS) as OperatorPromptKind[];

export function isSticky(kind: OperatorPromptKind): boolean {
  return PROMPTS[kind].sticky === true;
}

/** Returns the time for which a request is awaited in an armed run, ms. */
export function unattendedMs(kind: OperatorPromptKind, asked: boolean): number {
  return asked && PROMPTS[kind].unattended === 'listen' ? WAIT_MS / 2 : 0;
}

/** Reports whether another try would change nothing, or do harm: a third wrong password locks an account. */
export function isHopeless(kind: OperatorPromptKind): boolean {
  return PROMPTS[kind].unattended === 'leave';
}

export function choicesOf(kind: OperatorPromptKind): readonly Choice[] {
  return PROMPTS[kind].choices;
}

export function questionOf({ kind, detail, since }: OperatorPrompt, target: Target): DraftQuestion {
  const { text, choices } = PROMPTS[kind];
  return {
    text: text(target, detail),
    since,
    choices: choices.map((key) => ({
      key,
      label: LABELS[key],
      danger: key === 'force',
      confirm: key === 'force' ? target.name : null,
    })),
  };
}
