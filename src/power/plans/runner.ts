/**
 * Carries out one run: every transition is on the disk before it is acted on. `runnable.ts` selects the nodes to start;
 * each of them gets an ordinary operation.
 */
import type { PlanNodeRun, PlanRun, PlanStepRun } from '../../api/plans.ts';
import type { Operation, Outcome } from '../../api/power.ts';
import { messageOf } from '../../lib/errors.ts';
import { count } from '../../lib/words.ts';
import type { Address } from '../../rack/address.ts';
import { shownPower } from '../../rack/reading.ts';
import { isDown } from '../../rack/system-state.ts';
import type { Operations } from '../operations.ts';
import { within } from '../ports.ts';
import { isThere } from './estimate.ts';
import { afterTry, type Failed, isMaster, isVeto, runNode, type TryEnd } from './node-task.ts';
import {
  endNode,
  isFine,
  nodesOf,
  type PlanPorts,
  type PlanRecord,
  refreshSteps,
  requeue,
  type StepSettings,
} from './record.ts';
import { type SchedulingContext, type RunnableSteps, runnableSteps, tryLength } from './runnable.ts';

/** Longest wait of an armed run for a disk that does not answer, ms. */
const WRITE_LIMIT_MS = 2_000;

/** Interval at which an operation outside of the run is checked for its end, ms. */
const BUSY_MS = 500;

export class PlanRunner {
  readonly #ports: PlanPorts;
  readonly #operations: Operations;
  readonly #record: PlanRecord;
  readonly #lastStart = new Map<string, number>();
  /** Nodes of an armed run whose last try failed, and that are tried again. */
  readonly #failed = new Map<Address, Failed>();
  /** Nodes that a failed required program keeps on. */
  readonly #vetoed = new Set<Address>();
  /** Time at which a node had its first turn: its own deadline counts from there. */
  readonly #firstTryAt = new Map<Address, number>();
  /** Set while the disk accepts no writes, so that each such period is reported once. */
  #unwrittenReported = false;
  /** Failed nodes are not tried again. */
  #recalled = false;
  /** Changes since the last turn: ends of nodes, and operators' requests. */
  #inbox: (() => void)[] = [];
  #ticking = false;
  #left = false;
  #stopTimer: () => void = () => undefined;

  constructor(ports: PlanPorts, operations: Operations, record: PlanRecord) {
    this.#ports = ports;
    this.#operations = operations;
    this.#record = record;
  }

  get id(): string {
    return this.#record.run.id;
  }

