/**
 * Sends console bytes and notes to one client in order. One message is under way at a time, so that waiting bytes
 * can be dropped when the client is too slow; notes never are.
 */
import type { ServerNotes } from '../../api/methods.ts';
import type { Address } from '../../rack/address.ts';

/** Most bytes of console data in one message, and most time between its first and its last, ms. */
const CHUNK = 64 * 1024;
const CHUNK_MS = 200;

export type ConsoleWord = 'console.note' | 'console.resync';
export type ConsoleSend = <M extends ConsoleWord | 'console.data'>(method: M, params: ServerNotes[M]) => Promise<void>;

type Waiting =
  | { kind: 'data'; addr: Address; chunks: Uint8Array[]; bytes: number; at: number }
  | { kind: 'word'; send: () => Promise<void>; bytes: number };

export class OutputQueue {
  readonly #send: ConsoleSend;
  #waiting: Waiting[] = [];
  #underWay: Waiting | null = null;
  readonly #bytes = { data: 0, word: 0 };
  #empty: (() => void)[] = [];

  /** `send` resolves when the message has left for the socket. */
  constructor(send: ConsoleSend) {
    this.#send = send;
  }

  /** Bytes of node output that the client has not taken. */
  get data(): number {
    return this.#bytes.data;
  }

  /** Bytes of notes that the client has not taken. */
  get words(): number {
    return this.#bytes.word;
  }

  /** Sends bytes that came at `at`, at once while the client keeps up, and together when it does not. */
  feed(addr: Address, bytes: Uint8Array, at: number): void {
    const last = this.#waiting.at(-1);
    if (last?.kind === 'data' && last.addr === addr && last.bytes < CHUNK && at - last.at < CHUNK_MS) {
      last.chunks.push(bytes);
      last.bytes += bytes.length;
    } else this.#waiting.push({ kind: 'data', addr, chunks: [bytes], bytes: bytes.length, at });
    this.#bytes.data += bytes.length;
    this.#next();
  }

  /** Queues a note; `bytes`: its share of the limit on what may wait. */
  addNote<M extends ConsoleWord>(method: M, params: ServerNotes[M], bytes: number): void {
    this.#waiting.push({ kind: 'word', send: () => this.#send(method, params), bytes });
    this.#bytes.word += bytes;
    this.#next();
  }

  /** Drops the waiting bytes of the node; returns their number. */
  drop(): number {
    const dropped = this.#waiting.reduce((sum, one) => sum + (one.kind === 'data' ? one.bytes : 0), 0);
    this.#waiting = this.#waiting.filter(({ kind }) => kind === 'word');
    this.#bytes.data -= dropped;
    return dropped;
  }

  /** Resolves when the client has taken everything. */
  taken(): Promise<void> {
    if (this.#underWay === null) return Promise.resolve();
    return new Promise((resolve) => this.#empty.push(resolve));
  }

  #next(): void {
    if (this.#underWay !== null) return;
    const head = this.#waiting.shift();
    if (head === undefined) {
      for (const resolve of this.#empty.splice(0)) resolve();
      return;
    }
    this.#underWay = head;
    void this.#sendOne(head)
      // The connection broke: its session ends, and the counts do not matter any more.
      .catch(() => undefined)
      .then(() => {
        this.#bytes[head.kind] -= head.bytes;
        this.#underWay = null;
        this.#next();
      });
  }

  #sendOne(one: Waiting): Promise<void> {
    if (one.kind === 'word') return one.send();
    const { addr, at, chunks } = one;
    return this.#send('console.data', { addr, at, data: Buffer.concat(chunks).toString('base64') });
  }
}
