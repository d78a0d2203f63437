/**
 * Runs one verb on one node, on, off, cycle and their forced forms, and orders the nodes of an operation. Every node's
 * record ends with an outcome, and nothing here throws.
 */
import type { Outcome, PowerRequest, Verb } from '../api/power.ts';
import { messageOf } from '../lib/errors.ts';
import type { Power } from '../rack/reading.ts';
import { isDown, type SystemState } from '../rack/system-state.ts';
import { switchOnOrder } from './boot-stagger.ts';
import { type Booted, assessReset, watchBoot } from './boot.ts';
import { gatherFacts, isAnyway, refusalsFor } from './guards.ts';
import { askToCycle, cutHalted, findHalted } from './halted-node.ts';
import { runHooksAfter } from './hooks.ts';
import type { Job } from './operation.ts';
import { type OperationPorts, pause } from './ports.ts';
import { cutPower, type Switched, switchOn } from './power-command.ts';
import { shutDown } from './shutdown/runner.ts';

/**
 * Shortest time without power, ms: there is no reset line, and a node needs about this long to restart (bus-protocol
 * section 5, seen).
 */
const MIN_CYCLE_PAUSE_MS = 2_000;
/**
 * A node that was cut for a cycle is switched on again in any case: number of tries, and the time between them, ms (ten
 * minutes in all).
 */
const ON_TRIES = 120;
const ON_RETRY_MS = 5_000;
/**
 * Time after its boot in which its ssh server must give its boot id, ms; it is up seconds after the login prompt.
 */
const BOOT_ID_MS = 30_000;
const BOOT_ID_RETRY_MS = 1_000;

/**
 * Switches the node on. `stillAllowed` runs the guards again at its turn, and ends the record where they refuse.
 */
