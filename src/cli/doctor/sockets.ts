/** Sockets that servers left behind: the file is there, and nobody listens. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { probeSocket } from '../../config/socket-probe.ts';

/** The sockets in these directories at which nobody answers. A directory that is not there, or is not ours to see, has none. */
export async function staleSockets(directories: readonly string[]): Promise<string[]> {
  const sockets = [...new Set(directories)].flatMap(socketsIn);
  const answers = await Promise.all(sockets.map(probeSocket));
  return sockets.filter((_path, i) => answers[i] === 'refused');
}

function socketsIn(directory: string): string[] {
  try {
    const paths = readdirSync(directory).filter((name) => name.endsWith('.sock'));
    return paths.map((name) => join(directory, name)).filter((path) => statSync(path).isSocket());
  } catch {
    return [];
  }
}
