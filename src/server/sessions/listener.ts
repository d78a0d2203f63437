/** Listens on the Unix sockets; the file's mode and group decide which users may connect. */
import { chmodSync, chownSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { messageOf } from '../../lib/errors.ts';
import { probeSocket } from '../../lib/unix-socket.ts';
import { userName } from '../../lib/users.ts';

/** Longest path of a Unix socket, bytes (sockaddr_un, less the closing zero). */
const PATH_LIMIT = 107;

/** The socket cannot be made; the message is for the operator. */
class SocketUnavailable extends Error {}

export interface Listening {
  readonly path: string;
  /** Accepts no more connections and removes the socket's file. Open connections stay. */
  stopListening(): void;
}

/** Listens at `path` with `mode` (e.g. 0o660) and, where given, the group. Replaces a file left by a dead server. */
export async function listenAt(
  path: string,
  mode: number,
  gid: number | null,
  accept: (socket: Socket) => void,
): Promise<Listening> {
  if (Buffer.byteLength(path) > PATH_LIMIT)
    throw new SocketUnavailable(`socket path ${path} is longer than ${PATH_LIMIT} bytes: give a shorter one`);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    await removeStale(path);
    const server = await bind(path, accept);
    try {
      if (gid !== null) setGroup(path, gid);
      chmodSync(path, mode);
    } catch (error) {
      // A listening server would keep the process running.
      server.close();
      throw error;
    }
    return { path, stopListening: () => void server.close() };
  } catch (error) {
    if (error instanceof SocketUnavailable) throw error;
    throw new SocketUnavailable(`socket ${path}: ${messageOf(error)}`);
  }
}

function setGroup(path: string, gid: number): void {
  try {
    chownSync(path, -1, gid);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'it failed';
    throw new SocketUnavailable(
      `socket ${path} cannot be given to group id ${gid} (${why}): add the server's user ${userName()} to that group and log in again, or set another server.group`,
    );
  }
}

function bind(path: string, accept: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(accept);
    server.once('error', reject);
    // The file is made inside listen(): no other user may connect before its mode is set.
    const umask = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off('error', reject);
        // Out of file descriptors: that connection is lost, the server continues.
        server.on('error', () => undefined);
        resolve(server);
      });
    } finally {
      process.umask(umask);
    }
  });
}

/** Removes the socket of a dead server; never one with a listening process. */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) throw new SocketUnavailable(`${path} exists and is no socket; remove it or give another path`);
  if ((await probeSocket(path)) === 'there')
    throw new SocketUnavailable(`another server listens at ${path}: give another path`);
  unlinkSync(path);
}
