/**
 * Checks the UPSes that the server watches, and whether its plans fit into the battery's time. Also runs rackui as
 * the users of the UPS software, with the bare PATH of a service and no HOME: it requests the server's status,
 * which starts nothing, so that a failure shows before the outage.
 */
import { spawnSync } from 'node:child_process';
import type { ServerInfo } from '../../api/methods.ts';
import { clock, type OutageView, type UpsReading, upsText } from '../../api/outage.ts';
import { type Check, failure, type Machine, ok, warning } from './machine.ts';
import type { UpsProgram } from './ups-software.ts';

/** A UPS as it is configured; `host` null: only the server knows its address. */
export interface AskedUps {
  name: string;
  host: string | null;
  port: number;
  user?: string | undefined;
}

/** Checks the last readings of the UPSes, from the server or from doctor itself. */
export function upsdChecks(configured: readonly AskedUps[], readings: readonly UpsReading[], now: number): Check[] {
  if (configured.length === 0)
    return [
      warning(
        'upsd',
        'no UPS is configured (`ups:`): the server knows of an outage only by reports of other software',
        'add `ups: [{ name: … }]` as `upsc -l` names it (docs/ups.md), unless apcupsd reports to the server',
      ),
    ];
  return configured.flatMap((one) => {
    const { name, host, port, user } = one;
    const reading = readings.find((reading) => reading.name === name);
    const place = `UPS ${name}${host === null ? '' : ` at ${host}:${port}`}`;
    if (reading === undefined || reading.state === 'unknown') {
      const why = reading?.why ?? 'the server does not query it';
      return [failure('upsd', `${place}: ${why}`, todoFor(why, one))];
    }
    const login =
      reading.unregistered === null
        ? user === undefined
          ? []
          : [ok('upsd-login', `${place} counts this machine as connected (user ${user})`)]
        : [
            failure(
              'upsd-login',
              `${place} does not count this machine as connected: ${reading.unregistered}`,
              `give /etc/nut/upsd.users a section [${user ?? 'NAME'}] with this password and 'upsmon secondary', then: upsd -c reload`,
            ),
          ];
    const summary = `${place}: ${upsText(reading, now)}`;
    const state =
      reading.replaceBattery || reading.low
        ? warning('upsd', summary, reading.low ? 'its battery is low' : 'replace its battery')
        : ok('upsd', summary);
    return [state, ...login];
  });
}

function todoFor(why: string, { name, host: given, port }: AskedUps): string {
  const host = given ?? 'HOST';
  if (why.includes('UNKNOWN-UPS')) return `name it as upsd does: upsc -l ${host}:${port}`;
  if (/DATA-STALE|DRIVER-NOT-CONNECTED/.test(why))
    return `its driver has lost it: upsdrvctl start ${name}; check its cable`;
  if (/ACCESS-DENIED|USERNAME|PASSWORD/.test(why))
    return 'the name or the password is not the one in /etc/nut/upsd.users';
  if (why.includes('TLS') || why.includes('certificate'))
    return 'upsd.conf needs CERTFILE, and `ca:` the authority that signed it; or remove `tls`';
  if (why.includes('ECONNREFUSED'))
    return `start upsd there (systemctl enable --now nut-server) with LISTEN ${host} ${port} in upsd.conf`;
  return `check that it answers: upsc ${name}@${host}:${port}`;
}

/** Checks whether each policy's plans can do their work in the available time. */
export function planFitChecks(policies: readonly OutageView[]): Check[] {
  return policies.flatMap(({ nodes, last, batteryS, problems }) => {
    if (last === null)
      return [failure('plan-fits', `${nodes}: there is no last plan`, 'set outage.last, or name a plan shed-all')];
    const { plan, lengthMs, fits } = last;
    const takes = lengthMs === null ? 'an unknown time' : clock(lengthMs / 1000);
    const estimate = `${nodes}: plan ${plan} takes ${takes}, the battery lasts ${batteryS === null ? 'an unknown time' : clock(batteryS)}`;
    const others = problems.filter((text) => !/nodes that are not down by then lose power$/.test(text));
    return [
      fits === null
        ? warning(
            'plan-fits',
            estimate,
            'the UPS reports no runtime: set outage.runtime, the least runtime of a full battery',
          )
        : fits
          ? ok('plan-fits', estimate)
          : failure(
              'plan-fits',
              `${estimate}: nodes that have not shut down by then lose power`,
              'shed earlier (outage.onBattery), more at once (parallel), or reduce the load of the UPS',
            ),
      ...others.map((text) => warning('plan-works', `${nodes}: ${text}`, 'see rackui plan show')),
    ];
  });
}

/** PATH that systemd gives a service, and that upsmon and apcupsd pass on. */
export const BARE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin';
/** Time limit of a trial, ms: a Raspberry Pi starts this program within two seconds, a busy one later. */
const LIMIT_MS = 20_000;

