/**
 * A simulated rack and a server on it, for a demo. Everything lives in one temporary directory, and nothing outlives this
 * process, however it ends: the children end with their standard input, and a caretaker removes the directory when the
 * last of the three is gone.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { EXIT } from '../api/power.ts';
import { openClient, selfCommand } from './context.ts';
import { Failure } from './failure.ts';

type Starter = ChildProcess & { stdin: Writable; stdout: Readable; stderr: Readable };

export class DemoRack {
  readonly port: string;
  readonly socket: string;
  readonly control: string;
  /** Both children are up; rejects with what the one that failed said. */
  readonly ready: Promise<void>;
  readonly #caretaker: ChildProcess;
  readonly #sim: Starter;
  readonly #server: Starter;

  constructor({ rack, seed, config }: { rack?: string; seed?: string; config?: string }) {
    const directory = mkdtempSync(join(tmpdir(), 'rackui-demo-'));
    this.port = join(directory, 'port');
    this.socket = join(directory, 'rack.sock');
    this.control = join(directory, 'sim.sock');
    const file = rack === undefined ? undefined : resolve(rack);
    const described = config === undefined ? withLogin(file ?? referenceRack(), directory) : resolve(config);
    this.#caretaker = startCaretaker(directory);
    const start = (args: string[]): Starter => startChild(args, this.#caretaker);
    // Both at once: the server finds its port when the simulator has made it.
    this.#sim = start([
      ...['sim', '--exit-with-stdin', '--link', this.port, '--control', this.control],
      ...['--rack', file ?? described],
      ...(seed === undefined ? [] : ['--seed', seed]),
    ]);
    this.#server = start([
      ...['serve', '--exit-with-stdin', '--port', this.port, '--socket', this.socket],
      ...['--state', join(directory, 'state'), '--config', described],
    ]);
    this.ready = this.#bothUp();
    this.ready.catch(() => undefined);
  }

  /** Signals, and the end of either child. */
  untilAskedToLeave(): Promise<number> {
    return new Promise((resolve, reject) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(EXIT.done));
      for (const [name, child] of [
        ['simulator', this.#sim],
        ['server', this.#server],
      ] as const)
        child.once('exit', () => reject(new Failure(EXIT.unavailable, `the demo's ${name} ended`)));
    });
  }

  /** The server first: it closes the pipe while the bus is still there. Then everything is gone. */
  async end(): Promise<void> {
    for (const child of [this.#server, this.#sim, this.#caretaker]) {
      child.stdin?.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  }

  async #bothUp(): Promise<void> {
    await Promise.all([saysReady(this.#sim, 'simulator'), saysReady(this.#server, 'server')]);
    // The server may have looked for the port a moment too early: it need not wait out its back-off.
    const client = await openClient({ socket: this.socket }, 'demo', { autostart: false });
    if (client.welcome.snapshot.bus.state === 'down') await client.request('bus.retry', {});
    client.close();
  }
}

/**
 * The rack's file, and with it the login of its simulated nodes, so that a graceful off works in the demo as it would
 * with a configuration that is complete. A file that cannot be read, or has a login, is left as it is.
 */
function withLogin(file: string, directory: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return file;
  }
  if (/^login:/m.test(text)) return file;
  const password = join(directory, 'password');
  const described = join(directory, 'rack.yaml');
  writeFileSync(password, 'raspberry\n', { mode: 0o600 });
  writeFileSync(described, `${text}\nlogin: { user: pi, password: { file: ${JSON.stringify(password)} } }\n`);
  return described;
}

/** The rack that the documentation shows; it travels with the program. */
function referenceRack(): string {
  return resolve(
    import.meta.dirname,
    import.meta.dirname.endsWith('dist') ? '..' : '../..',
    'src/config/racks/er24a.yaml',
  );
}

/**
 * Removes the directory when nobody holds the other end of its standard input any more: this process and both children
 * do. Its own session, because closing a terminal's window ends everything in the terminal's.
 */
function startCaretaker(directory: string): ChildProcess {
  const script = 'cat >/dev/null; rm -rf -- "$1"';
  return spawn('/bin/sh', ['-c', script, 'sh', directory], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

/** Away from this terminal's signals: {@link DemoRack.end} decides in which order the children go. */
function startChild(args: string[], caretaker: ChildProcess): Starter {
  const [program, ...self] = selfCommand();
  return spawn(program, [...self, ...args], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', caretaker.stdin],
  }) as Starter;
}

async function saysReady(child: Starter, name: string): Promise<void> {
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-2000)));
  await new Promise<void>((resolve, reject) => {
    const failed = (why: string, code: number | null = null): void => {
      // What was wrong with the command line or the configuration is wrong with this one's.
      const exitCode = code === EXIT.usage || code === EXIT.config ? code : EXIT.unavailable;
      reject(new Failure(exitCode, `the demo's ${name} did not start: ${words.trim() || why}`));
    };
    child.once('error', (error) => failed(error.message));
    child.once('close', (code, signal) => failed(`it ended with ${signal ?? `exit code ${code ?? '?'}`}`, code));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (/^ready\b/.test(line)) resolve();
    });
  });
}
