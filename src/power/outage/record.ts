/** An outage as it is written down: what was on when it began, what it took, what came back. Pure. */
import type { OutageNode, OutagePhase, OutageReport } from '../../api/outage.ts';
import type { PlanNodeRun, PlanRun } from '../../api/plan.ts';
import type { Address } from '../../rack/address.ts';
import type { Journalled } from '../journal.ts';
import type { KeptTime } from '../../lib/clock.ts';

export type RunKind = 'step' | 'last' | 'restore';

export interface OutageRun {
  id: string;
  plan: string;
  kind: RunKind;
  ended: boolean;
  /** Of a restore: nodes that had power before it began, by the mains' return. */
  onBefore: Address[];
}

export interface OutageRecord extends Journalled {
  policy: number;
  drill: boolean;
  phase: OutagePhase;
  committed: boolean;
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

/** Lines kept of one outage: a UPS that flickers for a day must not fill the disk. */
const MAX_LINES = 500;

export function addLine(record: OutageRecord, at: number, text: string): void {
  record.lines.push({ at, text });
  if (record.lines.length > MAX_LINES) record.lines.splice(1, 1);
}

/** Takes over what a run of this outage says of its nodes. */
export function foldRun(record: OutageRecord, run: PlanRun, { kind, onBefore }: OutageRun): void {
  for (const step of run.steps)
    for (const node of step.nodes) {
      const own = record.nodes.find(({ addr }) => addr === node.addr);
      if (!own) continue;
      if (kind === 'restore') foldRestored(own, node, onBefore.includes(node.addr));
      else if (step.action === 'off') foldTaken(own, node);
    }
}

function foldTaken(own: OutageNode, node: PlanNodeRun): void {
  if (own.state === 'restored' || own.state === 'came-back') return;
  if (node.state === 'ended' && (node.outcome === 'done' || node.outcome === 'cut-unproven'))
    Object.assign(own, { state: 'taken', detail: node.detail });
  // Asked already: it goes down, whatever the run says later.
  else if (node.state === 'started' && node.phase !== null && node.phase !== 'preflight')
    Object.assign(own, { state: 'taken', detail: `goes down: ${node.detail}` });
  else if (own.state === 'on' && node.state === 'ended') own.detail = node.detail;
}

function foldRestored(own: OutageNode, node: PlanNodeRun, alone: boolean): void {
  if (node.state !== 'ended') return;
  if (node.outcome === 'done') Object.assign(own, { state: alone ? 'came-back' : 'restored', detail: node.detail });
  else Object.assign(own, { state: 'missing', detail: node.detail });
}

/** Nodes that were on and are not back. */
export function missingNodes(record: OutageRecord): Address[] {
  return record.nodes
    .filter(({ state }) => state === 'taken' || state === 'lost' || state === 'missing')
    .map(({ addr }) => addr);
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
  return said.length === 0 ? 'no node was on' : `of ${nodes.length} nodes that were on: ${said.join(', ')}`;
}
