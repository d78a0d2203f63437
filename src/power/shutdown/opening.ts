/**
 * From a console that was opened to a shell that is known: what stands there, whose it is, what may be typed. Pure.
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

/** A console is looked at so often, and not while it speaks: so long after its last line. */
const LISTEN_MS = 300;
/** What gets no key is told after it has stood so long: a boot loader's countdown passes. */
const STANDS_MS = 2_000;
/** A shell answers within this; one that shows its prompt again without an answer, within the shorter time after that. */
const IDENTITY_MS = 5_000;
const NO_ANSWER_MS = 1_200;
/** So often Enter is pressed at a prompt that is too short to prove the console at once. */
const PROVING = 4;
/** What a tty shows of our own control characters. */
const CONTROLS = /^(?:\^[@-_])+$/;
/** Lines of a prompt; more are output. */
const PROMPT_LINES = 4;

export function onOpeningLine(draft: Transition, heard: Recognition): void {
  const { state } = draft;
  if (state.stage.is !== 'opening') return;
  if (CONTROLS.test(heard.text)) {
    state.stage = { ...state.stage, answered: true };
    return;
  }
  // A node that ssh can ask is not waited for so long.
  if (!state.stage.heard && !draft.mayTrySsh) state.until = state.since + state.target.limits.request;
  const said = [...state.stage.said, heard.text].slice(-PROMPT_LINES);
  state.stage = { ...state.stage, heard: true, answered: true, said };
  state.named = lineHost(heard.text) ?? state.named;
  // A sticky question stands: whatever prompt comes, nothing is typed before it is answered.
  if (state.trouble) return;
  switch (heard.kind) {
    case 'login':
      if (!isExpectedHost(draft, heard.host ?? state.named)) return;
      seen(draft, heard.host ?? state.named);
      if (draft.goesOn()) return;
      if (isNameless(draft, heard.host)) {
        draft.raise('nameless-login', heard.text);
        return;
      }
      state.named = heard.host ?? state.named;
      draft.enter({ is: 'login', step: 'user' }, state.target.limits.request);
      draft.do({ do: 'ask-credentials' });
      return;
    case 'shell':
      // A prompt of one or two characters proves nothing to the bus: three of them do.
      if (!state.console.proven && !draft.mayTrySsh) {
        draft.type('\r\r\r');
        return;
      }
      shellReached(draft, heard);
      return;
    case 'uboot-shell':
    case 'initramfs-shell':
      draft.raise('emergency', heard.text);
      return;
    case 'emergency':
      state.claim = { kind: 'emergency', said: heard.text };
      return;
    default:
      return;
  }
}

/** Time in stage `opening`: looks at the screen where an answer is not waited for any more. */
export function tickOpening(draft: Transition): void {
  const { state, at } = draft;
  const { stage, console, heardAt } = state;
  if (stage.is !== 'opening' || !console.open || at - stage.lookedAt < LISTEN_MS) return;
  const last = stage.presses.at(-1);
  const waits = last === undefined ? 0 : stage.answered ? LISTEN_MS : answerTimeOf(last);
  if (at - stage.pressedAt < waits || (stage.heard && at - heardAt < LISTEN_MS)) return;
  state.stage = { ...stage, lookedAt: at };
  draft.do({ do: 'look' });
}

/** What stands on the screen decides which key does no harm, or that none may go. */
export function stood(draft: Transition, { standing, fresh }: EventOf<'standing'>): void {
  const { state, at } = draft;
  const { stage, console } = state;
  // Typed or heard meanwhile: it is looked at again.
  if (stage.is !== 'opening' || state.trouble || !console.open) return;
  if (stage.pressedAt > stage.lookedAt || state.heardAt > stage.lookedAt) return;
  if (standing.is === 'taken') {
    if (at - Math.max(state.heardAt, state.since) < STANDS_MS) return;
    const said = `${standing.by}${standing.text === '' ? '' : ` (“${standing.text}”)`}`;
    noPrompt(draft, `it stands at ${said}, where nothing is typed`, 'taken', said);
    return;
  }
  if (fresh && standing.is === 'prompt') {
    onOpeningLine(draft, { ...standing.prompt, at, text: standing.text });
    return;
  }
  if (fresh && standing.is === 'sign') {
    // A short prompt proves the console to the bus when Enter brings it again: an empty line harms no shell.
    if (!console.proven && !draft.mayTrySsh) {
      if (stage.presses.filter((press) => press === 'enter').length < PROVING) draft.press('enter');
      return;
    }
    if (!draft.mayTrySsh || state.target.host !== null) identify(draft, standing.text, namedIn(draft, stage.said));
    return;
  }
  const press = nextPress(standing, { fresh, answered: stage.answered }, stage.presses);
  if (press !== null) draft.press(press);
}

