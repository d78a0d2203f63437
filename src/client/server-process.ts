/** The process behind a socket, for a sentence about a server that does not answer. */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { openFiles } from '../lib/open-files.ts';

/** The state letter of a process as ps shows it (R, S, D, T, Z), or null: there is none such. */
export function processState(pid: number): string | null {
  try {
    // The name may hold spaces and brackets; the state follows the last one.
    return /^.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? null;
  } catch {
    return null;
  }
}

/** The process that listens at an abstract `name` and has `port` open, or null: none, or another user's. */
export function holderOf(name: string, port: string): number | null {
  try {
    const pid = listenerOf(name);
    return pid !== null && openFiles(String(pid)).includes(realpathSync(port)) ? pid : null;
  } catch {
    return null;
  }
}

/** Whether a line of the system's list is about a socket. Abstract names are filled up with zeros, which it has as `@`. */
function names(line: string, path: string): boolean {
  return (path.startsWith('@') ? line.replace(/@+$/, '') : line).endsWith(` ${path}`);
}

/** The process that listens at a socket's path, or null: none, or another user's, which only root can see. */
export function listenerOf(path: string): number | null {
  try {
    const inodes = readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .filter((line) => names(line, path))
      .map((line) => `socket:[${line.trim().split(/\s+/)[6] ?? ''}]`);
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    const found = pids.find((pid) => openFiles(pid).some((file) => inodes.includes(file)));
    return found === undefined ? null : Number(found);
  } catch {
    return null;
  }
}

/**
 * A server that does not answer, in words (`how`: since when), with the command that ends it. One that hangs does not hear
 * SIGTERM: it would end in order, and cannot. `pid`: null where it is not known.
 */
export function describeSilent(pid: number | null, how: string): string {
  const state = pid === null ? null : processState(pid);
  if (pid === null || state === null)
    return `the server ${how}; it may be stopped: see its state with 'ps -C node -o pid,user,stat,args'`;
  const end = `end it with 'kill -KILL ${pid}'`;
  const what =
    state === 'T' || state === 't'
      ? `it is stopped (state T): let it go on with 'kill -CONT ${pid}', or ${end}`
      : `its process is in state ${state}: see its log, or ${end}`;
  return `the server (pid ${pid}) ${how}; ${what}`;
}
