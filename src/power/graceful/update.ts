/**
 * The graceful shutdown of one node: `update(state, event) → { state, effects }`. It cuts on four grounds only: the
 * kernel's last line after our request followed by silence (grade A); silence, a gone network and a steady halt current
 * together where the configuration allows it (grade B); an operator's confirmed choice; or a deadline for which cutting
 * was confirmed beforehand. Everything that it is not sure of becomes a question. Pure.
 */
import { Draft } from './draft.ts';
import { hear } from './hear.ts';
import { notAllowed } from './hear-login.ts';
import { networkChanged, sampled, tickGone, tickJudging, unseen, watchNetwork } from './judge.ts';
import { sshAnswered } from './ssh-answer.ts';
import type { Shutdown, ShutdownEvent, Step } from './state.ts';
import { choicesOf, WAIT_MS, type Choice } from './troubles.ts';

/** Enter is pressed so often, so far apart, to wake a console. */
const WAKES = 3;
const WAKE_MS = 3_000;
/** A console that others' verbs interrupt is back within milliseconds; one that stays away longer is lost. */
const CONSOLE_LOST_MS = 10_000;

/** A console that is only watched and says nothing for so long is left to those who need it. */
const SILENT_WATCH_MS = 15_000;

type EventOf<K extends ShutdownEvent['kind']> = Extract<ShutdownEvent, { kind: K }>;

export function update(state: Shutdown, event: ShutdownEvent): Step {
  const draft = new Draft(state, event.at);
  if (state.stage.is !== 'ended') apply(draft, event);
  return draft.result();
}

function apply(draft: Draft, event: ShutdownEvent): void {
  switch (event.kind) {
    case 'start': {
      draft.open();
      return;
    }
    case 'tick': {
      if (event.wanted) yieldConsole(draft, event.urgent === true);
      tick(draft);
      return;
    }
    case 'console': {
      consoleChanged(draft, event);
      return;
    }
    case 'spaced':
      if (draft.state.stage.is === 'spaced') draft.askBySsh();
      return;
    case 'turn': {
      turnCame(draft);
      return;
    }
    case 'no-console': {
      noConsole(draft, event.why);
      return;
    }
    case 'hooks-done': {
      hooksDone(draft, event.why);
      return;
    }
    case 'ssh-done': {
      sshAnswered(draft, event.end);
      return;
    }
    case 'network': {
      networkChanged(draft, event.reachable);
      return;
    }
    case 'sample': {
      sampled(draft, event.sample, event.why);
      return;
    }
    case 'heard': {
      draft.state.heardAt = event.at;
      hear(draft, event.recognition);
      return;
    }
    case 'credentials': {
      credentials(draft, event);
      return;
    }
    case 'refused':
      if (draft.state.stage.is === 'judging') pressAgain(draft);
      else if (mayAsk(draft)) draft.raise('refused', event.why);
      return;
    case 'answer': {
      answered(draft, event);
      return;
    }
    case 'abort':
      // Once cutting, the bus decides whether the verb can still be held back.
      if (draft.state.stage.is !== 'cutting') draft.end('aborted', `aborted: ${draft.whatGoesOn()}`);
      return;
    case 'cut-done': {
      cutDone(draft, event);
      return;
    }
  }
}

function mayAsk(draft: Draft): boolean {
  return draft.state.stage.is !== 'cutting';
}

/** Enter met a moment in which its own BMC was asked: that press does not count. */
function pressAgain({ state }: Draft): void {
  if (state.stage.is === 'judging') state.stage = { ...state.stage, presses: Math.max(0, state.stage.presses - 1) };
}

function turnCame(draft: Draft): void {
  const { state } = draft;
  state.console = { ...state.console, held: true, closedAt: draft.at };
  const { stage } = state;
  // What was not seen before may be seen now.
  if (stage.is === 'judging') state.console = { ...state.console, problem: '' };
  if (stage.is === 'opening' && !stage.turn) {
    draft.enter({ ...stage, turn: true, wokeAt: draft.at }, state.target.limits.preflight);
  }
}

