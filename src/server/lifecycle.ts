/**
 * How a server goes, and with it the process: signals, the end of standard input, a request, an error nobody expected.
 *
 * A server that a client started leaves when nobody needs it any more; one under systemd stays.
 */
import { EXIT } from '../api/power.ts';
import type { Log } from './logs.ts';

/** Ending in order takes well under a second, more while operations end; beyond this the process just goes, ms. */
const END_LIMIT_MS = 15_000;

/**
 * SIGHUP means that the terminal is closed, which ends what was started there. Elsewhere it asks for the configuration to
 * be read anew; from logrotate's postrotate it means the logs, which follow a rotation by themselves.
 */
export function isAtTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY;
}

/** Racks of this process that nobody has asked to leave. */
let staying = 0;

/** One rack's. What concerns the process concerns all of its racks; a request concerns the rack that it came to. */
export class Lifecycle {
  readonly begun: Promise<string>;
  exitCode: number = EXIT.done;
  readonly #hurry = new AbortController();
  readonly #undo: (() => void)[] = [];
  #begin: (why: string) => void = () => undefined;
  #leaving = false;

  /** `hangUp`: what a SIGHUP asks of a server that stays. */
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
        this.begin('an error in the server; its log says more');
      });
    // Who started it may have closed the other end.
    for (const stream of [process.stdout, process.stderr]) this.#on(stream, 'error', () => undefined);
    if (!withStdin) return;
    for (const event of ['end', 'close', 'error'])
      this.#on(process.stdin, event, () => this.begin('its starter went away'));
    process.stdin.resume();
    this.#undo.push(() => {
      // The others still want to hear of its end.
      if (staying === 0) process.stdin.pause();
    });
  }

  /** Fires when somebody asked a second time. */
  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  begin(why: string): void {
    if (this.#leaving) {
      this.#hurry.abort();
      return;
    }
    this.#leaving = true;
    staying--;
    // A disk or a device that hangs must not keep the port for ever; other racks' servers are not ended for it.
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
