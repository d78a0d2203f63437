/**
 * Sends bytes to a node one at a time: the bridge from master to slave loses back-to-back characters, and 2 ms
 * between them were seen to be safe (bus-protocol section 5). The distance counts from when the system has taken a
 * byte: on a busy machine a write may wait, and the next one right behind it would be the burst that loses
 * characters.
 */
export class KeyQueue {
  readonly #gapMs: number;
  readonly #send: (byte: number, taken: () => void) => void;
  /** True when the byte may go now; else {@link resume} tries it again. */
  readonly #may: (byte: number) => boolean;
  #pending: Uint8Array[] = [];
  #offset = 0;
  #count = 0;
  #lastAt = -Infinity;
  #sentAt = -Infinity;
  #timer: NodeJS.Timeout | null = null;
  /**
   * The byte that was sent and is not taken yet; a new object for each, so that a late report about an old one is
   * ignored.
   */
  #under: object | null = null;
  /** Bytes accepted and bytes gone since the beginning, and the promises that wait for them. */
  #accepted = 0;
  #gone = 0;
  #waiting: { upTo: number; resolve: (outcome: 'sent' | 'dropped') => void }[] = [];

  /** `send` calls `taken` when the system has the byte. */
  constructor(
    gapMs: number,
    send: (byte: number, taken: () => void) => void,
    may: (byte: number) => boolean = () => true,
  ) {
    this.#gapMs = gapMs;
    this.#send = send;
    this.#may = may;
  }

  /** Tries the next byte again, after the reason to hold it may have ended. */
  resume(): void {
    if (this.#count > 0 && this.#timer === null && this.#under === null) this.#step();
  }

  /** Time of the last sent byte (performance.now); -Infinity before the first. */
  get sentAt(): number {
    return this.#sentAt;
  }

  get pending(): number {
    return this.#count;
  }

  /** True when all bytes not sent yet are this one. */
  holdsOnly(byte: number): boolean {
    return this.#pending.every((chunk, index) =>
      chunk.subarray(index === 0 ? this.#offset : 0).every((one) => one === byte),
    );
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pending.push(bytes);
    this.#count += bytes.length;
    this.#accepted += bytes.length;
    if (this.#timer === null && this.#under === null) this.#step();
  }

  /** Drops the bytes not sent yet; returns their number. */
  clear(): number {
    const dropped = this.#count;
    this.#pending = [];
    this.#offset = this.#count = 0;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#under = null;
    const sent = this.#accepted - dropped;
    this.#gone = this.#accepted;
    // A sent byte may reach the node, whether or not the system has reported it as taken.
    for (const { upTo, resolve } of this.#waiting.splice(0)) resolve(upTo <= sent ? 'sent' : 'dropped');
    return dropped;
  }

  /** Resolves when everything accepted so far was sent or dropped. */
  passed(): Promise<'sent' | 'dropped'> {
    if (this.#gone === this.#accepted) return Promise.resolve('sent');
    return new Promise((resolve) => this.#waiting.push({ upTo: this.#accepted, resolve }));
  }

  #step(): void {
    this.#timer = null;
    const head = this.#pending[0];
    const byte = head?.[this.#offset];
    if (head === undefined || byte === undefined) return;
    // Timers may fire up to a millisecond early against the clock of this distance.
    const wait = this.#lastAt + this.#gapMs - performance.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => this.#step(), Math.ceil(wait));
      return;
    }
    if (!this.#may(byte)) return;
    this.#offset++;
    this.#count--;
    if (this.#offset === head.length) {
      this.#pending.shift();
      this.#offset = 0;
    }
    const under = {};
    this.#under = under;
    this.#sentAt = performance.now();
    this.#send(byte, () => this.#taken(under));
  }

  #taken(under: object): void {
    this.#lastAt = performance.now();
    if (this.#under !== under) return;
    this.#under = null;
    this.#gone++;
    while ((this.#waiting[0]?.upTo ?? Infinity) <= this.#gone) this.#waiting.shift()?.resolve('sent');
    if (this.#count > 0) this.#timer = setTimeout(() => this.#step(), Math.ceil(this.#gapMs));
  }
}
