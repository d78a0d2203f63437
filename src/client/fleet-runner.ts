/**
 * Drives a run of a plan over several racks: starts the parts in order, each as an ordinary run at its rack's own server,
 * and follows them. A request is on the disk before it is sent, and has an id by which the server knows it again, so that
 * no part is begun twice, also by a program that resumes the run of one that was killed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { goesOn, type PlanRun, planExitCode } from '../api/plans.ts';
import { EXIT } from '../api/power.ts';
import { RPC_ERROR } from '../api/methods.ts';
import { messageOf } from '../lib/errors.ts';
import {
  blocking,
  canBegin,
  type FleetPart,
  type FleetRun,
  isComplete,
  isUnderWay,
  partName,
  partsOf,
  startable,
} from '../rack/fleet-plan.ts';
import { type RackClient, RpcFailure } from './client.ts';
import type { FleetOrder } from './fleet-journal.ts';
import { busProblem, NOTHING_BEGUN } from './fleet-preview.ts';

export interface FleetPorts {
  /** Connects to a rack's server. */
  open(rack: string): Promise<RackClient>;
  /** Resolves when the run is on the disk. @throws the disk's error */
  save(): void;
  /** Returns an order that was left by another program, once. */
  takeOrder(): FleetOrder | null;
  /** Seconds until the deadline; null: none. */
  secondsLeft(): number | null;
  partChanged(part: FleetPart): void;
  planChanged(part: FleetPart, run: PlanRun): void;
}

/** Interval at which orders are looked for, ms. */
const ORDERS_MS = 300;
/** Time for which a rack that was lost is tried again, and the first and the longest pause between two tries, ms. */
const LOST_MS = 60_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

/** A connection, and the states of runs that came by it. */
interface Connection {
  client: RackClient;
  ended: string | null;
  runs: Map<string, PlanRun>;
  /** Called at each change of a run, and at the end of the connection. */
  notify: Set<() => void>;
}

export class FleetRunner {
  readonly #run: FleetRun;
  readonly #ports: FleetPorts;
  readonly #connections = new Map<string, Promise<Connection>>();
  readonly #tasks = new Map<FleetPart, Promise<void>>();
  #order: FleetOrder | 'run' = 'run';
  /** Reason why nothing more is started, other than a part's failure. */
  #stopped: string | null = null;
  #left = false;
  #leave: () => void = () => undefined;

  constructor(run: FleetRun, ports: FleetPorts) {
    this.#run = run;
    this.#ports = ports;
  }

