/**
 * The last proof before a cut on grade A. A last line is a claim: any program that may write to the console can print it.
 * So the machine must also be dead to a touch. A living kernel echoes what is typed, a halted one nothing; and nothing
 * may answer at the node's address. Any sign of life makes the cut a question. Pure.
 */
import type { EventOf, Stage, Touch } from './state.ts';
import type { Transition } from './transition.ts';

/**
 * A blank, taken back at once with Ctrl-U, behind a Ctrl-Q for a console that was stopped with Ctrl-S. A shell, getty or
 * line-wise question shows it and is left as it was, half-typed words apart; a password prompt takes an empty line. Ctrl-U
 * alone would ring the bell, and DEL is not the erase key everywhere.
 */
const KEY = '\x11 \x15';
/**
 * Enter, for who reads without an echo: a password prompt, a program that draws for itself. Only after the blank was met
 * with silence, so no shell is left that could run half a line, and no question that could take Enter for a yes.
 */
const ENTER = '\x11\x15\r';
/** How long an echo is waited for, ms: a share of the settling time, which says how quiet is quiet here. */
const ECHO_SHARE = 1 / 3;
const ECHO_MIN_MS = 1_000;
const ECHO_MAX_MS = 2_000;
/** Only time in which this program listened counts: after a stall what came meanwhile has not been read yet. */
const LISTENED_MS = 250;
/** What the bus itself echoes when the console is opened anew comes within this, ms. */
export const CLEAR_MS = 200;
/** A question to the BMC takes the console away for no longer than this, ms. */
const OWN_GAP_MS = 500;
/** A BMC that did not answer is asked again after this long, and is lost after so many failures. */
const ASK_AGAIN_MS = 2_000;
export const LOST_TRIES = 3;

type Settle = Extract<Stage, { is: 'settle' }>;

/**
 * How long silence lasts before the touch begins, ms. The touch is silence too: together they last the settling time, or a
 * third of it and the touch where that is longer.
 */
export function silenceMs(settleMs: number): number {
  return Math.max(settleMs * ECHO_SHARE, settleMs - touchMs(settleMs));
}

/** From the last line to the cut where nothing interferes, ms. */
export function untilDeadMs(settleMs: number): number {
  return silenceMs(settleMs) + touchMs(settleMs);
}

function touchMs(settleMs: number): number {
  return 2 * echoMs(settleMs) + CLEAR_MS;
}

/** What a touch depends on besides how far it is. Times in milliseconds. */
export interface TouchScene {
  at: number;
  console: { open: boolean; proven: boolean };
  /** When the silence before it has lasted long enough. */
  dueAt: number;
  settleMs: number;
}

/** `type`: keys for its console, or null. `sample`: its BMC is to be asked. `dead`: nothing came back to the end. */
export interface TouchMove {
  touch: Touch | null;
  type: string | null;
  sample: boolean;
  dead: boolean;
}

/** Begins a touch when it is due, or carries it on. */
export function stepTouch(touch: Touch | null, { at, console, dueAt, settleMs }: TouchScene): TouchMove {
  const waitsMs = echoMs(settleMs);
  const rests: TouchMove = { touch, type: null, sample: false, dead: false };
  // A pipe that fell shut is as silent as a halted machine: the BMC is asked, in a pipe that is opened for it, and the
  // console behind that pipe is the one that Enter is pressed on.
  const opensAnew: TouchMove = {
    ...rests,
    touch: { step: 'pipe', answered: false, askedAt: at, clearAt: at },
    sample: true,
  };
  if (!console.open || at < dueAt) return rests;
  switch (touch?.step) {
    case undefined:
      if (console.proven) return { ...rests, touch: { step: 'key', listened: 0, at }, type: KEY };
      // Until the console has proven to be the node's, no printable byte may go: it could meet a BIOS. Silence takes the
      // blank's place.
      return at >= dueAt + waitsMs ? opensAnew : rests;
    case 'key':
      return touch.listened >= waitsMs ? opensAnew : { ...rests, touch: listen(touch, at) };
    case 'pipe':
      if (!touch.answered) return at - touch.askedAt >= ASK_AGAIN_MS ? opensAnew : rests;
      return at < touch.clearAt ? rests : { ...rests, touch: { step: 'enter', listened: 0, at }, type: ENTER };
    case 'enter': {
      const heard = listen(touch, at);
      return { ...rests, touch: heard, dead: heard.listened >= waitsMs };
    }
  }
}

