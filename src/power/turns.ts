/** One at a time, in the order of asking. */

export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves with the way to hand the turn on, when it is ours; with null when `signal` aborted before. */
  async take(signal: AbortSignal): Promise<(() => void) | null> {
    const before = this.#last;
    let handOn: () => void = () => undefined;
    const mine = new Promise<void>((resolve) => (handOn = resolve));
    this.#last = before.then(() => mine);
    const aborted = new Promise<'aborted'>((resolve) => {
      if (signal.aborted) resolve('aborted');
      else signal.addEventListener('abort', () => resolve('aborted'), { once: true });
    });
    if ((await Promise.race([before, aborted])) === 'aborted') {
      handOn();
      return null;
    }
    return handOn;
  }
}
