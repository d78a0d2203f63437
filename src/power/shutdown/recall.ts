/**
 * What takes a proof back: a stall of this process, in which nobody listened, and a sign of life on the way from the
 * judgement to the verb. Pure.
 */
import type { Recognition } from '../../console/recognizer.ts';
import type { Recall, Stage } from './state.ts';
import { type Transition, SPEECH } from './transition.ts';

/**
 * This process, or its machine, stood still for `ms`. What came meanwhile was read before this; what should have been looked
 * at was not. Limits within which something was to happen are longer by that, and silence is counted anew.
 */
export function stalled(draft: Transition, ms: number): void {
  const { state, at } = draft;
  const { limits } = state.target;
  state.until += ms;
  if (state.trouble !== null) state.trouble = { ...state.trouble, until: state.trouble.until + ms };
  if (state.console.closedAt !== null) state.console = { ...state.console, closedAt: state.console.closedAt + ms };
  if (state.network.goneSince !== null) state.network = { ...state.network, goneSince: at };
  state.bmc = { ...state.bmc, steadySince: null, failures: 0, offs: 0 };
  state.stage = renewed(state.stage, ms);
  switch (state.stage.is) {
    case 'settle':
      state.stage = { ...state.stage, touch: null };
      state.haltedAt = at;
      state.until = Math.max(state.until, at + limits.settle);
      return;
    case 'gone':
    case 'judging': {
      const { hardUntil } = state.stage;
      const unit = state.stage.is === 'gone' ? state.stage.unit : null;
      const judgeAt = at + limits.networkGone;
      draft.enter({ is: 'gone', hardUntil, judgeAt, unit }, limits.networkGone);
      return;
    }
    case 'cutting':
      recall(draft, state.stage, null);
      return;
    default:
      return;
  }
}

function renewed(stage: Stage, ms: number): Stage {
  switch (stage.is) {
    case 'stopping':
    case 'gone':
    case 'judging':
      return { ...stage, hardUntil: stage.hardUntil + ms };
    default:
      return stage;
  }
}

/** Says that the machine starts anew: not even a deadline for which cutting was confirmed cuts that. */
const STARTS: readonly Recognition['kind'][] = ['boot', 'uboot', 'uboot-shell', 'reboot'];

/** Signs of life count until the verb leaves. */
export function onLineWhileCutting(draft: Transition, heard: Recognition): void {
  const { stage } = draft.state;
  if (stage.is !== 'cutting' || stage.ground === 'forced' || heard.kind === 'halt') return;
  if (stage.ground === 'deadline' && !STARTS.includes(heard.kind)) return;
  if (heard.kind === 'output' && !SPEECH.test(heard.text)) return;
  recall(draft, stage, heard);
}

/** Something answers at the address of what is cut as a halted machine, in a look that began at `askedAt`. */
export function networkAnswers(draft: Transition, askedAt: number): void {
  const { stage, haltedAt } = draft.state;
  if (stage.is !== 'cutting' || (stage.ground !== 'halted' && stage.ground !== 'composite')) return;
  if (stage.ground === 'halted' && haltedAt !== null && askedAt <= haltedAt) return;
  recall(draft, stage, 'network');
}

function recall(draft: Transition, stage: Extract<Stage, { is: 'cutting' }>, by: Recall): void {
  if (stage.recalled !== null || stage.ground === 'forced') return;
  draft.state.stage = { ...stage, recalled: { by } };
  draft.do({ do: 'recall' });
}
