/** Schemas of the parameters that clients send. Any program can be a client, so everything is bounded. */
import * as z from 'zod';
import type { ClientNotes, Requests } from '../../api/methods.ts';
import { COMMAND_LIMIT, COMMAND_LIMIT_S, FILE_LIMIT, PATH_LIMIT, PIECE_LIMIT } from '../../api/shell.ts';
import { RAW_LIMIT } from '../../bmc/raw-commands.ts';
import { describeIssue } from '../../config/error-messages.ts';
import { replaceHidden } from '../../lib/control-chars.ts';
import { MAX_ADDRESS } from '../../rack/address.ts';
import { DEPENDENCE_RULES } from '../../rack/plan.ts';

/** Most bytes of one console note: a larger paste comes in several. */
const INPUT_LIMIT = 64 * 1024;

/** Most bytes in a piece of a large paste: half a second at the bus's pace, after which it can be stopped. */
const PASTE_LIMIT = 256;
/** Most characters of a note for a log: a line or two. */
const NOTE_LIMIT = 500;

/** Most lines of a glance at a console: no screen has more. */
const ROWS_LIMIT = 300;

const addr = z.number().int().min(0).max(MAX_ADDRESS);
/** Points of a history up to now: length of one, ms, and their number. */
const series = {
  stepMs: z.number().int().min(100).max(86_400_000),
  count: z.number().int().min(1).max(1000),
};
const nothing = z.object({}).transform((): Record<string, never> => ({}));

/** A name that is shown to other sessions. */
const shownName = z
  .string()
  .max(256)
  .transform((text) => replaceHidden(text).replaceAll('\t', '?').slice(0, 64));

const powerRequest = z.object({
  verb: z.enum(['on', 'off', 'force-off', 'cycle', 'force-cycle']),
  nodes: z
    .array(addr)
    .min(1)
    .max(MAX_ADDRESS + 1)
    .refine((nodes) => new Set(nodes).size === nodes.length, 'a node is listed twice'),
  label: shownName,
  confirm: z.string().max(256).nullable(),
  deadlineS: z.number().positive().max(86_400).nullable(),
  onDeadline: z.enum(['leave', 'cut']),
  takeConsole: z.union([z.boolean(), z.literal('silent')]),
  seen: z
    .array(
      z.object({
        addr,
        power: z.enum(['on', 'off', 'disabled']).nullable(),
        system: z.enum(['unknown', 'booting', 'up', 'going-down', 'halted', 'failed']),
      }),
    )
    .max(MAX_ADDRESS + 1)
    .optional(),
  overrides: z.array(z.enum(DEPENDENCE_RULES)).optional(),
});

const transfer = z.string().max(64);
const place = z.number().int().min(0).max(FILE_LIMIT);
const sum = z.number().int().min(0).max(0xffffffff);

const run = z.object({ id: z.string().max(64) });
const planName = z.string().min(1).max(64);

