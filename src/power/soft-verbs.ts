/** Off and cycle by way of the node's operating system. Each ends its node's record. */
import type { Power } from '../rack/reading.ts';
import { isDown } from '../rack/system.ts';
import { shutDown } from './graceful/run.ts';
import { onAgain } from './hard-verbs.ts';
import { cutHalted, findHalted } from './halted.ts';
import { runHooksAfter } from './hooks.ts';
import type { Job } from './job.ts';
import type { Switched } from './power-switch.ts';

/** Graceful off. `power`: what its BMC said just now. */
export async function off(job: Job, power: Power): Promise<void> {
  const { node } = job;
  if (power === 'off') {
    node.prove('status', 'its BMC says off');
    node.end('done', 'was off already');
    return;
  }
  const cut = await goesDown(job);
  if (!cut) return;
  if (!cut.ok) {
    node.end(cut.outcome, `${cut.detail}; it may be off: look before trying again`);
    return;
  }
  const after = await runHooksAfter(job, 'after-off');
  const how = cut.outcome === 'done' ? '' : '; it was cut at its deadline, and nothing proves that it had halted';
  node.end(cut.outcome, `${cut.already ? 'is off' : 'is off, seen twice'}${how}${after}`);
}

/** Graceful off, pause, on. A node that is off is only switched on. */
export async function cycle(job: Job, power: Power): Promise<void> {
  const cut: Switched | null =
    power === 'off' ? { ok: true, outcome: 'done', already: true, current: null } : await goesDown(job);
  if (cut) await onAgain(job, cut);
}

/** Null: its power was not cut, and its record has ended. */
async function goesDown(job: Job): Promise<Switched | null> {
  const cut = await cutIfHalted(job);
  if (cut === null) return shutDown(job);
  if (cut.ok || cut.sent) return cut;
  // Signs of life on the way to the verb: it is asked like any other.
  if (!isDown(job.ports.systems.get(job.node.addr))) return shutDown(job);
  job.node.end(cut.outcome, `it has halted and is still powered: ${cut.detail}`);
  return null;
}

/** One that has halted, or goes down by what was asked before, is not asked again. Null: it lives, or nothing proves it. */
async function cutIfHalted(job: Job): Promise<Switched | null> {
  if (!isDown(job.ports.systems.get(job.node.addr))) return null;
  const found = await findHalted(job);
  return found.is === 'halted' ? cutHalted(job, found.ground) : null;
}
