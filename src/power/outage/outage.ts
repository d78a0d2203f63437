/**
 * Carries out one outage policy: reads the supply, calls {@link decide}, writes the journal, then acts through plans. A
 * disk error delays nothing, because the battery drains meanwhile.
 */
import type { ClientIdentity } from '../../api/methods.ts';
import type { OutageNode, OutageReport, OutageView, Supply } from '../../api/outage.ts';
import type { PlanRun } from '../../api/plans.ts';
import { messageOf, Refused } from '../../lib/errors.ts';
import type { Address } from '../../rack/address.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import type { PlanDefinition } from '../../rack/plan.ts';
import { shownPower } from '../../rack/reading.ts';
import { within } from '../ports.ts';
import { outageView } from './forecast.ts';
import { decide, type OutageAction, type OutageInput, type OutageState } from './policy.ts';
import {
  addLine,
  adoptRuns,
  foldRun,
  leavesNodes,
  markUncovered,
  missingNodes,
  noteState,
  type OutagePolicy,
  type OutagePorts,
  type OutageRecord,
  progressOf,
  reportOf,
  type RunKind,
  shedRuns,
  summarizeOutage,
  takeOver,
  drillPolicy,
  drillSupply,
  firstDetail,
} from './record.ts';
import { combineSupplies, supplyFromReport, type ReportedSupply } from './supply.ts';

const TICK_MS = 500;
/** Longest wait for the disk, ms. */
const WRITE_LIMIT_MS = 2_000;
const WHO: ClientIdentity = { user: 'rackui', from: null, tty: null, program: 'outage', pid: process.pid };
/** Restores all nodes at once; a blade's one after another, as in every step that switches on. */
const RESTORE_ALL: PlanDefinition = {
  description: 'the nodes that the outage switched off',
  steps: [{ name: 'restore', selector: 'all', action: 'on', verify: 'boot', onDeadline: 'leave', onFail: 'skip' }],
};

export class Outage {
  readonly policy: OutagePolicy;
  readonly #ports: OutagePorts;
  #state: OutageState | null = null;
  #record: OutageRecord | null = null;
  #ended: OutageRecord | null = null;
  #drill: ReadonlySet<Address> | null = null;
  /** Other UPS software has waited for the mains to settle. */
  #settled = false;
  #reported: ReportedSupply | null = null;
  /** Time since which the mains have failed; null: they are not. */
  #awayAt: number | null = null;
  #again = false;
  #checking: Promise<void> | null = null;
  #stop: () => void = () => undefined;

  constructor(policy: OutagePolicy, ports: OutagePorts) {
    this.policy = policy;
    this.#ports = ports;
  }

  /**
   * Takes over an earlier server's outage, then watches the supply; `ended`: the last outage, for its report. Must be
   * called after the plans' own recovery.
   */
  start(left: OutageRecord | null, ended: OutageRecord | null): void {
    this.#ended = ended;
    if (left !== null) this.#recover(left);
    this.#stop = this.#ports.every(TICK_MS, () => void this.tick());
    void this.tick();
  }

  close(): void {
    this.#stop();
  }

  /** True while an outage is under way: the server must not exit. */
  get underWay(): boolean {
    return this.#record !== null;
  }

  get report(): OutageReport | null {
    const record = this.#record ?? this.#ended;
    return record === null ? null : reportOf(record);
  }

