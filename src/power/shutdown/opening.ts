/**
 * Leads from an opened console to an identified shell: what is on the screen, which host it belongs to, which keys are
 * safe. Pure.
 */
import { lineHost } from '../../console/hostname.ts';
import { isStamped } from '../../console/line-patterns.ts';
import type { Recognition } from '../../console/recognizer.ts';
import { answerTimeOf, nextPress } from '../../console/screen-state.ts';
import { identityQuestion, readIdentity, tokenAt } from '../../console/shell-question.ts';
import { sameHost } from '../../rack/inventory.ts';
import { noPrompt } from './console.ts';
import type { EventOf } from './state.ts';
import type { Transition } from './transition.ts';

/** Interval of reading the screen, and silence needed before it, ms. */
const LISTEN_MS = 300;
/**
 * Time for which a screen that allows no key must last before it is reported, ms: a boot loader's countdown passes.
 */
const STANDS_MS = 2_000;
/** Time for a shell's answer, ms; and the shorter one after a prompt came back without an answer. */
const IDENTITY_MS = 5_000;
const NO_ANSWER_MS = 1_200;
/** Number of times that Enter is pressed at a prompt that is too short to prove the console at once. */
const PROVING = 4;
/** A tty's echo of our own control characters. */
const CONTROLS = /^(?:\^[@-_])+$/;
/** Lines of a prompt; more are output. */
const PROMPT_LINES = 4;

export function onOpeningLine(transition: Transition, line: Recognition): void {
  const { state } = transition;
  if (state.stage.is !== 'opening') return;
  if (CONTROLS.test(line.text)) {
    state.stage = { ...state.stage, answered: true };
    return;
  }
  // A node that can be reached by ssh gets a shorter limit.
  if (!state.stage.printed && !transition.mayTrySsh) state.until = state.since + state.target.limits.request;
  const lines = [...state.stage.lines, line.text].slice(-PROMPT_LINES);
  // The kernel prints by itself: behind a lost key, its lines are no answer.
  const answered = state.stage.answered || !isStamped(line.text);
  state.stage = { ...state.stage, printed: true, answered, lines };
  state.named = lineHost(line.text) ?? state.named;
  // A sticky question is open: nothing is typed at any prompt before it is answered.
  if (state.prompt) return;
  switch (line.kind) {
    case 'login':
      if (!isExpectedHost(transition, line.host ?? state.named)) return;
      seen(transition, line.host ?? state.named);
      if (transition.goesOn()) return;
      if (isNameless(transition, line.host)) {
        transition.ask('nameless-login', line.text);
        return;
      }
      state.named = line.host ?? state.named;
      transition.enter({ is: 'login', step: 'user' }, state.target.limits.request);
      transition.do({ do: 'ask-credentials' });
      return;
    case 'shell':
      // A prompt of one or two characters does not prove the console to the bus: three of them do.
      if (!state.console.proven && !transition.mayTrySsh) {
        transition.type('\r\r\r');
        return;
      }
      shellReached(transition, line);
      return;
    case 'uboot-shell':
    case 'initramfs-shell':
      transition.ask('emergency', line.text);
      return;
    case 'emergency':
      state.unconfirmed = { kind: 'emergency', text: line.text };
      return;
    default:
      return;
  }
}

/** Handles time in stage `opening`: reads the screen once no answer is awaited any more. */
export function tickOpening(transition: Transition): void {
  const { state, at } = transition;
  const { stage, console, lastOutputAt: heardAt } = state;
  if (stage.is !== 'opening' || !console.open || at - stage.lookedAt < LISTEN_MS) return;
  const last = stage.presses.at(-1);
  const waits = last === undefined ? 0 : stage.answered ? LISTEN_MS : answerTimeOf(last);
  if (at - stage.pressedAt < waits || (stage.printed && at - heardAt < LISTEN_MS)) return;
  state.stage = { ...stage, lookedAt: at };
  transition.do({ do: 'look' });
}

/** Chooses a harmless key by the state of the screen, or none. */
export function onScreen(transition: Transition, { screen: standing, fresh }: EventOf<'screen'>): void {
  const { state, at } = transition;
  const { stage, console } = state;
  // After input or output in between, the screen is read again.
  if (stage.is !== 'opening' || state.prompt || !console.open) return;
  if (stage.pressedAt > stage.lookedAt || state.lastOutputAt > stage.lookedAt) return;
  if (standing.is === 'taken') {
    if (at - Math.max(state.lastOutputAt, state.since) < STANDS_MS) return;
    const shown = `${standing.by}${standing.text === '' ? '' : ` (“${standing.text}”)`}`;
    noPrompt(transition, `it shows ${shown}, where no keys are typed`, 'taken', shown);
    return;
  }
  if (fresh && standing.is === 'prompt') {
    onOpeningLine(transition, { ...standing.prompt, at, text: standing.text });
    return;
  }
  if (fresh && standing.is === 'sign') {
    // A short prompt proves the console to the bus when Enter brings it again: an empty line harms no shell.
    if (!console.proven && !transition.mayTrySsh) {
      if (stage.presses.filter((press) => press === 'enter').length < PROVING) transition.press('enter');
      return;
    }
    if (!transition.mayTrySsh || state.target.host !== null)
      identify(transition, standing.text, namedIn(transition, stage.lines));
    return;
  }
  const press = nextPress(standing, { fresh, answered: stage.answered }, stage.presses);
  if (press !== null) transition.press(press);
}

