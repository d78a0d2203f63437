/**
 * Checks, starts, answers and aborts power operations; tracks the operation of each node, from before its check until
 * its part has ended, and whether a choice answers a node's open question.
 */
import type { ClientIdentity } from '../api/methods.ts';
import {
  ANYWAY,
  confirmationText,
  cuts,
  type Operation,
  type PowerCheck,
  type PowerRequest,
  type Question,
} from '../api/power.ts';
import { NotFound } from '../lib/errors.ts';
import { didYouMean } from '../lib/words.ts';
import { type Address, formatAddress } from '../rack/address.ts';
import { compressNames } from '../rack/selectors.ts';
import { Starts } from './boot-stagger.ts';
import { HaltWindows, ConsoleArbiter } from './console-arbiter.ts';
import type { GuardFacts, Dependence } from './guard-facts.ts';
import { changedSince, gatherFacts, impactOf, isAnyway, namesOf, refusalsFor, requestRefusals } from './guards.ts';
import { nodesAtOnce, runNodes } from './node-runner.ts';
import { type Job, nameOf, newNode, type NodeRecord, OperationRecord, type PlanShare } from './operation.ts';
import { type OperationPorts, PowerRefused } from './ports.ts';
import { recoverUnfinished } from './recovery.ts';

class Reservations {
  readonly #owners = new Map<Address, string>();

  owner(addr: Address): string | null {
    return this.#owners.get(addr) ?? null;
  }

