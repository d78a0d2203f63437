/** Interprets a console's lines and prompts for a shutdown, stage by stage. Pure. */
import type { Recognition } from '../../console/recognizer.ts';
import { onJudgingLine } from './evidence.ts';
import { onAskedLine, onLoginLine, onRescueLine } from './login.ts';
import { onIdentityLine, onOpeningLine } from './opening.ts';
import { isSticky } from './prompts.ts';
import { onLineWhileCutting } from './recall.ts';
import { alive, silenceMs } from './touch.ts';
import { type Transition, SPEECH } from './transition.ts';

/** Time added by a stop job that counts, or a service that reports, up to the hard limit, ms. */
const PROGRESS_MS = 30_000;
/** Partition number at which the Pi's bootloader, which runs once more after 'Power down', halts. */
const HALT_PARTITION = '63';

/**
 * Lines kept while the request is typed: its echo, and an answer that arrives before the end of the typing is reported.
 */
const HEARD_MOST = 50;

export function onConsoleLine(draft: Transition, heard: Recognition): void {
  const { state } = draft;
  state.atShell = heard.kind === 'shell';
  // A message of the day may quote anything; a machine that shows a prompt behind it is well.
  if (heard.kind === 'shell' || (heard.kind === 'login' && state.claim?.kind !== 'login-failed')) state.claim = null;
  if (heard.kind === 'panic') {
    if (state.stage.is === 'opening' || state.stage.is === 'login') state.claim = { kind: 'panic', said: heard.text };
    else if (state.stage.is !== 'cutting' && state.stage.is !== 'ended') draft.raise('panic', heard.text);
  }
  switch (state.stage.is) {
    case 'opening':
    case 'identify':
    case 'login':
    case 'rescue':
      // An earlier request may complete while another way is tried.
      if (heard.kind === 'halt' && state.requestedAt !== null) hearShutdown(draft, heard);
      else if (state.stage.is === 'opening') onOpeningLine(draft, heard);
      else if (state.stage.is === 'identify') onIdentityLine(draft, heard);
      else if (state.stage.is === 'login') onLoginLine(draft, heard);
      else onRescueLine(draft, heard);
      return;
    case 'requesting':
      if (state.stage.step === 'wire')
        state.stage = { ...state.stage, heard: [...state.stage.heard, heard].slice(-HEARD_MOST) };
      else hearBeforeRequest(draft, heard);
      return;
    case 'asked':
      onAskedLine(draft, heard);
      hearShutdown(draft, heard);
      return;
    case 'ssh':
    case 'by-hand':
    case 'gone':
    case 'stopping':
      hearShutdown(draft, heard);
      return;
    case 'judging':
      if (!onJudgingLine(draft, heard)) hearShutdown(draft, heard);
      return;
    case 'before':
    case 'spaced':
    case 'settle':
      hearSettling(draft, heard);
      return;
    case 'cutting':
      onLineWhileCutting(draft, heard);
      return;
    case 'ended':
      return;
  }
}

/** Handles lines while the journal is written; the prompt was seen, and is trusted while nothing else comes. */
function hearBeforeRequest(draft: Transition, heard: Recognition): void {
  switch (heard.kind) {
    case 'login':
    case 'password':
      // The shell has ended.
      draft.open();
      return;
    case 'final':
    case 'acknowledged':
    case 'target':
    case 'wait':
      return;
    default:
      hearShutdown(draft, heard);
  }
}

