/**
 * Admits calls of the HTTP interface: identifies the caller, limits the rate, keeps calls in the audit log, and answers
 * errors with the rule and its sentence.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ClientIdentity } from '../../api/methods.ts';
import type { Refusal } from '../../api/power.ts';
import type { HttpVerb } from '../../config/reporting-schema.ts';
import { NotFound, Refused, Unavailable } from '../../lib/errors.ts';
import { ConsoleHeld, PowerRefused, type CallAuditEntry } from '../../power/ports.ts';
import { Rates, type Sessions, type Token, type Tokens } from './authentication.ts';

/** Largest body of a call, bytes: a request names nodes and little else. */
const BODY_LIMIT = 16 * 1024;
/** Time for which calls that did nothing are counted before their entry is written, ms. */
const COUNTED_MS = 60_000;
/** Most kinds of counted calls; the rest is counted as one. */
const MOST_COUNTS = 256;
const PROBLEM_TYPE = 'application/problem+json';
/** Rules that no request can satisfy as the rack is configured; the others depend on its state. */
const FORBIDDING: ReadonlySet<string> = new Set(['master', 'protected', 'token']);

export interface Env {
  Bindings: HttpBindings;
  Variables: { token: Token; by: ClientIdentity };
}
export type Call = Context<Env>;

/** An answer that is an error, with its sentence. */
export class Problem extends Error {
  readonly status: ContentfulStatusCode;
  readonly refusals: readonly Refusal[];

  constructor(status: ContentfulStatusCode, message: string, refusals: readonly Refusal[] = []) {
    super(message);
    this.status = status;
    this.refusals = refusals;
  }
}

/** Makes the refusal of a call that its token may not make. */
export function notForToken(message: string): Problem {
  return new Problem(403, message, [
    { rule: 'token', message, override: 'use a token that may, or change http.tokens' },
  ]);
}

/** @throws {Problem} where the token may not request one of `verbs` */
export function expectVerbs(token: Token, ...verbs: HttpVerb[]): void {
  const missing = verbs.filter((verb) => !token.verbs.has(verb));
  if (missing.length > 0)
    throw notForToken(
      `nothing was done: the token ${token.name} has ${[...token.verbs].join(', ')}, and this needs ${missing.join(' and ')} too`,
    );
}

/** Maps errors of the domain; null: a fault of the server. */
function problemOf(error: unknown): Problem | null {
  if (error instanceof Problem) return error;
  if (error instanceof PowerRefused) {
    const forbidden = error.refusals.some(({ rule }) => FORBIDDING.has(rule));
    return new Problem(forbidden ? 403 : 409, error.message, error.refusals);
  }
  if (error instanceof NotFound) return new Problem(404, error.message);
  if (error instanceof Refused || error instanceof ConsoleHeld) return new Problem(409, error.message);
  if (error instanceof Unavailable) return new Problem(503, error.message);
  return null;
}

/** Formats an error as RFC 9457, or as Redfish wants it. */
function answerProblem(call: Call, { status, message, refusals }: Problem): Response {
  if (call.req.path.startsWith('/redfish/'))
    return call.json(
      {
        error: {
          code: 'Base.1.0.GeneralError',
          message,
          '@Message.ExtendedInfo': (refusals.length > 0
            ? refusals
            : [{ rule: 'GeneralError', message, override: null }]
          ).map(({ rule, message: text, override }) => ({
            MessageId: `Rackui.1.0.${rule}`,
            Message: text,
            Severity: 'Warning',
            Resolution: override ?? 'None.',
          })),
        },
      },
      status,
    );
  call.header('content-type', PROBLEM_TYPE);
  return call.body(JSON.stringify({ status, detail: message, rule: refusals[0]?.rule ?? null, refusals }), status);
}

export interface GatePorts {
  tokens: Tokens;
  sessions: Sessions;
  /** Calls a second of one caller. */
  rate: number;
  now: () => number;
  audit(entry: CallAuditEntry): Promise<void>;
  /** Logs a fault of the server. */
  failed(text: string): void;
}

/**
 * Makes a function that returns whether a call may pass, and answers it where it may not: before anything else examines
 * it, so that a flood costs the polls of the rack as little as can be.
 */
export function limited(
  ports: GatePorts,
  log: CallLog,
): (incoming: IncomingMessage, outgoing: ServerResponse) => boolean {
  const rates = new Rates(ports.rate, ports.now);
  const detail = `more than ${ports.rate} calls a second: wait`;
  const body = JSON.stringify({ status: 429, detail, rule: null, refusals: [] });
  return (incoming, outgoing) => {
    const token = tokenOf(incoming.headers, ports)?.name ?? null;
    const from = incoming.socket.remoteAddress ?? null;
    if (rates.take(token ?? `from ${from ?? 'socket'}`)) return true;
    log.add({ token, from, method: incoming.method ?? '', path: incoming.url ?? '', status: 429 });
    outgoing.writeHead(429, { 'content-type': PROBLEM_TYPE, 'retry-after': '1' }).end(body);
    incoming.resume();
    return false;
  };
}

