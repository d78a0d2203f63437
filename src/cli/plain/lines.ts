/** Lines from standard input as whole lines, taken one at a time; between two somebody else may read. */
import { StringDecoder } from 'node:string_decoder';
import type { ReadStream } from 'node:tty';

/** Nobody types such a line; a file without line ends must not fill the memory. */
const MAX_LINE = 4096;

export class Lines {
  readonly #stdin: ReadStream;
  /** Of our own: whoever reads between two lines wants bytes. */
  readonly #decoder = new StringDecoder('utf8');
  readonly #waiting: string[] = [];
  #partial = '';
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(stdin: ReadStream) {
    this.#stdin = stdin;
    for (const event of ['end', 'error', 'close'] as const)
      stdin.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
  }

  /** The next line without its end; null: there will be none. Listens only until then. */
  async next(): Promise<string | null> {
    const take = (bytes: Buffer): void => this.#take(this.#decoder.write(bytes));
    this.#stdin.on('data', take);
    this.#stdin.resume();
    try {
      while (this.#waiting.length === 0 && !this.#ended)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      const line = this.#waiting.shift();
      if (line !== undefined) return line;
      const last = this.#partial;
      this.#partial = '';
      return last === '' ? null : last;
    } finally {
      this.#stdin.off('data', take);
      this.#stdin.pause();
    }
  }

  /** What makes {@link next} give up waiting: an interrupt, the server's end. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  #take(text: string): void {
    const pieces = (this.#partial + text).split(/\r?\n/);
    this.#partial = (pieces.pop() ?? '').slice(0, MAX_LINE);
    this.#waiting.push(...pieces.map((piece) => piece.slice(0, MAX_LINE)));
    if (pieces.length > 0) this.#wake();
  }
}