/**
 * The touch after the console went or came back, `awayMs` later: what was typed may be lost, and what was said. It begins
 * anew, but for the moment in which its own question to the BMC opens the console anew.
 */
export function interruptTouch(touch: Touch | null, open: boolean, awayMs: number, at: number): Touch | null {
  if (touch?.step === 'pipe' && awayMs <= OWN_GAP_MS) return { ...touch, clearAt: at + CLEAR_MS };
  return !open || awayMs > 0 ? null : touch;
}

/** The touch after its BMC has answered. */
export function answerTouch(touch: Touch | null, at: number): Touch | null {
  return touch?.step === 'pipe' ? { ...touch, answered: true, clearAt: at + CLEAR_MS } : touch;
}

/** The settling time has passed in silence, or the touch goes on. True: the machine is dead to it. */
export function tickTouch(draft: Transition, stage: Settle): boolean {
  const { state, at } = draft;
  const settleMs = state.target.limits.settle;
  const move = stepTouch(stage.touch, { at, console: state.console, dueAt: state.until, settleMs });
  if (move.touch !== stage.touch) state.stage = { ...stage, touch: move.touch };
  if (move.type !== null) draft.type(move.type);
  if (move.sample) draft.do({ do: 'sample' });
  return move.dead && networkIsSilent(draft);
}

/** See {@link interruptTouch}. */
export function touchInterrupted(draft: Transition, stage: Settle, open: boolean, awayMs: number): void {
  draft.state.stage = { ...stage, touch: interruptTouch(stage.touch, open, awayMs, draft.at) };
}

/** The BMC was asked for the touch, and answered or did not. */
export function touchSampled(draft: Transition, stage: Settle, answered: boolean, why: string): void {
  if (stage.touch?.step !== 'pipe') return;
  if (answered) draft.state.stage = { ...stage, touch: answerTouch(stage.touch, draft.at) };
  else if (draft.state.bmc.failures >= LOST_TRIES) draft.raise('bmc-lost', why);
}

/** Something came from the console. Whatever it is, a halted machine did not send it. */
export function sounded(draft: Transition, { text }: EventOf<'sound'>): void {
  const { stage } = draft.state;
  if (stage.is !== 'settle' || stage.touch === null || stage.touch.step === 'pipe') return;
  const key = stage.touch.step === 'key' ? 'a blank' : 'Enter';
  const words = text.replace(/[^\x20-\x7e]+/g, ' ').trim();
  alive(draft, `its console answered ${key}${words === '' ? '' : ` with “${words.slice(0, 80)}”`}`);
}

/** Contradicts the last line that was read. */
export function alive(draft: Transition, said: string): void {
  draft.prove('alive', said);
  draft.state.claims += 1;
  draft.stopping();
  draft.raise('alive-after-halt', said);
}

/** Nobody looks there, or a look that began after the last line found nothing. */
function networkIsSilent({ state: { target, network, haltedAt } }: Transition): boolean {
  return target.ssh === null || (network.silentAt !== null && haltedAt !== null && network.silentAt >= haltedAt);
}

function listen<T extends { listened: number; at: number }>(touch: T, at: number): T {
  return { ...touch, listened: touch.listened + Math.min(at - touch.at, LISTENED_MS), at };
}

/** How long an echo is waited for where silence is `settleMs` long, ms. */
function echoMs(settleMs: number): number {
  return Math.min(ECHO_MAX_MS, Math.max(ECHO_MIN_MS, settleMs * ECHO_SHARE));
}
