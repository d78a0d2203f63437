/**
 * The server's own log and the event log, both bounded; also the errors for which a server cannot start, and the
 * version.
 */
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import manifest from '../../package.json';
import { messageOf } from '../lib/errors.ts';
import { LineFile } from '../lib/json-file.ts';

/**
 * An error outside the configuration: a port or a socket is in use, a directory cannot be written. Exit code 5. The
 * message has what happened, why, and what to do next.
 */
export class CannotServe extends Error {
  override readonly name: string = 'CannotServe';
}

/** Another server has the port. That server may end; then this one can start. */
export class PortTaken extends CannotServe {
  override readonly name = 'PortTaken';
}

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

/** Opens the server's own log, JSON lines in `server.log`. Console output and typed input never go into it. */
export function openLog(stateDir: string, level: string): { log: Log; close: () => void } {
  const file = new LineFile(join(stateDir, 'server.log'));
  const log = pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, file);
  return { log, close: () => file.close() };
}

/** Writes lines of the event log. `warn` is called once for each period in which the disk takes none. */
export class EventFile {
  readonly #file: LineFile;
  readonly #warn: (text: string) => void;
  #warned = false;

  constructor(stateDir: string, warn: (text: string) => void) {
    this.#file = new LineFile(join(stateDir, 'events.jsonl'));
    this.#warn = warn;
  }

  write(line: string): void {
    this.#file.write(line);
    const { problem } = this.#file;
    const isNew = problem !== null && !this.#warned;
    // Set before the call: it adds an event, which comes back here.
    this.#warned = problem !== null;
    if (isNew) this.#warn(`the event log ${this.#file.path} cannot be written: ${problem}`);
  }

  close(): void {
    this.#file.close();
  }
}

/** Makes the state directory, accessible for its owner only. @throws {CannotServe} */
export function prepareStateDirectory(stateDir: string): void {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    accessSync(stateDir, constants.W_OK | constants.X_OK);
    if ((statSync(stateDir).mode & 0o002) !== 0) throw new Error('every user can write it: chmod o-w');
  } catch (error) {
    const why = messageOf(error);
    throw new CannotServe(
      `the state directory ${stateDir} cannot be used (${why}): no power verb is sent without an audit log; make it writable or set another with --state`,
    );
  }
}

export const VERSION: string = manifest.version;