/** Why its console cannot ask it; then another way does, or nothing reaches it. */
function noConsole(draft: Draft, why: string): void {
  const { state } = draft;
  state.console = { ...state.console, held: false, open: false, proven: false, why, closedAt: null };
  switch (state.stage.is) {
    case 'opening': {
      noPrompt(draft, why, 'console-held');
      return;
    }
    case 'judging': {
      unseen(draft, why);
      return;
    }
    case 'cutting':
      return;
    default:
      // Only watched: the shutdown goes on without it.
      if (goesByItself(draft)) return;
      draft.raise('console-held', why);
  }
}

/**
 * Where several go down together, whoever only watches a silent console, or waits for a person's answer, leaves it to those
 * who have to ask or to judge; and to whom it is `urgent` for, because a last line comes once.
 */
function yieldConsole(draft: Draft, urgent: boolean): void {
  const { state, at } = draft;
  const { stage, trouble, target, console } = state;
  if (!target.shares || !console.held || ['login', 'by-hand', 'rescue', 'settle', 'cutting'].includes(stage.is)) return;
  const watches = goesByItself(draft) && (urgent || at - state.heardAt >= SILENT_WATCH_MS);
  if (trouble === null && !watches) return;
  draft.letGo();
  if (trouble === null) draft.acquire('watch');
}

/** ssh asked it, so that its console is a witness and no way. */
function goesByItself({ state: { stage, target, sshProblem } }: Draft): boolean {
  return (
    target.ssh !== null &&
    sshProblem === null &&
    ['before', 'spaced', 'ssh', 'asked', 'stopping', 'gone'].includes(stage.is)
  );
}

function noPrompt(draft: Draft, why: string, kind: 'silent' | 'no-prompt' | 'console-held' | 'console-lost'): void {
  const { state } = draft;
  state.console = { ...state.console, problem: why };
  if (draft.mayTrySsh) {
    draft.prove('console', `its console shows no prompt: ${why}`);
    draft.goesOn();
  } else if (state.sshProblem !== null) draft.raise('no-path', `ssh: ${state.sshProblem}; console: ${why}`);
  else draft.raise(kind, kind === 'console-held' || kind === 'console-lost' ? why : '');
}

function hooksDone(draft: Draft, why: string): void {
  const { state } = draft;
  if (state.stage.is !== 'before') return;
  if (why !== '') {
    draft.raise('hook-failed', why);
    return;
  }
  state.prepared = true;
  if (!draft.goesOn()) draft.open();
}

function consoleChanged(draft: Draft, { condition, at }: EventOf<'console'>): void {
  const { state } = draft;
  const { closedAt } = state.console;
  const away = closedAt === null ? 0 : at - closedAt;
  state.console = { ...state.console, ...condition, held: true, closedAt: condition.open ? null : (closedAt ?? at) };
  if (!condition.open) return;
  if (state.trouble?.kind === 'console-lost' && state.stage.is !== 'settle') draft.settled();
  const { stage } = state;
  // What Enter brings may have been lost in a gap: somebody's status request is enough.
  const unanswered = stage.is === 'opening' && (stage.wakes === 0 || (closedAt !== null && !stage.heard));
  if (unanswered && state.trouble === null) draft.wake();
  if (stage.is !== 'settle' || away === 0) return;
  // Something may have been said meanwhile. A machine that starts again needs longer than this to fall silent.
  const { settle } = state.target.limits;
  if (away <= settle) state.until = Math.max(state.until, at + settle);
  else {
    draft.stopping();
    draft.raise('console-lost', `it was away for ${Math.round(away / 1000)} s while the halt was to be watched`);
  }
}

function credentials(draft: Draft, { user, why }: EventOf<'credentials'>): void {
  const { state } = draft;
  if (state.trouble) return;
  if (state.stage.is === 'login' && state.stage.step === 'user') {
    if (user === null) {
      draft.raise('no-login', why);
      return;
    }
    draft.enter({ is: 'login', step: 'password' }, state.target.limits.request);
    draft.do({ do: 'type-user' });
    return;
  }
  if ((state.stage.is !== 'asked' && state.stage.is !== 'rescue') || state.sudo === null || state.sudo.answered) return;
  if (user === null) {
    notAllowed(draft, `sudo wants a password: ${why}`);
    return;
  }
  // A shell that somebody else left open wants that person's password, not the configured one.
  const itsUser = state.sudo.user ?? (state.loggedIn ? user : null);
  if (itsUser !== user) {
    notAllowed(draft, `sudo wants the password of ${itsUser ?? 'whoever left this shell open'}`);
    return;
  }
  state.sudo = { ...state.sudo, answered: true };
  draft.do({ do: 'type-password' });
}

