/** Who holds a serial port: for a message that names the other program instead of 'busy'. */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { openFiles } from '../lib/open-files.ts';
import { userName } from '../lib/users.ts';

export interface Holder {
  pid: number;
  program: string;
  user: string;
}

/**
 * Other processes with the device open, as far as this user may see them. A program that also holds the master side of
 * a pseudo-terminal is the device itself (a simulator), not a competitor for it.
 */
export function holdersOf(path: string): Holder[] {
  let device: string;
  try {
    device = realpathSync(path);
  } catch {
    return [];
  }
  const pseudo = device.startsWith('/dev/pts/');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const files = openFiles(pid);
      if (!files.includes(device)) return [];
      if (pseudo && files.some((file) => file === '/dev/ptmx' || file === '/dev/pts/ptmx')) return [];
      try {
        const program = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
        return [{ pid: Number(pid), program, user: userName(statSync(`/proc/${pid}`).uid) }];
      } catch {
        return [];
      }
    });
}

/** `screen (pid 123, user pi)`. */
export function describeHolder(holder: Holder): string {
  return `${holder.program} (pid ${holder.pid}, user ${holder.user})`;
}
