/** `rackui serve` as a process of its own, for tests of what only a process has: signals, exit codes, locks, devices. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type RackClient } from '../../src/client/client.ts';
import { PROGRAM } from '../support/program.ts';
import { Operator } from './harness.ts';

/** Two cores may be busy with other tests. */
const WAIT_MS = 20_000;

export interface ServeOptions {
  port: string;
  /** Text of a configuration file, or none. */
  config?: string;
  args?: string[];
  /** A directory of an earlier server: its sockets and state are used again. */
  dir?: string;
}

export class ServeProcess implements AsyncDisposable {
  readonly dir: string;
  readonly socket: string;
  readonly stateDir: string;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  /** Everything it printed, both streams. */
  said = '';
  readonly #child: ChildProcess;
  readonly #clients: RackClient[] = [];
  readonly #owns: boolean;
  #over = false;
  #heard: () => void = () => undefined;

  constructor({ port, config, args = [], dir }: ServeOptions) {
    this.#owns = dir === undefined;
    this.dir = dir ?? mkdtempSync(join(tmpdir(), 'rackui-test-serve-'));
    this.socket = join(this.dir, 'control.sock');
    this.stateDir = join(this.dir, 'state');
    const file = join(this.dir, 'rack.yaml');
    writeFileSync(file, config ?? 'name: test\n');
    this.#child = spawn(
      process.execPath,
      // oxfmt-ignore
      [PROGRAM, 'serve', '--config', file, '--port', port, '--socket', this.socket, '--state', this.stateDir, ...args],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.said += chunk.toString();
        this.#heard();
      });
    this.exited = new Promise((resolve) =>
      // Not 'exit': what it said last must be here.
      this.#child.once('close', (code, signal) => {
        this.#over = true;
        this.#heard();
        resolve({ code, signal });
      }),
    );
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when clients can connect. */
  async ready(): Promise<this> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (/^ready socket=/m.test(this.said)) resolve();
        else if (this.#over) reject(new Error(`the server ended:\n${this.said}`));
      };
      timer = setTimeout(() => reject(new Error(`the server is not ready:\n${this.said}`)), WAIT_MS);
      this.#heard = look;
      look();
    });
    clearTimeout(timer);
    return this;
  }

  async connect(user = 'alice'): Promise<Operator> {
    const client = await connect(this.socket, { user, from: null, tty: null, program: 'interface', pid: process.pid });
    this.#clients.push(client);
    return new Operator(client);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  endStdin(): void {
    this.#child.stdin?.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    if (!this.#over) {
      this.kill('SIGTERM');
      const stubborn = setTimeout(() => this.kill('SIGKILL'), 5_000);
      await this.exited;
      clearTimeout(stubborn);
    }
    if (this.#owns) rmSync(this.dir, { recursive: true, force: true });
  }
}
