/**
 * Ends a server and its process: on a signal, the end of standard input, a request, or an unexpected error. A
 * server that a client started ends after the idle timeout; one under systemd stays.
 */
import { EXIT } from '../api/power.ts';
import type { Log } from './logs.ts';

/**
 * Time limit for an orderly end, ms: it takes well under a second, more while operations end; after it the process
 * exits.
 */
const END_LIMIT_MS = 15_000;

/**
 * Returns whether SIGHUP means that the terminal was closed, which ends programs started there. Otherwise SIGHUP
 * requests a reload of the configuration; logrotate's postrotate sends it for the logs, which follow a rotation by
 * themselves.
 */
export function isAtTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY;
}

/** Racks of this process that were not asked to end. */
let staying = 0;

/** Lifecycle of one rack's server. A signal concerns all racks of the process; a request concerns only its own rack. */
export class Lifecycle {
  readonly begun: Promise<string>;
  exitCode: number = EXIT.done;
  readonly #cutShort = new AbortController();
  readonly #undo: (() => void)[] = [];
  #begin: (why: string) => void = () => undefined;
  #leaving = false;

  /** `hangUp`: called on SIGHUP where no terminal was closed. */
  constructor(withStdin: boolean, log: Log, hangUp: () => void) {
    staying++;
    this.begun = new Promise((resolve) => (this.#begin = resolve));
    for (const signal of ['SIGTERM', 'SIGINT'] as const) this.#on(process, signal, () => this.begin(signal));
    this.#on(process, 'SIGHUP', () => {
      if (isAtTerminal()) this.begin('SIGHUP');
      else hangUp();
    });
    for (const event of ['uncaughtException', 'unhandledRejection'] as const)
      this.#on(process, event, (error: unknown) => {
        log.fatal({ err: error }, event);
        this.exitCode = EXIT.unavailable;
        this.begin('an error in the server; see its log');
      });
    // The process that started it may have closed the other end.
    for (const stream of [process.stdout, process.stderr]) this.#on(stream, 'error', () => undefined);
    if (!withStdin) return;
    for (const event of ['end', 'close', 'error'])
      this.#on(process.stdin, event, () => this.begin('the program that started it ended'));
    process.stdin.resume();
    this.#undo.push(() => {
      // The other servers still need to see its end.
      if (staying === 0) process.stdin.pause();
    });
  }

  /** Fires at the second request to end. */
  get cutShort(): AbortSignal {
    return this.#cutShort.signal;
  }

  begin(why: string): void {
    if (this.#leaving) {
      this.#cutShort.abort();
      return;
    }
    this.#leaving = true;
    staying--;
    // A disk or a device that hangs must not keep the port for ever; but it must not end the servers of other racks.
    const limit = setInterval(() => {
      if (staying === 0) process.exit(EXIT.unavailable);
    }, END_LIMIT_MS).unref();
    this.#undo.push(() => clearInterval(limit));
    this.#begin(why);
  }

  dispose(): void {
    if (!this.#leaving) staying--;
    this.#leaving = true;
    for (const undo of this.#undo) undo();
  }

  #on(target: NodeJS.EventEmitter, event: string, listener: (error: unknown) => void): void {
    target.on(event, listener);
    this.#undo.push(() => target.off(event, listener));
  }
}

export class IdleTimeout {
  readonly #ms: number;
  readonly #needed: () => boolean;
  readonly #leave: () => void;
  #timer: NodeJS.Timeout | null = null;
  #over = false;

  /** Calls `leave` once, after `ms` in which `needed` was false at every call of {@link look}. */
  constructor(ms: number, needed: () => boolean, leave: () => void) {
    this.#ms = ms;
    this.#needed = needed;
    this.#leave = leave;
    this.look();
  }

  /** Checks `needed` again, after a client or an operation came or went. */
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
