/** Paths of sockets, state and configuration. Environment and user come in as values, so that tests need no root. */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ownUserId, userName } from '../lib/users.ts';
import { findUntrusted } from './trust.ts';

/** The environment that the paths depend on. */
export interface Environment {
  env: Readonly<Record<string, string | undefined>>;
  uid: number;
  home: string;
  /** Directory for temporary files. */
  temp: string;
}

/** Returns the environment of this process. */
export function environment(): Environment {
  return { env: process.env, uid: ownUserId(), home: process.env.HOME ?? homedir(), temp: tmpdir() };
}

/** A directory that must be private is not: another user could replace the socket in it. */
class UnsafeDirectory extends Error {}

/** Directory of the service's sockets, made by systemd's `RuntimeDirectory=rackui`. */
const SYSTEM_RUNTIME_DIRECTORY = '/run/rackui';

/** Maximum of a socket path, bytes: `sun_path` holds 108 with its final zero (unix(7)). */
const MAX_SOCKET_PATH = 107;

/**
 * Returns the directory of logs and state: `$STATE_DIRECTORY` (systemd), `$XDG_STATE_HOME/rackui`, `/var/lib/rackui`
 * for root, `~/.local/state/rackui`.
 */
export function stateDirectory(around: Environment = environment()): string {
  const { env, uid, home } = around;
  if (env.STATE_DIRECTORY) return env.STATE_DIRECTORY;
  if (env.XDG_STATE_HOME) return join(env.XDG_STATE_HOME, 'rackui');
  return uid === 0 ? '/var/lib/rackui' : join(home, '.local', 'state', 'rackui');
}

/**
 * Returns the directory of the console logs of one rack's server: in `$LOGS_DIRECTORY` (systemd), else in its state
 * directory.
 */
export function consoleLogDirectory(stateDir: string, port: string, around: Environment = environment()): string {
  const { LOGS_DIRECTORY: logs } = around.env;
  return logs ? join(logs, portSlug(port)) : join(stateDir, 'consoles');
}

/** Lists the files to try without `--config`. `$RACKUI_CONFIG` must exist if set; the others may. */
export function configCandidates(around: Environment = environment()): { path: string; required: boolean }[] {
  const { env, home } = around;
  if (env.RACKUI_CONFIG) return [{ path: resolve(env.RACKUI_CONFIG), required: true }];
  const configHome = env.XDG_CONFIG_HOME ? env.XDG_CONFIG_HOME : join(home, '.config');
  return [join(configHome, 'rackui', 'rack.yaml'), '/etc/rackui/rack.yaml'].map((path) => ({ path, required: false }));
}

/** Returns the directory of the user's themes, `NAME.json` each. */
export function themeDirectory(around: Environment = environment()): string {
  const { env, home } = around;
  return join(env.XDG_CONFIG_HOME ? env.XDG_CONFIG_HOME : join(home, '.config'), 'rackui', 'themes');
}

/** Returns the directory of the sockets of a server that this user starts. Creates nothing. */
function runtimeDirectory(around: Environment = environment()): string {
  const { env, uid, temp } = around;
  if (env.RUNTIME_DIRECTORY) return env.RUNTIME_DIRECTORY;
  if (env.XDG_RUNTIME_DIR) return join(env.XDG_RUNTIME_DIR, 'rackui');
  return uid === 0 ? SYSTEM_RUNTIME_DIRECTORY : join(temp, `rackui-${uid}`);
}

/**
 * Converts a device path into a file name, different for different paths: `/dev/serial0` → `dev-serial0`. So `--port`
 * of another rack never reaches this rack's server.
 */
export function portSlug(port: string): string {
  const path = resolve(port).slice(1);
  const escape = (char: string): string => `%${(char.codePointAt(0) ?? 0).toString(16)}.`;
  return path.replace(/[^A-Za-z0-9._/]/gu, escape).replaceAll('/', '-');
}

