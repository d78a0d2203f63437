/**
 * `rackui serve`: the lock, the files, the bus and the orderly end around each {@link RackServer}. Several racks
 * share the process and its end, nothing else.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT } from '../api/power.ts';
import { DEFAULT_UNLOCK } from '../bmc/codec.ts';
import { createBus } from '../bmc/index.ts';
import { openLine } from '../bmc/serial-port.ts';
import { Trace } from '../bmc/trace.ts';
import type { Bus } from '../bmc/types.ts';
import { ConfigError, type LoadedConfig } from '../config/load.ts';
import { readSecret } from '../config/secrets.ts';
import { steadyNow } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { groupId } from '../lib/users.ts';
import { openAudit, openJournal } from '../power/journal.ts';
import { openOutageJournal } from '../power/outage/record.ts';
import { openPlanJournal } from '../power/plans/record.ts';
import { ActiveConfig } from './active-config.ts';
import { InstanceLock } from './instance-lock.ts';
import { Lifecycle, isAtTerminal } from './lifecycle.ts';
import { CannotServe, openLog, PortTaken, prepareStateDirectory } from './logs.ts';
import { Recording } from './recording.ts';
import { type ServiceManager, takeServiceManager } from './service-manager.ts';

export interface ServeOptions {
  loaded: LoadedConfig;
  /** Device of the bus. */
  port: string;
  socket: string;
  viewSocket: string;
  stateDir: string;
  consoleLogDir: string;
  /** File for a recording of every byte of the line; null: none. */
  record: string | null;
  /** Started by a client: ends after `server.linger` without clients. */
  autostarted: boolean;
  /** Ends when standard input ends, because the process that started it has ended. */
  exitWithStdin: boolean;
}

/**
 * Serves one rack until it is asked to end; resolves with the exit code. Prints `ready socket=… port=…` once
 * clients can connect; the bus may still be starting, or away. @throws {CannotServe} {SocketUnavailable} exit code
 * 5; {ConfigError} {SecretError} exit code 78.
 */
async function serve(options: ServeOptions, manager: ServiceManager): Promise<number> {
  process.umask(0o077);
  const { port, socket, stateDir } = options;
  prepareStateDirectory(stateDir);
  let leaving = false;
  // Messages from before operators can read them are reported once the server is up.
  const untold: string[] = [];
  let report = (text: string): void => void untold.push(text);
  const lock = new InstanceLock(
    port,
    () => ({ pid: process.pid, socket, leaving }),
    (text) => report(text),
  );
  await lock.expectFree();
  const { log, close: closeLog } = openLog(stateDir, process.env.RACKUI_DEBUG ? 'debug' : 'info');
  let reload = (): void => undefined;
  const lifecycle = new Lifecycle(options.exitWithStdin, log, () => {
    log.info('SIGHUP: reloads the configuration; console logs are reopened at each write where they were moved');
    reload();
  });
  let bus: Bus | null = null;
  let recording: Recording | null = null;
  const audit = openAudit(stateDir);
  const journal = openJournal(stateDir, (text) => log.warn(text));
  const planJournal = openPlanJournal(stateDir, (text) => log.warn(text));
  const outageJournal = openOutageJournal(stateDir, (text) => log.warn(text));
  try {
    const unlock = await unlockString(options.loaded);
    const trace = new Trace(steadyNow, [unlock]);
    bus = makeBus(options, unlock, trace.around(lock.around(openLine)));
    if (options.record !== null)
      recording = new Recording(options.record, trace, {
        port,
        now: steadyNow(),
        warn: (text) => {
          log.warn(text);
          report(text);
        },
      });
    const { group, viewOnly } = options.loaded.config.server;
    const gid = await socketGroup(options.loaded, 'server.group', group);
    const viewGid = (await socketGroup(options.loaded, 'server.viewOnly.group', viewOnly.group)) ?? gid;
    const asked = firstQuestion(trace);
    bus.start();
    await lock.expectOpened();
    // Loading the rest lets nothing else run: it is done while the reply, or its absence, is waited for.
    await Promise.race([asked, delay(FIRST_QUESTION_MS)]);
    const { RackServer } = await import('./rack-server.ts');
    const server = new RackServer({
      ...options,
      bus,
      trace,
      unlock,
      configuration: new ActiveConfig(options.loaded),
      gid,
      viewGid,
      audit: (entry) => audit.write(entry),
      journal,
      planJournal,
      outageJournal,
      log,
      leave: (why) => lifecycle.begin(why),
    });
    report = (text) => server.warn(text);
    reload = () => void server.reload('SIGHUP');
    for (const text of untold.splice(0)) report(text);
    await server.start().catch(async (error: unknown) => {
      // Modules that were started already would keep this process running.
      await server.close('it could not start', AbortSignal.abort());
      throw error;
    });
    log.info({ port, socket }, 'ready');
    manager.serves(options.loaded.config.name);
    process.stdout.write(`ready socket=${socket} port=${port}\n`);
    const why = await lifecycle.begun;
    leaving = true;
    manager.leaves(options.loaded.config.name);
    log.info({ why }, 'leaving');
    await server.close(why, lifecycle.cutShort);
    return lifecycle.exitCode;
  } finally {
    // For ends that the server does not control: the pipe is always closed before the port.
    await bus?.close();
    await recording?.close();
    lifecycle.dispose();
    await audit.close();
    await journal.close();
    await planJournal.close();
    await outageJournal.close();
    await lock.release();
    closeLog();
  }
}

