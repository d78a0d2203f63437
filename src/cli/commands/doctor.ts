/**
 * `rackui doctor`: diagnoses machine, configuration, port and bus. `rackui doctor --ups`: checks whether the rack
 * goes down in order when the mains fail, also as the users of the UPS software. Both change and start nothing.
 */
import { dirname } from 'node:path';
import manifest from '../../../package.json';
import type { ServerFinding, ServerInfo } from '../../api/methods.ts';
import type { UpsReading } from '../../api/outage.ts';
import { EXIT } from '../../api/power.ts';
import type { RackClient } from '../../client/client.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { socketCandidates, stateDirectory } from '../../config/paths.ts';
import type { UpsConfig } from '../../config/schema.ts';
import { steadyNow } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { busChecks, type BusPicture, type BusProfileReport, profileLines, profileOf } from '../doctor/bus.ts';
import { type Check, failure, Machine, ok, overall, piChecks, type Verdict, warning } from '../doctor/machine.ts';
import { portChecks, staleSockets } from '../doctor/port.ts';
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
import { upsSoftwareChecks } from '../doctor/ups-software.ts';
import { type AskedUps, hasUser, planFitChecks, userRunner, upsdChecks, userChecks } from '../doctor/ups.ts';
import { type GlobalOptions, openClient, portOf, selfCommand, refuseRemote } from '../server-connection.ts';
import { print, printJson } from '../terminal-output.ts';

export interface DoctorOptions extends GlobalOptions {
  json?: boolean;
  /** Checks UPS, UPS software and plans instead. */
  ups?: boolean;
  /** A directory in place of the machine, such as a copy of a user's files. The bus is not asked then. */
  root?: string;
}

const EXCHANGES = 100;

