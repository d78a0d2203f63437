/**
 * Ensures that one server uses a port. The lock is the port's own: it is opened exclusively, and the kernel
 * releases it however the process ends. A server announces itself only after it has opened the port, so a program
 * that may not open the port keeps no other from starting.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { holdersOf } from '../bmc/port-discovery.ts';
import { LineError, type LineHandlers } from '../bmc/serial-port.ts';
import type { Line } from '../bmc/types.ts';
import {
  type AnnouncedServer,
  type Announcement,
  announcementName,
  findAnnounced,
  isAnnounced,
} from '../config/server-announcement.ts';
import { PortTaken } from './logs.ts';

/**
 * Time limit for a server that ends, ms: it closes the pipe and the port first, which takes some tens of
 * milliseconds, more while operations end.
 */
const LEAVING_MS = 3_000;
const RETRY_MS = 20;
/** Time limit from the open port to the announcement, ms. */
const ANNOUNCING_MS = 2_000;
/** Time limit from the announcement to the socket, when the rest is loaded, ms. */
const STARTING_MS = 5_000;
/**
 * Time limit for the first try to open the port, ms: it takes milliseconds, and a device that hangs must not delay
 * the start.
 */
const FIRST_TRY_MS = 2_000;

type Open = (port: string, handlers: LineHandlers) => Promise<Line>;

export class InstanceLock {
  readonly #port: string;
  readonly #me: () => Announcement;
  readonly #warn: (text: string) => void;
  readonly #firstTry: Promise<unknown>;
  #tried: (error: unknown) => void = () => undefined;
  #announced: { name: string; server: Server } | null = null;
  #warned = false;

  /** `me` is called for every server that asks; `warn` is called once where the name is taken. */
  constructor(port: string, me: () => Announcement, warn: (text: string) => void) {
    this.#port = port;
    this.#me = me;
    this.#warn = warn;
    this.#firstTry = new Promise((resolve) => (this.#tried = resolve));
  }

  /** Waits for a server that is ending. @throws {PortTaken} where another server has the port */
  async expectFree(): Promise<void> {
    const limit = performance.now() + LEAVING_MS;
    for (;;) {
      const other = await findAnnounced(this.#port);
      if (other === null) return;
      if (!other.leaving || performance.now() > limit) throw new PortTaken(describeWinner(this.#port, other));
      await delay(RETRY_MS);
    }
  }

  /** Waits for the first try to open the port. @throws {PortTaken} where another server was faster */
  async expectOpened(): Promise<void> {
    const error = await Promise.race([this.#firstTry, delay(FIRST_TRY_MS, null, { ref: false })]);
    if (!(error instanceof LineError) || error.kind !== 'held') return;
    if (error.winner) throw new PortTaken(error.message);
    const began = performance.now();
    for (;;) {
      const announced = await isAnnounced(this.#port);
      if (performance.now() - began >= (announced ? STARTING_MS : ANNOUNCING_MS)) return;
      if (!announced && !isHeldByServer(this.#port)) return;
      const other = await findAnnounced(this.#port);
      if (other !== null) throw new PortTaken(describeWinner(this.#port, other));
      await delay(RETRY_MS);
    }
  }

  /** Returns `open` followed by the announcement. */
  around(open: Open): Open {
    return async (path, handlers) => {
      try {
        const line = await open(path, handlers);
        const other = await this.#announce();
        if (other !== null) {
          await line.close();
          throw new LineError('held', describeWinner(path, other), true);
        }
        this.#tried(null);
        return line;
      } catch (error) {
        const named = await this.#nameWinner(error);
        this.#tried(named);
        throw named;
      }
    };
  }

  /** Ends the announcement; the bus closes the port itself. */
  async release(): Promise<void> {
    const announced = this.#announced;
    this.#announced = null;
    if (announced) await new Promise<void>((resolve) => announced.server.close(() => resolve()));
  }

  /** Adds to the error of a port in use the server that holds it, where another one has announced itself. */
  async #nameWinner(error: unknown): Promise<unknown> {
    if (!(error instanceof LineError) || error.kind !== 'held' || error.winner) return error;
    const other = await this.#findOther();
    return other === null ? error : new LineError('held', describeWinner(this.#port, other), true);
  }

  /** Resolves the other server that announces itself for the port; null: there is none, or it is this one. */
  async #findOther(): Promise<AnnouncedServer | null> {
    const found = await findAnnounced(this.#port);
    const { pid, socket } = this.#me();
    return found?.pid === pid && found.socket === socket ? null : found;
  }

  /** Announces this server; returns the server that announced itself before, or null. */
  async #announce(): Promise<AnnouncedServer | null> {
    const name = announcementName(this.#port);
    if (this.#announced?.name === name) return null;
    await this.release();
    const server = await listen(name, this.#me);
    if (server !== null) {
      this.#announced = { name, server };
      return null;
    }
    const other = await this.#findOther();
    if (other === null && !this.#warned) {
      this.#warned = true;
      this.#warn(
        `another program uses the abstract socket name of the servers of ${this.#port}, but not the port: clients of other users do not find this server; see 'ss -xlp | grep rackui-bus'`,
      );
    }
    return other;
  }
}

/** True where another rackui has the port open: it announces itself in a moment. */
function isHeldByServer(port: string): boolean {
  return holdersOf(port).some(({ pid }) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('rackui');
    } catch {
      return false;
    }
  });
}

function describeWinner(port: string, { pid, user, socket }: AnnouncedServer): string {
  return `the bus on ${port} already has a rackui server (pid ${pid}, user ${user}, socket ${socket}): connect to it with --socket ${socket}, or stop it with 'rackui --socket ${socket} server stop'`;
}

/** Listens at the name; null: it is taken. */
function listen(name: string, me: () => Announcement): Promise<Server | null> {
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
      // Out of file descriptors: the asking server gets no answer.
      server.on('error', () => undefined);
      resolve(server);
    });
  });
}
