/**
 * What every command that talks to a server needs: which port, which socket, who asks, how to start one.
 *
 * Which rack of a configuration with several a command is about.
 *
 * From an operator's words to nodes of the rack that the server knows.
 */
import { readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Snapshot } from '../api/methods.ts';
import { EXIT } from '../api/power.ts';
import type { RackClient } from '../client/client.ts';
import { configCandidates, socketCandidates, socketPath, stateDirectory, viewSocketBeside } from '../config/paths.ts';
import { DEFAULT_PORT, isRackListIn, peekPortIn, type RackList } from '../config/rack-list.ts';
import { didYouMean } from '../lib/words.ts';
import type { InventoryNode } from '../rack/inventory.ts';
import { select } from '../rack/selectors.ts';
import { Failure, hint, UsageFailure, useDatesOf } from './terminal-output.ts';

/** Options that every command understands. */
export interface GlobalOptions {
  config?: string;
  port?: string;
  socket?: string;
  /** One of several configured racks. */
  rack?: string;
  viewOnly?: boolean;
  /** Nothing is drawn anew, and questions are asked without cursor movement. */
  plain?: boolean;
}

/** The port: `--port`, else the configuration's, read in full only where a glance does not tell. */
export async function portOf(options: GlobalOptions): Promise<string> {
  if (options.port !== undefined) return options.port.startsWith('/') ? options.port : resolve(options.port);
  const candidates =
    options.config === undefined ? configCandidates() : [{ path: resolve(options.config), required: true }];
  const glance = peekPortIn(candidates);
  if (glance !== null) return glance;
  const { loadConfig } = await import('../config/load.ts');
  return loadConfig(options.config).config.port;
}

/** Connects to the rack's server, starting one where that is possible and wanted: of all racks that `serve` lists. */
export async function openClient(
  options: GlobalOptions,
  program: string,
  { autostart, serve, warn = hint }: { autostart: boolean; serve?: string; warn?: (text: string) => void },
): Promise<RackClient> {
  const { named, port, control } = await whereServerIs(options);
  const sockets = options.viewOnly === true && !named ? control.map(viewSocketBeside) : control;
  const { connectOrStart, identity } = await import('../client/autostart.ts');
  const client = await connectOrStart({
    sockets,
    who: identity(program, process.env, ttyName()),
    named,
    port: named ? null : port,
    group: () => operatorsGroup(options),
    viewOnly: options.viewOnly === true,
    warn: (text) => warn(`rackui: ${text}`),
    start:
      autostart && !named
        ? {
            command: serve === undefined ? serveCommand(options, port) : serveAllCommand(serve),
            socket: socketPath(port),
            stateDir: stateDirectory(),
          }
        : null,
  });
  useDatesOf(client);
  return client;
}

/** `control`: where the rack's server may listen. `named`: the operator said so. */
async function whereServerIs(options: GlobalOptions): Promise<{ named: boolean; port: string; control: string[] }> {
  const named = options.socket ?? process.env.RACKUI_SOCKET;
  const port = named !== undefined && options.port === undefined ? DEFAULT_PORT : await portOf(options);
  return { named: named !== undefined, port, control: named === undefined ? socketCandidates(port) : [resolve(named)] };
}

/** The process of the rack's server, whether it answers or not; null: there is none, or only root can see it. */
export async function findServerProcess(options: GlobalOptions): Promise<number | null> {
  const { named, port, control } = await whereServerIs(options);
  const [{ listenerOf }, { listedName }] = await Promise.all([
    import('../client/process-lifetime.ts'),
    import('../config/server-announcement.ts'),
  ]);
  const names = named ? control : [...control, listedName(port)];
  return names.map(listenerOf).find((pid) => pid !== null) ?? null;
}

/** The group that may control, as this user's configuration has it; null: none, or no configuration can be read. */
async function operatorsGroup(options: GlobalOptions): Promise<number | null> {
  const [{ loadConfig }, { groupId }] = await Promise.all([import('../config/load.ts'), import('../lib/users.ts')]);
  try {
    const { group } = loadConfig(options.config).config.server;
    return group === undefined ? null : await groupId(group);
  } catch {
    return null;
  }
}

/** The command line of a background server. Paths are made absolute: it runs elsewhere. */
function serveCommand(options: GlobalOptions, port: string): [string, ...string[]] {
  const config = options.config === undefined ? [] : ['--config', resolve(options.config)];
  return [...selfCommand(), 'serve', '--autostarted', '--port', port, '--socket', socketPath(port), ...config];
}

/** That of a server of several racks: port and socket of each are in its configuration. */
function serveAllCommand(list: string): [string, ...string[]] {
  return [...selfCommand(), 'serve', '--autostarted', '--config', resolve(list)];
}

/** How to run this program again, by the same means (a loader of sources, when it runs from them). */
export function selfCommand(): [string, ...string[]] {
  return [process.execPath, ...process.execArgv, resolve(process.argv[1] ?? 'rackui')];
}

/** The terminal of stdin, `/dev/pts/3`, or null. */
function ttyName(): string | null {
  if (!process.stdin.isTTY) return null;
  try {
    return readlinkSync('/proc/self/fd/0');
  } catch {
    return null;
  }
}

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

export interface Targets {
  nodes: InventoryNode[];
  /** The selector in one spelling. */
  label: string;
}

/** @throws UsageFailure that names the word and what would be right */
export function targetsOf(words: readonly string[], { rack }: Pick<Snapshot, 'rack'>): Targets {
  const selection = select(words, rack);
  if (!selection.ok) throw new UsageFailure(selection.problem);
  return selection;
}

/** The rack as it is known now; one that nobody configured, or a bus that is only starting, is waited for. */
export async function knownRack(client: RackClient): Promise<Snapshot> {
  const { snapshot } = client.welcome;
  if (snapshot.rack.configured && snapshot.bus.state !== 'starting') return snapshot;
  return client.request('sweep', { addrs: null, interrupt: false });
}

/** For what only a rack with names can be asked for; `so`: what cannot be done. */
export function noNames(so: string): Failure {
  return new Failure(
    EXIT.config,
    `the server's configuration names no nodes, so ${so}: 'rackui discover --write FILE' makes one; where there is one, 'rackui server stop', and the next command starts a server that reads it`,
  );
}
