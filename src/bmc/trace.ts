/**
 * Passes on all bytes between bus and port, with secrets already removed, to listeners that record or show them, and
 * changes nothing of either side. {@link ExchangeLog} keeps the last exchanges: request, reply, duration.
 */
import { CLOSE_PIPE, latin1 } from './codec.ts';
import { type Direction, type Piece, Redaction } from './redaction.ts';
import type { LineHandlers } from './serial-port.ts';
import type { Line } from './types.ts';

export interface LoggedExchange {
  /** Rises by one with each entry; an entry is passed on only when it is complete. */
  seq: number;
  at: number;
  /** Sent bytes, latin1; a mark in place of a secret. */
  out: string;
  in: string;
  /** From the first byte out to the last byte in, ms; null without a reply. */
  ms: number | null;
  /** An event of the port instead of bytes: opened or lost; null: bytes. */
  note: string | null;
}

/** Entries kept: some ten seconds of polls of a full rack. */
const KEPT = 512;
/** Maximum of characters in one entry, for consoles with much output. */
const TEXT_LIMIT = 400;
/** Replaces a secret. */
const SECRET_SIGN = '‹secret›';

const CLOSE = String.fromCharCode(CLOSE_PIPE);

export class ExchangeLog {
  readonly #entries: LoggedExchange[] = [];
  #growing: LoggedExchange | null = null;
  #seq = 0;
  #verbEcho: boolean | null = null;
  readonly #waiting = new Set<() => void>();
  readonly #catchUp: () => void;

  /** `catchUp` is called before the log is read: it feeds the events so far. */
  constructor(catchUp: () => void = () => undefined) {
    this.#catchUp = catchUp;
  }

  /** True when `/` and `\` are echoed on this bus, as the last verb showed; null: none was sent yet. */
  get verbEcho(): boolean | null {
    this.#catchUp();
    return this.#verbEcho;
  }

  feed(event: TraceEvent): void {
    if (event.kind !== 'bytes') {
      this.#complete();
      const note = event.kind === 'opened' ? `opened ${event.detail}` : event.detail;
      this.#add({ seq: ++this.#seq, at: event.at, out: '', in: '', ms: null, note });
      return;
    }
    const { direction, at, secret } = event;
    // Where an exchange follows another at once, the ^G of the one leaves with the question of the other.
    const closesFirst = direction === 'out' && event.text.startsWith(CLOSE) && event.text.length > CLOSE.length;
    if (closesFirst) this.feed({ ...event, text: CLOSE });
    const text = secret ? SECRET_SIGN : kept(closesFirst ? event.text.slice(CLOSE.length) : event.text);
    if (direction === 'out') {
      const closes = this.#growing?.out.endsWith(CLOSE) === true;
      if (this.#growing && (this.#growing.in !== '' || closes) && text !== CLOSE) this.#complete();
      this.#growing ??= this.#begin(at);
      this.#growing.out += text;
    } else {
      this.#growing ??= this.#begin(at);
      this.#growing.in += text;
      this.#growing.ms = at - this.#growing.at;
    }
    if (this.#growing.in.length + this.#growing.out.length >= TEXT_LIMIT) this.#complete();
  }

  /** The latest `limit` entries after `seq`, oldest first. */
  after(seq: number, limit: number): LoggedExchange[] {
    this.#catchUp();
    return this.#entries.filter((entry) => entry.seq > seq).slice(-limit);
  }

  /** Resolves when there is an entry after `seq`, or after `ms`. */
  async waitForEntry(seq: number, ms: number): Promise<void> {
    this.#catchUp();
    if (this.#seqOfLast > seq) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
    });
  }

  get #seqOfLast(): number {
    return this.#entries.at(-1)?.seq ?? 0;
  }

  #begin(at: number): LoggedExchange {
    return { seq: ++this.#seq, at, out: '', in: '', ms: null, note: null };
  }