/** Makes an application whose calls come through the gate, except those that `open` answers. */
export function gated(ports: GatePorts, log: CallLog, open: Hono<Env>): Hono<Env> {
  const app = new Hono<Env>({ strict: false });
  app.onError((error, call) => {
    const problem = problemOf(error);
    if (problem === null) ports.failed(`${call.req.method} ${call.req.path} failed: ${error.stack ?? error.message}`);
    return answerProblem(call, problem ?? new Problem(500, 'the server failed at this; its log has the details'));
  });
  app.notFound((call) => answerProblem(call, new Problem(404, `there is nothing at ${call.req.path}`)));
  const limit = bodyLimit({
    maxSize: BODY_LIMIT,
    onError: () => {
      throw new Problem(413, `a body has at most ${BODY_LIMIT} bytes`);
    },
  });
  app.use(log.keep());
  app.use(async (call, next) => {
    const known = tokenOf(call.env.incoming.headers, ports);
    if (known !== null) call.set('token', known);
    call.header('cache-control', 'no-store');
    await next();
  });
  app.use(limit);
  app.route('/', open);
  app.use(async (call, next) => {
    const token = call.get('token') as Token | undefined;
    if (token === undefined) {
      call.header('www-authenticate', 'Basic realm="rackui", charset="UTF-8"');
      call.header('www-authenticate', 'Bearer', { append: true });
      throw new Problem(401, 'nothing was done: give a token: Authorization: Bearer TOKEN');
    }
    const from = addressOf(call);
    call.set('by', { user: token.name, from, tty: null, program: 'http', pid: process.pid });
    await next();
  });
  return app;
}

function addressOf(call: Call): string | null {
  return call.env.incoming.socket.remoteAddress ?? null;
}

/** Returns the caller's token: by bearer token, by its name and itself as a password, or by a session; null: none. */
function tokenOf(headers: IncomingHttpHeaders, { tokens, sessions }: GatePorts): Token | null {
  const session = headers['x-auth-token'];
  if (typeof session === 'string') {
    const name = sessions.find(session);
    return name === null ? null : tokens.named(name);
  }
  const [, scheme = '', value = ''] = /^(\w+) +(\S+)$/.exec(headers.authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return tokens.find(value);
  if (scheme.toLowerCase() !== 'basic') return null;
  const pair = Buffer.from(value, 'base64').toString();
  return tokenByPassword(tokens, pair.slice(0, pair.indexOf(':')), pair.slice(pair.indexOf(':') + 1));
}

/** Returns the token of this name whose text is the password, or null. */
export function tokenByPassword(tokens: Tokens, name: string, password: string): Token | null {
  const token = tokens.find(password);
  return token?.name === name ? token : null;
}

interface AnsweredCall extends Pick<CallAuditEntry, 'token' | 'from' | 'status'> {
  method: string;
  path: string;
}

/** Keeps calls in the audit log: each that acted or was refused, and the number of the others once a minute. */
export class CallLog {
  readonly #audit: (entry: CallAuditEntry) => Promise<void>;
  readonly #now: () => number;
  readonly #counts = new Map<string, CallAuditEntry>();
  readonly #timer: NodeJS.Timeout;

  constructor({ audit, now }: Pick<GatePorts, 'audit' | 'now'>) {
    this.#audit = audit;
    this.#now = now;
    this.#timer = setInterval(() => this.#flush(), COUNTED_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#flush();
  }

  /** Returns the handler that keeps each call once it was answered. */
  keep(): MiddlewareHandler<Env> {
    return async (call, next) => {
      await next();
      const token = (call.get('token') as Token | undefined)?.name ?? null;
      const { method, path } = call.req;
      this.add({ token, from: addressOf(call), method, path, status: call.res.status });
    };
  }

  /** A flood of calls that did nothing must not fill the disk: these are counted. */
  add({ token, from, method, path, status }: AnsweredCall): void {
    const entry = { at: this.#now(), stage: 'call' as const, token, from, status, count: 1 };
    const acts = method !== 'GET' && method !== 'HEAD' && token !== null && status !== 429;
    if (acts) this.#write({ ...entry, call: `${method} ${path}` });
    else this.#count({ ...entry, call: method });
  }

  #count(entry: CallAuditEntry): void {
    const wanted = `${String(entry.token)} ${String(entry.from)} ${entry.call} ${entry.status}`;
    const full = this.#counts.size >= MOST_COUNTS && !this.#counts.has(wanted);
    const key = full ? 'others' : wanted;
    const before = this.#counts.get(key);
    if (before) before.count++;
    else this.#counts.set(key, full ? { ...entry, from: 'others' } : entry);
  }

  #flush(): void {
    for (const entry of this.#counts.values()) this.#write(entry);
    this.#counts.clear();
  }

  /** A disk that takes no entry takes no intent of a cut either, and refuses that. */
  #write(entry: CallAuditEntry): void {
    this.#audit(entry).catch(() => undefined);
  }
}
