/** One client's connection: receives and checks JSON-RPC requests; sends answers, notes and updates. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  type CancellationToken,
  createMessageConnection,
  type MessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import {
  type Access,
  type ClientIdentity,
  type ClientNotes,
  CONFIRM_LIMIT_MS,
  CONFIRMED,
  type ConsoleState,
  type Requests,
  type Session,
  SILENT_LIMIT_S,
} from '../../api/methods.ts';
import { WORDED, WORDED_ONCE } from '../../config/error-messages.ts';
import { steadyNow } from '../../lib/clock.ts';
import { wholeMessages } from '../../lib/unix-socket.ts';
import { hideInAnswer, hideInNote, mayNote, mayRequest } from '../rpc/access.ts';
import { responseOf, rpcError } from '../rpc/errors.ts';
import { describeProblems, NOTE_PARAMS, REQUEST_PARAMS } from '../rpc/params.ts';
import type { Caller, Methods, NoteHandlers } from '../rpc/registry.ts';
import { Outbox, type Picture } from './outbox.ts';

/** Most confirmations that a client may have begun and not used. */
const MOST_NONCES = 16;
const IS_CONFIRMED: ReadonlySet<string> = new Set(CONFIRMED);
/** Most bytes of an incomplete message: a client that sends more is not one of this protocol. */
const UNFINISHED_LIMIT = 1024 * 1024;
/** Time for a client to read the reason of its disconnection, ms. */
const GOODBYE_MS = 1_000;

export interface SessionPorts {
  now(): number;
  picture: Picture;
  methods: Methods;
  notes: NoteHandlers;
  /** Returns whether view-only sessions may read console output. */
  consoleText(): boolean;
  /** Returns the state of the open console; null: none is open. */
  openConsole(): ConsoleState | null;
  /** Called at hello, and when the identity changes. */
  identified(session: ClientSession): void;
  /** Called when a silent client sent something again. */
  activeAgain(): void;
  /** Called once when the connection has ended. `why`: null where the client ended it. */
  ended(session: ClientSession, why: string | null): void;
  log(level: 'debug' | 'warn' | 'error', text: string): void;
}

export class ClientSession implements Caller {
  readonly id: number;
  readonly access: Access;
  readonly since: number;
  readonly outbox: Outbox;
  readonly #socket: Socket;
  readonly #ports: SessionPorts;
  readonly #rpc: MessageConnection;
  #who: ClientIdentity | null = null;
  /** Numbers given out for confirmations, with their times. */
  readonly #nonces = new Map<string, number>();
  #receivedAt = 0;
  /** Seconds without input, counted one by one: a stall of this process is not the client's silence. */
  #silentS = 0;
  #silentSince: number | null = null;
  #ended = false;
  readonly #gone = new AbortController();

