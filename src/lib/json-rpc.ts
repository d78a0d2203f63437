/**
 * One end of a JSON-RPC 2.0 connection over a byte stream, framed as by the Language Server Protocol. A message that
 * arrives alone is handled in the turn in which it arrives, and one that is sent is written in the same turn, in one
 * piece: a key and its echo pass four of these ends, and each turn of the event loop may wait for a busy machine.
 */
import type { Duplex } from 'node:stream';

/** Codes of JSON-RPC itself. */
export const METHOD_NOT_FOUND = -32601;
const INTERNAL_ERROR = -32603;
/** Note with which a client asks to end one of its requests. */
const CANCEL = '$/cancelRequest';
/** Longest head of a message, bytes: a stream without an end of it is not of this protocol. */
const HEAD_LIMIT = 4_096;
const HEAD_END = '\r\n\r\n';

/** An error answer. The message is for operators, the code for programs. */
export class ResponseError extends Error {
  readonly code: number;
  readonly data: unknown;
  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export interface PeerHandlers {
  /** Answers a request; a {@link ResponseError} may be thrown or returned. `stop` aborts when the client cancels it. */
  request(method: string, params: unknown, stop: AbortSignal): unknown;
  note(method: string, params: unknown): void;
  /** Called once when something arrived that is no JSON-RPC; nothing is read any more. */
  broken(error: Error): void;
  /** Called when {@link PeerHandlers.note} has thrown: the connection continues. */
  fault(error: unknown): void;
}

interface Message {
  id?: number | string | null;
  method?: unknown;
  params?: unknown;
  result?: unknown;
  error?: { code: number; message: string; data?: unknown } | null;
}

interface Pending {
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

export class Peer {
  readonly #stream: Duplex;
  readonly #handlers: PeerHandlers;
  readonly #frames = new Frames();
  /** Messages that arrived and are not handled yet. */
  readonly #queue: Message[] = [];
  #waiting = false;
  #lastId = 0;
  readonly #pending = new Map<number, Pending>();
  /** Requests of the other end that are being answered. */
  readonly #answering = new Map<unknown, AbortController>();
  #over = false;
  readonly #onData = (chunk: Buffer): void => this.#take(chunk);

  /** Starts to read `stream`, whose errors and end stay its owner's. */
  constructor(stream: Duplex, handlers: PeerHandlers) {
    this.#stream = stream;
    this.#handlers = handlers;
    stream.on('data', this.#onData);
  }

  /** Resolves the result; rejects with {@link ResponseError}, or the stream's error. `stop` cancels it. */
  async request(method: string, params: unknown, stop?: AbortSignal): Promise<unknown> {
    const id = ++this.#lastId;
    const cancel = (): void => void this.note(CANCEL, { id }).catch(() => undefined);
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#send({ id, method, params }).catch(reject);
    });
    stop?.addEventListener('abort', cancel, { once: true });
    if (stop?.aborted === true) cancel();
    try {
      return await answered;
    } finally {
      this.#pending.delete(id);
      stop?.removeEventListener('abort', cancel);
    }
  }

  /** Resolves when the note has left for the stream; rejects with the stream's error. */
  note(method: string, params: unknown): Promise<void> {
    return this.#send({ method, params });
  }

  /** Ends reading and sending; outstanding requests fail. */
  dispose(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream.off('data', this.#onData);
    this.#queue.length = 0;
    for (const pending of this.#pending.values()) pending.reject(new Error('the connection has ended'));
    this.#pending.clear();
  }

  #send(message: Message): Promise<void> {
    if (this.#over) return Promise.reject(new Error('the connection has ended'));
    const text = JSON.stringify({ jsonrpc: '2.0', ...message });
    const frame = `Content-Length: ${Buffer.byteLength(text)}${HEAD_END}${text}`;
    return new Promise((resolve, reject) => {
      this.#stream.write(frame, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  #take(chunk: Buffer): void {
    try {
      for (const text of this.#frames.feed(chunk)) this.#queue.push(parse(text));
    } catch (error) {
      this.#stream.off('data', this.#onData);
      this.#handlers.broken(error as Error);
    }
    if (!this.#waiting) this.#next();
  }

  /** Handles one message a turn: what a message leads to is done before the next one is handled. */
  #next(): void {
    const message = this.#queue.shift();
    if (message === undefined) return;
    if (this.#queue.length > 0) {
      this.#waiting = true;
      setImmediate(() => {
        this.#waiting = false;
        this.#next();
      });
    }
    this.#handle(message);
  }

  #handle({ id, method, params, result, error }: Message): void {
    if (typeof method !== 'string') {
      const pending = this.#pending.get(id as number);
      if (error) pending?.reject(new ResponseError(error.code, error.message, error.data));
      else pending?.resolve(result);
    } else if (id !== undefined) void this.#answer(id, method, params);
    else if (method === CANCEL) this.#answering.get((params as { id?: unknown } | undefined)?.id)?.abort();
    else {
      try {
        this.#handlers.note(method, params);
      } catch (thrown) {
        this.#handlers.fault(thrown);
      }
    }
  }

  async #answer(id: number | string | null, method: string, params: unknown): Promise<void> {
    const stop = new AbortController();
    this.#answering.set(id, stop);
    let result: unknown;
    try {
      result = await this.#handlers.request(method, params, stop.signal);
    } catch (error) {
      result = error instanceof ResponseError ? error : new ResponseError(INTERNAL_ERROR, String(error));
    }
    this.#answering.delete(id);
    const answer =
      result instanceof ResponseError
        ? { error: { code: result.code, message: result.message, data: result.data } }
        : { result: result ?? null };
    // Where the connection has ended, its owner knows.
    await this.#send({ id, ...answer }).catch(() => undefined);
  }
}

function parse(text: string): Message {
  const message: unknown = JSON.parse(text);
  if (typeof message !== 'object' || message === null) throw new Error('a message is no object');
  return message;
}

/** Cuts a stream into the contents of its messages. */
class Frames {
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Length of the content that follows; null: a head does. */
  #length: number | null = null;

  /** Yields the messages that `chunk` completes. @throws where the stream is not of this protocol */
  *feed(chunk: Buffer): Generator<string> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    for (;;) {
      if (this.#length === null) {
        const all = this.#joined();
        const end = all.indexOf(HEAD_END);
        if (end < 0 && all.length > HEAD_LIMIT) throw new Error('a message has no head');
        if (end < 0) return;
        this.#length = lengthIn(all.toString('latin1', 0, end));
        this.#keep(all, end + HEAD_END.length);
      }
      if (this.#bytes < this.#length) return;
      const all = this.#joined();
      const text = all.toString('utf8', 0, this.#length);
      this.#keep(all, this.#length);
      this.#length = null;
      yield text;
    }
  }

  #joined(): Buffer {
    const [first = Buffer.alloc(0)] = this.#chunks;
    return this.#chunks.length <= 1 ? first : Buffer.concat(this.#chunks);
  }

  #keep(all: Buffer, from: number): void {
    this.#chunks = from < all.length ? [all.subarray(from)] : [];
    this.#bytes = all.length - from;
  }
}

function lengthIn(head: string): number {
  const length = /^content-length: *(\d+)\s*$/im.exec(head)?.[1];
  if (length === undefined) throw new Error('the head of a message names no length');
  return Number(length);
}
