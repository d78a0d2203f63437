/** Finds the server of a rack; where none answers, starts one in the background, as tmux does. */
import { spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  type FSWatcher,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClientIdentity } from '../api/methods.ts';
import { EXIT } from '../api/power.ts';
import { distrustSocket, ensureRuntimeDirectory, viewSocketBeside } from '../config/paths.ts';
import { findAnnounced, isAnnounced, listedName } from '../config/server-announcement.ts';
import { watchFolder } from '../lib/file-watch.ts';
import { ownUserId, userName } from '../lib/users.ts';
import { connect, type RackClient } from './client.ts';
import { describeSilent, earlyEnd, holderOf, type MachineSource, thisMachine } from './process-lifetime.ts';

export interface ConnectOptions {
  /** Sockets to try, in order. */
  sockets: readonly string[];
  who: ClientIdentity;
  /** True where the operator named the sockets. */
  named?: boolean;
  /** The bus's device: its server is also found by its announcement. Null: only `sockets` count. */
  port?: string | null;
  /** Resolves the configured control group; called only where a server is another user's. */
  group?: () => Promise<number | null>;
  viewOnly?: boolean;
  /** Called when all that is missing is a server's answer, or the start of one: what else there is to do can be done. */
  begun?: (() => void) | undefined;
  /** Called once before a server is started that systemd will end early. */
  warn?: (text: string) => void;
  machine?: MachineSource;
  /** Ends the search: a client that has ended must start no server. */
  signal?: AbortSignal | undefined;
  /** Command for a server that will listen on the last of `sockets`; null: start none. */
  start: ServerStart | null;
}

export interface ServerStart {
  /** Program and arguments up to and including `serve`. */
  command: readonly [string, ...string[]];
  /** The socket that it will listen on. */
  socket: string;
  /** Directory for its output, which is shown when it does not come up. */
  stateDir: string;
}

