/**
 * The graceful shutdown of one node: `update(state, event) → { state, effects }`, with operators' answers and the
 * results of a cut. It cuts on four grounds only: the kernel's last line after our request, followed by silence, on a
 * machine that is dead to a touch (grade A); silence, a gone network and a steady halt current together where the
 * configuration allows it (grade B); an operator's confirmed choice; or a deadline for which cutting was confirmed
 * beforehand. Any doubt becomes a question. Pure.
 */
import { consoleChanged, goesByItself, noConsole, pressAgain, turnCame, yieldConsole } from './console.ts';
import { networkChanged, sampled } from './evidence.ts';
import { credentials } from './login.ts';
import { stood } from './opening.ts';
import { onConsoleLine } from './progress.ts';
import { type Choice, choicesOf, WAIT_MS } from './prompts.ts';
import { stalled } from './recall.ts';
import { journalled, notTyped, requested, sshRan, unsent } from './request.ts';
import { hooksDone, sshAnswered } from './ssh.ts';
import type { EventOf, Recall, Shutdown, ShutdownEvent, Stage, Step } from './state.ts';
import { tick } from './timeouts.ts';
import { alive, silenceMs, sounded } from './touch.ts';
import { Transition } from './transition.ts';

function answered(draft: Transition, { choice, by }: EventOf<'answer'>): void {
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
      // A closed console gets the same time again before it counts as lost again.
      else if (!state.console.open) state.console = { ...state.console, closedAt: draft.at + WAIT_MS };
      return;
    case 'retry':
      draft.settled();
      retry(draft, trouble.kind);
      return;
    case 'skip':
      draft.settled();
      draft.prove('hook', `${by} goes on without it`);
      hooksDone(draft, '');
      return;
    case 'trust':
      draft.settled();
      state.trusted = true;
      draft.open();
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
      draft.prove('intent', `${by} means to shut it down by hand on its console`);
      draft.do({ do: 'listen' });
      draft.acquire('ask');
      draft.enter({ is: 'by-hand' }, Math.max(state.target.limits.request, WAIT_MS));
      return;
    case 'leave':
      draft.end('left-on', `left on as ${by} chose: ${draft.whatGoesOn()}`, false, 'no');
      return;
    case 'force':
      draft.cut('forced');
      return;
  }
}

function retry(draft: Transition, kind: string): void {
  const { state } = draft;
  switch (kind) {
    case 'cut-failed':
      // The halt stands, and has to settle once more.
      state.until = draft.at + state.target.limits.settle;
      return;
    case 'force-failed':
      draft.open();
      return;
    case 'hook-failed':
      draft.enter({ is: 'before' }, state.target.hooks?.limit ?? 0);
      draft.do({ do: 'run-hooks' });
      return;
    case 'bmc-lost':
      state.bmc = { ...state.bmc, at: draft.at, failures: 0 };
      if (state.stage.is === 'settle') {
        state.stage = { ...state.stage, touch: null };
        state.until = draft.at + state.target.limits.settle;
      }
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
      draft.open();
      return;
  }
}

function cutDone(draft: Transition, { ok, sent, outcome, detail, rule, current }: EventOf<'cut-done'>): void {
  const { state } = draft;
  if (state.stage.is !== 'cutting') return;
  const { ground, from, recalled } = state.stage;
  if (!ok && !sent && recalled !== null) {
    const { by } = recalled;
    if (ground === 'deadline' && by !== null && by !== 'network') draft.restarted(by.text);
    else goBack(draft, from, by);
    return;
  }
  // Console output went unread for too long before the verb: the evidence has to be gathered again.
  if (!ok && !sent && rule === 'held-up' && ground !== 'forced') {
    goBack(draft, from, null);
    return;
  }
  if (ok) {
    // The kernel's last line proves the halt, so the current is recorded as a halted one.
    if (ground === 'halted' && current !== null && state.runningCurrent !== null)
      draft.do({ do: 'observe', running: state.runningCurrent, halted: current });
    const tookMs = (state.haltedAt ?? 0) - (state.requestedAt ?? Infinity);
    if (ground === 'halted' && tookMs > 0) draft.do({ do: 'took', ms: tookMs });
    draft.end(outcome, detail, true);
    return;
  }
  // Sent three times without effect, or recalled: a repetition is of no use.
  if (sent || outcome === 'aborted' || ground === 'deadline') {
    draft.end(outcome, detail);
    return;
  }
  if (ground === 'halted') {
    draft.enter({ is: 'settle', marker: '', firmware: false, touch: null }, silenceMs(state.target.limits.settle));
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

/**
 * Returns to the stage before the cut, with its evidence to be gathered anew; a line that recalled the cut is handled
 * there.
 */
function goBack(draft: Transition, from: Stage, by: Recall): void {
  const { target } = draft.state;
  const network = `something answers at ${target.ssh ?? 'its address'}`;
  const words =
    by === null ? 'nobody listened for a while: looked at again' : by === 'network' ? network : `“${by.text}”`;
  draft.prove('recalled', words);
  draft.state.stage = from;
  stalled(draft, 0);
  if (by !== 'network') {
    if (by !== null) onConsoleLine(draft, by);
  } else if (from.is === 'settle') alive(draft, network);
  else draft.restarted('its network answers again');
}

export function update(state: Shutdown, event: ShutdownEvent): Step {
  const draft = new Transition(state, event.at);
  if (state.stage.is !== 'ended') apply(draft, event);
  return draft.result();
}

function apply(draft: Transition, event: ShutdownEvent): void {
  switch (event.kind) {
    case 'start':
      draft.open();
      return;
    case 'tick':
      if (event.wanted) yieldConsole(draft, event.urgent === true);
      tick(draft, event.pressed === true);
      return;
    case 'stalled':
      stalled(draft, event.ms);
      return;
    case 'console':
      consoleChanged(draft, event);
      return;
    case 'journalled':
      journalled(draft);
      return;
    case 'requested':
      requested(draft, event.leftAt);
      return;
    case 'unsent':
      unsent(draft);
      return;
    case 'ssh-ran':
      sshRan(draft);
      return;
    case 'spaced':
      if (draft.state.stage.is === 'spaced') draft.askBySsh();
      return;
    case 'turn':
      turnCame(draft);
      return;
    case 'no-console':
      noConsole(draft, event.why);
      return;
    case 'hooks-done':
      hooksDone(draft, event.why, event.required === true);
      return;
    case 'ssh-done':
      sshAnswered(draft, event.end);
      return;
    case 'network':
      networkChanged(draft, event);
      return;
    case 'sample':
      sampled(draft, event.sample, event.why);
      return;
    case 'sound':
      sounded(draft, event);
      return;
    case 'heard':
      draft.state.heardAt = event.at;
      onConsoleLine(draft, event.recognition);
      return;
    case 'standing':
      stood(draft, event);
      return;
    case 'credentials':
      credentials(draft, event);
      return;
    case 'refused':
      if (draft.state.stage.is === 'judging') pressAgain(draft);
      else if (draft.state.stage.is === 'requesting') notTyped(draft, event.why);
      else if (mayAsk(draft)) draft.raise('refused', event.why);
      return;
    case 'answer':
      answered(draft, event);
      return;
    case 'abort':
      // In stage `cutting` the bus decides whether the verb can still be held back.
      if (draft.state.stage.is !== 'cutting') draft.end('aborted', `aborted: ${draft.whatGoesOn()}`);
      return;
    case 'cut-done':
      cutDone(draft, event);
      return;
  }
}

function mayAsk(draft: Transition): boolean {
  return draft.state.stage.is !== 'cutting';
}
