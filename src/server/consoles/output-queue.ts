/**
 * What one client gets of its console, in its order: bytes, and words about them. One message is under way at a time, so
 * that bytes which still wait can be let go of when the client does not keep up; words never are.
 */
import type { ServerNotes } from '../../api/methods.ts';
import type { Address } from '../../rack/address.ts';

/** Bytes of console data in one note. */
const CHUNK = 64 * 1024;

export type ConsoleWord = 'console.note' | 'console.resync';
export type ConsoleSend = <M extends ConsoleWord | 'console.data'>(method: M, params: ServerNotes[M]) => Promise<void>;

type Waiting =
  | { kind: 'data'; addr: Address; chunks: Uint8Array[]; bytes: number }
  | { kind: 'word'; send: () => Promise<void>; bytes: number };

export class OutputQueue {
  readonly #send: ConsoleSend;
  #waiting: Waiting[] = [];
  #underWay: Waiting | null = null;
  readonly #bytes = { data: 0, word: 0 };
  #empty: (() => void)[] = [];

  /** `send` resolves when the note has left for the socket. */
  constructor(send: ConsoleSend) {
    this.#send = send;
  }

  /** Bytes of the node's that the client has not taken. */
  get data(): number {
    return this.#bytes.data;
  }

  /** Bytes of words that it has not taken. */
  get words(): number {
    return this.#bytes.word;
  }

  /** Bytes are sent at once while the client keeps up, and together when it does not. */
  feed(addr: Address, bytes: Uint8Array): void {
    const last = this.#waiting.at(-1);
    if (last?.kind === 'data' && last.addr === addr && last.bytes < CHUNK) {
      last.chunks.push(bytes);
      last.bytes += bytes.length;
    } else this.#waiting.push({ kind: 'data', addr, chunks: [bytes], bytes: bytes.length });
    this.#bytes.data += bytes.length;
    this.#next();
  }

  /** `bytes`: how much of what may wait it is. */
  say<M extends ConsoleWord>(method: M, params: ServerNotes[M], bytes: number): void {
    this.#waiting.push({ kind: 'word', send: () => this.#send(method, params), bytes });
    this.#bytes.word += bytes;
    this.#next();
  }

  /** Lets go of the node's bytes that wait; how many they were. */
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
      // A connection that broke: its session ends, and nobody counts any more.
      .catch(() => undefined)
      .then(() => {
        this.#bytes[head.kind] -= head.bytes;
        this.#underWay = null;
        this.#next();
      });
  }

  #sendOne(one: Waiting): Promise<void> {
    if (one.kind === 'word') return one.send();
    return this.#send('console.data', { addr: one.addr, data: Buffer.concat(one.chunks).toString('base64') });
  }
}
