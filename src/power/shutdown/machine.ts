/**
 * The graceful shutdown of one node: `update(state, event) → { state, effects }`, with operators' answers and the
 * results of a cut. It cuts on four grounds only: the kernel's last line after our request, followed by silence, on a
 * machine that is dead to a touch (grade A); silence, a gone network and a steady halt current together where the
 * configuration allows it (grade B); an operator's confirmed choice; or a deadline for which cutting was confirmed
 * beforehand. Any doubt becomes a question. Pure.
 */
import { consoleChanged, goesByItself, noConsole, pressAgain, consoleAcquired, yieldConsole } from './console.ts';
import { networkChanged, sampled, stalled } from './evidence.ts';
import { credentials } from './login.ts';
import { onScreen } from './opening.ts';
import { onConsoleLine } from './progress.ts';
import { type Choice, choicesOf, WAIT_MS } from './prompts.ts';
import { hooksDone, journalled, notTyped, requested, sshAnswered, sshRan, unsent } from './request.ts';
import type { EventOf, Recall, Shutdown, ShutdownEvent, Stage, Step } from './state.ts';
import { tick } from './timeouts.ts';
import { askAlive, silenceMs, onOutputWhileSettling } from './touch.ts';
import { Transition } from './transition.ts';

function answered(transition: Transition, { choice, by }: EventOf<'answer'>): void {
  const { state } = transition;
  const { prompt, stage } = state;
  if (prompt === null || !choicesOf(prompt.kind).includes(choice as Choice)) return;
  transition.prove('answer', `${by} chose: ${choice}`);
  switch (choice as Choice) {
    case 'wait':
      transition.clearPrompt();
      state.until = transition.at + WAIT_MS;
      if (stage.is === 'stopping')
        state.stage = { ...stage, hardUntil: Math.max(stage.hardUntil, transition.at + WAIT_MS) };
      if (stage.is === 'testing' || stage.is === 'gone') {
        transition.enter(
          { is: 'gone', hardUntil: stage.hardUntil, assessAt: transition.at + WAIT_MS, unit: null },
          WAIT_MS,
        );
        return;
      }
      if (!state.console.held) {
        // Its limit begins with its turn at the console.
        if (stage.is === 'opening') state.until = Infinity;
        transition.acquire(goesByItself(transition) ? 'watch' : 'ask');
      }
      // A closed console gets the same time again before it counts as lost again.
      else if (!state.console.open) state.console = { ...state.console, closedAt: transition.at + WAIT_MS };
      return;
    case 'retry':
      transition.clearPrompt();
      retry(transition, prompt.kind);
      return;
    case 'skip':
      transition.clearPrompt();
      transition.prove('hook', `${by} continues without it`);
      hooksDone(transition, '');
      return;
    case 'trust':
      transition.clearPrompt();
      state.trusted = true;
      transition.open();
      return;
    case 'sync':
      transition.clearPrompt();
      state.goal = 'rescue';
      transition.open();
      return;
    case 'console':
      transition.clearPrompt();
      state.neverCut = null;
      state.requestedAt = transition.at;
      transition.prove('intent', `${by} chose to shut it down manually on its console`);
      transition.do({ do: 'listen' });
      transition.acquire('ask');
      transition.enter({ is: 'by-hand' }, Math.max(state.target.limits.request, WAIT_MS));
      return;
    case 'leave':
      transition.end('left-on', `left on as ${by} chose: ${transition.whatGoesOn()}`, false, 'no');
      return;
    case 'force':
      transition.cut('forced');
      return;
  }
}

function retry(transition: Transition, kind: string): void {
  const { state } = transition;
  switch (kind) {
    case 'cut-failed':
      // The halt remains valid, and has to settle once more.
      state.until = transition.at + state.target.limits.settle;
      return;
    case 'force-failed':
      transition.open();
      return;
    case 'hook-failed':
      transition.enter({ is: 'before' }, state.target.hooks?.limit ?? 0);
      transition.do({ do: 'run-hooks' });
      return;
    case 'bmc-lost':
      state.bmc = { ...state.bmc, at: transition.at, failures: 0 };
      if (state.stage.is === 'settle') {
        state.stage = { ...state.stage, touch: null };
        state.until = transition.at + state.target.limits.settle;
      }
      return;
    case 'console-lost':
    case 'console-held':
      if (state.requestedAt === null) {
        transition.open();
        return;
      }
      state.until = transition.at + WAIT_MS;
      transition.acquire('ask');
      return;
    default:
      state.neverCut = null;
      state.sshProblem = null;
      state.goal = 'poweroff';
      state.console = { ...state.console, problem: '' };
      transition.open();
      return;
  }
}

