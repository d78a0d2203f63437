/** The process behind a socket, for a sentence about a server that does not answer. */
import { readdirSync, readFileSync } from 'node:fs';
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

/** The process that listens at a socket's path, or null: none, or another user's, which only root can see. */
export function listenerOf(path: string): number | null {
  try {
    const inodes = readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .filter((line) => line.endsWith(` ${path}`))
      .map((line) => `socket:[${line.trim().split(/\s+/)[6] ?? ''}]`);
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    const found = pids.find((pid) => openFiles(pid).some((file) => inodes.includes(file)));
    return found === undefined ? null : Number(found);
  } catch {
    return null;
  }
}
