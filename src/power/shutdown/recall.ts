/**
 * Withdraws evidence: after a stall of this process, in which nothing was observed, and on a sign of life between the
 * decision and the verb. Pure.
 */
import type { Recognition } from '../../console/recognizer.ts';
import type { Recall, Stage } from './state.ts';
import { type Transition, SPEECH } from './transition.ts';

/**
 * Handles a time of `ms` in which this process, or its machine, stood still. Output of that time was read before this;
 * what should have been observed was not. Limits for expected events are extended by `ms`, and silence is counted anew.
 */
export function stalled(transition: Transition, ms: number): void {
  const { state, at } = transition;
  const { limits } = state.target;
  state.until += ms;
  if (state.prompt !== null) state.prompt = { ...state.prompt, until: state.prompt.until + ms };
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
      transition.enter({ is: 'gone', hardUntil, judgeAt, unit }, limits.networkGone);
      return;
    }
    case 'cutting':
      recall(transition, state.stage, null);
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

/** Signs that the machine starts anew: not even a deadline for which cutting was confirmed cuts then. */
const STARTS: readonly Recognition['kind'][] = ['boot', 'uboot', 'uboot-shell', 'reboot'];

/** Recalls the cut on a sign of life, until the verb is sent. */
export function onLineWhileCutting(transition: Transition, heard: Recognition): void {
  const { stage } = transition.state;
  if (stage.is !== 'cutting' || stage.ground === 'forced' || heard.kind === 'halt') return;
  if (stage.ground === 'deadline' && !STARTS.includes(heard.kind)) return;
  if (heard.kind === 'output' && !SPEECH.test(heard.text)) return;
  recall(transition, stage, heard);
}

/**
 * Recalls the cut of a machine that is taken for halted when something answers at its address, in a probe that began at
 * `askedAt`.
 */
export function networkAnswers(transition: Transition, askedAt: number): void {
  const { stage, haltedAt } = transition.state;
  if (stage.is !== 'cutting' || (stage.ground !== 'halted' && stage.ground !== 'composite')) return;
  if (stage.ground === 'halted' && haltedAt !== null && askedAt <= haltedAt) return;
  recall(transition, stage, 'network');
}

function recall(transition: Transition, stage: Extract<Stage, { is: 'cutting' }>, by: Recall): void {
  if (stage.recalled !== null || stage.ground === 'forced') return;
  transition.state.stage = { ...stage, recalled: { by } };
  transition.do({ do: 'recall' });
}
