/**
 * Listening in on the line: whoever records or shows what passes hears it here, with the secrets already taken out. The
 * tap sits between bus and port and changes nothing of either.
 */
import type { LineHandlers } from './line.ts';
import { SecretMask, type Direction, type Piece } from './secret-mask.ts';
import type { Line } from './types.ts';

/** `text` is latin1: one character a byte. */
export type LineEvent = ({ kind: 'bytes' } & Piece) | { kind: 'opened' | 'lost'; at: number; detail: string };

type Open = (port: string, handlers: LineHandlers) => Promise<Line>;

export class LineTap {
  readonly #mask: SecretMask;
  readonly #now: () => number;
  readonly #listeners = new Set<(event: LineEvent) => void>();

  /** `now`: epoch milliseconds. */
  constructor(now: () => number, secrets: readonly string[]) {
    this.#now = now;
    this.#mask = new SecretMask(secrets);
  }

  /** Another text that nobody is to see, from now on. */
  hide(secret: string): void {
    this.#mask.add(secret);
  }

  on(listener: (event: LineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The same port, listened to. */
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
        settings: () => line.settings?.() ?? Promise.resolve(null),
        close: () => {
          this.#line('lost', 'closed');
          return line.close();
        },
      };
    };
  }

  #passed(direction: Direction, bytes: Uint8Array): void {
    if (this.#listeners.size === 0) return;
    this.#tell(this.#mask.feed(direction, Buffer.from(bytes).toString('latin1'), this.#now()));
  }

  #line(kind: 'opened' | 'lost', detail: string): void {
    this.#tell(this.#mask.flush());
    for (const listener of this.#listeners) listener({ kind, at: this.#now(), detail });
  }

  #tell(pieces: readonly Piece[]): void {
    for (const piece of pieces) for (const listener of this.#listeners) listener({ kind: 'bytes', ...piece });
  }
}
