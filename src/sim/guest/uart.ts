/** A guest's UART, sending side: bytes wait here until the BMC takes them, or are gone because no console is open. */

/** What a tty holds before the writing program has to wait. */
const HELD = 64 * 1024;
/** What a program without end is asked for at a time, at most. */
const STREAMED = 4 * 1024;
/** Kept of what was said last, heard or not, for whoever looks from outside. */
const REMEMBERED = 16 * 1024;

export class Uart {
  /** Never ends and never waits (`yes`, a flood of kernel messages): asked for more whenever the line has room. */
  source: (() => string) | null = null;
  private waiting: Buffer = Buffer.alloc(0);
  private said = '';
  private readonly held: number;

  /** `held`: bytes beyond which the oldest are gone; none are where the writing program is made to wait. */
  constructor(held = HELD) {
    this.held = held;
  }

  /** Bytes that wait. */
  get length(): number {
    return this.waiting.length;
  }

  /** Text as programs print it: a bare line feed becomes CR LF, as a tty's output processing does. */
  print(text: string): void {
    this.write(Buffer.from(text.replace(/\r?\n/g, '\r\n'), 'utf8'));
  }

  write(bytes: Uint8Array): void {
    this.waiting = Buffer.concat([this.waiting, bytes]).subarray(-this.held);
    this.said = (this.said + Buffer.from(bytes).toString('utf8')).slice(-REMEMBERED);
  }

  take(max: number): Uint8Array {
    const wanted = Math.min(max, STREAMED);
    while (this.source && this.waiting.length < wanted) this.print(this.source());
    const taken = this.waiting.subarray(0, max);
    this.waiting = this.waiting.subarray(taken.length);
    return taken;
  }

  discard(): void {
    this.waiting = Buffer.alloc(0);
  }

  /** What was said last, at most 16 KiB. */
  get recent(): string {
    return this.said;
  }
}