  /**
   * Takes up what is under way, and starts what may start, until the run has ended or waits for an operator; with
   * `pause` or `abort` starts nothing. Returns early after {@link FleetRunner.leave}.
   */
  async drive(order: FleetOrder | 'run'): Promise<void> {
    const left = new Promise<void>((resolve) => (this.#leave = resolve));
    this.#order = order;
    const orders = setInterval(() => this.#obey(), ORDERS_MS);
    try {
      for (const part of partsOf(this.#run).filter(isUnderWay)) this.#begin(part, () => this.#takeUp(part));
      for (;;) {
        // Before each start: this program may have been stopped for long.
        this.#obey();
        if (this.#order === 'run' && this.#stopped === null)
          for (const part of startable(this.#run))
            if (!this.#tasks.has(part)) this.#begin(part, () => this.#start(part));
        if (this.#tasks.size === 0 || this.#left) break;
        await Promise.race([left, ...this.#tasks.values()]);
      }
      if (!this.#left) this.#conclude();
    } finally {
      clearInterval(orders);
      for (const one of this.#connections.values()) one.then(({ client }) => client.close()).catch(() => undefined);
    }
  }

  get left(): boolean {
    return this.#left;
  }

  /** Ends this program's part: what is under way continues on the racks' servers, and nothing more is started. */
  leave(): void {
    this.#left = true;
    this.#leave();
  }

  #begin(part: FleetPart, act: () => Promise<void>): void {
    const task = act()
      // Only the disk fails here: what is not on it is not acted on.
      .catch((error: unknown) => (this.#stopped = messageOf(error)))
      .finally(() => this.#tasks.delete(part));
    this.#tasks.set(
      part,
      task.then(() => undefined),
    );
  }

  #obey(): void {
    const order = this.#ports.takeOrder();
    if (order === null) return;
    this.#order = order;
    for (const part of this.#tasks.keys()) if (part.run !== null) void this.#tell(part, order).catch(() => undefined);
  }

  /** Sends the order to the part's run, which then changes as its server decides. */
  async #tell(part: FleetPart, order: FleetOrder): Promise<void> {
    if (part.run === null) return;
    const { client } = await this.#connection(part.rack);
    await client.request(order === 'pause' ? 'plan.pause' : 'plan.abort', { id: part.run });
  }

  async #start(part: FleetPart): Promise<void> {
    const left = this.#ports.secondsLeft();
    if (left === 0) {
      this.#change(part, { state: 'refused', exitCode: EXIT.deadline, detail: 'the deadline passed before its turn' });
      return;
    }
    const connection = await this.#connection(part.rack).catch(messageOf);
    if (typeof connection === 'string') {
      this.#unreached(part, connection);
      return;
    }
    const bus = await busProblem(connection.client).catch(messageOf);
    if (bus !== null && !this.#run.armed) this.#unreached(part, bus);
    else if (this.#order === 'run' && !this.#left) await this.#ask(part, connection);
  }

  #unreached(part: FleetPart, detail: string): void {
    this.#change(part, {
      state: 'unreached',
      exitCode: EXIT.unavailable,
      detail: `nothing was begun there: ${detail}`,
    });
  }

  /** Sends the request, which is on the disk before. Where the answer is lost the same request is sent again. */
  async #ask(part: FleetPart, connection: Connection): Promise<void> {
    this.#change(part, { state: 'asked', detail: 'is being started' });
    const { plan, confirm, request } = part;
    const left = this.#ports.secondsLeft();
    const deadlineS = left === null ? null : Math.max(1, left);
    try {
      const begun = await connection.client.request('plan.run', {
        ...{ name: plan, confirm, armed: this.#run.armed, deadlineS, request },
      });
      await this.#follow(part, connection, begun);
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      if (NOTHING_BEGUN.includes(error.code)) {
        const exitCode = error.code === RPC_ERROR.config ? EXIT.config : EXIT.refused;
        this.#change(part, { state: 'refused', exitCode, detail: `nothing was begun there: ${error.message}` });
      } else if (connection.ended === null) this.#unreached(part, error.message);
      else await this.#takeUp(part);
    }
  }

  /** Looks for the part's run on its server, and follows it; begins it where its request never arrived. */
  async #takeUp(part: FleetPart): Promise<void> {
    if (this.#left) return;
    const connection = await this.#again(part);
    if (connection === null) return;
    let run: PlanRun | undefined;
    try {
      const { runs } = await connection.client.request('plan.list', {});
      run = runs.find((one) => one.request === part.request);
      if (run !== undefined) run = await this.#steer(connection.client, run);
    } catch (error) {
      if (connection.ended !== null) {
        await pauseFor(FIRST_RETRY_MS);
        return this.#takeUp(part);
      }
      this.#change(part, { state: 'held', exitCode: EXIT.partly, detail: messageOf(error) });
      return;
    }
    if (run !== undefined) return this.#follow(part, connection, run);
    if (part.run !== null)
      this.#change(part, {
        ...{ state: 'incomplete', exitCode: EXIT.unavailable },
        detail: `its server does not know run ${part.run} any more: its outcome is not known, see 'rackui status'`,
      });
    else if (this.#order === 'run' && !this.left) await this.#ask(part, connection);
    else this.#change(part, { state: 'waiting', exitCode: null, detail: 'nothing was begun there' });
  }

  /** Resumes, pauses or aborts a run that was found, as the order says. */
  #steer(client: RackClient, run: PlanRun): Promise<PlanRun> | PlanRun {
    const { id, state } = run;
    if (this.#order === 'run' && (state === 'paused' || state === 'interrupted'))
      return client.request('plan.resume', { id });
    if (this.#order === 'pause' && state === 'running') return client.request('plan.pause', { id });
    if (this.#order === 'abort' && state !== 'ended' && state !== 'aborting')
      return client.request('plan.abort', { id });
    return run;
  }

  /** Follows the part's run until it has ended, waits for an operator, or its rack is lost. */
  async #follow(part: FleetPart, connection: Connection, begun: PlanRun): Promise<void> {
    const { id } = begun;
    this.#change(part, { state: 'running', run: id, exitCode: null, detail: '' });
    if (this.#order !== 'run') await this.#tell(part, this.#order).catch(() => undefined);
    let shown: PlanRun | null = null;
    for (;;) {
      // The answer may be older than a note that came before it was read.
      const latest = connection.runs.get(id) ?? begun;
      if (latest !== shown) this.#ports.planChanged(part, latest);
      shown = latest;
      if (this.#left) return;
      if (!goesOn(latest)) {
        this.#settle(part, latest);
        return;
      }
      if (connection.ended !== null) return this.#takeUp(part);
      await new Promise<void>((resolve) => {
        const once = (): void => {
          connection.notify.delete(once);
          resolve();
        };
        connection.notify.add(once);
      });
    }
  }

  #settle(part: FleetPart, run: PlanRun): void {
    const exitCode = planExitCode(run);
    const state = run.state !== 'ended' ? 'held' : exitCode === EXIT.done ? 'done' : 'incomplete';
    this.#change(part, { state, exitCode, detail: state === 'held' ? `${run.state}: ${run.detail}` : run.detail });
  }

  /** Connects to the rack of a part under way, for a while; null: it stays lost. */
  async #again(part: FleetPart): Promise<Connection | null> {
    const start = performance.now();
    for (let pause = FIRST_RETRY_MS; ; pause = Math.min(2 * pause, LONGEST_RETRY_MS)) {
      const connection = await this.#connection(part.rack).catch(messageOf);
      if (typeof connection !== 'string') return connection;
      const detail = `its run may continue there: ${connection}`;
      this.#change(part, { state: part.state === 'asked' ? 'asked' : 'lost', exitCode: EXIT.unavailable, detail });
      if (this.#left || performance.now() - start + pause > LOST_MS || this.#order !== 'run') return null;
      await pauseFor(pause);
    }
  }

  /** Returns the connection to a rack, a new one where the last has ended. */
  async #connection(rack: string): Promise<Connection> {
    const before = await this.#connections.get(rack)?.catch(() => null);
    if (before?.ended === null) return before;
    const opening = this.#ports.open(rack).then((client) => {
      const connection: Connection = { client, ended: null, runs: new Map(), notify: new Set() };
      const notify = (): void => [...connection.notify].forEach((one) => one());
      client.on('plan', (run) => {
        connection.runs.set(run.id, run);
        notify();
      });
      client.onClose((why) => {
        connection.ended = why;
        notify();
      });
      return connection;
    });
    this.#connections.set(rack, opening);
    return opening;
  }

  /** Writes the part's new state before anything follows from it. @throws the disk's error */
  #change(part: FleetPart, to: Partial<FleetPart>): void {
    if (Object.entries(to).every(([key, value]) => part[key as keyof FleetPart] === value)) return;
    Object.assign(part, to);
    this.#ports.save();
    this.#ports.partChanged(part);
  }

  #conclude(): void {
    const run = this.#run;
    if (this.#order === 'abort') {
      for (const part of partsOf(run).filter(canBegin))
        Object.assign(part, { state: 'aborted', detail: 'aborted before its turn: nothing was begun there' });
      const away = partsOf(run).filter(isUnderWay);
      run.state = away.length === 0 ? 'ended' : 'paused';
      run.detail = away.length === 0 ? 'aborted' : `not aborted: ${reasons(away)}`;
    } else if (isComplete(run)) {
      run.state = 'ended';
      const parts = partsOf(run);
      run.detail = `${parts.filter(({ state }) => state === 'done').length} of ${parts.length} parts done`;
    } else {
      run.state = 'paused';
      run.detail = this.#stopped ?? (this.#order === 'pause' ? 'paused by an operator' : reasons(blocking(run)));
    }
    this.#ports.save();
  }
}

/** Waits without keeping the process. */
const pauseFor = (ms: number): Promise<void> => delay(ms, undefined, { ref: false });

const reasons = (parts: readonly FleetPart[]): string =>
  parts.map((part) => `${partName(part)} ${part.state}: ${part.detail}`).join('; ');
