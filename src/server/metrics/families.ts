/**
 * The metrics of a rack: names, help and values. A value that is not known, or too old to be shown as present, is
 * absent, never 0. Counters count from the start of the metrics.
 */
import type { EventRecord, Snapshot } from '../../api/methods.ts';
import type { Operation, Outcome, Verb } from '../../api/power.ts';
import type { BusCounters } from '../../bmc/types.ts';
import { type Address, formatAddress, formatPosition } from '../../rack/address.ts';
import { alarmOwner } from '../../rack/alarms.ts';
import { ampsOf } from '../../rack/calibration.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import { type Failure, presentSample, type Reading, type Sample } from '../../rack/reading.ts';
import type { ChangeEvents, Changes } from '../changes.ts';

/** Everything that the metrics are made from, at one moment. */
export interface MetricFacts {
  snapshot: Snapshot;
  counters: BusCounters;
  tallies: Omit<Tallies, 'close'>;
  version: string;
  process: { cpuSeconds: number; residentBytes: number; openFiles: number | null; startedAtSeconds: number };
}

type Labels = Readonly<Record<string, string>>;
/** A value with the labels that tell it from others of its family; null: not known, so it is left out. */
type Value = readonly [labels: Labels, value: number | null];

interface Family {
  name: string;
  type: 'gauge' | 'counter';
  help: string;
  values: (facts: MetricFacts) => readonly Value[];
}

const POWERS = ['on', 'off', 'disabled'] as const;
const SYSTEMS = ['booting', 'up', 'going-down', 'halted', 'failed'] as const;
const BUS_STATES = ['starting', 'ready', 'paused', 'locked', 'wedged', 'down'] as const;
const FAILURES = ['silent', 'garbled', 'foreign'] as const;
const LEVELS = ['info', 'notice', 'warning', 'alarm'] as const;

function gauge(name: string, help: string, values: Family['values']): Family {
  return { name: `rackui_${name}`, type: 'gauge', help, values };
}

function counter(name: string, help: string, values: Family['values']): Family {
  return { name: `rackui_${name}_total`, type: 'counter', help, values };
}

function one(value: number | null): Value[] {
  return [[{}, value]];
}

/** One value for each state: 1 for the present one, 0 for the others; none while the state is not known. */
function stateSet<S extends string>(all: readonly S[], present: S | null, labels: Labels = {}): Value[] {
  return present === null ? [] : all.map((state) => [{ ...labels, state }, state === present ? 1 : 0]);
}

function labelsOf(node: Pick<InventoryNode, 'name' | 'addr'>): Labels {
  return { node: node.name, addr: formatAddress(node.addr) };
}

interface NodeFacts {
  node: InventoryNode;
  labels: Labels;
  reading: Reading;
  /** The reading's sample; null: none, or too old to count as the present state. */
  sample: Sample | null;
}

function nodesOf({ snapshot }: MetricFacts): NodeFacts[] {
  return snapshot.rack.nodes.map((node) => {
    const reading: Reading = snapshot.nodes.find(({ addr }) => addr === node.addr)?.reading ?? { state: 'unasked' };
    return { node, labels: labelsOf(node), reading, sample: presentSample(reading, snapshot.now) };
  });
}

function perNode(value: (facts: NodeFacts) => number | null): Family['values'] {
  return (facts) => nodesOf(facts).map((node) => [node.labels, value(node)]);
}

function counted(of: (facts: MetricFacts) => Counts<Address>): Family['values'] {
  return (facts) => facts.snapshot.rack.nodes.map((node) => [labelsOf(node), of(facts).get(node.addr) ?? 0]);
}

function lastReplyAt(reading: Reading): number | null {
  if (reading.state === 'ok') return reading.sample.at;
  return reading.state === 'failed' ? (reading.last?.at ?? null) : null;
}

