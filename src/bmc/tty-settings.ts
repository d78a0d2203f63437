/**
 * What the system has made of an open port's settings, read back by `stty`. It opens the device a second time, which
 * changes nothing of it while ours is open. (Our own descriptor cannot be lent: a child's standard streams are made
 * blocking, and the port is the same open file.)
 */
import { execFile } from 'node:child_process';

/** A driver that hangs must not hold up who asks, ms. */
const LIMIT_MS = 2_000;

/** The text of `stty -a` (GNU's form), or null where there is no stty, or the port cannot be asked. */
export function ttySettings(port: string): Promise<string | null> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, LC_ALL: 'C' }, timeout: LIMIT_MS };
    execFile('stty', ['-F', port, '-a'], options, (error, stdout) => resolve(error === null ? stdout : null));
  });
}