function answered(draft: Draft, { choice, by }: EventOf<'answer'>): void {
  const { state } = draft;
  const { trouble, stage } = state;
  if (trouble === null || !choicesOf(trouble.kind).includes(choice as Choice)) return;
  draft.prove('answer', `${by} chose: ${choice}`);
  switch (choice as Choice) {
    case 'wait':
      draft.settled();
      state.until = draft.at + WAIT_MS;
      if (stage.is === 'stopping') state.stage = { ...stage, hardUntil: Math.max(stage.hardUntil, draft.at + WAIT_MS) };
      if (stage.is === 'judging' || stage.is === 'gone') {
        draft.enter({ is: 'gone', hardUntil: stage.hardUntil, judgeAt: draft.at + WAIT_MS, unit: null }, WAIT_MS);
        return;
      }
      if (!state.console.held) draft.acquire(goesByItself(draft) ? 'watch' : 'ask');
      // A console that is away gets as long again before it is called lost again.
      else if (!state.console.open) state.console = { ...state.console, closedAt: draft.at + WAIT_MS };
      return;
    case 'retry':
      draft.settled();
      {
        retry(draft, trouble.kind);
        return;
      }
    case 'skip':
      draft.settled();
      draft.prove('hook', `${by} goes on without it`);
      hooksDone(draft, '');
      return;
    case 'sync':
      draft.settled();
      state.goal = 'rescue';
      draft.open();
      return;
    case 'console':
      draft.settled();
      state.neverCut = null;
      state.requestedAt = draft.at;
      draft.prove('request', `${by} shuts it down by hand on its console`);
      draft.do({ do: 'listen' });
      draft.acquire('ask');
      {
        draft.enter({ is: 'by-hand' }, Math.max(state.target.limits.request, WAIT_MS));
        return;
      }
    case 'leave': {
      draft.end('left-on', `left on as ${by} chose: ${draft.whatGoesOn()}`);
      return;
    }
    case 'force': {
      draft.cut('forced');
      return;
    }
  }
}

function retry(draft: Draft, kind: string): void {
  const { state } = draft;
  switch (kind) {
    case 'cut-failed':
      // The halt stands, and has to settle once more.
      state.until = draft.at + state.target.limits.settle;
      return;
    case 'force-failed': {
      draft.open();
      return;
    }
    case 'hook-failed':
      draft.enter({ is: 'before' }, state.target.hooks?.limit ?? 0);
      draft.do({ do: 'run-hooks' });
      return;
    case 'bmc-lost':
      state.bmc = { ...state.bmc, at: draft.at, failures: 0 };
      if (state.stage.is === 'settle') state.until = draft.at + state.target.limits.settle;
      return;
    case 'console-lost':
    case 'console-held':
      if (state.requestedAt === null) {
        draft.open();
        return;
      }
      state.until = draft.at + WAIT_MS;
      draft.acquire('ask');
      return;
    default:
      state.neverCut = null;
      state.sshProblem = null;
      state.goal = 'poweroff';
      state.console = { ...state.console, problem: '' };
      {
        draft.open();
        return;
      }
  }
}

