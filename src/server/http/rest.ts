/** Handlers of the resources of the HTTP interface. A token sees its own nodes, and what concerns no node. */
import type { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import type * as z from 'zod';
import type { EventRecord, Snapshot } from '../../api/methods.ts';
import type { PlanPreview, PlanRun } from '../../api/plans.ts';
import type { Operation } from '../../api/power.ts';
import { WORDED } from '../../config/error-messages.ts';
import type { HttpVerb } from '../../config/reporting-schema.ts';
import { NotFound } from '../../lib/errors.ts';
import type { Operations } from '../../power/operations.ts';
import type { Plans } from '../../power/plans/plans.ts';
import type { Address } from '../../rack/address.ts';
import type { Changes } from '../changes.ts';
import type { EventLog } from '../events.ts';
import type { AlarmService } from '../polling/alarms.ts';
import { hideInAnswer, hideInNote } from '../rpc/access.ts';
import { describeProblems } from '../rpc/params.ts';
import type { Token } from './authentication.ts';
import { type Call, type Env, expectVerbs, notForToken, Problem } from './gate.ts';
import {
  alarmResource,
  eventResource,
  EVENTS_QUERY,
  nodeResource,
  OPERATION_REQUEST,
  operationResource,
  planResource,
  ROUTES,
  type Route,
  RUN_REQUEST,
  runResource,
} from './routes.ts';
import { mayAct, NO_SESSION, type Switching } from './switching.ts';

/** Events that may wait for a slow reader; then its stream ends. */
const WAITING = 1000;
/** Interval of signs of life in a stream, ms. */
const PULSE_MS = 15_000;
/** Most streams at once. */
const STREAMS = 16;

export interface RestPorts {
  snapshot(): Snapshot;
  operations: Operations;
  plans: Plans;
  events: EventLog;
  alarms: AlarmService;
  changes: Changes;
  /** True where tokens that may only look read what consoles showed. */
  consoleText(): boolean;
}

type RouteName = keyof typeof ROUTES;
type Handlers = Record<RouteName, (call: Call) => Response | Promise<Response>>;

export function addResources(app: Hono<Env>, switching: Switching, ports: RestPorts): void {
  const handlers = new Resources(switching, ports).handlers();
  for (const [name, { method, path }] of Object.entries(ROUTES) as [RouteName, Route][])
    app.on(method.toUpperCase(), path.replaceAll(/\{(\w+)\}/g, ':$1'), handlers[name]);
}

/** Returns the body. @throws {Problem} it is no JSON, or not of this shape */
export async function bodyOf<T>(call: Call, shape: z.ZodType<T>): Promise<T> {
  const text = await call.req.text();
  let raw: unknown;
  try {
    raw = text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    throw new Problem(400, 'nothing was done: the body is no JSON');
  }
  return parsed(raw, shape);
}

function parsed<T>(raw: unknown, shape: z.ZodType<T>): T {
  const result = shape.safeParse(raw, WORDED);
  if (result.success) return result.data;
  throw new Problem(400, `nothing was done: invalid parameters: ${describeProblems(result.error, raw)}`);
}

class Resources {
  readonly #switching: Switching;
  readonly #ports: RestPorts;
  #streams = 0;

  constructor(switching: Switching, ports: RestPorts) {
    this.#switching = switching;
    this.#ports = ports;
  }

  handlers(): Handlers {
    const { plans, alarms, events } = this.#ports;
    return {
      nodes: (call) => {
        const snapshot = this.#ports.snapshot();
        return call.json(this.#looking(call).nodes.map((node) => this.#node(call, node.addr, snapshot)));
      },
      node: async (call) => {
        const { token } = this.#looking(call);
        const { addr } = await this.#switching.seenNode(token, call.req.param('node') ?? '');
        return call.json(this.#node(call, addr, this.#ports.snapshot()));
      },
      operations: (call) => {
        const { own } = this.#looking(call);
        const shown = this.#ports.operations.list().filter(({ nodes }) => nodes.some(({ addr }) => own.has(addr)));
        return call.json(shown.map((operation) => this.#operation(call, operation)));
      },
      startOperation: (call) => this.#start(call),
      operation: (call) => call.json(this.#operation(call, this.#known(call))),
      abortOperation: (call) => this.#abort(call),
      plans: (call) => {
        this.#looking(call);
        return call.json(plans.list().plans.map(planResource));
      },
      startRun: (call) => this.#startRun(call),
      runs: (call) => {
        this.#looking(call);
        return call.json(plans.list().runs.map((run) => this.#run(call, run)));
      },
      run: (call) => {
        this.#looking(call);
        return call.json(this.#run(call, this.#knownRun(call)));
      },
      abortRun: async (call) => {
        const { id, plan } = this.#knownRun(call);
        this.#mayRun(call, await plans.show(plan, NO_SESSION));
        return call.json(this.#run(call, await plans.abort(id, call.get('by'))), 202);
      },
      alarms: (call) => {
        const { own, full } = this.#looking(call);
        const answer = { standing: alarms.standing, past: [] };
        const { standing } = full ? answer : hideInAnswer('alarms.list', answer);
        const snapshot = this.#ports.snapshot();
        const shown = standing.filter(({ addr }) => addr === null || own.has(addr));
        return call.json(shown.map((alarm) => alarmResource(alarm, snapshot)));
      },
      events: (call) => {
        const { limit } = parsed(call.req.query(), EVENTS_QUERY);
        if (call.req.header('accept')?.includes('text/event-stream') === true) return this.#stream(call);
        const { own } = this.#looking(call);
        const shown = events.latest(1000).filter(({ addr }) => addr === null || own.has(addr));
        return call.json(shown.slice(-limit).map((event) => this.#event(call, event)));
      },
    };
  }

  /** Returns what a token that may look sees. @throws {Problem} it may not */
  #looking(call: Call): { token: Token; nodes: { addr: Address }[]; own: Set<Address>; full: boolean } {
    const token = call.get('token');
    expectVerbs(token, 'look');
    const nodes = this.#switching.nodesOf(token);
    return { token, nodes, own: new Set(nodes.map(({ addr }) => addr)), full: this.#reads(call) };
  }

  /** Returns whether the token may read texts that can quote a console, as a session with control may. */
  #reads(call: Call): boolean {
    return mayAct(call.get('token')) || this.#ports.consoleText();
  }

  #node(call: Call, addr: Address, snapshot: Snapshot): unknown {
    const shown = this.#reads(call) ? snapshot : hideInAnswer('sweep', snapshot);
    const inventory = shown.rack.nodes.find((node) => node.addr === addr);
    const state = shown.nodes.find((node) => node.addr === addr);
    return inventory && nodeResource(inventory, state, shown.now);
  }

  #operation(call: Call, operation: Operation): unknown {
    return operationResource(this.#reads(call) ? operation : hideInNote('operation', operation));
  }

  #run(call: Call, run: PlanRun): unknown {
    return runResource(this.#reads(call) ? run : hideInNote('plan', run));
  }

  #event(call: Call, event: EventRecord): unknown {
    return eventResource(this.#reads(call) ? event : hideInNote('event', event), this.#ports.snapshot());
  }

  /** @throws {NotFound} {Problem} it has other nodes than the token's */
  #known(call: Call): Operation {
    const id = call.req.param('id') ?? '';
    const operation = this.#ports.operations.get(id);
    if (operation === null) throw new NotFound(`there is no operation ${id}`);
    const own = new Set(this.#switching.nodesOf(call.get('token')).map(({ addr }) => addr));
    if (operation.nodes.some(({ addr }) => !own.has(addr)))
      throw notForToken(`operation ${id} has nodes that are not for the token ${call.get('token').name}`);
    return operation;
  }

  async #start(call: Call): Promise<Response> {
    const { nodes, ...wanted } = await bodyOf(call, OPERATION_REQUEST);
    const key = call.req.header('idempotency-key') ?? null;
    if (key !== null && !/^[\x21-\x7e]{1,128}$/.test(key))
      throw new Problem(400, 'nothing was done: an Idempotency-Key has 1 to 128 characters without spaces');
    if (key === null && wanted.verb.startsWith('force'))
      throw new Problem(
        428,
        `nothing was done: ${wanted.verb} needs an Idempotency-Key, so that a repeat cuts nothing`,
      );
    const token = call.get('token');
    const chosen = this.#switching.select(token, nodes);
    const operation = await this.#switching.start(token, call.get('by'), { ...wanted, nodes: chosen }, key);
    call.header('location', `/v1/operations/${operation.id}`);
    return call.json(this.#operation(call, operation), 202);
  }

  #abort(call: Call): Response {
    const { id } = this.#known(call);
    const token = call.get('token');
    if (!mayAct(token)) expectVerbs(token, 'graceful');
    return call.json(this.#operation(call, this.#ports.operations.abort(id, call.get('by'))), 202);
  }

  /** @throws {Problem} where the token may not do what the plan does, to all of its nodes */
  #mayRun(call: Call, { steps }: Pick<PlanPreview, 'steps'>): void {
    const token = call.get('token');
    const actions = new Set(steps.map(({ action }) => action));
    const needs: HttpVerb[] = [];
    if (actions.has('on') || actions.has('cycle')) needs.push('on');
    if (actions.has('off') || actions.has('cycle')) needs.push('graceful');
    expectVerbs(token, ...needs);
    const own = new Set(this.#switching.nodesOf(token).map(({ addr }) => addr));
    const others = steps.flatMap(({ nodes }) => nodes.filter(({ addr }) => !own.has(addr)).map(({ name }) => name));
    if (others.length > 0)
      throw notForToken(`nothing was done: the plan has nodes that are not for the token: ${others.join(', ')}`);
  }

  async #startRun(call: Call): Promise<Response> {
    const { deadlineS = null } = await bodyOf(call, RUN_REQUEST);
    const { plans } = this.#ports;
    const preview = await plans.show(call.req.param('plan') ?? '', NO_SESSION);
    this.#mayRun(call, preview);
    const { name, confirm } = preview;
    const run = await plans.start({ name, confirm, armed: false, deadlineS }, call.get('by'));
    call.header('location', `/v1/runs/${run.id}`);
    return call.json(this.#run(call, run), 202);
  }

  #knownRun(call: Call): PlanRun {
    const id = call.req.param('id') ?? '';
    const run = this.#ports.plans.run(id);
    if (run === null) throw new NotFound(`there is no run ${id}`);
    return run;
  }

  /** Sends events and operations as they change. A reader that does not keep up is disconnected. */
  #stream(call: Call): Response {
    const { own } = this.#looking(call);
    if (this.#streams >= STREAMS) throw new Problem(429, `${STREAMS} streams are open: close one`);
    const { changes, events } = this.#ports;
    const since = Number(call.req.header('last-event-id') ?? Number.NaN);
    this.#streams++;
    return streamSSE(call, async (stream) => {
      const waiting: { event: string; data: string; id?: string }[] = [];
      let wake: () => void = () => undefined;
      const add = (message: (typeof waiting)[number]): void => {
        if (waiting.push(message) > WAITING) stream.abort();
        wake();
      };
      const onEvent = (event: EventRecord): void => {
        if (event.addr !== null && !own.has(event.addr)) return;
        add({ event: 'event', id: `${event.seq}`, data: JSON.stringify(this.#event(call, event)) });
      };
      const onOperation = (operation: Operation): void => {
        if (!operation.nodes.some(({ addr }) => own.has(addr))) return;
        add({ event: 'operation', data: JSON.stringify(this.#operation(call, operation)) });
      };
      const onChange = (change: unknown): void => {
        if (typeof change === 'object' && change !== null && 'operation' in change)
          onOperation((change as { operation: Operation }).operation);
      };
      changes.on('event', onEvent).on('changed', onChange);
      const pulse = setInterval(() => add({ event: 'pulse', data: '' }), PULSE_MS).unref();
      stream.onAbort(() => wake());
      if (!Number.isNaN(since))
        events
          .latest(1000)
          .filter(({ seq }) => seq > since)
          .forEach(onEvent);
      try {
        while (!stream.aborted && !stream.closed) {
          const next = waiting.shift();
          if (next !== undefined) await stream.writeSSE(next);
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        this.#streams--;
        clearInterval(pulse);
        changes.off('event', onEvent).off('changed', onChange);
      }
    });
  }
}
