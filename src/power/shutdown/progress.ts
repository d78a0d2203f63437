/** Interprets a console's lines and prompts for a shutdown, stage by stage. Pure. */
import type { Recognition } from '../../console/recognizer.ts';
import { onJudgingLine, onLineWhileCutting } from './evidence.ts';
import { onAskedLine, onLoginLine, onRescueLine } from './login.ts';
import { onIdentityLine, onOpeningLine } from './opening.ts';
import { isSticky } from './prompts.ts';
import { askAlive, silenceMs } from './touch.ts';
import { type Transition, SPEECH } from './transition.ts';

/** Time added by a stop job that counts, or a service that reports, up to the hard limit, ms. */
const PROGRESS_MS = 30_000;
/** Partition number at which the Pi's bootloader, which runs once more after 'Power down', halts. */
const HALT_PARTITION = '63';

/**
 * Lines kept while the request is typed: its echo, and an answer that arrives before the end of the typing is reported.
 */
const HEARD_MOST = 50;

export function onConsoleLine(transition: Transition, line: Recognition): void {
  const { state } = transition;
  state.atShell = line.kind === 'shell';
  // A message of the day may quote anything; a machine that shows a prompt behind it is well.
  if (line.kind === 'shell' || (line.kind === 'login' && state.unconfirmed?.kind !== 'login-failed'))
    state.unconfirmed = null;
  if (line.kind === 'panic') {
    if (state.stage.is === 'opening' || state.stage.is === 'login')
      state.unconfirmed = { kind: 'panic', text: line.text };
    else if (state.stage.is !== 'cutting' && state.stage.is !== 'ended') transition.ask('panic', line.text);
  }
  switch (state.stage.is) {
    case 'opening':
    case 'identify':
    case 'login':
    case 'rescue':
      // An earlier request may complete while another way is tried.
      if (line.kind === 'halt' && state.requestedAt !== null) onShutdownLine(transition, line);
      else if (state.stage.is === 'opening') onOpeningLine(transition, line);
      else if (state.stage.is === 'identify') onIdentityLine(transition, line);
      else if (state.stage.is === 'login') onLoginLine(transition, line);
      else onRescueLine(transition, line);
      return;
    case 'requesting':
      if (state.stage.step === 'wire')
        state.stage = { ...state.stage, lines: [...state.stage.lines, line].slice(-HEARD_MOST) };
      else onEarlyLine(transition, line);
      return;
    case 'asked':
      onAskedLine(transition, line);
      onShutdownLine(transition, line);
      return;
    case 'ssh':
    case 'by-hand':
    case 'gone':
    case 'stopping':
      onShutdownLine(transition, line);
      return;
    case 'testing':
      if (!onJudgingLine(transition, line)) onShutdownLine(transition, line);
      return;
    case 'before':
    case 'spaced':
    case 'settle':
      onSettlingLine(transition, line);
      return;
    case 'cutting':
      onLineWhileCutting(transition, line);
      return;
    case 'ended':
      return;
  }
}

/** Handles lines while the journal is written; the prompt was seen, and is trusted while nothing else comes. */
function onEarlyLine(transition: Transition, line: Recognition): void {
  switch (line.kind) {
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
      onShutdownLine(transition, line);
  }
}

/** Handles lines from the request to the kernel's last line. */
function onShutdownLine(transition: Transition, line: Recognition): void {
  const { state } = transition;
  switch (line.kind) {
    case 'halt':
      // No halt was requested: that line does not belong to this shutdown.
      if (state.requestedAt === null && !state.sshRuns) return;
      transition.prove('marker', line.text);
      if (state.sshSilent) {
        transition.undated();
        return;
      }
      if (state.dirty !== null) {
        transition.ask('dirty', state.dirty);
        return;
      }
      settle(transition, line.text);
      return;
    case 'final':
    case 'acknowledged':
    case 'target':
      acknowledged(transition, line.text);
      return;
    case 'wait': {
      acknowledged(transition, line.text);
      const { stage } = state;
      if (stage.is !== 'stopping' && stage.is !== 'gone') return;
      const time = line.elapsed === undefined ? '' : `, ${line.elapsed} of ${line.limit ?? '?'}`;
      state.stage = { ...stage, unit: `${line.unit ?? line.text}${time}` };
      if (stage.is === 'gone') return;
      state.until = Math.max(state.until, Math.min(stage.hardUntil, transition.at + PROGRESS_MS));
      return;
    }
    case 'dirty':
    case 'oops':
    case 'filesystem':
      if (state.dirty === null) transition.prove('dirty', line.text);
      state.dirty ??= line.text;
      return;
    case 'reboot':
    case 'boot':
    case 'uboot':
    case 'uboot-shell':
      transition.restarted(line.text);
      return;
    case 'firmware':
      if (line.word !== HALT_PARTITION) transition.restarted(line.text);
      return;
    case 'login':
      // A getty that returns after the shutdown had begun: a quiet boot.
      if (state.stage.is === 'stopping') transition.restarted(line.text);
      return;
    case 'inhibited':
      transition.ask('inhibited', line.text);
      return;
    case 'emergency':
    case 'initramfs':
    case 'initramfs-shell':
      transition.ask('emergency', line.text);
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

function onSettlingLine(transition: Transition, line: Recognition): void {
  const { state } = transition;
  const { stage } = state;
  if (stage.is !== 'settle') return;
  const { settle: limit } = state.target.limits;
  switch (line.kind) {
    case 'halt':
      // A kernel prints it once, with a line or two behind it; a machine that repeats it is alive.
      if (transition.at - (state.haltedAt ?? transition.at) > limit) {
        askAlive(transition, `it still prints “${line.text}”`);
        return;
      }
      state.stage = { ...stage, touch: null };
      state.until = Math.max(state.until, transition.at + silenceMs(limit));
      return;
    case 'firmware':
      if (line.word !== undefined && line.word !== HALT_PARTITION) {
        transition.restarted(line.text);
        return;
      }
      state.stage = { ...stage, firmware: true, touch: null };
      state.until = transition.at + 2 * limit;
      return;
    case 'boot':
    case 'uboot':
    case 'uboot-shell':
    case 'reboot':
      transition.restarted(line.text);
      return;
    case 'dirty':
    case 'panic':
      state.dirty ??= line.text;
      transition.stopping();
      transition.ask(line.kind, line.text);
      return;
    default:
      if (!SPEECH.test(line.text) && line.kind === 'output') return;
      // The bootloader's own lines are not all known; each extends the limit, so that a kernel can still show itself.
      if (stage.firmware && line.kind === 'output') {
        state.stage = { ...stage, touch: null };
        state.until = transition.at + 2 * limit;
        return;
      }
      transition.stopping();
      transition.ask('speaking', line.text);
      return;
  }
}
