/**
 * Carries out one outage policy: reads the supply, asks {@link decide}, writes the journal, then acts through plans. A disk
 * that cannot be written holds nothing up: the battery does not wait.
 */
import type { OutageNode, OutageReport, OutageView, Supply, UpsReading } from '../../api/outage.ts';
import type { PlanRun } from '../../api/plan.ts';
import type { ClientIdentity } from '../../api/protocol.ts';
import type { KeptTime } from '../../lib/clock.ts';
import type { Address } from '../../rack/address.ts';
import type { PlanDefinition } from '../../rack/plan.ts';
import { shownPower } from '../../rack/reading.ts';
import type { Plans } from '../plans/plans.ts';
import type { PlanPorts } from '../plans/ports.ts';
import { forecast, unfitSentences } from './forecast.ts';
import { decide, type OutageAction, type OutageInput, type OutageState, type Policy } from './policy.ts';
import {
  addLine,
  foldRun,
  markDark,
  missingNodes,
  reportOf,
  summarizeOutage,
  type OutageRecord,
  type RunKind,
} from './record.ts';
import { combineSupplies } from './supply.ts';

export interface OutagePolicy extends Policy {
  /** Index in the configuration. */
  index: number;
  /** Names of its UPSes. Empty: other UPS software tells the supply. */
  ups: readonly string[];
  needs: number;
  /** Its nodes; null: the whole rack. */
  nodes: ReadonlySet<Address> | null;
  /** The same in words. */
  nodesText: string;
  /** Seconds that a full battery lasts at least; null: not configured. */
  assumedS: number | null;
  /** The plan by which nodes come back; null: all of them at once, a blade's one after another. */
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
  /** Something to be seen changed. */
  changed(): void;
}

const TICK_MS = 500;
/** A disk that does not answer is not waited for longer. */
const WRITE_LIMIT_MS = 2_000;
const WHO: ClientIdentity = { user: 'rackui', from: null, tty: null, program: 'outage', pid: process.pid };
/** All at once; a blade's nodes one after another, as every step that switches on. */
const RESTORE_ALL: PlanDefinition = {
  description: 'what the outage took',
  steps: [{ name: 'restore', selector: 'all', action: 'on', verify: 'boot', onDeadline: 'leave', onFail: 'skip' }],
};

/** Asked for at the wrong time; the message says why. */
export class NotNow extends Error {}

/** Whether one of the runs has switched this node off itself. */
function tookAway(runs: readonly PlanRun[], addr: Address): boolean {
  return runs.some(({ steps }) =>
    steps.some(({ nodes }) =>
      nodes.some((node) => node.addr === addr && node.outcome === 'done' && node.operation !== null),
    ),
  );
}

export class Outage {
  readonly policy: OutagePolicy;
  readonly #ports: OutagePorts;
  #state: OutageState | null = null;
  #record: OutageRecord | null = null;
  #ended: OutageRecord | null = null;
  #drill: ReadonlySet<Address> | null = null;
  /** UPS software has waited for the mains to settle. */
  #settled = false;
  #told: { state: 'mains' | 'battery'; at: number; runtimeS: number | null } | null = null;
  #ticking = false;
  #again = false;
  #stop: () => void = () => undefined;

  constructor(policy: OutagePolicy, ports: OutagePorts) {
    this.policy = policy;
    this.#ports = ports;
  }

  /** Takes up what an earlier server left, then watches the supply. Call after the plans' own recovery. */
  start(left: OutageRecord | null): void {
    if (left !== null) this.#recover(left);
    this.#stop = this.#ports.every(TICK_MS, () => void this.tick());
    void this.tick();
  }

  close(): void {
    this.#stop();
  }

  /** This machine's own end was announced, and mains that come back change nothing any more. */
  get committed(): boolean {
    return this.#state?.committed === true;
  }

  /** The server has to stay: an outage is under way. */
  get underWay(): boolean {
    return this.#record !== null;
  }

