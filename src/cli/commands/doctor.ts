/** `rackui doctor`: why does it not work, or does it? Looks, asks, changes nothing. */
import { dirname } from 'node:path';
import { EXIT } from '../../api/power.ts';
import type { ServerFinding, ServerInfo } from '../../api/protocol.ts';
import type { RackClient } from '../../client/client.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { socketCandidates, stateDirectory } from '../../config/paths.ts';
import manifest from '../../../package.json' with { type: 'json' };
import { openClient, portOf, type GlobalOptions } from '../context.ts';
import { busChecks, type BusPicture } from '../doctor/bus.ts';
import { failure, overall, warning, type Check, type Verdict } from '../doctor/check.ts';
import { Machine } from '../doctor/machine.ts';
import { piChecks } from '../doctor/pi.ts';
import { portChecks } from '../doctor/port.ts';
import { profileLines, profileOf, type BusProfileReport } from '../doctor/profile.ts';
import {
  clockCheck,
  configCheck,
  directoryChecks,
  inForceChecks,
  lifetimeCheck,
  selfChecks,
  servedConfigCheck,
  versionChecks,
} from '../doctor/program.ts';
import { staleSockets } from '../doctor/sockets.ts';
import { print, printJson } from '../output.ts';

export interface DoctorOptions extends GlobalOptions {
  json?: boolean;
  /** UPS, UPS software and plans instead. */
  ups?: boolean;
  /** A directory that stands for the machine: for looking at a copy of somebody's files. No bus is asked then. */
  root?: string;
}

const EXCHANGES = 100;

export async function doctorCommand(options: DoctorOptions): Promise<number> {
  const { machine, config, port, client, problem } = await lookAround(options);
  try {
    const info = client === null ? null : await client.request('server.info', {});
    const checks = [
      ...piChecks(machine, port),
      ...portChecks(machine, info?.port ?? port, info),
      ...versionChecks(process.versions.node, manifest.version, info?.version ?? null),
      clockCheck(machine, Date.now()),
      info === null ? config.check : servedConfigCheck(config, info),
      ...inForceChecks(info?.configuration ?? null),
      ...(machine.text('/proc/self/cgroup') === null ? [] : [lifetimeCheck(machine, info)]),
      ...(client !== null
        ? await askSelf(client, info)
        : machine.prepared || config.loaded === null
          ? []
          : selfChecks(await findSelf(config.loaded), null)),
      ...(machine.prepared ? [] : directoryChecks(port, info, await staleSockets(socketDirectories(port)))),
    ];
    if (problem !== null) checks.push(failure('server', problem, 'then run doctor again'));
    const blocked = checks.some(
      ({ id, verdict }) => verdict === 'failure' && ['port', 'permission', 'holder', 'server'].includes(id),
    );
    const bus = machine.prepared
      ? null
      : client !== null
        ? await askServer(client)
        : blocked || config.loaded === null
          ? null
          : await askBus(port, config.loaded);
    // The server's own list is the one in force.
    const rack = client?.welcome.snapshot.rack ?? config.loaded?.inventory ?? null;
    const named = rack?.configured === true ? rack.nodes : null;
    if (bus !== null) checks.push(...busChecks(bus, named));
    const profile = bus?.survey ? profileOf(bus.survey) : null;
    report(checks, profile, options.json === true);
    return overall(checks) === 'failure' ? EXIT.unavailable : EXIT.done;
  } finally {
    client?.close();
  }
}

/** Where servers of this machine listen: the system's, and this user's. */
const socketDirectories = (port: string): string[] => socketCandidates(port).map((path) => dirname(path));

/** The machine, its configuration and port, and the server on it; of a copy of a machine's files there is none. */
export async function lookAround(options: DoctorOptions) {
  const machine = new Machine(options.root);
  const config = configCheck(machine, options.config);
  const port = options.port ?? config.loaded?.config.port ?? (await portOf({ ...options, port: '/dev/serial0' }));
  const server = machine.prepared ? { client: null, problem: null } : await runningServer({ ...options, port });
  return { machine, config, port, ...server };
}

