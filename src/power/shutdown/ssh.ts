/** Handles the results of programs: those before the shutdown, and the ssh client that requests it. Pure. */
import { readLine } from '../../console/line-patterns.ts';
import { isFromAnotherTime, readUptime } from '../../console/recognizer.ts';
import type { ProgramEnd } from '../../lib/subprocess.ts';
import { sshRan } from './request.ts';
import type { Transition } from './transition.ts';

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
  if (why !== '' && state.target.unattended) transition.prove('hook', `goes on without it, as nobody is there: ${why}`);
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
