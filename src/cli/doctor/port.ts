/**
 * Checks the port: its existence, permissions, other processes on it, and system output to it. Also finds sockets
 * left by servers that have ended.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { probeSocket } from '../../lib/unix-socket.ts';
import { type Check, failure, type Machine, ok, type Process } from './machine.ts';
import { describeProcess, talkerChecks } from './uart-users.ts';

const RW_OTHER = 0o006;
const RW_GROUP = 0o060;
const RW_OWNER = 0o600;

/** The rackui server that holds the port rightly. */
export interface Serving {
  pid: number;
  user: string;
}

/** @param server null where none runs: then this user must be able to open the port */
export function portChecks(machine: Machine, port: string, server: Serving | null): Check[] {
  const device = machine.resolve(port);
  const stat = machine.stat(port);
  if (stat === null && server !== null && machine.hides(port))
    return [
      ok('port', `the rackui server (pid ${server.pid}) serves ${port}, which ${machine.login.user} may not access`),
    ];
  if (stat === null) return [missing(machine, port, device)];
  if (!machine.prepared && !stat.isCharacterDevice())
    return [failure('port', `${port} is not a serial device`, "give the bus's port, e.g. --port /dev/serial0")];
  const name = device === port ? port : `${port} (${device})`;
  return [
    ok('port', `${name} exists`),
    server === null
      ? permission(machine, name, stat)
      : ok('permission', `the rackui server opens ${name}, as user ${server.user}; no other user needs to`),
    holder(machine, device, server?.pid ?? null),
    ...talkerChecks(machine, port),
  ];
}

function missing(machine: Machine, port: string, device: string): Check {
  const others = machine.list('/dev').filter((name) => /^(serial\d|ttyS0|ttyAMA\d+|ttyUSB\d+|ttyACM\d+)$/.test(name));
  const there = others.length === 0 ? '' : `; there are ${others.map((name) => `/dev/${name}`).join(', ')}`;
  const dangling = device === port ? '' : `, it points to ${device}, which does not exist`;
  return failure(
    'port',
    `${port} ${dangling === '' ? 'does not exist' : `does not exist${dangling}`}${there}`,
    'enable the UART (raspi-config: Interface Options, Serial Port: login shell no, hardware yes), or set another with --port',
  );
}

function permission(
  machine: Machine,
  name: string,
  { mode, uid, gid }: { mode: number; uid: number; gid: number },
): Check {
  const { login } = machine;
  const group = machine.groupName(gid);
  const mayAs = (mask: number): boolean => (mode & mask) === mask;
  if (login.uid === 0) return ok('permission', `${login.user} may open ${name}`);
  if (login.uid === uid ? mayAs(RW_OWNER) : login.gids.includes(gid) ? mayAs(RW_GROUP) : mayAs(RW_OTHER))
    return ok('permission', `${login.user} may open ${name}${login.gids.includes(gid) ? ` (group ${group})` : ''}`);
  if (mayAs(RW_GROUP) && machine.isListedIn(gid))
    return failure(
      'permission',
      `${login.user} is in the group ${group} since this session began, and may not open ${name} yet`,
      'log out and in again',
    );
  if (mayAs(RW_GROUP) && group !== 'root')
    return failure(
      'permission',
      `${login.user} may not open ${name}: it belongs to the group ${group}`,
      `sudo usermod -aG ${group} ${login.user}, then log out and in again`,
    );
  return failure(
    'permission',
    `${login.user} may not open ${name}: it belongs to ${machine.userName(uid)}, group ${group}, mode ${(mode & 0o777).toString(8)}`,
    `a udev rule may give it to the group dialout; a getty on the port takes it too (sudo systemctl disable --now serial-getty@….service)`,
  );
}

function holder(machine: Machine, device: string, server: number | null): Check {
  const others = machine.holders(device).filter(({ pid }) => pid !== server && pid !== process.pid);
  const [other] = others;
  if (other === undefined)
    return ok('holder', server === null ? `no program has ${device} open` : `the rackui server (pid ${server}) has it`);
  const who = others.map(describeProcess).join(', ');
  return failure('holder', `${who} ${others.length === 1 ? 'has' : 'have'} ${device} open`, `end it: ${endOf(other)}`);
}

function endOf({ program, pid, command }: Process): string {
  const tty = /\b(tty\w+)\b/.exec(command)?.[1];
  if (/getty|login/.test(program)) return `sudo systemctl disable --now serial-getty@${tty ?? 'ttyS0'}.service`;
  return /rackui|^node$/.test(program) && /\bserve\b/.test(command)
    ? 'rackui server stop, as the user who started it, or use that server with --socket'
    : `kill ${pid}`;
}

/**
 * Returns the sockets in these directories without a listening process. A directory that does not exist, or that
 * this user may not read, has none.
 */
export async function staleSockets(directories: readonly string[]): Promise<string[]> {
  const sockets = [...new Set(directories)].flatMap(socketsIn);
  const answers = await Promise.all(sockets.map(probeSocket));
  return sockets.filter((_path, i) => answers[i] === 'refused');
}

function socketsIn(directory: string): string[] {
  try {
    const paths = readdirSync(directory).filter((name) => name.endsWith('.sock'));
    return paths.map((name) => join(directory, name)).filter((path) => statSync(path).isSocket());
  } catch {
    return [];
  }
}
