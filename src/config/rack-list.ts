/**
 * Loads a configuration of several racks: a file that lists the racks' own files, each a whole configuration with
 * port, nodes and plans, and racks on other machines; with the settings of the interface that shows them all.
 *
 * Reads the port without the YAML parser and the schema (70 ms together): the interface needs nothing else of the
 * configuration before it connects to a server, which has read and checked the whole of it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigError, type ConfigProblem, findConfig, loadConfig, type LoadedConfig, parseAs } from './load.ts';
import { environment, type Environment } from './paths.ts';
import { type RackListConfig, rackListSchema } from './schema.ts';

export const DEFAULT_PORT = '/dev/serial0';

/** Returns the configured port, the default where none is set, or null where the full parser must decide. Pure. */
export function peekPort(text: string): string | null {
  const lines = text.split(/\r?\n/);
  const mentions = lines.filter((line) => /\bport\b["']?\s*:/.test(line.replace(/#.*/, '')));
  const [only, ...others] = mentions;
  if (only === undefined) return DEFAULT_PORT;
  const match = /^port:[ \t]+(?:([^\s#"'&*!|>{}[\]%@`][^\s#]*)|"([^"\\]+)"|'([^']+)')[ \t]*(?:#.*)?$/.exec(only);
  // An indented next line would continue the value.
  const goesOn = /^\s+\S/.test(lines[lines.indexOf(only) + 1] ?? '');
  return others.length > 0 || goesOn || !match ? null : (match[1] ?? match[2] ?? match[3] ?? null);
}

/** True where the text lists the files of several racks. Pure. */
function isRackList(text: string): boolean {
  return /^racks[ \t]*:/m.test(text);
}

/** True where the first of these files that exists lists several racks. */
export function isRackListIn(candidates: readonly Candidate[]): boolean {
  return isRackList(firstFile(candidates)?.text ?? '');
}

/** True where the first of these files has settings of the interface: keys, mouse, bell. */
export function settingsIn(candidates: readonly Candidate[]): boolean {
  return /^["']?(?:keys|interface)["']?[ \t]*:/m.test(firstFile(candidates)?.text ?? '');
}

/** {@link peekPort} of the first of these files that exists; null where the full loader must decide or report. */
export function peekPortIn(candidates: readonly Candidate[]): string | null {
  const file = firstFile(candidates);
  if (file === null) return DEFAULT_PORT;
  return file.text === null ? null : peekPort(file.text);
}

interface Candidate {
  path: string;
  required?: boolean;
}

/** Reads the first that exists, or must; null: none. `text` null: it cannot be read, which the full loader reports. */
function firstFile(candidates: readonly Candidate[]): { text: string | null } | null {
  const found = candidates.find(({ path, required }) => required === true || existsSync(path));
  if (found === undefined) return null;
  try {
    return { text: readFileSync(found.path, 'utf8') };
  } catch {
    return { text: null };
  }
}

/** A rack on this machine, with its file. */
type LocalRack = LoadedConfig & { path: string };
/** A rack on another machine. */
type RemoteRack = Exclude<RackListConfig['racks'][number], string>;

export interface RackList {
  /** The file that lists the others. */
  path: string;
  /** In the order of the file; all names differ, and all ports. */
  all: ({ name: string; local: LocalRack } | { name: string; remote: RemoteRack })[];
  /** Those on this machine. */
  racks: LocalRack[];
}

/**
 * Loads the racks of the configuration that {@link loadConfig} would find; null where it describes one rack. @throws
 * ConfigError
 */
export function loadRackList(explicitPath?: string, around: Environment = environment()): RackList | null {
  const found = findConfig(explicitPath, around);
  if (found === null || !isRackList(found.text)) return null;
  const { path } = found;
  const { data, problem } = parseAs(rackListSchema, found.text, path);
  const problems: ConfigProblem[] = [];
  const racks: LocalRack[] = [];
  const all: RackList['all'] = [];
  data.racks.forEach((entry, index) => {
    const local = typeof entry === 'string' ? loadConfig(resolve(dirname(path), entry), around) : null;
    const name = typeof entry === 'string' ? (local?.config.name ?? '') : entry.name;
    const where = typeof entry === 'string' ? entry : entry.ssh;
    const same = all.find((other) => other.name.toLowerCase() === name.toLowerCase());
    const samePort = local && racks.find(({ config }) => config.port === local.config.port);
    const wrong = (message: string): unknown => problems.push(problem(['racks', index], `${where}: ${message}`));
    if (same) wrong(`the name ${name} is already used by ${'local' in same ? same.local.path : same.remote.ssh}`);
    else if (samePort) wrong(`the port ${samePort.config.port} is already used by ${samePort.config.name}`);
    if (typeof entry !== 'string') all.push({ name, remote: entry });
    else if (local !== null) {
      const rack = { ...local, path: local.path ?? entry };
      racks.push(rack);
      all.push({ name, local: rack });
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return { path, all, racks };
}

/**
 * Loads the settings of the operator's terminal: of one rack from its own file, of several from the file that lists
 * them. @throws ConfigError
 */
export function loadWishes(explicitPath?: string): Pick<RackListConfig, 'interface' | 'keys'> {
  const found = findConfig(explicitPath);
  if (found === null || !isRackList(found.text)) return loadConfig(explicitPath).config;
  return parseAs(rackListSchema, found.text, found.path).data;
}
