/**
 * The graceful shutdown of one node: `update(state, event) → { state, effects }`. It cuts on three grounds only: the
 * kernel's last line after our request followed by silence, an operator's confirmed choice, or a deadline for which
 * cutting was confirmed beforehand. Everything that it is not sure of becomes a question. Pure.
 */
import { Draft } from './draft.ts';
import { hear } from './hear.ts';
import { notAllowed } from './hear-login.ts';
import type { Shutdown, ShutdownEvent, Step } from './state.ts';
import { choicesOf, WAIT_MS, type Choice } from './troubles.ts';

/** Enter is pressed so often, so far apart, to wake a console. */
const WAKES = 3;
const WAKE_MS = 3_000;
/** A console that others' verbs interrupt is back within milliseconds; one that stays away longer is lost. */
const CONSOLE_LOST_MS = 10_000;

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
      tick(draft);
      return;
    }
    case 'console': {
      consoleChanged(draft, event);
      return;
    }
    case 'no-console':
      draft.state.console = { ...draft.state.console, held: false, open: false, proven: false, why: event.why };
      if (mayAsk(draft)) draft.raise('console-held', event.why);
      return;
    case 'heard': {
      hear(draft, event.recognition);
      return;
    }
    case 'credentials': {
      credentials(draft, event);
      return;
    }
    case 'refused':
      if (mayAsk(draft)) draft.raise('refused', event.why);
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

function consoleChanged(draft: Draft, { condition, at }: EventOf<'console'>): void {
  const { state } = draft;
  const { closedAt } = state.console;
  const away = closedAt === null ? 0 : at - closedAt;
  state.console = { ...condition, held: true, closedAt: condition.open ? null : (closedAt ?? at) };
  if (!condition.open) return;
  if (state.trouble?.kind === 'console-lost' && state.stage.is !== 'settle') draft.settled();
  const { stage } = state;
  if (stage.is === 'opening' && stage.wakes === 0 && state.trouble === null) draft.wake();
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
  if (state.stage.is !== 'asked' || state.sudo === null || state.sudo.answered) return;
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
      if (!state.console.held) draft.do({ do: 'acquire' });
      // A console that is away gets as long again before it is called lost again.
      else if (!state.console.open) state.console = { ...state.console, closedAt: draft.at + WAIT_MS };
      return;
    case 'retry':
      draft.settled();
      {
        retry(draft, trouble.kind);
        return;
      }
    case 'console':
      draft.settled();
      state.neverCut = null;
      state.requestedAt = draft.at;
      draft.prove('request', `${by} shuts it down by hand on its console`);
      draft.do({ do: 'listen' });
      if (!state.console.held) draft.do({ do: 'acquire' });
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
    case 'console-lost':
    case 'console-held':
      if (state.requestedAt === null) {
        draft.open();
        return;
      }
      state.until = draft.at + WAIT_MS;
      draft.do({ do: 'acquire' });
      return;
    default:
      state.neverCut = null;
      {
        draft.open();
        return;
      }
  }
}

function cutDone(draft: Draft, { ok, sent, outcome, detail }: EventOf<'cut-done'>): void {
  const { state } = draft;
  if (state.stage.is !== 'cutting') return;
  const { ground } = state.stage;
  if (ok) {
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
    draft.raise('cut-failed', detail);
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
  if (away >= CONSOLE_LOST_MS) {
    draft.raise('console-lost', console.why);
    return;
  }
  switch (stage.is) {
    case 'opening':
      if (at >= state.until) {
        draft.raise(stage.heard ? 'no-prompt' : 'silent');
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
      if (at >= state.until) draft.raise('stalled', stage.unit === null ? '' : `it waits for ${stage.unit}`);
      return;
    case 'settle':
      if (at < state.until || !console.open) return;
      if (state.dirty === null && state.neverCut === null) draft.cut('halted');
      else draft.raise(state.dirty === null ? 'rebooted' : 'dirty', state.dirty ?? state.neverCut ?? '');
      return;
  }
}

function deadline(draft: Draft): void {
  const { target, neverCut } = draft.state;
  if (target.onDeadline === 'leave') {
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
