/**
 * On, force-off, and the second half of every cycle. Each ends its node's record; none throws.
 *
 * Off and cycle by way of the node's operating system. Each ends its node's record.
 *
 * In which order the nodes of one operation have their turn, and that each of them ends whatever happens.
 */
import type { Outcome, PowerRequest, Verb } from '../api/power.ts';
import type { Power } from '../rack/reading.ts';
import { isDown, type SystemState } from '../rack/system-state.ts';
import { switchOnOrder } from './boot-stagger.ts';
import { type Booted, judgeReset, watchBoot } from './boot.ts';
import { gatherFacts, isAnyway, refusalsFor } from './guards.ts';
import { askToCycle, cutHalted, findHalted } from './halted-node.ts';
import { runHooksAfter } from './hooks.ts';
import type { Job } from './operation.ts';
import { type OperationPorts, pause } from './ports.ts';
import { cutPower, type Switched, switchOn } from './power-command.ts';
import { shutDown } from './shutdown/runner.ts';

/** There is no reset line; a node needs about so long without power to start anew (bus-protocol section 5, seen). */
const MIN_CYCLE_PAUSE_MS = 2_000;
/** A node that was cut here is switched on again at all costs: so often, so long apart (ten minutes). */
const ON_TRIES = 120;
const ON_RETRY_MS = 5_000;
/** How long after its boot its ssh server may take to tell its boot id, ms; a Pi's is up seconds after its login prompt. */
const BOOT_ID_MS = 30_000;
const BOOT_ID_RETRY_MS = 1_000;

/** `stillAllowed`: asks the rules again when its turn has come, and ends the record where they refuse. */
async function on(job: Job, stillAllowed: () => Promise<{ power: Power } | null>): Promise<void> {
  const { node, ports, signal, starts, deadlineAt } = job;
  const asked = await stillAllowed();
  if (!asked) return;
  if (asked.power === 'on') return isOnAlready(job);
  const booted = await starts.take(node.addr, ports, {
    signal,
    until: deadlineAt ?? Infinity,
    watched: isWatched(job),
    waits: (at) => node.show('waiting', 'waits until the boots before it are past their peak', at),
  });
  if (booted === null) {
    if (signal.aborted) node.end('aborted', 'aborted before its turn: nothing was sent');
    else node.end('deadline', 'the deadline passed before its turn: nothing was sent');
    return;
  }
  try {
    const ready = await stillAllowed();
    if (!ready) return;
    if (ready.power === 'on') {
      booted();
      await isOnAlready(job);
      return;
    }
    node.show('switch-on', 'is being switched on');
    const switched = await switchOn(job, signal);
    if (switched.ok) await comesUp(job, 'is on, seen twice');
    else node.end(switched.outcome, withNextStep(switched, 'look at it before trying again'));
  } finally {
    booted();
  }
}

/** Its BMC says on: that is all there is to do where its system is up, or nothing says otherwise. */
async function isOnAlready(job: Job): Promise<void> {
  const { node, ports } = job;
  const state = ports.systems.get(node.addr);
  if (!isDown(state)) return livesAlready(job, state);
  const found = await findHalted(job);
  const stays = 'it has halted or goes down, and is still powered';
  switch (found.is) {
    case 'halted':
      return cycleHalted(job, found.ground);
    case 'living':
      return livesAlready(job, found.state);
    case 'stopped':
      node.end(found.outcome, `${found.outcome === 'aborted' ? 'aborted' : 'the deadline passed'}: ${stays}`);
      return;
    case 'unproven': {
      const next = `nothing was cut (${found.why}): look at its console, then 'rackui force-cycle ${node.name}'`;
      // An armed run has nobody to ask, and never cuts what may live.
      const outcome = job.plan?.armed === true ? 'failed' : await askToCycle(job, found.why);
      if (outcome === null) return cycleHalted(job, 'an operator chose to cut and typed the name');
      node.end(outcome, `${stays}; ${next}`);
    }
  }
}

async function cycleHalted(job: Job, ground: string): Promise<void> {
  const cut = await cutHalted(job, ground);
  if (cut.ok || cut.sent) await onAgain(job, cut);
  else job.node.end(cut.outcome, `it has halted and is still powered: ${cut.detail}`);
}

async function livesAlready(job: Job, { system, why }: SystemState): Promise<void> {
  const { node } = job;
  if (system === 'failed')
    node.end('failed', `was on already, and its system is not up: it ${why}; look at its console`);
  else if (system === 'booting') await comesUp(job, `was on already: it ${why}`);
  else node.end('done', system === 'up' ? `was on already: it ${why}` : 'was on already');
}

/** Whether it is seen to come up, beyond its BMC's word. */
function isWatched({ ports, plan }: Job): boolean {
  return ports.boot.proof !== 'status' && plan?.verify !== 'status';
}

/** Its BMC says on (`seen`: in words): then its system is watched coming up, and its record ends. */
async function comesUp(job: Job, seen: string, success: Outcome = 'done'): Promise<void> {
  const { up, detail } = await seenUp(job);
  return endsUp(job, up, detail === null ? seen : `${seen}; ${detail}`, success);
}

function seenUp(job: Job): Promise<Booted> {
  return isWatched(job) ? watchBoot(job, job.signal) : Promise.resolve({ up: true, detail: null });
}

