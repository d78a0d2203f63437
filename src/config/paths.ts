/**
 * Where things live: sockets, state, configuration. Environment and user come in as a value, so that tests need no root.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ownUserId, userName } from '../lib/users.ts';
import { findUntrusted } from './trust.ts';

/** What the answers depend on. */
export interface Environment {
  env: Readonly<Record<string, string | undefined>>;
  uid: number;
  home: string;
  /** Directory for temporary files. */
  temp: string;
}

/** The surroundings of this process. */
export function environment(): Environment {
  return { env: process.env, uid: ownUserId(), home: process.env.HOME ?? homedir(), temp: tmpdir() };
}

/** A directory that must be private is not: somebody else could sit on the socket in it. */
class UnsafeDirectory extends Error {}

/** The service's sockets, made by systemd's `RuntimeDirectory=rackui`. */
const SYSTEM_RUNTIME_DIRECTORY = '/run/rackui';

/** `sun_path` of a Unix socket holds 108 bytes with its final zero (unix(7)). */
const MAX_SOCKET_PATH = 107;

/** Logs and state: `$STATE_DIRECTORY` (systemd), `$XDG_STATE_HOME/rackui`, `/var/lib/rackui` for root, `~/.local/state/rackui`. */
export function stateDirectory(around: Environment = environment()): string {
  const { env, uid, home } = around;
  if (env.STATE_DIRECTORY) return env.STATE_DIRECTORY;
  if (env.XDG_STATE_HOME) return join(env.XDG_STATE_HOME, 'rackui');
  return uid === 0 ? '/var/lib/rackui' : join(home, '.local', 'state', 'rackui');
}

/** Files that are looked for when `--config` names none. `$RACKUI_CONFIG` must exist if set; the others may. */
export function configCandidates(around: Environment = environment()): { path: string; required: boolean }[] {
  const { env, home } = around;
  if (env.RACKUI_CONFIG) return [{ path: resolve(env.RACKUI_CONFIG), required: true }];
  const configHome = env.XDG_CONFIG_HOME ? env.XDG_CONFIG_HOME : join(home, '.config');
  return [join(configHome, 'rackui', 'rack.yaml'), '/etc/rackui/rack.yaml'].map((path) => ({ path, required: false }));
}

/** Themes of the user's own: `NAME.json` each. */
export function themeDirectory(around: Environment = environment()): string {
  const { env, home } = around;
  return join(env.XDG_CONFIG_HOME ? env.XDG_CONFIG_HOME : join(home, '.config'), 'rackui', 'themes');
}

/** Where a server started by this user listens. Nothing is created. */
function runtimeDirectory(around: Environment = environment()): string {
  const { env, uid, temp } = around;
  if (env.RUNTIME_DIRECTORY) return env.RUNTIME_DIRECTORY;
  if (env.XDG_RUNTIME_DIR) return join(env.XDG_RUNTIME_DIR, 'rackui');
  return uid === 0 ? SYSTEM_RUNTIME_DIRECTORY : join(temp, `rackui-${uid}`);
}

/**
 * The device path as a file name, different for different paths: `/dev/serial0` → `dev-serial0`. So `--port` of another
 * rack never meets this rack's server.
 */
export function portSlug(port: string): string {
  const path = resolve(port).slice(1);
  const escape = (char: string): string => `%${(char.codePointAt(0) ?? 0).toString(16)}.`;
  return path.replace(/[^A-Za-z0-9._/]/gu, escape).replaceAll('/', '-');
}

/** Control socket of the server that this user would start for `port`. */
export function socketPath(port: string, around: Environment = environment()): string {
  return socketIn(runtimeDirectory(around), port);
}

/** View-only socket beside {@link socketPath}. */
export function viewSocketPath(port: string, around: Environment = environment()): string {
  return viewSocketBeside(socketPath(port, around));
}

/** `x.sock` → `x.view.sock`; also for a socket that was named by hand. */
export function viewSocketBeside(socket: string): string {
  return `${socket.replace(/\.sock$/, '')}.view.sock`;
}

/** Where a client looks for the server of `port`, in order: the system's, then the user's. */
export function socketCandidates(port: string, around: Environment = environment()): string[] {
  return [...new Set([socketIn(SYSTEM_RUNTIME_DIRECTORY, port), socketPath(port, around)])];
}

function socketIn(directory: string, port: string): string {
  const slug = portSlug(port);
  const path = join(directory, `${slug}.sock`);
  if (Buffer.byteLength(viewSocketBeside(path)) <= MAX_SOCKET_PATH) return path;
  return join(directory, `${createHash('sha256').update(slug).digest('hex').slice(0, 16)}.sock`);
}

/** `/run/rackui` and systemd's directories are an operators' group's business; every other directory must be the user's own. */
export function ensureRuntimeDirectory(directory: string, around: Environment = environment()): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (directory === SYSTEM_RUNTIME_DIRECTORY || directory === around.env.RUNTIME_DIRECTORY) return;
  const stat = lstatSync(directory);
  if (!stat.isDirectory())
    throw new UnsafeDirectory(`${directory} is not a directory: remove it, or name a socket with --socket`);
  if (stat.uid !== around.uid)
    throw new UnsafeDirectory(
      `${directory} belongs to user id ${stat.uid}, not to you (${around.uid}): name a socket of your own with --socket`,
    );
  if ((stat.mode & 0o022) !== 0)
    throw new UnsafeDirectory(
      `${directory} can be written by others: chmod 700 ${directory}, or name a socket with --socket`,
    );
  const way = findUntrusted(directory, [around.uid]);
  if (way !== null)
    throw new UnsafeDirectory(
      `${directory} is not safe for a socket: ${way}, so others could replace it; name a socket elsewhere with --socket`,
    );
}

/** The user that the service runs as: the owner of the system's runtime directory, which only root can have made. */
export function serviceUser(): number | null {
  try {
    const stat = lstatSync(SYSTEM_RUNTIME_DIRECTORY);
    return stat.isDirectory() && findUntrusted(dirname(SYSTEM_RUNTIME_DIRECTORY), []) === null ? stat.uid : null;
  } catch {
    return null;
  }
}

/**
 * Returns why the server behind a socket is not believed, or null: it is, or no such socket can be seen. Keys and
 * passwords are typed at it, so it and every folder on its way must belong to this user, root or the service's user.
 * `named`: the operator named this socket, so its owner may be another user, unless it lies where everybody can put one.
 * `group`: the group id that the configuration lets control; its members can give a socket to it, nobody else.
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
    return `the socket ${path} is not believed, because ${way} (user ${userName(stat.uid)} made the socket): whoever listens there would be shown your commands and what you type. Remove it, or set XDG_RUNTIME_DIR to a directory of your own`;
  } catch {
    return null;
  }
}
