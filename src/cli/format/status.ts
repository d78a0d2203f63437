/** Formats the report of `rackui status`: one record a node, as JSON and as a table. Pure. */
import { type BusState, busUsable } from '../../api/bus.ts';
import type { NodeState, Snapshot } from '../../api/methods.ts';
import {
  isWatched,
  type OutagePhase,
  type OutageView,
  supplyForms,
  type SupplyState,
  type UpsReading,
} from '../../api/outage.ts';
import { type Address, formatAddress, formatPosition } from '../../rack/address.ts';
import { ampsOf, type Calibration, totalDraw, VOLTS } from '../../rack/calibration.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import { KUBERNETES_WORD, type KubernetesState, type KubernetesStatus, presentState } from '../../rack/kubernetes.ts';
import {
  type Power,
  type Sample,
  shownPower,
  type ShownPower,
  type Source,
  STALE_AFTER_MS,
} from '../../rack/reading.ts';
import { CONDITIONS, nodeCondition, type NodeCondition, type System } from '../../rack/system-state.ts';

/** The documented shape of `rackui status --json`. */
export interface StatusReport {
  rack: string;
  bus: {
    state: BusState;
    port: string;
    /** Advice where the bus is not ready; '' otherwise. */
    detail: string;
    /** Address of the master, `00`; null while unknown. */
    master: string | null;
    sweepMs: number | null;
    sweepsPerS: number | null;
  };
  /** The open console, during which no node is polled; null: none is open. */
  console: {
    addr: string;
    /** The session that types; null: none. */
    holder: string | null;
    /** Time since that program last sent anything, where it is stopped or cut off, ms; otherwise null. */
    silentMs: number | null;
  } | null;
  /** Supply of each group of nodes; empty: no UPS is configured, and none was reported. */
  supply: SupplyReport[];
  nodes: NodeReport[];
}

export interface SupplyReport {
  /** Its nodes in words. */
  nodes: string;
  state: SupplyState;
  /** Reason why the state is unknown; null otherwise. */
  why: string | null;
  low: boolean;
  /** Per cent; null: not known. */
  charge: number | null;
  /** Seconds that the battery lasts, or would if the mains failed now; null: not known. */
  batteryS: number | null;
  /** The last plan, its predicted length, and whether the battery lasts for it; null where not known. */
  plan: string | null;
  planS: number | null;
  fits: boolean | null;
  /** Phase and duration of the present outage; null: there is none. */
  phase: OutagePhase | null;
  phaseMs: number | null;
  ups: (Omit<UpsReading, 'answeredAt'> & { ageMs: number | null })[];
  /** The same as text, as in the interface's header. */
  text: string;
}

export interface NodeReport {
  addr: string;
  pos: string;
  name: string;
  role: string | null;
  cluster: string | null;
  /** UID of the board's BMC, as configured or last read; null: not known. */
  uid: string | null;
  /** Power as the BMC reports it. */
  power: ShownPower;
  /** State of its operating system, with duration and evidence; null: it has no power, or the state is not known. */
  system: System | null;
  systemAgeMs: number | null;
  systemWhy: string | null;
  /** State in the configured Kubernetes cluster, age of its answer, and reason; null: none, or the node is not in it. */
  kubernetes: KubernetesState | null;
  kubernetesAgeMs: number | null;
  kubernetesWhy: string | null;
  /** Counts, 0 to 255, of no known unit; null while unknown. */
  current: number | null;
  /** The same in amperes; null while unknown, and where the node is not calibrated. */
  amps: number | null;
  fan: number | null;
  /** Age of the reported or the last sample, ms; null where there is none. */
  ageMs: number | null;
  /** `fresh`: the values are current. `stale`: only `last` has values, of `ageMs` ago. `none`: it never answered. */
  freshness: 'fresh' | 'stale' | 'none';
  /** The latest sample, however old: history where `freshness` is not `fresh`. */
  last: LastValues | null;
  /** Source of the reported values; null while unknown. */
  source: Source | null;
  master: boolean;
  alarms: string[];
  /** Id of the running operation; null: none. */
  op: string | null;
}

export interface LastValues {
  power: Power;
  current: number;
  amps: number | null;
  fan: number;
}

/** Makes the report. `nodes`: the reported ones, in this order. Ages are by the server's clock. */
export function statusReport(snapshot: Snapshot, nodes: readonly InventoryNode[]): StatusReport {
  const { rack, bus } = snapshot;
  const states = new Map(snapshot.nodes.map((state) => [state.addr, state]));
  return {
    rack: rack.name,
    bus: {
      state: bus.state,
      port: bus.port,
      detail: bus.detail,
      master: bus.master === null ? null : formatAddress(bus.master),
      sweepMs: bus.sweepMs,
      sweepsPerS: bus.sweepsPerS,
    },
    console: consoleOf(snapshot),
    supply: snapshot.outage.policies.filter(isWatched).map((view) => supplyReport(view, snapshot.now)),
    nodes: nodes.map((node) => {
      const state = states.get(node.addr);
      return {
        addr: formatAddress(node.addr),
        pos: formatPosition(node.addr),
        name: node.name,
        role: node.role,
        cluster: node.cluster,
        uid: node.uid,
        ...known(state, node.calibration, snapshot),
        ...inCluster(state?.kubernetes ?? null, snapshot.now),
        master: isMaster(node, bus.master),
        alarms: state?.alarms ?? [],
        op: state?.op ?? null,
      };
    }),
  };
}

