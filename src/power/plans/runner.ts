/**
 * Carries out one run: every transition is on the disk before it is acted on. It decides nothing about nodes: what may be
 * started next is `moves.ts`, what happens to a node is an operation like any other.
 */
import type { PlanNodeRun, PlanRun, PlanStepRun } from '../../api/plans.ts';
import type { Operation, Outcome } from '../../api/power.ts';
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
import { type SchedulingContext, type RunnableSteps, runnableSteps, turnLength } from './runnable.ts';

/** An armed run does not wait longer for a disk that does not answer, ms. */
const WRITE_LIMIT_MS = 2_000;

/** Whether somebody else's operation on a node has ended is looked at so often, ms. */
const BUSY_MS = 500;

export class PlanRunner {
  readonly #ports: PlanPorts;
  readonly #operations: Operations;
  readonly #record: PlanRecord;
  readonly #lastStart = new Map<string, number>();
  /** Of an armed run: nodes whose last try failed, which are tried again. */
  readonly #failed = new Map<Address, Failed>();
  /** Nodes that a required program wants to stay on. */
  readonly #vetoed = new Set<Address>();
  /** When a node's turn came first: its own deadline counts from there. */
  readonly #firstTurn = new Map<Address, number>();
  /** Told once for each spell in which the disk takes nothing. */
  #unwrittenTold = false;
  /** What failed is not tried again. */
  #recalled = false;
  /** What came in since the last turn: ends of nodes, and what somebody asked for. */
  #news: (() => void)[] = [];
  #turning = false;
  #left = false;
  #stopTimer: () => void = () => undefined;

  constructor(ports: PlanPorts, operations: Operations, record: PlanRecord) {
    this.#ports = ports;
    this.#operations = operations;
    this.#record = record;
  }