  constructor(id: number, access: Access, socket: Socket, ports: SessionPorts) {
    this.id = id;
    this.access = access;
    this.since = ports.now();
    this.#socket = socket;
    this.#ports = ports;
    const reader = new StreamMessageReader(socket);
    // Otherwise the reader would wait as long as the server lives for a client that died in the middle of a message.
    reader.partialMessageTimeout = 0;
    this.#rpc = createMessageConnection(reader, new StreamMessageWriter(wholeMessages(socket)), {
      error: (text) => ports.log('warn', `session ${id}: ${text}`),
      warn: (text) => ports.log('warn', `session ${id}: ${text}`),
      info: () => undefined,
      log: () => undefined,
    });
    this.outbox = new Outbox(ports.picture, {
      // The library throws where the connection has ended: that is a failure to send like any other.
      send: async (method, params) =>
        this.#rpc.sendNotification(method, this.#reads ? params : hideInNote(method, params)),
      reads: () => this.#reads,
      lagging: (queued) =>
        void this.disconnect(
          `it took nothing any more; ${Math.round(queued / 1024)} KB of events and notes were waiting`,
        ),
    });
    this.#listen();
  }

  /** The client's identity; null before hello. */
  get who(): ClientIdentity | null {
    return this.#who;
  }

  /** `alice@10.0.0.7`: the name shown to other sessions, as the client reports it. */
  get name(): string {
    if (!this.#who) return `session ${this.id}`;
    return this.#who.from === null ? this.#who.user : `${this.#who.user}@${this.#who.from}`;
  }

  /** `interface, pid 4711`: its program, as the client reports it. */
  get program(): string {
    return this.#who === null ? 'unknown' : `${this.#who.program}, pid ${this.#who.pid}`;
  }

  /** Time since which nothing came from it, where that is too long; otherwise null. */
  get silentSince(): number | null {
    return this.#silentSince;
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Counts a second of silence. Returns whether it counts as silent from now on. */
  tick(): boolean {
    if (++this.#silentS !== SILENT_LIMIT_S) return false;
    this.#silentSince = this.#ports.now() - SILENT_LIMIT_S * 1000;
    return true;
  }

  identify(who: ClientIdentity, brief: boolean): void {
    this.#who = who;
    if (brief) this.outbox.takesBrief();
    this.#ports.identified(this);
  }

  /** Returns the session as others see it; null before hello. */
  describe(): Session | null {
    const { id, since, access, silentSince } = this;
    return this.#who && { id, who: this.#who, since, access, silentSince };
  }

  /** Ends the connection after the waiting data has left, or a moment later; resolves when it is closed. */
  disconnect(why: string): Promise<void> {
    if (this.#ended) return Promise.resolve();
    this.#end(why);
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    const kill = setTimeout(() => this.#socket.destroy(), GOODBYE_MS);
    void this.outbox.sent().then(() => this.#socket.end());
    return closed.then(() => clearTimeout(kill));
  }

  #listen(): void {
    for (const method of Object.keys(this.#ports.methods) as (keyof Requests)[])
      this.#rpc.onRequest<Requests[keyof Requests][1], unknown>(
        method,
        (params: unknown, cancellation: CancellationToken) => this.#answer(method, params, cancellation),
      );
    for (const method of Object.keys(this.#ports.notes) as (keyof ClientNotes)[])
      this.#rpc.onNotification(method, (params: unknown) => this.#take(method, params));
    // The library reports unreadable messages here, and also the socket's own failures.
    this.#rpc.onError(([error]) => {
      if (isGone(error)) this.#end(null);
      else void this.disconnect(`what it sent is no JSON-RPC: ${error.message}`);
    });
    this.#socket.on('data', () => {
      this.#onInput();
      if (this.#socket.bytesRead - this.#receivedAt > UNFINISHED_LIMIT)
        void this.disconnect('it sent a message too long');
    });
    this.#socket.on('error', (error) => this.#end(isGone(error) ? null : error.message));
    this.#socket.on('close', () => this.#end(null));
    this.#rpc.listen();
  }

  #onInput(): void {
    this.#silentS = 0;
    if (this.#silentSince === null) return;
    this.#silentSince = null;
    this.#ports.activeAgain();
  }

  #end(why: string | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#gone.abort('its client is gone');
    this.outbox.close();
    this.#ports.ended(this, why);
  }

  async #answer<M extends keyof Requests>(
    method: M,
    raw: unknown,
    cancellation: CancellationToken,
  ): Promise<Requests[M][1] | ResponseError<unknown>> {
    this.#receivedAt = this.#socket.bytesRead;
    const parsed = REQUEST_PARAMS[method].safeParse(raw ?? {}, WORDED_ONCE);
    if (!parsed.success) return rpcError('invalid', `invalid parameters: ${describeProblems(parsed.error, raw)}`);
    if (this.#who === null && method !== 'hello') return rpcError('version', 'send hello first, with user and program');
    if (!mayRequest(this.access, method, parsed.data, this.#ports.consoleText()))
      return rpcError(
        'viewOnly',
        'this session may only look, and nothing was done: acting needs the control socket, without --view-only',
      );
    const stale = IS_CONFIRMED.has(method) ? this.#spendNonce(raw) : null;
    if (stale !== null) return rpcError('refused', `nothing was done: ${stale}`);
    try {
      const answer = await this.#ports.methods[method](parsed.data, this, cancellation);
      return this.#reads ? answer : hideInAnswer(method, answer);
    } catch (error) {
      const response = responseOf(error, this.#ports.openConsole());
      if (response !== null) return response;
      // A fault of the server: the client gets the failure, the log its place.
      this.#ports.log(
        'error',
        `${method} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
      return new ResponseError(
        -32603,
        'the server failed at this; its log has the details (rackui server status names its directory)',
      );
    }
  }

  /** True where it may read console output. */
  get #reads(): boolean {
    return this.access === 'control' || this.#ports.consoleText();
  }

  /** Returns a number for one confirmation. The oldest unused ones expire. */
  beginConfirmation(): string {
    const nonce = randomBytes(12).toString('hex');
    this.#nonces.set(nonce, steadyNow());
    for (const old of [...this.#nonces.keys()].slice(0, -MOST_NONCES)) this.#nonces.delete(old);
    return nonce;
  }

  /** Uses up the number of a request, which counts once. Returns the reason why the request is refused, or null. */
  #spendNonce(raw: unknown): string | null {
    const nonce = typeof raw === 'object' && raw !== null && 'nonce' in raw ? raw.nonce : null;
    const begun = typeof nonce === 'string' ? this.#nonces.get(nonce) : undefined;
    if (typeof nonce !== 'string' || begun === undefined)
      return 'it carries no confirmation of this server, or one that was used already: look again, then repeat it';
    this.#nonces.delete(nonce);
    const age = steadyNow() - begun;
    if (age <= CONFIRM_LIMIT_MS) return null;
    return `its confirmation is ${Math.round(age / 1000)} s old (limit ${CONFIRM_LIMIT_MS / 1000} s), the server or the line was held up: look again, then repeat it`;
  }

  #take(method: keyof ClientNotes, raw: unknown): void {
    this.#receivedAt = this.#socket.bytesRead;
    const parsed = NOTE_PARAMS[method].safeParse(raw, WORDED);
    if (!parsed.success) {
      this.#ports.log('warn', `session ${this.id}: ${method}: ${describeProblems(parsed.error, raw)}`);
      return;
    }
    if (this.#who === null || !mayNote(this.access, method)) return;
    this.#ports.notes[method](parsed.data, this);
  }
}

/** A client that leaves with unread data resets the connection; messages under way fail with one of these codes. */
const GONE = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']);

function isGone(error: NodeJS.ErrnoException): boolean {
  return error.code !== undefined && GONE.has(error.code);
}
