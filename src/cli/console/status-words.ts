/** What stands on the status line: how the console stands, and in its place, for a moment, a word that was just said. */
import { wrap } from '../../lib/words.ts';

/** Ends a part that another one follows. */
const MARK = ' …';
/** A word is left standing so long, ms: the console's state changes with almost everything that is done there. */
const STANDS_MS = 3_000;

export class StatusWords {
  readonly #show: (text: string) => void;
  readonly #width: () => number;
  #state = '';
  #word = '';
  #timer: NodeJS.Timeout | null = null;

  /** @param width cells of the line: a longer word is shown in parts, one after another */
  constructor(show: (text: string) => void, width: () => number) {
    this.#show = show;
    this.#width = width;
  }

  /** Behind a word that stands: what came of a key must not hide what the key was for. */
  add(text: string): void {
    this.say(this.#timer === null ? text : `${this.#word} · ${text}`);
  }

  say(text: string): void {
    this.close();
    this.#word = text;
    // What has no room ends with a mark, and goes on in its place.
    this.#showParts(wrap(text, Math.max(MARK.length + 1, this.#width() - MARK.length)));
  }

  #showParts([part = '', ...more]: readonly string[]): void {
    this.#show(more.length > 0 ? part + MARK : part);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (more.length > 0) this.#showParts(more);
      else this.#show(this.#state);
    }, STANDS_MS);
  }

  state(text: string): void {
    this.#state = text;
    if (this.#timer === null) this.#show(text);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