  /** Reserves those of `nodes` that are free; returns the earlier owner of each, or null. */
  reserve(nodes: readonly Address[], id: string): Map<Address, string | null> {
    const before = new Map(nodes.map((addr) => [addr, this.owner(addr)]));
    for (const addr of nodes) if (!this.#owners.has(addr)) this.#owners.set(addr, id);
    return before;
  }

  release(id: string, addr: Address): void {
    if (this.#owners.get(addr) === id) this.#owners.delete(addr);
  }

  releaseAll(id: string): void {
    for (const [addr, owner] of this.#owners) if (owner === id) this.#owners.delete(addr);
  }
}

/**
 * Returns the choice with this key.
 * @throws {NotFound} there is none; {PowerRefused} it needs a confirmation, and `confirm` does not match.
 */
function choiceOf({ choices }: Question, key: string, confirm: string | null): Question['choices'][number] {
  const chosen = choices.find((choice) => choice.key === key);
  if (!chosen) {
    const keys = choices.map((choice) => choice.key);
    throw new NotFound(
      `'${key}' is no answer to this question; the answers are ${keys.join(', ')}${didYouMean(key, keys)}`,
    );
  }
  if (chosen.confirm !== null && chosen.confirm !== confirm) {
    const message = `nothing was sent: the confirmation ${confirm === null ? 'is missing' : 'does not match'}`;
    throw new PowerRefused([{ rule: 'confirm', message, override: `type '${chosen.confirm}'` }]);
  }
  return chosen;
}

/** Ended operations that are still listed. */
const KEPT = 20;

interface Running {
  record: OperationRecord;
  /** Stops all of its nodes. */
  abort: AbortController;
  jobs: Job[];
  /** Stop one of its nodes, by job. */
  stops: Map<Job, AbortController>;
  /** Listeners for its last state. */
  ended: ((operation: Operation) => void)[];
}

export class Operations {
  readonly #ports: OperationPorts;
  readonly #running = new Map<string, Running>();
  readonly #ended: Operation[] = [];
  readonly #reservations = new Reservations();
  /** Arbiter of the bus's one console. */
  readonly #consoleArbiter: ConsoleArbiter;
  readonly #haltWindows = new HaltWindows();
  readonly #starts = new Starts();
  #lastId = 0;

  constructor(ports: OperationPorts) {
    this.#ports = ports;
    this.#consoleArbiter = new ConsoleArbiter(() => ports.now());
  }

  /** Ends operations that an earlier server left unfinished as interrupted. Must be called first, and once. */
  recover(): void {
    for (const operation of recoverUnfinished(this.#ports)) this.#keep(operation);
  }

  /**
   * Checks a request: a fresh status per node, guards, impact; changes nothing. `session`: id of the requesting
   * session.
   */
  async check(request: PowerRequest, session: number, plan: PlanShare | null = null): Promise<PowerCheck> {
    const asked = { ...request, nodes: [...new Set(request.nodes)] };
    const inventory = this.#ports.inventory();
    const names = namesOf(inventory, asked.nodes);
    /** Nodes whose console last showed another name. */
    const otherHosts = new Set<Address>();
    const nodes = await Promise.all(
      asked.nodes.map(async (addr, index) => {
        const owner = this.#reservations.owner(addr);
        const facts = await this.#facts(asked, addr, session, owner, 'new', this.#dependence(asked, plan, ''));
        const { status } = facts;
        const impact = impactOf(facts, inventory);
        const refusals = refusalsFor(facts);
        const warns = plan === null ? refusals.filter(({ rule }) => rule === 'host') : [];
        impact.push(...warns.map(({ message }) => message));
        if (warns.length > 0) otherHosts.add(addr);
        if (asked.onDeadline === 'cut' && asked.deadlineS !== null && !asked.verb.startsWith('force'))
          impact.push(`after ${asked.deadlineS} s its power is cut, even if it has not halted`);
        return {
          addr,
          name: names[index] ?? formatAddress(addr),
          sample: status.ok ? status.sample : null,
          system: this.#ports.systems.get(addr).system,
          problem: status.ok ? null : status.detail,
          refusals: refusals.filter((one) => !warns.includes(one)),
          impact,
        };
      }),
    );
    const words = confirmationText(names, asked.label) + (otherHosts.size > 0 ? ANYWAY : '');
    const confirm = cuts(asked.verb) ? words : '';
    return { verb: asked.verb, confirm, nodes };
  }

  /**
   * Starts an operation and returns its first state; it continues independent of the session. A verb that cuts is
   * refused as a whole when one node refuses it, because the rest is not what was confirmed. Of several nodes to switch
   * on, those that refuse are left out.
   * @throws {PowerRefused} and nothing was sent.
   */
  async start(
    request: PowerRequest,
    by: ClientIdentity,
    session: number,
    plan: PlanShare | null = null,
  ): Promise<Operation> {
    const asked = { ...request, nodes: [...new Set(request.nodes)] };
    const names = namesOf(this.#ports.inventory(), asked.nodes);
    const wrong = requestRefusals(asked, names);
    if (wrong.length > 0) throw new PowerRefused(wrong);
    const startedAt = this.#ports.now();
    const id = this.#nextId(startedAt);
    // Before the first await: of two concurrent requests, the second finds the nodes claimed.
    const others = this.#reservations.reserve(asked.nodes, id);
    const abort = new AbortController();
    const dependence = this.#dependence(asked, plan, id);
    try {
      const refusals = await Promise.all(
        asked.nodes.map(async (addr) => {
          const facts = await this.#facts(asked, addr, session, others.get(addr) ?? null, 'young', dependence);
          return [...changedSince(asked, facts, this.#ports.systems.get(addr)), ...refusalsFor(facts)];
        }),
      );
      const refusing = refusals.filter((some) => some.length > 0).length;
      if (refusing > 0 && (cuts(asked.verb) || refusing === asked.nodes.length))
        throw new PowerRefused(refusals.flat());
      const record = new OperationRecord(this.#ports, {
        id,
        verb: asked.verb,
        label: asked.label,
        by: nameOf(by),
        startedAt,
        endedAt: null,
        nodes: asked.nodes.map((addr, index) => newNode(addr, names[index] ?? formatAddress(addr), startedAt)),
      });
      const deadlineAt = asked.deadlineS === null ? null : startedAt + asked.deadlineS * 1000;
      const stops = new Map<Job, AbortController>();
      const jobs = record.nodes.map((node): Job => {
        const stop = new AbortController();
        const job: Job = {
          ports: this.#ports,
          operation: record,
          node,
          request: asked,
          by,
          session,
          dependence,
          plan,
          console: this.#consoleArbiter,
          starts: this.#starts,
          haltWindows: this.#haltWindows,
          signal: AbortSignal.any([abort.signal, stop.signal]),
          deadlineAt,
          bootId: null,
          onAnswer: null,
        };
        stops.set(job, stop);
        return job;
      });
      this.#running.set(id, { record, abort, jobs, stops, ended: [] });
      record.changed();
      this.#ports.event('notice', null, `${nameOf(by)}: ${asked.verb} of ${compressNames(names)} (operation ${id})`);
      for (const [index, some] of refusals.entries())
        if (some.length > 0) record.nodes[index]?.end('refused', some.map(({ message }) => message).join('; '));
      void this.#run(jobs, record, nodesAtOnce(asked, this.#ports));
      return record.snapshot();
    } catch (error) {
      this.#reservations.releaseAll(id);
      throw error;
    }
  }

  /**
   * Resolves when the operation is on the disk, for the next server; also when the disk accepts no writes, which its
   * record reports.
   */
  async written(id: string): Promise<void> {
    await this.#running
      .get(id)
      ?.record.journalled()
      .catch(() => undefined);
  }

  /** Aborts a running operation; its details state what can no longer be recalled. @throws {NotFound} */
  abort(id: string, by: ClientIdentity): Operation {
    const { record, abort } = this.#find(id);
    if (!abort.signal.aborted) {
      this.#ports.event('notice', null, `${nameOf(by)} aborts operation ${id}`);
      abort.abort();
    }
    return record.snapshot();
  }

  /**
   * Stops everything for the server's exit, except an `off` whose node goes down. Must be called again while
   * one continues, because its halt may be contradicted. Returns the names of the nodes that continue.
   */
  stopAllButGoing(by: ClientIdentity): string[] {
    const goOn: string[] = [];
    for (const { record, abort, jobs, stops } of this.#running.values()) {
      const open = abort.signal.aborted ? [] : jobs.filter(({ node }) => node.outcome === null);
      const going = open.filter(({ request, node }) => request.verb.endsWith('off') && isGoingDown(node));
      goOn.push(...going.map(({ node }) => node.name));
      const stopped = open.filter((job) => !going.includes(job) && !job.signal.aborted);
      if (stopped.length === 0) continue;
      const names = stopped.length === open.length ? '' : ` on ${stopped.map(({ node }) => node.name).join(', ')}`;
      this.#ports.event('notice', null, `${nameOf(by)} aborts operation ${record.id}${names}`);
      for (const job of stopped) stops.get(job)?.abort();
    }
    return goOn;
  }

  /**
   * Answers a node's open question.
   * @throws {NotFound} no such question (any more); {PowerRefused} the confirmation does not match.
   */
  answer(
    id: string,
    {
      addr,
      question: asked,
      choice,
      confirm,
    }: { addr: Address; question: string; choice: string; confirm: string | null },
    by: ClientIdentity,
  ): Operation {
    const { record, jobs } = this.#find(id);
    const job = jobs.find(({ node }) => node.addr === addr);
    const question = job?.node.question;
    if (!job?.onAnswer || !question) throw new NotFound(`operation ${id} has no prompt for ${formatAddress(addr)}`);
    if (question.id !== asked) {
      const message = `nothing was done: the question about ${job.node.name} has changed, it is now: ${question.text}`;
      throw new PowerRefused([{ rule: 'question', message, override: 'read it and answer again' }]);
    }
    const chosen = choiceOf(question, choice, confirm);
    this.#ports.event('notice', addr, `${nameOf(by)} answers for ${job.node.name}: ${chosen.label}`);
    job.onAnswer(choice, by);
    return record.snapshot();
  }

  /** Returns the present state, or null: not known (any more). */
  get(id: string): Operation | null {
    return this.#running.get(id)?.record.snapshot() ?? this.#ended.find((operation) => operation.id === id) ?? null;
  }

  /** Resolves with its last state. @throws {NotFound} */
  ended(id: string): Promise<Operation> {
    const running = this.#running.get(id);
    if (running) return new Promise((resolve) => running.ended.push(resolve));
    const ended = this.#ended.find((operation) => operation.id === id);
    if (ended) return Promise.resolve(structuredClone(ended));
    throw new NotFound(`there is no operation ${id}`);
  }

  /** Returns the running operation that has a node, or null. */
  on(addr: Address): string | null {
    return this.#reservations.owner(addr);
  }

  /** Returns the operation that has a node and waits for an operator's answer about it; null: there is none. */
  askingAbout(addr: Address): string | null {
    const owner = this.#reservations.owner(addr);
    const job = owner === null ? undefined : this.#running.get(owner)?.jobs.find(({ node }) => node.addr === addr);
    return job && job.plan?.armed !== true && job.node.question !== null ? owner : null;
  }

  /** Returns the running ones and the last ended ones, oldest first. */
  list(): Operation[] {
    const running = [...this.#running.values()].map(({ record }) => record.snapshot());
    return [...this.#ended.map((operation) => structuredClone(operation)), ...running].sort(
      (a, b) => a.startedAt - b.startedAt,
    );
  }

  /** True while any operation runs: the server must not exit. */
  busy(): boolean {
    return this.#running.size > 0;
  }

  async #run(jobs: Job[], record: OperationRecord, atOnce: number): Promise<void> {
    await runNodes(jobs, atOnce, (job) => this.#reservations.release(record.id, job.node.addr));
    record.end();
    const listeners = this.#running.get(record.id)?.ended ?? [];
    this.#running.delete(record.id);
    this.#reservations.releaseAll(record.id);
    this.#keep(record.snapshot());
    for (const listener of listeners) listener(record.snapshot());
  }

  /** Returns the facts about other nodes for the guards about dependent nodes. */
  #dependence({ verb, nodes, overrides = [] }: PowerRequest, plan: PlanShare | null, id: string): Dependence {
    // A cycle restores power, so its nodes do not count.
    const nodesPoweredOff = new Set(
      verb.endsWith('off') ? [...nodes, ...(plan?.nodesPoweredOff ?? [])] : (plan?.nodesPoweredOff ?? []),
    );
    return {
      nodesPoweredOff,
      plan: plan !== null,
      overrides: [...overrides, ...(plan?.overrides ?? [])],
      inOperation: (addr) => {
        const owner = this.#reservations.owner(addr);
        if (owner === null) return false;
        const progress = owner === id ? this.#running.get(id)?.record.node(addr) : undefined;
        return progress === undefined ? owner !== id : progress !== null && !progress.idle;
      },
    };
  }

  #facts(
    request: PowerRequest,
    addr: Address,
    session: number,
    busyWith: string | null,
    status: 'new' | 'young',
    dependence: Dependence,
  ): Promise<GuardFacts> {
    const { verb, takeConsole } = request;
    const hostSettled = isAnyway(request);
    return gatherFacts(this.#ports, { verb, addr, session, takeConsole, busyWith, status, hostSettled, dependence });
  }

  #find(id: string): Running {
    const running = this.#running.get(id);
    if (running) return running;
    const ended = this.#ended.some((operation) => operation.id === id);
    throw new NotFound(ended ? `operation ${id} has ended` : `there is no operation ${id}`);
  }

  #keep(operation: Operation): void {
    this.#ended.push(operation);
    if (this.#ended.length > KEPT) this.#ended.shift();
  }

  /** Returns a short id that the next server does not use again: the second of the operation's start, in base 36. */
  #nextId(now: number): string {
    this.#lastId = Math.max(this.#lastId + 1, Math.floor(now / 1000));
    return this.#lastId.toString(36);
  }
}

/**
 * Reports whether it goes down and cannot be recalled, or its power is being cut: no other program receives its last
 * line.
 */
function isGoingDown({ phase }: NodeRecord): boolean {
  return phase === 'acknowledged' || phase === 'stopping' || phase === 'settle' || phase === 'cut';
}
