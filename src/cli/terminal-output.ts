/**
 * Prints lines, progress, errors and dates for commands, and writes files. Errors are one sentence, the next step,
 * and the documented exit code, never a stack trace for bad input; control characters never reach the terminal;
 * dates are converted from the server's steady times, of which a command uses one server's. A command that runs for
 * several racks at once prints each one's lines with its name.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync, mkdirSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { RPC_ERROR } from '../api/methods.ts';
import { EXIT } from '../api/power.ts';
import type { RackClient } from '../client/client.ts';
import { escapeHidden, escapeHiddenInJson } from '../lib/control-chars.ts';

/** An error whose message is printed unchanged for the operator. */
export class Failure extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Wrong command line: exit code 64. */
export class UsageFailure extends Failure {
  constructor(message: string) {
    super(EXIT.usage, message);
  }
}

/**
 * Returns the message and the exit code of an error. Classes of lazily loaded modules are recognised by name:
 * importing them here would load them at every start.
 */
export function explain(error: unknown): { message: string; exitCode: number } {
  if (!(error instanceof Error)) return { message: String(error), exitCode: EXIT.unavailable };
  const exitCode = (): number => {
    if ('exitCode' in error && typeof error.exitCode === 'number') return error.exitCode;
    if ('code' in error && error.code === RPC_ERROR.config) return EXIT.config;
    if ('problems' in error || error.name === 'SecretError') return EXIT.config;
    if ('code' in error && error.code === RPC_ERROR.refused) return EXIT.refused;
    if ('code' in error && error.code === RPC_ERROR.node) return NODE_FAILED;
    if ('code' in error && (error.code === RPC_ERROR.unknown || error.code === RPC_ERROR.invalid)) return EXIT.usage;
    if ('code' in error && (error.code === RPC_ERROR.held || error.code === RPC_ERROR.viewOnly)) return EXIT.refused;
    return EXIT.unavailable;
  };
  return { message: error.message, exitCode: exitCode() };
}

/** 128 + SIGINT: the operator left, the operation continues. */
export const LEFT = 130;

/** Conventional code of a program whose reader ended: 128 + SIGPIPE. */
const READER_GONE = 141;

/** `text` with every character that a terminal would execute shown as `\x1b`; line ends and tabs included. */
export { escapeHidden as shown };

const rackOutput = new AsyncLocalStorage<RackOutput>();
/** Name of the rack that the running command was given for; none: there is only one rack. */
const commandsRack = new AsyncLocalStorage<string>();

/**
 * The lines that one of several racks prints: each begins with the rack's name, and JSON has it as `rack`. Code that is
 * run by {@link RackOutput.run}, with all that follows from it, prints there.
 */
export class RackOutput {
  readonly #name: string;
  readonly #width: number;
  /** Lines until {@link RackOutput.flush}; null: they are written at once. */
  #kept: [NodeJS.WriteStream, string][] | null;
  dateOf = (at: number): number => at;

  /** `width`: of the longest name. `keeps`: the lines stay together. */
  constructor(name: string, width: number, keeps: boolean) {
    this.#name = name;
    this.#width = width;
    this.#kept = keeps ? [] : null;
  }

  run<T>(act: () => T): T {
    return rackOutput.run(this, () => forRack(this.#name, act));
  }

  write(stream: NodeJS.WriteStream, line: string): void {
    const text = `${this.#name.padEnd(this.#width)}  ${line}`.trimEnd();
    if (this.#kept === null) writeLine(stream, text);
    else this.#kept.push([stream, text]);
  }

  named(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.named(one));
    return { ...(value as object), rack: this.#name };
  }

  flush(): void {
    for (const [stream, line] of this.#kept ?? []) writeLine(stream, line);
    this.#kept = null;
  }
}

function writeLine(stream: NodeJS.WriteStream, line: string): void {
  stream.write(`${escapeHidden(line)}\n`);
}

function put(stream: NodeJS.WriteStream, line: string): void {
  const rack = rackOutput.getStore();
  if (rack === undefined) writeLine(stream, line);
  else rack.write(stream, line);
}

/** Runs `act`, and all that follows from it, with ids written as those of one of several racks. */
export function forRack<T>(name: string, act: () => T): T {
  return commandsRack.run(name, act);
}

/** Returns the id of an operation or a run as the operator has to write it: with its rack's name where there are several. */
export function writtenId(id: string): string {
  const rack = commandsRack.getStore();
  return rack === undefined ? id : `${rack}:${id}`;
}

/** Prints one line for the operator. */
export function print(line: string): void {
  put(process.stdout, line);
}

/** Prints one line to standard error: hints and warnings, which a pipe must not read. */
export function hint(line: string): void {
  put(process.stderr, line);
}

/** Prints the interface's message after it has left the terminal; several lines where it failed. */
export function reportEnd(code: number, message: string | undefined): void {
  if (message === undefined) return;
  for (const line of message.split('\n')) (code === 0 ? print : hint)(line);
}

/** Prints one line of JSON, without a character that a terminal would execute. */
export function printJson(value: unknown): void {
  const rack = rackOutput.getStore();
  process.stdout.write(`${escapeHiddenInJson(JSON.stringify(rack === undefined ? value : rack.named(value)))}\n`);
}

/** Ends the program silently when its reader has ended (`rackui status | head -1`). */
export function endQuietlyWithoutReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      process.exit(READER_GONE);
    });
}

const CLEAR = '\r\x1b[K';

export class Progress {
  #shows = false;

  show(text: string): void {
    if (!process.stderr.isTTY || rackOutput.getStore() !== undefined) return;
    this.#shows = true;
    const width = (process.stderr.columns || 80) - 1;
    const line = escapeHidden(text);
    process.stderr.write(`${CLEAR}${line.length <= width ? line : `${line.slice(0, width - 1)}…`}`);
  }

  end(): void {
    if (this.#shows) process.stderr.write(CLEAR);
    this.#shows = false;
  }
}

/** Exit code of what was carried out at a node and failed there: a command, a file, a key of SysRq. */
export const NODE_FAILED = 1;

/** Refuses to overwrite an existing file without `force`. @throws Failure */
export function expectNew(file: string, force = false): void {
  if (!force && existsSync(file))
    throw new Failure(EXIT.refused, `${file} exists and is not overwritten: give another file, or add --force`);
}

/** Writes a file whole or not at all. An existing file's mode stays, and a link stays a link. @throws Failure */
export function writeWhole(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    const before = statSync(file, { throwIfNoEntry: false });
    const target = before === undefined ? file : realpathSync(file);
    writeFileSync(`${target}.new`, text, { mode: (before?.mode ?? 0o644) & 0o777 });
    renameSync(`${target}.new`, target);
  } catch (error) {
    throw new Failure(EXIT.unavailable, `${file} cannot be written: ${error instanceof Error ? error.message : ''}`);
  }
}

const dates = { dateOf: (at: number): number => at };

/** Sets the server whose times are printed from now on. */
export function useDatesOf(client: Pick<RackClient, 'wallTime'>): void {
  (rackOutput.getStore() ?? dates).dateOf = (at) => client.wallTime(at);
}

/** Returns epoch milliseconds. */
export function wallOf(at: number): number {
  return (rackOutput.getStore() ?? dates).dateOf(at);
}

/** Formats the time of day of this machine. */
export function clock(at: number): string {
  const date = new Date(wallOf(at));
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** Formats ISO 8601. */
export function iso(at: number): string {
  return new Date(wallOf(at)).toISOString();
}