  #complete(): void {
    const entry = this.#growing;
    this.#growing = null;
    if (!entry) return;
    // A verb goes out together with the question behind it, so its echo is before theirs.
    if (/^[/\\]=/.test(entry.out)) this.#verbEcho = /^\s*[/\\]/.test(entry.in);
    this.#add(entry);
  }

  #add(entry: LoggedExchange): void {
    this.#entries.push(entry);
    if (this.#entries.length > KEPT) this.#entries.shift();
    if (this.#waiting.size > 0) for (const wake of [...this.#waiting]) wake();
  }
}

/** Copies the kept part, because the engine's substring would keep the whole piece. */
function kept(text: string): string {
  return text.length <= TEXT_LIMIT ? text : `${Buffer.from(text.slice(0, TEXT_LIMIT), 'latin1').toString('latin1')}…`;
}

/** An event of the trace; `text` is latin1, one character a byte. */
export type TraceEvent = ({ kind: 'bytes' } & Piece) | { kind: 'opened' | 'lost'; at: number; detail: string };

type Listener = (event: TraceEvent) => void;

/** Longest time for which bytes are held back from {@link Trace.onLate} while others follow, ms; and most pieces. */
const LATE_MS = 50;
const HELD_MOST = 64;

type Open = (port: string, handlers: LineHandlers) => Promise<Line>;

export class Trace {
  readonly #redaction: Redaction;
  readonly #now: () => number;
  readonly #listeners = new Set<Listener>();
  readonly #lateListeners = new Set<Listener>();
  /** Pieces that nobody has got yet. */
  #held: Omit<Piece, 'secret'>[] = [];

  /** `now`: epoch milliseconds. */
  constructor(now: () => number, secrets: readonly string[]) {
    this.#now = now;
    this.#redaction = new Redaction(secrets);
  }

  /** Adds a secret to remove from now on. */
  hide(secret: string): void {
    this.catchUp();
    this.#redaction.add(secret);
  }

  on(listener: Listener): () => void {
    this.catchUp();
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Adds a listener that gets the events of some exchanges together, or at {@link Trace.catchUp}. */
  onLate(listener: Listener): void {
    this.#lateListeners.add(listener);
  }

  /** Passes on what is held back. */
  catchUp(): void {
    const held = this.#held;
    this.#held = [];
    for (const { direction, text, at } of held) this.#emit(this.#redaction.feed(direction, text, at));
  }

  /** Wraps `open` so that the bytes of its lines are traced. */
  around(open: Open): Open {
    return async (port, handlers) => {
      const line = await open(port, {
        onData: (bytes) => {
          this.#passed('in', bytes);
          handlers.onData(bytes);
        },
        onLost: (why) => {
          this.#line('lost', why);
          handlers.onLost(why);
        },
      });
      this.#line('opened', port);
      return {
        write: (bytes, taken) => {
          this.#passed('out', bytes);
          line.write(bytes, taken);
        },
        catchUp: () => line.catchUp?.(),
        check: () => line.check?.(),
        settings: () => line.settings?.() ?? Promise.resolve(null),
        close: () => {
          this.#line('lost', 'closed');
          return line.close();
        },
      };
    };
  }

  #passed(direction: Direction, bytes: Uint8Array): void {
    if (this.#listeners.size + this.#lateListeners.size === 0) return;
    const at = this.#now();
    const since = this.#held[0]?.at ?? at;
    this.#held.push({ direction, text: latin1(bytes), at });
    if (this.#listeners.size > 0 || at - since >= LATE_MS || this.#held.length >= HELD_MOST) this.catchUp();
  }

  #line(kind: 'opened' | 'lost', detail: string): void {
    this.catchUp();
    this.#emit(this.#redaction.flush());
    this.#tell({ kind, at: this.#now(), detail });
  }

  #emit(pieces: readonly Piece[]): void {
    for (const { direction, at, text, secret } of pieces) this.#tell({ kind: 'bytes', direction, at, text, secret });
  }

  #tell(event: TraceEvent): void {
    for (const listener of this.#listeners) listener(event);
    for (const listener of this.#lateListeners) listener(event);
  }
}