function inCluster(
  status: KubernetesStatus | null,
  now: number,
): Pick<NodeReport, 'kubernetes' | 'kubernetesAgeMs' | 'kubernetesWhy'> {
  if (status === null) return { kubernetes: null, kubernetesAgeMs: null, kubernetesWhy: null };
  const { at, why } = status;
  return {
    kubernetes: presentState(status, now),
    kubernetesAgeMs: at === null ? null : Math.max(0, Math.round(now - at)),
    kubernetesWhy: why === '' ? null : why,
  };
}

/** `not ready in Kubernetes`; null: it is ready, or in no cluster. */
export function clusterText({ kubernetes }: NodeReport): string | null {
  return kubernetes === null || kubernetes === 'ready' ? null : `${KUBERNETES_WORD[kubernetes]} in Kubernetes`;
}

function consoleOf({ console, now }: Snapshot): StatusReport['console'] {
  if (console === null) return null;
  const { addr, holderName, holderSilentSince } = console;
  const silentMs = holderSilentSince === null ? null : Math.max(0, Math.round(now - holderSilentSince));
  return { addr: formatAddress(addr), holder: holderName, silentMs };
}

function supplyReport(view: OutageView, now: number): SupplyReport {
  const { nodes, supply, last, batteryS, phase, ups } = view;
  const ageOf = (at: number): number => Math.max(0, Math.round(now - at));
  return {
    nodes,
    state: supply.state,
    why: supply.why,
    low: supply.low,
    charge: supply.charge,
    batteryS,
    plan: last?.plan ?? null,
    fits: last?.fits ?? null,
    planS: last?.lengthMs == null ? null : Math.round(last.lengthMs / 1000),
    phase: phase?.is ?? null,
    phaseMs: phase === null ? null : ageOf(phase.since),
    ups: ups.map(({ answeredAt, ...report }) => ({ ...report, ageMs: answeredAt === null ? null : ageOf(answeredAt) })),
    text: supplyForms(view, now)[0] ?? '',
  };
}

/** `BATTERY 71 %, 11:20 left, shed-all takes 4:10; it does not fit`, after its nodes where there are several groups. */
export function supplySentence(
  { nodes, text, state, why, fits, phase, phaseMs }: SupplyReport,
  several: boolean,
): string {
  const parts = [
    (several ? `${nodes}: ` : '') + text,
    ...(state === 'unknown' && why !== null ? [why] : []),
    ...(fits === false ? ['the battery does not last long enough'] : []),
    ...(phase === null || phaseMs === null ? [] : [`outage: ${PHASE_WORDS[phase]} for ${ageText(phaseMs)}`]),
  ];
  return parts.join('; ');
}

const PHASE_WORDS: Record<OutagePhase, string> = {
  battery: 'on battery',
  last: 'the last plan',
  mains: 'mains back',
  restoring: 'nodes come back',
  ended: 'ended',
};

/** Returns whether the node is the master: the one that answered a bare `=`; before that, the configured one. */
function isMaster(node: InventoryNode, seen: Address | null): boolean {
  return seen === null ? node.role === 'master' : node.addr === seen;
}

type KnownValues = Pick<
  NodeReport,
  | 'power'
  | 'current'
  | 'amps'
  | 'fan'
  | 'ageMs'
  | 'freshness'
  | 'last'
  | 'source'
  | 'system'
  | 'systemAgeMs'
  | 'systemWhy'
>;

/**
 * Returns the values that are still known: beyond {@link STALE_AFTER_MS}, or without a usable bus, a value is
 * history.
 */
function known(state: NodeState | undefined, calibration: Calibration | null, { bus, now }: Snapshot): KnownValues {
  const reading = state?.reading ?? { state: 'unasked' };
  const sample = reading.state === 'unasked' ? null : reading.state === 'ok' ? reading.sample : reading.last;
  const ageMs = sample === null ? null : Math.max(0, Math.round(now - sample.at));
  const last = sample && valuesOf(sample, calibration);
  const unknown = { current: null, amps: null, fan: null, source: null };
  const noSystem = { system: null, systemAgeMs: null, systemWhy: null };
  if (reading.state !== 'ok' || ageMs === null || last === null)
    return { ...unknown, ...noSystem, power: shownPower(reading), ageMs, last, freshness: last ? 'stale' : 'none' };
  if (ageMs > STALE_AFTER_MS || !busUsable(bus.state))
    return { ...unknown, ...noSystem, power: 'unknown', ageMs, last, freshness: 'stale' };
  const { system = null } = state ?? {};
  return {
    ...last,
    ageMs,
    last,
    freshness: 'fresh',
    source: reading.source,
    system: system?.system ?? null,
    systemAgeMs: system === null || system.system === 'unknown' ? null : Math.max(0, Math.round(now - system.since)),
    systemWhy: system === null || system.why === '' ? null : system.why,
  };
}

