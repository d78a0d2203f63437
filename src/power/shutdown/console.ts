/** The one console in a shutdown's hand: its turn, its loss, and leaving it to those who need it more. Pure. */
import { unseen } from './evidence.ts';
import type { EventOf } from './state.ts';
import { silenceMs, touchInterrupted } from './touch.ts';
import type { Transition } from './transition.ts';

/** A console that is only watched and says nothing for so long is left to those who need it. */
const SILENT_WATCH_MS = 15_000;

/** A gap within this after Enter may have torn its answer: a banner was heard, and the prompt behind it was not. */
const ANSWER_MS = 1_000;

export function turnCame(draft: Transition): void {
  const { state } = draft;
  state.console = { ...state.console, held: true, closedAt: draft.at };
  const { stage } = state;
  // What was not seen before may be seen now.
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
  // What a key brings may have been lost in a gap: somebody's status request is enough.
  if (stage.is === 'opening' && closedAt !== null && (!stage.heard || closedAt - stage.pressedAt < ANSWER_MS))
    state.stage = { ...stage, presses: [], pressedAt: at, answered: false };
  if (stage.is !== 'settle' || stage.touch !== null || away === 0) return;
  // Something may have been said meanwhile. A machine that starts again needs longer than this to fall silent.
  const { settle } = state.target.limits;
  if (away <= settle) state.until = Math.max(state.until, at + silenceMs(settle));
  else {
    draft.stopping();
    draft.raise('console-lost', `it was away for ${Math.round(away / 1000)} s while the halt was to be watched`);
  }
}

/** Why its console cannot ask it; then another way does, or nothing reaches it. */
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
      // Only watched: the shutdown goes on without it.
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
 * Where several go down together, whoever only watches a silent console, or waits for a person's answer, leaves it to those
 * who have to ask or to judge; and to whom it is `urgent` for, because a last line comes once.
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

/** ssh asked it, so that its console is a witness and no way. */
export function goesByItself({ state: { stage, target, sshProblem } }: Transition): boolean {
  return (
    target.ssh !== null &&
    sshProblem === null &&
    ['before', 'spaced', 'ssh', 'asked', 'stopping', 'gone'].includes(stage.is)
  );
}

/** Enter met a moment in which its own BMC was asked: that press does not count. */
export function pressAgain({ state }: Transition): void {
  if (state.stage.is === 'judging') state.stage = { ...state.stage, presses: Math.max(0, state.stage.presses - 1) };
}
