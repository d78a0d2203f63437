/** The files of a guest: few, and always the same. */
import { UNAME } from './boot.ts';

/** Directory of a new session. */
export const HOME = '/home/pi';

/** End of an earlier shutdown: every line as real as a present one. */
export const OLD_HALT = `[ 8241.118402] systemd-shutdown[1]: Syncing filesystems and block devices.
[ 8241.530991] systemd-shutdown[1]: All filesystems unmounted.
[ 8241.744120] systemd-shutdown[1]: Powering off.
[ 8241.790113] reboot: Power down
`;

const OLD_BOOT = `[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x410fd083]
[    0.000000] Linux version ${UNAME}
${OLD_HALT}`;

/**
 * Returns the content by absolute path. The old log quotes an earlier shutdown: not every 'Power down' is a present
 * one.
 */
export function files(hostname: string): Record<string, string> {
  return {
    '/etc/hostname': `${hostname}\n`,
    '/etc/os-release': `PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nVERSION_CODENAME=trixie\nID=debian\n`,
    '/etc/issue': 'Debian GNU/Linux 13 \\n \\l\n\n',
    '/etc/hosts': `127.0.0.1\tlocalhost\n127.0.1.1\t${hostname}\n`,
    '/proc/device-tree/model': 'Raspberry Pi 4 Model B Rev 1.4',
    '/var/log/old-boot.log': OLD_BOOT,
    '/var/log/dpkg.log': '2026-06-30 06:12:44 status installed libc6:arm64 2.41-12\n',
    [`${HOME}/notes.txt`]: 'SD card replaced in spring.\nFan rattles at night: ask for a spare.\n',
    [`${HOME}/farben.txt`]: '\x1b[31mrot\x1b[0m \x1b[32mgrün\x1b[0m \x1b[34mblau\x1b[0m 漢字 ✓\n',
  };
}

/** Returns the absolute form of a path typed in `cwd`. */
export function absolute(path: string, cwd: string): string {
  const from = path.startsWith('~') ? HOME + path.slice(1) : path.startsWith('/') ? path : `${cwd}/${path}`;
  const parts: string[] = [];
  for (const part of from.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Returns the names in a directory; null: there is no such directory. */
export function list(directory: string, hostname: string): string[] | null {
  const prefix = directory === '/' ? '/' : `${directory}/`;
  const names = Object.keys(files(hostname))
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length).split('/')[0] ?? '');
  return names.length === 0 ? null : [...new Set(names)].sort();
}
