/**
 * Predicts the end of a background server: systemd ends every process of a login's or a unit's cgroup with it,
 * whatever session the process leads (systemd.kill(5), logind.conf(5)). Files and programs' output come in as values.
 *
 * Finds the process behind a socket, and describes a server that does not answer.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { deviceAt, hasDeviceOpen, openFiles } from '../lib/subprocess.ts';

/** Access to the machine's files and programs. */
export interface MachineSource {
  /** Returns the text of a file; null: missing or unreadable. */
  text(path: string): string | null;
  /** Returns the names in a directory; empty where it cannot be read. */
  list(path: string): string[];
  /** Returns the standard output; null: the program failed or is missing. */
  output(program: string, args: readonly string[]): string | null;
}

export interface EarlyEnd {
  /** `ends with …`: continues a sentence that has the server as its subject. */
  when: string;
  /** An action that keeps a server running. */
  todo: string;
}

/** The systemd unit of a process. `user`: below a user's own systemd, in the named unit or in none. */
export type Place =
  | { kind: 'login'; session: string; uid: number }
  | { kind: 'user'; uid: number; service: string | null }
  | { kind: 'service'; unit: string };

const PROGRAM_MS = 2_000;
const SERVICE = "run 'rackui serve' as a service of its own (docs/first-evening.md, section 5)";

export const thisMachine: MachineSource = {
  text(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return null;
    }
  },
  list(path) {
    try {
      return readdirSync(path);
    } catch {
      return [];
    }
  },
  output(program, args) {
    const { status, stdout } = spawnSync(program, args, { encoding: 'utf8', timeout: PROGRAM_MS });
    return status === 0 ? stdout : null;
  },
};

/** Returns when systemd will end the process, or a server that it starts; null: no known reason. */
export function earlyEnd(source: MachineSource, user: string, pid: number | 'self' = 'self'): EarlyEnd | null {
  const place = placeOf(source.text(`/proc/${pid}/cgroup`) ?? '');
  switch (place?.kind) {
    case undefined:
      return null;
    case 'login':
      if (!killsUserProcesses(source, user)) return null;
      return {
        when: `ends when this login of ${user} (session ${place.session}) ends: KillUserProcesses=yes in logind.conf`,
        todo: `${SERVICE}, or 'loginctl enable-linger ${user}' and then 'systemd-run --user rackui serve'`,
      };
    case 'user': {
      const { service } = place;
      if (service !== null && endsAll(source, ['--user', 'show', service]))
        return { when: `ends with ${service}, the unit in which it is started`, todo: SERVICE };
      if (source.text(`/var/lib/systemd/linger/${user}`) !== null) return null;
      return {
        when: `ends with the last login of ${user}: it runs under user@${place.uid}.service, and ${user} does not linger`,
        todo: `'loginctl enable-linger ${user}', or ${SERVICE}`,
      };
    }
    case 'service':
      if (!endsAll(source, ['show', place.unit])) return null;
      return {
        when: `ends with ${place.unit}, the unit in which it is started`,
        todo: `${SERVICE}, with Wants= and After= of it in ${place.unit}`,
      };
  }
}

/**
 * Parses the unit of a process. @param text of /proc/PID/cgroup, of version 2, or 1 with systemd's own hierarchy;
 * null: in none of systemd's units
 */