const OF_NODES: readonly Family[] = [
  gauge('node_info', 'A node of the rack, with labels from the inventory.', ({ snapshot }) =>
    snapshot.rack.nodes.map((node) => [
      {
        ...labelsOf(node),
        position: formatPosition(node.addr),
        role: node.role ?? '',
        cluster: node.cluster ?? '',
      },
      1,
    ]),
  ),
  gauge('node_power', 'Power of the node as reported by its BMC; absent while unknown.', (facts) =>
    nodesOf(facts).flatMap(({ sample, labels }) => stateSet(POWERS, sample?.power ?? null, labels)),
  ),
  gauge('node_system', 'State of the operating system of a node with power; absent while unknown.', (facts) =>
    nodesOf(facts).flatMap(({ node, labels, sample }) => {
      const system = facts.snapshot.nodes.find(({ addr }) => addr === node.addr)?.system?.system ?? 'unknown';
      return stateSet(SYSTEMS, sample?.power !== 'on' || system === 'unknown' ? null : system, labels);
    }),
  ),
  gauge(
    'node_answers',
    '1 if the last request to the BMC of the node had a valid reply.',
    perNode(({ reading }) => (reading.state === 'unasked' ? null : Number(reading.state === 'ok'))),
  ),
  gauge(
    'node_current_counts',
    'Current of the node in counts of its BMC, 0 to 255.',
    perNode(({ sample }) => sample?.current ?? null),
  ),
  gauge(
    'node_current_amperes',
    'Current of the node; absent where the node is not calibrated.',
    perNode(({ sample, node }) => (sample === null ? null : ampsOf(sample.current, node.calibration))),
  ),
  gauge(
    'node_fan_counts',
    'Fan value of the node in counts of its BMC, 0 to 255; of unknown scale.',
    perNode(({ sample }) => sample?.fan ?? null),
  ),
  gauge('node_reading_age_seconds', 'Age of the last valid reply of the BMC.', (facts) =>
    nodesOf(facts).map(({ labels, reading }) => {
      const at = lastReplyAt(reading);
      return [labels, at === null ? null : Math.max(0, facts.snapshot.now - at) / 1000];
    }),
  ),
  counter(
    'node_reads',
    'Status requests to the node.',
    counted(({ tallies }) => tallies.reads),
  ),
  counter('node_reads_failed', 'Status requests to the node without a valid reply.', (facts) =>
    FAILURES.flatMap((reason) =>
      counted(({ tallies }) => tallies.readsFailed[reason])(facts).map(([labels, value]): Value => [
        { ...labels, reason },
        value,
      ]),
    ),
  ),
  counter(
    'node_console_received_bytes',
    'Output received from the console of the node.',
    counted(({ tallies }) => tallies.consoleBytes),
  ),
  counter(
    'node_console_gaps',
    'Interruptions of the open console of the node, in which its output was lost.',
    counted(({ tallies }) => tallies.consoleGaps),
  ),
];

const OF_THE_BUS: readonly Family[] = [
  gauge('bus_state', 'State of the bus.', ({ snapshot }) => stateSet(BUS_STATES, snapshot.bus.state)),
  gauge('bus_sweep_duration_seconds', 'Duration of the last sweep of all nodes.', ({ snapshot }) =>
    one(snapshot.bus.sweepMs === null ? null : snapshot.bus.sweepMs / 1000),
  ),
  gauge('bus_sweep_interval_seconds', 'Configured interval of sweeps.', ({ snapshot }) =>
    one(snapshot.intervalMs / 1000),
  ),
  counter('bus_exchanges', 'Requests to BMCs.', ({ counters }) => one(counters.exchanges)),
  counter('bus_exchanges_failed', 'Requests to BMCs without a valid reply.', ({ counters }) =>
    FAILURES.map((reason) => [{ reason }, counters[reason]]),
  ),
  counter('bus_stray_bytes', 'Received bytes outside of replies.', ({ counters }) => one(counters.stray)),
  counter('bus_recoveries', 'Recoveries of the bus.', ({ counters }) => one(counters.recoveries)),
  gauge('console_open', 'The node whose console is open.', ({ snapshot }) => {
    const open = snapshot.console === null ? null : snapshot.console.addr;
    return snapshot.rack.nodes.filter(({ addr }) => addr === open).map((node) => [labelsOf(node), 1]);
  }),
];

const OF_THE_SERVER: readonly Family[] = [
  gauge('build_info', 'Version of rackui.', ({ version }) => [[{ version }, 1]]),
  gauge('sessions', 'Connected clients.', ({ snapshot }) => one(snapshot.sessions.length)),
  gauge('operations_running', 'Running power operations.', ({ snapshot }) =>
    one(snapshot.operations.filter(({ endedAt }) => endedAt === null).length),
  ),
  gauge('operations_asking', 'Nodes of running operations with a prompt for the operator.', ({ snapshot }) =>
    one(
      snapshot.operations
        .filter(({ endedAt }) => endedAt === null)
        .flatMap(({ nodes }) => nodes.filter(({ question }) => question !== null)).length,
    ),
  ),
  counter('operation_nodes', 'Nodes of ended power operations.', ({ tallies }) =>
    [...tallies.outcomes].map(([key, value]) => {
      const [verb = '', outcome = ''] = key.split(' ');
      return [{ verb, outcome }, value];
    }),
  ),
  gauge('alarm_active', 'An active alarm.', ({ snapshot }) =>
    snapshot.alarms
      .filter(({ clearedAt }) => clearedAt === null)
      .map(({ kind, addr, subject }) => {
        const node = snapshot.rack.nodes.find((one) => one.addr === addr);
        const owner = addr === null ? alarmOwner(kind) : 'node';
        return [{ kind, owner, subject: subject ?? '', ...(node ? labelsOf(node) : { node: '', addr: '' }) }, 1];
      }),
  ),
  gauge('alarms_unacknowledged', 'Unacknowledged alarms.', ({ snapshot }) =>
    one(snapshot.alarms.filter(({ acknowledged }) => acknowledged === null).length),
  ),
  counter('events', 'Events.', ({ tallies }) => LEVELS.map((level) => [{ level }, tallies.events.get(level) ?? 0])),
];

