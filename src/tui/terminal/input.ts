/** Reads the operator's terminal as tokens; at the end it keeps the terminal's last answer from the shell. */
import type { ReadStream } from 'node:tty';
import { emptyTokenizer, ESCAPE_MS, flush, type Token, tokenize } from './tokenizer.ts';

/**
 * Calls `leave` before the program stops (Ctrl-Z of the terminal that it was started in, `kill -TSTP`), and `back`
 * when it continues, also after a SIGSTOP, which is not announced. Returns the function that undoes it.
 */
export function aroundStops(leave: () => void, back: () => void): () => void {
  const stop = (): void => {
    leave();
    process.kill(process.pid, 'SIGSTOP');
  };
  process.on('SIGTSTP', stop).on('SIGCONT', back);
  return () => void process.off('SIGTSTP', stop).off('SIGCONT', back);
}

/** Time limit for the terminal's last answer when the interface ends, ms. */
const ANSWER_MS = 1000;

export class Input {
  readonly #stdin: ReadStream;
  readonly #take: (tokens: readonly Token[]) => void;
  #tokens = emptyTokenizer;
  readonly #onData = (bytes: Uint8Array): void => this.#data(bytes);
  #closed = false;

  constructor(stdin: ReadStream, take: (tokens: readonly Token[]) => void) {
    this.#stdin = stdin;
    this.#take = take;
  }

  open(): void {
    this.#stdin.setRawMode(true);
    this.#stdin.on('data', this.#onData);
  }

  /** Gives the terminal to the shell while the program is stopped. */
  lend(): void {
    this.#setRaw(false);
  }

  /** Takes the terminal back after a stop: the kernel, or the shell, has changed its mode. */
  again(): void {
    // Node assumes that its mode still holds, and would not set it.
    this.#setRaw(false);
    this.#setRaw(true);
  }

  #setRaw(on: boolean): void {
    try {
      this.#stdin.setRawMode(on);
    } catch {
      // The terminal is gone: its end is reported elsewhere.
    }
  }

  /** Stops reading. */
  close(): void {
    this.#closed = true;
    this.#stdin.off('data', this.#onData);
  }

  /** Restores the terminal's mode after its outstanding answers, which must not become the shell's first input. */
  restore(answers: { replyOutstanding: () => boolean; take: (reply: Uint8Array) => void }, then: () => void): void {
    const stdin = this.#stdin;
    const done = (): void => {
      clearTimeout(timer);
      stdin.off('data', take);
      try {
        stdin.setRawMode(false);
      } catch {
        // The terminal is gone: there is nothing to restore.
      }
      stdin.pause();
      then();
    };
    const take = (bytes: Uint8Array): void => {
      const { state, tokens } = tokenize(this.#tokens, bytes);
      this.#tokens = state;
      for (const token of tokens) if (token.kind === 'reply') answers.take(token.bytes);
      if (!answers.replyOutstanding()) done();
    };
    const timer = setTimeout(done, ANSWER_MS);
    if (answers.replyOutstanding()) stdin.on('data', take);
    else done();
  }

  #data(bytes: Uint8Array): void {
    const { state, tokens } = tokenize(this.#tokens, bytes);
    this.#tokens = state;
    this.#take(tokens);
    if (state.pending.length === 0 || state.paste !== null) return;
    setTimeout(() => {
      if (this.#tokens !== state || this.#closed) return;
      const flushed = flush(state);
      this.#tokens = flushed.state;
      this.#take(flushed.tokens);
    }, ESCAPE_MS);
  }
}
