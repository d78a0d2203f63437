/** A configuration that names programs is code: only its owner or root may be able to change it. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from './schema.ts';

/** The sentence that refuses the file, or null where it may be used. `uid` is the user who would run its programs. */
export function checkOwnership(config: Config, path: string, uid: number): string | null {
  if (!namesPrograms(config)) return null;
  for (const place of [path, dirname(path)]) {
    const stat = statSync(place);
    const what = place === path ? 'this file' : `its directory ${place}`;
    if (stat.uid !== 0 && stat.uid !== uid)
      return `it names programs to run, and ${what} belongs to user id ${stat.uid}: make it yours or root's`;
    // In a sticky directory (/tmp) others cannot replace a file that is not theirs.
    const sticky = place !== path && (stat.mode & 0o1000) !== 0;
    if ((stat.mode & 0o022) !== 0 && !sticky)
      return `it names programs to run, and others than its owner can write ${what}: chmod go-w ${place}`;
  }
  return null;
}

function namesPrograms(config: Config): boolean {
  const secrets = [config.unlock, config.login?.password].some((secret) => secret !== undefined && 'command' in secret);
  // ProxyCommand and its like are programs too; which options are is ssh's own matter.
  return secrets || config.poweroff !== undefined || config.hooks.length > 0 || (config.ssh?.options.length ?? 0) > 0;
}