function perUps(
  value: (ups: Snapshot['outage']['policies'][number]['ups'][number]) => number | null,
): Family['values'] {
  return ({ snapshot }) =>
    snapshot.outage.policies.flatMap(({ ups }) => ups.map((reading): Value => [{ ups: reading.name }, value(reading)]));
}

const share = (percent: number | null): number | null => (percent === null ? null : percent / 100);

const OF_THE_SUPPLY: readonly Family[] = [
  gauge(
    'ups_answers',
    '1 if the last request to the UPS had a valid reply.',
    perUps(({ state }) => Number(state !== 'unknown')),
  ),
  gauge(
    'ups_on_battery',
    '1 if the UPS is on battery; absent while unknown.',
    perUps(({ state }) => (state === 'unknown' ? null : Number(state === 'battery'))),
  ),
  gauge(
    'ups_battery_charge_ratio',
    'Charge of the battery of the UPS, 0 to 1.',
    perUps(({ state, charge }) => (state === 'unknown' ? null : share(charge))),
  ),
  gauge(
    'ups_battery_runtime_seconds',
    'Runtime of the battery of the UPS at the present load.',
    perUps(({ state, runtimeS }) => (state === 'unknown' ? null : runtimeS)),
  ),
  gauge(
    'ups_load_ratio',
    'Load of the UPS, as a share of its capacity.',
    perUps(({ state, load }) => (state === 'unknown' ? null : share(load))),
  ),
];

/** Metrics of the process have the names that all of Prometheus' clients use; several racks may share it. */
const OF_THE_PROCESS: readonly Family[] = [
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time of the process.',
    values: ({ process }) => one(process.cpuSeconds),
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of the process.',
    values: ({ process }) => one(process.residentBytes),
  },
  {
    name: 'process_open_fds',
    type: 'gauge',
    help: 'Open file descriptors of the process.',
    values: ({ process }) => one(process.openFiles),
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'Start of the server, in seconds since the epoch.',
    values: ({ process }) => one(process.startedAtSeconds),
  },
];

/** All metrics, in the order in which they are printed. */
export const FAMILIES: readonly Family[] = [
  ...OF_NODES,
  ...OF_THE_BUS,
  ...OF_THE_SERVER,
  ...OF_THE_SUPPLY,
  ...OF_THE_PROCESS,
];

/** Counts by a key; a key that was never counted is absent. */
type Counts<K> = Map<K, number>;

function count<K>(counts: Counts<K>, key: K, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

export class Tallies {
  readonly reads: Counts<Address> = new Map();
  readonly readsFailed: Record<Failure, Counts<Address>> = {
    silent: new Map(),
    garbled: new Map(),
    foreign: new Map(),
  };
  readonly consoleBytes: Counts<Address> = new Map();
  readonly consoleGaps: Counts<Address> = new Map();
  /** Nodes of ended operations, by `VERB OUTCOME`. */
  readonly outcomes: Counts<`${Verb} ${Outcome}`> = new Map();
  readonly events: Counts<EventRecord['level']> = new Map();
  readonly #running = new Set<string>();
  readonly #forget: () => void;

  constructor(changes: Changes) {
    const listeners: { [E in keyof ChangeEvents]?: (...values: ChangeEvents[E]) => void } = {
      read: (addr, reading) => this.#read(addr, reading),
      output: (addr, bytes) => count(this.consoleBytes, addr, bytes),
      gap: (addr) => count(this.consoleGaps, addr),
      event: ({ level }) => count(this.events, level),
      changed: (change) => {
        if (typeof change === 'object' && 'operation' in change) this.#operation(change.operation);
      },
    };
    const names = Object.keys(listeners) as (keyof ChangeEvents)[];
    for (const name of names) changes.on(name, listeners[name] as () => void);
    this.#forget = () => {
      for (const name of names) changes.off(name, listeners[name] as () => void);
    };
  }

  close(): void {
    this.#forget();
  }

  #read(addr: Address, reading: Reading): void {
    count(this.reads, addr);
    if (reading.state === 'failed') count(this.readsFailed[reading.failure], addr);
  }

  /** Counts an operation once, when it has ended. */
  #operation({ id, verb, endedAt, nodes }: Operation): void {
    if (endedAt === null) this.#running.add(id);
    else if (this.#running.delete(id))
      for (const { outcome } of nodes) if (outcome !== null) count(this.outcomes, `${verb} ${outcome}` as const);
  }
}