/** Identifies the shell's host, by a command that only a shell answers. */
export function identify(transition: Transition, prompt: string, named: string | null): void {
  const token = tokenAt(transition.at);
  transition.enter({ is: 'identify', token, named, at: prompt, lines: null, promptAt: null }, IDENTITY_MS);
  transition.type(`${identityQuestion(token)}\r`);
}

export function onIdentityLine(transition: Transition, line: Recognition): void {
  const { state } = transition;
  const { stage } = state;
  if (stage.is !== 'identify' || state.prompt) return;
  if (isStamped(line.text)) return;
  const { lines, identity } = readIdentity(stage.token, stage.lines, line.text);
  if (identity === null) {
    const back = line.kind === 'shell' || (line.kind === 'output' && line.waits === true);
    state.stage = { ...stage, lines, promptAt: back ? transition.at : stage.promptAt };
    return;
  }
  if (identity.tty !== null) transition.prove('shell', `its shell is on ${identity.tty}`);
  const host = identity.host ?? stage.named;
  if (host === null && state.target.host !== null) transition.ask('nameless', stage.at);
  else if (isExpectedHost(transition, host)) known(transition, identity.root ?? isRoot(stage.at), host);
}

export function tickIdentify(transition: Transition): void {
  const { state, at } = transition;
  const { stage } = state;
  if (stage.is !== 'identify') return;
  const back = stage.promptAt !== null && at - stage.promptAt >= NO_ANSWER_MS;
  if (!back && at < state.until) return;
  // It runs no commands as shells do, but its prompt names the machine.
  if (stage.promptAt !== null && stage.named !== null) known(transition, isRoot(stage.at), stage.named);
  else if (state.loggedIn) transition.ask('login-failed', stage.at === '' ? 'no shell answered' : stage.at);
  else transition.ask('nameless', stage.at);
}

export function shellReached(
  transition: Transition,
  { root, host, text }: { root: boolean; host: string | null; text: string },
): void {
  const { state } = transition;
  const name = host ?? (state.loggedIn ? state.named : null);
  if (!isExpectedHost(transition, name)) return;
  // ssh reaches the machine by its address, whatever is on its console.
  if (name !== null || state.target.host === null || transition.mayTrySsh || !state.prepared)
    known(transition, root, name);
  else identify(transition, text, null);
}

function known(transition: Transition, root: boolean, host: string | null): void {
  seen(transition, host);
  if (transition.state.goal === 'shell') {
    transition.enter({ is: 'at-shell', root, host }, Infinity);
    return;
  }
  if (transition.goesOn()) return;
  if (transition.state.goal === 'rescue') transition.rescue(root, 's');
  else transition.request(root);
}

function seen(transition: Transition, host: string | null): void {
  transition.state.console = { ...transition.state.console, printedBefore: true, problem: '' };
  if (host !== null) transition.prove('host', `its console calls itself ${host}`);
}

function isExpectedHost(transition: Transition, host: string | null): boolean {
  const expected = transition.state.target.host;
  if (host === null || expected === null || sameHost(host, expected)) return true;
  transition.state.neverCut = `its console calls itself ${host}`;
  transition.ask('other-host', host);
  return false;
}

/** Reports whether neither prompt nor banner names the host of a login prompt, and no operator vouched for it. */
function isNameless({ state }: Transition, host: string | null): boolean {
  return state.target.host !== null && host === null && state.named === null && !state.trusted;
}

/**
 * Returns the expected name where a prompt of unknown shape shows it as a word; null: it does not. Only the lines since
 * Enter are that prompt: earlier ones may come from the machine from which another was reached.
 */
function namedIn({ state }: Transition, lines: readonly string[]): string | null {
  const { stage, target } = state;
  if (stage.is !== 'opening' || target.host === null || !stage.presses.includes('enter')) return null;
  const words = lines.slice(-2).flatMap((line) => line.split(/[^\w./-]+/));
  return words.find((word) => word !== '' && sameHost(word, target.host ?? '')) ?? null;
}

function isRoot(prompt: string): boolean {
  return prompt.endsWith('#');
}