export function placeOf(text: string): Place | null {
  const path = /^\d+:name=systemd:(.*)$/m.exec(text)?.[1] ?? /^0::(.*)$/m.exec(text)?.[1] ?? '';
  const parts = path.split('/');
  const manager = parts.findIndex((part) => /^user@\d+\.service$/.test(part));
  if (manager >= 0) {
    const service = parts.slice(manager + 1).findLast((part) => part.endsWith('.service')) ?? null;
    return { kind: 'user', uid: Number(/\d+/.exec(parts[manager] ?? '')?.[0]), service };
  }
  const session = parts.map((part) => /^session-(\w+)\.scope$/.exec(part)?.[1]).find((id) => id !== undefined);
  const uid = Number(/\/user-(\d+)\.slice\//.exec(path)?.[1]);
  if (session !== undefined) return { kind: 'login', session, uid };
  const unit = parts.findLast((part) => part.endsWith('.service'));
  return unit === undefined ? null : { kind: 'service', unit };
}

/** True when systemd ends all processes of a unit with it; where it cannot be asked, its default holds. */
function endsAll(source: MachineSource, show: readonly string[]): boolean {
  const mode = source.output('systemctl', [...show, '--property=KillMode', '--value'])?.trim();
  return mode !== 'process' && mode !== 'none';
}

/** The first existing file counts; drop-ins of both follow it, by their names. */
const LOGIND = ['/etc/systemd', '/usr/lib/systemd'];

function logindFiles(source: MachineSource): string {
  const main = LOGIND.map((folder) => source.text(`${folder}/logind.conf`)).find((text) => text !== null) ?? '';
  const more = LOGIND.flatMap((folder) => {
    const directory = `${folder}/logind.conf.d`;
    return source.list(directory).map((name) => ({ name, text: source.text(`${directory}/${name}`) ?? '' }));
  }).filter(({ name }) => name.endsWith('.conf'));
  more.sort((a, b) => (a.name < b.name ? -1 : 1));
  return [main, ...more.map(({ text }) => text)].join('\n');
}

/**
 * True when logind ends a user's processes, as it reports itself, else by its files; unset, distributions leave
 * processes alone.
 */
function killsUserProcesses(source: MachineSource, user: string): boolean {
  const names = ['KillUserProcesses', 'KillOnlyUsers', 'KillExcludeUsers'];
  const output = source.output('loginctl', ['show-session', ...names.map((name) => `--property=${name}`)]);
  const text = output?.includes('KillUserProcesses=') === true ? output : logindFiles(source);
  const value = (name: string): string | undefined =>
    [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].at(-1)?.[1]?.trim();
  if (!/^(?:yes|true|on|1)$/i.test(value('KillUserProcesses') ?? '')) return false;
  const users = (name: string): string[] => (value(name) ?? '').split(/\s+/).filter((one) => one !== '');
  const only = users('KillOnlyUsers');
  const spared = value('KillExcludeUsers') === undefined ? ['root'] : users('KillExcludeUsers');
  return only.length > 0 ? only.includes(user) : !spared.includes(user);
}

/** Returns the state letter of a process as ps shows it (R, S, D, T, Z); null: no such process. */
export function processState(pid: number): string | null {
  try {
    // The name may hold spaces and brackets; the state follows the last one.
    return /^.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? null;
  } catch {
    return null;
  }
}

/** Returns the process that listens at an abstract `name` and has `port` open; null: none, or another user's. */
export function holderOf(name: string, port: string): number | null {
  try {
    const pid = listenerOf(name);
    const device = deviceAt(port);
    return pid !== null && device !== null && hasDeviceOpen(String(pid), device) ? pid : null;
  } catch {
    return null;
  }
}

/** True when a line of the system's list is about a socket. Abstract names are filled up with zeros, listed as `@`. */
function names(line: string, path: string): boolean {
  return (path.startsWith('@') ? line.replace(/@+$/, '') : line).endsWith(` ${path}`);
}

/** Returns the process that listens at a socket's path; null: none, or another user's, which only root can see. */
export function listenerOf(path: string): number | null {
  try {
    const inodes = readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .filter((line) => names(line, path))
      .map((line) => `socket:[${line.trim().split(/\s+/)[6] ?? ''}]`);
    if (inodes.length === 0) return null;
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    const found = pids.find((pid) => openFiles(pid).some((file) => inodes.includes(file)));
    return found === undefined ? null : Number(found);
  } catch {
    return null;
  }
}

/**
 * Describes a server that does not answer (`how`: since when), with the command that ends it. A hanging one ignores
 * SIGTERM, because it cannot end in order. `pid`: null where it is not known.
 */
export function describeSilent(pid: number | null, how: string): string {
  const state = pid === null ? null : processState(pid);
  if (pid === null || state === null)
    return `the server ${how}; it may be stopped: see its state with 'ps -C node -o pid,user,stat,args'`;
  const end = `end it with 'kill -KILL ${pid}'`;
  const what =
    state === 'T' || state === 't'
      ? `it is stopped (state T): continue it with 'kill -CONT ${pid}', or ${end}`
      : `its process is in state ${state}: see its log, or ${end}`;
  return `the server (pid ${pid}) ${how}; ${what}`;
}
