/**
 * A configuration of several racks: a file that names the racks' own files, and says how the interface that shows them
 * all is used. Each of those is a whole configuration, with its port, its nodes and its plans.
 */
import { dirname, resolve } from 'node:path';
import { ConfigError, findConfig, loadConfig, parseAs, type ConfigProblem, type LoadedConfig } from './load.ts';
import { surroundings, type Surroundings } from './paths.ts';
import { isRackList } from './peek.ts';
import { rackListSchema, type RackListConfig } from './schema.ts';

export interface RackList {
  /** The file that names the others. */
  path: string;
  /** In the order of the file; names and ports differ. */
  racks: (LoadedConfig & { path: string })[];
}

/**
 * The racks of the configuration that {@link loadConfig} would find, or null where it is one rack's.
 * @throws ConfigError
 */
export function loadRackList(explicitPath?: string, around: Surroundings = surroundings()): RackList | null {
  const found = findConfig(explicitPath, around);
  if (found === null || !isRackList(found.text)) return null;
  const { path } = found;
  const { data, problem } = parseAs(rackListSchema, found.text, path);
  const problems: ConfigProblem[] = [];
  const racks: RackList['racks'] = [];
  data.racks.forEach((file, index) => {
    const rack = loadConfig(resolve(dirname(path), file), around);
    const { name, port } = rack.config;
    const sameName = racks.find(({ config }) => config.name.toLowerCase() === name.toLowerCase());
    const samePort = racks.find(({ config }) => config.port === port);
    const wrong = (message: string): unknown => problems.push(problem(['racks', index], `${file}: ${message}`));
    if (sameName) wrong(`the name ${name} is already that of ${sameName.path}`);
    else if (samePort) wrong(`the port ${port} is already that of ${samePort.config.name}`);
    racks.push({ ...rack, path: rack.path ?? file });
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return { path, racks };
}

/**
 * What the found configuration says of the operator's terminal: of one rack its own file, of several the file that lists
 * them. @throws ConfigError
 */
export function loadWishes(explicitPath?: string): Pick<RackListConfig, 'interface' | 'keys'> {
  const found = findConfig(explicitPath);
  if (found === null || !isRackList(found.text)) return loadConfig(explicitPath).config;
  return parseAs(rackListSchema, found.text, found.path).data;
}
