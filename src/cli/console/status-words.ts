/** What stands on the status line: how the console stands, and in its place, for a moment, a word that was just said. */

/** A word is left standing so long, ms: the console's state changes with almost everything that is done there. */
const STANDS_MS = 3_000;

export class StatusWords {
  readonly #show: (text: string) => void;
  #state = '';
  #word = '';
  #timer: NodeJS.Timeout | null = null;

  constructor(show: (text: string) => void) {
    this.#show = show;
  }

  /** Behind a word that stands: what came of a key must not hide what the key was for. */
  add(text: string): void {
    this.say(this.#timer === null ? text : `${this.#word} · ${text}`);
  }

  say(text: string): void {
    this.close();
    this.#word = text;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#show(this.#state);
    }, STANDS_MS);
    this.#show(text);
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