async function on(job: Job, stillAllowed: () => Promise<{ power: Power } | null>): Promise<void> {
  const { node, ports, signal, starts, deadlineAt } = job;
  const asked = await stillAllowed();
  if (!asked) return;
  if (asked.power === 'on') return isOnAlready(job);
  const booted = await starts.acquire(node.addr, ports, {
    signal,
    until: deadlineAt ?? Infinity,
    watched: isWatched(job),
    waits: (at) => node.show('waiting', 'waits until the boots before it are past their peak load', at),
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
    if (switched.ok) await comesUp(job, 'is on, confirmed by two status replies');
    else node.end(switched.outcome, withNextStep(switched, 'check it before you try again'));
  } finally {
    booted();
  }
}

/**
 * Ends the record of a node whose BMC already reports on; nothing is done where its system is up, or may be.
 */
async function isOnAlready(job: Job): Promise<void> {
  const { node, ports } = job;
  const state = ports.systems.get(node.addr);
  if (!isDown(state)) return livesAlready(job, state);
  const found = await findHalted(job);
  const whyCut = 'it has halted or is shutting down, and still has power';
  switch (found.is) {
    case 'halted':
      return cycleHalted(job, found.ground);
    case 'living':
      return livesAlready(job, found.state);
    case 'stopped':
      node.end(found.outcome, `${found.outcome === 'aborted' ? 'aborted' : 'the deadline passed'}: ${whyCut}`);
      return;
    case 'unproven': {
      const next = `nothing was cut (${found.why}): check its console, then run 'rackui force-cycle ${node.name}'`;
      // An armed run has no operator to ask, and never cuts a node that may be alive.
      const outcome = job.plan?.armed === true ? 'failed' : await askToCycle(job, found.why);
      if (outcome === null) return cycleHalted(job, 'an operator chose to cut and typed the name');
      node.end(outcome, `${whyCut}; ${next}`);
    }
  }
}

async function cycleHalted(job: Job, ground: string): Promise<void> {
  const cut = await cutHalted(job, ground);
  if (cut.ok || cut.sent) await onAgain(job, cut);
  else job.node.end(cut.outcome, `it has halted and still has power: ${cut.detail}`);
}

async function livesAlready(job: Job, { system, why }: SystemState): Promise<void> {
  const { node } = job;
  if (system === 'failed') node.end('failed', `was on already, and its system is not up: it ${why}; check its console`);
  else if (system === 'booting') await comesUp(job, `was on already: it ${why}`);
  else node.end('done', system === 'up' ? `was on already: it ${why}` : 'was on already');
}

/** Reports whether the boot is watched beyond the BMC's status. */
function isWatched({ ports, plan }: Job): boolean {
  return ports.boot.proof !== 'status' && plan?.verify !== 'status';
}

/** Watches the system of a node whose BMC reports on come up, and ends its record. `seen`: the BMC's status as text. */
async function comesUp(job: Job, seen: string, success: Outcome = 'done'): Promise<void> {
  const { up, detail } = await seenUp(job);
  return endsUp(job, up, detail === null ? seen : `${seen}; ${detail}`, success);
}

function seenUp(job: Job): Promise<Booted> {
  return isWatched(job) ? watchBoot(job, job.signal) : Promise.resolve({ up: true, detail: null });
}

/** Ends the record. `seen`: proof that it came up, or the reason why not. */
async function endsUp(job: Job, up: boolean, seen: string, success: Outcome): Promise<void> {
  const after = up ? await runHooksAfter(job, 'after-on') : '';
  const cut = success === 'done' ? '' : '; it was cut at its deadline, without proof that it had halted';
  job.node.end(up ? success : 'failed', `${seen}${cut}${after}`);
}

/** Ends a cycle: watches the boot, and compares the boot ids from before and after. */
async function comesBack(job: Job, cut: Switched, recalled: string): Promise<void> {
  const { node, ports } = job;
  // A boot that is not watched to its login is not followed by a request for the boot id.
  const before = isWatched(job) ? job.bootId : null;
  const uncertain = cut.ok ? '' : `is on, but it is not certain that its power was ever off: ${cut.detail}`;
  // Nothing is left that could prove a reset.
  if (!cut.ok && before === null) {
    node.end('failed', uncertain);
    return;
  }
  const { up, detail } = await seenUp(job);
  const after = up && before !== null ? await readBootIdAgain(job) : null;
  const { is, ground } = assessReset({ before: up ? before : null, after, seenOff: cut.ok });
  if (ground !== null) node.prove('boot-id', ground);
  if (is === 'reset' && after !== null) ports.systems.sign(node.addr, 'alive', 'runs a restarted kernel');
  const seen = cut.ok ? `is on again, confirmed by two status replies${recalled}` : `is on again${recalled}`;
  const success = cut.ok ? cut.outcome : 'done';
  switch (is) {
    case 'reset':
      return endsUp(job, up, detail === null ? seen : `${seen}; ${detail}`, success);
    case 'unproven': {
      node.end('failed', uncertain);
      return;
    }
    case 'not-reset':
      node.end('failed', `is on and was not reset (${ground ?? ''}): check its console, then its slot`);
  }
}

/**
 * Returns its boot id once its ssh server is back; null: it could not be read in time. Its console may show a prompt
 * earlier.
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
    node.end(switched.outcome, withNextStep(switched, 'it may be off: check it before you try again'));
    return;
  }
  const after = switched.already ? '' : await runHooksAfter(job, 'after-off');
  node.end('done', `${switched.already ? 'was off already' : 'is off, confirmed by two status replies'}${after}`);
}

async function forceCycle(job: Job): Promise<void> {
  const { node } = job;
  node.show('cut', 'its power is being cut');
  const switched = await cutPower(job, 'confirmed by name', { sample: 'young', signal: job.signal, listened: false });
  // A cut whose effect was not seen may have had one: the node is switched on in that case, too.
  if (switched.ok || switched.sent) await onAgain(job, switched);
  else node.end(switched.outcome, switched.detail);
}

/**
 * Runs the second half of a cycle, after `cut`: pause, then on. Neither an abort nor a deadline nor the end of the
 * requesting session stops it.
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
  // It waits only for another boot on its blade.
  const booted = await starts.acquire(node.addr, ports, {
    signal: null,
    until: Infinity,
    watched: isWatched(job),
    waits: (at) =>
      node.show('pause', 'its power was cut; it is switched on when the boots before it are past their peak load', at),
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
      // It is on: from here an abort leaves no node off.
      await comesBack(job, cut, recalled());
      return;
    }
    if (tries === ON_TRIES) {
      ports.event('alarm', node.addr, `${node.name} is off and could not be switched on again: ${switched.detail}`);
      node.end(
        'failed',
        `was cut and could not be switched on again (${switched.detail}): switch it on with 'rackui on'`,
      );
      return;
    }
    node.show('switch-on', `was cut and is not on yet: ${switched.detail}; tried again in ${ON_RETRY_MS / 1000} s`);
    await pause(ports, ON_RETRY_MS);
  }
}

function withNextStep(switched: Extract<Switched, { ok: false }>, next: string): string {
  return switched.sent ? `${switched.detail}; ${next}` : switched.detail;
}

/** Switches the node off gracefully. `power`: from its BMC's last status. */
async function off(job: Job, power: Power): Promise<void> {
  const { node } = job;
  if (power === 'off') {
    node.prove('status', 'its BMC reports off');
    node.end('done', 'was off already');
    return;
  }
  const cut = await goesDown(job);
  if (!cut) return;
  if (!cut.ok) {
    node.end(cut.outcome, `${cut.detail}; it may be off: check it before you try again`);
    return;
  }
  const after = await runHooksAfter(job, 'after-off');
  const how = cut.outcome === 'done' ? '' : '; it was cut at its deadline, without proof that it had halted';
  node.end(cut.outcome, `${cut.already ? 'is off' : 'is off, confirmed by two status replies'}${how}${after}`);
}

/** Switches off gracefully, pauses, switches on. A node that is off can only be switched on. */
async function cycle(job: Job, power: Power): Promise<void> {
  const cut: Switched | null =
    power === 'off' ? { ok: true, outcome: 'done', already: true, current: null } : await goesDown(job);
  if (cut) await onAgain(job, cut);
}

/** Brings the node down and cuts it. Resolves with null when its power was not cut and its record has ended. */
async function goesDown(job: Job): Promise<Switched | null> {
  const cut = await cutIfHalted(job);
  if (cut === null) return shutDown(job);
  if (cut.ok || cut.sent) return cut;
  // It showed signs of life before the verb: it gets an ordinary shutdown.
  if (!isDown(job.ports.systems.get(job.node.addr))) return shutDown(job);
  job.node.end(cut.outcome, `it has halted and still has power: ${cut.detail}`);
  return null;
}

/**
 * Cuts a node that has halted, or is going down by an earlier request, without a second request. Resolves with null
 * when it is alive, or nothing proves the halt.
 */
async function cutIfHalted(job: Job): Promise<Switched | null> {
  if (!isDown(job.ports.systems.get(job.node.addr))) return null;
  const found = await findHalted(job);
  return found.is === 'halted' ? cutHalted(job, found.ground) : null;
}

/**
 * Returns how many nodes run at the same time. Nodes to switch on wait for their blades, not for each other. Nodes that
 * get their shutdown by ssh may go down together where grade B may cut: otherwise each waits for its last line to be
 * read on the one console. A cycle rolls, one node after the other, so that a group is never away as a whole.
 */
export function nodesAtOnce(
  { verb }: Pick<PowerRequest, 'verb'>,
  { network, limits }: Pick<OperationPorts, 'network' | 'limits'>,
): number {
  if (verb === 'on') return Infinity;
  return verb === 'off' && network !== null && limits.cutOn === 'B' ? Infinity : 1;
}

/**
 * Runs all jobs, at most `atOnce` at a time, and calls `done` after each. Resolves when every job's node has an
 * outcome. Never rejects.
 */
export async function runNodes(jobs: readonly Job[], atOnce: number, done: (job: Job) => void): Promise<void> {
  const waiting = inOrder(jobs);
  /** First node of a rolling cycle that did not come back; the cycle stops there: the next would make it two. */
  let missing: Job | null = null;
  const worker = async (): Promise<void> => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      if (missing !== null && job.node.outcome === null)
        job.node.end('refused', `nothing was sent: ${missing.node.name}, the node before it, did not come back`);
      try {
        if (job.node.outcome === null) await runNode(job);
      } catch (error) {
        // A defect in this program, or of a port: it is reported as the node's outcome.
        job.node.end('failed', `failed unexpectedly: ${messageOf(error)}`);
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

/**
 * Runs the guards again, minutes after the check. Resolves with null when they refuse; the record has ended then.
 */
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
