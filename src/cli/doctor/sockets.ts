/** Sockets that servers left behind: the file is there, and nobody listens. */
import { readdirSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

/** A server that lives takes a connection at once, ms. */
const LIMIT_MS = 1_000;

/** The sockets in these directories at which nobody answers. A directory that is not there, or is not ours to see, has none. */
export async function staleSockets(directories: readonly string[]): Promise<string[]> {
  const sockets = [...new Set(directories)].flatMap(socketsIn);
  const answered = await Promise.all(sockets.map(answers));
  return sockets.filter((_path, i) => answered[i] === false);
}

function socketsIn(directory: string): string[] {
  try {
    const paths = readdirSync(directory).filter((name) => name.endsWith('.sock'));
    return paths.map((name) => join(directory, name)).filter((path) => statSync(path).isSocket());
  } catch {
    return [];
  }
}

/** Only a refusal says that nobody is there; one that may not be used, or is slow, may well have a server. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (there: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(there);
    };
    const timer = setTimeout(() => done(true), LIMIT_MS);
    socket.once('connect', () => done(true));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code !== 'ECONNREFUSED'));
  });
}