/** `seen`: how it came up, or why not. */
async function endsUp(job: Job, up: boolean, seen: string, success: Outcome): Promise<void> {
  const after = up ? await runHooksAfter(job, 'after-on') : '';
  const cut = success === 'done' ? '' : '; it was cut at its deadline, and nothing proves that it had halted';
  job.node.end(up ? success : 'failed', `${seen}${cut}${after}`);
}

/** The end of a cycle: comes up, and is held against what tells one life of a machine from another. */
async function comesBack(job: Job, cut: Switched, recalled: string): Promise<void> {
  const { node, ports } = job;
  // What is not watched to its login is not asked there either.
  const before = isWatched(job) ? job.bootId : null;
  const uncertain = cut.ok ? '' : `is on, but it is not certain that its power was ever off: ${cut.detail}`;
  // Nothing that could show a reset.
  if (!cut.ok && before === null) {
    node.end('failed', uncertain);
    return;
  }
  const { up, detail } = await seenUp(job);
  const after = up && before !== null ? await readBootIdAgain(job) : null;
  const { is, ground } = judgeReset({ before: up ? before : null, after, seenOff: cut.ok });
  if (ground !== null) node.prove('boot-id', ground);
  if (is === 'reset' && after !== null) ports.systems.sign(node.addr, 'alive', 'runs a kernel that was started anew');
  const seen = cut.ok ? `is on again, seen twice${recalled}` : `is on again${recalled}`;
  const success = cut.ok ? cut.outcome : 'done';
  switch (is) {
    case 'reset':
      return endsUp(job, up, detail === null ? seen : `${seen}; ${detail}`, success);
    case 'unproven': {
      node.end('failed', uncertain);
      return;
    }
    case 'not-reset':
      node.end('failed', `is on and was not reset (${ground ?? ''}): look at its console, then at its slot`);
  }
}

/**
 * Its boot id once its ssh server is back; null: it could not be read in time. Its console may show a prompt earlier.
 */
async function readBootIdAgain({ ports, node, signal }: Job): Promise<string | null> {
  const { network } = ports;
  const until = ports.now() + BOOT_ID_MS;
  node.show('verify', 'is up; its boot id is being read by ssh', until);
  while (network !== null && !signal.aborted && ports.now() < until) {
    const id = (await network.greets(node.addr)) ? await network.bootId(node.addr, signal) : null;
    if (id !== null) return id;
    await pause(ports, BOOT_ID_RETRY_MS, signal);
  }
  return null;
}

async function forceOff(job: Job): Promise<void> {
  const { node } = job;
  node.show('cut', 'its power is being cut');
  const switched = await cutPower(job, 'confirmed by name', { sample: 'young', signal: job.signal, listened: false });
  if (!switched.ok) {
    node.end(switched.outcome, withNextStep(switched, 'it may be off: look before trying again'));
    return;
  }
  const after = switched.already ? '' : await runHooksAfter(job, 'after-off');
  node.end('done', `${switched.already ? 'was off already' : 'is off, seen twice'}${after}`);
}

async function forceCycle(job: Job): Promise<void> {
  const { node } = job;
  node.show('cut', 'its power is being cut');
  const switched = await cutPower(job, 'confirmed by name', { sample: 'young', signal: job.signal, listened: false });
  // A cut whose effect was not seen may have had one: then, too, it is switched on.
  if (switched.ok || switched.sent) await onAgain(job, switched);
  else node.end(switched.outcome, switched.detail);
}

/**
 * The second half of a cycle, after `cut`: pause, then on. Nothing stops it any more, neither abort nor deadline nor the
 * end of the session that asked.
 */
async function onAgain(job: Job, cut: Switched): Promise<void> {
  const { ports, node, signal, starts } = job;
  const waitMs = Math.max(MIN_CYCLE_PAUSE_MS, ports.limits.cyclePause * 1000);
  if (!cut.ok || !cut.already) {
    const until = ports.now() + waitMs;
    node.show('pause', `its power was cut; it is switched on again after ${waitMs / 1000} s`, until);
    await pause(ports, waitMs);
  }
  const recalled = (): string => (signal.aborted ? ' (aborted too late: its power had been cut)' : '');
  // Where its blade is busy with another boot it waits for that, and for nothing else.
  const booted = await starts.take(node.addr, ports, {
    signal: null,
    until: Infinity,
    watched: isWatched(job),
    waits: (at) =>
      node.show('pause', 'its power was cut; it is switched on when the boots before it are past their peak', at),
  });
  try {
    await switchOnAtAllCosts(job, cut, recalled);
  } finally {
    booted?.();
  }
}

async function switchOnAtAllCosts(job: Job, cut: Switched, recalled: () => string): Promise<void> {
  const { ports, node } = job;
  for (let tries = 1; ; tries++) {
    node.show('switch-on', `is being switched on${tries > 1 ? `, try ${tries}` : ''}${recalled()}`);
    const switched = await switchOn(job, null);
    if (switched.ok) {
      // It is on: from here an abort leaves nothing off.
      await comesBack(job, cut, recalled());
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

/** Graceful off. `power`: what its BMC said just now. */
async function off(job: Job, power: Power): Promise<void> {
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
async function cycle(job: Job, power: Power): Promise<void> {
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