/** Time limit for the first question to the bus, ms: it follows the opening of the port by some 10. */
const FIRST_QUESTION_MS = 50;

/** Resolves when the bus has been asked for a status. */
function firstQuestion(trace: Trace): Promise<void> {
  return new Promise((resolve) => {
    const forget = trace.on((event) => {
      if (event.kind !== 'bytes' || event.direction !== 'out' || !event.text.includes('=')) return;
      forget();
      resolve();
    });
  });
}

/** Returns the unlock string. @throws {SecretError} where it cannot be read */
async function unlockString({ config }: LoadedConfig): Promise<string> {
  return config.unlock === undefined ? DEFAULT_UNLOCK : await readSecret(config.unlock);
}

/** Makes the bus. @throws {ConfigError} where the unlock string could do harm */
function makeBus({ loaded, port }: ServeOptions, unlock: string, open: ReturnType<Trace['around']>): Bus {
  const { config } = loaded;
  try {
    return createBus({
      port,
      unlock,
      pacingMs: config.console.pacing,
      gapMs: config.poll.gap,
      open,
    });
  } catch (error) {
    throw inConfig(loaded, `unlock: ${error instanceof Error ? error.message : 'cannot be used'}`);
  }
}

async function socketGroup(loaded: LoadedConfig, setting: string, group?: string): Promise<number | null> {
  if (group === undefined) return null;
  const gid = await groupId(group);
  if (gid === null)
    throw inConfig(loaded, `${setting}: this system has no group '${group}'; create it with 'sudo groupadd ${group}'`);
  return gid;
}

function inConfig({ path }: LoadedConfig, message: string): ConfigError {
  return new ConfigError([{ file: path ?? 'configuration', line: 0, col: 0, message }]);
}

/** Interval of retries for a rack whose port another server has, ms. */
const TAKEN_RETRY_MS = 5_000;

/**
 * Serves the racks that can be served, and reports why the others cannot; resolves with the worst exit code when
 * the last one has ended. A rack that another server has is retried until the process ends. @throws {CannotServe}
 * where none can be served; for one rack the errors of {@link serve}.
 */
export async function serveRacks(racks: readonly ServeOptions[]): Promise<number> {
  const [only, ...others] = racks;
  const manager = takeServiceManager(process.env, (text) => void process.stderr.write(`rackui: ${text}\n`));
  if (only !== undefined && others.length === 0) return serve(only, manager);
  const group = new Group(
    manager,
    racks.some(({ exitWithStdin }) => exitWithStdin),
  );
  const codes = await Promise.all(racks.map((options) => group.serve(options)));
  if (group.over) return Math.max(EXIT.done, ...codes.map((code) => code ?? EXIT.done));
  if (codes.every((code) => code === null)) throw new CannotServe('none of the racks can be served');
  return Math.max(EXIT.done, ...codes.filter((code) => code !== null));
}

class Group {
  readonly #over = new AbortController();
  readonly #manager: ServiceManager;
  #serving = 0;

  constructor(manager: ServiceManager, exitWithStdin: boolean) {
    this.#manager = manager;
    const end = (): void => this.#over.abort();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, end);
    process.on('SIGHUP', () => {
      if (isAtTerminal()) end();
    });
    if (exitWithStdin) process.stdin.once('end', end).once('close', end).resume();
  }

  /** True once the process was asked to end, or its last server has ended. */
  get over(): boolean {
    return this.#over.signal.aborted;
  }

  /** Serves the rack; resolves with its server's exit code, or null where it was never served. */
  async serve(options: ServeOptions): Promise<number | null> {
    for (let last = ''; ;) {
      try {
        return await this.#once(options);
      } catch (error) {
        const why = messageOf(error);
        const again = error instanceof PortTaken && !options.autostarted;
        if (why !== last)
          process.stderr.write(
            `rackui: rack ${options.loaded.config.name} is not served${again ? ' yet' : ''}: ${why}\n`,
          );
        last = why;
        if (!again) return null;
      }
      await delay(TAKEN_RETRY_MS, null, { signal: this.#over.signal }).catch(() => undefined);
      if (this.over) return null;
    }
  }

  /** Serves the rack once; the end of the last served rack ends the process. */
  async #once(options: ServeOptions): Promise<number> {
    this.#serving++;
    try {
      const code = await serve(options, this.#manager);
      if (this.#serving === 1) this.#over.abort();
      return code;
    } finally {
      this.#serving--;
    }
  }
}
