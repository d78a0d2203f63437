/**
 * One server a port. The lock is an abstract Unix socket named after the device: the kernel gives it to one process,
 * takes it back however that process ends, and whoever comes second can ask the holder who it is, across users. A file
 * would have to be judged stale, and two starters can both judge so.
 */
import { realpathSync, statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

/** How long the holder may take to say who it is, ms. */
const ASK_MS = 1_000;
/** The kernel takes 107 bytes after the leading zero; the end of a device's path is its telling part. */
const NAME_LIMIT = 80;
/** A server that leaves closes the pipe and the port first: some tens of milliseconds, more while operations end. */
const LEAVING_MS = 3_000;
const RETRY_MS = 20;

const holderShape = z.object({
  pid: z.number(),
  user: z.string().max(64),
  socket: z.string().max(256),
  /** It is on its way out: the port will be free in a moment. */
  leaving: z.boolean(),
});
export type Holder = z.infer<typeof holderShape>;

export type Lock = { held: true; release(): Promise<void> } | { held: false; by: Holder | null };

/**
 * Takes the lock of `port`, or says who has it (null: the holder did not say). A holder that is leaving is waited for.
 * `me` is asked anew for everyone who comes second.
 */
export async function takeInstanceLock(port: string, me: () => Holder): Promise<Lock> {
  const name = lockName(port);
  const limit = performance.now() + LEAVING_MS;
  for (;;) {
    const server = await listen(name, me);
    if (server) return { held: true, release: () => new Promise((resolve) => server.close(() => resolve())) };
    const answer = await ask(name);
    // It may have gone between our try and our question: then try again.
    const going = answer === 'gone' || answer?.leaving === true;
    if (!going || performance.now() > limit) return { held: false, by: answer === 'gone' ? null : answer };
    await delay(RETRY_MS);
  }
}

function lockName(port: string): string {
  let device = port;
  try {
    device = realpathSync(port);
    // Numbers of pseudo-terminals are used again: a server whose simulator is gone must not hold the next one's lock.
    if (device.startsWith('/dev/pts/')) device += `@${Math.round(statSync(device).ctimeMs)}`;
  } catch {
    // Not there yet; the bus will wait for it under the name given.
  }
  return `\0rackui-bus${device.slice(-NAME_LIMIT)}`;
}

function listen(name: string, me: () => Holder): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(JSON.stringify(me()));
    });
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(name, () => {
      server.removeAllListeners('error');
      // Out of descriptors: who asks is not answered; the lock is held all the same.
      server.on('error', () => undefined);
      resolve(server);
    });
  });
}

function ask(name: string): Promise<Holder | null | 'gone'> {
  return new Promise((resolve) => {
    const socket = connect(name);
    let text = '';
    const done = (answer: Holder | null | 'gone'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => done(null), ASK_MS);
    socket.once('error', () => done('gone'));
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      if (text.length > 4096) done(null);
    });
    socket.once('end', () => done(parseHolder(text)));
  });
}

function parseHolder(text: string): Holder | null {
  try {
    return holderShape.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