/** Asks what waits there, by a command that only a shell answers, whose it is. */
export function identify(draft: Transition, prompt: string, named: string | null): void {
  const token = tokenAt(draft.at);
  draft.enter({ is: 'identify', token, named, at: prompt, lines: null, promptAt: null }, IDENTITY_MS);
  draft.type(`${identityQuestion(token)}\r`);
}

export function onIdentityLine(draft: Transition, heard: Recognition): void {
  const { state } = draft;
  const { stage } = state;
  if (stage.is !== 'identify' || state.trouble) return;
  if (isStamped(heard.text)) return;
  const { lines, identity } = readIdentity(stage.token, stage.lines, heard.text);
  if (identity === null) {
    const back = heard.kind === 'shell' || (heard.kind === 'output' && heard.waits === true);
    state.stage = { ...stage, lines, promptAt: back ? draft.at : stage.promptAt };
    return;
  }
  if (identity.tty !== null) draft.prove('shell', `its shell is on ${identity.tty}`);
  const host = identity.host ?? stage.named;
  if (host === null && state.target.host !== null) draft.raise('nameless', stage.at);
  else if (isExpectedHost(draft, host)) known(draft, identity.root ?? isRoot(stage.at), host);
}

export function tickIdentify(draft: Transition): void {
  const { state, at } = draft;
  const { stage } = state;
  if (stage.is !== 'identify') return;
  const back = stage.promptAt !== null && at - stage.promptAt >= NO_ANSWER_MS;
  if (!back && at < state.until) return;
  // It runs no commands as shells do, and yet its prompt names the machine.
  if (stage.promptAt !== null && stage.named !== null) known(draft, isRoot(stage.at), stage.named);
  else if (state.loggedIn) draft.raise('login-failed', stage.at === '' ? 'no shell answered' : stage.at);
  else draft.raise('nameless', stage.at);
}

export function shellReached(
  draft: Transition,
  { root, host, text }: { root: boolean; host: string | null; text: string },
): void {
  const { state } = draft;
  const name = host ?? (state.loggedIn ? state.named : null);
  if (!isExpectedHost(draft, name)) return;
  // ssh asks the machine at its address, whoever waits on its console.
  if (name !== null || state.target.host === null || draft.mayTrySsh || !state.prepared) known(draft, root, name);
  else identify(draft, text, null);
}

function known(draft: Transition, root: boolean, host: string | null): void {
  seen(draft, host);
  if (draft.goesOn()) return;
  if (draft.state.goal === 'rescue') draft.rescue(root, 's');
  else draft.request(root);
}

function seen(draft: Transition, host: string | null): void {
  draft.state.console = { ...draft.state.console, spoke: true, problem: '' };
  if (host !== null) draft.prove('host', `its console calls itself ${host}`);
}

function isExpectedHost(draft: Transition, host: string | null): boolean {
  const expected = draft.state.target.host;
  if (host === null || expected === null || sameHost(host, expected)) return true;
  draft.state.neverCut = `its console calls itself ${host}`;
  draft.raise('other-host', host);
  return false;
}

/** Neither its prompt nor its banner says whose a login prompt is, and nobody vouched for it. */
function isNameless({ state }: Transition, host: string | null): boolean {
  return state.target.host !== null && host === null && state.named === null && !state.trusted;
}

/**
 * The expected name where a prompt of unknown shape shows it as a word. All that was said since Enter is that prompt: lines
 * from before it may be of the machine from which another was reached.
 */
function namedIn({ state }: Transition, said: readonly string[]): string | null {
  const { stage, target } = state;
  if (stage.is !== 'opening' || target.host === null || !stage.presses.includes('enter')) return null;
  const words = said.slice(-2).flatMap((line) => line.split(/[^\w./-]+/));
  return words.find((word) => word !== '' && sameHost(word, target.host ?? '')) ?? null;
}

function isRoot(prompt: string): boolean {
  return prompt.endsWith('#');
}
