/**
 * A large paste on its way to a node, piece by piece: each is answered when it is on the wire, so progress is true and
 * a stop takes effect within half a second.
 */

/** Bytes of a piece, at most: a quarter of a second at the bus's pace of 2 ms a byte. */
const PASTE_BYTES = 128;
/** Pieces under way: with two the line does not wait for our answer. */
const AHEAD = 2;
/** Line by line: a node that has printed nothing for so long has read the line. */
const QUIET_MS = 150;
/** A node that never comes to rest gets the next line after this. */
// Less than the 3 s after which a node that does not answer Enter has its BMC asked: that would drop the rest.
const LINE_MS = 2000;
const CR = 0x0d;

export interface PastePorts {
  send(bytes: Uint8Array): Promise<{ sent: boolean; why: string | null }>;
  /** When the node was last heard, performance.now(). */
  heardAt(): number;
  progress(sent: number): void;
  ended(sent: number, why: string | null): void;
}

export class Paste {
  readonly #bytes: Uint8Array;
  readonly #byLine: boolean;
  readonly #ports: PastePorts;
  #stopped = false;
  #sent = 0;
  /** Why it cannot go on. */
  #why: string | null = null;

  constructor(bytes: Uint8Array, byLine: boolean, ports: PastePorts) {
    this.#bytes = bytes;
    this.#byLine = byLine;
    this.#ports = ports;
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    const under: Promise<void>[] = [];
    for (const piece of pieces(this.#bytes)) {
      if (under.length >= (this.#byLine ? 1 : AHEAD)) await under.shift();
      if (this.#why !== null || this.#stopped) break;
      under.push(this.#send(piece));
      if (this.#byLine && piece.at(-1) === CR) {
        await under.shift();
        await this.#rest();
      }
    }
    await Promise.all(under);
    const stopped = this.#stopped && this.#sent < this.#bytes.length;
    this.#ports.ended(this.#sent, this.#why ?? (stopped ? 'you stopped it' : null));
  }

  async #send(piece: Uint8Array): Promise<void> {
    try {
      const { sent, why } = await this.#ports.send(piece);
      if (sent) this.#ports.progress((this.#sent += piece.length));
      else this.#why ??= why;
    } catch (error) {
      this.#why ??= error instanceof Error ? error.message : String(error);
    }
  }

  async #rest(): Promise<void> {
    const began = performance.now();
    for (;;) {
      const now = performance.now();
      const quiet = now - Math.max(began, this.#ports.heardAt());
      if (quiet >= QUIET_MS || now - began >= LINE_MS || this.#stopped) return;
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS - quiet));
    }
  }
}

/** No piece reaches over the end of a line. */
function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(CR, at);
    const to = Math.min(at + PASTE_BYTES, bytes.length, end < 0 ? bytes.length : end + 1);
    yield bytes.subarray(at, to);
    at = to;
  }
}