/** There is no server, and none could be started; the message has the reason and what to do next. */
export class ServerUnavailable extends Error {
  /** Exit code of the server that was to be started, where it is 78 (a wrong configuration), else 5. */
  readonly exitCode: number;
  constructor(message: string, exitCode: number = EXIT.unavailable) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Time within which a server that runs answers, ms. */
const ANSWER_LIMIT_MS = 5_000;
/**
 * Time limit of a server's start while its process lives, ms. On a quiet Raspberry Pi one answers within about a second; while that
 * machine starts, or its card is busy, many times later.
 */
const START_LIMIT_MS = 30_000;
/** Time for another server that won the race to listen, after our own has ended, ms. */
const RACE_LIMIT_MS = 4_000;
/** Time for a starting service, whose directory exists and whose socket does not yet, ms. */
const SERVICE_START_MS = 1_500;
/** Interval of tries, ms; connecting to a missing socket costs microseconds. */
const RETRY_MS = 10;
/** Time between tries to connect while the socket's folder is watched and nothing changes in it, ms. */
const UNWATCHED_MS = 100;
const MAX_OUTPUT_BYTES = 256 * 1024;

/** Connects to the server, and starts one where there is none. @throws ServerUnavailable, RpcFailure */
export async function connectOrStart(options: ConnectOptions): Promise<RackClient> {
  const found = await findServer(options);
  if (found !== null) return found;
  const { sockets, port = null, start, viewOnly } = options;
  const none = `no rackui server answers at ${sockets.join(' or ')}`;
  if (viewOnly === true)
    throw new ServerUnavailable(`${none}, and --view-only starts none: start one with 'rackui serve'`);
  if (start === null)
    throw new ServerUnavailable(`${none}: start one with 'rackui serve', or leave out --socket to have one started`);
  const late = port === null ? null : await awaitSilent(port, options);
  if (late !== null) return late;
  const refusal = port === null ? null : refuseStart(port);
  if (refusal !== null) throw new ServerUnavailable(`${none}, and ${refusal}`);
  const service = await awaitService(options);
  if (service !== null) return service;
  options.signal?.throwIfAborted();
  const end = earlyEnd(options.machine ?? thisMachine, userName());
  if (end !== null)
    options.warn?.(`a server is started in the background, and it ${end.when}. To keep one: ${end.todo}`);
  return startServer(start, options);
}

/** Tries the sockets, then the announcement of the port's server. Null: none. */
async function findServer({
  sockets,
  who,
  named = false,
  port = null,
  group,
  viewOnly,
  begun,
}: ConnectOptions): Promise<RackClient | null> {
  for (const socket of sockets) {
    const client = await tryConnect(socket, who, { named, begun });
    if (client !== null) return client;
  }
  const announced = port === null ? null : await findAnnounced(port);
  if (announced === null) return null;
  const { pid, user, socket, uid } = announced;
  const me = ownUserId();
  // Root may trust every user who may use the port: it is the server of this rack.
  const believed = me === 0 || uid === 0 || uid === me;
  const gid = believed ? null : await group?.();
  const target = viewOnly === true ? viewSocketBeside(socket) : socket;
  try {
    return await tryConnect(target, who, { named: me === 0, group: gid ?? null, begun });
  } catch (error) {
    if (!(error instanceof ServerUnavailable)) throw error;
    throw new ServerUnavailable(
      `the bus on ${port ?? ''} is used by the rackui server of user ${user} (pid ${pid}), and this program cannot connect to it: ${error.message}`,
    );
  }
}

/**
 * Waits for a server that has the port and does not announce itself. Null: there is none; a process that took its
 * name without the port keeps no server from starting. @throws ServerUnavailable where it hangs: another would not
 * get the bus
 */
async function awaitSilent(port: string, options: ConnectOptions): Promise<RackClient | null> {
  const began = performance.now();
  for (;;) {
    const pid = holderOf(listedName(port), port);
    if (pid === null || (await isAnnounced(port))) return null;
    const silentMs = performance.now() - began;
    if (silentMs > ANSWER_LIMIT_MS) {
      const silent = describeSilent(pid, `has not answered for ${Math.round(silentMs / 1000)} s`);
      throw new ServerUnavailable(`the bus on ${port} is used by a rackui server: ${silent}`);
    }
    const client = await findServer(options);
    if (client !== null) return client;
    options.signal?.throwIfAborted();
  }
}

/**
 * Returns the reason why this user may not start a server, or null. A port that does not exist yet is waited for by
 * the server.
 */
function refuseStart(port: string): string | null {
  try {
    accessSync(port, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM'))
      return `user ${userName()} may not open ${port}, so no server is started: run a service ('rackui serve' as a user of the port's group), or join the group (ls -lL ${port}) and log in again`;
  }
  return null;
}

/** Waits for the system's server while its directory exists. Null: there is none. */
async function awaitService(options: ConnectOptions): Promise<RackClient | null> {
  const [system, own] = [options.sockets[0], options.sockets.at(-1)];
  if (system === undefined || system === own || !existsSync(dirname(system))) return null;
  const began = performance.now();
  for (;;) {
    const client = await findServer(options);
    if (client !== null) return client;
    options.signal?.throwIfAborted();
    const waited = performance.now() - began;
    const limit = existsSync(system) ? ANSWER_LIMIT_MS : isServices(dirname(system)) ? SERVICE_START_MS : 0;
    if (waited < limit) await delay(RETRY_MS * 5);
    else if (!existsSync(system)) return null;
    else
      throw new ServerUnavailable(
        `the system's rackui server has its socket at ${system} and does not answer: see 'systemctl status rackui'; if no server runs, remove the socket`,
      );
  }
}

/** True for a directory of the service: systemd creates it when the service starts, and removes it at its end. */
function isServices(directory: string): boolean {
  const stat = lstatSync(directory, { throwIfNoEntry: false });
  return stat !== undefined && stat.uid !== 0;
}

/** Connects to a socket; null: no listener. Rejects where this user may not connect, or the server refuses. */
async function tryConnect(
  socket: string,
  who: ClientIdentity,
  { named, group, begun }: { named: boolean; group?: number | null; begun?: (() => void) | undefined },
): Promise<RackClient | null> {
  const distrust = distrustSocket(socket, { uid: ownUserId(), named, group: group ?? null });
  if (distrust !== null) throw new ServerUnavailable(distrust);
  try {
    return await connect(socket, who, begun);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    // ENOTSOCK means a file of another program: the server will report it.
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return null;
    if (code === 'EACCES' || code === 'EPERM')
      throw new ServerUnavailable(
        `the rackui server at ${socket} belongs to ${ownerOf(socket)}, and you have no access: join the group that owns the socket (ls -l ${socket}) and log in again, or the group of view-only sessions (server.viewOnly.group) and use --view-only`,
      );
    throw error;
  }
}

/** Returns the owner of the nearest visible part of the path: `pi`, `user id 1003`. */
function ownerOf(path: string): string {
  try {
    const { uid } = statSync(path);
    return userName(uid);
  } catch {
    return path === '/' ? 'another user' : ownerOf(dirname(path));
  }
}

async function startServer({ command, socket, stateDir }: ServerStart, options: ConnectOptions): Promise<RackClient> {
  ensureRuntimeDirectory(dirname(socket));
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const outputPath = join(stateDir, 'server.out');
  const output = openOutput(outputPath);
  const [program, ...args] = command;
  const changes = new FolderChanges(dirname(socket));
  // A session of its own: it must survive the terminal and the SSH connection that started it.
  // Where the client is part of a service, that service's readiness is not the server's to report.
  const env = { ...process.env, NOTIFY_SOCKET: undefined };
  const child = spawn(program, args, { detached: true, stdio: ['ignore', output.fd, output.fd], cwd: '/', env });
  closeSync(output.fd);
  let ended: string | null = null;
  let exitCode: number = EXIT.unavailable;
  child.once('error', (error) => {
    ended = error.message;
    changes.wake();
  });
  child.once('exit', (code, signal) => {
    ended = signal ?? `exit code ${code ?? '?'}`;
    if (code === EXIT.config) exitCode = code;
    changes.wake();
  });
  child.unref();
  options.begun?.();

  const began = performance.now();
  let limit = began + START_LIMIT_MS;
  let noticed = false;
  try {
    for (;;) {
      // Another server that won the race may listen elsewhere.
      const client =
        whyEnded() === null ? await tryConnect(socket, options.who, { named: false }) : await findServer(options);
      if (client !== null) return client;
      if (whyEnded() !== null && !noticed) {
        noticed = true;
        limit = Math.min(limit, performance.now() + RACE_LIMIT_MS);
      }
      if (performance.now() > limit)
        throw new ServerUnavailable(notUp(whyEnded(), lastWords(outputPath, output.from), outputPath), exitCode);
      await (whyEnded() === null ? changes.next() : delay(RETRY_MS));
    }
  } finally {
    changes.close();
  }

  function whyEnded(): string | null {
    return ended;
  }
}

/**
 * Waits for changes in the folder in which a server makes its socket, and gives it its mode once it listens: a try to
 * connect every few milliseconds would take the processor from the server.
 */
class FolderChanges {
  /** Null: the folder cannot be watched, or not any more. */
  #watcher: FSWatcher | null;
  #changed = false;
  #resolve: () => void = () => undefined;

  constructor(folder: string) {
    this.#watcher = watchFolder(folder, () => this.wake());
    this.#watcher?.on('error', () => this.close());
  }

  /** Resolves after the next change since the last call, or after a moment. */
  async next(): Promise<void> {
    if (!this.#changed) {
      const wait = new Promise<void>((resolve) => (this.#resolve = resolve));
      const timer = setTimeout(() => this.#resolve(), this.#watcher === null ? RETRY_MS : UNWATCHED_MS);
      await wait;
      clearTimeout(timer);
    }
    this.#changed = false;
  }

  /** Ends the wait, as a change does. */
  wake(): void {
    this.#changed = true;
    this.#resolve();
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }
}

function notUp(ended: string | null, words: string, outputPath: string): string {
  const what =
    ended === null
      ? `the started server does not answer after ${START_LIMIT_MS / 1000} s`
      : `the started server ended (${ended})`;
  return words === '' ? `${what}; see ${outputPath}` : `${what}: ${words}`;
}

/**
 * Opens the output for appending, so that two clients at once do not destroy each other's; empties it when it has
 * grown.
 */
function openOutput(path: string): { fd: number; from: number } {
  const fd = openSync(path, 'a', 0o600);
  const { size } = fstatSync(fd);
  if (size <= MAX_OUTPUT_BYTES) return { fd, from: size };
  closeSync(fd);
  return { fd: openSync(path, 'w', 0o600), from: 0 };
}

function lastWords(path: string, from: number): string {
  const text = readFileSync(path).subarray(from).toString('utf8');
  return text.trimEnd().split('\n').slice(-3).join('\n');
}

/** Returns the client's identity, as shown to others and written to logs. */
export function identity(program: string, env: NodeJS.ProcessEnv, tty: string | null): ClientIdentity {
  const from = (env.SSH_CONNECTION ?? env.SSH_CLIENT ?? '').split(' ')[0] ?? '';
  return { user: userName(), from: from === '' ? null : from, tty, program, pid: process.pid };
}
