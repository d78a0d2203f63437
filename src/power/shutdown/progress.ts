/** Interprets a console's lines and prompts for a shutdown, stage by stage. Pure. */
import type { Recognition } from '../../console/recognizer.ts';
import { onJudgingLine, onLineWhileCutting } from './evidence.ts';
import { onAskedLine, onLoginLine, onRescueLine } from './login.ts';
import { onIdentityLine, onOpeningLine } from './opening.ts';
import { isSticky } from './prompts.ts';
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

export function onConsoleLine(transition: Transition, heard: Recognition): void {
  const { state } = transition;
  state.atShell = heard.kind === 'shell';
  // A message of the day may quote anything; a machine that shows a prompt behind it is well.
  if (heard.kind === 'shell' || (heard.kind === 'login' && state.claim?.kind !== 'login-failed')) state.claim = null;
  if (heard.kind === 'panic') {
    if (state.stage.is === 'opening' || state.stage.is === 'login') state.claim = { kind: 'panic', said: heard.text };
    else if (state.stage.is !== 'cutting' && state.stage.is !== 'ended') transition.ask('panic', heard.text);
  }
  switch (state.stage.is) {
    case 'opening':
    case 'identify':
    case 'login':
    case 'rescue':
      // An earlier request may complete while another way is tried.
      if (heard.kind === 'halt' && state.requestedAt !== null) onShutdownLine(transition, heard);
      else if (state.stage.is === 'opening') onOpeningLine(transition, heard);
      else if (state.stage.is === 'identify') onIdentityLine(transition, heard);
      else if (state.stage.is === 'login') onLoginLine(transition, heard);
      else onRescueLine(transition, heard);
      return;
    case 'requesting':
      if (state.stage.step === 'wire')
        state.stage = { ...state.stage, heard: [...state.stage.heard, heard].slice(-HEARD_MOST) };
      else onEarlyLine(transition, heard);
      return;
    case 'asked':
      onAskedLine(transition, heard);
      onShutdownLine(transition, heard);
      return;
    case 'ssh':
    case 'by-hand':
    case 'gone':
    case 'stopping':
      onShutdownLine(transition, heard);
      return;
    case 'judging':
      if (!onJudgingLine(transition, heard)) onShutdownLine(transition, heard);
      return;
    case 'before':
    case 'spaced':
    case 'settle':
      onSettlingLine(transition, heard);
      return;
    case 'cutting':
      onLineWhileCutting(transition, heard);
      return;
    case 'ended':
      return;
  }
}

/** Handles lines while the journal is written; the prompt was seen, and is trusted while nothing else comes. */
function onEarlyLine(transition: Transition, heard: Recognition): void {
  switch (heard.kind) {
    case 'login':
    case 'password':
      // The shell has ended.
      transition.open();
      return;
    case 'final':
    case 'acknowledged':
    case 'target':
    case 'wait':
      return;
    default:
      onShutdownLine(transition, heard);
  }
}

/** Handles lines from the request to the kernel's last line. */
function onShutdownLine(transition: Transition, heard: Recognition): void {
  const { state } = transition;
  switch (heard.kind) {
    case 'halt':
      // No halt was requested: that line does not belong to this shutdown.
      if (state.requestedAt === null && !state.sshRuns) return;
      transition.prove('marker', heard.text);
      if (state.sshSilent) {
        transition.undated();
        return;
      }
      if (state.dirty !== null) {
        transition.ask('dirty', state.dirty);
        return;
      }
      settle(transition, heard.text);
      return;
    case 'final':
    case 'acknowledged':
    case 'target':
      acknowledged(transition, heard.text);
      return;
    case 'wait': {
      acknowledged(transition, heard.text);
      const { stage } = state;
      if (stage.is !== 'stopping' && stage.is !== 'gone') return;
      const time = heard.elapsed === undefined ? '' : `, ${heard.elapsed} of ${heard.limit ?? '?'}`;
      state.stage = { ...stage, unit: `${heard.unit ?? heard.text}${time}` };
      if (stage.is === 'gone') return;
      state.until = Math.max(state.until, Math.min(stage.hardUntil, transition.at + PROGRESS_MS));
      return;
    }
    case 'dirty':
    case 'oops':
    case 'filesystem':
      if (state.dirty === null) transition.prove('dirty', heard.text);
      state.dirty ??= heard.text;
      return;
    case 'reboot':
    case 'boot':
    case 'uboot':
    case 'uboot-shell':
      transition.restarted(heard.text);
      return;
    case 'firmware':
      if (heard.word !== HALT_PARTITION) transition.restarted(heard.text);
      return;
    case 'login':
      // A getty that returns after the shutdown had begun: a quiet boot.
      if (state.stage.is === 'stopping') transition.restarted(heard.text);
      return;
    case 'inhibited':
      transition.ask('inhibited', heard.text);
      return;
    case 'emergency':
    case 'initramfs':
    case 'initramfs-shell':
      transition.ask('emergency', heard.text);
      return;
    default:
      return;
  }
}

function acknowledged(transition: Transition, text: string): void {
  const { state } = transition;
  if (state.stage.is === 'stopping' || state.stage.is === 'gone') return;
  transition.prove('ack', text);
  transition.stopping();
  // The request was received, and nothing forbade it.
  if (state.prompt && ['unheard', 'idle', 'inhibited', 'not-allowed'].includes(state.prompt.kind))
    transition.clearPrompt();
}

/** Begins grade A; it is complete when the settle time passes in silence and the machine is dead to a touch. */
function settle(transition: Transition, marker: string): void {
  const { prompt } = transition.state;
  if (prompt && isSticky(prompt.kind)) return;
  transition.clearPrompt();
  transition.state.haltedAt = transition.at;
  transition.enter(
    { is: 'settle', marker, firmware: false, touch: null },
    silenceMs(transition.state.target.limits.settle),
  );
}

function onSettlingLine(transition: Transition, heard: Recognition): void {
  const { state } = transition;
  const { stage } = state;
  if (stage.is !== 'settle') return;
  const { settle: limit } = state.target.limits;
  switch (heard.kind) {
    case 'halt':
      // A kernel prints it once, with a line or two behind it; a machine that repeats it is alive.
      if (transition.at - (state.haltedAt ?? transition.at) > limit) {
        alive(transition, `it still prints “${heard.text}”`);
        return;
      }
      state.stage = { ...stage, touch: null };
      state.until = Math.max(state.until, transition.at + silenceMs(limit));
      return;
    case 'firmware':
      if (heard.word !== undefined && heard.word !== HALT_PARTITION) {
        transition.restarted(heard.text);
        return;
      }
      state.stage = { ...stage, firmware: true, touch: null };
      state.until = transition.at + 2 * limit;
      return;
    case 'boot':
    case 'uboot':
    case 'uboot-shell':
    case 'reboot':
      transition.restarted(heard.text);
      return;
    case 'dirty':
    case 'panic':
      state.dirty ??= heard.text;
      transition.stopping();
      transition.ask(heard.kind, heard.text);
      return;
    default:
      if (!SPEECH.test(heard.text) && heard.kind === 'output') return;
      // The bootloader's own lines are not all known; each extends the limit, so that a kernel can still show itself.
      if (stage.firmware && heard.kind === 'output') {
        state.stage = { ...stage, touch: null };
        state.until = transition.at + 2 * limit;
        return;
      }
      transition.stopping();
      transition.ask('speaking', heard.text);
      return;
  }
}
