/** The resources of the HTTP interface: paths, bodies and answers, from which its OpenAPI document is made. */
import * as z from 'zod';
import type { EventRecord, NodeState, Snapshot } from '../../api/methods.ts';
import { exitCodeOf, type Operation } from '../../api/power.ts';
import type { PlanRun, PlanSummary } from '../../api/plans.ts';
import { HTTP_VERBS } from '../../config/reporting-schema.ts';
import { wallTime } from '../../lib/clock.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import type { Alarm } from '../../rack/alarms.ts';
import { alarmOwner } from '../../rack/alarms.ts';
import { ampsOf } from '../../rack/calibration.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import { presentSample } from '../../rack/reading.ts';

const time = z.iso.datetime().meta({ description: 'date and time in UTC' });
const name = z.string().min(1).max(64);

const node = z
  .object({
    name,
    addr: z.string().meta({ description: 'address on the bus, two hex digits' }),
    pos: z.string(),
    role: z.string().nullable(),
    cluster: z.string().nullable(),
    power: z.enum(['on', 'off', 'disabled']).nullable().meta({
      description: 'null: not known, because the BMC is silent or was not asked for 10 s',
    }),
    system: z
      .enum(['unknown', 'booting', 'up', 'going-down', 'halted', 'failed'])
      .nullable()
      .meta({ description: 'state of its operating system; null: it has no power, or that is not known' }),
    current: z.number().nullable().meta({ description: 'counts of the BMC, of no known unit' }),
    amperes: z.number().nullable().meta({ description: 'null where the node is not calibrated' }),
    fan: z.number().nullable().meta({ description: 'counts of the BMC, of no known unit' }),
    ageS: z.number().nullable().meta({ description: 'age of the last valid answer; null: there is none' }),
    alarms: z.array(z.string()),
    operation: z.string().nullable().meta({ description: 'id of the operation that has the node' }),
  })
  .meta({ id: 'Node' });
export type NodeResource = z.infer<typeof node>;

const operation = z
  .object({
    id: z.string(),
    verb: z.enum(['on', 'off', 'force-off', 'cycle', 'force-cycle']),
    by: z.string(),
    startedAt: time,
    endedAt: time.nullable(),
    exitCode: z.number().int().nullable().meta({ description: 'as of the command rackui; null while it runs' }),
    nodes: z.array(
      z.object({
        name,
        addr: z.string(),
        phase: z.string(),
        outcome: z.string().nullable().meta({ description: 'null while it runs' }),
        detail: z.string(),
        question: z.string().nullable().meta({ description: 'the operation waits for a decision of an operator' }),
      }),
    ),
  })
  .meta({ id: 'Operation' });

const plan = z
  .object({
    name: z.string(),
    description: z.string().nullable(),
    steps: z.array(z.object({ name: z.string(), action: z.enum(['on', 'off', 'cycle']), nodes: z.number().int() })),
    problem: z.string().nullable().meta({ description: 'reason why it cannot be run' }),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'Plan' });

