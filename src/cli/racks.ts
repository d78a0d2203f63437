/** Which rack of a configuration with several a command is about. */
import { resolve } from 'node:path';
import { configCandidates } from '../config/paths.ts';
import { isRackListIn } from '../config/peek.ts';
import type { RackList } from '../config/rack-list.ts';
import type { GlobalOptions } from './context.ts';
import { UsageFailure } from './failure.ts';
import { didYouMean } from '../lib/words.ts';

/**
 * The options with the configuration of the one rack that is meant; those of a configuration with one rack as they are.
 * @throws UsageFailure where it is not said which one
 */
export async function withOneRack<O extends GlobalOptions>(options: O): Promise<O> {
  const { rack } = options;
  const list = await rackListOf(options);
  if (list === null) {
    if (rack === undefined) return options;
    throw new UsageFailure('--rack is for a configuration with several racks (racks: in the file): leave it out');
  }
  const names = list.racks.map(({ config }) => config.name);
  if (rack === undefined)
    throw new UsageFailure(
      `several racks are configured: say which, with --rack ${names[0] ?? ''}; there are ${names.join(', ')}`,
    );
  const found = list.racks.find(({ config }) => config.name.toLowerCase() === rack.toLowerCase());
  if (found === undefined)
    throw new UsageFailure(`no rack '${rack}' is configured; racks: ${names.join(', ')}${didYouMean(rack, names)}`);
  return { ...options, config: found.path };
}

/**
 * The racks that are configured, or null: one, or a server was named by its socket, whose rack it is.
 * @throws ConfigError
 */
export async function rackListOf(options: GlobalOptions): Promise<RackList | null> {
  if (options.socket !== undefined || options.port !== undefined) return null;
  if (options.config === undefined && process.env.RACKUI_SOCKET !== undefined) return null;
  const candidates = options.config === undefined ? configCandidates() : [{ path: resolve(options.config) }];
  // Most configurations are one rack's, and their commands need no parser.
  if (!isRackListIn(candidates)) return null;
  const { loadRackList } = await import('../config/rack-list.ts');
  return loadRackList(options.config);
}
