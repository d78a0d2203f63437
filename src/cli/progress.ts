/** One line on the terminal that says how far something is, and goes away with it; nothing elsewhere. */
import { shown } from './output.ts';

const CLEAR = '\r\x1b[K';

export class Progress {
  #shows = false;

  show(text: string): void {
    if (!process.stderr.isTTY) return;
    this.#shows = true;
    const width = (process.stderr.columns || 80) - 1;
    const line = shown(text);
    process.stderr.write(`${CLEAR}${line.length <= width ? line : `${line.slice(0, width - 1)}…`}`);
  }

  end(): void {
    if (this.#shows) process.stderr.write(CLEAR);
    this.#shows = false;
  }
}
