/**
 * One node's part of a run: an operation like any other, or, for the master, its own program.
 *
 * What follows when one try of a node has ended: its end, or another try at the end of the queue. Only armed runs try
 * again, until their time is up. Pure.
 */
import type { PlanNodeRun, PlanRun, PlanStepRun } from '../../api/plans.ts';
import type { Again, Operation, Outcome } from '../../api/power.ts';
import type { Address } from '../../rack/address.ts';
import { type InventoryNode, unnamedNode } from '../../rack/inventory.ts';
import type { Operations } from '../operations.ts';
import { pause, PowerRefused } from '../ports.ts';
import { goesByItself, ownRefusals } from './preview.ts';
import type { PlanPorts, PlanRecord, StepSettings } from './record.ts';

/** A run outlives the session that asked for it; no console's holder is this. */
const NOBODY = -1;

export interface NodeRunPorts {
  ports: PlanPorts;
  operations: Operations;
  record: PlanRecord;
  /** Its operation has begun. */
  began: (operation: Operation) => void;
}

/** An operation that ends at the run's deadline has ended by so much later, ms. */
const DEADLINE_GRACE_MS = 500;

/** How one try is played. */
export interface Try {
  /** When it is cut, where its step says so; epoch ms, null: never. Counted from the first try. */
  cutAt: number | null;
  /** It is cut then also where it could not be asked. */
  cutUnasked: boolean;
  /** How long it may keep others from the console, ms. */
  patienceMs: number;
}

/** Resolves when the node's part has ended, however; never rejects. */
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
  const limitS = deadlineS(ports, record, action, settings, cutAt);
  const watchedOn = run.armed && action === 'off' && cutAt === null && isRunsDeadline(ports, run, limitS);
  const operation = await operations.start(
    {
      verb: action,
      nodes: [node.addr],
      label: node.name,
      // The plan's own words confirmed it, or that it is armed.
      confirm: node.name,
      deadlineS: limitS,
      onDeadline: cutAt === null ? 'leave' : 'cut',
      takeConsole: run.armed,
    },
    who,
    NOBODY,
    {
      plan: run.plan,
      takes: new Set(takes),
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
  const detail = 'the deadline passed while it was going down: it is watched to its end';
  return { outcome: 'deadline', detail, again: null, later: ended };
}

function endOf({ nodes: [progress] }: Operation): TryEnd {
  return {
    outcome: progress?.outcome ?? 'failed',
    detail: progress?.detail ?? 'nothing is known of it',
    again: progress?.again ?? null,
  };
}

/** The limit is what is left of the run, not the step's own. */
function isRunsDeadline({ now }: PlanPorts, { deadlineAt }: PlanRun, limitS: number | null): boolean {
  return deadlineAt !== null && limitS !== null && now() + limitS * 1000 >= deadlineAt - DEADLINE_GRACE_MS;
}

/** Null: the states' own limits. Nobody answers questions in an armed run: it gets a limit in any case. */
function deadlineS(
  { limits, now }: PlanPorts,
  { run }: PlanRecord,
  action: PlanStepRun['action'],
  { deadline }: StepSettings,
  cutAt: number | null,
): number | null {
  if (cutAt !== null) return Math.max(1, (cutAt - now()) / 1000);
  const unattended = action === 'on' ? null : limits.request + limits.hard;
  const own = deadline ?? (run.armed ? unattended : null);
  if (run.deadlineAt === null) return own;
  const left = Math.max(1, (run.deadlineAt - now()) / 1000);
  return Math.min(left, own ?? left);
}

/** The master, last of all: by its own program, never by a power verb. */
async function powerOffSelf({ poweroff, seenMaster, event }: PlanPorts, node: InventoryNode): Promise<TryEnd> {
  const [refused] = ownRefusals(node, { poweroff: poweroff?.text ?? null, master: seenMaster() });
  if (refused !== undefined || poweroff === null)
    return { outcome: 'left-on', detail: refused?.message ?? `${node.name} stays on`, again: 'no' };
  event('notice', node.addr, `${node.name} shuts itself down: ${poweroff.text}`);
  const { why, output } = await poweroff.run();
  if (why === '') return { outcome: 'done', detail: `was told to shut itself down (${poweroff.text})`, again: null };
  const said = output.length > 0 ? `: ${output.join(' / ')}` : '';
  return { outcome: 'failed', detail: `${poweroff.text}: ${why}${said}`, again: null };
}

/** This machine, or another that manages the bus: it goes by its own program. */
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
    detail: `failed unexpectedly: ${error instanceof Error ? error.message : String(error)}`,
  };
}

/** How a try of a node ended. */
export interface TryEnd {
  outcome: Outcome;
  detail: string;
  /** What an armed run may still try; null: the same again. */
  again: Again | null;
  /** The end of an operation that goes on behind the end of its run. */
  later?: Promise<TryEnd>;
}

/** A node whose last try failed. */
export interface Failed extends TryEnd {
  againAt: number;
  /** Tries that failed; those that the bus was away for do not count. */
  tries: number;
}

export interface TryFacts {
  now: number;
  run: Pick<PlanRun, 'armed' | 'state' | 'deadlineAt'>;
  onFail: StepSettings['onFail'];
  end: TryEnd;
  /** Tries that failed before this one. */
  triesBefore: number;
  /** When its step wants it cut; epoch ms, null: never. */
  cutAt: number | null;
  busReady: boolean;
}

/** A node is tried again after this long, then after twice as long, up to the longest, ms. */
const AGAIN_MS = 5_000;
const LONGEST_AGAIN_MS = 60_000;
const SHORTEST_AGAIN_MS = 1_000;
/** Tries of an armed run that has no deadline. */
const MOST_TRIES = 3;

/** Null: the node has ended as its try did. */
export function afterTry({ now, run, onFail, end, triesBefore, cutAt, busReady }: TryFacts): Failed | null {
  const { outcome, again } = end;
  if (!run.armed || run.state !== 'running' || again === 'no') return null;
  if (outcome === 'done' || outcome === 'cut-unproven' || outcome === 'aborted') return null;
  if (run.deadlineAt !== null && now >= run.deadlineAt) return null;
  // A bus that is away says nothing about the node: it is tried as soon as the bus is back.
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

/** A program without which nothing goes on wants the node to stay on: it is not cut either. */
export function isVeto({ outcome, again }: TryEnd): boolean {
  return outcome === 'left-on' && again === null;
}
