/**
 * The shutdown request, typed at the console or sent by ssh: its intent is on the disk before it is sent, and its
 * limits count from when it was sent. Neither a slow disk nor a closed console uses up the machine's own limits. Pure.
 */
import { isStamped, readLine } from '../../console/line-patterns.ts';
import { isFromAnotherTime, readUptime } from '../../console/recognizer.ts';
import type { ProgramEnd } from '../../lib/subprocess.ts';
import { count } from '../../lib/words.ts';
import { onConsoleLine } from './progress.ts';
import type { Transition } from './transition.ts';

/** Number of requests in a row that were not sent whole, after which the operator is asked. */
const UNSENT_MOST = 3;

/** Continues when the intent is on the disk, or the disk takes too long. */
export function journalled(transition: Transition): void {
  const { state, at } = transition;
  const { stage, console, prompt, target } = state;
  if (stage.is === 'ssh' && !state.sshRuns && !state.sshRan) {
    state.sshRuns = true;
    transition.do({ do: 'ask-ssh' });
    return;
  }
  if (stage.is !== 'requesting' || stage.step !== 'disk') return;
  // The screen is read again once the console is back or the question is answered.
  if (prompt !== null || !console.open) {
    state.until = at;
    return;
  }
  transition.enter({ ...stage, step: 'wire' }, target.limits.request);
  transition.do({ do: 'request', text: stage.text });
}

/** Handles a request that was sent whole at `leftAt`: later lines may belong to this shutdown. */
export function requested(transition: Transition, leftAt: number): void {
  const { state } = transition;
  const { stage, root, command, target } = state;
  if (stage.is !== 'requesting' || stage.step !== 'wire') return;
  state.requestedAt = leftAt;
  state.unsent = 0;
  if (state.prompt?.kind === 'refused') transition.clearPrompt();
  transition.prove('request', `‘${root ? command : `sudo ${command}`}’ was typed at its shell prompt`);
  transition.do({ do: 'asked', how: 'was asked to shut down on its console' });
  transition.enter({ is: 'asked' }, target.limits.acknowledged);
  for (const line of stage.lines) if (line.at >= leftAt) onConsoleLine(transition, line);
}

/**
 * Handles a request whose end was not sent, so nothing was requested: the input is cleared, and the request typed
 * again.
 */
export function unsent(transition: Transition): void {
  const { state } = transition;
  const { stage, prompt } = state;
  if (stage.is !== 'requesting' || stage.step !== 'wire') return;
  state.unsent += 1;
  transition.prove('unsent', 'the console was interrupted while the request was typed: it was not asked');
  if (prompt === null && state.unsent < UNSENT_MOST) {
    transition.open();
    return;
  }
  notTyped(transition, `its console was interrupted ${count(state.unsent, 'time')} while it was typed`);
}

/** Asks the operator about a request that was not sent; after the answer the screen is read again. */
export function notTyped(transition: Transition, why: string): void {
  const { state, at } = transition;
  const { stage } = state;
  if (stage.is === 'requesting') state.stage = { ...stage, step: 'disk' };
  state.until = at;
  if (state.prompt === null) transition.ask('refused', why);
}

/** Handles ssh's report that the command ran, or one that it can only make after that. */
export function sshRan(transition: Transition): void {
  const { state, at } = transition;
  const { stage, target } = state;
  if (!state.sshRuns || state.sshRan) return;
  state.sshRan = true;
  state.requestedAt = at;
  transition.prove('request', `asked to shut down by ssh (${target.ssh ?? ''})`);
  transition.do({ do: 'asked', how: 'was asked to shut down by ssh' });
  // A stamp distinguishes a line that was read before this from an old one; nothing else does.
  if (stage.is !== 'settle' || isStamped(stage.marker)) return;
  transition.stopping();
  transition.undated('it came before ssh reported that the command ran');
}

/** ssh's own exit code, where it could not connect or lost the connection. */
const SSH_FAILED = 255;
/** Messages of ssh for a lost connection. */
const CLOSED = /closed by remote host|Connection reset|Broken pipe/i;

/**
 * Continues after the programs. `required`: the one that failed is required, so the node is not shut down, even in an
 * armed run.
 */
export function hooksDone(transition: Transition, why: string, required = false): void {
  const { state } = transition;
  if (state.stage.is !== 'before') return;
  if (why !== '' && state.target.unattended && required) {
    transition.end(
      'left-on',
      `left on: what has to run before it goes down failed (${why}); ${transition.whatGoesOn()}`,
    );
    return;
  }
  if (why !== '' && state.target.unattended) transition.prove('hook', `continues without it in an armed run: ${why}`);
  else if (why !== '') {
    transition.ask('hook-failed', why);
    return;
  }
  state.prepared = true;
  if (!transition.goesOn()) transition.open();
}

export function sshAnswered(transition: Transition, { code, why, output: printed }: ProgramEnd): void {
  const { state } = transition;
  const uptime = printed.map(readUptime).find((seconds) => seconds !== null);
  const output = printed.filter((line) => readUptime(line) === null);
  // A machine that goes down may close the connection before the exit code is back.
  const closed = code === SSH_FAILED ? output.find((line) => CLOSED.test(line)) : undefined;
  if (uptime !== undefined || code === 0 || closed !== undefined) sshRan(transition);
  state.sshRuns = false;
  if (uptime !== undefined) wasUpFor(transition, uptime);
  // Killed at its limit: the request may have been received all the same.
  state.sshSilent = uptime === undefined && code === null;
  if (state.sshSilent) {
    state.requestedAt ??= transition.at;
    transition.do({ do: 'asked', how: 'may have been asked to shut down by ssh' });
  }
  if (state.sshSilent && state.stage.is === 'settle') {
    transition.stopping();
    transition.undated();
    return;
  }
  if (code === 0) transition.prove('ack', 'ssh: the command was accepted');
  // Its console may have shown the progress meanwhile.
  if (state.stage.is !== 'ssh') return;
  if (code === 0) {
    transition.stopping();
    return;
  }
  if (closed !== undefined) {
    transition.prove('ack', `ssh: ${closed}`);
    transition.stopping();
    return;
  }
  const inhibited = output.find((line) => readLine(line, { settling: true, stamps: false })?.kind === 'inhibited');
  if (inhibited !== undefined) {
    transition.enter({ is: 'asked' }, state.target.limits.acknowledged);
    transition.ask('inhibited', inhibited);
    return;
  }
  // Killed at its limit: the request may have been received all the same.
  if (code !== null) state.requestedAt = null;
  sshFailed(transition, output.at(-1) ?? why);
}

/** Handles the uptime that ssh reported. A last line that was read before may be from an earlier boot. */
function wasUpFor(transition: Transition, seconds: number): void {
  const { stage } = transition.state;
  transition.do({ do: 'up-for', seconds });
  if (stage.is !== 'settle' || !isFromAnotherTime(stage.marker, seconds)) return;
  transition.prove(
    'quoted',
    `that line is from another time: the machine had been up for ${Math.round(seconds)} s when asked`,
  );
  transition.stopping();
}

function sshFailed(transition: Transition, problem: string): void {
  const { state } = transition;
  state.sshProblem = problem;
  transition.prove('ssh', `could not ask it by ssh: ${problem}`);
  const { problem: consoleProblem } = state.console;
  transition.open();
  if (consoleProblem !== '') transition.ask('no-path', `ssh: ${problem}; console: ${consoleProblem}`);
}
