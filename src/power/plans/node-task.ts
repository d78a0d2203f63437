/**
 * Runs one node's part of a plan run, as an ordinary operation or, for the master, by its own program; decides after
 * each try whether the node has ended or goes back to the end of the queue. Only armed runs try again, until their
 * deadline.
 */
import type { PlanNodeRun, PlanRun, PlanStepRun } from '../../api/plans.ts';
import type { Again, Operation, Outcome } from '../../api/power.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Address } from '../../rack/address.ts';
import { type InventoryNode, unnamedNode } from '../../rack/inventory.ts';
import type { Operations } from '../operations.ts';
import { pause, PowerRefused } from '../ports.ts';
import { goesByItself, ownRefusals } from './preview.ts';
import type { PlanPorts, PlanRecord, StepSettings } from './record.ts';

/** Session id of plan runs, which outlive the session that started them; it never equals that of a console's holder. */
const NO_SESSION = -1;

export interface NodeRunPorts {
  ports: PlanPorts;
  operations: Operations;
  record: PlanRecord;
  /** Called when its operation has begun. */
  began: (operation: Operation) => void;
}

/** An operation that ends at the run's deadline has ended by so much later, ms. */
const DEADLINE_GRACE_MS = 500;

/** Settings of one try. */
export interface Try {
  /** Time at which it is cut, if its step says so; epoch ms, null: never. Counted from the first try. */
  cutAt: number | null;
  /** The cut is also made where it could not get a shutdown request. */
  cutUnasked: boolean;
  /** Longest time for which it may keep the console from other nodes, ms. */
  patienceMs: number;
}

/** Runs one try. Resolves when it has ended, with its result; never rejects. */
export async function runNode(
  around: NodeRunPorts,
  step: PlanStepRun,
  settings: StepSettings,
  node: PlanNodeRun,
  how: Try,
): Promise<TryEnd> {
  try {
    const { seenMaster } = around.ports;
    const known = inventoryNode(around.ports, node.addr);
    return goesByItself(step, known, seenMaster())
      ? await powerOffSelf(around.ports, known)
      : await operate(around, step, settings, node, how);
  } catch (error) {
    return refusal(error);
  }
}

async function operate(
  { ports, operations, record, began }: NodeRunPorts,
  { action }: PlanStepRun,
  settings: StepSettings,
  node: PlanNodeRun,
  { cutAt, cutUnasked, patienceMs }: Try,
): Promise<TryEnd> {
  const { run, who, takes, overrides } = record;
  const { limitS, isRuns } = limitOf(ports, record, action, settings, cutAt);
  const watchedOn = run.armed && action === 'off' && isRuns;
  const operation = await operations.start(
    {
      verb: action,
      nodes: [node.addr],
      label: node.name,
      // The operator confirmed the plan as a whole, or it is armed.
      confirm: node.name,
      deadlineS: limitS,
      onDeadline: cutAt === null ? 'leave' : 'cut',
      takeConsole: run.armed,
    },
    who,
    NO_SESSION,
    {
      plan: run.plan,
      nodesPoweredOff: new Set(takes),
      verify: settings.verify,
      armed: run.armed,
      patienceMs,
      cutUnasked,
      watchedOn,
      overrides,
    },
  );
  node.operation = operation.id;
  began(operation);
  const ended = operations.ended(operation.id).then(endOf);
  if (!watchedOn || run.deadlineAt === null) return ended;
  const over = new AbortController();
  const late = pause(ports, run.deadlineAt + DEADLINE_GRACE_MS - ports.now(), over.signal).then(() => null);
  const end = await Promise.race([ended, late]);
  over.abort();
  if (end !== null) return end;
  const detail = 'the deadline passed while it was shutting down: rackui watches until it has halted';
  return { outcome: 'deadline', detail, again: null, later: ended };
}

function endOf({ nodes: [progress] }: Operation): TryEnd {
  return {
    outcome: progress?.outcome ?? 'failed',
    detail: progress?.detail ?? 'its state is unknown',
    again: progress?.again ?? null,
  };
}

/**
 * Returns the operation's deadline, s, null: only the limits of the shutdown's states apply; and whether that is the
 * end of the run, not a limit of the step's own. An armed run has no operator to answer questions, so it gets a limit
 * in any case.
 */
function limitOf(
  { limits, now }: PlanPorts,
  { run }: PlanRecord,
  action: PlanStepRun['action'],
  { deadline }: StepSettings,
  cutAt: number | null,
): { limitS: number | null; isRuns: boolean } {
  if (cutAt !== null) return { limitS: Math.max(1, (cutAt - now()) / 1000), isRuns: false };
  const unattended = action === 'on' ? null : limits.request + limits.hard;
  const own = deadline ?? (run.armed ? unattended : null);
  if (run.deadlineAt === null) return { limitS: own, isRuns: false };
  const left = Math.max(1, (run.deadlineAt - now()) / 1000);
  return own === null || left <= own ? { limitS: left, isRuns: true } : { limitS: own, isRuns: false };
}