const run = z
  .object({
    id: z.string(),
    plan: z.string(),
    by: z.string(),
    state: z.enum(['running', 'pausing', 'paused', 'aborting', 'interrupted', 'ended']),
    detail: z.string(),
    startedAt: time,
    endedAt: time.nullable(),
    nodes: z.array(
      z.object({
        step: z.string(),
        name,
        state: z.enum(['waiting', 'started', 'ended']),
        outcome: z.string().nullable(),
        operation: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Run' });

const alarm = z
  .object({
    id: z.number().int(),
    kind: z.string(),
    node: z.string().nullable(),
    owner: z.enum(['node', 'bus', 'server', 'supply']),
    text: z.string(),
    since: time,
    clearedAt: time.nullable(),
    acknowledged: z.boolean(),
  })
  .meta({ id: 'Alarm' });

const event = z
  .object({
    seq: z.number().int(),
    at: time,
    level: z.enum(['info', 'notice', 'warning', 'alarm']),
    topic: z.string(),
    node: z.string().nullable(),
    text: z.string(),
  })
  .meta({ id: 'Event' });

const problem = z
  .object({
    status: z.number().int(),
    detail: z.string(),
    rule: z.string().nullable().meta({ description: 'name of the first rule that refused' }),
    refusals: z.array(z.object({ rule: z.string(), message: z.string(), override: z.string().nullable() })),
  })
  .meta({ id: 'Problem' });

export const OPERATION_REQUEST = z.strictObject({
  verb: operation.shape.verb,
  nodes: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(128)
    .meta({ description: 'names, or words of a selector as row:A' }),
  deadlineS: z
    .number()
    .positive()
    .max(86_400)
    .optional()
    .meta({ description: 'time after which a shutdown is given up' }),
  onDeadline: z.enum(['leave', 'cut']).optional().meta({ description: 'cut needs the verb cut of the token' }),
});
export const RUN_REQUEST = z.strictObject({ deadlineS: OPERATION_REQUEST.shape.deadlineS });
export const EVENTS_QUERY = z.object({ limit: z.coerce.number().int().min(1).max(1000).default(100) });

export interface Route {
  method: 'get' | 'post' | 'delete';
  /** With parameters in braces. */
  path: string;
  summary: string;
  /** Verbs that the token needs. */
  needs: string;
  body?: z.ZodType;
  query?: z.ZodObject;
  /** A header that the call has, or may have. */
  header?: { name: string; description: string };
  /** Answers by status. `stream`: also as server-sent events. */
  answers: Record<number, { description: string; schema?: z.ZodType; stream?: true }>;
}

const done = (description: string, schema: z.ZodType): Route['answers'] => ({ 200: { description, schema } });
const begun = (description: string, schema: z.ZodType): Route['answers'] => ({ 202: { description, schema } });
const ACTS = `one or more of ${HTTP_VERBS.slice(1).join(', ')}, by what is requested`;

export const ROUTES = {
  nodes: {
    ...{ method: 'get', path: '/v1/nodes', summary: 'All nodes of the token.', needs: 'look' },
    answers: done('nodes in address order', z.array(node)),
  },
  node: {
    ...{ method: 'get', path: '/v1/nodes/{node}', summary: 'One node.', needs: 'look' },
    answers: done('the node', node),
  },
  operations: {
    ...{ method: 'get', path: '/v1/operations', needs: 'look' },
    summary: 'Operations that run, and the last that ended, with nodes of the token.',
    answers: done('operations, oldest first', z.array(operation)),
  },
  startOperation: {
    ...{ method: 'post', path: '/v1/operations', summary: 'Starts an operation.', needs: ACTS },
    body: OPERATION_REQUEST,
    header: {
      name: 'Idempotency-Key',
      description:
        'text of the caller’s own for this request; needed for force-off and force-cycle. The same key again returns the same operation.',
    },
    answers: begun('the operation, which continues; Location names it', operation),
  },
  operation: {
    ...{ method: 'get', path: '/v1/operations/{id}', summary: 'One operation.', needs: 'look, or any that started it' },
    answers: done('the operation', operation),
  },
  abortOperation: {
    ...{ method: 'delete', path: '/v1/operations/{id}', needs: ACTS },
    summary: 'Aborts an operation, as far as it can be recalled.',
    answers: begun('the operation; what it did before stays', operation),
  },
  plans: {
    ...{ method: 'get', path: '/v1/plans', summary: 'The configured plans.', needs: 'look' },
    answers: done('plans', z.array(plan)),
  },
  startRun: {
    ...{ method: 'post', path: '/v1/plans/{plan}/runs', summary: 'Runs a plan; nothing is cut at a deadline.' },
    ...{ needs: 'on, graceful, or both, by its steps, for all of its nodes', body: RUN_REQUEST },
    answers: begun('the run, which continues; Location names it', run),
  },
  runs: {
    ...{ method: 'get', path: '/v1/runs', summary: 'Runs of plans.', needs: 'look' },
    answers: done('runs, oldest first', z.array(run)),
  },
  run: {
    ...{ method: 'get', path: '/v1/runs/{id}', summary: 'One run.', needs: 'look' },
    answers: done('the run', run),
  },
  abortRun: {
    ...{ method: 'delete', path: '/v1/runs/{id}', summary: 'Aborts a run.', needs: 'as to run its plan' },
    answers: begun('the run', run),
  },
  alarms: {
    ...{ method: 'get', path: '/v1/alarms', summary: 'Alarms that last or are not acknowledged.', needs: 'look' },
    answers: done('alarms, oldest first', z.array(alarm)),
  },
  events: {
    ...{ method: 'get', path: '/v1/events', summary: 'The latest events, or events as they come.', needs: 'look' },
    query: EVENTS_QUERY,
    header: { name: 'Last-Event-ID', description: 'of a stream: events after this one come first' },
    answers: { 200: { description: 'events, oldest first', schema: z.array(event), stream: true } },
  },
} satisfies Record<string, Route>;

/** Refusals of all routes. */
export const PROBLEMS: Route['answers'] = Object.fromEntries(
  Object.entries({
    400: 'the request cannot be read',
    401: 'no token, or one that is not known',
    403: 'the token may not, or the rack’s configuration forbids it',
    404: 'there is no such thing',
    409: 'a guard refuses it as things stand; nothing was sent',
    413: 'the body is too large',
    422: 'the key was used for another request',
    428: 'a cut needs an Idempotency-Key',
    429: 'too many calls',
    503: 'the bus cannot be used now',
  }).map(([status, description]) => [status, { description, schema: problem }]),
);

const isoTime = (at: number): string => new Date(wallTime(at)).toISOString();

export function nodeResource(inventory: InventoryNode, state: NodeState | undefined, now: number): NodeResource {
  const { addr, role, cluster, calibration } = inventory;
  const reading = state?.reading ?? { state: 'unasked' };
  const sample = presentSample(reading, now);
  const last = reading.state === 'ok' ? reading.sample : reading.state === 'failed' ? reading.last : null;
  return {
    ...{ name: inventory.name, addr: formatAddress(addr), pos: formatPosition(addr), role, cluster },
    power: sample?.power ?? null,
    system: sample === null ? null : (state?.system?.system ?? null),
    current: sample?.current ?? null,
    amperes: sample === null ? null : ampsOf(sample.current, calibration),
    fan: sample?.fan ?? null,
    ageS: last === null ? null : Math.max(0, now - last.at) / 1000,
    alarms: state?.alarms ?? [],
    operation: state?.op ?? null,
  };
}

export function operationResource(from: Operation): z.infer<typeof operation> {
  const { id, verb, by, startedAt, endedAt } = from;
  return {
    ...{ id, verb, by, startedAt: isoTime(startedAt), endedAt: endedAt === null ? null : isoTime(endedAt) },
    exitCode: endedAt === null ? null : exitCodeOf(from),
    nodes: from.nodes.map(({ name: called, addr, phase, outcome, detail, question }) => ({
      ...{ name: called, addr: formatAddress(addr), phase, outcome, detail, question: question?.text ?? null },
    })),
  };
}

export function planResource({
  name: called,
  description,
  steps,
  problem: why,
  warnings,
}: PlanSummary): z.infer<typeof plan> {
  return { name: called, description, steps, problem: why, warnings };
}

export function runResource({
  id,
  plan: of,
  by,
  state,
  detail,
  startedAt,
  endedAt,
  steps,
}: PlanRun): z.infer<typeof run> {
  return {
    ...{ id, plan: of, by, state, detail },
    ...{ startedAt: isoTime(startedAt), endedAt: endedAt === null ? null : isoTime(endedAt) },
    nodes: steps.flatMap((step) =>
      step.nodes.map(({ name: called, state: at, outcome, operation: op }) => ({
        ...{ step: step.name, name: called, state: at, outcome, operation: op },
      })),
    ),
  };
}

function nameAt({ rack }: Pick<Snapshot, 'rack'>, addr: number | null): string | null {
  return addr === null ? null : (rack.nodes.find((one) => one.addr === addr)?.name ?? formatAddress(addr));
}

export function alarmResource(from: Alarm, rack: Pick<Snapshot, 'rack'>): z.infer<typeof alarm> {
  const { id, kind, addr, text, since, clearedAt, acknowledged } = from;
  return {
    ...{ id, kind, node: nameAt(rack, addr), owner: addr === null ? alarmOwner(kind) : 'node', text },
    ...{ since: isoTime(since), clearedAt: clearedAt === null ? null : isoTime(clearedAt) },
    acknowledged: acknowledged !== null,
  };
}

export function eventResource(
  { seq, at, level, topic, addr, text }: EventRecord,
  rack: Pick<Snapshot, 'rack'>,
): z.infer<typeof event> {
  return { seq, at: isoTime(at), level, topic, node: nameAt(rack, addr), text };
}
