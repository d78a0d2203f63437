/**
 * Finds the processes that hold a serial port, for a message that names the other program instead of 'busy', and the
 * device that is the bus's port now. A USB adapter that was pulled may come back under another number: by its name in
 * /dev/serial/by-id it is the same one, and a port given as a pattern (`/dev/ttyUSB*`) is whichever device fits.
 */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { byName } from '../lib/natural-order.ts';
import { deviceAt, hasDeviceOpen, openFiles } from '../lib/subprocess.ts';
import { userName } from '../lib/users.ts';

export interface Holder {
  pid: number;
  program: string;
  user: string;
}

/**
 * Lists other processes with the device open, as far as this user may see them. A program that also holds the master
 * side of a pseudo-terminal is the device itself (a simulator), not a competitor for it.
 */
export function holdersOf(path: string): Holder[] {
  const device = deviceAt(path);
  if (device === null) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      if (!hasDeviceOpen(pid, device)) return [];
      if (device.system !== null && openFiles(pid).some((file) => file === '/dev/ptmx' || file === '/dev/pts/ptmx'))
        return [];
      try {
        const program = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
        return [{ pid: Number(pid), program, user: userName(statSync(`/proc/${pid}`).uid) }];
      } catch {
        return [];
      }
    });
}

/** Formats a holder: `screen (pid 123, user pi)`. */
export function describeHolder(holder: Holder): string {
  return `${holder.program} (pid ${holder.pid}, user ${holder.user})`;
}

const BY_ID = '/dev/serial/by-id';

export class PortDiscovery {
  readonly #port: string;
  readonly #byId: string;
  /** Name below by-id of the device that was open last; null: none, or it has no such name. */
  #identity: string | null = null;
  #tried = 0;

  /** `byId`: the directory of persistent names; tests use one of their own. */
  constructor(port: string, byId = BY_ID) {
    this.#port = port;
    this.#byId = byId;
  }

  /**
   * Returns the path to open now. Several devices that fit a pattern are tried in turn. A path that does not exist is
   * returned as it was given.
   */
  find(): string {
    const same = this.#identity === null ? null : resolved(join(this.#byId, this.#identity));
    const fitting = this.#fitting();
    if (same !== null && (isPattern(this.#port) ? fitting.includes(same) : resolved(this.#port) === null)) return same;
    return fitting[this.#tried % Math.max(1, fitting.length)] ?? this.#port;
  }

  /** Remembers the identity of the device at `path`, on which the bus answered. */
  opened(path: string): void {
    const device = resolved(path);
    this.#identity = entries(this.#byId).find((name) => resolved(join(this.#byId, name)) === device) ?? null;
  }

  /** Moves on to the next device of a pattern after nothing answered on this one. */
  useless(): void {
    if (!isPattern(this.#port)) return;
    this.#tried++;
    this.#identity = null;
  }

  #fitting(): string[] {
    if (!isPattern(this.#port)) return [];
    const folder = dirname(this.#port);
    const words = basename(this.#port).replace(/[.+^${}()|[\]\\]/g, '\\$&');
    const fits = new RegExp(`^${words.replaceAll('*', '.*').replaceAll('?', '.')}$`);
    return entries(folder)
      .filter((name) => fits.test(name))
      .sort(byName)
      .map((name) => join(folder, name));
  }
}

/** True for a pattern: `*` or `?` in the last part of the path. */
function isPattern(port: string): boolean {
  return /[*?]/.test(basename(port));
}

function resolved(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
