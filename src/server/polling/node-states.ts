/**
 * Keeps the state of every node and logs its changes. Also keeps the nodes in operations, for the map's marks, more
 * frequent polls, and the cause of a change of power.
 */
import type { NodeState } from '../../api/methods.ts';
import type { Operation } from '../../api/power.ts';
import type { Bus, StatusOutcome } from '../../bmc/types.ts';
import type { Address } from '../../rack/address.ts';
import { History, type SeriesPoint } from '../../rack/history.ts';
import { type Inventory, type InventoryNode, nodeLabel, unnamedNode } from '../../rack/inventory.ts';
import { type ClusterReport, kubernetesStatus } from '../../rack/kubernetes.ts';
import {
  type Power,
  RackState,
  type Reading,
  type Sample,
  shownPower,
  type Source,
  type Transition,
} from '../../rack/reading.ts';
import type { SystemState } from '../../rack/system-state.ts';
import type { EventLog } from '../events.ts';
import { powerChange } from './alarms.ts';
import type { PowerReturn } from './power-return.ts';

export interface NodeStatesPorts {
  now(): number;
  events: EventLog;
  /** Returns the id of the operation that runs on a node, or null. */
  operationOn(addr: Address): string | null;
  /** Returns whether a change of power on this node comes from an operation here, running or just ended. */
  switchedHere(addr: Address): boolean;
  /** Updates the alarms; called after each answer, and for a change of power. */
  read(addr: Address, reading: Reading): void;
  powerChanged(addr: Address, from: Power, to: Power, here: boolean, byItself: string | null): void;
  /** Recognises changes of power that come with the rack's own. */
  powerReturn: PowerReturn;
  /** Called when a node answers for the first time, or again. */
  appeared(addr: Address): void;
  alarms(addr: Address): string[];
  system(addr: Address): SystemState;
  /** `sampled`: only by another sample of the same state. */
  nodeChanged(addr: Address, sampled: boolean): void;
  rackChanged(): void;
}

export class NodeStates {
  readonly #ports: NodeStatesPorts;
  readonly #state = new RackState();
  readonly #histories = new Map<Address, History>();
  /** Times at which power came on, of nodes that have answered ever since. */
  readonly #onSince = new Map<Address, number>();
  readonly intervalMs: number;
  #inventory: Inventory;
  /** Null: no Kubernetes cluster is configured. */
  #cluster: ClusterReport | null = null;

  constructor(inventory: Inventory, intervalMs: number, ports: NodeStatesPorts) {
    this.#inventory = inventory;
    this.intervalMs = intervalMs;
    this.#ports = ports;
  }

  get inventory(): Inventory {
    return this.#inventory;
  }

  get addresses(): Address[] {
    return this.#inventory.nodes.map((node) => node.addr);
  }

  node(addr: Address): InventoryNode | null {
    return this.#inventory.nodes.find((node) => node.addr === addr) ?? null;
  }

  name(addr: Address): string {
    return this.node(addr)?.name ?? unnamedNode(addr).name;
  }

  /** Returns the node's label in messages: `worker-05 (A-3, 03)`. */
  label(addr: Address): string {
    return nodeLabel({ name: this.name(addr), addr });
  }

  reading(addr: Address): Reading {
    return this.#state.reading(addr);
  }

