/** Off and cycle by way of the node's operating system. Each ends its node's record. */
import type { Power } from '../rack/reading.ts';
import { isDown } from '../rack/system.ts';
import { pause } from './clock.ts';
import { shutDown } from './graceful/run.ts';
import { onAgain } from './hard-verbs.ts';
import { cutHalted, findHalted } from './halted.ts';
import { runHooksAfter } from './hooks.ts';
import type { Job } from './job.ts';
import { cutStillHalted } from './plans/still-halted.ts';
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
  node.end('done', `${cut.already ? 'is off' : 'is off, seen twice'}${after}`);
}

/** Graceful off, pause, on. A node that is off is only switched on. */
export async function cycle(job: Job, power: Power): Promise<void> {
  const cut: Switched | null = power === 'off' ? { ok: true, already: true, current: null } : await goesDown(job);
  if (cut) await onAgain(job, cut);
}

/** One whose halt an earlier server read and could not act on any more is looked at again first. */
async function goesDown(job: Job): Promise<Switched | null> {
  const marker = job.plan?.halted ?? null;
  const cut = marker === null ? await cutIfHalted(job) : await inTurn(job, () => cutStillHalted(job, marker));
  return cut !== null && (cut.ok || cut.sent) ? cut : shutDown(job);
}

/** One that has halted, or goes down by what was asked before, is not asked again. Null: it lives, or nothing proves it. */
async function cutIfHalted(job: Job): Promise<Switched | null> {
  if (!isDown(job.ports.systems.get(job.node.addr))) return null;
  const found = await findHalted(job);
  return found.is === 'halted' ? cutHalted(job, found.ground) : null;
}

/** Null without a turn: its deadline passed before, or it was aborted, which the shutdown itself answers for. */
async function inTurn(job: Job, work: () => Promise<Switched | null>): Promise<Switched | null> {
  const { ports, signal, deadlineAt, console } = job;
  job.node.show('waiting', 'waits for its turn at the console', deadlineAt);
  const late = new AbortController();
  const taken = new AbortController();
  if (deadlineAt !== null)
    void pause(ports, deadlineAt - ports.now(), taken.signal).then((passed) => passed && late.abort());
  const handOn = await console.take('ask', AbortSignal.any([signal, late.signal]));
  taken.abort();
  if (handOn === null) return null;
  try {
    return await work();
  } finally {
    handOn();
  }
}
