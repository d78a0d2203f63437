/**
 * The real program on a stand: a simulated rack and a server on it, both outside of the tests' process, in a directory of
 * their own that goes with them. For end-to-end tests and measurements; needs a built program.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type RackClient } from '../../src/client/client.ts';
import { startRack, startRackInProcess, type RackOptions, type TestRack } from './rack.ts';
import { PROGRAM } from './program.ts';
import { openTerminal, type TerminalOptions, type TestTerminal } from './terminal.ts';

export { PROGRAM };
export const REFERENCE_RACK = fileURLToPath(new URL('../../src/config/racks/er24a.yaml', import.meta.url));

/** A rack in this process is unplugged when nobody has its device open any more: a server must not inherit it. */
const WITHOUT_OUR_FILES =
  'for file in /proc/$$/fd/*; do n=${file##*/}; [ "$n" -gt 2 ] && eval "exec $n>&-"; done 2>/dev/null; exec "$@"';

/** `nodes:` of a configuration, n0 to n7; `more`: what else is said of some of them. */
export function eightNodes(more: Readonly<Record<number, string>> = {}): string {
  const nodes = Array.from({ length: 8 }, (_, n) => [`addr: "0${n}"`, `name: n${n}`, ...(more[n] ? [more[n]] : [])]);
  return ['nodes:', ...nodes.map((fields) => `  - { ${fields.join(', ')} }`)].join('\n');
}

/** Reads the entries of a server's audit log. */
export function readAudit(stateDir: string): Record<string, unknown>[] {
  return readFileSync(join(stateDir, 'audit.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

export interface StandOptions {
  /** Options of the simulated rack. */
  sim?: string[];
  /** Text of a configuration for the server; none: it discovers. */
  config?: string;
  /** More of the server's environment. */
  env?: NodeJS.ProcessEnv;
  /** A program with arguments that starts the server, whose command follows, in its own place. */
  through?: string[];
  /** The rack's inside: then it runs in this process, not in one of its own. */
  watch?: NonNullable<RackOptions['watch']>;
}

export interface Stand extends AsyncDisposable {
  readonly rack: TestRack;
  readonly folder: string;
  readonly socket: string;
  readonly viewSocket: string;
  readonly serverPid: number;
  /** A session of the given program; `view`: on the view-only socket. */
  client(program?: string, view?: boolean): Promise<RackClient>;
  /** The full-screen interface in a pseudo-terminal. */
  open(options?: TerminalOptions & { args?: string[] }): TestTerminal;
  /** Ends the server at once, as a crash would, or with another signal. */
  killServer(signal?: NodeJS.Signals): Promise<void>;
  startServer(): Promise<void>;
  /** Stops the server (SIGSTOP, as a swapping or suspended machine stops it) until `during` is over. */
  whileStopped(during: () => Promise<void>): Promise<void>;
  /** From now on nothing makes a file of the server's longer. */
  fillDisk(): void;
  /** The audit log's entries, as they are on the disk. */
  audit(): Record<string, unknown>[];
}

/** A stand whose server has read the whole rack. */
export async function sweptStand(options: StandOptions = {}): Promise<Stand> {
  const swept = await stand(options);
  const client = await swept.client();
  await client.request('sweep', { addrs: null, interrupt: false });
  return swept;
}

/** Opens the interface of the server on a stand in a pseudo-terminal. */
export function openInterface(
  { socket, folder }: Pick<Stand, 'socket' | 'folder'>,
  { args = [], ...options }: Parameters<Stand['open']>[0] = {},
): TestTerminal {
  return openTerminal(process.execPath, [PROGRAM, '--socket', socket, ...args], {
    ...options,
    // The layout that this machine's user has chosen must not leak in, nor ours out.
    env: { XDG_STATE_HOME: folder, ...options.env },
  });
}

export async function stand({ sim = [], config, env = {}, through = [], watch }: StandOptions = {}): Promise<Stand> {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-stand-'));
  const socket = join(folder, 'rack.sock');
  const viewSocket = join(folder, 'rack.view.sock');
  const configFile = join(folder, 'rack.yaml');
  if (config !== undefined) writeFileSync(configFile, config);
  // The nodes call themselves what the configuration calls them.
  const named = config !== undefined && /^nodes:/m.test(config) ? ['--rack', configFile] : [];
  const simArgs = [...named, ...sim];
  const rack = await (watch ? startRackInProcess({ args: simArgs, watch }) : startRack({ args: simArgs }));
  const args = [PROGRAM, 'serve', '--exit-with-stdin', '--port', rack.link, '--socket', socket, '--state', folder];
  const clients: RackClient[] = [];
  let server: ChildProcess;

  async function startServer(): Promise<void> {
    const command = [...through, process.execPath, ...args, ...(config === undefined ? [] : ['--config', configFile])];
    const [program = '', ...rest] = watch ? ['bash', '-c', WITHOUT_OUR_FILES, 'bash', ...command] : command;
    const child = spawn(program, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      // A configuration of this machine's user must not leak in.
      env: { ...process.env, RACKUI_CONFIG: undefined, XDG_CONFIG_HOME: folder, XDG_STATE_HOME: folder, ...env },
    });
    server = child;
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        if (/^ready/m.test((said += chunk.toString()))) resolve();
      });
      child.once('exit', () => reject(new Error(`the server ended at once:\n${said}`)));
    });
  }

  async function ended(): Promise<void> {
    if (server.exitCode === null && server.signalCode === null)
      await new Promise((resolve) => server.once('exit', resolve));
  }

  await startServer();
  return {
    rack,
    folder,
    socket,
    viewSocket,
    get serverPid() {
      return server.pid ?? 0;
    },
    async client(program = 'test', view = false) {
      const who = { user: program, from: null, tty: null, program, pid: process.pid };
      const client = await connect(view ? viewSocket : socket, who);
      clients.push(client);
      return client;
    },
    open: (terminal) => openInterface({ socket, folder }, terminal),
    async killServer(signal = 'SIGKILL') {
      server.kill(signal);
      await ended();
    },
    startServer,
    async whileStopped(during) {
      server.kill('SIGSTOP');
      await during().finally(() => server.kill('SIGCONT'));
    },
    fillDisk: () => void execFileSync('prlimit', ['--pid', String(server.pid), '--fsize=1:1']),
    audit: () => readAudit(folder),
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      server.stdin?.end();
      await ended();
      await rack.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