export const REQUEST_PARAMS: { [M in keyof Requests]: z.ZodType<Requests[M][0]> } = {
  hello: z.object({
    api: z.number().int(),
    who: z.object({
      user: shownName,
      from: shownName.nullable(),
      tty: shownName.nullable(),
      program: shownName,
      pid: z.number().int().nonnegative(),
    }),
    brief: z.boolean().optional(),
  }),
  sweep: z.object({
    addrs: z
      .array(addr)
      .max(MAX_ADDRESS + 1)
      .nullable(),
    interrupt: z.boolean(),
  }),
  'console.attach': z.object({ addr, take: z.boolean(), watch: z.boolean() }),
  'console.detach': nothing,
  'console.take': nothing,
  'console.reset': nothing,
  'console.reads': z.object({ on: z.boolean() }),
  'console.give': z.object({ session: z.number().int().positive() }),
  'console.log': z.object({ text: z.string().trim().min(1).max(NOTE_LIMIT).transform(replaceHidden) }),
  'console.baud': z.object({
    baud: z.union([z.literal(115200), z.literal(57600), z.literal(19200), z.literal(9600)]),
  }),
  'console.last': z.object({ addr }),
  'console.glance': z.object({
    addrs: z.array(addr).max(MAX_ADDRESS + 1),
    rows: z.number().int().min(1).max(ROWS_LIMIT),
  }),
  'log.read': z.object({
    addr,
    kind: z.enum(['lines', 'raw', 'timed']),
    cursor: z.string().max(64).nullable(),
    since: z.number().nullable(),
    search: z.string().min(1).max(256).nullable(),
  }),
  'console.resize': z.object({ cols: z.number().int().min(2).max(500), rows: z.number().int().min(1).max(300) }),
  'console.paste': z.object({ addr, data: z.base64().max(PASTE_LIMIT * 2), at: z.number() }),
  'power.check': powerRequest,
  'power.start': powerRequest,
  'ops.list': nothing,
  'ops.abort': z.object({ id: z.string().max(64) }),
  'ops.answer': z.object({
    id: z.string().max(64),
    addr,
    question: z.string().max(64),
    choice: z.string().max(64),
    confirm: z.string().max(256).nullable(),
  }),
  'plan.list': nothing,
  'plan.show': z.object({ name: planName }),
  'plan.run': z.object({
    name: planName,
    confirm: z.string().max(256).nullable(),
    armed: z.boolean(),
    deadlineS: z.number().positive().max(86_400).nullable(),
    request: z.string().min(1).max(64).optional(),
  }),
  'plan.pause': run,
  'plan.resume': run,
  'plan.abort': run,
  'plan.skip': run.extend({ step: planName.nullable(), addr: addr.nullable() }),
  'outage.status': nothing,
  'ups.history': z.object({
    name: z.string().max(64),
    stepMs: z.number().int().min(1000).max(86_400_000),
    count: z.number().int().min(1).max(1000),
  }),
  'outage.tell': z.object({
    supply: z.enum(['mains', 'battery']),
    runtimeS: z.number().min(0).max(604_800).nullable(),
    settled: z.boolean(),
  }),
  'outage.last': z.object({ withinS: z.number().positive().max(86_400) }),
  'outage.drill': z.object({
    addrs: z
      .array(addr)
      .min(1)
      .max(MAX_ADDRESS + 1),
  }),
  'alarms.list': z.object({ limit: z.number().int().min(0).max(500) }),
  'alarms.ack': z.object({ ids: z.array(z.number().int().positive()).max(500).nullable() }),
  'events.list': z.object({ limit: z.number().int().min(0).max(1000) }),
  'rack.history': z.object(series),
  'node.detail': z.object({
    addr,
    ...series,
    lines: z.number().int().min(0).max(100),
  }),
  'bus.retry': nothing,
  'bus.log': z.object({
    after: z.number().int().min(0),
    limit: z.number().int().min(1).max(512),
    wait: z.boolean(),
  }),
  'bus.look': z.object({
    addrs: z
      .array(addr)
      .min(1)
      .max(MAX_ADDRESS + 1),
    patient: z.boolean(),
  }),
  'bus.survey': z.object({ exchanges: z.number().int().min(0).max(1000) }),
  'bus.raw': z.object({
    target: addr.nullable(),
    text: z.string().min(1).max(RAW_LIMIT),
    confirm: z.string().max(256).nullable(),
  }),
  'host.read': z.object({ addr }),
  'node.run': z.object({
    addr,
    command: z
      .string()
      .min(1)
      .max(COMMAND_LIMIT)
      .regex(/^[^\x00-\x1f\x7f]*$/, 'a command is one line, without control characters'),
    by: z.enum(['configured', 'console']),
    limitS: z.number().positive().max(COMMAND_LIMIT_S),
  }),
  'file.open': z.object({
    addr,
    way: z.enum(['put', 'get']),
    path: z
      .string()
      .min(1)
      .max(PATH_LIMIT)
      .regex(/^[^\x00-\x1f\x7f\\]*$/, 'a path has no control characters and no backslash'),
    have: place,
  }),
  'file.write': z.object({ id: transfer, at: place, data: z.base64().max(Math.ceil(PIECE_LIMIT / 3) * 4) }),
  'file.read': z.object({ id: transfer, at: place }),
  'file.finish': z.object({
    id: transfer,
    size: place,
    sum,
    mode: z.number().int().min(0).max(0o777),
    gzip: z.boolean(),
  }),
  'file.close': z.object({ id: transfer }),
  'server.ping': nothing,
  'confirm.begin': nothing,
  'server.info': nothing,
  'server.reload': nothing,
  'server.check': nothing,
  'server.stop': nothing,
};

export const NOTE_PARAMS: { [M in keyof ClientNotes]: z.ZodType<ClientNotes[M]> } = {
  'console.input': z.object({ addr, data: z.base64().max(Math.ceil(INPUT_LIMIT / 3) * 4), at: z.number() }),
};

/** Describes the problems of parameters in one line: `nodes.0: found 200; must be at most 127`. */
export function describeProblems(error: z.ZodError, raw: unknown): string {
  return error.issues
    .slice(0, 3)
    .flatMap((issue) => describeIssue(issue, raw, ''))
    .map(({ path, message }) => `${path.length > 0 ? `${path.map(String).join('.')}: ` : ''}${message}`)
    .join('; ');
}
