/**
 * Carries out one run: every transition is on the disk before it is acted on. It decides nothing about nodes: what may be
 * started next is `moves.ts`, what happens to a node is an operation like any other.
 */
import type { PlanNodeRun, PlanRun, PlanStepRun } from '../../api/plan.ts';
import type { Operation, Outcome } from '../../api/power.ts';
import { shownPower } from '../../rack/reading.ts';
import { isDown } from '../../rack/system.ts';
import type { Operations } from '../operations.ts';
import { nextMoves, type Circumstances, type Moves } from './moves.ts';
import type { PlanPorts } from './ports.ts';
import { isThere } from './predict.ts';
import { endNode, isFine, nodesOf, refreshSteps, requeue, type PlanRecord, type StepSettings } from './record.ts';
import { runNode } from './run-node.ts';

/** Whether somebody else's operation on a node has ended is looked at so often, ms. */
const BUSY_MS = 500;

export class PlanRunner {
  readonly #ports: PlanPorts;
  readonly #operations: Operations;
  readonly #record: PlanRecord;
  readonly #lastStart = new Map<string, number>();
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
    refreshSteps(this.#record.run);
    await this.#write();
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

  /** The server leaves: what stands on the disk is what the next one finds. */
  leave(): void {
    this.#left = true;
    this.#stopTimer();
  }

  /** An operation of this run, or of another, changed. */
  heard(operation: Operation): void {
    const [progress] = operation.nodes;
    const node = nodesOf(this.#record.run).find((one) => one.operation === operation.id && one.state === 'started');
    if (!node || !progress || progress.outcome !== null) return;
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
      try {
        await this.#write();
      } catch (error) {
        this.#unwritten(moves, error);
        this.#publish();
        return;
      }
      this.#publish();
    }
    for (const { step, settings, node } of moves.start) void this.#launch(step, settings, node);
    this.#wakeAt(moves.lookAt);
  }

  /** Failures, pauses, deadlines and the end, until nothing more follows from them. */
  #settle(): Moves {
    const { run } = this.#record;
    const { now } = this.#ports;
    const runs = nodesOf(run).some(({ state }) => state === 'started');
    if (run.state === 'running' && run.deadlineAt !== null && now() >= run.deadlineAt)
      this.#endWaiting('deadline', "the run's deadline passed before its turn: nothing was sent");
    let moves = nextMoves(this.#record, this.#around());
    if (run.state === 'running' && moves.failed !== null) {
      const { settings, node } = moves.failed;
      const why = `step ${settings.name}: ${node.name} ${node.detail}`;
      if (settings.onFail === 'abort') this.abortNow(`aborted: ${why}`);
      else Object.assign(run, { state: 'pausing', detail: why });
      moves = nextMoves(this.#record, this.#around());
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
    Object.assign(run, { state: 'running', detail: `recalled: ${why}` });
    this.#endWaiting('skipped', `not begun: ${why}`);
  }

  #abortNode({ operation }: PlanNodeRun): void {
    if (operation === null || this.#operations.get(operation)?.endedAt !== null) return;
    this.#operations.abort(operation, this.#record.who);
  }

  #endWaiting(outcome: Outcome | 'skipped', detail: string): void {
    for (const node of nodesOf(this.#record.run))
      if (node.state === 'waiting') endNode(node, outcome, detail, this.#ports.now());
  }

  #end(): void {
    const { run } = this.#record;
    const nodes = nodesOf(run);
    const fine = nodes.filter(({ outcome }) => outcome === 'done').length;
    const aborted = run.state === 'aborting' ? `${run.detail}; ` : '';
    Object.assign(run, { state: 'ended', endedAt: this.#ports.now() });
    run.detail = `${aborted}${fine} of ${nodes.length} nodes done`;
    this.#record.endedAt = run.endedAt;
    const level = nodes.every(isFine) ? 'notice' : 'warning';
    this.#ports.event(level, null, `Plan ${run.plan} (run ${run.id}) ended: ${run.detail}`);
  }

  /** What could not be written down is not begun. */
  #unwritten({ start }: Moves, error: unknown): void {
    const { run } = this.#record;
    const why = `its journal cannot be written (${error instanceof Error ? error.message : String(error)})`;
    for (const { node } of start) requeue(node, 'waits for its turn', this.#ports.now());
    refreshSteps(run);
    if (run.state === 'running') Object.assign(run, { state: 'paused', detail: `${why}: free the disk and resume` });
    this.#ports.event('alarm', null, `Plan ${run.plan} (run ${run.id}) is paused: ${why}`);
  }

  async #launch(step: PlanStepRun, settings: StepSettings, node: PlanNodeRun): Promise<void> {
    const { outcome, detail } = await runNode(
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
    );
    this.#news.push(() => endNode(node, outcome, detail, this.#ports.now()));
    await this.#turns();
  }

  #around(): Circumstances {
    const { now, reading, systems } = this.#ports;
    const mine = new Set(nodesOf(this.#record.run).map(({ operation }) => operation));
    return {
      now: now(),
      busy: (addr) => {
        const other = this.#operations.on(addr);
        return other !== null && !mine.has(other);
      },
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
    const waits = nodesOf(run).some(({ state, addr }) => state === 'waiting' && around.busy(addr));
    const next = Math.min(at ?? Infinity, waits ? around.now + BUSY_MS : Infinity);
    if (next === Infinity) return;
    const stop = this.#ports.every(Math.max(1, next - around.now), () => {
      stop();
      void this.#turns();
    });
    this.#stopTimer = stop;
  }

  #write(): Promise<void> {
    return this.#ports.planJournal.write(this.#record);
  }

  #publish(): void {
    this.#ports.publishPlan(this.run);
  }
}
