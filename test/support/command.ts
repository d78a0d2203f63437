/**
 * Runs command lines of the program in this process, each with arguments, streams, environment and signals of its own, several
 * beside each other: a start of Node.js for each would be most of what a test of commands does. That the process has the
 * same exit code, signals and output is the subject of `test/cli/process.test.ts`.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { run } from '../../src/cli/program.ts';
import { inLife, Life } from './life.ts';
import { PROGRAM } from './program.ts';

export interface Ran {
  /** Null: a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** What it reads; nothing by default. It is never a terminal. */
  input?: string;
  /** More of its environment; undefined: without it. */
  env?: Record<string, string | undefined>;
}

/** A command that runs, and all that it has printed. */
export interface Command {
  readonly stdout: string;
  readonly stderr: string;
  readonly ended: Promise<Ran>;
  /** Its part of this process, which can be stopped in virtual time. */
  readonly life: Life;
  /** Sends a signal. One that it has no handler for, as SIGKILL, ends it at once, in this process only in virtual time. */
  signal(name: NodeJS.Signals): void;
}

class Output extends Writable {
  readonly isTTY = false;
  text = '';

  constructor() {
    super({ decodeStrings: false });
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** What a process has of its own. */
class Call implements Command {
  readonly argv: string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable;
  readonly out = new Output();
  readonly err = new Output();
  readonly signals = new EventEmitter();
  readonly ended: Promise<Ran>;
  readonly life = new Life();
  #end: (code: number | null) => void = () => undefined;

  constructor(args: readonly string[], { input = '', env = {} }: RunOptions) {
    this.argv = [process.execPath, PROGRAM, ...args];
    this.env = Object.fromEntries(
      Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined),
    );
    this.stdin = Readable.from([Buffer.from(input)]);
    this.ended = new Promise((resolve) => {
      this.#end = (code) => resolve({ code, stdout: this.out.text, stderr: this.err.text });
    });
    calls
      .run(this, () => inLife(this.life, () => run(args)))
      .then(this.#end, (error: unknown) => {
        this.err.write(`${error instanceof Error ? (error.stack ?? '') : String(error)}\n`);
        this.#end(null);
      });
  }

  get stdout(): string {
    return this.out.text;
  }

  get stderr(): string {
    return this.err.text;
  }

  signal(name: NodeJS.Signals): void {
    if (!this.signals.emit(name, name)) this.exit(null);
  }

  /** Ends it where it stands. */
  exit(code: number | null): void {
    this.#end(code);
    this.life.kill();
  }
}

const calls = new AsyncLocalStorage<Call>();

/** Starts a command line. */
export function startCommand(args: readonly string[], options: RunOptions = {}): Command {
  return new Call(args, options);
}

/** Starts the built program with a command line, as a process of its own. */
export function startProcess(
  args: readonly string[],
  { input = '', env = {} }: RunOptions = {},
): Omit<Command, 'life'> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: { ...process.env, ...env } });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
  // A program that does not read has ended before the input arrives.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return Object.assign(said, {
    ended: new Promise<Ran>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, ...said }));
    }),
    signal: (name: NodeJS.Signals) => void child.kill(name),
  });
}

/** Has the property of this process be a call's own, in what belongs to a call. */
function ownOf(name: 'argv' | 'execArgv' | 'env' | 'stdin' | 'stdout' | 'stderr', own: (call: Call) => unknown): void {
  const process_ = Object.getOwnPropertyDescriptor(process, name);
  let value = process_?.value as unknown;
  const read = (): unknown => (process_?.get ? (process_.get.call(process) as unknown) : value);
  Object.defineProperty(process, name, {
    ...{ configurable: true, enumerable: true },
    get: () => {
      const call = calls.getStore();
      return call === undefined ? read() : own(call);
    },
    set: (changed: unknown) => {
      if (process_?.set) process_.set.call(process, changed);
      else value = changed;
    },
  });
}
ownOf('argv', ({ argv }) => argv);
ownOf('execArgv', () => []);
ownOf('env', ({ env }) => env);
ownOf('stdin', ({ stdin }) => stdin);
ownOf('stdout', ({ out }) => out);
ownOf('stderr', ({ err }) => err);

const exitProcess = process.exit.bind(process);
process.exit = (code) => {
  const call = calls.getStore();
  if (call === undefined) return exitProcess(code);
  call.exit(Number(code ?? 0));
  throw new Error('the command has ended');
};

for (const name of ['on', 'once', 'addListener', 'off', 'removeListener'] as const) {
  const ofProcess = process[name].bind(process) as (event: string, listener: () => void) => NodeJS.Process;
  const ofCall = (event: string, listener: () => void): NodeJS.Process => {
    const call = calls.getStore();
    if (call === undefined || !event.startsWith('SIG')) return ofProcess(event, listener);
    call.signals[name](event, listener);
    return process;
  };
  Object.assign(process, { [name]: ofCall });
}
