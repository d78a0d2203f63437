/** Users and groups of the machine, from the system's own lists. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** Returns the name of a user id in the system's list, or `user id N`: not every user of a container has one. */
export function userName(uid = ownUserId()): string {
  try {
    const entry = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .find((fields) => fields[2] === String(uid));
    return entry?.[0] ?? `user id ${uid}`;
  } catch {
    return `user id ${uid}`;
  }
}

/** Returns the effective user id of this process. */
export function ownUserId(): number {
  return process.geteuid?.() ?? 0;
}

/** Resolves the number of a group from the system's own databases; null: there is none of that name. */
export async function groupId(name: string): Promise<number | null> {
  try {
    const { stdout } = await promisify(execFile)('getent', ['group', '--', name]);
    const id = Number(stdout.split(':')[2]);
    return Number.isInteger(id) ? id : null;
  } catch {
    return null;
  }
}
