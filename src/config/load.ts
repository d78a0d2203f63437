/** Finds, reads and checks the configuration file; every problem has its line and column. */
import { resolve } from 'node:path';
import { type Document, isMap, isPair, isScalar, LineCounter, parseDocument } from 'yaml';
import type * as z from 'zod';
import { type Inventory, unnamedNode } from '../rack/inventory.ts';
import { select } from '../rack/selectors.ts';
import { describeIssue, type Path, WORDED_ONCE } from './error-messages.ts';
import { configCandidates, environment, type Environment } from './paths.ts';
import { type Config, configSchema } from './schema.ts';
import { checkOwnership, type ReadFile, readOnce } from './trust.ts';
import { checkNodes, checkOutage, type Contradiction } from './validate.ts';

export interface ConfigProblem {
  file: string;
  /** From 1; 0 where the problem concerns the whole file. */
  line: number;
  col: number;
  /** The problem and a correct value. */
  message: string;
}

/** The configuration cannot be used; exit code 78. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[], message = problems.map(formatProblem).join('\n')) {
    super(message);
    this.problems = problems;
  }
}

export interface LoadedConfig {
  config: Config;
  /** The file; null: there is none, and the bus is scanned. */
  path: string | null;
  inventory: Inventory;
}

/** Formats `file:line:col: message`, as compilers and editors do. */
export function formatProblem({ file, line, col, message }: ConfigProblem): string {
  return line === 0 ? `${file}: ${message}` : `${file}:${line}:${col}: ${message}`;
}

/**
 * Loads the configuration at `explicitPath`, `$RACKUI_CONFIG`, `$XDG_CONFIG_HOME/rackui/rack.yaml`,
 * `/etc/rackui/rack.yaml`, the first that exists; without any, the defaults. @throws ConfigError
 */
export function loadConfig(explicitPath?: string, around: Environment = environment()): LoadedConfig {
  const found = findConfig(explicitPath, around);
  if (found === null) return loadedFrom(configSchema.parse({}, WORDED_ONCE), null);
  const config = parseConfig(found.text, found.path);
  const distrust = checkOwnership(config, found, around.uid);
  if (distrust !== null) throw new ConfigError([{ file: found.path, line: 0, col: 0, message: distrust }]);
  return loadedFrom(config, found.path);
}

/** Reads the first configuration file that exists; null: none. @throws ConfigError */
export function findConfig(explicitPath: string | undefined, around: Environment = environment()): ReadFile | null {
  const candidates =
    explicitPath === undefined ? configCandidates(around) : [{ path: resolve(explicitPath), required: true }];
  for (const { path, required } of candidates) {
    try {
      return readOnce(path);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'it cannot be read';
      if (code === 'ENOENT' && !required) continue;
      const why = code === 'ENOENT' ? 'there is no such file' : `cannot read it: ${code}`;
      throw new ConfigError([{ file: path, line: 0, col: 0, message: why }]);
    }
  }
  return null;
}

/** Parses a configuration. `file` only names the source in problems. Pure. @throws ConfigError */
export function parseConfig(text: string, file: string): Config {
  const { data, problem } = parseAs(configSchema, text, file);
  const contradictions = [
    ...checkNodes(data.nodes),
    ...checkSelectors(data),
    ...checkTriggers(data),
    ...checkBoot(data),
    ...checkOutage(data, inventoryOf(data)),
  ];
  if (contradictions.length > 0)
    throw new ConfigError(contradictions.map(({ path, message }) => problem(path, message)));
  return data;
}

/**
 * Parses text by a schema. Returns the data and a function that gives further problems their places. @throws
 * ConfigError
 */
export function parseAs<S extends z.ZodType>(
  schema: S,
  text: string,
  file: string,
): { data: z.output<S>; problem: (path: Path, message: string) => ConfigProblem } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number, message: string): ConfigProblem => ({ file, ...lines.linePos(offset), message });
  if (document.errors.length > 0)
    throw new ConfigError(document.errors.map((e) => at(e.pos[0], `not YAML: ${e.message}`)));
  const written: unknown = document.toJS() ?? {};
  const parsed = schema.safeParse(written, WORDED_ONCE);
  if (!parsed.success)
    throw new ConfigError(
      parsed.error.issues
        .flatMap((issue) => describeIssue(issue, written, SEE))
        .map(({ path, place, message }) => at(offsetOf(document, path, place), `${pathText(path)}${message}`)),
    );
  return { data: parsed.data, problem: (path, message) => at(offsetOf(document, path), `${pathText(path)}${message}`) };
}

