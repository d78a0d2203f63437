/** Starts the server of one rack and ends it in order. `composition.ts` builds it. */
import { setTimeout } from 'node:timers/promises';
import type { ClientIdentity } from '../api/methods.ts';
import { userName } from '../lib/users.ts';
import { composeServer, type RackServerOptions, type ServerParts } from './composition.ts';
import { VERSION } from './logs.ts';
import { listenAt, type Listening } from './sessions/listener.ts';

/** Time limit for running operations to end in order before the server ends, ms. */
const OPERATIONS_END_MS = 10_000;
/** Time limit after that, once all of them are stopped, ms. */
const STOPPED_END_MS = 1_000;
/** Interval of checks whether they have ended, ms. */
const LOOK_MS = 20;

export class RackServer {
  readonly #options: RackServerOptions;
  readonly #parts: ServerParts;
  #listening: Listening[] = [];
  #polling: Promise<void> = Promise.resolve();

  constructor(options: RackServerOptions) {
    this.#options = options;
    this.#parts = composeServer(options);
  }

  /** Listens, then starts the bus where it is not started yet. @throws {SocketUnavailable} */
  async start(): Promise<void> {
    const { bus, socket, viewSocket, gid, viewGid, log } = this.#options;
    const { plans, outages, operations, sessionRegistry, events, poller, monitor, nodeStates, boards, selfCheck } =
      this.#parts;
    plans.recover();
    operations.recover();
    outages.start();
    this.#listening.push(await listenAt(socket, 0o660, gid, (client) => sessionRegistry.admit(client, 'control')));
    const { everyone } = this.#options.configuration.config.server.viewOnly;
    const viewMode = everyone ? 0o666 : viewGid === null ? 0o600 : 0o660;
    this.#listening.push(
      await listenAt(viewSocket, viewMode, viewGid, (client) => sessionRegistry.admit(client, 'view')),
    );
    this.#parts.consoleSockets?.follow();
    events.add('info', 'server', null, `Server started (rackui ${VERSION}, pid ${process.pid})`);
    bus.onHealth(({ phase, detail }) => {
      log.info({ phase, detail }, 'bus');
      if (phase !== 'ready') return;
      // While the bus was away boards may have been changed without a reading.
      for (const addr of nodeStates.addresses) if (nodeStates.reading(addr).state === 'ok') boards.suspect(addr);
      poller.wake();
    });
    this.#parts.reloading.start();
    this.#parts.reporting.start();
    monitor.start();
    selfCheck.start();
    bus.start();
    this.#polling = poller.run();
  }

  /** Adds a warning to the event log about the server's environment. */
  warn(text: string): void {
    this.#parts.warn(text);
  }

  /** Reloads the configuration and logs the result as an event. Never rejects. */
  async reload(by: string): Promise<void> {
    await this.#parts.reloading.reload(by).catch(() => undefined);
  }

  /**
   * Ends everything in order: accepts no more sessions; ends operations or brings them to a state that can be left;
   * closes consoles; closes the pipe (^G) before the port; sends `why` to all sessions. Never rejects. `cutShort` cuts
   * the wait for operations short.
   */
  async close(why: string, cutShort: AbortSignal): Promise<void> {
    const { bus, log } = this.#options;
    const {
      idleTimeout,
      events,
      plans,
      outages,
      quietReader,
      poller,
      monitor,
      selfCheck,
      alarms,
      consoles,
      consoleSockets,
      sessionRegistry,
      eventFile,
      reloading,
      reporting,
    } = this.#parts;
    idleTimeout?.stop();
    events.add('notice', 'server', null, `The server stops: ${why}`);
    for (const listening of this.#listening) listening.stopListening();
    outages.close();
    plans.leave();
    await this.#endOperations(cutShort);
    quietReader.on = false;
    poller.stop();
    monitor.stop();
    selfCheck.stop();
    alarms.close();
    reloading.close();
    await reporting.close();
    await consoleSockets?.close(`the server stops: ${why}`);
    await consoles.close(`the server stops: ${why}`);
    const goodbyes = sessionRegistry.close(`the server stops: ${why}`);
    await bus.close().catch((error: unknown) => log.error({ error }, 'closing the bus'));
    await goodbyes;
    await this.#polling.catch((error: unknown) => log.error({ error }, 'the sweep failed'));
    eventFile.close();
  }

  /**
   * Ends the operations before the bus: a node that is off in the middle of a cycle must come on again, and one
   * that has halted is about to be cut.
   */
  async #endOperations(cutShort: AbortSignal): Promise<void> {
    const { operations, events } = this.#parts;
    const limit = performance.now() + OPERATIONS_END_MS;
    let reported = false;
    while (operations.busy() && !cutShort.aborted && performance.now() < limit) {
      const going = operations.stopAllButGoing(SELF);
      if (going.length > 0 && !reported)
        events.add(
          'notice',
          'server',
          null,
          `The server waits up to ${OPERATIONS_END_MS / 1000} s for ${going.join(', ')}: shutting down, or about to be cut`,
        );
      reported ||= going.length > 0;
      await setTimeout(LOOK_MS);
    }
    for (const { id, endedAt } of operations.list()) if (endedAt === null) operations.abort(id, SELF);
    const end = performance.now() + STOPPED_END_MS;
    while (operations.busy() && !cutShort.aborted && performance.now() < end) await setTimeout(LOOK_MS);
  }
}

/** Identity that aborts operations when the server ends. */
const SELF: ClientIdentity = { user: userName(), from: null, tty: null, program: 'serve', pid: process.pid };