  /** Copy of the run, of all its steps and nodes. */
  get run(): PlanRun {
    return structuredClone(this.#record.run);
  }

  /** Resolves when the beginning is on the disk. @throws the disk's error: then nothing was begun */
  async begin(): Promise<PlanRun> {
    const { run } = this.#record;
    refreshSteps(run);
    await this.#write().catch((error: unknown) => {
      if (!run.armed) throw error;
      this.#reportUnwritten(messageOf(error));
    });
    this.#publish();
    void this.#run();
    return this.run;
  }

  /** Applies an operator's change; resolves when it is on the disk and carried out as far as that needs no waiting. */
  async change(make: (run: PlanRun) => void): Promise<PlanRun> {
    this.#inbox.push(() => make(this.#record.run));
    await this.#run();
    return this.run;
  }

  /**
   * Returns the nodes that a resume tries again: interrupted ones, and those whose failure paused the run; not nodes
   * cut without proof, which a second try would find off: `done`. To be called within {@link PlanRunner.change}.
   */
  failures(): PlanNodeRun[] {
    const { run, settings } = this.#record;
    return run.steps.flatMap(({ nodes }, index) =>
      nodes.filter(
        (node) =>
          node.state === 'ended' &&
          !isFine(node) &&
          node.outcome !== 'cut-unproven' &&
          (node.outcome === 'interrupted' || (run.state !== 'interrupted' && settings[index]?.onFail !== 'skip')),
      ),
    );
  }

  /** Stops for the server's exit: the next server finds the state on the disk; of later ends only `done` is written. */
  leave(): void {
    this.#left = true;
    this.#stopTimer();
  }

  /** Handles a changed operation of this run, or of another. */
  onOperation(operation: Operation): void {
    const [progress] = operation.nodes;
    const node = nodesOf(this.#record.run).find((one) => one.operation === operation.id && one.state === 'started');
    if (!node || !progress || progress.outcome !== null) return;
    if (progress.phase !== 'waiting' && !this.#firstTryAt.has(node.addr))
      this.#firstTryAt.set(node.addr, this.#ports.now());
    if (node.phase === progress.phase && node.detail === progress.detail) return;
    // The operation's own journal keeps its phases.
    Object.assign(node, { phase: progress.phase, detail: progress.detail });
    this.#publish();
  }

  /** Runs one turn after another until there is no change left. */
  async #run(): Promise<void> {
    if (this.#ticking || this.#left) return;
    this.#ticking = true;
    try {
      do await this.#tick();
      while (this.#inbox.length > 0);
    } finally {
      this.#ticking = false;
    }
  }

  async #tick(): Promise<void> {
    const { run } = this.#record;
    const before = JSON.stringify(run);
    for (const make of this.#inbox.splice(0)) make();
    const runnable = this.#applyEnds();
    const { now } = this.#ports;
    for (const { step, node } of runnable.start) {
      Object.assign(node, { state: 'started', since: now(), tries: node.tries + 1, detail: 'is being started' });
      if (!this.#around().isThere(step, node.addr)) this.#lastStart.set(step.name, now());
    }
    refreshSteps(run);
    if (JSON.stringify(run) !== before) {
      const why = await this.#write().then(() => null, messageOf);
      if (why === null) this.#unwrittenReported = false;
      else if (run.armed) this.#reportUnwritten(why);
      else this.#unwritten(runnable, why);
      this.#publish();
      if (why !== null && !run.armed) return;
    }
    for (const { step, settings, node } of runnable.start) void this.#launch(step, settings, node);
    this.#wakeAt(runnable.nextAt);
  }

  /** Applies failures, pauses, deadlines and the end, until nothing more follows from them. */
  #applyEnds(): RunnableSteps {
    const { run } = this.#record;
    const { now } = this.#ports;
    const runs = nodesOf(run).some(({ state }) => state === 'started');
    if (run.state === 'running' && run.deadlineAt !== null && now() >= run.deadlineAt)
      this.#endWaiting('deadline', `the run's deadline passed before its turn: nothing was sent${this.#busAway()}`);
    if (run.armed && run.state === 'running') this.#endQuestions();
    let runnable = runnableSteps(this.#record, this.#around());
    if (run.state === 'running' && runnable.failed !== null) {
      const { settings, node } = runnable.failed;
      const why = `step ${settings.name}: ${node.name} ${node.detail}`;
      if (settings.onFail === 'abort') this.abortNow(`aborted: ${why}`);
      else Object.assign(run, { state: 'pausing', detail: why });
      runnable = runnableSteps(this.#record, this.#around());
    }
    // All nodes have ended, and one failed in a way that its step does not accept: an operator has to decide.
    if (run.state === 'pausing' && !runs && (!runnable.over || runnable.failed !== null))
      Object.assign(run, { state: 'paused', detail: `${run.detail}; resume, skip or abort` });
    if (
      runnable.over &&
      run.endedAt === null &&
      (run.state === 'running' || run.state === 'aborting' || runnable.failed === null)
    )
      this.#end();
    return runnable;
  }

  /** Returns the reason why nothing can be sent, where that is the bus; else ''. */
  #busAway(): string {
    const { phase, detail } = this.#ports.bus.health;
    return phase === 'ready' ? '' : `, as the bus cannot be used (${detail})`;
  }

  /** Aborts nodes under way and cancels those that wait. Must be called within {@link PlanRunner.change}. */
  abortNow(why: string): void {
    const { run } = this.#record;
    Object.assign(run, { state: 'aborting', detail: why });
    this.#endWaiting('aborted', 'aborted before its turn: nothing was sent');
    for (const node of nodesOf(run)) if (node.state === 'started') this.#abortNode(node);
  }

  /** Cancels the nodes that wait; those under way continue. Must be called within {@link PlanRunner.change}. */
  recallNow(why: string): void {
    const { run } = this.#record;
    this.#recalled = true;
    Object.assign(run, { state: 'running', detail: `recalled: ${why}` });
    this.#endWaiting('skipped', `not started: ${why}`);
  }

  /**
   * Ends this run because another one has its nodes: those that go down run to their end; those that are switched on,
   * or wait for an operator, stop. Must be called within {@link PlanRunner.change}.
   */
  supersedeNow(by: string): void {
    const { run } = this.#record;
    const why = `superseded by run ${by}`;
    for (const node of nodesOf(run)) if (node.outcome === 'interrupted') node.detail = `${node.detail}; ${why}`;
    Object.assign(run, { state: 'aborting', detail: why });
    this.#endWaiting('aborted', `${why}: nothing more was sent`);
    const isAsking = (addr: Address): boolean => this.#operations.askingAbout(addr) !== null;
    for (const { action, nodes } of run.steps)
      for (const node of nodes)
        if (node.state === 'started' && (action !== 'off' || isAsking(node.addr))) this.#abortNode(node);
  }

  /** Takes over nodes whose operation, outside of this run, waits for an operator's answer. */
  #endQuestions(): void {
    for (const { state, addr } of nodesOf(this.#record.run)) {
      const other = state === 'waiting' ? this.#operations.askingAbout(addr) : null;
      if (other !== null) this.#operations.abort(other, this.#record.who);
    }
  }

  #abortNode({ operation }: PlanNodeRun): void {
    if (operation === null || this.#operations.get(operation)?.endedAt !== null) return;
    this.#operations.abort(operation, this.#record.who);
  }

  #endWaiting(outcome: Outcome | 'skipped', detail: string): void {
    for (const node of nodesOf(this.#record.run))
      if (node.state === 'waiting') {
        // A node that was tried ends as that try did.
        const failed = this.#failed.get(node.addr);
        endNode(node, failed?.outcome ?? outcome, failed?.detail ?? detail, this.#ports.now());
      }
  }

  #end(): void {
    const { run } = this.#record;
    const nodes = nodesOf(run);
    const fine = nodes.filter(({ outcome }) => outcome === 'done').length;
    const aborted = run.state === 'aborting' ? `${run.detail}; ` : '';
    Object.assign(run, { state: 'ended', endedAt: this.#ports.now() });
    run.detail = `${aborted}${fine} of ${count(nodes.length, 'node')} done`;
    this.#record.endedAt = run.endedAt;
    const level = nodes.every(isFine) ? 'notice' : 'warning';
    this.#ports.event(level, null, `Plan ${run.plan} (run ${run.id}) ended: ${run.detail}`);
  }

  /** Requeues the nodes whose start could not be written to the disk. */
  #unwritten({ start }: RunnableSteps, problem: string): void {
    const { run } = this.#record;
    const why = `its journal cannot be written (${problem})`;
    for (const { node } of start) requeue(node, 'waits for its turn', this.#ports.now());
    refreshSteps(run);
    if (run.state === 'running') Object.assign(run, { state: 'paused', detail: `${why}: free the disk and resume` });
    this.#ports.event('alarm', null, `Plan ${run.plan} (run ${run.id}) is paused: ${why}`);
  }

  /** Reports the error and continues: the battery drains. Cuts are still written by their operations, or refused. */
  #reportUnwritten(problem: string): void {
    const { plan, id } = this.#record.run;
    if (!this.#unwrittenReported)
      this.#ports.event(
        'alarm',
        null,
        `Plan ${plan} (run ${id}) continues, but its journal cannot be written: ${problem}`,
      );
    this.#unwrittenReported = true;
  }

  async #launch(step: PlanStepRun, settings: StepSettings, node: PlanNodeRun): Promise<void> {
    const startedAt = this.#ports.now();
    const end = await runNode(
      {
        ports: this.#ports,
        operations: this.#operations,
        record: this.#record,
        began: (operation) => {
          this.onOperation(operation);
          if (this.#record.run.state === 'aborting') this.#abortNode(node);
        },
      },
      step,
      settings,
      node,
      {
        cutAt: this.#cutAt(settings, node.addr, startedAt),
        cutUnasked: this.#cutsInTime(settings, node.addr, startedAt),
        patienceMs: this.#record.run.armed ? tryLength(this.#record, this.#around()) : Infinity,
      },
    );
    if (this.#left) await this.#noteDone(node, end);
    this.#inbox.push(() => this.#tried(settings, node, end, startedAt));
    await this.#run();
    if (end.later) await this.#noteDone(node, await end.later);
  }

  /** Done after all, though the server leaves or the run has ended: the next server, and the outage, are to know. */
  async #noteDone(node: PlanNodeRun, { outcome, detail }: TryEnd): Promise<void> {
    if (outcome !== 'done') return;
    endNode(node, outcome, detail, this.#ports.now());
    await this.#write().catch((error: unknown) => this.#reportUnwritten(messageOf(error)));
    this.#publish();
  }

  /** Handles the end of a try: the node ends with it, or goes back to the end of the queue. */
  #tried({ onFail, ...settings }: StepSettings, node: PlanNodeRun, end: TryEnd, startedAt: number): void {
    const { now, bus } = this.#ports;
    const { run } = this.#record;
    if (isVeto(end)) this.#vetoed.add(node.addr);
    const failed = this.#recalled
      ? null
      : afterTry({
          now: now(),
          run,
          onFail,
          end,
          triesBefore: this.#failed.get(node.addr)?.tries ?? 0,
          cutAt: this.#cutAt(settings, node.addr, startedAt),
          busReady: bus.health.phase === 'ready',
        });
    if (failed === null) {
      this.#failed.delete(node.addr);
      endNode(node, end.outcome, end.detail, now());
      return;
    }
    this.#failed.set(node.addr, failed);
    requeue(node, `is tried again: ${end.detail}`, now());
  }

  /** Returns the time at which the node is cut, if its step says so; epoch ms, null: never. */
  #cutAt(
    { deadline, onDeadline }: Pick<StepSettings, 'deadline' | 'onDeadline'>,
    addr: Address,
    startedAt: number,
  ): number | null {
    const { run } = this.#record;
    if (!run.armed || deadline === null || onDeadline !== 'cut' || this.#vetoed.has(addr)) return null;
    return Math.min((this.#firstTryAt.get(addr) ?? startedAt) + deadline * 1000, run.deadlineAt ?? Infinity);
  }

  /** Reports whether the node's own time ends before the run's. */
  #cutsInTime({ deadline }: StepSettings, addr: Address, startedAt: number): boolean {
    const { deadlineAt } = this.#record.run;
    const own = (this.#firstTryAt.get(addr) ?? startedAt) + (deadline ?? Infinity) * 1000;
    return deadlineAt === null || own <= deadlineAt;
  }

  #around(): SchedulingContext {
    const { now, reading, systems } = this.#ports;
    const mine = new Set(nodesOf(this.#record.run).map(({ operation }) => operation));
    return {
      now: now(),
      busReady: this.#ports.bus.health.phase === 'ready',
      busy: (addr) => {
        const other = this.#operations.on(addr);
        return other !== null && !mine.has(other);
      },
      isMaster: (addr) => isMaster(this.#ports, addr),
      againAt: (addr) => this.#failed.get(addr)?.againAt ?? null,
      isThere: ({ action }, addr) => isThere(action, shownPower(reading(addr)), isDown(systems.get(addr))),
      lastStart: (step) => this.#lastStart.get(step) ?? 0,
    };
  }

  #wakeAt(at: number | null): void {
    this.#stopTimer();
    this.#stopTimer = () => undefined;
    const { run } = this.#record;
    if (run.state !== 'running') return;
    const around = this.#around();
    const waits = nodesOf(run).some(
      ({ state, addr }) => state === 'waiting' && (around.busy(addr) || (run.armed && !around.busReady)),
    );
    const next = Math.min(at ?? Infinity, waits ? around.now + BUSY_MS : Infinity);
    if (next === Infinity) return;
    const stop = this.#ports.every(Math.max(1, next - around.now), () => {
      stop();
      void this.#run();
    });
    this.#stopTimer = stop;
  }

  /** Writes the record. @throws the disk's error; in an armed run also after a wait of {@link WRITE_LIMIT_MS} */
  #write(): Promise<void> {
    const written = this.#ports.planJournal.write(this.#record);
    return this.#record.run.armed ? within(this.#ports, WRITE_LIMIT_MS, written) : written;
  }

  #publish(): void {
    this.#ports.publishPlan(this.run);
  }
}
