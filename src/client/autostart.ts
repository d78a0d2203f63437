/** Finds the server of a rack; where nobody answers, starts one in the background, as tmux does. */
import { spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT } from '../api/power.ts';
import type { ClientIdentity } from '../api/protocol.ts';
import { ensureRuntimeDirectory } from '../config/paths.ts';
import { connect, type RackClient } from './client.ts';

export interface ConnectOptions {
  /** Sockets to try, in order. */
  sockets: readonly string[];
  who: ClientIdentity;
  /** How to start a server that will listen on the last of `sockets`, or null: only look. */
  start: ServerStart | null;
}

export interface ServerStart {
  /** Program and arguments up to and including `serve`. */
  command: readonly [string, ...string[]];
  /** The socket it will listen on. */
  socket: string;
  /** For its output, which is shown when it does not come up. */
  stateDir: string;
}

/** No server, and none could be started: says why and what next. */
export class ServerUnavailable extends Error {
  /** What the server that was to be started ended with (78: a wrong configuration), else 5. */
  readonly exitCode: number;
  constructor(message: string, exitCode: number = EXIT.unavailable) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A server on a Raspberry Pi answers within about a second. */
const START_LIMIT_MS = 5_000;
/** After our own server gave up, another that won the race needs this long to listen. */
const RACE_LIMIT_MS = 1_500;
/** Connecting to a socket that is not there costs microseconds. */
const RETRY_MS = 10;
const MAX_OUTPUT_BYTES = 256 * 1024;

/** @throws ServerUnavailable, RpcFailure */
export async function connectOrStart({ sockets, who, start }: ConnectOptions): Promise<RackClient> {
  for (const socket of sockets) {
    const client = await tryConnect(socket, who);
    if (client !== null) return client;
  }
  if (start === null)
    throw new ServerUnavailable(
      `no rackui server answers at ${sockets.join(' or ')}: start one with 'rackui serve', or leave out --socket to have one started`,
    );
  return startServer(start, who);
}

/** Null where nobody listens; an error where somebody does and we may not, or where the server refuses. */
async function tryConnect(socket: string, who: ClientIdentity): Promise<RackClient | null> {
  try {
    return await connect(socket, who);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    // ENOTSOCK would be a file that is not ours: the server will refuse it in its own words.
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return null;
    if (code === 'EACCES' || code === 'EPERM')
      throw new ServerUnavailable(
        `the rackui server at ${socket} belongs to ${ownerOf(socket)}, and you may not use it: ask for membership of the group that owns the socket (ls -l ${socket}) and log in again, or look with --view-only`,
      );
    throw error;
  }
}

/** Who owns the nearest part of the path that can be seen: `pi`, `user id 1003`. */
function ownerOf(path: string): string {
  try {
    const { uid } = statSync(path);
    const entry = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .find((fields) => fields[2] === String(uid));
    return entry?.[0] ?? `user id ${uid}`;
  } catch {
    return path === '/' ? 'another user' : ownerOf(dirname(path));
  }
}

async function startServer({ command, socket, stateDir }: ServerStart, who: ClientIdentity): Promise<RackClient> {
  ensureRuntimeDirectory(dirname(socket));
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const outputPath = join(stateDir, 'server.out');
  const output = openOutput(outputPath);
  const [program, ...args] = command;
  // Its own session: it must survive the terminal and the SSH connection that happened to start it.
  const child = spawn(program, args, { detached: true, stdio: ['ignore', output.fd, output.fd], cwd: '/' });
  closeSync(output.fd);
  let ended: string | null = null;
  let exitCode: number = EXIT.unavailable;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => {
    ended = signal ?? `exit code ${code ?? '?'}`;
    if (code === EXIT.config) exitCode = code;
  });
  child.unref();

  const began = performance.now();
  let limit = began + START_LIMIT_MS;
  let noticed = false;
  for (;;) {
    const client = await tryConnect(socket, who);
    if (client !== null) return client;
    if (whyEnded() !== null && !noticed) {
      noticed = true;
      limit = Math.min(limit, performance.now() + RACE_LIMIT_MS);
    }
    if (performance.now() > limit)
      throw new ServerUnavailable(notUp(whyEnded(), lastWords(outputPath, output.from), outputPath), exitCode);
    await delay(RETRY_MS);
  }

  function whyEnded(): string | null {
    return ended;
  }
}

function notUp(ended: string | null, words: string, outputPath: string): string {
  const what =
    ended === null
      ? `the server that was started does not answer after ${START_LIMIT_MS / 1000} s`
      : `the server that was started ended (${ended})`;
  return words === '' ? `${what}; see ${outputPath}` : `${what}: ${words}`;
}

/** Appends, so that two clients at once do not destroy each other's words; starts anew when it has grown. */
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

/** The user, as everything that is written down about this client names them. */
export function identity(program: string, env: NodeJS.ProcessEnv, tty: string | null): ClientIdentity {
  const from = (env.SSH_CONNECTION ?? env.SSH_CLIENT ?? '').split(' ')[0] ?? '';
  return { user: userInfo().username, from: from === '' ? null : from, tty, program, pid: process.pid };
}
