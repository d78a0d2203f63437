/**
 * A configuration of several racks: a file that names the racks' own files and nothing else. Each of those is a whole
 * configuration, with its port, its nodes and its plans.
 */
import { dirname, resolve } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { ConfigError, findConfig, loadConfig, type ConfigProblem, type LoadedConfig } from './load.ts';
import { surroundings, type Surroundings } from './paths.ts';
import { isRackList } from './peek.ts';

/** One process serves them all, and one row of tabs shows them. */
const MOST = 8;

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
  const entries = parseRackList(found.text, path);
  const problems: ConfigProblem[] = [];
  const racks: RackList['racks'] = [];
  for (const { file, problem } of entries) {
    const rack = loadConfig(resolve(dirname(path), file), around);
    const { name, port } = rack.config;
    const sameName = racks.find(({ config }) => config.name.toLowerCase() === name.toLowerCase());
    const samePort = racks.find(({ config }) => config.port === port);
    if (sameName) problems.push(problem(`${file}: the name ${name} is already that of ${sameName.path}`));
    else if (samePort) problems.push(problem(`${file}: the port ${port} is already that of ${samePort.config.name}`));
    racks.push({ ...rack, path: rack.path ?? file });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { path, racks };
}

interface Entry {
  file: string;
  /** A problem at this entry's place. */
  problem: (message: string) => ConfigProblem;
}

/** @throws ConfigError */
function parseRackList(text: string, file: string): Entry[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number, message: string): ConfigProblem => ({ file, ...lines.linePos(offset), message });
  if (document.errors.length > 0)
    throw new ConfigError(document.errors.map((error) => at(error.pos[0], `not YAML: ${error.message}`)));
  const top = document.contents;
  const pairs = isMap(top) ? top.items : [];
  const stranger = pairs.find(({ key }) => !isScalar(key) || key.value !== 'racks');
  if (stranger)
    throw new ConfigError([
      at(
        isScalar(stranger.key) ? stranger.key.range[0] : 0,
        'a file with racks: holds nothing else; what is one rack’s stands in that rack’s file',
      ),
    ]);
  const list = pairs[0]?.value;
  const offset = isSeq(list) || isScalar(list) ? list.range[0] : 0;
  if (!isSeq(list) || list.items.length === 0)
    throw new ConfigError([at(offset, 'racks: a list of the racks’ files, e.g. [north.yaml, south.yaml]')]);
  if (list.items.length > MOST) throw new ConfigError([at(offset, `racks: ${MOST} at most`)]);
  return list.items.map((item) => {
    const start = isScalar(item) ? item.range[0] : offset;
    if (!isScalar(item) || typeof item.value !== 'string')
      throw new ConfigError([at(start, 'racks: the path of a rack’s configuration file')]);
    return { file: item.value, problem: (message) => at(start, message) };
  });
}