  view(): OutageView {
    const { ups, nodes } = this.policy;
    const { now, runs } = this.#ports;
    return outageView(this.policy, {
      state: this.#state,
      supply: this.supply(),
      report: this.report,
      now: now(),
      lastMs: this.#lastMs(),
      ups: ups.map((name) => this.#ports.ups(name)),
      lengthOf: (plan) => runs.predictedMs(plan, nodes),
      warnings: (plan) => runs.warnings(plan),
    });
  }

  supply(): Supply {
    const { ups, needs, assumedS } = this.policy;
    const now = this.#ports.now();
    const awayS = (now - (this.#awayAt ?? now)) / 1000;
    const readings = ups.map((name) => this.#ports.ups(name));
    if (ups.length > 0) return combineSupplies(readings, needs, assumedS, awayS);
    return supplyFromReport(this.#reported, now, assumedS);
  }

  /**
   * Runs an outage up to the last node, with real shutdowns on `addrs` only; a real outage takes the drill over.
   * @throws {Error} while an outage is under way
   */
  async drill(addrs: readonly Address[]): Promise<OutageReport> {
    if (this.#record !== null) throw new Refused('an outage is in progress: start the drill after it');
    if (this.supply().state === 'battery') throw new Refused('the mains have failed: no drill is possible');
    if (!this.#nodesOn().some(({ addr }) => addrs.includes(addr)))
      throw new Refused('none of these nodes is on, or they are the master: the drill has no nodes');
    this.#drill = new Set(addrs);
    await this.tick();
    return reportOf(this.#need());
  }

  /**
   * Sets the supply as other UPS software reports it; only where no UPS is configured. `settled`: mains have been back
   * for long enough, and the policy's own time is skipped.
   */
  async setSupply(state: 'mains' | 'battery', runtimeS: number | null, settled: boolean): Promise<OutageReport | null> {
    this.#reported = { state, at: this.#ports.now(), runtimeS };
    if (state === 'mains' && this.#record === null) this.#adopt();
    this.#settled = state === 'mains' && settled;
    await this.tick();
    return this.report;
  }

  /**
   * Handles the UPS software's announcement that this machine goes down: begins the last plan, unless it runs or has
   * brought everything down. Resolves with its run; null: no plan is configured. Nodes come back with the next server.
   */
  async commit(withinS: number): Promise<PlanRun | null> {
    const { last } = this.policy;
    const { now } = this.#ports;
    // The UPS may have announced the same a moment ago: its run is used then.
    await this.#checking;
    this.#endDrill('this machine is about to shut down');
    this.#state ??= this.#opened();
    this.#state = { ...this.#state, phase: 'last', since: now(), lastAt: now(), committed: true, dark: false };
    this.#line(`this machine is about to shut down, in ${withinS} s at most`);
    const running = this.#record?.runs.findLast(({ kind, ended }) => kind === 'last' && !ended);
    await this.#write();
    if (running) return this.#ports.runs.run(running.id);
    if (last === null) {
      this.#line('no last plan is configured: nothing is shut down');
      return null;
    }
    return this.#begin(last, 'last', withinS, 'this machine is about to shut down');
  }

  /** Evaluates the supply once; a call during an evaluation causes another one after it. */
  tick(): Promise<void> {
    this.#again = true;
    return (this.#checking ??= this.#checkAll().finally(() => (this.#checking = null)));
  }

  async #checkAll(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#check();
    }
  }

  async #check(): Promise<void> {
    if (this.#fold()) await this.#write();
    if (this.#drill !== null && this.supply().state === 'battery') this.#endDrill('the mains have failed');
    const supply = this.supply().state;
    if (supply !== 'unknown') this.#awayAt = supply === 'mains' ? null : (this.#awayAt ?? this.#ports.now());
    const { state, actions } = decide(this.#effectivePolicy(), this.#state, this.#input());
    this.#state = state;
    if (actions.length === 0) return;
    for (const action of actions) await this.#act(action);
    this.#ports.changed();
    this.#again = true;
  }

  async #act(action: OutageAction): Promise<void> {
    switch (action.do) {
      case 'open':
        this.#opened();
        this.#line('the mains have failed', 'warning');
        await this.#write();
        return;
      case 'run':
        await this.#begin(action.plan, action.last ? 'last' : 'step', action.deadlineS, action.why);
        return;
      case 'recall':
        for (const { id, ended } of this.#record?.runs ?? []) if (!ended) await this.#ports.runs.recall(id, action.why);
        return;
      case 'restore':
        await this.#restore(action.why);
        return;
      case 'note':
        this.#line(action.text);
        await this.#write();
        return;
      case 'close':
        await this.#end(action.text);
    }
  }

  async #begin(plan: string, kind: RunKind, deadlineS: number | null, why: string): Promise<PlanRun | null> {
    const only = kind === 'restore' ? new Set(missingNodes(this.#need())) : (this.#drill ?? this.policy.nodes);
    const request = { name: plan, confirm: null, armed: true, deadlineS };
    const onBefore = this.#nodesOn().map(({ addr }) => addr);
    this.#line(`${why}: plan ${plan} begins`);
    try {
      const { runs, plans } = this.#ports;
      const run = Object.hasOwn(plans, plan)
        ? await runs.start(request, WHO, { only })
        : await runs.startDefinition(RESTORE_ALL, request, WHO, { only });
      this.#record?.runs.push({ id: run.id, plan, kind, ended: false, onBefore });
      await this.#write();
      return run;
    } catch (error) {
      this.#line(`plan ${plan} cannot begin: ${messageOf(error)}`, 'alarm');
      await this.#write();
      return null;
    }
  }

  async #restore(why: string): Promise<void> {
    const run = await this.#begin(this.policy.restorePlan ?? 'restore', 'restore', null, why);
    markUncovered(this.#need(), run);
  }

  async #end(text: string): Promise<void> {
    const record = this.#record;
    if (record === null) return;
    const flicker = record.runs.length === 0;
    record.phase = 'ended';
    record.endedAt = this.#ports.now();
    record.endedWall = this.#ports.wallTime(record.endedAt);
    const level = missingNodes(record).length > 0 ? 'alarm' : 'notice';
    this.#line(flicker ? text : `${text}; ${summarizeOutage(record)}: see 'rackui outage report'`, level);
    await this.#write();
    this.#ended = record;
    this.#record = null;
    this.#drill = null;
  }

  #recover(left: OutageRecord): void {
    const { recallTime, now, wallTime } = this.#ports;
    const record: OutageRecord = structuredClone(left);
    this.#record = record;
    // A run that the former server left interrupted holds the last state of its nodes.
    this.#fold();
    const sameBoot = recallTime(left.kept) !== null;
    const told = this.policy.ups.length === 0;
    this.#state = takeOver(record, { now: now(), wall: wallTime(now()), sameBoot, told });
    const { phase } = this.#state;
    if (phase !== 'mains') this.#awayAt = record.startedAt;
    if (left.told !== null)
      this.#reported = {
        state: phase === 'mains' && (left.committed || !sameBoot) ? 'mains' : left.told,
        at: now(),
        runtimeS: null,
      };
    this.#ports.event('notice', null, `Outage: ${record.lines.at(-1)?.text ?? ''}`);
  }

  /** Takes over armed runs that switch off while no outage is known, begun by UPS software. */
  #adopt(): void {
    const { runs, inventory } = this.#ports;
    const shedding = shedRuns(runs.list().runs);
    if (shedding.length === 0) return;
    this.#state = this.#opened();
    adoptRuns(this.#need(), shedding, inventory());
    this.#fold();
  }

  #opened(): OutageState {
    const { now, wallTime, keepTime } = this.#ports;
    const at = now();
    this.#record ??= {
      id: `o${Math.floor(at / 1000).toString(36)}`,
      policy: this.policy.index,
      drill: this.#drill !== null,
      startedAt: at,
      startedWall: wallTime(at),
      endedAt: null,
      endedWall: null,
      phase: 'battery',
      committed: false,
      since: at,
      known: null,
      kept: keepTime(at),
      told: null,
      runs: [],
      lines: [],
      nodes: this.#nodesOn().map(({ addr, name }): OutageNode => ({
        addr,
        name,
        state: 'on',
        detail: firstDetail(addr, this.#drill),
      })),
    };
    return { phase: 'battery', since: at, stepsBegun: 0, committed: false, lastAt: null, dark: false, known: null };
  }

  /** This policy's nodes that are on, without this machine. */
  #nodesOn(): InventoryNode[] {
    const { inventory, reading } = this.#ports;
    const { nodes } = this.policy;
    return inventory().nodes.filter(
      ({ addr, role }) => (nodes?.has(addr) ?? true) && role !== 'master' && shownPower(reading(addr)) === 'on',
    );
  }

  #effectivePolicy(): OutagePolicy {
    if (this.#drill !== null) return drillPolicy(this.policy);
    return this.#settled ? { ...this.policy, restore: { afterS: 0, charge: 0 } } : this.policy;
  }

  /** Turns a drill into the real outage that it is now; its runs continue. */
  #endDrill(why: string): void {
    if (this.#drill === null) return;
    this.#drill = null;
    if (this.#record === null || this.#state === null) return;
    this.#record.drill = false;
    this.#line(`${why}: the drill is an outage now`, 'alarm');
    this.#state = { ...this.#state, phase: 'battery', since: this.#ports.now(), stepsBegun: 0 };
  }

  /** Copies the progress of this outage's runs to the record; true where a node or run changed. */
  #fold(): boolean {
    const record = this.#record;
    if (record === null) return false;
    const standing = (): string => JSON.stringify([record.nodes.map(({ state }) => state), record.runs]);
    const before = standing();
    for (const one of record.runs) {
      if (one.ended) continue;
      const run = this.#ports.runs.run(one.id);
      if (run === null) {
        one.ended = true;
        continue;
      }
      foldRun(record, run, one);
      one.ended = run.endedAt !== null || run.state === 'paused' || run.state === 'interrupted';
      if (one.ended) this.#line(`plan ${one.plan} ended: ${run.detail}`);
    }
    return standing() !== before;
  }

  #input(): OutageInput {
    const record = this.#record;
    return {
      now: this.#ports.now(),
      supply: this.#drill === null ? this.supply() : drillSupply(record),
      lastMs: () => this.#lastMs(),
      leavesNodes: () => record !== null && leavesNodes(record, (id) => this.#ports.runs.run(id)),
      ...progressOf(record),
    };
  }

  #lastMs(): number | null {
    return this.policy.last === null ? null : this.#ports.runs.predictedMs(this.policy.last, this.policy.nodes);
  }

  #need(): OutageRecord {
    if (this.#record === null) this.#opened();
    if (this.#record === null) throw new Error('no outage is open');
    return this.#record;
  }

  #line(text: string, level: 'notice' | 'warning' | 'alarm' = 'notice'): void {
    addLine(this.#need(), this.#ports.wallTime(this.#ports.now()), text);
    this.#ports.event(level, null, `Outage: ${text}`);
  }

  async #write(): Promise<void> {
    const record = this.#record;
    if (record === null) return;
    record.kept = this.#ports.keepTime(this.#ports.now());
    record.told = this.#reported?.state ?? null;
    if (this.#state !== null) noteState(record, this.#state);
    const written = this.#ports.journal.write(structuredClone(record));
    await within(this.#ports, WRITE_LIMIT_MS, written).catch((error: unknown) => {
      const text = `The outage's journal cannot be written (${messageOf(error)}): it is lost if the server restarts`;
      this.#ports.event('alarm', null, text);
    });
  }
}
