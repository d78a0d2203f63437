/** On, force-off, and the second half of every cycle. Each ends its node's record; none throws. */
import { pause } from './clock.ts';
import type { Job } from './job.ts';
import { cutPower, switchOn, type Switched } from './power-switch.ts';

/** There is no reset line; a node needs about so long without power to start anew (PROTOCOL section 5, seen). */
const MIN_CYCLE_PAUSE_MS = 2_000;
/** A node that was cut here is switched on again at all costs: so often, so long apart (ten minutes). */
const ON_TRIES = 120;
const ON_RETRY_MS = 5_000;

export async function on(job: Job): Promise<void> {
  const { node } = job;
  node.show('switch-on', 'is being switched on');
  const switched = await switchOn(job, job.signal);
  if (switched.ok) node.end('done', 'is on, seen twice');
  else node.end(switched.outcome, withNextStep(switched, 'look at it before trying again'));
}

export async function forceOff(job: Job): Promise<void> {
  const { node } = job;
  node.show('cut', 'its power is being cut');
  const switched = await cutPower(job, 'confirmed by name', 'young');
  if (switched.ok) node.end('done', switched.already ? 'was off already' : 'is off, seen twice');
  else node.end(switched.outcome, withNextStep(switched, 'it may be off: look before trying again'));
}

export async function forceCycle(job: Job): Promise<void> {
  const { node } = job;
  node.show('cut', 'its power is being cut');
  const switched = await cutPower(job, 'confirmed by name', 'young');
  // A cut whose effect was not seen may have had one: then, too, it is switched on.
  if (switched.ok || switched.sent) await onAgain(job, switched);
  else node.end(switched.outcome, switched.detail);
}

/**
 * The second half of a cycle, after `cut`: pause, then on. Nothing stops it any more, neither abort nor deadline nor the
 * end of the session that asked.
 */
export async function onAgain(job: Job, cut: Switched): Promise<void> {
  const { ports, node, signal } = job;
  const waitMs = Math.max(MIN_CYCLE_PAUSE_MS, ports.limits.cyclePause * 1000);
  if (!cut.ok || !cut.already) {
    const until = ports.now() + waitMs;
    node.show('pause', `its power was cut; it is switched on again after ${waitMs / 1000} s`, until);
    await pause(ports, waitMs);
  }
  const recalled = (): string => (signal.aborted ? ' (aborted too late: its power had been cut)' : '');
  for (let tries = 1; ; tries++) {
    node.show('switch-on', `is being switched on${tries > 1 ? `, try ${tries}` : ''}${recalled()}`);
    const switched = await switchOn(job, null);
    if (switched.ok) {
      if (cut.ok) node.end('done', `is on again, seen twice${recalled()}`);
      else node.end('failed', `is on, but it is not certain that its power was ever off: ${cut.detail}`);
      return;
    }
    if (tries === ON_TRIES) {
      ports.event('alarm', node.addr, `${node.name} is off and could not be switched on again: ${switched.detail}`);
      node.end('failed', `was cut and could not be switched on again (${switched.detail}): switch it on by hand`);
      return;
    }
    node.show('switch-on', `was cut and is not on yet: ${switched.detail}; tried again in ${ON_RETRY_MS / 1000} s`);
    await pause(ports, ON_RETRY_MS);
  }
}

function withNextStep(switched: Extract<Switched, { ok: false }>, next: string): string {
  return switched.sent ? `${switched.detail}; ${next}` : switched.detail;
}
