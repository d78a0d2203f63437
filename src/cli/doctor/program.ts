/** Checks the program's environment: versions, clock, configuration, directories, sockets. */
import { accessSync, constants, existsSync, lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { configSentences, type ConfigStatus } from '../../api/configuration.ts';
import type { ServerFinding, ServerInfo } from '../../api/methods.ts';
import { earlyEnd } from '../../client/process-lifetime.ts';
import { ConfigError, loadConfig, type LoadedConfig } from '../../config/load.ts';
import { configCandidates, socketPath } from '../../config/paths.ts';
import { count } from '../../lib/words.ts';
import { type Check, failure, type Machine, ok, warning } from './machine.ts';

/** Node's oldest release that this program runs on (package.json, `engines`). */
const NODE_NEEDED = [20, 19] as const;
/** Date of this program: an earlier clock is wrong. */
const WRITTEN = Date.UTC(2026, 0, 1);

export function versionChecks(node: string, program: string, server: string | null): Check[] {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const [needMajor, needMinor] = NODE_NEEDED;
  const runs = major > needMajor || (major === needMajor && minor >= needMinor);
  return [
    runs
      ? ok('node', `Node.js ${node}`)
      : failure('node', `Node.js ${node}`, `install Node.js ${needMajor}.${needMinor} or newer`),
    server === null || server === program
      ? ok('version', `rackui ${program}${server === null ? '' : ', the server too'}`)
      : warning(
          'version',
          `rackui ${program}, and a server of ${server}`,
          'rackui server stop; the next command starts one of this version',
        ),
  ];
}

export function clockCheck(machine: Machine, now: number): Check {
  const date = new Date(now).toISOString().slice(0, 16).replace('T', ' ');
  if (now < WRITTEN)
    return failure(
      'clock',
      `the clock of this machine shows ${date} UTC`,
      'set the clock: timedatectl set-ntp true; logs and ages follow it',
    );
  if (machine.exists('/run/systemd/timesync') && !machine.exists('/run/systemd/timesync/synchronized'))
    return warning(
      'clock',
      `${date} UTC, and not synchronised since the start`,
      'timedatectl timesync-status; a Pi has no battery-backed clock',
    );
  return ok('clock', `${date} UTC`);
}

/** Checks the configuration; returns it where it is valid. */
export function configCheck(
  machine: Machine,
  given: string | undefined,
): { check: Check; loaded: LoadedConfig | null } {
  const candidates = given === undefined ? configCandidates().map(({ path }) => path) : [given];
  const path = machine.prepared ? candidates.map((one) => join(machine.root, one)).find(existsSync) : given;
  try {
    const loaded = loadConfig(path ?? (machine.prepared ? '/dev/null' : undefined));
    const { inventory } = loaded;
    const seen =
      path === undefined && loaded.path === null
        ? 'none: the bus is scanned'
        : `${loaded.path ?? ''}: ${inventory.configured ? count(inventory.nodes.length, 'node') : 'no nodes in it: the bus is scanned'}`;
    return { check: ok('config', seen), loaded };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {
      check: failure('config', error.message.split('\n').join('; '), 'correct it, then run: rackui config check'),
      loaded: null,
    };
  }
}

/** Checks for settings of the file that the server has not applied. */
export function inForceChecks(status: ConfigStatus | null): Check[] {
  if (status === null) return [];
  const [sentence, ...more] = configSentences(status);
  if (sentence === undefined) return [ok('in-force', `the server uses ${status.path ?? 'the defaults'} as it is`)];
  const todo = status.problem !== null || status.changed.length > 0 ? 'rackui server reload' : 'rackui server stop';
  return [warning('in-force', [sentence, ...more].join('; '), todo)];
}

/**
 * Checks the configuration where a server runs: the one that it has read is in force. A file that this user may not
 * read is in order; one that this user has and that is wrong is still reported.
 */
export function servedConfigCheck(
  own: { check: Check; loaded: LoadedConfig | null },
  { config, user }: Pick<ServerInfo, 'config' | 'user'>,
): Check {
  const served = `the server (user ${user}) has read ${config ?? 'none: it scans the bus'}`;
  if (own.loaded === null) {
    const isUnreadable = own.check.verdict === 'failure' && /: cannot read it: (EACCES|EPERM)$/.test(own.check.seen);
    return isUnreadable ? ok('config', `${served}; this user may not read it`) : own.check;
  }
  return own.loaded.path === config
    ? own.check
    : ok('config', `${served}; this user's is ${own.loaded.path ?? 'none'}`);
}

/** Checks whether systemd would end a server started by a command before its time. @param pid of the running server */
export function lifetimeCheck(
  machine: Machine,
  server: Pick<ServerInfo, 'pid' | 'user' | 'autostarted'> | null,
): Check {
  const what = server === null ? 'a server that a command starts here' : `the server (pid ${server.pid})`;
  if (server?.autostarted === false) return ok('lifetime', `${what} runs as a service`);
  const end = earlyEnd(machine, server?.user ?? machine.login.user, server?.pid ?? 'self');
  if (end === null) return ok('lifetime', `${what} outlives the login and the unit that start it`);
  return warning('lifetime', `${what} ${end.when}`, end.todo);
}

/** Checks the server's findings about its own machine, or those of a server that this user would start. */
export function selfChecks(
  findings: readonly ServerFinding[],
  server: Pick<ServerInfo, 'pid' | 'user'> | null,
): Check[] {
  const subject = server === null ? 'a server of this user' : `the server (pid ${server.pid}, user ${server.user})`;
  return findings.map(({ id, trouble, seen, todo }) =>
    trouble ? failure(id, `${subject} ${seen}`, todo ?? 'see docs/commands.md') : ok(id, seen),
  );
}

/** @param stale sockets without a listening process */
export function directoryChecks(port: string, server: { socket: string } | null, stale: readonly string[]): Check[] {
  const socket = socketPath(port);
  return [
    ...staleSockets(stale),
    server === null ? socketDirectory(dirname(socket)) : ok('socket', `a server answers at ${server.socket}`),
  ];
}

function staleSockets(stale: readonly string[]): Check[] {
  if (stale.length === 0) return [];
  return [
    warning(
      'sockets',
      `${stale.join(' and ')}: left by a server that has ended`,
      `rm ${stale.join(' ')} (a server of the same port replaces them itself)`,
    ),
  ];
}

/** Checks that the directory, or its nearest existing parent, can be written. */
function usable(id: string, directory: string, why: string): Check {
  let at = directory;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  try {
    accessSync(at, constants.W_OK | constants.X_OK);
    return ok(id, at === directory ? `${directory} is writable` : `${directory} is created when needed`);
  } catch {
    return failure(id, `${at} cannot be written: ${why}`, `make it writable for this user, or set XDG_STATE_HOME`);
  }
}

function socketDirectory(directory: string): Check {
  if (!existsSync(directory)) return usable('socket', directory, 'the server’s sockets go there');
  const stat = lstatSync(directory);
  const mine = stat.uid === process.getuid?.();
  if (!stat.isDirectory() || !mine)
    return failure(
      'socket',
      `${directory} is not this user's directory`,
      'remove it, or set another socket with --socket',
    );
  if ((stat.mode & 0o022) !== 0)
    return failure('socket', `${directory} is writable by others`, `chmod 700 ${directory}`);
  return ok('socket', `no server runs; one will listen in ${directory}`);
}
