/**
 * Keeps the files of this machine's user out of the tests: a remembered table would be what every interface opens with, and
 * a test's choice would be what the user's next one does. What a test needs more of its own, it sets itself.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Before the workers start, which inherit the environment. */
export default function setOwnHomes(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-homes-'));
  process.env.XDG_STATE_HOME = join(folder, 'state');
  process.env.XDG_CONFIG_HOME = join(folder, 'config');
  // Compiled code stays the user's, also where a test sets a home of its own: a start without it takes a third longer.
  process.env.XDG_CACHE_HOME ||= join(homedir(), '.cache');
  return () => rmSync(folder, { recursive: true, force: true });
}
