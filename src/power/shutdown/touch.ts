/**
 * The touch: the last proof before a cut on grade A. A last line is no proof, because any program that may write to
 * the console can print it. A living kernel echoes input, a halted one nothing; and nothing may answer at the node's
 * address. Any sign of life makes the cut a question. Pure.
 */
import type { EventOf, Stage, Touch } from './state.ts';
import type { Transition } from './transition.ts';

/**
 * A blank, deleted at once with Ctrl-U, after a Ctrl-Q for a console that was stopped with Ctrl-S. A shell, getty or
 * line-wise question echoes it and stays as it was, except for half-typed words; a password prompt takes an empty line.
 * Ctrl-U alone would ring the bell, and DEL is not the erase key everywhere.
 */
const KEY = '\x11 \x15';
/**
 * Enter, for programs that read without an echo: a password prompt, a full-screen program. Only after silence to the
 * blank, so that no shell is left that could run half a line, and no question that could take Enter for a yes.
 */
const ENTER = '\x11\x15\r';
/** Time to wait for an echo, ms: a share of the settle time, which states how long silence must be here. */
const ECHO_SHARE = 1 / 3;
const ECHO_MIN_MS = 1_000;
const ECHO_MAX_MS = 2_000;
/** Longest step that counts as observed, ms: after a stall, output of that time has not been read yet. */
const LISTENED_MS = 250;
/** Time within which the bus's own echo of a reopened console arrives, ms. */
export const CLEAR_MS = 200;
/** Longest gap that a status request to the BMC makes in the console, ms. */
const OWN_GAP_MS = 500;
/** Delay before the request to a silent BMC is repeated, ms; and the number of failures after which it is lost. */
const ASK_AGAIN_MS = 2_000;
export const LOST_TRIES = 3;

type SettleStage = Extract<Stage, { is: 'settle' }>;

/**
 * Returns the silence needed before the touch begins, ms. The touch is silence too: together they last the settle time,
 * or a third of it and the touch where that is longer.
 */
export function silenceMs(settleMs: number): number {
  return Math.max(settleMs * ECHO_SHARE, settleMs - touchMs(settleMs));
}

/** Returns the time from the last line to the cut where nothing interferes, ms. */
export function untilDeadMs(settleMs: number): number {
  return silenceMs(settleMs) + touchMs(settleMs);
}

function touchMs(settleMs: number): number {
  return 2 * echoMs(settleMs) + CLEAR_MS;
}

/** Inputs of a touch besides its progress. Times in milliseconds. */
export interface TouchScene {
  at: number;
  console: { open: boolean; proven: boolean };
  /** Time at which the silence before the touch has lasted long enough. */
  dueAt: number;
  settleMs: number;
}

/**
 * `type`: keys for its console, or null. `sample`: its BMC's status is needed. `dead`: nothing came back to the end.
 */
export interface TouchMove {
  touch: Touch | null;
  type: string | null;
  sample: boolean;
  dead: boolean;
}

/** Begins a touch when it is due, or continues it. */
export function stepTouch(touch: Touch | null, { at, console, dueAt, settleMs }: TouchScene): TouchMove {
  const waitsMs = echoMs(settleMs);
  const rests: TouchMove = { touch, type: null, sample: false, dead: false };
  // A closed pipe is as silent as a halted machine: the BMC's status is requested, which opens the pipe again, and
  // Enter is pressed on the console behind that pipe.
  const opensAnew: TouchMove = {
    ...rests,
    touch: { step: 'pipe', answered: false, askedAt: at, clearAt: at },
    sample: true,
  };
  if (!console.open || at < dueAt) return rests;
  switch (touch?.step) {
    case undefined:
      if (console.proven) return { ...rests, touch: { step: 'key', listened: 0, at }, type: KEY };
      // No printable byte may be sent before the console has proven to be the node's, because it could reach a BIOS.
      // Silence takes the blank's place.
      return at >= dueAt + waitsMs ? opensAnew : rests;
    case 'key':
      return touch.listened >= waitsMs ? opensAnew : { ...rests, touch: listen(touch, at) };
    case 'pipe':
      if (!touch.answered) return at - touch.askedAt >= ASK_AGAIN_MS ? opensAnew : rests;
      return at < touch.clearAt ? rests : { ...rests, touch: { step: 'enter', listened: 0, at }, type: ENTER };
    case 'enter': {
      const next = listen(touch, at);
      return { ...rests, touch: next, dead: next.listened >= waitsMs };
    }
  }
}

