/**
 * Gives one operation's job, or a command, its console: waits for the turn, opens it, turns its text into recognitions,
 * and gives it back.
 */
import { QUIET_MS, Recognizer, type Recognition } from '../console/recognizer.ts';
import type { ScreenState } from '../console/screen-state.ts';
import { messageOf } from '../lib/errors.ts';
import type { Address } from '../rack/address.ts';
import type { ConsoleArbiter, Use } from './console-arbiter.ts';
import { type ConsoleCondition, ConsoleHeld, type OperationConsole, type OperationPorts, pause } from './ports.ts';

/** Longest wait for an answer to the last key before the console is given back, ms. */
const ANSWER_MS = 500;

/** The user of the console: a job of an operation, or a command. */
export interface ConsoleUser {
  ports: Pick<OperationPorts, 'console' | 'now' | 'every'>;
  node: { readonly addr: Address };
  operation: { readonly id: string };
  session: number;
  request: { takeConsole: boolean | 'silent' };
  console: ConsoleArbiter;
}

export interface ConsoleAccessEvents {
  acquired(): void;
  none(why: string): void;
  condition(condition: ConsoleCondition): void;
  recognized(recognition: Recognition, at: number): void;
  /** Handles any text, before it is recognised. */
  output(text: string, at: number): void;
  /** Output of the node may have been lost. */
  gap?(text: string): void;
}

export class ConsoleAccess {
  readonly reader = new Recognizer();
  readonly #job: ConsoleUser;
  readonly #events: ConsoleAccessEvents;
  readonly #manner: 'keeps' | 'yields' | 'gives-way';
  #console: OperationConsole | null = null;
  #release: (() => void) | null = null;
  #lent = false;
  /** Time of the last input that nothing has answered yet, epoch ms; -Infinity: none. */
  #typedAt = -Infinity;
  /** Infinity before the first. */
  #tickedAt = Infinity;
  #looksAgain = false;
  /** Aborted by the next text. */
  #silence: AbortController | null = null;
  /** Aborts the wait for a turn that is no longer wanted. */
  #wanting: AbortController | null = null;

  /** `yields`: an operator who wants the console gets it. `gives-way`: an operation that wants it gets it. */
  constructor(job: ConsoleUser, manner: 'keeps' | 'yields' | 'gives-way', events: ConsoleAccessEvents) {
    this.#job = job;
    this.#manner = manner;
    this.#events = events;
  }

  get held(): boolean {
    return this.#release !== null;
  }

  /** Waits for the turn and opens the console. A wait for an earlier use is given up for this one. */
  async acquire(use: Use, dueAt: number | null = null): Promise<void> {
    this.#wanting?.abort();
    const wanting = new AbortController();
    this.#wanting = wanting;
    if (this.#release === null) {
      const release = await this.#job.console.acquire(use, wanting.signal, use === 'watch' ? dueAt : null);
      if (release === null) return;
      if (wanting.signal.aborted) {
        release();
        return;
      }
      this.#release = release;
    }
    this.#events.acquired();
    await this.#open(wanting.signal);
  }

  /** Lends the keyboard to an operator who works by hand, until this console is released. */
  lend(): void {
    this.#lent = true;
    this.#console?.lend();
  }

  async letGo(): Promise<void> {
    this.#lent = false;
    this.#wanting?.abort();
    this.#wanting = null;
    const console = this.#console;
    const release = this.#release;
    this.#console = null;
    this.#release = null;
    await console?.release();
    release?.();
  }

  /**
   * Waits for the answer to the last input, {@link ANSWER_MS} at most: it changes the screen, and the next user would
   * be shown an old one. Must be called before the console is released for good.
   */
  async answered(): Promise<void> {
    const { ports } = this.#job;
    const leftMs = this.#typedAt + ANSWER_MS - ports.now();
    if (this.#console === null || leftMs <= 0) return;
    this.#silence = new AbortController();
    await pause(ports, leftMs, this.#silence.signal);
  }

  /**
   * Types `text`. Returns '' or the reason why it was not accepted. `secret`: the part of it that must not be shown.
   */
  type(text: string, secret = ''): string {
    const at = this.#job.ports.now();
    this.reader.sent(text, at, secret !== '');
    this.#job.console.typedAt = this.#typedAt = at;
    const { refused } = this.#console?.type(text, secret) ?? { refused: 'there is no console' };
    return refused ?? '';
  }

  /** Returns the time at which the last byte of the input was sent, epoch ms; null: some of it was dropped. */
  async left(): Promise<number | null> {
    return (await this.#console?.left()) ?? null;
  }

  /**
   * Returns the state of the screen; null: there is no console, or its last output is not yet recognised. A prompt that
   * was read from the screen and recognised afterwards would pass for the answer to the input.
   */
  async readScreen(): Promise<{ screen: ScreenState; fresh: boolean } | null> {
    const console = this.#console;
    const seen = await console?.readScreen();
    return seen && this.#console === console && this.reader.atRest ? seen : null;
  }

  tick(at: number): void {
    // This process was held up and saw no silence: what the node printed meanwhile is read before the next tick.
    this.#looksAgain = !this.#looksAgain && at - this.#tickedAt > QUIET_MS;
    this.#tickedAt = at;
    if (this.#looksAgain) return;
    for (const recognition of this.reader.tick(at)) this.#events.recognized(recognition, at);
  }

  async #open(wanted: AbortSignal): Promise<void> {
    const { ports, node, operation, session, request } = this.#job;
    try {
      const former = this.#console;
      this.#console = null;
      await former?.release();
      const yields = this.#manner === 'yields';
      const take = !yields && request.takeConsole;
      const givesWay = this.#manner === 'gives-way';
      const console = await ports.console.acquire(node.addr, operation.id, { session, take, yields, givesWay });
      if (wanted.aborted) {
        await console.release();
        return;
      }
      this.#console = console;
      if (this.#lent) console.lend();
      console.onText((text, at) => {
        if (this.#console !== console) return;
        this.#typedAt = -Infinity;
        this.#silence?.abort();
        this.#events.output(text, at);
        for (const recognition of this.reader.feed(text, at)) this.#events.recognized(recognition, at);
      });
      console.onGap((text) => this.#events.gap?.(text));
      console.onState((condition) => {
        if (this.#console === console) this.#events.condition(condition);
      });
    } catch (error) {
      const why = error instanceof ConsoleHeld ? `${error.holder} holds the console` : messageOf(error);
      if (wanted.aborted) return;
      await this.letGo();
      this.#events.none(why);
    }
  }
}
