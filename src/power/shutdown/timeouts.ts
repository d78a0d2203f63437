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
 * Silence after which an unconfirmed line counts, ms: a banner continues, or a prompt follows it, within this; behind a
 * panic nothing comes.
 */
const UNCONFIRMED_MS = 2_000;
/** Time after which a closed console is lost, ms: other nodes' verbs interrupt it for milliseconds only. */
const CONSOLE_LOST_MS = 10_000;

/** Handles a tick. `pressed`: other nodes have waited long enough for the console. */
export function tick(transition: Transition, pressed = false): void {
  const { state, at } = transition;
  const { stage, target, prompt, console } = state;
  if (stage.is === 'cutting' || stage.is === 'ended') return;
  // A halt that is already being watched is watched to its end, which takes seconds; but not a second time after a last
  // line was contradicted.
  const settling = stage.is === 'settle' && prompt === null && state.contradicted === 0;
  if (target.deadlineAt !== null && at >= target.deadlineAt && !settling && !isWatchedOn(transition)) {
    deadline(transition);
    return;
  }
  if (prompt !== null && target.unattended) {
    if (at >= prompt.until || pressed) giveUp(transition, prompt);
    return;
  }
  if (prompt !== null) {
    if (at >= prompt.until)
      transition.end('left-on', `left on, because the prompt was not answered: ${transition.whatGoesOn()}`);
    return;
  }
  if (pressed && target.unattended && releaseToOthers(transition)) return;
  const away = console.held && console.closedAt !== null ? at - console.closedAt : 0;
  if (away >= CONSOLE_LOST_MS && !goesByItself(transition)) {
    if (stage.is === 'testing') unseen(transition, console.why);
    else if (stage.is === 'opening') noPrompt(transition, console.why, 'console-lost');
    else transition.ask('console-lost', console.why);
    return;
  }
  if (state.unconfirmed !== null && at - state.lastOutputAt >= UNCONFIRMED_MS) {
    const { kind, text } = state.unconfirmed;
    state.unconfirmed = null;
    transition.ask(kind, text);
    return;
  }
  switch (stage.is) {
    case 'before':
    case 'spaced':
    case 'ssh':
      return;
    case 'gone':
      tickGone(transition);
      return;
    case 'testing':
      tickJudging(transition);
      return;
    case 'rescue':
      if (at >= state.until)
        transition.ask('rescue-failed', stage.synced ? 'the sync was confirmed, the remount was not' : '');
      return;
    case 'opening':
      if (!console.held) return;
      if (at >= state.until) {
        if (stage.printed)
          noPrompt(transition, 'it shows no login or shell prompt', 'no-prompt', stage.lines.at(-1) ?? '');
        else noPrompt(transition, 'it is silent', 'silent');
        return;
      }
      tickOpening(transition);
      return;
    case 'identify':
      tickIdentify(transition);
      return;
    case 'login':
      if (at >= state.until) transition.ask('login-unfinished', 'it did not answer in time');
      return;
    case 'requesting':
      if (at < state.until) return;
      if (stage.step === 'wire') notTyped(transition, 'the keys were not sent in time');
      else if (console.open || !console.held) transition.open();
      return;
    case 'asked':
      if (at >= state.until) transition.ask('unheard');
      return;
    case 'by-hand':
      if (at >= state.until) transition.ask('idle');
      return;
    case 'stopping':
      if (watchNetwork(transition)) return;
      if (at >= state.until) transition.ask('stalled', stallOf(transition, stage.unit));
      return;
    case 'settle':
      // Until ssh has ended, the last line may turn out to be an old one.
      if (at < state.until || !console.open || state.sshRuns) return;
      if (state.dirty !== null || state.neverCut !== null)
        transition.ask(state.dirty === null ? 'rebooted' : 'dirty', state.dirty ?? state.neverCut ?? '');
      else if (tickTouch(transition, stage)) {
        transition.prove(
          'touch',
          `no response to a keystroke: its console echoes nothing${target.ssh === null ? '' : `, and ${target.ssh} does not answer`}`,
        );
        transition.cut('halted');
      }
      return;
  }
}

/** It was asked in time and goes down: its run has ended, and the last line is what a later cut needs. */
function isWatchedOn({ state }: Transition): boolean {
  const { stage, target, prompt, requestedAt } = state;
  return (
    target.watchedOn && prompt === null && requestedAt !== null && (stage.is === 'asked' || stage.is === 'stopping')
  );
}

/** Ends this try with the text of its question; an armed run tries the node again later. */
function giveUp(transition: Transition, prompt: OperatorPrompt): void {
  const { target, neverCut } = transition.state;
  const { text } = questionOf(prompt, target);
  const words = `${text} An armed run has no prompts: ${transition.whatGoesOn()}`;
  if (neverCut !== null && (target.onDeadline === 'cut' || isHopeless(prompt.kind)))
    transition.end('left-on', words, false, 'no');
  else if (isHopeless(prompt.kind)) transition.end('left-on', words, false, 'at-deadline');
  else transition.end('failed', words);
}

/** Releases the console to other nodes. True: this try ends with that. */
function releaseToOthers(transition: Transition): boolean {
  const { stage, console } = transition.state;
  if (!console.held) return false;
  if (stage.is === 'before' || goesByItself(transition)) {
    transition.letGo();
    if (stage.is !== 'before') transition.acquire('watch');
    return false;
  }
  if (!['opening', 'identify', 'login', 'asked', 'stopping', 'gone'].includes(stage.is)) return false;
  transition.end('failed', `releases the console to other nodes: ${transition.whatGoesOn()}`);
  return true;
}

function stallOf({ state, at }: Transition, unit: string | null): string {
  const asked = state.requestedAt === null ? '' : `${Math.round((at - state.requestedAt) / 1000)} s after it was asked`;
  return unit === null ? asked : `it waits for ${unit}`;
}

function deadline(transition: Transition): void {
  const { target, neverCut, stage, requestedAt } = transition.state;
  const notAcquired = stage.is === 'opening' && !stage.acquired && requestedAt === null;
  // An armed run cuts a node without a request only where none could be sent in all its time.
  const spared = target.unattended && (notAcquired || (requestedAt === null && !target.cutUnasked));
  if (target.onDeadline === 'leave' || spared) {
    if (notAcquired) {
      transition.end('deadline', 'the deadline passed before its turn at the console: nothing was sent');
      return;
    }
    transition.end('deadline', `the deadline passed and it was left on: ${transition.whatGoesOn()}`);
    return;
  }
  if (neverCut !== null) {
    transition.end('deadline', `the deadline passed; it was not cut, because ${neverCut}`, false, 'no');
    return;
  }
  transition.prove('deadline', 'cutting at the deadline was confirmed when the operation was started');
  transition.cut('deadline');
}