function valuesOf({ power, current, fan }: Sample, calibration: Calibration | null): LastValues {
  const amps = ampsOf(current, calibration);
  return { power, current, fan, amps: amps === null ? null : Number(amps.toFixed(3)) };
}

/** Returns a node's condition: its power, or the state of its system. */
export function conditionOf({ power, system }: NodeReport): NodeCondition {
  return nodeCondition(power, system === null ? null : { system });
}

/** Formats the report as lines: a head line, then a table. */
export function statusTable(report: StatusReport): string[] {
  const { rack, bus, console, supply, nodes } = report;
  const head = `${rack}: ${summary(report)}`;
  const problems = bus.state !== 'ready' && bus.detail !== '' ? [bus.detail] : [];
  if (console !== null && console.silentMs !== null)
    problems.push(
      `${console.holder ?? 'a session'} has the keyboard of the console of ${console.addr} and has been silent for ${ageText(console.silentMs)}: its program is stopped or disconnected; 'rackui server status' shows its pid, 'rackui console ${console.addr} --force' takes the console`,
    );
  for (const one of supply) problems.push(`supply: ${supplySentence(one, supply.length > 1)}`);
  if (nodes.length === 0) return [head, ...problems];
  const rows = nodes.map((node) => [
    node.addr,
    node.pos,
    node.name,
    node.role ?? '',
    ...values(node),
    node.ageMs === null ? '-' : ageText(node.ageMs),
    marks(node),
  ]);
  const titles = ['ADDR', 'POS', 'NAME', 'ROLE', 'POWER', 'CURRENT', 'FAN', 'AGE', ''];
  return [head, ...problems, ...aligned([titles, ...rows], [5, 6, 7])];
}

/** Formats power, current and fan. Stale values are in brackets: `unknown (on)`, `(43)`. */
function values(node: NodeReport): [power: string, current: string, fan: string] {
  const { last, freshness } = node;
  const condition = conditionOf(node);
  if (last === null) return [condition, '-', '-'];
  const current = last.amps !== null ? `${last.amps.toFixed(2)} A` : String(last.current);
  if (freshness === 'fresh') return [condition, current, String(last.fan)];
  return [`${condition} (${last.power})`, `(${current})`, `(${last.fan})`];
}

/** `bus ready on /dev/serial0, sweep 71 ms; 22 on, 1 off, 1 unknown`. */
function summary({ bus, nodes }: StatusReport): string {
  const sweep = bus.state === 'ready' && bus.sweepMs !== null ? `, sweep ${Math.round(bus.sweepMs)} ms` : '';
  const counts = conditionCounts(nodes);
  const total = totalCurrent(nodes);
  const current = total === null ? [] : [`current ${total} in total`];
  return `bus ${bus.state} on ${bus.port}${sweep}; ${[...counts, ...current].join(', ') || 'no nodes'}`;
}

/** `21 on`, `1 halted`, `2 unknown (2 last on)`: without counts of zero. */
export function conditionCounts(nodes: readonly NodeReport[]): string[] {
  return CONDITIONS.map((condition) => [condition, nodes.filter((node) => conditionOf(node) === condition)] as const)
    .filter(([, some]) => some.length > 0)
    .map(([condition, some]) => `${some.length} ${condition}${lastPowers(some)}`);
}

function lastPowers(nodes: readonly NodeReport[]): string {
  const stale = nodes.filter(({ freshness }) => freshness === 'stale');
  const counts = (['on', 'off', 'disabled'] as const)
    .map((power) => [stale.filter(({ last }) => last?.power === power).length, power] as const)
    .filter(([count]) => count > 0)
    .map(([count, power]) => `${count} last ${power}`);
  return counts.length === 0 ? '' : ` (${counts.join(', ')})`;
}

/**
 * Returns the sum of the known nodes: `862 counts`, or `11.20 A (56 W)` where each of them is calibrated; null:
 * none is known.
 */
export function totalCurrent(nodes: readonly NodeReport[]): string | null {
  const draws = nodes.flatMap(({ current, amps }) => (current === null ? [] : [{ counts: current, amps }]));
  if (draws.length === 0) return null;
  const { counts, amps } = totalDraw(draws);
  return amps === null ? `${counts} counts` : `${amps.toFixed(2)} A (${(amps * VOLTS).toFixed(0)} W)`;
}

function marks(node: NodeReport): string {
  const { master, op, alarms } = node;
  const operation = op === null ? null : `operation ${op}`;
  return [master ? 'master' : null, operation, clusterText(node), ...alarms].filter((text) => text !== null).join(', ');
}

/** Formats milliseconds as an age: `0.2 s`, `12 s`, `3 min`. */
export function ageText(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}

/** Aligns columns; those in `right` are numbers. Two blanks apart, none at the end. */
function aligned(rows: readonly string[][], right: readonly number[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