/** Handles lines from the request to the kernel's last line. */
function hearShutdown(draft: Transition, heard: Recognition): void {
  const { state } = draft;
  switch (heard.kind) {
    case 'halt':
      // No halt was requested: that line does not belong to this shutdown.
      if (state.requestedAt === null && !state.sshRuns) return;
      draft.prove('marker', heard.text);
      if (state.sshSilent) {
        draft.undated();
        return;
      }
      if (state.dirty !== null) {
        draft.raise('dirty', state.dirty);
        return;
      }
      settle(draft, heard.text);
      return;
    case 'final':
    case 'acknowledged':
    case 'target':
      acknowledged(draft, heard.text);
      return;
    case 'wait': {
      acknowledged(draft, heard.text);
      const { stage } = state;
      if (stage.is !== 'stopping' && stage.is !== 'gone') return;
      const time = heard.elapsed === undefined ? '' : `, ${heard.elapsed} of ${heard.limit ?? '?'}`;
      state.stage = { ...stage, unit: `${heard.unit ?? heard.text}${time}` };
      if (stage.is === 'gone') return;
      state.until = Math.max(state.until, Math.min(stage.hardUntil, draft.at + PROGRESS_MS));
      return;
    }
    case 'dirty':
    case 'oops':
    case 'filesystem':
      if (state.dirty === null) draft.prove('dirty', heard.text);
      state.dirty ??= heard.text;
      return;
    case 'reboot':
    case 'boot':
    case 'uboot':
    case 'uboot-shell':
      draft.restarted(heard.text);
      return;
    case 'firmware':
      if (heard.word !== HALT_PARTITION) draft.restarted(heard.text);
      return;
    case 'login':
      // A getty that returns after the shutdown had begun: a quiet boot.
      if (state.stage.is === 'stopping') draft.restarted(heard.text);
      return;
    case 'inhibited':
      draft.raise('inhibited', heard.text);
      return;
    case 'emergency':
    case 'initramfs':
    case 'initramfs-shell':
      draft.raise('emergency', heard.text);
      return;
    default:
      return;
  }
}

function acknowledged(draft: Transition, text: string): void {
  const { state } = draft;
  if (state.stage.is === 'stopping' || state.stage.is === 'gone') return;
  draft.prove('ack', text);
  draft.stopping();
  // The request was received, and nothing forbade it.
  if (state.trouble && ['unheard', 'idle', 'inhibited', 'not-allowed'].includes(state.trouble.kind)) draft.settled();
}

/** Begins grade A; it is complete when the settle time passes in silence and the machine is dead to a touch. */
function settle(draft: Transition, marker: string): void {
  const { trouble } = draft.state;
  if (trouble && isSticky(trouble.kind)) return;
  draft.settled();
  draft.state.haltedAt = draft.at;
  draft.enter({ is: 'settle', marker, firmware: false, touch: null }, silenceMs(draft.state.target.limits.settle));
}

function hearSettling(draft: Transition, heard: Recognition): void {
  const { state } = draft;
  const { stage } = state;
  if (stage.is !== 'settle') return;
  const { settle: limit } = state.target.limits;
  switch (heard.kind) {
    case 'halt':
      // A kernel prints it once, with a line or two behind it; a machine that repeats it is alive.
      if (draft.at - (state.haltedAt ?? draft.at) > limit) {
        alive(draft, `it goes on saying “${heard.text}”`);
        return;
      }
      state.stage = { ...stage, touch: null };
      state.until = Math.max(state.until, draft.at + silenceMs(limit));
      return;
    case 'firmware':
      if (heard.word !== undefined && heard.word !== HALT_PARTITION) {
        draft.restarted(heard.text);
        return;
      }
      state.stage = { ...stage, firmware: true, touch: null };
      state.until = draft.at + 2 * limit;
      return;
    case 'boot':
    case 'uboot':
    case 'uboot-shell':
    case 'reboot':
      draft.restarted(heard.text);
      return;
    case 'dirty':
    case 'panic':
      state.dirty ??= heard.text;
      draft.stopping();
      draft.raise(heard.kind, heard.text);
      return;
    default:
      if (!SPEECH.test(heard.text) && heard.kind === 'output') return;
      // The bootloader's own lines are not all known; each extends the limit, so that a kernel can still show itself.
      if (stage.firmware && heard.kind === 'output') {
        state.stage = { ...stage, touch: null };
        state.until = draft.at + 2 * limit;
        return;
      }
      draft.stopping();
      draft.raise('speaking', heard.text);
      return;
  }
}
