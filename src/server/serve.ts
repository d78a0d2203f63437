/** `rackui serve`, one rack of it: everything around its {@link RackServer}: lock, files, bus, the way out. */
import { DEFAULT_UNLOCK } from '../bmc/codec.ts';
import { createBus } from '../bmc/bus.ts';
import { openLine } from '../bmc/line.ts';
import { LineTap } from '../bmc/tap.ts';
import type { Bus } from '../bmc/types.ts';
import { ConfigError, type LoadedConfig } from '../config/load.ts';
import { keepYoungSmall } from '../config/garbage.ts';
import { readSecret } from '../config/secret.ts';
import { groupId } from '../lib/users.ts';
import { steadyNow } from '../lib/clock.ts';
import { openAudit } from '../power/audit.ts';
import { openJournal, openOutageJournal, openPlanJournal } from '../power/journal.ts';
import { ConfigInForce } from './config-in-force.ts';
import { Departure } from './departure.ts';
import { InstanceLock } from './instance-lock.ts';
import { openLog, prepareStateDirectory } from './logs.ts';
import { Recording } from './recording.ts';

export interface ServeOptions {
  loaded: LoadedConfig;
  /** The bus's device. */
  port: string;
  socket: string;
  viewSocket: string;
  stateDir: string;
  /** Where every byte of the line is written down, or null: nowhere. */
  record: string | null;
  /** Started by a client: leaves after `server.linger` without clients. */
  autostarted: boolean;
  /** Leaves when standard input ends: whoever started it went away. */
  exitWithStdin: boolean;
}

/**
 * Serves one rack until it is asked to leave; resolves with the exit code. Prints `ready socket=… port=…` once clients can
 * connect; the bus may still be on its way up, or away.
 * @throws {CannotServe} {SocketUnavailable} exit code 5; {ConfigError} {SecretError} exit code 78.
 */
export async function serve(options: ServeOptions): Promise<number> {
  process.umask(0o077);
  keepYoungSmall();
  const { port, socket, stateDir } = options;
  prepareStateDirectory(stateDir);
  let leaving = false;
  // What goes wrong before operators can be told is told as soon as the server is up.
  const untold: string[] = [];
  let tell = (text: string): void => void untold.push(text);
  const lock = new InstanceLock(
    port,
    () => ({ pid: process.pid, socket, leaving }),
    (text) => tell(text),
  );
  await lock.expectFree();
  const { log, close: closeLog } = openLog(stateDir, process.env.RACKUI_DEBUG ? 'debug' : 'info');
  let reload = (): void => undefined;
  const departure = new Departure(options.exitWithStdin, log, () => {
    log.info('SIGHUP: reads the configuration anew; console logs are looked at anew at each write');
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
    const tap = new LineTap(steadyNow, [unlock]);
    bus = makeBus(options, unlock, tap.around(lock.around(openLine)));
    if (options.record !== null)
      recording = new Recording(options.record, tap, {
        port,
        now: steadyNow(),
        trouble: (text) => {
          log.warn(text);
          tell(text);
        },
      });
    const { group, viewOnly } = options.loaded.config.server;
    const gid = await socketGroup(options.loaded, 'server.group', group);
    const viewGid = (await socketGroup(options.loaded, 'server.viewOnly.group', viewOnly.group)) ?? gid;
    // The bus takes a while to come up and the terminal emulator to load: both at once.
    bus.start();
    await lock.expectOpened();
    const { RackServer } = await import('./rack-server.ts');
    const server = new RackServer({
      ...options,
      bus,
      tap,
      unlock,
      configuration: new ConfigInForce(options.loaded),
      gid,
      viewGid,
      audit: (entry) => audit.write(entry),
      journal,
      planJournal,
      outageJournal,
      log,
      leave: (why) => departure.begin(why),
    });
    tell = (text) => server.warn(text);
    reload = () => void server.reload('SIGHUP');
    for (const text of untold.splice(0)) tell(text);
    await server.start().catch(async (error: unknown) => {
      // What it has begun already would keep this process.
      await server.close('it could not start', AbortSignal.abort());
      throw error;
    });
    log.info({ port, socket }, 'ready');
    process.stdout.write(`ready socket=${socket} port=${port}\n`);
    const why = await departure.begun;
    leaving = true;
    log.info({ why }, 'leaving');
    await server.close(why, departure.hurry);
    return departure.exitCode;
  } finally {
    // For the ways out that are not the server's own: the pipe is closed before the port, always.
    await bus?.close();
    await recording?.close();
    departure.dispose();
    await audit.close();
    await journal.close();
    await planJournal.close();
    await outageJournal.close();
    await lock.release();
    closeLog();
  }
}

/** @throws {SecretError} where it cannot be read */
async function unlockString({ config }: LoadedConfig): Promise<string> {
  return config.unlock === undefined ? DEFAULT_UNLOCK : await readSecret(config.unlock);
}

/** @throws {ConfigError} where the unlock string could harm */
function makeBus({ loaded, port }: ServeOptions, unlock: string, open: ReturnType<LineTap['around']>): Bus {
  const { config } = loaded;
  try {
    return createBus({
      ...{ port, unlock, pacingMs: config.console.pacing, gapMs: config.poll.gap },
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
    throw inConfig(loaded, `${setting}: this system has no group '${group}'; make it with 'sudo groupadd ${group}'`);
  return gid;
}

function inConfig({ path }: LoadedConfig, message: string): ConfigError {
  return new ConfigError([{ file: path ?? 'configuration', line: 0, col: 0, message }]);
}
