/** What every command that talks to a server needs: which port, which socket, who asks, how to start one. */
import { readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RackClient } from '../client/client.ts';
import { DEFAULT_PORT, peekPortIn } from '../config/peek.ts';
import { useDatesOf } from './dates.ts';
import { hint } from './output.ts';
import { configCandidates, socketCandidates, socketPath, stateDirectory, viewSocketBeside } from '../config/paths.ts';

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
    import('../client/server-process.ts'),
    import('../config/announcement.ts'),
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
