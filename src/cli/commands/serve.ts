/** `rackui serve`: runs the server in the foreground. */
import { dirname, join, resolve } from 'node:path';
import { loadConfig, type LoadedConfig } from '../../config/load.ts';
import { ensureRuntimeDirectory, portSlug, socketPath, stateDirectory, viewSocketBeside } from '../../config/paths.ts';
import { type GlobalOptions, rackListOf, withOneRack } from '../server-connection.ts';
import { UsageFailure } from '../terminal-output.ts';

export interface ServeCommandOptions extends GlobalOptions {
  state?: string;
  record?: string;
  autostarted?: boolean;
  exitWithStdin?: boolean;
}

export async function serveCommand(options: ServeCommandOptions): Promise<number> {
  const list = options.rack === undefined ? await rackListOf(options) : null;
  const racks = list?.racks ?? [loadConfig((await withOneRack(options)).config)];
  if (racks.length > 1 && options.record !== undefined)
    throw new UsageFailure('--record is for one rack: say which, with --rack');
  const { serveRacks } = await import('../../server/serve.ts');
  return serveRacks(racks.map((loaded) => rackOf(loaded, options, list !== null)));
}

function rackOf(loaded: LoadedConfig, options: ServeCommandOptions, several: boolean) {
  const port = options.port ?? loaded.config.port;
  const socket = resolve(options.socket ?? socketPath(port));
  // One directory for each rack: a server must never take another rack's journal for its own unfinished work.
  const ofRack = join(options.state ?? stateDirectory(), portSlug(port));
  if (options.socket === undefined) ensureRuntimeDirectory(dirname(socket));
  return {
    loaded,
    port,
    socket,
    viewSocket: viewSocketBeside(socket),
    stateDir: resolve(several ? ofRack : (options.state ?? ofRack)),
    record: options.record === undefined ? null : resolve(options.record),
    autostarted: options.autostarted === true,
    exitWithStdin: options.exitWithStdin === true,
  };
}
