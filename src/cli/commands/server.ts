/** Commands for the server: serves a rack, reports its state, reloads and stops it. */
import { dirname, join, resolve } from 'node:path';
import { configSentences } from '../../api/configuration.ts';
import { type Session, silenceText } from '../../api/methods.ts';
import { EXIT } from '../../api/power.ts';
import { loadConfig, type LoadedConfig } from '../../config/load.ts';
import {
  consoleLogDirectory,
  ensureRuntimeDirectory,
  portSlug,
  socketPath,
  stateDirectory,
  viewSocketBeside,
} from '../../config/paths.ts';
import { findDoubles } from '../../rack/doubles.ts';
import { type GlobalOptions, openClient, rackListOf, refuseRemote, withOneRack } from '../server-connection.ts';
import { clock, hint, iso, print, printJson, UsageFailure } from '../terminal-output.ts';

interface ServerOptions extends GlobalOptions {
  json?: boolean;
}

export async function serverStatusCommand(options: ServerOptions): Promise<number> {
  const client = await openClient(options, 'server status', { autostart: false });
  try {
    const info = await client.request('server.info', {});
    if (options.json === true) {
      printJson({
        ...info,
        startedAt: iso(info.startedAt),
        configuration: { ...info.configuration, readAt: iso(info.configuration.readAt) },
      });
      return EXIT.done;
    }
    print(`rackui ${info.version}, pid ${info.pid}, user ${info.user}, since ${clock(info.startedAt)}`);
    print(`port ${info.port}, socket ${info.socket}`);
    print(`state in ${info.stateDir}, configuration ${info.config ?? 'none: the bus is scanned'}`);
    for (const sentence of configSentences(info.configuration)) print(sentence);
    if (info.autostarted) print('started by a client: stops when idle');
    for (const session of info.sessions) print(`session ${sessionText(session, client.now())}`);
    return EXIT.done;
  } finally {
    client.close();
  }
}

/**
 * Reloads the configuration. Exit code 2 where a part of the file still is not in force; an invalid file ends with
 * 78.
 */
export async function serverReloadCommand(options: ServerOptions): Promise<number> {
  const client = await openClient(options, 'server reload', { autostart: false });
  try {
    const { taken, config } = await client.request('server.reload', {});
    print(
      taken.length === 0
        ? `${config.path ?? 'no configuration file'}: no setting changed that a reload applies`
        : `${config.path ?? 'the defaults'}: in force now: ${taken.join(', ')}`,
    );
    for (const { setting, when } of config.later) print(`not in force yet: ${setting}: ${when}`);
    return config.later.length > 0 ? EXIT.partly : EXIT.done;
  } finally {
    client.close();
  }
}

/** Stops the server; done when the connection ends: then the port is free, or about to be. */
export async function serverStopCommand(options: ServerOptions): Promise<number> {
  const client = await openClient(options, 'server stop', { autostart: false });
  try {
    const { pid } = client.welcome;
    const gone = new Promise<void>((resolve) => client.onClose(() => resolve()));
    await client.request('server.stop', {});
    await gone;
    print(`the server (pid ${pid}) stops`);
    return EXIT.done;
  } finally {
    client.close();
  }
}

function sessionText({ id, who, since, access, silentSince }: Session, now: number): string {
  const from = who.from === null ? '' : ` from ${who.from}`;
  const silence = silentSince === null ? '' : `, ${silenceText(silentSince, now)}: stopped or disconnected`;
  return `${id}: ${who.user}${from}, ${who.program} (pid ${who.pid}), ${access}, since ${clock(since)}${silence}`;
}

interface ServeCommandOptions extends GlobalOptions {
  state?: string;
  record?: string;
  autostarted?: boolean;
  exitWithStdin?: boolean;
}

export async function serveCommand(options: ServeCommandOptions): Promise<number> {
  const list = options.rack === undefined ? await rackListOf(options) : null;
  const one = list === null ? await withOneRack(options) : options;
  refuseRemote(one, 'serve');
  const racks = list?.racks ?? [loadConfig(one.config)];
  if (list !== null && racks.length === 0)
    throw new UsageFailure(`${list.path} lists only racks on other machines: their servers run there`);
  if (racks.length > 1 && options.record !== undefined)
    throw new UsageFailure('--record is for one rack: select it with --rack');
  if (list !== null)
    for (const sentence of findDoubles(list.racks.map(({ config, inventory }) => ({ rack: config.name, inventory }))))
      hint(`rackui: warning: ${sentence}`);
  const { serveRacks } = await import('../../server/serve.ts');
  return serveRacks(racks.map((loaded) => rackOf(loaded, options, list !== null)));
}

function rackOf(loaded: LoadedConfig, options: ServeCommandOptions, several: boolean) {
  const port = options.port ?? loaded.config.port;
  const socket = resolve(options.socket ?? socketPath(port));
  // One directory for each rack: a server must never take another rack's journal for its own unfinished work.
  const ofRack = join(options.state ?? stateDirectory(), portSlug(port));
  const stateDir = resolve(several ? ofRack : (options.state ?? ofRack));
  if (options.socket === undefined) ensureRuntimeDirectory(dirname(socket));
  return {
    loaded,
    port,
    socket,
    viewSocket: viewSocketBeside(socket),
    stateDir,
    consoleLogDir: consoleLogDirectory(stateDir, port),
    record: options.record === undefined ? null : resolve(options.record),
    autostarted: options.autostarted === true,
    exitWithStdin: options.exitWithStdin === true,
  };
}
