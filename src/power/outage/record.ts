/**
 * The record of an outage: the nodes that were on when it began, those that it took, those that came back; with the
 * policy's resolved form, the drill's supply, and the takeover of work that an earlier server or other UPS software
 * began. Pure but for the journal's file.
 */
import { join } from 'node:path';
import type { OutageNode, OutagePhase, OutageReport, Supply, UpsReading } from '../../api/outage.ts';
import type { PlanNodeRun, PlanRun } from '../../api/plans.ts';
import type { Phase } from '../../api/power.ts';
import type { KeptTime } from '../../lib/clock.ts';
import type { Address } from '../../rack/address.ts';
import type { Inventory } from '../../rack/inventory.ts';
import { type Journal, openJournalFile, EMPTY_AT, type Journalled } from '../journal.ts';
import type { Plans } from '../plans/plans.ts';
import type { PlanPorts } from '../plans/record.ts';
import type { OutageInput, OutageState, Policy } from './policy.ts';

/** Returns a policy that runs only the last plan, at once, and restores at once. */
export function drillPolicy(policy: OutagePolicy): OutagePolicy {
  return { ...policy, steps: [], restore: { afterS: 0, charge: 0 } };
}

/** Returns a supply without mains and with a low battery until the last plan has run, then with mains. */
export function drillSupply(record: OutageRecord | null): Supply {
  const over = record?.runs.some(({ kind, ended }) => kind === 'last' && ended) ?? false;
  return {
    state: over ? 'mains' : 'battery',
    low: !over,
    shutdown: false,
    runtimeS: null,
    charge: null,
    why: null,
  };
}

/** Returns a node's detail before any action; `drill` null: a real outage. */
export function firstDetail(addr: Address, drill: ReadonlySet<Address> | null): string {
  return drill === null || drill.has(addr) ? 'on when the mains failed' : 'not part of the drill';
}

/** Opens the journal that keeps each policy's last outage for its report. */
export function openOutageJournal(
  stateDir: string,
  warn: (text: string) => void,
  emptyAt = EMPTY_AT,
): Journal<OutageRecord> {
  const subject = ({ policy }: OutageRecord): number => policy;
  const path = join(stateDir, 'outages.jsonl');
  return openJournalFile(path, { has: 'lines', moveTimes: moveOutageTimes, warn, emptyAt, subject });
}

export type RunKind = 'step' | 'last' | 'restore';

export interface OutageRun {
  id: string;
  plan: string;
  kind: RunKind;
  ended: boolean;
  /** Nodes that had power when it began; for a restore those that came on with the mains. */
  onBefore: Address[];
}

export interface OutageRecord extends Journalled {
  policy: number;
  drill: boolean;
  phase: OutagePhase;
  committed: boolean;
  /** Time at which the present phase began. */
  since: number;
  /** Last known state of the battery, and its time; null: none. */
  known: { at: number; runtimeS: number | null } | null;
  /** Time of the last write: for a later server of the same boot. */
  kept: KeptTime;
  /** Supply as other UPS software reported it; null: no report. */
  told: 'mains' | 'battery' | null;
  /** Nodes that were on when it began. */
  nodes: OutageNode[];
  runs: OutageRun[];
  /** Epoch ms of the wall clock, for display. */
  lines: { at: number; text: string }[];
  startedWall: number;
  endedWall: number | null;
}