/**
 * Adds places to problems that were found outside this module in a readable configuration. `place`: `key` means the
 * name at the path's end, not its value.
 */
export function placedProblems(
  { path: file, text }: { path: string; text: string },
  problems: readonly { path: Path; place?: 'key'; message: string }[],
): ConfigError {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  return new ConfigError(
    problems.map(({ path, place, message }) => ({
      file,
      message: `${pathText(path)}${message}`,
      ...lines.linePos(offsetOf(document, path, place)),
    })),
  );
}

/** Checks the nodes of hooks and tokens: a hook for unknown nodes would silently never run. */
function checkSelectors(config: Config): Contradiction[] {
  const inventory = inventoryOf(config);
  if (!inventory.configured) return [];
  const places = [
    ...config.hooks.map(({ nodes }, index) => ({ nodes, path: ['hooks', index, 'nodes'] })),
    ...(config.http?.tokens ?? []).map(({ nodes }, index) => ({ nodes, path: ['http', 'tokens', index, 'nodes'] })),
  ];
  return places.flatMap(({ nodes, path }) => {
    const selection = select([nodes], inventory);
    return selection.ok ? [] : [{ path, message: selection.problem }];
  });
}

/** Checks the nodes of triggers likewise. */
function checkTriggers(config: Config): Contradiction[] {
  const inventory = inventoryOf(config);
  if (!inventory.configured) return [];
  return config.console.triggers.flatMap((trigger, index) => {
    const selection = typeof trigger === 'string' ? null : select([trigger.nodes], inventory);
    return selection === null || selection.ok
      ? []
      : [{ path: ['console', 'triggers', index, 'nodes'], message: selection.problem }];
  });
}

/** Checks the proof of boots: without a section ssh, every boot would count as proven. */
function checkBoot({ boot, ssh }: Config): Contradiction[] {
  if (boot.proof !== 'ssh' || ssh !== undefined) return [];
  return [
    {
      path: ['boot', 'proof'],
      message: 'ssh is configured as proof that a node came up, but there is no section ssh: add ssh: {}',
    },
  ];
}

function loadedFrom(config: Config, path: string | null): LoadedConfig {
  return { config, path, inventory: inventoryOf(config) };
}

/** Returns the inventory of a configuration, nodes in address order. */
export function inventoryOf(config: Config): Inventory {
  const nodes = config.nodes
    .map((node) => {
      const blank = unnamedNode(node.addr);
      return {
        addr: node.addr,
        name: node.name ?? blank.name,
        role: node.role ?? null,
        cluster: node.cluster ?? null,
        ip: node.ip ?? null,
        mac: node.mac ?? null,
        chassisFan: node.chassisFan ?? null,
        protected: node.protected ?? false,
        uid: node.uid?.toLowerCase() ?? null,
        calibration: node.calibration ?? config.calibration ?? null,
      };
    })
    .sort((a, b) => a.addr - b.addr);
  return { name: config.name, nodes, configured: nodes.length > 0, calibration: config.calibration ?? null };
}

/** Added behind the names of settings. */
const SEE = '; see docs/configuration.md';

function pathText(path: Path): string {
  return path.length === 0 ? '' : `${path.map(String).join('.')}: `;
}

/** Returns the offset of the value (or the key) at `path`; of the nearest parent where it is missing. */
function offsetOf(document: Document, path: Path, place: 'key' | 'value' = 'value'): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === last);
      const wanted = length === path.length ? place : 'key';
      const node: unknown = pair && (wanted === 'key' || !hasRange(pair.value) ? pair.key : pair.value);
      if (hasRange(node)) return node.range[0];
      continue;
    }
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (hasRange(node)) return node.range[0];
  }
  return 0;
}

function hasRange(node: unknown): node is { range: [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
}
