/** In which order the nodes of one operation have their turn, and that each of them ends whatever happens. */
import type { PowerRequest, Verb } from '../api/power.ts';
import type { Power } from '../rack/reading.ts';
import { gatherFacts } from './gate.ts';
import { refusalsFor } from './guards.ts';
import { forceCycle, forceOff, on } from './hard-verbs.ts';
import type { Job } from './job.ts';
import { isAnyway } from './request.ts';
import type { OperationPorts } from './ports.ts';
import { cycle, off } from './soft-verbs.ts';
import { switchOnOrder } from './stagger.ts';

/**
 * How many nodes go their way at the same time. Nodes to switch on wait for their blades, not for each other. Nodes that ssh
 * asks may go down together where grade B may cut: without that, each waits for its last line to be read on the one
 * console. A cycle rolls, one node after the other, so that a group is never away as a whole.
 */
export function nodesAtOnce(
  { verb }: Pick<PowerRequest, 'verb'>,
  { network, limits }: Pick<OperationPorts, 'network' | 'limits'>,
): number {
  if (verb === 'on') return Infinity;
  return verb === 'off' && network !== null && limits.cutOn === 'B' ? Infinity : 1;
}

/** Resolves when every job's node has an outcome; `done` is called after each. At most `atOnce` at a time. Never rejects. */
export async function runNodes(jobs: readonly Job[], atOnce: number, done: (job: Job) => void): Promise<void> {
  const waiting = inOrder(jobs);
  /** A rolling cycle stops where a node does not come back: the next would make it two. */
  let missing: Job | null = null;
  const worker = async (): Promise<void> => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      if (missing !== null && job.node.outcome === null)
        job.node.end('refused', `nothing was sent: ${missing.node.name} before it did not come back`);
      try {
        if (job.node.outcome === null) await runNode(job);
      } catch (error) {
        // A defect of ours, or of a port: the node's own words are the place for it.
        job.node.end('failed', `failed unexpectedly: ${error instanceof Error ? error.message : String(error)}`);
      }
      if (job.request.verb.endsWith('cycle') && job.node.outcome === 'failed') missing ??= job;
      done(job);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, jobs.length) }, worker));
}

function inOrder(jobs: readonly Job[]): Job[] {
  if (jobs[0]?.request.verb !== 'on') return [...jobs];
  return switchOnOrder(jobs.map(({ node }) => node.addr)).flatMap(
    (addr) => jobs.find(({ node }) => node.addr === addr) ?? [],
  );
}

async function runNode(job: Job): Promise<void> {
  const { node, ports, request } = job;
  if (job.signal.aborted) {
    node.end('aborted', 'aborted before its turn: nothing was sent');
    return;
  }
  const late = job.deadlineAt !== null && ports.now() >= job.deadlineAt;
  if (late && !(isSoft(request.verb) && request.onDeadline === 'cut')) {
    node.end('deadline', 'the deadline passed before its turn: nothing was sent');
    return;
  }
  if (request.verb === 'on') return on(job, () => stillAllowed(job));
  const ready = await stillAllowed(job);
  if (!ready) return;
  switch (request.verb) {
    case 'force-off':
      return forceOff(job);
    case 'force-cycle':
      return forceCycle(job);
    case 'off':
      return off(job, ready.power);
    case 'cycle':
      return cycle(job, ready.power);
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
    hostSettled: isAnyway(request),
    dependence: job.dependence,
  });
  const refusals = refusalsFor(facts);
  if (refusals.length === 0 && facts.status.ok) return { power: facts.status.sample.power };
  const outcome = refusals.some(({ rule }) => rule === 'bus') ? 'bus' : 'refused';
  node.end(outcome, `nothing was sent: ${refusals.map(({ message }) => message).join('; ')}`);
  return null;
}