function cutDone(transition: Transition, { ok, sent, outcome, detail, rule, current }: EventOf<'cut-done'>): void {
  const { state } = transition;
  if (state.stage.is !== 'cutting') return;
  const { ground, from, recalled } = state.stage;
  if (!ok && !sent && recalled !== null) {
    const { by } = recalled;
    if (ground === 'deadline' && by !== null && by !== 'network') transition.restarted(by.text);
    else goBack(transition, from, by);
    return;
  }
  // Console output went unread for too long before the verb: the evidence has to be gathered again.
  if (!ok && !sent && rule === 'held-up' && ground !== 'forced') {
    goBack(transition, from, null);
    return;
  }
  if (ok) {
    // The kernel's last line proves the halt, so the current is recorded as a halted one.
    if (ground === 'halted' && current !== null && state.runningCurrent !== null)
      transition.do({ do: 'observe', running: state.runningCurrent, halted: current });
    const tookMs = (state.haltedAt ?? 0) - (state.requestedAt ?? Infinity);
    if (ground === 'halted' && tookMs > 0) transition.do({ do: 'took', ms: tookMs });
    transition.end(outcome, detail, true);
    return;
  }
  // Sent three times without effect, or recalled: a repetition is of no use.
  if (sent || outcome === 'aborted' || ground === 'deadline') {
    transition.end(outcome, detail);
    return;
  }
  if (ground === 'halted') {
    transition.enter({ is: 'settle', marker: '', firmware: false, touch: null }, silenceMs(state.target.limits.settle));
    if (rule === 'unknown') transition.ask('bmc-lost', `it has halted; ${detail}`);
    else transition.ask('cut-failed', detail);
    return;
  }
  if (ground === 'composite') {
    const { hard } = state.target.limits;
    transition.enter({ is: 'gone', hardUntil: transition.at + hard, assessAt: transition.at, unit: null }, 0);
    transition.ask(rule === 'unknown' ? 'bmc-lost' : 'cut-failed', detail);
    return;
  }
  transition.stopping();
  transition.ask('force-failed', detail);
}

/**
 * Returns to the stage before the cut, with its evidence to be gathered again; a line that recalled the cut is handled
 * there.
 */
function goBack(transition: Transition, from: Stage, by: Recall): void {
  const { target } = transition.state;
  const network = `something answers at ${target.ssh ?? 'its address'}`;
  const words =
    by === null ? 'its console was not read for a while: checked again' : by === 'network' ? network : `“${by.text}”`;
  transition.prove('recalled', words);
  transition.state.stage = from;
  stalled(transition, 0);
  if (by !== 'network') {
    if (by !== null) onConsoleLine(transition, by);
  } else if (from.is === 'settle') askAlive(transition, network);
  else transition.restarted('its network answers again');
}

export function update(state: Shutdown, event: ShutdownEvent): Step {
  const transition = new Transition(state, event.at);
  if (state.stage.is !== 'ended') apply(transition, event);
  return transition.result();
}

function apply(transition: Transition, event: ShutdownEvent): void {
  switch (event.kind) {
    case 'start':
      transition.open();
      return;
    case 'tick':
      if (event.wanted) yieldConsole(transition, event.urgent === true);
      tick(transition, event.pressed === true);
      return;
    case 'stalled':
      stalled(transition, event.ms);
      return;
    case 'console':
      consoleChanged(transition, event);
      return;
    case 'journalled':
      journalled(transition);
      return;
    case 'requested':
      requested(transition, event.leftAt);
      return;
    case 'unsent':
      unsent(transition);
      return;
    case 'ssh-ran':
      sshRan(transition);
      return;
    case 'spaced':
      if (transition.state.stage.is === 'spaced') transition.askBySsh();
      return;
    case 'turn':
      consoleAcquired(transition);
      return;
    case 'no-console':
      noConsole(transition, event.why);
      return;
    case 'hooks-done':
      hooksDone(transition, event.why, event.required === true);
      return;
    case 'ssh-done':
      sshAnswered(transition, event.end);
      return;
    case 'network':
      networkChanged(transition, event);
      return;
    case 'sample':
      sampled(transition, event.sample, event.why);
      return;
    case 'output':
      onOutputWhileSettling(transition, event);
      return;
    case 'recognized':
      transition.state.lastOutputAt = event.at;
      onConsoleLine(transition, event.recognition);
      return;
    case 'screen':
      onScreen(transition, event);
      return;
    case 'credentials':
      credentials(transition, event);
      return;
    case 'refused':
      if (transition.state.stage.is === 'testing') pressAgain(transition);
      else if (transition.state.stage.is === 'requesting') notTyped(transition, event.why);
      else if (mayAsk(transition)) transition.ask('refused', event.why);
      return;
    case 'answer':
      answered(transition, event);
      return;
    case 'abort':
      // In stage `cutting` the bus decides whether the verb can still be held back.
      if (transition.state.stage.is !== 'cutting') transition.end('aborted', `aborted: ${transition.whatGoesOn()}`);
      return;
    case 'cut-done':
      cutDone(transition, event);
      return;
  }
}

function mayAsk(transition: Transition): boolean {
  return transition.state.stage.is !== 'cutting';
}
