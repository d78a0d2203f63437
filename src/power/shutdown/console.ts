/**
 * Handles a shutdown's use of the one console: its turn, its loss, and its release to nodes that need it more. Pure.
 */
import { unseen } from './evidence.ts';
import { OPENING, type EventOf } from './state.ts';
import { silenceMs, touchInterrupted } from './touch.ts';
import type { Transition } from './transition.ts';

/** Silence after which a console that is only watched is released to nodes that need it, ms. */
const SILENT_WATCH_MS = 15_000;

/**
 * Time after Enter in which a gap may have torn its answer, ms: a banner was read, and the prompt behind it was not.
 */
const ANSWER_MS = 1_000;

export function consoleAcquired(transition: Transition): void {
  const { state } = transition;
  state.console = { ...state.console, held: true, why: OPENING, closedAt: transition.at };
  const { stage } = state;
  // The console, which could not be watched before, may be watched now.
  if (stage.is === 'testing') state.console = { ...state.console, problem: '' };
  if (stage.is !== 'opening') return;
  const { preflight, request } = state.target.limits;
  transition.enter({ ...stage, acquired: true, pressedAt: transition.at }, stage.printed ? request : preflight);
}

export function consoleChanged(transition: Transition, { condition, at }: EventOf<'console'>): void {
  const { state } = transition;
  const { closedAt } = state.console;
  const away = closedAt === null ? 0 : at - closedAt;
  state.console = { ...state.console, ...condition, held: true, closedAt: condition.open ? null : (closedAt ?? at) };
  if (state.stage.is === 'settle') touchInterrupted(transition, state.stage, condition.open, away);
  if (!condition.open) return;
  if (state.prompt?.kind === 'console-lost' && state.stage.is !== 'settle') transition.clearPrompt();
  const { stage } = state;
  // A gap may have swallowed the answer to a key: a status request by another operation is enough.
  if (stage.is === 'opening' && closedAt !== null && (!stage.printed || closedAt - stage.pressedAt < ANSWER_MS))
    state.stage = { ...stage, presses: [], pressedAt: at, answered: false };
  if (stage.is !== 'settle' || stage.touch !== null || away === 0) return;
  // Output may have been lost in the gap. A machine that starts again needs longer than this to fall silent.
  const { settle } = state.target.limits;
  if (away <= settle) state.until = Math.max(state.until, at + silenceMs(settle));
  else {
    transition.stopping();
    transition.ask('console-lost', `it was off the wire for ${Math.round(away / 1000)} s during the halt`);
  }
}

/** Handles a console that cannot be used; the request goes another way then, or nothing reaches the node. */
export function noConsole(transition: Transition, why: string): void {
  const { state } = transition;
  state.console = { ...state.console, held: false, open: false, proven: false, why, closedAt: null };
  switch (state.stage.is) {
    case 'opening':
      noPrompt(transition, why, 'console-held');
      return;
    case 'testing':
      unseen(transition, why);
      return;
    case 'cutting':
      return;
    default:
      // The console was only watched: the shutdown continues without it.
      if (goesByItself(transition)) return;
      transition.ask('console-held', why);
  }
}

export function noPrompt(
  transition: Transition,
  why: string,
  kind: 'silent' | 'no-prompt' | 'taken' | 'console-held' | 'console-lost',
  detail = '',
): void {
  const { state } = transition;
  state.console = { ...state.console, problem: why };
  if (transition.mayTrySsh) {
    transition.prove('console', `no prompt on its console: ${why}`);
    transition.goesOn();
  } else if (state.sshProblem !== null) transition.ask('no-path', `ssh: ${state.sshProblem}; console: ${why}`);
  else transition.ask(kind, kind === 'console-held' || kind === 'console-lost' ? why : detail);
}

/**
 * Releases the console where several nodes go down together: one that only watches a silent console, or waits for an
 * operator's answer, leaves it to those that have a request or a test for silence; with `urgent` to a node whose last
 * line is due, because that comes once.
 */
export function yieldConsole(transition: Transition, urgent: boolean): void {
  const { state, at } = transition;
  const { stage, prompt, target, console } = state;
  if (
    !target.shares ||
    !console.held ||
    ['login', 'requesting', 'by-hand', 'rescue', 'settle', 'cutting'].includes(stage.is)
  )
    return;
  const watches = goesByItself(transition) && (urgent || at - state.lastOutputAt >= SILENT_WATCH_MS);
  if (prompt === null && !watches) return;
  transition.letGo();
  if (prompt === null) transition.acquire('watch');
}

/** Reports whether the request went by ssh, so that the console is only watched. */
export function goesByItself({ state: { stage, target, sshProblem } }: Transition): boolean {
  return (
    target.ssh !== null &&
    sshProblem === null &&
    ['before', 'spaced', 'ssh', 'asked', 'stopping', 'gone'].includes(stage.is)
  );
}

/** Takes back one press of Enter, which coincided with a status request to the node's own BMC. */
export function pressAgain({ state }: Transition): void {
  if (state.stage.is === 'testing') state.stage = { ...state.stage, presses: Math.max(0, state.stage.presses - 1) };
}