/** Shuts the master down, last of all: by its own program, never by a power verb. */
async function powerOffSelf({ poweroff, seenMaster, event }: PlanPorts, node: InventoryNode): Promise<TryEnd> {
  const [refused] = ownRefusals(node, { poweroff: poweroff?.text ?? null, master: seenMaster() });
  if (refused !== undefined || poweroff === null)
    return { outcome: 'left-on', detail: refused?.message ?? `${node.name} stays on`, again: 'no' };
  event('notice', node.addr, `${node.name} shuts itself down: ${poweroff.text}`);
  const { why, output } = await poweroff.run();
  if (why === '')
    return { outcome: 'done', detail: `was requested to shut itself down (${poweroff.text})`, again: null };
  const lastLines = output.length > 0 ? `: ${output.join(' / ')}` : '';
  return { outcome: 'failed', detail: `${poweroff.text}: ${why}${lastLines}`, again: null };
}

/** Reports whether the node is this machine, or another that manages the bus: it shuts down by its own program. */
export function isMaster(ports: Pick<PlanPorts, 'inventory' | 'seenMaster'>, addr: Address): boolean {
  return goesByItself({ action: 'off' }, inventoryNode(ports, addr), ports.seenMaster());
}

function inventoryNode({ inventory }: Pick<PlanPorts, 'inventory'>, addr: Address): InventoryNode {
  return inventory().nodes.find((one) => one.addr === addr) ?? unnamedNode(addr);
}

function refusal(error: unknown): TryEnd {
  if (error instanceof PowerRefused) {
    const outcome = error.refusals.some(({ rule }) => rule === 'bus') ? 'bus' : 'refused';
    return { outcome, detail: `nothing was sent: ${error.message}`, again: null };
  }
  return {
    outcome: 'failed',
    again: null,
    detail: `failed unexpectedly: ${messageOf(error)}`,
  };
}

/** Result of one try of a node. */
export interface TryEnd {
  outcome: Outcome;
  detail: string;
  /** The next try that an armed run may make; null: the same again. */
  again: Again | null;
  /** The end of an operation that continues after the end of its run. */
  later?: Promise<TryEnd>;
}

/** A node whose last try failed. */
export interface Failed extends TryEnd {
  againAt: number;
  /** Failed tries; those during an unusable bus do not count. */
  tries: number;
}

export interface TryFacts {
  now: number;
  run: Pick<PlanRun, 'armed' | 'state' | 'deadlineAt'>;
  onFail: StepSettings['onFail'];
  end: TryEnd;
  /** Failed tries before this one. */
  triesBefore: number;
  /** Time at which its step has it cut; epoch ms, null: never. */
  cutAt: number | null;
  busReady: boolean;
}

/** Delay before the next try, ms: doubled with each one, up to the longest. */
const AGAIN_MS = 5_000;
const LONGEST_AGAIN_MS = 60_000;
const SHORTEST_AGAIN_MS = 1_000;
/** Most tries of an armed run that has no deadline. */
const MOST_TRIES = 3;

/** Returns the node's state before its next try; null: the node has ended as its try did. */
export function afterTry({ now, run, onFail, end, triesBefore, cutAt, busReady }: TryFacts): Failed | null {
  const { outcome, again } = end;
  if (!run.armed || run.state !== 'running' || again === 'no') return null;
  if (outcome === 'done' || outcome === 'cut-unproven' || outcome === 'aborted') return null;
  if (run.deadlineAt !== null && now >= run.deadlineAt) return null;
  // An unusable bus is no fact about the node: it is tried again as soon as the bus is back.
  if (outcome === 'bus' || !busReady) return { ...end, againAt: now, tries: triesBefore };
  if (onFail === 'abort' || (again === 'at-deadline' && cutAt === null)) return null;
  const tries = triesBefore + 1;
  const cutDue = cutAt !== null && now < cutAt;
  if (run.deadlineAt === null && !cutDue && tries >= MOST_TRIES) return null;
  const left = run.deadlineAt === null ? Infinity : run.deadlineAt - now;
  const pauseMs = Math.min(AGAIN_MS * 2 ** (tries - 1), LONGEST_AGAIN_MS, Math.max(SHORTEST_AGAIN_MS, left / 4));
  const next = now + pauseMs;
  if (!cutDue) return { ...end, againAt: next, tries };
  return { ...end, againAt: again === 'at-deadline' ? cutAt : Math.min(next, cutAt), tries };
}

/** Reports whether a required program failed, which keeps the node on: it is not cut either. */
export function isVeto({ outcome, again }: TryEnd): boolean {
  return outcome === 'left-on' && again === null;
}