/** Changes all times of an outage that another server wrote. */
function moveOutageTimes(record: OutageRecord, move: (at: number) => number): void {
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

/** Copies the results of a run of this outage to its nodes; a node that was down before the run stays unchanged. */
export function foldRun(record: OutageRecord, run: PlanRun, { kind, onBefore }: OutageRun): void {
  for (const step of run.steps)
    for (const node of step.nodes) {
      const own = record.nodes.find(({ addr }) => addr === node.addr);
      if (!own) continue;
      if (kind === 'restore') foldRestored(own, node, onBefore.includes(node.addr));
      else if (step.action === 'off' && (own.state !== 'taken' || onBefore.includes(node.addr))) foldTaken(own, node);
    }
}

/** Phases of a node that follows its shutdown request. */
const GOES_DOWN: readonly string[] = ['acknowledged', 'stopping', 'settle', 'cut'] satisfies Phase[];

function foldTaken(own: OutageNode, node: PlanNodeRun): void {
  if (node.state === 'ended' && (node.outcome === 'done' || node.outcome === 'cut-unproven'))
    Object.assign(own, { state: 'taken', detail: node.detail });
  // The server ended during its shutdown: a node that got the request goes down.
  else if (node.outcome === 'interrupted') Object.assign(own, { state: 'taken', detail: node.detail });
  // The request was sent: the node goes down, whatever the run reports later.
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

/** Reports whether the last plan has left nodes on that another try may bring down, or has no known run. */
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

/** Reads from the record what the policy decides by; null: no outage is open. */
export function progressOf(record: OutageRecord | null): Pick<OutageInput, 'running' | 'lastEnded' | 'missing'> {
  const runs = record?.runs ?? [];
  const open = runs.filter(({ ended }) => !ended);
  const restores = open.some(({ kind }) => kind === 'restore');
  return {
    running: open.length === 0 ? 'nothing' : restores ? 'restoring' : 'shedding',
    lastEnded: runs.some(({ kind, ended }) => kind === 'last' && ended),
    missing: record !== null && missingNodes(record).length > 0,
  };
}

/** Returns the nodes that were on and are not back. */
export function missingNodes(record: OutageRecord): Address[] {
  return record.nodes
    .filter(({ state }) => state === 'taken' || state === 'lost' || state === 'missing')
    .map(({ addr }) => addr);
}

/** Marks missing nodes that no step of `restore` covers; null: there is no restore. */
export function markUncovered(record: OutageRecord, restore: PlanRun | null): void {
  const covered = restore?.steps.flatMap(({ nodes }) => nodes.map(({ addr }) => addr)) ?? [];
  const missing = missingNodes(record).filter((addr) => !covered.includes(addr));
  for (const node of record.nodes)
    if (missing.includes(node.addr))
      Object.assign(node, { state: 'missing', detail: 'is in no step of the plan that restores' });
}

/** Copies the outage's state to the record, for a server that takes it over. */
export function noteState(record: OutageRecord, { phase, committed, since, known }: OutageState): void {
  if (record.phase !== 'ended') record.phase = phase;
  Object.assign(record, { committed, since, known });
}

/**
 * Marks nodes as lost after this machine lost power while the record was open: those that were on then have probably
 * lost theirs.
 */
function markDark(record: OutageRecord): void {
  for (const node of record.nodes)
    if (node.state === 'on' || node.state === 'restored' || node.state === 'came-back')
      Object.assign(node, { state: 'lost', detail: `was on when the power failed: ${node.detail}` });
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

/** Sums the outage up in one sentence. */
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
  const counts = parts.filter(([n]) => n > 0).map(([n, text]) => `${n} ${text}`);
  return counts.length === 0
    ? 'no node was on'
    : `of ${nodes.length} ${nodes.length === 1 ? 'node that was' : 'nodes that were'} on: ${counts.join(', ')}`;
}

export interface OutagePolicy extends Policy {
  /** Index in the configuration. */
  index: number;
  /** Names of its UPSes. Empty: other UPS software reports the supply. */
  ups: readonly string[];
  needs: number;
  /** Its nodes; null: the whole rack. */
  nodes: ReadonlySet<Address> | null;
  /** `nodes` as text, for operators. */
  nodesText: string;
  /** Shortest runtime of a full battery, seconds; null: not configured. */
  assumedS: number | null;
  /** Plan that restores nodes; null: all of them at once, a blade's one after another. */
  restorePlan: string | null;
}

export interface OutagePorts extends Pick<PlanPorts, 'now' | 'every' | 'inventory' | 'reading' | 'event' | 'plans'> {
  wallTime: (at: number) => number;
  keepTime: (at: number) => KeptTime;
  /** Null: another boot of the machine. */
  recallTime: (kept: KeptTime) => number | null;
  ups(name: string): UpsReading;
  runs: Pick<Plans, 'start' | 'recall' | 'run' | 'list' | 'predictedMs' | 'warnings' | 'startDefinition'>;
  journal: { write(record: OutageRecord): Promise<void> };
  /** Called when the view has changed. */
  changed(): void;
}

export interface Takeover {
  now: number;
  wall: number;
  /** The record was written since this machine was booted. */
  sameBoot: boolean;
  /** Other UPS software reports the supply: no UPS can be read. */
  told: boolean;
}

/**
 * Takes over an earlier server's outage. After a power loss the nodes that were on have lost theirs, and the mains are
 * back; in the same boot the outage keeps its state, and a plan that the earlier server's end interrupted is begun
 * again.
 */
export function takeOver(record: OutageRecord, { now, wall, sameBoot, told }: Takeover): OutageState {
  for (const run of record.runs) run.ended = true;
  const { phase, committed, since, known } = record;
  const wentDown = committed || !sameBoot;
  if (wentDown) markDark(record);
  addLine(
    record,
    wall,
    wentDown ? 'the server was restarted, and the mains have returned' : 'the server was restarted',
  );
  const fresh = { stepsBegun: 0, committed: false, lastAt: null, dark: false };
  if (wentDown || (phase !== 'battery' && phase !== 'last'))
    // A UPS that has not answered yet is awaited, unless the boot itself shows that this machine is fed.
    return { ...fresh, phase: 'mains', since: now, dark: wentDown && (told || !sameBoot), known: null };
  return { ...fresh, phase, lastAt: now, since: Math.min(since, now), known: known ?? { at: now, runtimeS: null } };
}

/** Returns the armed runs that switch off and have not ended. */
export function shedRuns(runs: readonly PlanRun[]): PlanRun[] {
  return runs.filter(
    ({ armed, endedAt, steps }) => armed && endedAt === null && steps.some(({ action }) => action === 'off'),
  );
}

/** Adds runs that were begun before the outage was known to it, with the nodes that they have taken already. */
export function adoptRuns(record: OutageRecord, shedding: readonly PlanRun[], { nodes }: Inventory): void {
  for (const { addr, name } of nodes)
    if (tookAway(shedding, addr) && !record.nodes.some((node) => node.addr === addr))
      record.nodes.push({ addr, name, state: 'on', detail: 'on when the plan began' });
  const onBefore = record.nodes.map(({ addr }) => addr);
  for (const { id, plan } of shedding) record.runs.push({ id, plan, kind: 'step', ended: false, onBefore });
}

/** Reports whether one of the runs has switched this node off itself. */
function tookAway(runs: readonly PlanRun[], addr: Address): boolean {
  return runs.some(({ steps }) =>
    steps.some(({ nodes }) =>
      nodes.some((node) => node.addr === addr && node.outcome === 'done' && node.operation !== null),
    ),
  );
}