  /** Adds a node that was not configured and answered the scan. */
  discovered(addr: Address, master: boolean): void {
    if (this.node(addr) !== null) return;
    const { calibration } = this.#inventory;
    const found: InventoryNode = { ...unnamedNode(addr), role: master ? 'master' : null, calibration };
    const nodes = [...this.#inventory.nodes, found].sort((a, b) => a.addr - b.addr);
    this.#inventory = { ...this.#inventory, nodes };
    this.#ports.rackChanged();
  }

  /** Stores the UID that the BMC reported. */
  identified(addr: Address, uid: string): void {
    if (this.node(addr)?.uid === uid) return;
    const nodes = this.#inventory.nodes.map((node) => (node.addr === addr ? { ...node, uid } : node));
    this.#inventory = { ...this.#inventory, nodes };
    this.#ports.rackChanged();
  }

  /** Applies the configured nodes after a reload. Discovered nodes stay where the configuration names none. */
  configured(inventory: Inventory): void {
    const before = this.addresses;
    const { nodes } = inventory.configured ? inventory : this.#inventory;
    const uid = (addr: Address): string | null => this.node(addr)?.uid ?? null;
    this.#inventory = { ...inventory, nodes: nodes.map((node) => ({ ...node, uid: node.uid ?? uid(node.addr) })) };
    this.#ports.rackChanged();
    for (const addr of this.addresses) if (!before.includes(addr)) this.#ports.nodeChanged(addr, false);
  }

  /** Applies the outcome of a status request. `bus` outcomes concern no node and change nothing. */
  apply(addr: Address, outcome: StatusOutcome, source: Source, asked = 1): void {
    if (!outcome.ok && outcome.failure === 'bus') return;
    // Outcomes of a poll are applied together, some time after their replies.
    const at = outcome.ok ? outcome.sample.at : this.#ports.now();
    const { state } = this.reading(addr);
    const changes = this.#state.apply(addr, outcome, source, at, asked);
    this.#history(addr).record(at, outcome.ok ? outcome.sample : null);
    for (const change of changes) this.#noteOn(addr, change, at);
    this.#ports.read(addr, this.reading(addr));
    // Nobody waits for the samples of a poll one by one.
    const polled = source === 'sweep' || source === 'pause';
    this.#ports.nodeChanged(addr, polled && changes.length === 0 && this.reading(addr).state === state);
    for (const change of changes) this.#announce(addr, change);
    if (outcome.ok) this.#ports.powerReturn.read(addr);
  }

  /**
   * Returns a bus whose answers are also stored here: what an operation reads is not polled again, and shows at
   * once.
   */
  following(bus: Bus): Pick<Bus, 'health' | 'status' | 'verb' | 'hold'> {
    // A lost reply is not stored: the poller asks twice before it counts.
    const take = (addr: Address, sample: Sample, master: boolean, source: Source): void =>
      this.apply(addr, { ok: true, sample, master }, source);
    return {
      get health() {
        return bus.health;
      },
      hold: () => bus.hold(),
      status: async (addr, priority) => {
        const outcome = await bus.status(addr, priority);
        if (outcome.ok) take(addr, outcome.sample, outcome.master, 'operation');
        return outcome;
      },
      verb: async (addr, verb, options) => {
        const outcome = await bus.verb(addr, verb, options);
        if (outcome.ok) take(addr, outcome.verified[1], false, 'verb');
        return outcome;
      },
    };
  }

  nodeState(addr: Address): NodeState {
    const reading = this.reading(addr);
    return {
      addr,
      reading,
      system: shownPower(reading) === 'on' ? this.#ports.system(addr) : null,
      onSince: this.#onSince.get(addr) ?? null,
      kubernetes: kubernetesStatus(this.#cluster, this.name(addr), this.#ports.now()),
      alarms: this.#ports.alarms(addr),
      op: this.#ports.operationOn(addr),
    };
  }

  /** Takes over what is known of the Kubernetes cluster; null: none is configured. */
  clusterReported(report: ClusterReport | null): void {
    this.#cluster = report;
    for (const addr of this.addresses) this.#ports.nodeChanged(addr, false);
  }

  /** Adds a sample from before the first request to the node's history; it is no reading. */
  recordEarlier(addr: Address, at: number, sample: Sample): void {
    this.#history(addr).record(at, sample);
  }

  /** Returns `count` points of `stepMs` each, up to `now`; null where there was no answer. */
  series(addr: Address, now: number, stepMs: number, count: number): (SeriesPoint | null)[] {
    return this.#history(addr).series(now, stepMs, count);
  }

  #history(addr: Address): History {
    let history = this.#histories.get(addr);
    if (!history) this.#histories.set(addr, (history = new History(this.intervalMs)));
    return history;
  }

  /** A node that was silent may have been off meanwhile. */
  #noteOn(addr: Address, change: Transition, at: number): void {
    if (change.kind === 'power' && change.to === 'on') this.#onSince.set(addr, at);
    else if (change.kind === 'power' || change.kind === 'lost') this.#onSince.delete(addr);
  }

  #announce(addr: Address, change: Transition): void {
    const { events } = this.#ports;
    const who = this.label(addr);
    switch (change.kind) {
      case 'appeared':
        // At the start every node appears: that is the map, not an event.
        this.#ports.appeared(addr);
        return;
      case 'lost':
        this.#ports.powerReturn.lost(addr);
        events.add('alarm', 'node', addr, `${who} stopped answering (${change.failure}); it was ${change.last.power}`);
        return;
      case 'returned':
        this.#ports.appeared(addr);
        this.#ports.powerReturn.returned(addr);
        events.add('notice', 'node', addr, `${who} answers again after ${seconds(change.afterMs)}: ${change.power}`);
        return;
      case 'power': {
        const { from, to } = change;
        const here = this.#ports.switchedHere(addr);
        const byItself = here ? null : this.#ports.powerReturn.explain(addr, to);
        this.#ports.powerChanged(addr, from, to, here, byItself);
        if (here) events.add('info', 'power', addr, `${who} is ${to}`);
        else if (byItself !== null && to === 'on') events.add('info', 'power', addr, `${who} ${byItself}`);
        else events.add('alarm', 'power', addr, `${who} ${powerChange(from, to, byItself)}`);
      }
    }
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

/** Time after an operation in which a change of power still counts as its effect, ms. */
const AFTERMATH_MS = 15_000;

export class BusyNodes {
  readonly #now: () => number;
  readonly #running = new Map<Address, string>();
  readonly #endedAt = new Map<Address, number>();
  readonly #operations = new Set<string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Stores a published operation; returns the nodes whose mark changed. */
  published(operation: Operation): Address[] {
    if (operation.endedAt === null) this.#operations.add(operation.id);
    else this.#operations.delete(operation.id);
    return operation.nodes
      .filter(({ addr, outcome }) => this.#mark(addr, operation, outcome === null && operation.endedAt === null))
      .map(({ addr }) => addr);
  }

  #mark(addr: Address, { id }: Operation, runs: boolean): boolean {
    const mine = this.#running.get(addr) === id;
    if (runs) this.#running.set(addr, id);
    else if (mine) {
      this.#running.delete(addr);
      this.#endedAt.set(addr, this.#now());
    }
    return runs !== mine;
  }

  /** Returns the id of the operation that runs on a node, or null. */
  on(addr: Address): string | null {
    return this.#running.get(addr) ?? null;
  }

  /** The nodes in operations. */
  get nodes(): Address[] {
    return [...this.#running.keys()];
  }

  get busy(): boolean {
    return this.#operations.size > 0;
  }

  /** Returns whether a change of power on this node comes from an operation, running or just ended. */
  switchedHere(addr: Address): boolean {
    return this.#running.has(addr) || this.#now() - (this.#endedAt.get(addr) ?? -Infinity) < AFTERMATH_MS;
  }
}
