/**
 * Connects a command to its rack's server: finds the rack, the port and the socket, identifies the user, and starts
 * a server where needed. Also resolves an operator's words to nodes.
 */
import { readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Snapshot } from '../api/methods.ts';
import { EXIT } from '../api/power.ts';
import type { ConnectOptions } from '../client/autostart.ts';
import type { RackClient } from '../client/client.ts';
import type { RemoteRack } from '../client/ssh.ts';
import { configCandidates, socketCandidates, socketPath, stateDirectory, viewSocketBeside } from '../config/paths.ts';
import { DEFAULT_PORT, isRackListIn, peekPortIn } from '../config/quick-look.ts';
import type { RackList } from '../config/rack-list.ts';
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
  /** The chosen rack, where it is on another machine; set by {@link optionsFor}. */
  remote?: RemoteRack;
  /** The connection to the rack, where the command runs for several: it closes it. */
  opened?: RackClient;
  viewOnly?: boolean;
  /** Nothing is redrawn, and questions are asked without cursor movement. */
  plain?: boolean;
}

/**
 * Returns the port: `--port`, otherwise the configuration's, which is read in full only where a quick search does
 * not find it.
 */
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
  {
    autostart,
    serve,
    warn = hint,
    signal,
    begun,
  }: Pick<ConnectOptions, 'begun' | 'signal' | 'warn'> & { autostart: boolean; serve?: string },
): Promise<RackClient> {
  const { remote, opened } = options;
  if (opened !== undefined) {
    useDatesOf(opened);
    return opened;
  }
  if (remote !== undefined) {
    const [{ connectBySsh }, { identity }] = await Promise.all([
      import('../client/ssh.ts'),
      import('../client/autostart.ts'),
    ]);
    const viewOnly = remote.viewOnly || options.viewOnly === true;
    const client = await connectBySsh({ ...remote, viewOnly }, identity(program, process.env, ttyName()), signal);
    useDatesOf(client);
    return client;
  }
  const { named, port, control } = await whereServerIs(options);
  const sockets = options.viewOnly === true ? control.map(viewSocketBeside) : control;
  const { connectOrStart, identity } = await import('../client/autostart.ts');
  const client = await connectOrStart({
    sockets,
    who: identity(program, process.env, ttyName()),
    named,
    port: named ? null : port,
    group: () => operatorsGroup(options),
    viewOnly: options.viewOnly === true,
    signal,
    begun,
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

/** Returns the sockets on which the rack's server may listen. `named`: the operator gave the socket. */
async function whereServerIs(options: GlobalOptions): Promise<{ named: boolean; port: string; control: string[] }> {
  const named = options.socket ?? process.env.RACKUI_SOCKET;
  const port = named !== undefined && options.port === undefined ? DEFAULT_PORT : await portOf(options);
  return { named: named !== undefined, port, control: named === undefined ? socketCandidates(port) : [resolve(named)] };
}

/**
 * Returns the process of the rack's server, whether it answers or not; null: there is none, or only root can see
 * it.
 */
export async function findServerProcess(options: GlobalOptions): Promise<number | null> {
  const { named, port, control } = await whereServerIs(options);
  const [{ listenerOf }, { listedName }] = await Promise.all([
    import('../client/process-lifetime.ts'),
    import('../config/server-announcement.ts'),
  ]);
  const names = named ? control : [...control, listedName(port)];
  return names.map(listenerOf).find((pid) => pid !== null) ?? null;
}

/** Returns the group with control, from this user's configuration; null: none, or no configuration can be read. */
async function operatorsGroup(options: GlobalOptions): Promise<number | null> {
  const [{ loadConfig }, { groupId }] = await Promise.all([import('../config/load.ts'), import('../lib/users.ts')]);
  try {
    const { group } = loadConfig(options.config).config.server;
    return group === undefined ? null : await groupId(group);
  } catch {
    return null;
  }
}

/** Returns the command line of a background server. Paths are made absolute, because its directory differs. */
function serveCommand(options: GlobalOptions, port: string): [string, ...string[]] {
  const config = options.config === undefined ? [] : ['--config', resolve(options.config)];
  return [...selfCommand(), 'serve', '--autostarted', '--port', port, '--socket', socketPath(port), ...config];
}

/** Returns that of a server of several racks: port and socket of each are in its configuration. */
function serveAllCommand(list: string): [string, ...string[]] {
  return [...selfCommand(), 'serve', '--autostarted', '--config', resolve(list)];
}

/**
 * Returns the command that runs this program again in the same way (with a loader of sources, when it runs from
 * them).
 */
export function selfCommand(): [string, ...string[]] {
  return [process.execPath, ...process.execArgv, resolve(process.argv[1] ?? 'rackui')];
}

/** Returns the terminal of stdin, `/dev/pts/3`, or null. */
function ttyName(): string | null {
  if (!process.stdin.isTTY) return null;
  try {
    return readlinkSync('/proc/self/fd/0');
  } catch {
    return null;
  }
}

/**
 * Returns the options with the configuration of the chosen rack; unchanged where there is one rack. @throws
 * UsageFailure where none was chosen
 */
export async function withOneRack<O extends GlobalOptions>(options: O): Promise<O> {
  const { rack } = options;
  const list = await rackListOf(options);
  if (list === null) {
    if (rack === undefined) return options;
    throw new UsageFailure('--rack is only for a configuration with several racks (racks: in the file)');
  }
  const names = list.all.map(({ name }) => name);
  const wanted = rack ?? (names.length === 1 ? names[0] : undefined);
  if (wanted === undefined)
    throw new UsageFailure(
      `several racks are configured: select one with --rack ${names[0] ?? ''}; there are ${names.join(', ')}`,
    );
  const found = list.all.find(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  if (found === undefined)
    throw new UsageFailure(`no rack '${wanted}' is configured; racks: ${names.join(', ')}${didYouMean(wanted, names)}`);
  return optionsFor(options, found);
}

/** Returns the options for one of the listed racks. */
export function optionsFor<O extends GlobalOptions>(options: O, rack: RackList['all'][number]): O {
  return 'local' in rack ? { ...options, config: rack.local.path } : { ...options, remote: rack.remote };
}

/** Refuses a command about this machine for a rack on another. @throws UsageFailure with the command to run there */
export function refuseRemote({ remote }: GlobalOptions, command: string): void {
  if (remote === undefined) return;
  throw new UsageFailure(
    `${command} is about the machine that it runs on, and ${remote.name} is on another: ssh ${remote.ssh} rackui ${command}`,
  );
}

/**
 * Returns the configured racks, or null: there is one, or a server was named by its socket, whose rack it is.
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

/** Resolves words to nodes. @throws UsageFailure that names the invalid word and valid ones */
export function targetsOf(words: readonly string[], { rack }: Pick<Snapshot, 'rack'>): Targets {
  const selection = select(words, rack);
  if (!selection.ok) throw new UsageFailure(selection.problem);
  return selection;
}

/** Returns the one node that a word selects. @throws UsageFailure */
export function targetOf(word: string, snapshot: Pick<Snapshot, 'rack'>): InventoryNode {
  const [node, ...others] = targetsOf([word], snapshot).nodes;
  if (node === undefined || others.length > 0) throw new UsageFailure(`'${word}' selects several nodes: give one`);
  return node;
}

/** Returns the rack as it is known now; waits for a rack being discovered, or a bus that is starting. */
export async function knownRack(client: RackClient): Promise<Snapshot> {
  const { snapshot } = client.welcome;
  if (snapshot.rack.configured && snapshot.bus.state !== 'starting') return snapshot;
  return client.request('sweep', { addrs: null, interrupt: false });
}

/** Makes the failure of a request that needs a rack with names; `so`: what cannot be done. */
export function noNames(so: string): Failure {
  return new Failure(
    EXIT.config,
    `the server's configuration has no nodes, so ${so}: 'rackui discover --write FILE' creates one; after 'rackui server stop' the next command starts a server that reads it`,
  );
}
