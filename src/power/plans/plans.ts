/**
 * Lists, previews and runs the configured plans, and refuses runs that would switch the same node in opposite
 * directions or repeat a plan that runs.
 */
import type { ClientIdentity } from '../../api/methods.ts';
import {
  goesOn,
  planConfirmation,
  type PlanList,
  type PlanNodeRun,
  type PlanPreview,
  type PlanRun,
  type PlanRunRequest,
} from '../../api/plans.ts';
import type { Operation, Refusal } from '../../api/power.ts';
import { messageOf, NotFound } from '../../lib/errors.ts';
import { didYouMean } from '../../lib/words.ts';
import type { Address } from '../../rack/address.ts';
import { type PlanDefinition, planWarnings, resolvePlan } from '../../rack/plan.ts';
import { nameOf } from '../operation.ts';
import type { Operations } from '../operations.ts';
import { PowerRefused } from '../ports.ts';
import { conflictOf, supersededBy, type Wanted } from './conflicts.ts';
import {
  effectiveStep,
  limitSteps,
  checkNodes,
  nodesLosingPower,
  nodesTaken,
  predictedLength,
  preview,
  summarise,
  rackContext,
} from './preview.ts';
import {
  endNode,
  isFine,
  KEPT_REQUESTS,
  newStep,
  nodesOf,
  type PlanPorts,
  recoverRuns,
  requeue,
  settingsOf,
} from './record.ts';
import { PlanRunner } from './runner.ts';

/** Ended runs that are still listed. */
const KEPT = 10;

/** Restricts a run to part of a plan's nodes. */
export interface RunLimit {
  /** Null: all of them. */
  only?: ReadonlySet<Address> | null;
}

export class Plans {
  readonly #ports: PlanPorts;
  readonly #operations: Operations;
  readonly #runners: PlanRunner[] = [];
  #lastId = 0;

  constructor(ports: PlanPorts, operations: Operations) {
    this.#ports = ports;
    this.#operations = operations;
  }

