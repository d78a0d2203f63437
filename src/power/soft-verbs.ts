/** Off and cycle by way of the node's operating system. Each ends its node's record. */
import type { Power } from '../rack/reading.ts';
import { pause } from './clock.ts';
import { shutDown } from './graceful/run.ts';
import { onAgain } from './hard-verbs.ts';
import type { Job } from './job.ts';
import { cutStillHalted } from './plans/still-halted.ts';
import type { Switched } from './power-switch.ts';
import type { Turns } from './turns.ts';

/** Graceful off. `power`: what its BMC said just now. */
export async function off(job: Job, power: Power, console: Turns): Promise<void> {
  if (power === 'off') {
    job.node.prove('status', 'its BMC says off');
    job.node.end('done', 'was off already');
    return;
  }
  const cut = await inTurn(job, console);
  if (!cut) return;
  if (cut.ok) job.node.end('done', cut.already ? 'is off' : 'is off, seen twice');
  else job.node.end(cut.outcome, `${cut.detail}; it may be off: look before trying again`);
}

/** Graceful off, pause, on. A node that is off is only switched on. */
export async function cycle(job: Job, power: Power, console: Turns): Promise<void> {
  const cut: Switched | null = power === 'off' ? { ok: true, already: true } : await inTurn(job, console);
  if (cut) await onAgain(job, cut);
}

/** There is one console: whoever needs it waits for the operation that has it, but not beyond its own deadline. */
async function inTurn(job: Job, console: Turns): Promise<Switched | null> {
  const { node, ports, signal, deadlineAt, request } = job;
  node.show('waiting', 'waits for its turn at the console', deadlineAt);
  const late = new AbortController();
  const taken = new AbortController();
  if (deadlineAt !== null)
    void pause(ports, deadlineAt - ports.now(), taken.signal).then((passed) => passed && late.abort());
  const handOn = await console.take(AbortSignal.any([signal, late.signal]));
  taken.abort();
  if (!handOn && signal.aborted) {
    node.end('aborted', 'aborted before its turn: nothing was sent');
    return null;
  }
  if (!handOn && request.onDeadline === 'leave') {
    node.end('deadline', 'the deadline passed before its turn at the console: nothing was sent');
    return null;
  }
  // Without a turn it is past a deadline at which cutting was confirmed: that needs no console.
  try {
    const marker = job.plan?.halted ?? null;
    const cut = marker === null ? null : await cutStillHalted(job, marker);
    if (cut !== null && (cut.ok || cut.sent)) return cut;
    return await shutDown(job);
  } finally {
    handOn?.();
  }
}
