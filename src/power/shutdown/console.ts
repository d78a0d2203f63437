/**
 * Handles a shutdown's use of the one console: its turn, its loss, and its release to nodes that need it more. Pure.
 */
import { unseen } from './evidence.ts';
import type { EventOf } from './state.ts';
import { silenceMs, touchInterrupted } from './touch.ts';
import type { Transition } from './transition.ts';

/** Silence after which a console that is only watched is released to nodes that need it, ms. */
const SILENT_WATCH_MS = 15_000;

/**
 * Time after Enter in which a gap may have torn its answer, ms: a banner was read, and the prompt behind it was not.
 */
const ANSWER_MS = 1_000;

export function turnCame(draft: Transition): void {
  const { state } = draft;
  state.console = { ...state.console, held: true, closedAt: draft.at };
  const { stage } = state;
  // The console, which could not be watched before, may be watched now.
  if (stage.is === 'judging') state.console = { ...state.console, problem: '' };
  if (stage.is === 'opening' && !stage.turn) {
    draft.enter({ ...stage, turn: true, pressedAt: draft.at }, state.target.limits.preflight);
  }
}

export function consoleChanged(draft: Transition, { condition, at }: EventOf<'console'>): void {
  const { state } = draft;
  const { closedAt } = state.console;
  const away = closedAt === null ? 0 : at - closedAt;
  state.console = { ...state.console, ...condition, held: true, closedAt: condition.open ? null : (closedAt ?? at) };
  if (state.stage.is === 'settle') touchInterrupted(draft, state.stage, condition.open, away);
  if (!condition.open) return;
  if (state.trouble?.kind === 'console-lost' && state.stage.is !== 'settle') draft.settled();
  const { stage } = state;
  // A gap may have swallowed the answer to a key: a status request by another operation is enough.
  if (stage.is === 'opening' && closedAt !== null && (!stage.heard || closedAt - stage.pressedAt < ANSWER_MS))
    state.stage = { ...stage, presses: [], pressedAt: at, answered: false };
  if (stage.is !== 'settle' || stage.touch !== null || away === 0) return;
  // Output may have been lost in the gap. A machine that starts again needs longer than this to fall silent.
  const { settle } = state.target.limits;
  if (away <= settle) state.until = Math.max(state.until, at + silenceMs(settle));
  else {
    draft.stopping();
    draft.raise('console-lost', `it was away for ${Math.round(away / 1000)} s while the halt was to be watched`);
  }
}

/** Handles a console that cannot be used; the request goes another way then, or nothing reaches the node. */
export function noConsole(draft: Transition, why: string): void {
  const { state } = draft;
  state.console = { ...state.console, held: false, open: false, proven: false, why, closedAt: null };
  switch (state.stage.is) {
    case 'opening':
      noPrompt(draft, why, 'console-held');
      return;
    case 'judging':
      unseen(draft, why);
      return;
    case 'cutting':
      return;
    default:
      // The console was only watched: the shutdown goes on without it.
      if (goesByItself(draft)) return;
      draft.raise('console-held', why);
  }
}

export function noPrompt(
  draft: Transition,
  why: string,
  kind: 'silent' | 'no-prompt' | 'taken' | 'console-held' | 'console-lost',
  said = '',
): void {
  const { state } = draft;
  state.console = { ...state.console, problem: why };
  if (draft.mayTrySsh) {
    draft.prove('console', `its console shows no prompt: ${why}`);
    draft.goesOn();
  } else if (state.sshProblem !== null) draft.raise('no-path', `ssh: ${state.sshProblem}; console: ${why}`);
  else draft.raise(kind, kind === 'console-held' || kind === 'console-lost' ? why : said);
}

/**
 * Releases the console where several nodes go down together: one that only watches a silent console, or waits for an
 * operator's answer, leaves it to those that have a request or a test for silence; with `urgent` to a node whose last
 * line is due, because that comes once.
 */
export function yieldConsole(draft: Transition, urgent: boolean): void {
  const { state, at } = draft;
  const { stage, trouble, target, console } = state;
  if (
    !target.shares ||
    !console.held ||
    ['login', 'requesting', 'by-hand', 'rescue', 'settle', 'cutting'].includes(stage.is)
  )
    return;
  const watches = goesByItself(draft) && (urgent || at - state.heardAt >= SILENT_WATCH_MS);
  if (trouble === null && !watches) return;
  draft.letGo();
  if (trouble === null) draft.acquire('watch');
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
  if (state.stage.is === 'judging') state.stage = { ...state.stage, presses: Math.max(0, state.stage.presses - 1) };
}