export async function doctorCommand(options: DoctorOptions): Promise<number> {
  refuseRemote(options, 'doctor');
  const { machine, config, port, client, problem } = await gatherFacts(options);
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

/** Returns the directories in which servers of this machine listen: the system's, and this user's. */
const socketDirectories = (port: string): string[] => socketCandidates(port).map((path) => dirname(path));

/** Checks the machine, its configuration and port, and the server on it; a copy of a machine's files has none. */
export async function gatherFacts(options: DoctorOptions) {
  const machine = new Machine(options.root);
  const config = configCheck(machine, options.config);
  const port = options.port ?? config.loaded?.config.port ?? (await portOf({ ...options, port: '/dev/serial0' }));
  const server = machine.prepared ? { client: null, problem: null } : await runningServer({ ...options, port });
  return { machine, config, port, ...server };
}

/** Connects to the running server, if there is one; starts none, because it would take the port to check. */
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

/** Returns the server's findings about its own machine; none in view-only sessions, which do not get them. */
async function askSelf(client: RackClient, info: ServerInfo | null): Promise<Check[]> {
  try {
    return selfChecks(await client.request('server.check', {}), info);
  } catch (error) {
    const why = messageOf(error);
    return [
      warning(
        'state',
        `the server does not report its state directory and secrets: ${why}`,
        'run doctor as a user with control access',
      ),
    ];
  }
}

/** Returns the findings of a server that this user would start. */
async function findSelf({ config }: LoadedConfig): Promise<ServerFinding[]> {
  const [{ checkStateDirectory, secretFinding }, { unreadableSecrets }] = await Promise.all([
    import('../../server/self-check.ts'),
    import('../../config/secrets.ts'),
  ]);
  const stateDir = stateDirectory();
  return [
    ...(await checkStateDirectory({ stateDir, consoleLogDir: stateDir, config }, { write: false, absent: true })),
    secretFinding(await unreadableSecrets(config, 'run')),
  ];
}

async function askServer(client: RackClient): Promise<BusPicture> {
  const { bus } = await client.request('sweep', { addrs: null, interrupt: false });
  const picture: BusPicture = {
    state: bus.state,
    detail: bus.detail,
    master: bus.master,
    first: null,
    survey: null,
    whyNot: null,
  };
  if (bus.state !== 'ready' && bus.state !== 'paused') return picture;
  try {
    return { ...picture, survey: await client.request('bus.survey', { exchanges: EXCHANGES }) };
  } catch (error) {
    return { ...picture, whyNot: messageOf(error) };
  }
}

async function askBus(port: string, { config, inventory }: LoadedConfig): Promise<BusPicture> {
  const { inspectBus } = await import('../../server/bus-diagnostics.ts');
  const nodes = inventory.configured ? inventory.nodes.map(({ addr }) => addr) : null;
  const { phase, detail, master, before, wasLocked, diagnostics } = await inspectBus({
    port,
    config,
    nodes,
    exchanges: EXCHANGES,
  });
  return {
    state: phase,
    detail,
    master,
    first: { before, wasLocked },
    whyNot: null,
    survey: diagnostics === null ? null : { ...diagnostics, verbEcho: null },
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
    print('Bus profile: undocumented properties of this bus (docs/first-contact.md)');
    for (const line of profileLines(profile)) print(`  ${line}`);
  }
  const count = (wanted: Verdict): number => checks.filter(({ verdict }) => verdict === wanted).length;
  print('');
  print(`${count('failure')} failures, ${count('warning')} warnings, ${count('ok')} ok`);
}

/** NUT's usual user. */
const NUT_USER = 'nut';

export async function doctorUps(options: DoctorOptions): Promise<number> {
  const { machine, config, client, problem } = await gatherFacts(options);
  try {
    const info = client === null ? null : await client.request('server.info', {});
    const status = client === null ? null : await client.request('outage.status', {});
    const configured = config.loaded?.config.ups ?? [];
    const reported = status?.policies.flatMap(({ ups }) => ups) ?? [];
    const asks = status === null ? configured.length > 0 : reported.length > 0;
    const lengths = status?.policies.map(({ last }) => last?.lengthMs ?? 0) ?? [];
    const software = upsSoftwareChecks(machine, asks, lengths.length === 0 ? null : Math.max(...lengths));
    const now = client?.now() ?? steadyNow();
    const readings = status === null && !machine.prepared ? await askAll(configured) : reported;
    const checks: Check[] = [
      ...(config.check.verdict === 'failure' && info === null ? [config.check] : []),
      ...(machine.prepared ? [] : [serverCheck(info, problem)]),
      ...(machine.prepared
        ? []
        : upsdChecks(asks && configured.length === 0 ? reported.map(unplaced) : configured, readings, now)),
      ...(status === null ? [] : planFitChecks(status.policies)),
      ...software.checks,
      ...(machine.prepared
        ? []
        : userChecks(
            software.programs,
            ['root', NUT_USER].filter((user) => hasUser(machine, user)),
            info,
            {
              runAsUser: userRunner(machine),
              own: selfCommand().at(-1) ?? 'rackui',
            },
          )),
    ];
    report(checks, null, options.json === true);
    return overall(checks) === 'failure' ? EXIT.unavailable : EXIT.done;
  } finally {
    client?.close();
  }
}

function serverCheck(info: ServerInfo | null, problem: string | null): Check {
  if (problem !== null) return failure('server', problem, 'then run doctor again');
  if (info === null)
    return failure(
      'server',
      'no server runs: the mains are not watched',
      'run one as a service (docs/first-evening.md)',
    );
  const owner = `the server (pid ${info.pid}, user ${info.user}) watches port ${info.port}`;
  return info.autostarted
    ? warning('server', `${owner}, and stops when idle`, 'run it as a service (docs/first-evening.md)')
    : ok('server', owner);
}

/** A UPS whose address only the server knows. */
function unplaced({ name, unregistered }: UpsReading): AskedUps {
  return { name, host: null, port: 0, user: unregistered === null ? undefined : 'of the configuration' };
}

/** Polls the UPSes as this user, where there is no server. */
async function askAll(configured: readonly UpsConfig[]): Promise<UpsReading[]> {
  const [{ askOnce }, { sourceOf }] = await Promise.all([
    import('../../server/ups/ups-monitor.ts'),
    import('../../server/ups/outages.ts'),
  ]);
  return Promise.all(configured.map((ups) => askOnce(sourceOf(ups))));
}