function cutDone(draft: Draft, { ok, sent, outcome, detail, rule, current }: EventOf<'cut-done'>): void {
  const { state } = draft;
  if (state.stage.is !== 'cutting') return;
  const { ground } = state.stage;
  if (ok) {
    // What the kernel's last line proved teaches what the current means.
    if (ground === 'halted' && current !== null && state.runningCurrent !== null)
      draft.do({ do: 'observe', running: state.runningCurrent, halted: current });
    if (ground === 'halted' && state.haltedAt !== null && state.requestedAt !== null)
      draft.do({ do: 'took', ms: state.haltedAt - state.requestedAt });
    draft.end('done', detail, true);
    return;
  }
  // Sent three times without effect, or recalled: more of the same helps nobody.
  if (sent || outcome === 'aborted' || ground === 'deadline') {
    draft.end(outcome, detail);
    return;
  }
  if (ground === 'halted') {
    draft.enter({ is: 'settle', marker: '', firmware: false }, state.target.limits.settle);
    if (rule === 'unknown') draft.raise('bmc-lost', `it has halted; ${detail}`);
    else draft.raise('cut-failed', detail);
    return;
  }
  if (ground === 'composite') {
    const { hard } = state.target.limits;
    draft.enter({ is: 'gone', hardUntil: draft.at + hard, judgeAt: draft.at, unit: null }, 0);
    draft.raise(rule === 'unknown' ? 'bmc-lost' : 'cut-failed', detail);
    return;
  }
  draft.stopping();
  draft.raise('force-failed', detail);
}

function tick(draft: Draft): void {
  const { state, at } = draft;
  const { stage, target, trouble, console } = state;
  if (stage.is === 'cutting' || stage.is === 'ended') return;
  // A halt that is being watched already is watched to its end: seconds.
  const settling = stage.is === 'settle' && trouble === null;
  if (target.deadlineAt !== null && at >= target.deadlineAt && !settling) {
    deadline(draft);
    return;
  }
  if (trouble !== null) {
    if (at >= trouble.until) draft.end('left-on', `left on, because nobody answered: ${draft.whatGoesOn()}`);
    return;
  }
  const away = console.held && console.closedAt !== null ? at - console.closedAt : 0;
  if (away >= CONSOLE_LOST_MS && !goesByItself(draft)) {
    if (stage.is === 'judging') unseen(draft, console.why);
    else if (stage.is === 'opening') noPrompt(draft, console.why, 'console-lost');
    else draft.raise('console-lost', console.why);
    return;
  }
  switch (stage.is) {
    case 'before':
    case 'spaced':
    case 'ssh':
      return;
    case 'gone': {
      tickGone(draft);
      return;
    }
    case 'judging': {
      tickJudging(draft);
      return;
    }
    case 'rescue':
      if (at >= state.until) draft.raise('rescue-failed', stage.synced ? 'the sync was, the remount was not seen' : '');
      return;
    case 'opening':
      if (!stage.turn) return;
      if (at >= state.until) {
        if (stage.heard) noPrompt(draft, 'it shows neither a login nor a shell prompt', 'no-prompt');
        else noPrompt(draft, 'nothing comes from it', 'silent');
        return;
      }
      if (console.open && stage.wakes > 0 && stage.wakes < WAKES && at - stage.wokeAt >= WAKE_MS) draft.wake();
      return;
    case 'login':
      if (at >= state.until) draft.raise('login-failed', 'it did not answer in time');
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
      // Until ssh has ended, the line that was read may turn out to be an old one.
      if (at < state.until || !console.open || state.sshRuns) return;
      if (state.dirty === null && state.neverCut === null) draft.cut('halted');
      else draft.raise(state.dirty === null ? 'rebooted' : 'dirty', state.dirty ?? state.neverCut ?? '');
      return;
  }
}

function stallOf({ state, at }: Draft, unit: string | null): string {
  const asked = state.requestedAt === null ? '' : `${Math.round((at - state.requestedAt) / 1000)} s after it was asked`;
  return unit === null ? asked : `it waits for ${unit}`;
}

function deadline(draft: Draft): void {
  const { target, neverCut, stage, requestedAt } = draft.state;
  if (target.onDeadline === 'leave') {
    if (stage.is === 'opening' && !stage.turn && requestedAt === null) {
      draft.end('deadline', 'the deadline passed before its turn at the console: nothing was sent');
      return;
    }
    draft.end('deadline', `the deadline passed and it was left on: ${draft.whatGoesOn()}`);
    return;
  }
  if (neverCut !== null) {
    draft.end('deadline', `the deadline passed; it was not cut, because ${neverCut}`);
    return;
  }
  draft.prove('deadline', 'cutting at the deadline was confirmed when the operation was started');
  draft.cut('deadline');
}