/** The server that runs, if one does; none is started: it would take the port that is to be looked at. */
async function runningServer(options: GlobalOptions): Promise<{ client: RackClient | null; problem: string | null }> {
  try {
    return { client: await openClient(options, 'doctor', { autostart: false }), problem: null };
  } catch (error) {
    const { ServerUnavailable } = await import('../../client/autostart.ts');
    if (!(error instanceof ServerUnavailable)) throw error;
    const none = options.socket === undefined && error.message.startsWith('no rackui server');
    return { client: null, problem: none ? null : error.message };
  }
}

/** What the server finds of its own machine. Who may only look is not told. */
async function askSelf(client: RackClient, info: ServerInfo | null): Promise<Check[]> {
  try {
    return selfChecks(await client.request('server.check', {}), info);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [
      warning(
        'state',
        `the server does not tell of its state directory and its secrets: ${why}`,
        'ask as somebody who may act',
      ),
    ];
  }
}

/** What a server that this user starts would find. */
async function findSelf({ config }: LoadedConfig): Promise<ServerFinding[]> {
  const [{ checkStateDirectory, secretFinding }, { unreadableSecrets }] = await Promise.all([
    import('../../server/self-check.ts'),
    import('../../config/secret.ts'),
  ]);
  const stateDir = stateDirectory();
  return [
    ...(await checkStateDirectory({ stateDir, config }, { write: false, absent: true })),
    secretFinding(await unreadableSecrets(config, 'run')),
  ];
}

async function askServer(client: RackClient): Promise<BusPicture> {
  const { bus } = await client.request('sweep', { addrs: null, interrupt: false });
  const picture: BusPicture = {
    ...{ state: bus.state, detail: bus.detail, master: bus.master, first: null, survey: null, whyNot: null },
  };
  if (bus.state !== 'ready' && bus.state !== 'paused') return picture;
  try {
    return { ...picture, survey: await client.request('bus.survey', { exchanges: EXCHANGES }) };
  } catch (error) {
    return { ...picture, whyNot: error instanceof Error ? error.message : String(error) };
  }
}

async function askBus(port: string, { config, inventory }: LoadedConfig): Promise<BusPicture> {
  const { inspectBus } = await import('../../server/inspect.ts');
  const nodes = inventory.configured ? inventory.nodes.map(({ addr }) => addr) : null;
  const { phase, detail, master, before, wasLocked, survey } = await inspectBus({
    ...{ port, config, nodes, exchanges: EXCHANGES },
  });
  return {
    ...{ state: phase, detail, master, first: { before, wasLocked }, whyNot: null },
    survey: survey === null ? null : { ...survey, verbEcho: null },
  };
}

const SIGN: Record<Verdict, string> = { ok: 'ok     ', warning: 'warning', failure: 'FAILURE' };

export function report(checks: readonly Check[], profile: BusProfileReport | null, json: boolean): void {
  if (json) {
    printJson({ verdict: overall(checks), checks, profile });
    return;
  }
  const width = Math.max(...checks.map(({ id }) => id.length));
  for (const { id, verdict, seen, todo } of checks) {
    print(`${SIGN[verdict]}  ${id.padEnd(width)}  ${seen}`);
    if (todo !== null) print(`${' '.repeat(9 + width)}  → ${todo}`);
  }
  if (profile !== null) {
    print('');
    print('Bus profile: what this bus does where its documents are silent (docs/first-contact.md)');
    for (const line of profileLines(profile)) print(`  ${line}`);
  }
  const count = (wanted: Verdict): number => checks.filter(({ verdict }) => verdict === wanted).length;
  print('');
  print(`${count('failure')} failures, ${count('warning')} warnings, ${count('ok')} ok`);
}
