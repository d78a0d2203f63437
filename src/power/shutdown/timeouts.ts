/**
 * Handles the passing of time in a shutdown: each stage's limit, a console that stays closed, the deadline. Pure.
 */
import { goesByItself, noPrompt } from './console.ts';
import { tickGone, tickJudging, unseen, watchNetwork } from './evidence.ts';
import { tickIdentify, tickOpening } from './opening.ts';
import { isHopeless, questionOf, type OperatorPrompt } from './prompts.ts';
import { notTyped } from './request.ts';
import { tickTouch } from './touch.ts';
import type { Transition } from './transition.ts';

/**
 * Silence after which a claim counts, ms: a banner goes on, or a prompt follows it, within this; behind a panic nothing
 * comes.
 */
const CLAIM_MS = 2_000;
/** Time after which a closed console is lost, ms: other nodes' verbs interrupt it for milliseconds only. */
const CONSOLE_LOST_MS = 10_000;

/** Handles a tick. `pressed`: other nodes have waited long enough for the console. */
export function tick(draft: Transition, pressed = false): void {
  const { state, at } = draft;
  const { stage, target, trouble, console } = state;
  if (stage.is === 'cutting' || stage.is === 'ended') return;
  // A halt that is already being watched is watched to its end, which takes seconds; but not a second time after a last
  // line was contradicted.
  const settling = stage.is === 'settle' && trouble === null && state.claims === 0;
  if (target.deadlineAt !== null && at >= target.deadlineAt && !settling && !isWatchedOn(draft)) {
    deadline(draft);
    return;
  }
  if (trouble !== null && target.unattended) {
    if (at >= trouble.until || pressed) giveUp(draft, trouble);
    return;
  }
  if (trouble !== null) {
    if (at >= trouble.until) draft.end('left-on', `left on, because nobody answered: ${draft.whatGoesOn()}`);
    return;
  }
  if (pressed && target.unattended && handTurnOn(draft)) return;
  const away = console.held && console.closedAt !== null ? at - console.closedAt : 0;
  if (away >= CONSOLE_LOST_MS && !goesByItself(draft)) {
    if (stage.is === 'judging') unseen(draft, console.why);
    else if (stage.is === 'opening') noPrompt(draft, console.why, 'console-lost');
    else draft.raise('console-lost', console.why);
    return;
  }
  if (state.claim !== null && at - state.heardAt >= CLAIM_MS) {
    const { kind, said } = state.claim;
    state.claim = null;
    draft.raise(kind, said);
    return;
  }
  switch (stage.is) {
    case 'before':
    case 'spaced':
    case 'ssh':
      return;
    case 'gone':
      tickGone(draft);
      return;
    case 'judging':
      tickJudging(draft);
      return;
    case 'rescue':
      if (at >= state.until) draft.raise('rescue-failed', stage.synced ? 'the sync was, the remount was not seen' : '');
      return;
    case 'opening':
      if (!stage.turn) return;
      if (at >= state.until) {
        if (stage.heard)
          noPrompt(draft, 'it shows neither a login nor a shell prompt', 'no-prompt', stage.said.at(-1) ?? '');
        else noPrompt(draft, 'nothing comes from it', 'silent');
        return;
      }
      tickOpening(draft);
      return;
    case 'identify':
      tickIdentify(draft);
      return;
    case 'login':
      if (at >= state.until) draft.raise('login-unfinished', 'it did not answer in time');
      return;
    case 'requesting':
      if (at < state.until) return;
      if (stage.step === 'wire') notTyped(draft, 'what was typed did not leave in time');
      else if (console.open || !console.held) draft.open();
      return;
    case 'asked':
      if (at >= state.until) draft.raise('unheard');
      return;
    case 'by-hand':
      if (at >= state.until) draft.raise('idle');
      return;
    case 'stopping':
      if (watchNetwork(draft)) return;
      if (at >= state.until) draft.raise('stalled', stallOf(draft, stage.unit));
      return;
    case 'settle':
      // Until ssh has ended, the last line may turn out to be an old one.
      if (at < state.until || !console.open || state.sshRuns) return;
      if (state.dirty !== null || state.neverCut !== null)
        draft.raise(state.dirty === null ? 'rebooted' : 'dirty', state.dirty ?? state.neverCut ?? '');
      else if (tickTouch(draft, stage)) {
        draft.prove(
          'touch',
          `dead to a touch: its console echoes nothing${target.ssh === null ? '' : `, and nothing answers at ${target.ssh}`}`,
        );
        draft.cut('halted');
      }
      return;
  }
}

/** It was asked in time and goes down: its run has ended, and the last line is what a later cut needs. */
function isWatchedOn({ state }: Transition): boolean {
  const { stage, target, trouble, requestedAt } = state;
  return (
    target.watchedOn && trouble === null && requestedAt !== null && (stage.is === 'asked' || stage.is === 'stopping')
  );
}

/** Ends this try with the text of its question; an armed run tries the node again later. */
function giveUp(draft: Transition, trouble: OperatorPrompt): void {
  const { target, neverCut } = draft.state;
  const { text } = questionOf(trouble, target);
  const words = `${text} Nobody is asked in an armed run: ${draft.whatGoesOn()}`;
  if (neverCut !== null && (target.onDeadline === 'cut' || isHopeless(trouble.kind)))
    draft.end('left-on', words, false, 'no');
  else if (isHopeless(trouble.kind)) draft.end('left-on', words, false, 'at-deadline');
  else draft.end('failed', words);
}

/** Releases the console to other nodes. True: this try ends with that. */
function handTurnOn(draft: Transition): boolean {
  const { stage, console } = draft.state;
  if (!console.held) return false;
  if (stage.is === 'before' || goesByItself(draft)) {
    draft.letGo();
    if (stage.is !== 'before') draft.acquire('watch');
    return false;
  }
  if (!['opening', 'identify', 'login', 'asked', 'stopping', 'gone'].includes(stage.is)) return false;
  draft.end('failed', `gives its turn at the console to others: ${draft.whatGoesOn()}`);
  return true;
}

function stallOf({ state, at }: Transition, unit: string | null): string {
  const asked = state.requestedAt === null ? '' : `${Math.round((at - state.requestedAt) / 1000)} s after it was asked`;
  return unit === null ? asked : `it waits for ${unit}`;
}

function deadline(draft: Transition): void {
  const { target, neverCut, stage, requestedAt } = draft.state;
  const noTurn = stage.is === 'opening' && !stage.turn && requestedAt === null;
  // An armed run cuts a node without a request only where none could be sent in all its time.
  const spared = target.unattended && (noTurn || (requestedAt === null && !target.cutUnasked));
  if (target.onDeadline === 'leave' || spared) {
    if (noTurn) {
      draft.end('deadline', 'the deadline passed before its turn at the console: nothing was sent');
      return;
    }
    draft.end('deadline', `the deadline passed and it was left on: ${draft.whatGoesOn()}`);
    return;
  }
  if (neverCut !== null) {
    draft.end('deadline', `the deadline passed; it was not cut, because ${neverCut}`, false, 'no');
    return;
  }
  draft.prove('deadline', 'cutting at the deadline was confirmed when the operation was started');
  draft.cut('deadline');
}
