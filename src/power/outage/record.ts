/** An outage as it is written down: what was on when it began, what it took, what came back. Pure. */
import type { OutageNode, OutagePhase, OutageReport } from '../../api/outage.ts';
import type { PlanNodeRun, PlanRun } from '../../api/plan.ts';
import type { Phase } from '../../api/power.ts';
import type { Address } from '../../rack/address.ts';
import type { Journalled } from '../journal.ts';
import type { KeptTime } from '../../lib/clock.ts';
import type { OutageState } from './policy.ts';

export type RunKind = 'step' | 'last' | 'restore';

export interface OutageRun {
  id: string;
  plan: string;
  kind: RunKind;
  ended: boolean;
  /** Nodes that had power when it began; of a restore those that came on with the mains. */
  onBefore: Address[];
}

export interface OutageRecord extends Journalled {
  policy: number;
  drill: boolean;
  phase: OutagePhase;
  committed: boolean;
  /** When the present phase began. */
  since: number;
  /** What was known of the battery last, and when; null: nothing. */
  known: { at: number; runtimeS: number | null } | null;
  /** The time of the last write: of use to a later server of the same boot. */
  kept: KeptTime;
  /** The supply as other UPS software told it, or null where none speaks. */
  told: 'mains' | 'battery' | null;
  /** Nodes that were on when it began. */
  nodes: OutageNode[];
  runs: OutageRun[];
  /** Epoch ms of the wall clock: for people. */
  lines: { at: number; text: string }[];
  startedWall: number;
  endedWall: number | null;
}

/** Changes all times of an outage that another server wrote down. */
export function moveOutageTimes(record: OutageRecord, move: (at: number) => number): void {
  record.startedAt = move(record.startedAt);
  record.since = move(record.since);
  if (record.known) record.known.at = move(record.known.at);
}

/** Lines kept of one outage: a UPS that flickers for a day must not fill the disk. */
const MAX_LINES = 500;

export function addLine(record: OutageRecord, at: number, text: string): void {
  record.lines.push({ at, text });
  if (record.lines.length > MAX_LINES) record.lines.splice(1, 1);
}

/** Takes over what a run of this outage says of its nodes; of one that was down before the run, nothing new. */
export function foldRun(record: OutageRecord, run: PlanRun, { kind, onBefore }: OutageRun): void {
  for (const step of run.steps)
    for (const node of step.nodes) {
      const own = record.nodes.find(({ addr }) => addr === node.addr);
      if (!own) continue;
      if (kind === 'restore') foldRestored(own, node, onBefore.includes(node.addr));
      else if (step.action === 'off' && (own.state !== 'taken' || onBefore.includes(node.addr))) foldTaken(own, node);
    }
}

/** Phases of a node that was asked to shut down and does. */
const GOES_DOWN: readonly string[] = ['acknowledged', 'stopping', 'settle', 'cut'] satisfies Phase[];

function foldTaken(own: OutageNode, node: PlanNodeRun): void {
  if (node.state === 'ended' && (node.outcome === 'done' || node.outcome === 'cut-unproven'))
    Object.assign(own, { state: 'taken', detail: node.detail });
  // The server ended in the midst of it: what was asked goes down, whatever is known of it.
  else if (node.outcome === 'interrupted') Object.assign(own, { state: 'taken', detail: node.detail });
  // Asked already: it goes down, whatever the run says later.
  else if (node.state === 'started' && node.phase !== null && GOES_DOWN.includes(node.phase))
    Object.assign(own, { state: 'taken', detail: `goes down: ${node.detail}` });
  else if (node.state === 'ended' && node.outcome !== 'skipped') own.detail = node.detail;
  else if (own.state === 'on' && node.state !== 'started') own.detail = node.detail;
}

function foldRestored(own: OutageNode, node: PlanNodeRun, alone: boolean): void {
  if (node.state !== 'ended') return;
  if (node.outcome === 'done') Object.assign(own, { state: alone ? 'came-back' : 'restored', detail: node.detail });
  else Object.assign(own, { state: 'missing', detail: node.detail });
}

/** Whether the last plan has left nodes on that another try may bring down, or has no run that is known. */
export function leavesNodes(record: OutageRecord, runOf: (id: string) => PlanRun | null): boolean {
  const last = record.runs.findLast(({ kind }) => kind === 'last');
  const run = last === undefined ? null : runOf(last.id);
  if (run === null) return true;
  const open = new Set(record.nodes.filter(({ state }) => state !== 'taken').map(({ addr }) => addr));
  return run.steps.some(({ nodes }) =>
    nodes.some(
      ({ addr, outcome }) => open.has(addr) && (outcome === null || ['deadline', 'bus', 'aborted'].includes(outcome)),
    ),
  );
}

/** Nodes that were on and are not back. */
export function missingNodes(record: OutageRecord): Address[] {
  return record.nodes
    .filter(({ state }) => state === 'taken' || state === 'lost' || state === 'missing')
    .map(({ addr }) => addr);
}

/** Nodes that are in no step of `restore`, null: there is none, do not come back by it. */
export function markUncovered(record: OutageRecord, restore: PlanRun | null): void {
  const covered = restore?.steps.flatMap(({ nodes }) => nodes.map(({ addr }) => addr)) ?? [];
  const missing = missingNodes(record).filter((addr) => !covered.includes(addr));
  for (const node of record.nodes)
    if (missing.includes(node.addr))
      Object.assign(node, { state: 'missing', detail: 'is in no step of the plan that restores' });
}

/** Takes over how the outage stands, for a server that has to go on with it. */
export function noteState(record: OutageRecord, { phase, committed, since, known }: OutageState): void {
  if (record.phase !== 'ended') record.phase = phase;
  Object.assign(record, { committed, since, known });
}

/** This machine went down while the record was open: a node that was on then has lost its power, as far as is known. */
export function markDark(record: OutageRecord): void {
  for (const node of record.nodes)
    if (node.state === 'on' || node.state === 'restored' || node.state === 'came-back')
      Object.assign(node, { state: 'lost', detail: `was on when the power went: ${node.detail}` });
}

export function reportOf(record: OutageRecord): OutageReport {
  const { id, policy, drill, phase, committed, startedWall, endedWall, nodes, lines } = record;
  return structuredClone({
    id,
    policy,
    drill,
    phase,
    committed,
    startedAt: startedWall,
    endedAt: endedWall,
    nodes,
    lines,
  });
}

/** What it comes to, in one sentence. */
export function summarizeOutage({ nodes }: Pick<OutageRecord, 'nodes'>): string {
  const count = (...states: OutageNode['state'][]): number =>
    nodes.filter(({ state }) => states.includes(state)).length;
  const parts = [
    [count('restored', 'came-back'), 'back'],
    [count('taken'), 'shut down and still off'],
    [count('lost'), 'lost power without a shutdown'],
    [count('missing'), 'not back'],
    [count('on'), 'stayed on'],
  ] as const;
  const said = parts.filter(([n]) => n > 0).map(([n, text]) => `${n} ${text}`);
  return said.length === 0
    ? 'no node was on'
    : `of ${nodes.length} ${nodes.length === 1 ? 'node that was' : 'nodes that were'} on: ${said.join(', ')}`;
}
