/** `rackui serve`: the server in the foreground. */
import { dirname, resolve } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import { ensureRuntimeDirectory, socketPath, stateDirectory, viewSocketBeside } from '../../config/paths.ts';
import { missing } from '../failure.ts';
import type { GlobalOptions } from '../context.ts';

export interface ServeCommandOptions extends GlobalOptions {
  state?: string;
  autostarted?: boolean;
  exitWithStdin?: boolean;
}

export async function serveCommand(options: ServeCommandOptions): Promise<number> {
  const loaded = loadConfig(options.config);
  const port = options.port ?? loaded.config.port;
  const socket = resolve(options.socket ?? socketPath(port));
  if (options.socket === undefined) ensureRuntimeDirectory(dirname(socket));
  const { serve } = await import('../../server/serve.ts').catch(missing);
  return serve({
    loaded,
    port,
    socket,
    viewSocket: viewSocketBeside(socket),
    stateDir: resolve(options.state ?? stateDirectory()),
    autostarted: options.autostarted === true,
    exitWithStdin: options.exitWithStdin === true,
  });
}
