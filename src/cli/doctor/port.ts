/** The port: is it there, may it be opened, who else is at it, does anything of the system talk on it. */
import { failure, ok, warning, type Check } from './check.ts';
import type { Machine, Process } from './machine.ts';

const RW_OTHER = 0o006;
const RW_GROUP = 0o060;
const RW_OWNER = 0o600;

/** @param server pid of the rackui server that holds the port rightly, or null */
export function portChecks(machine: Machine, port: string, server: number | null): Check[] {
  const device = machine.resolve(port);
  const stat = machine.stat(port);
  if (stat === null) return [missing(machine, port, device)];
  if (!machine.prepared && !stat.isCharacterDevice())
    return [failure('port', `${port} is no serial device`, "give the bus's port, e.g. --port /dev/serial0")];
  const name = device === port ? port : `${port} (${device})`;
  return [
    ok('port', `${name} exists`),
    permission(machine, name, stat),
    holder(machine, device, server),
    serialConsole(machine, port, device),
    getty(machine, device),
  ];
}

function missing(machine: Machine, port: string, device: string): Check {
  const others = machine.list('/dev').filter((name) => /^(serial\d|ttyS0|ttyAMA\d+|ttyUSB\d+|ttyACM\d+)$/.test(name));
  const there = others.length === 0 ? '' : `; there are ${others.map((name) => `/dev/${name}`).join(', ')}`;
  const dangling = device === port ? '' : `, it points to ${device}, which does not exist`;
  return failure(
    'port',
    `${port} ${dangling === '' ? 'does not exist' : `leads nowhere${dangling}`}${there}`,
    'enable the UART (raspi-config: Interface Options, Serial Port: login shell no, hardware yes), or name another with --port',
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
    return ok('holder', server === null ? `nobody has ${device} open` : `the rackui server (pid ${server}) has it`);
  const who = others.map(describe).join(', ');
  return failure('holder', `${who} ${others.length === 1 ? 'has' : 'have'} ${device} open`, `end it: ${endOf(other)}`);
}

function describe({ program, pid, user }: Process): string {
  return `${program} (pid ${pid}, user ${user})`;
}

function endOf({ program, pid, command }: Process): string {
  const tty = /\b(tty\w+)\b/.exec(command)?.[1];
  if (/getty|login/.test(program)) return `sudo systemctl disable --now serial-getty@${tty ?? 'ttyS0'}.service`;
  return /rackui|^node$/.test(program) && /\bserve\b/.test(command)
    ? 'rackui server stop, as the user who started it, or use that server with --socket'
    : `kill ${pid}`;
}

/** Names under which the kernel's command line may mean this device. */
function consoleNames(port: string, device: string): string[] {
  return [port, device, '/dev/serial0'].map((path) => path.replace('/dev/', ''));
}

function consolesIn(text: string): string[] {
  return [...text.matchAll(/(?:^|\s)console=([^\s,]+)/g)].map(([, name = '']) => name);
}

/** The kernel's own messages on an unlocked bus are commands. */
function serialConsole(machine: Machine, port: string, device: string): Check {
  const names = consoleNames(port, device).filter(
    (name) => name !== 'serial0' || machine.resolve('/dev/serial0') === device,
  );
  const onPort = (text: string | null): string | undefined =>
    consolesIn(text ?? '').find((name) => names.includes(name));
  const file = ['/boot/firmware/cmdline.txt', '/boot/cmdline.txt'].find((path) => machine.text(path) !== null);
  const written = file === undefined ? undefined : onPort(machine.text(file));
  const running = onPort(machine.text('/proc/cmdline'));
  if (written !== undefined && file !== undefined)
    return failure(
      'console',
      `${file} gives the kernel's console to this port (console=${written}): a log line with a backslash cuts power`,
      `sudo sed -i 's/console=${written}[^ ]* *//' ${file} && sudo reboot`,
    );
  if (running !== undefined)
    return failure(
      'console',
      `this kernel was started with console=${running}, its messages go to the bus`,
      file === undefined ? 'take console= off the kernel’s command line and reboot' : 'sudo reboot',
    );
  return ok('console', 'the kernel does not talk on this port');
}

/** A login prompt answers every echo of the bus, and the bus answers it. */
function getty(machine: Machine, device: string): Check {
  const tty = device.replace('/dev/', '');
  const running = machine
    .processes()
    .find(({ program, command }) => /getty/.test(program) && command.split(/[ ,]/).includes(tty));
  const unit = `serial-getty@${tty}.service`;
  const masked = machine.link(`/etc/systemd/system/${unit}`) === '/dev/null';
  const enabled = ['/etc/systemd/system', '/run/systemd/generator'].some((place) =>
    machine.exists(`${place}/getty.target.wants/${unit}`),
  );
  const todo = `sudo systemctl disable --now ${unit}`;
  if (running !== undefined) return failure('getty', `a login prompt (${describe(running)}) is on this port`, todo);
  if (enabled && !masked) return failure('getty', `${unit} is enabled: the next start puts a login prompt here`, todo);
  const inittab = (machine.text('/etc/inittab') ?? '').split('\n');
  const line = inittab.find((one) => /^[^#].*getty/.test(one) && one.includes(tty));
  if (line !== undefined)
    return warning('getty', `/etc/inittab starts a login prompt on ${tty}`, `take this line out: ${line.trim()}`);
  return ok('getty', 'no login prompt is on this port');
}