  get run(): PlanRun {
    return structuredClone(this.#record.run);
  }

  /** Resolves when the beginning is on the disk. @throws what the disk says: then nothing was begun */
  async begin(): Promise<PlanRun> {
    const { run } = this.#record;
    refreshSteps(run);
    await this.#write().catch((error: unknown) => {
      if (!run.armed) throw error;
      this.#tellUnwritten(reason(error));
    });
    this.#publish();
    void this.#turns();
    return this.run;
  }

  /** Takes a change by somebody; resolves when it is on the disk and acted on as far as that takes no waiting. */
  async change(make: (run: PlanRun) => void): Promise<PlanRun> {
    this.#news.push(() => make(this.#record.run));
    await this.#turns();
    return this.run;
  }

  /**
   * To be called from {@link PlanRunner.change}: what a resume tries again. That is what was interrupted, and what made
   * the run pause, once somebody has seen it pause; a step that goes on without those that failed does not come back to
   * them.
   */
  failures(): PlanNodeRun[] {
    const { run, settings } = this.#record;
    return run.steps.flatMap(({ nodes }, index) =>
      nodes.filter(
        (node) =>
          node.state === 'ended' &&
          !isFine(node) &&
          (node.outcome === 'interrupted' || (run.state !== 'interrupted' && settings[index]?.onFail !== 'skip')),
      ),
    );
  }

  /** The server leaves: what stands on the disk is what the next one finds; of what ends now only what is done. */
  leave(): void {
    this.#left = true;
    this.#stopTimer();
  }

  /** An operation of this run, or of another, changed. */
  heard(operation: Operation): void {
    const [progress] = operation.nodes;
    const node = nodesOf(this.#record.run).find((one) => one.operation === operation.id && one.state === 'started');
    if (!node || !progress || progress.outcome !== null) return;
    if (progress.phase !== 'waiting' && !this.#firstTurn.has(node.addr))
      this.#firstTurn.set(node.addr, this.#ports.now());
    if (node.phase === progress.phase && node.detail === progress.detail) return;
    // Where it stands inside is the operation's journal's matter.
    Object.assign(node, { phase: progress.phase, detail: progress.detail });
    this.#publish();
  }

  /** One turn after another until nothing is new. */
  async #turns(): Promise<void> {
    if (this.#turning || this.#left) return;
    this.#turning = true;
    try {
      do await this.#turn();
      while (this.#news.length > 0);
    } finally {
      this.#turning = false;
    }
  }

  async #turn(): Promise<void> {
    const { run } = this.#record;
    const before = JSON.stringify(run);
    for (const make of this.#news.splice(0)) make();
    const moves = this.#settle();
    const { now } = this.#ports;
    for (const { step, node } of moves.start) {
      Object.assign(node, { state: 'started', since: now(), tries: node.tries + 1, detail: 'is being begun' });
      if (!this.#around().isThere(step, node.addr)) this.#lastStart.set(step.name, now());
    }
    refreshSteps(run);
    if (JSON.stringify(run) !== before) {
      const why = await this.#write().then(() => null, reason);
      if (why === null) this.#unwrittenTold = false;
      else if (run.armed) this.#tellUnwritten(why);
      else this.#unwritten(moves, why);
      this.#publish();
      if (why !== null && !run.armed) return;
    }
    for (const { step, settings, node } of moves.start) void this.#launch(step, settings, node);
    this.#wakeAt(moves.lookAt);
  }

  /** Failures, pauses, deadlines and the end, until nothing more follows from them. */
  #settle(): RunnableSteps {
    const { run } = this.#record;
    const { now } = this.#ports;
    const runs = nodesOf(run).some(({ state }) => state === 'started');
    if (run.state === 'running' && run.deadlineAt !== null && now() >= run.deadlineAt)
      this.#endWaiting('deadline', `the run's deadline passed before its turn: nothing was sent${this.#busAway()}`);
    if (run.armed && run.state === 'running') this.#endQuestions();
    let moves = runnableSteps(this.#record, this.#around());
    if (run.state === 'running' && moves.failed !== null) {
      const { settings, node } = moves.failed;
      const why = `step ${settings.name}: ${node.name} ${node.detail}`;
      if (settings.onFail === 'abort') this.abortNow(`aborted: ${why}`);
      else Object.assign(run, { state: 'pausing', detail: why });
      moves = runnableSteps(this.#record, this.#around());
    }
    if (run.state === 'pausing' && !runs && !moves.over)
      Object.assign(run, { state: 'paused', detail: `${run.detail}; resume, skip or abort` });
    // All that is left has ended, but something of it failed that its step does not let pass: that is somebody's to decide.
    if (run.state === 'pausing' && !runs && moves.over && moves.failed !== null)
      Object.assign(run, { state: 'paused', detail: `${run.detail}; resume, skip or abort` });
    if (
      moves.over &&
      run.endedAt === null &&
      (run.state === 'running' || run.state === 'aborting' || moves.failed === null)
    )
      this.#end();
    return moves;
  }

  /** Why nothing can be sent, where that is the bus; else ''. */
  #busAway(): string {
    const { phase, detail } = this.#ports.bus.health;
    return phase === 'ready' ? '' : `, as the bus cannot be used (${detail})`;
  }

  /** To be called from {@link PlanRunner.change}: what runs is asked to stop, what waits does not begin. */
  abortNow(why: string): void {
    const { run } = this.#record;
    Object.assign(run, { state: 'aborting', detail: why });
    this.#endWaiting('aborted', 'aborted before its turn: nothing was sent');
    for (const node of nodesOf(run)) if (node.state === 'started') this.#abortNode(node);
  }

  /** To be called from {@link PlanRunner.change}: what runs goes on to its end, what waits does not begin. */
  recallNow(why: string): void {
    const { run } = this.#record;
    this.#recalled = true;
    Object.assign(run, { state: 'running', detail: `recalled: ${why}` });
    this.#endWaiting('skipped', `not begun: ${why}`);
  }

  /**
   * To be called from {@link PlanRunner.change}: another run has these nodes now. What goes down already comes to its end;
   * what is switched on, or waits for somebody's answer, stops.
   */
  supersedeNow(by: string): void {
    const { run } = this.#record;
    const why = `superseded by run ${by}`;
    for (const node of nodesOf(run)) if (node.outcome === 'interrupted') node.detail = `${node.detail}; ${why}`;
    Object.assign(run, { state: 'aborting', detail: why });
    this.#endWaiting('aborted', `${why}: nothing more was sent`);
    for (const { action, nodes } of run.steps)
      for (const node of nodes)
        if (node.state === 'started' && (action !== 'off' || this.#operations.askingAbout(node.addr) !== null))
          this.#abortNode(node);
  }

  /** Where somebody's operation waits for an answer that nobody gives, the node is taken over. */
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
        // One that was tried ends as that try did.
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

  /** What could not be written down is not begun. */
  #unwritten({ start }: RunnableSteps, problem: string): void {
    const { run } = this.#record;
    const why = `its journal cannot be written (${problem})`;
    for (const { node } of start) requeue(node, 'waits for its turn', this.#ports.now());
    refreshSteps(run);
    if (run.state === 'running') Object.assign(run, { state: 'paused', detail: `${why}: free the disk and resume` });
    this.#ports.event('alarm', null, `Plan ${run.plan} (run ${run.id}) is paused: ${why}`);
  }

  /** An armed run goes on: the battery does not wait for a disk. What cuts is written down by its operation, or not done. */
  #tellUnwritten(problem: string): void {
    const { plan, id } = this.#record.run;
    if (!this.#unwrittenTold)
      this.#ports.event(
        'alarm',
        null,
        `Plan ${plan} (run ${id}) goes on, though its journal cannot be written: ${problem}`,
      );
    this.#unwrittenTold = true;
  }

  async #launch(step: PlanStepRun, settings: StepSettings, node: PlanNodeRun): Promise<void> {
    const startedAt = this.#ports.now();
    const end = await runNode(
      {
        ports: this.#ports,
        operations: this.#operations,
        record: this.#record,
        began: (operation) => {
          this.heard(operation);
          if (this.#record.run.state === 'aborting') this.#abortNode(node);
        },
      },
      step,
      settings,
      node,
      {
        cutAt: this.#cutAt(settings, node.addr, startedAt),
        cutUnasked: this.#cutsInTime(settings, node.addr, startedAt),
        patienceMs: this.#record.run.armed ? turnLength(this.#record, this.#around()) : Infinity,
      },
    );
    if (this.#left) await this.#noteDone(node, end);
    this.#news.push(() => this.#tried(settings, node, end, startedAt));
    await this.#turns();
    if (end.later) await this.#noteDone(node, await end.later);
  }

  /** Done after all, though the server leaves or the run has ended: the next server, and the outage, are to know. */
  async #noteDone(node: PlanNodeRun, { outcome, detail }: TryEnd): Promise<void> {
    if (outcome !== 'done') return;
    endNode(node, outcome, detail, this.#ports.now());
    await this.#write().catch((error: unknown) => this.#tellUnwritten(reason(error)));
    this.#publish();
  }

  /** A try has ended: the node with it, or it goes back to the end of the queue. */
  #tried({ onFail, ...settings }: StepSettings, node: PlanNodeRun, end: TryEnd, startedAt: number): void {
    const { now, bus } = this.#ports;
    const { run } = this.#record;
    if (isVeto(end)) this.#vetoed.add(node.addr);
    const failed = this.#recalled
      ? null
      : afterTry({
          ...{ now: now(), run, onFail, end, triesBefore: this.#failed.get(node.addr)?.tries ?? 0 },
          ...{ cutAt: this.#cutAt(settings, node.addr, startedAt), busReady: bus.health.phase === 'ready' },
        });
    if (failed === null) {
      this.#failed.delete(node.addr);
      endNode(node, end.outcome, end.detail, now());
      return;
    }
    this.#failed.set(node.addr, failed);
    requeue(node, `is tried again: ${end.detail}`, now());
  }

  /** When the node is cut, where its step says so; epoch ms, null: never. */
  #cutAt(
    { deadline, onDeadline }: Pick<StepSettings, 'deadline' | 'onDeadline'>,
    addr: Address,
    startedAt: number,
  ): number | null {
    const { run } = this.#record;
    if (!run.armed || deadline === null || onDeadline !== 'cut' || this.#vetoed.has(addr)) return null;
    return Math.min((this.#firstTurn.get(addr) ?? startedAt) + deadline * 1000, run.deadlineAt ?? Infinity);
  }

  /** Its own time ends before the run's. */
  #cutsInTime({ deadline }: StepSettings, addr: Address, startedAt: number): boolean {
    const { deadlineAt } = this.#record.run;
    const own = (this.#firstTurn.get(addr) ?? startedAt) + (deadline ?? Infinity) * 1000;
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
      void this.#turns();
    });
    this.#stopTimer = stop;
  }

  /** @throws what the disk says; of an armed run also that it said nothing for a while */
  #write(): Promise<void> {
    const written = this.#ports.planJournal.write(this.#record);
    return this.#record.run.armed ? within(this.#ports, WRITE_LIMIT_MS, written) : written;
  }

  #publish(): void {
    this.#ports.publishPlan(this.run);
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
