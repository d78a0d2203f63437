/**
 * The typed client of a server, over any byte stream: modules above it use requests and notes, not JSON-RPC.
 * Estimates the server's steady clock from the times in its messages.
 */
import { connect as connectSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  CancellationTokenSource,
  createMessageConnection,
  ErrorCodes,
  type MessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import {
  API_VERSION,
  type BriefSample,
  type ClientIdentity,
  type ClientNotes,
  CONFIRM_LIMIT_MS,
  CONFIRMED,
  type NodeState,
  PING_MS,
  type Requests,
  RPC_ERROR,
  type ServerNotes,
  type Snapshot,
  type Welcome,
} from '../api/methods.ts';
import { steadyNow, wallTime } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { wholeMessages } from '../lib/unix-socket.ts';
import type { Address } from '../rack/address.ts';
import { describeSilent, listenerOf, processState } from './process-lifetime.ts';

/** Maximum drift between two clocks: a socket may be forwarded from another machine. */
const DRIFT = 1 / 1000;

export interface ServerTime {
  /** Lead of the server's time over ours, ms. */
  readonly ahead: number;
  /** Time of the last message, our own steady time. */
  readonly receivedAt: number;
}

/**
 * Updates the estimate with the server's time `now`, received at `local` of our own steady clock. A message that was
 * delayed (either program was stopped) makes nothing younger: the furthest time ever received counts, less what
 * clocks may drift.
 */
export function nextServerTime(before: ServerTime | null, now: number, local: number): ServerTime {
  if (before === null) return { ahead: now - local, receivedAt: local };
  const drifted = Math.max(0, local - before.receivedAt) * DRIFT;
  return { ahead: Math.max(before.ahead - drifted, now - local), receivedAt: local };
}

/** Returns the server's time when our own steady clock shows `local`. */
export function serverNow({ ahead }: ServerTime, local: number): number {
  return Math.floor(local + ahead);
}

/** Returns the state after a sample that was sent at `now`, of a node that was `before`; null: it has no state yet. */
export function stateAfter(before: NodeState | undefined, brief: BriefSample, now: number): NodeState | null {
  if (before?.reading.state !== 'ok') return null;
  const { source, sample } = before.reading;
  const after = { power: sample.power, current: brief[1], fan: brief[2], at: now - brief[3], rttMs: brief[4] };
  return { ...before, reading: { state: 'ok', sample: after, source } };
}

export interface RackClient {
  readonly welcome: Welcome;
  /** Path of the server's socket; null: the server is on another machine. */
  readonly path: string | null;
  /**
   * Returns the server's present steady time, by our own clock since its last message: it advances while the
   * connection is silent.
   */
  now(): number;
  /** Converts a server's time into epoch milliseconds, as this machine's wall clock is set at present. */
  wallTime(at: number): number;
  /**
   * Rejects with {@link RpcFailure}: the server's refusal, or `unavailable` when the server is gone. `stop` asks the
   * server to end it early; only requests that say so do.
   */
  request<M extends keyof Requests>(method: M, params: Requests[M][0], stop?: AbortSignal): Promise<Requests[M][1]>;
  /** Sends a note without an answer; it is lost silently when the server is gone (see {@link RackClient.onClose}). */
  note<M extends keyof ClientNotes>(method: M, params: ClientNotes[M]): void;
  /**
   * Adds a listener; notes that arrive before the first listener are kept for it. Returns the function that removes
   * it.
   */
  on<M extends keyof ServerNotes>(method: M, listener: (params: ServerNotes[M]) => void): () => void;
  /** Adds a listener for the end of the connection, called once; at once where it has ended already. */
  onClose(listener: (why: string) => void): () => void;
  close(): void;
}

/** Message for a request that the server does not know. */
const OLDER =
  "the server is older than this program and does not support this request: run 'rackui server stop'; the next command starts a server of this version";

/** The server refused, or is gone. `code` is one of {@link RPC_ERROR} or JSON-RPC's own. */
export class RpcFailure extends Error {
  readonly code: number;
  readonly data: unknown;
  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

const IS_CONFIRMED: ReadonlySet<string> = new Set(CONFIRMED);
/** Step in which silence is counted, ms, so that a program that was itself held up does not count its own stall. */
const TICK_MS = 1_000;
/** Seconds of silence after which a stopped server is given up, and a slow one. */
const STOPPED_LIMIT_S = 5;
const SILENT_LIMIT_S = 20;
/**
 * Notes kept for a later listener; beyond, the oldest are dropped, so that a program that never listens does not
 * grow.
 */
const MAX_KEPT = 1000;

/**
 * Connects and sends hello. @param target a Unix socket's path, or any stream with a server at its other end. @throws
 * the socket's own error (`ENOENT`, `ECONNREFUSED`, `EACCES`) or RpcFailure when the server refuses. `sent` is called
 * when the answer is all that is missing.
 */
export async function connect(
  target: Duplex | string,
  who: ClientIdentity,
  sent: () => void = () => undefined,
): Promise<RackClient> {
  const stream = typeof target === 'string' ? await openSocket(target) : target;
  const link = new Link(stream, typeof target === 'string' ? target : null);
  try {
    const welcoming = link.request('hello', { api: API_VERSION, who, brief: true });
    sent();
    const welcome = await welcoming;
    link.updateTime(welcome.snapshot.now);
    return link.client(welcome);
  } catch (error) {
    link.close();
    throw error;
  }
}

function openSocket(path: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

type Listener = (params: never) => void;

class Link {
  readonly #stream: Duplex;
  readonly #rpc: MessageConnection;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #kept: { method: string; params: unknown }[] = [];
  readonly #closeListeners = new Set<(why: string) => void>();
  #ended: string | null = null;
  #time: ServerTime | null = null;
  /** The nodes of the updates: samples are told without what has not changed. */
  readonly #nodes = new Map<Address, NodeState>();
  /** Pid of the server; null before its hello. */
  #pid: number | null = null;
  readonly #path: string | null;
  readonly #ticks: NodeJS.Timeout;
  #lived = 0;
  /** Seconds since the last message. */
  #silentS = 0;

  /** `path`: the connected socket; null for another kind of stream. */
  constructor(stream: Duplex, path: string | null) {
    this.#stream = stream;
    this.#path = path;
    this.#ticks = setInterval(() => this.#tick(), TICK_MS).unref();
    const reader = new StreamMessageReader(stream);
    // Else it would wait for the rest of half a message for ever, also after the server is gone, and no program could
    // end.
    reader.partialMessageTimeout = 0;
    this.#rpc = createMessageConnection(reader, new StreamMessageWriter(wholeMessages(stream)), SILENT);
    this.#rpc.onNotification((method, params: unknown) => this.#deliver(method, params));
    this.#rpc.onClose(() => this.#end('the server closed the connection'));
    this.#rpc.onError(([error]) => this.#end(`the connection failed: ${error.message}`));
    // Without a listener an ECONNRESET would end the program.
    stream.on('error', (error: Error) => this.#end(`the connection failed: ${error.message}`));
    stream.on('close', () => this.#end('the server closed the connection'));
    this.#rpc.listen();
    stream.on('data', () => (this.#silentS = 0));
  }

  async request<M extends keyof Requests>(
    method: M,
    params: Requests[M][0],
    stop?: AbortSignal,
  ): Promise<Requests[M][1]> {
    if (this.#ended !== null) throw new RpcFailure(RPC_ERROR.unavailable, this.#ended);
    try {
      const sent = IS_CONFIRMED.has(method) ? { ...params, nonce: await this.#confirm() } : params;
      const answer = await this.#send(method, sent, stop);
      if (method === 'sweep') this.updateTime((answer as Snapshot).now);
      return answer;
    } catch (error) {
      const ended = this.#whyEnded();
      if (ended !== null) throw new RpcFailure(RPC_ERROR.unavailable, ended);
      if (error instanceof ResponseError && error.code === ErrorCodes.MethodNotFound)
        throw new RpcFailure(RPC_ERROR.version, OLDER);
      if (error instanceof ResponseError) throw new RpcFailure(error.code, error.message, error.data);
      throw new RpcFailure(RPC_ERROR.unavailable, messageOf(error));
    }
  }

  #send<M extends keyof Requests>(method: M, params: object, stop?: AbortSignal): Promise<Requests[M][1]> {
    if (stop === undefined) return this.#rpc.sendRequest<Requests[M][1]>(method, params);
    const source = new CancellationTokenSource();
    const cancel = (): void => {
      if (this.#ended === null) source.cancel();
    };
    stop.addEventListener('abort', cancel, { once: true });
    if (stop.aborted) cancel();
    return this.#rpc
      .sendRequest<Requests[M][1]>(method, params, source.token)
      .finally(() => stop.removeEventListener('abort', cancel));
  }

  /** Begins a confirmation. A request that the operator made longer ago than its limit is not sent. Rejects then. */
  async #confirm(): Promise<string> {
    const asked = steadyNow();
    const { nonce } = await this.#rpc.sendRequest<Requests['confirm.begin'][1]>('confirm.begin', {});
    const waited = steadyNow() - asked;
    if (waited <= CONFIRM_LIMIT_MS) return nonce;
    throw new Error(
      `nothing was sent: the server answered after ${Math.round(waited / 1000)} s, too late to act on: check the state, then repeat the command`,
    );
  }

  client(welcome: Welcome): RackClient {
    this.#pid = welcome.pid;
    return {
      welcome,
      path: this.#path,
      now: () => this.#now(),
      wallTime: (at) => wallTime(at - this.#now() + steadyNow()),
      request: (method, params, stop) => this.request(method, params, stop),
      note: (method, params) => {
        if (this.#ended === null) this.#rpc.sendNotification(method, params).catch(() => undefined);
      },
      on: (method, listener) => this.#listen(method, listener),
      onClose: (listener) => {
        const ended = this.#ended;
        if (ended !== null) queueMicrotask(() => listener(ended));
        else this.#closeListeners.add(listener);
        return () => this.#closeListeners.delete(listener);
      },
      close: () => this.close(),
    };
  }

  updateTime(now: number): void {
    this.#time = nextServerTime(this.#time, now, steadyNow());
  }

  #now(): number {
    const local = steadyNow();
    return this.#time === null ? local : serverNow(this.#time, local);
  }

  /** Every message shows that the server is alive; a silent one is pinged, and given up after a while. */
  #tick(): void {
    this.#silentS++;
    if (this.#pid !== null && ++this.#lived % (PING_MS / TICK_MS) === 0)
      this.#rpc.sendRequest<Requests['server.ping'][1]>('server.ping', {}).then(
        ({ now }) => this.#deliverTime(now),
        () => undefined,
      );
    if (this.#silentS < STOPPED_LIMIT_S) return;
    // The process of another machine is not one of this machine.
    const pid = this.#path === null ? null : (this.#pid ?? listenerOf(this.#path));
    const state = pid === null ? null : processState(pid);
    const stopped = state === 'T' || state === 't';
    if (!stopped && this.#silentS < SILENT_LIMIT_S) return;
    this.#end(
      this.#path === null
        ? `nothing came from the other machine for ${this.#silentS} s`
        : describeSilent(pid, `has not answered for ${this.#silentS} s`),
    );
  }

  close(): void {
    this.#end('closed by this program');
  }

  /** A method, because the compiler assumes that a field checked before an await has not changed after it. */
  #whyEnded(): string | null {
    return this.#ended;
  }

  #listen(method: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(method) ?? new Set<Listener>();
    this.#listeners.set(method, listeners.add(listener));
    if (this.#kept.length > 0) queueMicrotask(() => this.#deliverKept());
    return () => listeners.delete(listener);
  }

  /** Takes the server's time, also as an update without a change for those who listen to updates. */
  #deliverTime(now: number): void {
    if (this.#listeners.has('update')) this.#deliver('update', { now });
    else this.updateTime(now);
  }

  #deliver(method: string, params: unknown): void {
    if (method === 'update') this.#updated(params as ServerNotes['update']);
    this.#kept.push({ method, params });
    this.#deliverKept();
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
  }

  /** Takes the time of an update, and completes the nodes of which it has only a sample. */
  #updated(update: ServerNotes['update']): void {
    const { now, samples } = update;
    this.updateTime(now);
    for (const node of update.nodes ?? []) this.#nodes.set(node.addr, node);
    if (samples === undefined) return;
    delete update.samples;
    update.nodes ??= [];
    for (const sample of samples) {
      const node = stateAfter(this.#nodes.get(sample[0]), sample, now);
      if (node === null) continue;
      this.#nodes.set(node.addr, node);
      update.nodes.push(node);
    }
  }

  /** Delivers notes in order of arrival; those without a listener stay. */
  #deliverKept(): void {
    for (const note of this.#kept.splice(0)) {
      const listeners = this.#listeners.get(note.method);
      if (listeners === undefined) this.#kept.push(note);
      else for (const listener of [...listeners]) listener(note.params as never);
    }
  }

  #end(why: string): void {
    if (this.#ended !== null) return;
    this.#ended = why;
    clearInterval(this.#ticks);
    this.#rpc.dispose();
    this.#stream.destroy();
    for (const listener of [...this.#closeListeners]) listener(why);
  }
}

/** Silences the library's own log, which would go to the operator's terminal. */
const SILENT = { error: () => undefined, warn: () => undefined, info: () => undefined, log: () => undefined };
