/** Handles the login, and the replies of shell and sudo to the request. Pure. */
import { isStamped } from '../../console/line-patterns.ts';
import type { Recognition } from '../../console/recognizer.ts';
import { failureMark } from '../../console/shell-question.ts';
import { identify, shellReached } from './opening.ts';
import type { EventOf } from './state.ts';
import type { Transition } from './transition.ts';

/** Messages of nologin and login for an account without a shell. */
const NO_SHELL = /account is (?:currently )?not available|cannot execute \/|no shell: /i;
/** login(1) ends after a minute without an answer, which a busy machine may exceed. */
const TIMED_OUT = /timed out/i;
/** PAM asks for something else than the password. */
const ANOTHER_SECRET = /code|token|\botp\b|one-time|\bpin\b|new |retype|current/i;

export function onLoginLine(transition: Transition, line: Recognition): void {
  const { state } = transition;
  if (state.stage.is !== 'login' || state.prompt || state.stage.step === 'user') return;
  switch (line.kind) {
    case 'shell':
      state.loggedIn = true;
      shellReached(transition, line);
      return;
    case 'password':
      if (state.stage.step === 'shell') {
        transition.ask('login-failed', refusal(state.unconfirmed, line.text));
        return;
      }
      transition.enter({ is: 'login', step: 'shell' }, state.target.limits.request);
      transition.do({ do: 'type-password' });
      return;
    case 'denied':
    case 'account':
      // The message of the day appears in the same place, and may contain the same words.
      state.unconfirmed ??= { kind: 'login-failed', text: line.text };
      return;
    case 'login': {
      const reason = refusal(state.unconfirmed, line.text);
      const refused = state.stage.step === 'shell' && !TIMED_OUT.test(reason);
      transition.ask(refused ? 'login-failed' : 'login-unfinished', reason);
      return;
    }
    case 'output':
      onLoginOutput(transition, line);
      return;
    default:
      return;
  }
}

/** Handles PAM's questions in unknown words, then a shell whose prompt has an unknown shape. */
function onLoginOutput(transition: Transition, { text, waits }: Extract<Recognition, { kind: 'output' }>): void {
  const { state } = transition;
  if (state.stage.is !== 'login') return;
  if (NO_SHELL.test(text)) transition.ask('login-failed', text);
  else if (waits !== true || isStamped(text)) return;
  else if (state.stage.step === 'shell') {
    state.loggedIn = true;
    identify(transition, text, state.named);
  } else if (/[:：]$/.test(text) && !ANOTHER_SECRET.test(text)) {
    transition.enter({ is: 'login', step: 'shell' }, state.target.limits.request);
    transition.do({ do: 'type-password' });
  }
}

/** Returns the reason of a refused login: its own line before the repeated prompt, where there was one. */
function refusal(unconfirmed: Transition['state']['unconfirmed'], prompt: string): string {
  return unconfirmed?.kind === 'login-failed' ? unconfirmed.text : prompt;
}

/** Answers sudo's password prompt, once. */
function sudoAsks(transition: Transition, { user, text }: Extract<Recognition, { kind: 'password' }>): void {
  if (transition.state.sudo?.answered === true) {
    notAllowed(transition, text);
    return;
  }
  transition.state.sudo = { user, text, answered: false };
  transition.do({ do: 'ask-credentials' });
}

export function credentials(transition: Transition, { user, why }: EventOf<'credentials'>): void {
  const { state } = transition;
  if (state.prompt) return;
  if (state.stage.is === 'login' && state.stage.step === 'user') {
    if (user === null) {
      transition.ask('no-login', why);
      return;
    }
    transition.enter({ is: 'login', step: 'password' }, state.target.limits.request);
    transition.do({ do: 'type-user' });
    return;
  }
  if ((state.stage.is !== 'asked' && state.stage.is !== 'rescue') || state.sudo === null || state.sudo.answered) return;
  if (user === null) {
    notAllowed(transition, `sudo requires a password: ${why}`);
    return;
  }
  // A shell that another user left open needs that user's password, not the configured one.
  const named = state.sudo.user ?? (hasWord(state.sudo.text, user) ? user : null);
  const itsUser = named ?? (state.loggedIn ? user : null);
  if (itsUser !== user) {
    notAllowed(transition, `sudo requires the password of ${itsUser ?? 'the user of this shell'}`);
    return;
  }
  state.sudo = { ...state.sudo, answered: true };
  transition.do({ do: 'type-password' });
}

/** Handles lines between the request and its first effect: sudo, a shell that does not know the command, a refusal. */
export function onAskedLine(transition: Transition, line: Recognition): void {
  const { state } = transition;
  if (state.prompt) return;
  switch (line.kind) {
    case 'password':
      sudoAsks(transition, line);
      return;
    case 'denied':
      notAllowed(transition, line.text);
      return;
    case 'not-found':
      if (line.unit !== 'systemctl' || state.command === 'poweroff') {
        notAllowed(transition, line.text);
        return;
      }
      state.command = 'poweroff';
      state.askAgain = true;
      return;
    case 'shell':
      if (state.askAgain) askAgain(transition, line.root);
      return;
    case 'output':
      // A C shell takes the variable ahead of the command for a command.
      if (line.text.startsWith('SUDO_PROMPT=')) state.plainSudo = state.askAgain = true;
      else if (line.text === failureMark(state.token)) {
        if (state.askAgain) askAgain(transition, state.root);
        else notAllowed(transition, state.lastLine);
      } else if (line.waits !== true) state.lastLine = line.text;
      return;
    default:
      return;
  }
}

/** Types the request in another form: the earlier form requested nothing. */
function askAgain(transition: Transition, root: boolean): void {
  transition.state.requestedAt = null;
  transition.request(root);
}

/** Handles the emergency sync, `s`, then `u`, typed at a shell. Each is done when the kernel reports it. */
export function onRescueLine(transition: Transition, line: Recognition): void {
  const { state } = transition;
  const { stage } = state;
  if (stage.is !== 'rescue' || state.prompt) return;
  switch (line.kind) {
    case 'synced':
      transition.prove('rescue', line.text);
      state.stage = { ...stage, synced: true };
      return;
    case 'remounted':
      transition.prove('rescue', line.text);
      state.goal = 'poweroff';
      transition.ask('rescued');
      return;
    case 'shell':
      // The prompt after the first command triggers the second one; once, because the echo of a command is not a
      // prompt.
      if (stage.synced) transition.rescue(line.root, 'u');
      return;
    case 'password':
      sudoAsks(transition, line);
      return;
    case 'denied':
    case 'not-found':
      notAllowed(transition, line.text);
      return;
    default:
      return;
  }
}

function notAllowed(transition: Transition, reason: string): void {
  // Leaves sudo's prompt, which would take the next input for a password.
  if (transition.state.sudo) transition.type('\x03');
  transition.ask('not-allowed', reason);
}

/** True where `word` is a whole word of `text`: prompts name users in every language. */
function hasWord(text: string, word: string): boolean {
  return text.split(/[^\p{L}\p{N}_.-]+/u).includes(word);
}
