/**
 * The request itself, step by step: what is meant is on the disk before it goes, and it counts from when it went. Neither a
 * slow disk nor a line that is away uses up the machine's own limits. Pure.
 */
import { isStamped } from '../../console/line-patterns.ts';
import { count } from '../../lib/words.ts';
import { onConsoleLine } from './progress.ts';
import type { Transition } from './transition.ts';

/** A request that did not leave whole so often in a row is a question. */
const UNSENT_MOST = 3;

/** It is on the disk, as far as the disk can be waited for, that the node is about to be asked. */
export function journalled(draft: Transition): void {
  const { state, at } = draft;
  const { stage, console, trouble, target } = state;
  if (stage.is === 'ssh' && !state.sshRuns && !state.sshRan) {
    state.sshRuns = true;
    draft.do({ do: 'ask-ssh' });
    return;
  }
  if (stage.is !== 'requesting' || stage.step !== 'disk') return;
  // What stands on the console is looked at anew, when it is back or the question is answered.
  if (trouble !== null || !console.open) {
    state.until = at;
    return;
  }
  draft.enter({ ...stage, step: 'wire' }, target.limits.request);
  draft.do({ do: 'request', text: stage.text });
}

/** The whole request left at `leftAt`: what came after that may be of this shutdown. */
export function requested(draft: Transition, leftAt: number): void {
  const { state } = draft;
  const { stage, root, command, target } = state;
  if (stage.is !== 'requesting' || stage.step !== 'wire') return;
  state.requestedAt = leftAt;
  state.unsent = 0;
  if (state.trouble?.kind === 'refused') draft.settled();
  draft.prove('request', `‘${root ? command : `sudo ${command}`}’ was typed at its shell prompt`);
  draft.do({ do: 'asked', how: 'was asked to shut down on its console' });
  draft.enter({ is: 'asked' }, target.limits.acknowledged);
  for (const heard of stage.heard) if (heard.at >= leftAt) onConsoleLine(draft, heard);
}

/** Its end did not leave, so nothing was asked: what was typed is cleared, and the request typed anew. */
export function unsent(draft: Transition): void {
  const { state } = draft;
  const { stage, trouble } = state;
  if (stage.is !== 'requesting' || stage.step !== 'wire') return;
  state.unsent += 1;
  draft.prove('unsent', 'the console was interrupted while the request was typed: it was not asked');
  if (trouble === null && state.unsent < UNSENT_MOST) {
    draft.open();
    return;
  }
  notTyped(draft, `its console was interrupted ${count(state.unsent, 'time')} while it was typed`);
}

/** The request did not go; when somebody has answered, what stands on the console is looked at anew. */
export function notTyped(draft: Transition, why: string): void {
  const { state, at } = draft;
  const { stage } = state;
  if (stage.is === 'requesting') state.stage = { ...stage, step: 'disk' };
  state.until = at;
  if (state.trouble === null) draft.raise('refused', why);
}

/** ssh said that the command ran, or what can only be said after it ran. */
export function sshRan(draft: Transition): void {
  const { state, at } = draft;
  const { stage, target } = state;
  if (!state.sshRuns || state.sshRan) return;
  state.sshRan = true;
  state.requestedAt = at;
  draft.prove('request', `asked to shut down by ssh (${target.ssh ?? ''})`);
  draft.do({ do: 'asked', how: 'was asked to shut down by ssh' });
  // A stamp tells a line that was read before this from an old one; without it nothing does.
  if (stage.is !== 'settle' || isStamped(stage.marker)) return;
  draft.stopping();
  draft.undated('it came before ssh said that the command ran');
}
