/** Real shells of this machine as consoles of simulated nodes. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Returns the simulator's options for a real shell, in a folder of its own below `folder`, that calls its host by the
 * node's name. `before`: commands of sh that run ahead of it.
 */
export function shellOf(folder: string, name: string, program: string, before = ''): string[] {
  const home = join(folder, name);
  const bin = join(folder, `${name}-bin`);
  for (const path of [home, bin]) mkdirSync(path, { recursive: true });
  const prompt = `PS1='\x1b[1;32mpi@${name}\x1b[0m:~$ '`;
  put('uname', `if [ "$1" = -n ]; then echo ${name}; else exec /usr/bin/uname "$@"; fi`);
  put('console', `cd ${home}\n${before}\nexec env PATH=${bin}:/usr/bin:/bin ${prompt} ${program}`);
  return ['--exec', `${name}=${join(bin, 'console')}`];

  function put(file: string, script: string): void {
    writeFileSync(join(bin, file), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, file), 0o755);
  }
}