  /**
   * Loads the runs that an earlier server left; none continues by itself. Must be called once, before the recovery of
   * operations.
   */
  recover(): void {
    for (const record of this.#ports.planJournal.ended())
      this.#runners.push(new PlanRunner(this.#ports, this.#operations, record));
    for (const record of recoverRuns(this.#ports)) {
      const runner = new PlanRunner(this.#ports, this.#operations, record);
      this.#runners.push(runner);
      runner.begin().catch((error: unknown) => {
        this.#ports.event('alarm', null, `The journal of run ${record.id} cannot be written: ${messageOf(error)}`);
      });
    }
  }

  list(): PlanList {
    const around = rackContext(this.#ports);
    return {
      plans: Object.entries(this.#ports.plans).map(([name, plan]) => summarise(name, plan, around)),
      runs: this.#runners.map(({ run }) => run),
    };
  }

  /** Returns the names of the plans that have this node in a step. */
  touching(addr: Address): string[] {
    return Object.entries(this.#ports.plans)
      .filter(([, plan]) => {
        const resolved = resolvePlan(plan, this.#ports.inventory());
        return resolved.ok && resolved.steps.some(({ nodes }) => nodes.some((node) => node.addr === addr));
      })
      .map(([name]) => name);
  }

  /** Returns runs with nodes under way, or more to begin: the server must not exit. */
  underWay(): PlanRun[] {
    return this.#runners.map(({ run }) => run).filter(goesOn);
  }

  /**
   * Stops all runs for the server's exit: nothing more is begun or concluded; the next server finds them interrupted.
   */
  leave(): void {
    for (const runner of this.#runners) runner.leave();
  }

  /** Passes a changed operation to the runs, one of which may own it. */
  onOperation(operation: Operation): void {
    for (const runner of this.#runners) runner.onOperation(operation);
  }

  /** Previews a plan with a fresh status of every node. @throws {NotFound} */
  async show(name: string, session: number): Promise<PlanPreview> {
    const plan = this.#plan(name);
    return preview(
      name,
      plan,
      rackContext(this.#ports, await checkNodes(this.#operations, this.#ports, name, plan, session)),
    );
  }

  /**
   * Begins a run with the nodes that the plan's selectors match now; it continues independent of the session. A request
   * that is repeated begins nothing.
   * @throws {NotFound} no such plan; {PowerRefused} it cannot be run, or was not confirmed: nothing was begun
   */
  start(request: PlanRunRequest, who: ClientIdentity, limit: RunLimit = {}): Promise<PlanRun> {
    const { request: id } = request;
    const repeated = id === undefined ? undefined : this.#runners.find(({ run }) => run.request === id);
    if (repeated !== undefined) return Promise.resolve(repeated.run);
    return this.startDefinition(this.#plan(request.name), request, who, limit);
  }

  /** Begins a run as {@link Plans.start} does, with a plan that is in no configuration. */
  async startDefinition(
    plan: PlanDefinition,
    request: PlanRunRequest,
    who: ClientIdentity,
    { only = null }: RunLimit = {},
  ): Promise<PlanRun> {
    const { name, armed, deadlineS } = request;
    const { now, inventory } = this.#ports;
    const resolved = resolvePlan(plan, inventory());
    if (!resolved.ok)
      throw refused('plan', resolved.problems.map(({ message }) => message).join('; '), 'correct the plan');
    const steps = limitSteps(resolved.steps, only);
    if (!armed) this.#refuseConflict({ name, steps });
    const wanted = planConfirmation(name, nodesLosingPower(steps));
    if (nodesLosingPower(steps) > 0 && !armed && request.confirm !== wanted)
      throw refused(
        'confirm',
        `nothing was started: ${request.confirm === null ? 'it was not confirmed' : 'the confirmation does not match'}`,
        `type '${wanted}'`,
      );
    const startedAt = now();
    const id = this.#nextId(startedAt);
    const expected = predictedLength(plan, rackContext(this.#ports), only) ?? 0;
    const run: PlanRun = {
      id,
      request: request.request ?? null,
      plan: name,
      by: nameOf(who),
      armed,
      startedAt,
      endedAt: null,
      deadlineAt: deadlineS === null ? null : startedAt + deadlineS * 1000,
      predictedEndAt: startedAt + expected,
      state: 'running',
      detail: '',
      steps: steps.map((step) => newStep(step, startedAt)),
    };
    const runner = new PlanRunner(this.#ports, this.#operations, {
      id,
      startedAt,
      endedAt: null,
      run,
      who,
      settings: steps.map((step) => settingsOf(effectiveStep(step, this.#ports))),
      takes: nodesTaken(steps),
      overrides: [...(plan.overrides ?? [])],
    });
    try {
      // Counts from here on: of two concurrent requests, the second is refused.
      this.#runners.push(runner);
      if (armed) await this.#supersede({ name, steps, id });
      const begun = await runner.begin();
      this.#ports.event('notice', null, `${nameOf(who)}: plan ${name} (run ${id})${armed ? ', armed' : ''}`);
      this.#prune();
      return begun;
    } catch (error) {
      this.#runners.splice(this.#runners.indexOf(runner), 1);
      throw refused(
        'journal',
        `nothing was started: the journal cannot be written (${messageOf(error)})`,
        'free the disk',
      );
    }
  }

  /** Ends older runs that conflict with an armed run, so that none keeps it from its nodes. */
  async #supersede(wanted: Wanted): Promise<void> {
    const { id = '' } = wanted;
    const older = supersededBy(
      wanted,
      this.#runners.map(({ run }) => run),
    );
    for (const { id: other, plan } of older) {
      this.#ports.event('notice', null, `Plan ${plan} (run ${other}) is superseded by run ${id} of ${wanted.name}`);
      const runner = this.#runners.find((one) => one.id === other);
      await runner?.change((run) => {
        if (run.endedAt === null) runner.supersedeNow(id);
      });
    }
  }

  /** Returns the present state of a run, or null where it is no longer kept. */
  run(id: string): PlanRun | null {
    return this.#runners.find((one) => one.id === id)?.run ?? null;
  }

  /**
   * Predicts a plan's duration as of now, on these nodes only (null: all), ms; null: no such plan, or it cannot be run.
   */
  predictedMs(name: string, only: ReadonlySet<Address> | null): number | null {
    const plan = Object.hasOwn(this.#ports.plans, name) ? this.#ports.plans[name] : undefined;
    return plan === undefined ? null : predictedLength(plan, rackContext(this.#ports), only);
  }

  /** Returns known obstacles of a plan; empty: none known, or no such plan. */
  warnings(name: string): string[] {
    const plan = Object.hasOwn(this.#ports.plans, name) ? this.#ports.plans[name] : undefined;
    const resolved = plan === undefined ? null : resolvePlan(plan, this.#ports.inventory());
    return resolved?.ok === true ? planWarnings(resolved.steps, this.#ports.means()) : [];
  }

  /** Cancels the nodes that wait; those under way run to their end. An ended run stays as it is. */
  async recall(id: string, why: string): Promise<void> {
    const runner = this.#runners.find((one) => one.id === id);
    await runner?.change((run) => {
      if (run.endedAt === null) runner.recallNow(why);
    });
  }

  /** Pauses a run: no further nodes are started. @throws {NotFound} {PowerRefused} */
  pause(id: string, who: ClientIdentity): Promise<PlanRun> {
    const runner = this.#find(id, ['running']);
    this.#ports.event('notice', null, `${nameOf(who)} pauses run ${runner.run.id}`);
    return runner.change((run) => {
      if (run.state === 'running') Object.assign(run, { state: 'pausing', detail: `paused by ${nameOf(who)}` });
    });
  }

  /** Resumes a run; the failures that paused it are tried again. @throws {NotFound} {PowerRefused} */
  resume(id: string, who: ClientIdentity): Promise<PlanRun> {
    const runner = this.#find(id, ['pausing', 'paused', 'interrupted']);
    const { run: before } = runner;
    this.#refuseConflict({ name: before.plan, steps: before.steps, id: before.id });
    this.#ports.event('notice', null, `${nameOf(who)} resumes run ${before.id}`);
    return runner.change((run) => {
      if (!['pausing', 'paused', 'interrupted'].includes(run.state)) return;
      const again = runner.failures();
      Object.assign(run, { state: 'running', detail: `resumed by ${nameOf(who)}` });
      for (const node of again) requeue(node, 'is tried again', this.#ports.now());
    });
  }

  /** Aborts a run, with its nodes under way. @throws {NotFound} {PowerRefused} */
  abort(id: string, who: ClientIdentity): Promise<PlanRun> {
    const runner = this.#find(id, ['running', 'pausing', 'paused', 'interrupted']);
    this.#ports.event('notice', null, `${nameOf(who)} aborts run ${runner.run.id}`);
    return runner.change((run) => {
      if (run.endedAt === null) runner.abortNow(`aborted by ${nameOf(who)}`);
    });
  }

  /** Skips a node, or all of a step, that waits or has failed. @throws {NotFound} {PowerRefused} */
  skip(id: string, step: string | null, addr: Address | null, who: ClientIdentity): Promise<PlanRun> {
    const runner = this.#find(id, ['running', 'pausing', 'paused', 'interrupted']);
    const matching = (run: PlanRun): PlanNodeRun[] =>
      run.steps
        .filter(({ name }) => step === null || name === step)
        .flatMap(({ nodes }) => nodes.filter((node) => addr === null || node.addr === addr));
    const found = step === null && addr === null ? [] : matching(runner.run);
    if (found.length === 0) {
      const names = runner.run.steps.map(({ name }) => name);
      if (step !== null && !names.includes(step))
        throw new NotFound(`run ${id} has no step '${step}'; steps: ${names.join(', ')}${didYouMean(step, names)}`);
      throw new NotFound(
        `run ${id} does not have this node${step === null ? '' : ` in step '${step}'`}: 'rackui plan list' shows its nodes`,
      );
    }
    const open = found.filter((node) => node.state === 'waiting' || (node.state === 'ended' && !isFine(node)));
    if (open.length === 0)
      throw refused('plan', `${found[0]?.name ?? ''} is running or has ended: it cannot be skipped`, null);
    this.#ports.event(
      'notice',
      null,
      `${nameOf(who)} leaves ${open.map(({ name }) => name).join(', ')} out of run ${id}`,
    );
    return runner.change((run) => {
      for (const node of matching(run))
        if (node.state === 'waiting' || (node.state === 'ended' && !isFine(node)))
          endNode(node, 'skipped', `skipped by ${nameOf(who)}`, this.#ports.now());
      // The failure that paused the run is gone.
      if (run.state === 'paused' && nodesOf(run).every((node) => node.state !== 'ended' || isFine(node)))
        Object.assign(run, { state: 'running', detail: `continues without the nodes that ${nameOf(who)} skipped` });
    });
  }

  /** Refuses a run that conflicts with another. @throws {PowerRefused} */
  #refuseConflict(wanted: Wanted): void {
    const against = conflictOf(
      wanted,
      this.#runners.map(({ run }) => run),
    );
    if (against !== null) throw new PowerRefused([against]);
  }

  /**
   * Finds a run by id, or the plan's latest run that has not ended. @throws {NotFound} {PowerRefused} wrong
   * state
   */
  #find(id: string, states: readonly PlanRun['state'][]): PlanRunner {
    const byName = this.#runners.filter(({ run }) => run.plan === id && run.endedAt === null).at(-1);
    const runner = this.#runners.find((one) => one.id === id) ?? byName;
    if (!runner)
      throw new NotFound(
        `there is no run '${id}': 'rackui plan list' lists them${didYouMean(id, Object.keys(this.#ports.plans))}`,
      );
    const { state } = runner.run;
    if (!states.includes(state))
      throw refused(
        'plan',
        `run ${runner.run.id} of ${runner.run.plan} is ${state}: that cannot be done to it now`,
        null,
      );
    return runner;
  }

  #prune(): void {
    const ended = this.#runners.filter(({ run }) => run.endedAt !== null);
    const named = ended.filter(({ run }) => typeof run.request === 'string');
    const others = ended.filter((runner) => !named.includes(runner));
    for (const runner of [...named.slice(0, -KEPT_REQUESTS), ...others.slice(0, -KEPT)])
      this.#runners.splice(this.#runners.indexOf(runner), 1);
  }

  /** Returns an id as operations have it, the second of the start in base 36; `p` marks a plan's run. */
  #nextId(now: number): string {
    this.#lastId = Math.max(this.#lastId + 1, Math.floor(now / 1000));
    return `p${this.#lastId.toString(36)}`;
  }

  #plan(name: string): PlanDefinition {
    const plan = Object.hasOwn(this.#ports.plans, name) ? this.#ports.plans[name] : undefined;
    if (plan) return plan;
    const known = Object.keys(this.#ports.plans);
    throw new NotFound(
      `there is no plan '${name}' in the configuration; plans: ${known.join(', ') || 'none'}${didYouMean(name, known)}`,
    );
  }
}

function refused(rule: string, message: string, override: string | null): PowerRefused {
  const refusal: Refusal = { rule, message, override };
  return new PowerRefused([refusal]);
}