/** Returns the control socket of the server that this user would start for `port`. */
export function socketPath(port: string, around: Environment = environment()): string {
  return socketIn(runtimeDirectory(around), port);
}

/** Returns the view-only socket beside {@link socketPath}. */
export function viewSocketPath(port: string, around: Environment = environment()): string {
  return viewSocketBeside(socketPath(port, around));
}

/** Converts `x.sock` → `x.view.sock`; also for a socket given by an operator. A view-only socket stays as it is. */
export function viewSocketBeside(socket: string): string {
  return `${socket.replace(/(?:\.view)?\.sock$/, '')}.view.sock`;
}

/** Lists the sockets at which a client looks for the server of `port`, in order: the system's, then the user's. */
export function socketCandidates(port: string, around: Environment = environment()): string[] {
  return [...new Set([socketIn(SYSTEM_RUNTIME_DIRECTORY, port), socketPath(port, around)])];
}

function socketIn(directory: string, port: string): string {
  const slug = portSlug(port);
  const path = join(directory, `${slug}.sock`);
  if (Buffer.byteLength(viewSocketBeside(path)) <= MAX_SOCKET_PATH) return path;
  return join(directory, `${createHash('sha256').update(slug).digest('hex').slice(0, 16)}.sock`);
}

/**
 * Creates a directory for sockets and checks that it is the user's own. `/run/rackui` and systemd's directories
 * belong to a group of operators, and are not checked. @throws UnsafeDirectory
 */
export function ensureRuntimeDirectory(directory: string, around: Environment = environment()): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (directory === SYSTEM_RUNTIME_DIRECTORY || directory === around.env.RUNTIME_DIRECTORY) return;
  const stat = lstatSync(directory);
  if (!stat.isDirectory())
    throw new UnsafeDirectory(`${directory} is not a directory: remove it, or set a socket with --socket`);
  if (stat.uid !== around.uid)
    throw new UnsafeDirectory(
      `${directory} belongs to user id ${stat.uid}, not to you (${around.uid}): set another socket with --socket`,
    );
  if ((stat.mode & 0o022) !== 0)
    throw new UnsafeDirectory(
      `${directory} is writable by others: chmod 700 ${directory}, or set a socket with --socket`,
    );
  const way = findUntrusted(directory, [around.uid]);
  if (way !== null)
    throw new UnsafeDirectory(
      `${directory} is not safe for a socket: ${way}, so others could replace it; set another socket with --socket`,
    );
}

/**
 * Returns the user id of the service: the owner of the system's runtime directory, which only root can have made;
 * null: there is none.
 */
export function serviceUser(): number | null {
  try {
    const stat = lstatSync(SYSTEM_RUNTIME_DIRECTORY);
    return stat.isDirectory() && findUntrusted(dirname(SYSTEM_RUNTIME_DIRECTORY), []) === null ? stat.uid : null;
  } catch {
    return null;
  }
}

/**
 * Returns the reason not to trust the server behind a socket; null: it is trusted, or no such socket can be seen.
 * Keys and passwords are typed at it, so it and every folder on its way must belong to this user, root or the
 * service's user. `named`: the operator named this socket, so its owner may be another user, unless it lies in a
 * folder where every user can create one. `group`: the id of the configured control group, whose members alone can
 * give it a socket.
 */
export function distrustSocket(
  path: string,
  { uid, named, group }: { uid: number; named: boolean; group?: number | null },
): string | null {
  const service = serviceUser();
  const own = service === null ? [uid] : [uid, service];
  try {
    const stat = lstatSync(path);
    const shared = named || (group !== undefined && group !== null && stat.gid === group);
    const way = findUntrusted(path, shared ? [...own, stat.uid] : own, own);
    if (way === null) return null;
    return `the socket ${path} is not trusted, because ${way} (user ${userName(stat.uid)} created the socket): its owner could read your commands and keys. Remove it, or set XDG_RUNTIME_DIR to a directory of your own`;
  } catch {
    return null;
  }
}
