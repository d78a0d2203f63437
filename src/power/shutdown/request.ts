/**
 * The shutdown request, step by step: its intent is on the disk before it is sent, and its limits count from when it
 * was sent. Neither a slow disk nor a closed console uses up the machine's own limits. Pure.
 */
import { isStamped } from '../../console/line-patterns.ts';
import { count } from '../../lib/words.ts';
import { onConsoleLine } from './progress.ts';
import type { Transition } from './transition.ts';

/** Number of requests in a row that were not sent whole, after which the operator is asked. */
const UNSENT_MOST = 3;

/** Continues when the intent is on the disk, or the disk takes too long. */
export function journalled(transition: Transition): void {
  const { state, at } = transition;
  const { stage, console, prompt, target } = state;
  if (stage.is === 'ssh' && !state.sshRuns && !state.sshRan) {
    state.sshRuns = true;
    transition.do({ do: 'ask-ssh' });
    return;
  }
  if (stage.is !== 'requesting' || stage.step !== 'disk') return;
  // The screen is read again once the console is back or the question is answered.
  if (prompt !== null || !console.open) {
    state.until = at;
    return;
  }
  transition.enter({ ...stage, step: 'wire' }, target.limits.request);
  transition.do({ do: 'request', text: stage.text });
}

/** Handles a request that was sent whole at `leftAt`: later lines may belong to this shutdown. */
export function requested(transition: Transition, leftAt: number): void {
  const { state } = transition;
  const { stage, root, command, target } = state;
  if (stage.is !== 'requesting' || stage.step !== 'wire') return;
  state.requestedAt = leftAt;
  state.unsent = 0;
  if (state.prompt?.kind === 'refused') transition.clearPrompt();
  transition.prove('request', `‘${root ? command : `sudo ${command}`}’ was typed at its shell prompt`);
  transition.do({ do: 'asked', how: 'was asked to shut down on its console' });
  transition.enter({ is: 'asked' }, target.limits.acknowledged);
  for (const heard of stage.heard) if (heard.at >= leftAt) onConsoleLine(transition, heard);
}

/**
 * Handles a request whose end was not sent, so nothing was requested: the input is cleared, and the request typed
 * again.
 */
export function unsent(transition: Transition): void {
  const { state } = transition;
  const { stage, prompt } = state;
  if (stage.is !== 'requesting' || stage.step !== 'wire') return;
  state.unsent += 1;
  transition.prove('unsent', 'the console was interrupted while the request was typed: it was not asked');
  if (prompt === null && state.unsent < UNSENT_MOST) {
    transition.open();
    return;
  }
  notTyped(transition, `its console was interrupted ${count(state.unsent, 'time')} while it was typed`);
}

/** Asks the operator about a request that was not sent; after the answer the screen is read again. */
export function notTyped(transition: Transition, why: string): void {
  const { state, at } = transition;
  const { stage } = state;
  if (stage.is === 'requesting') state.stage = { ...stage, step: 'disk' };
  state.until = at;
  if (state.prompt === null) transition.ask('refused', why);
}

/** Handles ssh's report that the command ran, or one that it can only make after that. */
export function sshRan(transition: Transition): void {
  const { state, at } = transition;
  const { stage, target } = state;
  if (!state.sshRuns || state.sshRan) return;
  state.sshRan = true;
  state.requestedAt = at;
  transition.prove('request', `asked to shut down by ssh (${target.ssh ?? ''})`);
  transition.do({ do: 'asked', how: 'was asked to shut down by ssh' });
  // A stamp distinguishes a line that was read before this from an old one; nothing else does.
  if (stage.is !== 'settle' || isStamped(stage.marker)) return;
  transition.stopping();
  transition.undated('it came before ssh said that the command ran');
}