  get report(): OutageReport | null {
    const record = this.#record ?? this.#ended;
    return record === null ? null : reportOf(record);
  }

  view(): OutageView {
    const { policy } = this;
    const supply = this.supply();
    const lengthMs = this.#lastMs();
    // On mains nobody counts a runtime; the one that the policy assumes is what the last plan will have.
    const expected = { ...supply, runtimeS: supply.runtimeS ?? policy.assumedS };
    const plans = new Set([...policy.steps.map(({ plan }) => plan), policy.last].filter((plan) => plan !== null));
    const problems = [
      ...unfitSentences(policy, expected, lengthMs),
      ...[...plans].flatMap((plan) => this.#ports.runs.warnings(plan).map((text) => `plan ${plan}: ${text}`)),
    ];
    return {
      nodes: policy.nodesText,
      supply,
      ups: policy.ups.map((name) => this.#ports.ups(name)),
      last: policy.last === null ? null : { plan: policy.last, lengthMs },
      problems,
      forecast: forecast(policy, supply, {
        phase: this.#state?.phase ?? null,
        elapsedS: this.#state === null ? 0 : (this.#ports.now() - this.#state.since) / 1000,
        stepsBegun: this.#state?.stepsBegun ?? 0,
        lastMs: lengthMs,
        lengthOf: (plan) => this.#ports.runs.predictedMs(plan, policy.nodes),
      }),
      outage: this.report,
    };
  }

  supply(): Supply {
    const { ups, needs, assumedS } = this.policy;
    if (ups.length > 0)
      return combineSupplies(
        ups.map((name) => this.#ports.ups(name)),
        needs,
        assumedS,
      );
    const blank = { low: false, shutdown: false, runtimeS: null, charge: null, why: null };
    const told = this.#told;
    if (told === null) return { ...blank, state: 'mains' };
    const passedS = (this.#ports.now() - told.at) / 1000;
    const runtimeS = told.runtimeS ?? assumedS;
    return { ...blank, state: told.state, runtimeS: runtimeS === null ? null : Math.max(0, runtimeS - passedS) };
  }

  /**
   * Plays an outage from mains failure to the last node, for real on `addrs` only; a real one ends the drill and goes on.
   * @throws {Error} while an outage is under way
   */
  async drill(addrs: readonly Address[]): Promise<OutageReport> {
    if (this.#record !== null) throw new NotNow('an outage is under way: drill after it');
    if (this.supply().state === 'battery') throw new NotNow('the mains are away: this is no drill');
    this.#drill = new Set(addrs);
    await this.tick();
    return reportOf(this.#need());
  }

  /**
   * Other UPS software says how the supply stands; only where no UPS is configured. `settled`: mains have been back for
   * long enough, and the policy's own time is not waited for.
   */
  async tell(state: 'mains' | 'battery', runtimeS: number | null, settled: boolean): Promise<OutageReport | null> {
    this.#told = { state, at: this.#ports.now(), runtimeS };
    if (state === 'mains' && this.#record === null) this.#adopt();
    this.#settled = state === 'mains' && settled;
    await this.tick();
    return this.report;
  }

  /**
   * The UPS software's last word: this machine goes down. Begins the last plan, unless it runs or has brought everything
   * down; resolves with its run, or null where no plan is configured. What comes back comes back with the next server.
   */
  async commit(withinS: number): Promise<PlanRun | null> {
    const { last } = this.policy;
    const { now } = this.#ports;
    this.#state ??= this.#opened();
    this.#state = { ...this.#state, phase: 'last', since: now(), committed: true, dark: false };
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

  /** One look at the supply; a call while one runs makes it look once more. */
  async tick(): Promise<void> {
    if (this.#ticking) {
      this.#again = true;
      return;
    }
    this.#ticking = true;
    try {
      for (let again = true; again; again = this.#takeAgain()) await this.#look();
    } finally {
      this.#ticking = false;
    }
  }

  #takeAgain(): boolean {
    const again = this.#again;
    this.#again = false;
    return again;
  }

  async #look(): Promise<void> {
    if (this.#fold()) await this.#write();
    const before = this.#state;
    this.#endDrill();
    const { state, actions } = decide(this.#effectivePolicy(), before, this.#input());
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
        this.#line('mains are away', 'warning');
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
    const onBefore = [...(only ?? [])].filter((addr) => shownPower(this.#ports.reading(addr)) === 'on');
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
      this.#line(`plan ${plan} cannot begin: ${error instanceof Error ? error.message : String(error)}`, 'alarm');
      await this.#write();
      return null;
    }
  }

  async #restore(why: string): Promise<void> {
    await this.#begin(this.policy.restorePlan ?? 'restore', 'restore', null, why);
    const run = this.#record?.runs.findLast(({ kind }) => kind === 'restore');
    const covered = run
      ? this.#ports.runs.run(run.id)?.steps.flatMap(({ nodes }) => nodes.map(({ addr }) => addr))
      : [];
    const left = missingNodes(this.#need()).filter((addr) => !(covered ?? []).includes(addr));
    for (const node of this.#record?.nodes ?? [])
      if (left.includes(node.addr))
        Object.assign(node, { state: 'missing', detail: 'is in no step of the plan that restores' });
  }

  async #end(text: string): Promise<void> {
    const record = this.#record;
    if (record === null) return;
    const flicker = record.runs.length === 0;
    record.phase = 'ended';
    record.endedAt = this.#ports.now();
    record.endedWall = this.#ports.wallTime(record.endedAt);
    const level = missingNodes(record).length > 0 ? 'alarm' : 'notice';
    this.#line(flicker ? text : `${text}; ${summarizeOutage(record)}: 'rackui outage report' tells more`, level);
    await this.#write();
    this.#ended = record;
    this.#record = null;
    this.#drill = null;
  }

  #recover(left: OutageRecord): void {
    const { recallTime, now } = this.#ports;
    const record: OutageRecord = structuredClone(left);
    this.#record = record;
    // A run that the former server left interrupted has its nodes' last standing.
    this.#fold();
    for (const run of record.runs) run.ended = true;
    const sameBoot = recallTime(left.kept) !== null;
    const dark = left.committed || !sameBoot;
    if (left.told !== null) this.#told = { state: dark ? 'mains' : left.told, at: now(), runtimeS: null };
    if (dark) markDark(record);
    const phase = dark || left.phase === 'restoring' || left.phase === 'ended' ? 'mains' : left.phase;
    this.#state = { phase, since: now(), stepsBegun: 0, committed: false, dark, known: null };
    this.#line(dark ? 'a server runs again, with the mains' : 'the server was started again');
  }

  /** An armed run that switches off while no outage is known is one that UPS software began by itself. */
  #adopt(): void {
    const { runs } = this.#ports;
    const shedding = runs
      .list()
      .runs.filter(
        ({ armed, endedAt, steps }) => armed && endedAt === null && steps.some(({ action }) => action === 'off'),
      );
    if (shedding.length === 0) return;
    this.#state = this.#opened();
    const record = this.#need();
    const shed = new Set(shedding.flatMap(({ steps }) => steps.flatMap(({ nodes }) => nodes)).map(({ addr }) => addr));
    // What these runs have switched off already was on when they began.
    for (const { addr, name } of this.#ports.inventory().nodes)
      if (shed.has(addr) && !record.nodes.some((node) => node.addr === addr) && tookAway(shedding, addr))
        record.nodes.push({ addr, name, state: 'on', detail: 'on when the plan began' });
    for (const { id, plan } of shedding) record.runs.push({ id, plan, kind: 'step', ended: false, onBefore: [] });
    this.#fold();
  }

  #opened(): OutageState {
    const { now, wallTime, keepTime, inventory, reading } = this.#ports;
    const at = now();
    const mine = inventory().nodes.filter(({ addr }) => this.policy.nodes?.has(addr) ?? true);
    this.#record ??= {
      ...{ id: `o${Math.floor(at / 1000).toString(36)}`, startedAt: at, endedAt: null, policy: this.policy.index },
      ...{
        drill: this.#drill !== null,
        phase: 'battery',
        committed: false,
        kept: keepTime(at),
        told: null,
        runs: [],
        lines: [],
      },
      startedWall: wallTime(at),
      endedWall: null,
      nodes: mine
        .filter(({ addr, role }) => role !== 'master' && shownPower(reading(addr)) === 'on')
        .map(({ addr, name }): OutageNode => ({ addr, name, state: 'on', detail: this.#firstDetail(addr) })),
    };
    return { phase: 'battery', since: at, stepsBegun: 0, committed: false, dark: false, known: null };
  }

  #firstDetail(addr: Address): string {
    return this.#drill === null || this.#drill.has(addr)
      ? 'on when the mains went away'
      : 'not part of the drill: untouched';
  }

  /** A drill sheds at once and restores at once. */
  #effectivePolicy(): OutagePolicy {
    const atOnce = { ...this.policy, restore: { afterS: 0, charge: 0 } };
    if (this.#drill !== null) return { ...atOnce, steps: [] };
    return this.#settled ? atOnce : this.policy;
  }

  /** Mains are away until the last plan has run. */
  #drilledSupply(): Supply {
    const over = this.#record?.runs.some(({ kind, ended }) => kind === 'last' && ended) ?? false;
    const blank = { shutdown: false, runtimeS: null, charge: null, why: null };
    return over ? { ...blank, state: 'mains', low: false } : { ...blank, state: 'battery', low: true };
  }

  /** The mains really went away: what the drill began goes on as the outage that it is now. */
  #endDrill(): void {
    if (this.#drill === null || this.supply().state !== 'battery') return;
    this.#drill = null;
    if (this.#record === null) return;
    this.#record.drill = false;
    this.#line('the mains are away: the drill is an outage now', 'alarm');
    if (this.#state !== null)
      this.#state = { ...this.#state, phase: 'battery', since: this.#ports.now(), stepsBegun: 0 };
  }

  /** Takes in what runs of this outage have done since the last look; true where a node or a run stands differently. */
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
    const open = this.#record?.runs.filter(({ ended }) => !ended) ?? [];
    return {
      now: this.#ports.now(),
      supply: this.#drill === null ? this.supply() : this.#drilledSupply(),
      lastMs: this.#lastMs(),
      running: open.length === 0 ? 'nothing' : open.some(({ kind }) => kind === 'restore') ? 'restoring' : 'shedding',
      lastEnded: this.#record?.runs.some(({ kind, ended }) => kind === 'last' && ended) ?? false,
      missing: this.#record !== null && missingNodes(this.#record).length > 0,
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
    const record = this.#need();
    addLine(record, this.#ports.wallTime(this.#ports.now()), text);
    this.#ports.event(level, null, `Outage: ${text}`);
  }

  async #write(): Promise<void> {
    const record = this.#record;
    if (record === null) return;
    const now = this.#ports.now();
    record.kept = this.#ports.keepTime(now);
    record.told = this.#told?.state ?? null;
    if (record.phase !== 'ended') record.phase = this.#state?.phase ?? record.phase;
    record.committed = this.#state?.committed ?? record.committed;
    const written = this.#ports.journal.write(structuredClone(record));
    const limit = new Promise<'late'>((resolve) => {
      const stop = this.#ports.every(WRITE_LIMIT_MS, () => {
        stop();
        resolve('late');
      });
      void written.finally(stop).catch(() => undefined);
    });
    await Promise.race([written, limit]).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      this.#ports.event(
        'alarm',
        null,
        `The outage's journal cannot be written (${why}): a restart will not know of it`,
      );
    });
  }
}
