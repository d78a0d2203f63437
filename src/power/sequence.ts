/** In which order the nodes of one operation have their turn, and that each of them ends whatever happens. */
import type { Verb } from '../api/power.ts';
import type { Address } from '../rack/address.ts';
import type { Power } from '../rack/reading.ts';
import { pause } from './clock.ts';
import { gatherFacts } from './gate.ts';
import { refusalsFor } from './guards.ts';
import { forceCycle, forceOff, on } from './hard-verbs.ts';
import type { Job } from './job.ts';
import { mayBoot, switchOnOrder } from './stagger.ts';
import { cycle, off } from './soft-verbs.ts';
import type { Turns } from './turns.ts';

/** Resolves when every job's node has an outcome; `done` is called after each. Never rejects. */
export async function runNodes(jobs: readonly Job[], console: Turns, done: (job: Job) => void): Promise<void> {
  const [first] = jobs;
  if (!first) return;
  const order = first.request.verb === 'on' ? switchOnOrder(jobs.map(({ node }) => node.addr)) : null;
  const inTurn = order ? order.flatMap((addr) => jobs.find(({ node }) => node.addr === addr) ?? []) : jobs;
  const switchedOn = new Map<Address, number>();
  for (const job of inTurn) {
    try {
      if (job.node.outcome === null) await runNode(job, switchedOn, console);
    } catch (error) {
      // A defect of ours, or of a port: the node's own words are the place for it.
      job.node.end('failed', `failed unexpectedly: ${error instanceof Error ? error.message : String(error)}`);
    }
    done(job);
  }
}

async function runNode(job: Job, switchedOn: Map<Address, number>, console: Turns): Promise<void> {
  const { node, ports, request } = job;
  if (request.verb === 'on') {
    const at = mayBoot(node.addr, switchedOn, ports.now());
    if (at > ports.now()) node.show('waiting', 'waits until the boots before it are past their peak', at);
    await pause(ports, Math.min(at, job.deadlineAt ?? Infinity) - ports.now(), job.signal);
  }
  if (job.signal.aborted) {
    node.end('aborted', 'aborted before its turn: nothing was sent');
    return;
  }
  const late = job.deadlineAt !== null && ports.now() >= job.deadlineAt;
  if (late && !(isSoft(request.verb) && request.onDeadline === 'cut')) {
    node.end('deadline', 'the deadline passed before its turn: nothing was sent');
    return;
  }
  const ready = await stillAllowed(job);
  if (!ready) return;
  switch (request.verb) {
    case 'on':
      if (ready.power === 'on') {
        node.end('done', 'was on already');
        return;
      }
      await on(job);
      switchedOn.set(node.addr, ports.now());
      return;
    case 'force-off':
      return forceOff(job);
    case 'force-cycle':
      return forceCycle(job);
    case 'off':
      return off(job, ready.power, console);
    case 'cycle':
      return cycle(job, ready.power, console);
  }
}

function isSoft(verb: Verb): boolean {
  return verb === 'off' || verb === 'cycle';
}

/** Its turn may come minutes after the check: the rules are asked again. Null: refused, and said so. */
async function stillAllowed(job: Job): Promise<{ power: Power } | null> {
  const { node, ports, request, session } = job;
  const { verb, takeConsole } = request;
  const facts = await gatherFacts(ports, {
    verb,
    addr: node.addr,
    session,
    takeConsole,
    busyWith: null,
    status: 'young',
    dependence: job.dependence,
  });
  const refusals = refusalsFor(facts);
  if (refusals.length === 0 && facts.status.ok) return { power: facts.status.sample.power };
  const outcome = refusals.some(({ rule }) => rule === 'bus') ? 'bus' : 'refused';
  node.end(outcome, `nothing was sent: ${refusals.map(({ message }) => message).join('; ')}`);
  return null;
}
