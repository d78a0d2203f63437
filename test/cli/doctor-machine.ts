/** Prepared machines for doctor: a healthy Raspberry Pi 4 as a directory, with what a test changes in it. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Check, Machine } from '../../src/cli/doctor/machine.ts';

export const GID = process.getgid?.() ?? 0;
export const PI = { user: 'pi', uid: 61_000, gids: [GID] };

/** A Raspberry Pi 4 as it should be; `null` takes a file away, `→ x` makes a link. */
const HEALTHY: Record<string, string | null> = {
  '/proc/device-tree/model': 'Raspberry Pi 4 Model B Rev 1.4\0',
  '/proc/cmdline': 'coherent_pool=1M root=PARTUUID=1 rootwait console=tty1',
  '/boot/firmware/config.txt': '[all]\nenable_uart=1\n',
  '/boot/firmware/cmdline.txt': 'console=tty1 root=PARTUUID=1 rootwait',
  '/dev/ttyS0': '',
  '/dev/serial0': '→ ttyS0',
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\npi:x:1000:1000::/home/pi:/bin/sh\n',
  '/etc/group': `dialout:x:${GID}:pi\n`,
  '/run/systemd/timesync/synchronized': '',
  '/etc/rackui/rack.yaml': 'name: lab\nnodes:\n  - { pos: A-0, name: boss, role: master }\n',
};

const folders: string[] = [];

/** A folder of its own that {@link removeFolders} takes away. */
export function folder(name: string): string {
  const path = mkdtempSync(join(tmpdir(), `rackui-test-${name}-`));
  folders.push(path);
  return path;
}

export function removeFolders(): void {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
}

function writeTree(root: string, files: Record<string, string | null>): void {
  for (const [path, content] of Object.entries(files)) {
    if (content === null) continue;
    const at = join(root, path);
    mkdirSync(dirname(at), { recursive: true });
    if (content.startsWith('→ ')) symlinkSync(content.slice(2), at);
    else writeFileSync(at, content);
    if (path.startsWith('/dev/tty')) chmodSync(at, 0o660);
  }
}

export function machine(changes: Record<string, string | null> = {}, login = PI): Machine {
  const root = folder('root');
  writeTree(root, { ...HEALTHY, ...changes });
  return new Machine(root, login);
}

export const troubles = (checks: readonly Check[]): Check[] => checks.filter(({ verdict }) => verdict !== 'ok');

/** A process with the id 412. */
export const PROCESS = (name: string, command: string): Record<string, string> => ({
  '/proc/412/comm': `${name}\n`,
  '/proc/412/cmdline': command.replaceAll(' ', '\0'),
  '/proc/412/status': 'Name:\tx\nUid:\t0\t0\t0\t0\n',
});

/** Programs that advice names, as far as they change files of the machine; none of them is run for real. */
const STAND_INS: Record<string, string> = {
  sudo: 'exec "$@"',
  reboot: 'cat "$ROOT/boot/firmware/cmdline.txt" > "$ROOT/proc/cmdline"',
  udevadm: ':',
  systemctl: `verb=$1; shift; [ "$1" = --now ] && shift
for unit in "$@"; do
  case $verb in
    disable) rm -f "$ROOT"/etc/systemd/system/*.wants/"$unit" "$ROOT"/run/systemd/generator/*.wants/"$unit"; rm -rf "$ROOT/proc/412" ;;
    mask) ln -sf /dev/null "$ROOT/etc/systemd/system/$unit"; rm -rf "$ROOT/proc/412" ;;
    restart) ;;
    *) exit 1 ;;
  esac
done`,
};

/** The command of an advice: from its first program to where prose goes on. */
export function commandOf(todo: string): string {
  const command = /\b(sudo|printf|echo) .*$/.exec(todo)?.[0] ?? '';
  return command.split(/; |, or |, then |\), /)[0] ?? '';
}

/** Carries a command out on the prepared machine: paths lead into it, and stand-ins take the place of system programs. */
export function carryOut(m: Machine, command: string): void {
  const bin = folder('bin');
  for (const [name, text] of Object.entries(STAND_INS))
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  mkdirSync(join(m.root, 'etc/systemd/system'), { recursive: true });
  mkdirSync(join(m.root, 'etc/udev/rules.d'), { recursive: true });
  const inside = command.replace(/(?<=[\s'])\/(boot|etc|run|proc)\//g, `${m.root}/$1/`);
  const ran = spawnSync('/bin/sh', ['-c', inside], {
    env: { PATH: `${bin}:/usr/bin:/bin`, ROOT: m.root },
    encoding: 'utf8',
  });
  if (ran.status !== 0) throw new Error(`the advice '${command}' failed: ${ran.stderr}`);
}