/**
 * Returns the touch after the console closed, or opened again `awayMs` later: input and output may be lost. It begins
 * again, except in the moment in which its own status request opens the console again.
 */
export function interruptTouch(touch: Touch | null, open: boolean, awayMs: number, at: number): Touch | null {
  if (touch?.step === 'pipe' && awayMs <= OWN_GAP_MS) return { ...touch, clearAt: at + CLEAR_MS };
  return !open || awayMs > 0 ? null : touch;
}

/** Returns the touch after its BMC has answered. */
export function answerTouch(touch: Touch | null, at: number): Touch | null {
  return touch?.step === 'pipe' ? { ...touch, answered: true, clearAt: at + CLEAR_MS } : touch;
}

/** Begins or continues the touch after a silent settle time. True: the machine is dead to it. */
export function tickTouch(transition: Transition, stage: SettleStage): boolean {
  const { state, at } = transition;
  const settleMs = state.target.limits.settle;
  const move = stepTouch(stage.touch, { at, console: state.console, dueAt: state.until, settleMs });
  if (move.touch !== stage.touch) state.stage = { ...stage, touch: move.touch };
  if (move.type !== null) transition.type(move.type);
  if (move.sample) transition.do({ do: 'sample' });
  return move.dead && networkIsSilent(transition);
}

/** Applies {@link interruptTouch} to the stage. */
export function touchInterrupted(transition: Transition, stage: SettleStage, open: boolean, awayMs: number): void {
  transition.state.stage = { ...stage, touch: interruptTouch(stage.touch, open, awayMs, transition.at) };
}

/** Handles the answer, or failure, of the touch's status request. */
export function touchSampled(transition: Transition, stage: SettleStage, answered: boolean, why: string): void {
  if (stage.touch?.step !== 'pipe') return;
  if (answered) transition.state.stage = { ...stage, touch: answerTouch(stage.touch, transition.at) };
  else if (transition.state.bmc.failures >= LOST_TRIES) transition.ask('bmc-lost', why);
}

/** Handles any output of the console: a halted machine sends none. */
export function onOutputWhileSettling(transition: Transition, { text }: EventOf<'output'>): void {
  const { stage } = transition.state;
  if (stage.is !== 'settle' || stage.touch === null || stage.touch.step === 'pipe') return;
  const key = stage.touch.step === 'key' ? 'a blank' : 'Enter';
  const words = text.replace(/[^\x20-\x7e]+/g, ' ').trim();
  askAlive(transition, `its console answered ${key}${words === '' ? '' : ` with “${words.slice(0, 80)}”`}`);
}

/** Contradicts the last line that was read. */
export function askAlive(transition: Transition, reason: string): void {
  transition.prove('alive', reason);
  transition.state.contradicted += 1;
  transition.stopping();
  transition.ask('alive-after-halt', reason);
}

/** Reports whether the network has no address to probe, or a probe that began after the last line found nothing. */
function networkIsSilent({ state: { target, network, haltedAt } }: Transition): boolean {
  return target.ssh === null || (network.silentAt !== null && haltedAt !== null && network.silentAt >= haltedAt);
}

function listen<T extends { listened: number; at: number }>(touch: T, at: number): T {
  return { ...touch, listened: touch.listened + Math.min(at - touch.at, LISTENED_MS), at };
}

/** Returns the time to wait for an echo at this settle time, ms. */
function echoMs(settleMs: number): number {
  return Math.min(ECHO_MAX_MS, Math.max(ECHO_MIN_MS, settleMs * ECHO_SHARE));
}
