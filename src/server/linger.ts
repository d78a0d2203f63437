/** A server that a client started leaves when nobody needs it any more; one under systemd stays. */

export class Linger {
  readonly #ms: number;
  readonly #needed: () => boolean;
  readonly #leave: () => void;
  #timer: NodeJS.Timeout | null = null;
  #over = false;

  /** Calls `leave` once, after `ms` in which `needed` never held when {@link look} was called. */
  constructor(ms: number, needed: () => boolean, leave: () => void) {
    this.#ms = ms;
    this.#needed = needed;
    this.#leave = leave;
    this.look();
  }

  /** Somebody came or went, an operation began or ended. */
  look(): void {
    if (this.#over) return;
    if (this.#needed()) this.#cancel();
    else
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        if (this.#needed()) return;
        this.stop();
        this.#leave();
      }, this.#ms);
  }

  stop(): void {
    this.#over = true;
    this.#cancel();
  }

  #cancel(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
