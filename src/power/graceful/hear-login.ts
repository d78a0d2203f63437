/** The way in: from a silent console to a request that was typed, and what login, shell and sudo say to it. Pure. */
import type { Recognition } from '../../console/reader.ts';
import { sameHost } from '../../rack/host-name.ts';
import type { Draft } from './draft.ts';
import type { EventOf } from './state.ts';

export function hearOpening(draft: Draft, heard: Recognition): void {
  const { state } = draft;
  if (state.stage.is !== 'opening') return;
  if (!state.stage.heard) {
    state.stage = { ...state.stage, heard: true };
    // A node that ssh can ask is not waited for so long.
    if (!draft.mayTrySsh) state.until = state.since + state.target.limits.request;
  }
  // A sticky question stands: whatever prompt comes, nothing is typed before it is answered.
  if (state.trouble) return;
  switch (heard.kind) {
    case 'login':
      if (!isExpectedHost(draft, heard.host)) return;
      seen(draft, heard.host);
      if (draft.goesOn()) return;
      draft.enter({ is: 'login', step: 'user' }, state.target.limits.request);
      draft.do({ do: 'ask-credentials' });
      return;
    case 'shell':
      // A prompt of one or two characters proves nothing to the bus: three of them do.
      if (!state.console.proven && !draft.mayTrySsh) {
        draft.wake(3);
        return;
      }
      shellReached(draft, heard);
      return;
    case 'uboot-shell':
    case 'initramfs-shell':
    case 'emergency':
      draft.raise('emergency', heard.text);
      return;
    default:
      return;
  }
}

export function hearLogin(draft: Draft, heard: Recognition): void {
  const { state } = draft;
  if (state.stage.is !== 'login' || state.trouble || state.stage.step === 'user') return;
  switch (heard.kind) {
    case 'shell':
      state.loggedIn = true;
      shellReached(draft, heard);
      return;
    case 'password':
      if (state.stage.step === 'shell') {
        draft.raise('login-failed', heard.text);
        return;
      }
      draft.enter({ is: 'login', step: 'shell' }, state.target.limits.request);
      draft.do({ do: 'type-password' });
      return;
    case 'denied':
    case 'login':
      draft.raise('login-failed', heard.text);
      return;
    default:
      return;
  }
}

function shellReached(draft: Draft, { root, host }: { root: boolean; host: string | null }): void {
  if (!isExpectedHost(draft, host)) return;
  seen(draft, host);
  if (draft.goesOn()) return;
  if (draft.state.goal === 'rescue') draft.rescue(root, 's');
  else draft.request(root);
}

function seen(draft: Draft, host: string | null): void {
  draft.state.console = { ...draft.state.console, spoke: true, problem: '' };
  if (host !== null) draft.prove('host', `its console calls itself ${host}`);
}

/** Where a prompt shows no host, nothing can be compared. */
function isExpectedHost(draft: Draft, host: string | null): boolean {
  const expected = draft.state.target.host;
  if (host === null || expected === null) return true;
  if (sameHost(host, expected)) return true;
  draft.state.neverCut = `its console calls itself ${host}`;
  draft.raise('other-host', host);
  return false;
}

/** sudo wants a password: it gets one, once. */
function sudoAsks(draft: Draft, { user, text }: Extract<Recognition, { kind: 'password' }>): void {
  if (draft.state.sudo?.answered === true) {
    notAllowed(draft, text);
    return;
  }
  draft.state.sudo = { user, text, answered: false };
  draft.do({ do: 'ask-credentials' });
}

export function credentials(draft: Draft, { user, why }: EventOf<'credentials'>): void {
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
  const named = state.sudo.user ?? (hasWord(state.sudo.text, user) ? user : null);
  const itsUser = named ?? (state.loggedIn ? user : null);
  if (itsUser !== user) {
    notAllowed(draft, `sudo wants the password of ${itsUser ?? 'whoever left this shell open'}`);
    return;
  }
  state.sudo = { ...state.sudo, answered: true };
  draft.do({ do: 'type-password' });
}

/** Between the request and its first effect: sudo, a shell that does not know the command, a refusal. */
export function hearAsked(draft: Draft, heard: Recognition): void {
  const { state } = draft;
  if (state.trouble) return;
  switch (heard.kind) {
    case 'password':
      sudoAsks(draft, heard);
      return;
    case 'denied':
      notAllowed(draft, heard.text);
      return;
    case 'not-found':
      if (heard.unit !== 'systemctl' || state.command === 'poweroff') {
        notAllowed(draft, heard.text);
        return;
      }
      state.command = 'poweroff';
      state.askAgain = true;
      return;
    case 'shell':
      if (state.askAgain) draft.request(heard.root);
      return;
    default:
      return;
  }
}

/** Typed at a shell: `s`, then `u`. Each is done when the kernel says so. */
export function hearRescue(draft: Draft, heard: Recognition): void {
  const { state } = draft;
  const { stage } = state;
  if (stage.is !== 'rescue' || state.trouble) return;
  switch (heard.kind) {
    case 'synced':
      draft.prove('rescue', heard.text);
      state.stage = { ...stage, synced: true };
      return;
    case 'remounted':
      draft.prove('rescue', heard.text);
      state.goal = 'poweroff';
      draft.raise('rescued');
      return;
    case 'shell':
      // After the first command's end the second: it comes once, because what is typed is no prompt.
      if (stage.synced) draft.rescue(heard.root, 'u');
      return;
    case 'password':
      sudoAsks(draft, heard);
      return;
    case 'denied':
    case 'not-found':
      notAllowed(draft, heard.text);
      return;
    default:
      return;
  }
}

function notAllowed(draft: Draft, said: string): void {
  // Leaves sudo's prompt, which would take the next typing for a password.
  if (draft.state.sudo) draft.type('\x03');
  draft.raise('not-allowed', said);
}

/** True where `word` stands in `text` by itself: prompts name people in every language. */
function hasWord(text: string, word: string): boolean {
  return text.split(/[^\p{L}\p{N}_.-]+/u).includes(word);
}
