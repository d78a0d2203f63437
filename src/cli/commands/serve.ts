/** `rackui serve`: the server in the foreground. */
import { dirname, join, resolve } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import { ensureRuntimeDirectory, portSlug, socketPath, stateDirectory, viewSocketBeside } from '../../config/paths.ts';
import type { GlobalOptions } from '../context.ts';

export interface ServeCommandOptions extends GlobalOptions {
  state?: string;
  record?: string;
  autostarted?: boolean;
  exitWithStdin?: boolean;
}

export async function serveCommand(options: ServeCommandOptions): Promise<number> {
  const loaded = loadConfig(options.config);
  const port = options.port ?? loaded.config.port;
  const socket = resolve(options.socket ?? socketPath(port));
  if (options.socket === undefined) ensureRuntimeDirectory(dirname(socket));
  const { serve } = await import('../../server/serve.ts');
  return serve({
    loaded,
    port,
    socket,
    viewSocket: viewSocketBeside(socket),
    // Each rack its own: a server must never take another rack's journal for its own unfinished work.
    stateDir: resolve(options.state ?? join(stateDirectory(), portSlug(port))),
    record: options.record === undefined ? null : resolve(options.record),
    autostarted: options.autostarted === true,
    exitWithStdin: options.exitWithStdin === true,
  });
}
