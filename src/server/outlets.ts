/**
 * Places where a server provides something to other programs by HTTP: a port, a Unix socket, a file. One that cannot be
 * had is tried again, and disturbs nothing else.
 */
import type { Server } from 'node:http';
import { isIPv6 } from 'node:net';
import { messageOf } from '../lib/errors.ts';
import { listenAt, type Listening } from './sessions/listener.ts';

/** Interval of tries where a place cannot be had, ms. */
export const RETRY_MS = 5_000;
const OWNER_AND_GROUP = 0o660;

export interface Outlet {
  name: string;
  everyMs: number;
  /** Listens where it does not yet, or writes the file. Repeated; rejects with the reason. */
  attempt(): Promise<void>;
  close(): Promise<void>;
}

export class Outlets {
  readonly #outlets: readonly Outlet[];
  readonly #alarm: (troubles: string | null) => void;
  readonly #troubles = new Map<Outlet, string>();
  readonly #timers: NodeJS.Timeout[];
  #attempts: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** `alarm`: gets the places that cannot be had, with reasons; null: there is none. */
  constructor(outlets: readonly Outlet[], alarm: (troubles: string | null) => void) {
    this.#outlets = outlets;
    this.#alarm = alarm;
    this.#timers = outlets.map((outlet) => {
      this.#try(outlet);
      return setInterval(() => this.#try(outlet), outlet.everyMs).unref();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#attempts;
    await Promise.all(this.#outlets.map((outlet) => outlet.close()));
    this.#alarm(null);
  }

  /** Tries one outlet after another: two attempts of the same one must not meet. */
  #try(outlet: Outlet): void {
    this.#attempts = this.#attempts.then(async () => {
      if (this.#closed) return;
      try {
        await outlet.attempt();
        this.#troubles.delete(outlet);
      } catch (error) {
        this.#troubles.set(outlet, `${outlet.name} (${messageOf(error)})`);
      }
      const troubles = [...this.#troubles.values()];
      this.#alarm(troubles.length === 0 ? null : troubles.join('; '));
    });
  }
}

/** `create`: makes the server; rejects where it cannot be made yet. */
export function onPort(create: () => Server | Promise<Server>, address: string, port: number): Outlet {
  let server: Server | null = null;
  return {
    name: `at ${isIPv6(address) ? `[${address}]` : address}:${port}`,
    everyMs: RETRY_MS,
    attempt: async () => {
      server ??= await create();
      if (!server.listening) await listenOn(server, address, port);
    },
    close: async () => {
      if (server !== null) await end(server);
    },
  };
}

/** Listens at a Unix socket, mode 0660. `gid`: its group; null: the owner's. */
export function onSocket(server: Server, path: string, gid: number | null): Outlet {
  let listening: Listening | null = null;
  return {
    name: `at ${path}`,
    everyMs: RETRY_MS,
    attempt: async () => {
      listening ??= await listenAt(path, OWNER_AND_GROUP, gid, (socket) => server.emit('connection', socket));
    },
    close: async () => {
      listening?.stopListening();
      await end(server);
    },
  };
}

function listenOn(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      reject(error.code === 'EADDRINUSE' ? new Error('another program uses this port: set another') : error);
    server.once('error', failed);
    server.listen(port, address, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

/** Ends the server with its connections. */
function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