export interface RunResult {
  /** Exit code; null: it did not end in time. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command as a user of this machine, as a service would; null: this process may not become that user. */
export type RunAsUser = (user: string, command: readonly string[]) => RunResult | null;

/** Makes trials on this machine, whose users are in its passwd file. */
export function userRunner(machine: Machine): RunAsUser {
  return (user, command) => {
    const me = machine.login.uid;
    const [, , uid = '', gid = ''] = passwdOf(machine, user) ?? [];
    if (uid === '' || (me !== 0 && me !== Number(uid))) return null;
    const become = me === Number(uid) ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups'];
    const [program = '', ...args] = [...become, 'env', '-i', `PATH=${BARE_PATH}`, ...command];
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: '/', encoding: 'utf8', timeout: LIMIT_MS });
    return { code: status, stdout, stderr };
  };
}

export function hasUser(machine: Machine, user: string): boolean {
  return passwdOf(machine, user) !== null;
}

function passwdOf(machine: Machine, user: string): string[] | null {
  const lines = (machine.text('/etc/passwd') ?? '').split('\n').map((line) => line.split(':'));
  return lines.find(([name]) => name === user) ?? null;
}

/** The server that these users have to reach; null: none runs. */
export type Reached = Pick<ServerInfo, 'pid' | 'user' | 'port' | 'config'> | null;

/**
 * Checks for each user of UPS software that it finds rackui and reaches this server with control. `others`: users
 * for whom a failure is only worth knowing. `own`: path of this program.
 */
export function userChecks(
  programs: readonly UpsProgram[],
  others: readonly string[],
  server: Reached,
  { runAsUser, own }: { runAsUser: RunAsUser; own: string },
): Check[] {
  const needed = new Map(programs.map((one) => [`${one.user} ${one.rackui}`, one]));
  const more = others
    .filter((user) => !programs.some((one) => one.user === user))
    .map((user): UpsProgram => ({ where: '', user, rackui: 'rackui' }));
  return [
    ...[...needed.values()].map((one) => userCheck(one, server, { runAsUser, own })),
    ...more.map((one) => {
      const check = userCheck(one, server, { runAsUser, own });
      return check.verdict === 'failure' ? { ...check, verdict: 'warning' as const } : check;
    }),
  ];
}

function userCheck(
  { user, rackui, where }: UpsProgram,
  server: Reached,
  { runAsUser, own }: { runAsUser: RunAsUser; own: string },
): Check {
  const id = 'ups-user';
  const who = where === '' ? `user ${user}` : `user ${user} (${where})`;
  const found = runAsUser(user, ['sh', '-c', 'command -v "$1"', 'sh', rackui]);
  if (found === null)
    return warning(id, `${who}: only root or ${user} can check that rackui is found`, 'sudo rackui doctor --ups');
  const path = found.stdout.trim();
  if (found.code !== 0 || path === '')
    return failure(
      id,
      `${who}: ${rackui} is not found in the PATH of a service (${BARE_PATH})`,
      `sudo ln -s ${own} /usr/local/bin/rackui${where === '' ? '' : `, or RACKUI=${own} in ${where}`}`,
    );
  const asked = runAsUser(user, [path, 'server', 'status', '--json']);
  if (asked?.code == null)
    return failure(
      id,
      `${who}: ${path} does not answer within ${LIMIT_MS / 1000} s`,
      `run it by hand: ${path} server status`,
    );
  const info = infoFrom(asked.stdout);
  if (asked.code !== 0 || info === null) {
    const why =
      asked.stderr
        .trim()
        .split('\n')[0]
        ?.replace(/^rackui: /, '') || `${path} ended with ${asked.code}`;
    return failure(id, `${who} connects to no server: ${why}`, remedyFor(why, user, server));
  }
  if (server !== null && info.pid !== server.pid)
    return failure(
      id,
      `${who} connects to another server (pid ${info.pid}, port ${info.port}) than this one (pid ${server.pid}, port ${server.port})`,
      'end one of them: rackui server stop',
    );
  return ok(id, `${who}: ${path} reaches the server (pid ${info.pid}, user ${info.user}) with control access`);
}

function remedyFor(why: string, user: string, server: Reached): string {
  if (server === null)
    return "run the server as a service: 'outage last' would have to start one without knowledge of the outage";
  if (/cannot connect to it|no access|may not|EACCES|EPERM|permission/i.test(why))
    return `let ${user} control: \`server: { group: GROUP }\` in the configuration, then: sudo usermod -aG GROUP ${user}`;
  return `a service has no HOME and no RACKUI_CONFIG, and looks in /etc/rackui/rack.yaml for the port: put the configuration there (this server has read ${server.config ?? 'none'}, port ${server.port})`;
}

function infoFrom(text: string): Pick<ServerInfo, 'pid' | 'user' | 'port'> | null {
  try {
    const info = JSON.parse(text) as Partial<ServerInfo> | null;
    return typeof info?.pid === 'number' ? { pid: info.pid, user: info.user ?? '?', port: info.port ?? '?' } : null;
  } catch {
    return null;
  }
}
