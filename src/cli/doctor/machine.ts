/**
 * Reads the machine's files and programs for doctor, or those of a prepared directory (`--root`), which has no
 * devices. Also the shape of doctor's findings, and the checks of Raspberry Pis: their UART, whether it is enabled,
 * and the firmware's output there.
 */
import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ownUserId, userName } from '../../lib/users.ts';
import {
  addCommand,
  type Board,
  type BoardFacts,
  boardOf,
  commentOutCommand,
  type Setting,
  settingsOf,
  valueOf,
} from './config-txt.ts';

export type Verdict = 'ok' | 'warning' | 'failure';

export interface Check {
  /** Stable, for programs: `port`, `permission`, … */
  id: string;
  verdict: Verdict;
  seen: string;
  /** A command where one fixes it; null where nothing needs to be done. */
  todo: string | null;
}

export const ok = (id: string, seen: string): Check => ({ id, verdict: 'ok', seen, todo: null });
export const warning = (id: string, seen: string, todo: string): Check => ({ id, verdict: 'warning', seen, todo });
export const failure = (id: string, seen: string, todo: string): Check => ({ id, verdict: 'failure', seen, todo });

/** Returns the worst verdict of all. */
export function overall(checks: readonly Check[]): Verdict {
  if (checks.some(({ verdict }) => verdict === 'failure')) return 'failure';
  return checks.some(({ verdict }) => verdict === 'warning') ? 'warning' : 'ok';
}

export interface Login {
  user: string;
  uid: number;
  /** Groups of this session, which may be older than /etc/group. */
  gids: readonly number[];
}

export interface Process {
  pid: number;
  program: string;
  /** Its arguments, separated by spaces. */
  command: string;
  user: string;
}

/** Most links to follow: the kernel's own limit. */
const LINKS = 40;
/** Time limit of a program, ms: one that reads a setting answers at once. */
const PROGRAM_MS = 2_000;

export class Machine {
  readonly root: string;
  readonly login: Login;

  constructor(root = '/', login: Login = thisLogin()) {
    this.root = resolve(root);
    this.login = login;
  }

  /** True for a directory in place of a machine, which has no devices. */
  get prepared(): boolean {
    return this.root !== '/';
  }

  /** Returns the text of a file, or null where there is none that can be read. */
  text(path: string): string | null {
    try {
      return readFileSync(this.real(path), 'utf8');
    } catch {
      return null;
    }
  }

  /**
   * Returns the standard output of a program of this machine, or null where it fails or does not exist. A prepared
   * machine runs none.
   */
  output(program: string, args: readonly string[]): string | null {
    if (this.prepared) return null;
    const { status, stdout } = spawnSync(program, args, { encoding: 'utf8', timeout: PROGRAM_MS });
    return status === 0 ? stdout : null;
  }

  stat(path: string): Stats | null {
    try {
      return statSync(this.real(path));
    } catch {
      return null;
    }
  }

  /** Returns whether this user's permissions hide if the path exists. */
  hides(path: string): boolean {
    try {
      statSync(this.real(path));
      return false;
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'EACCES';
    }
  }

  list(path: string): string[] {
    try {
      return readdirSync(this.real(path));
    } catch {
      return [];
    }
  }

  /** Returns the target of a link as written; null: it is no link. */
  link(path: string): string | null {
    try {
      return readlinkSync(join(this.root, path));
    } catch {
      return null;
    }
  }

  exists(path: string): boolean {
    try {
      lstatSync(join(this.root, path));
      return true;
    } catch {
      return false;
    }
  }

  /** Resolves all links of a path, each of them inside the root. */
  resolve(path: string): string {
    let at = resolve('/', path);
    for (let i = 0; i < LINKS; i++) {
      const target = this.link(at);
      if (target === null) return at;
      at = resolve(dirname(at), target);
    }
    return at;
  }

  /** Returns the processes that have the device open, as far as this user may see them. */
  holders(device: string): Process[] {
    return this.processes().filter(({ pid }) => {
      const files = this.list(`/proc/${pid}/fd`).map((fd) => this.link(`/proc/${pid}/fd/${fd}`));
      // A process that also has the other side of a pseudo-terminal open is the device itself: a simulator.
      const isDevice = device.startsWith('/dev/pts/') && files.some((file) => file?.endsWith('ptmx') === true);
      return files.includes(device) && !isDevice;
    });
  }

  processes(): Process[] {
    return this.list('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => {
        const uid = /^Uid:\s+(\d+)/m.exec(this.text(`/proc/${name}/status`) ?? '')?.[1];
        return {
          pid: Number(name),
          program: this.text(`/proc/${name}/comm`)?.trim() ?? '',
          command: (this.text(`/proc/${name}/cmdline`) ?? '').replaceAll('\0', ' ').trim(),
          user: uid === undefined ? '?' : this.userName(Number(uid)),
        };
      });
  }

  userName(uid: number): string {
    return this.names('/etc/passwd').find(({ id }) => id === uid)?.name ?? `user id ${uid}`;
  }

  groupName(gid: number): string {
    return this.names('/etc/group').find(({ id }) => id === gid)?.name ?? `group id ${gid}`;
  }

  /** Returns whether /etc/group lists this user in the group, even if this session is older than the entry. */
  isListedIn(gid: number): boolean {
    const group = this.names('/etc/group').find(({ id }) => id === gid);
    return group?.members.includes(this.login.user) ?? false;
  }

  private names(path: string): { name: string; id: number; members: string[] }[] {
    return (this.text(path) ?? '').split('\n').map((line) => {
      const [name = '', , id = '', members = ''] = line.split(':');
      return { name, id: id === '' ? -1 : Number(id), members: members.split(',') };
    });
  }

  private real(path: string): string {
    return join(this.root, this.prepared ? this.resolve(path) : path);
  }
}

/** Returns this user. A container's user may have no entry in the system's list. */
function thisLogin(): Login {
  const uid = ownUserId();
  let user = userName(uid);
  try {
    user = userInfo().username;
  } catch {
    // The name is then the number.
  }
  return { user, uid, gids: [...(process.getgroups?.() ?? []), process.getgid?.() ?? -1] };
}

const CONFIG_FILES = ['/boot/firmware/config.txt', '/boot/config.txt'] as const;

/** The part of this machine's config.txt that holds on this board. */
export interface Configured {
  board: Board;
  facts: BoardFacts;
  /** The file to which settings are added. */
  file: string;
  settings: readonly Setting[];
}

/** Returns the model as the device tree names it; null: there is none. */
const modelOf = (machine: Machine): string | null =>
  machine.text('/proc/device-tree/model')?.replace(/\0/g, '').trim() ?? null;

/** Returns the settings that hold on this board; null: it is no Raspberry Pi. */
export function configuredBoard(machine: Machine): Configured | null {
  const board = boardOf(modelOf(machine) ?? '');
  return board === null ? null : readConfigured(machine, board);
}

export function piChecks(machine: Machine, port: string): Check[] {
  const name = modelOf(machine);
  const configured = configuredBoard(machine);
  if (configured === null)
    return [
      ok('machine', name === null ? 'no Raspberry Pi: its UART needs no config.txt' : `${name}, no Raspberry Pi`),
    ];
  const { board } = configured;
  const checks = [ok('machine', board.name), uart(configured), whichUart(machine, port, configured)];
  // The firmware has no influence on a USB adapter.
  return onGpio(machine, port) ? [...checks, ...firmwareChecks(machine, configured)] : checks;
}

const onGpio = (machine: Machine, port: string): boolean => /^\/dev\/tty(S|AMA)\d+$/.test(machine.resolve(port));

function readConfigured(machine: Machine, board: Board): Configured {
  const file = CONFIG_FILES.find((one) => machine.text(one) !== null) ?? CONFIG_FILES[0];
  const revision = /^Revision\s*:\s*([0-9a-f]+)/m.exec(machine.text('/proc/cpuinfo') ?? '')?.[1];
  const serial = machine.text('/proc/device-tree/serial-number')?.replace(/\0/g, '').trim().toLowerCase() ?? null;
  const facts: BoardFacts = {
    board,
    serial: serial === null || serial === '' ? null : serial,
    boardType: revision === undefined ? null : (Number.parseInt(revision, 16) >> 4) & 0xff,
  };
  const settings = settingsOf(file, (path) => machine.text(path), facts);
  return { board, facts, file, settings };
}

const overlays = (settings: readonly Setting[]): string[] =>
  settings.filter(({ key, perhaps }) => key === 'dtoverlay' && perhaps === '').map(({ value }) => value);

/** Returns the overlay that gives the full UART back to GPIO 14/15, or undefined. */
export const freedBy = (settings: readonly Setting[]): string | undefined =>
  overlays(settings).find((name) => /^(pi3-)?(disable-bt|miniuart-bt)\b/.test(name));

/**
 * Checks that the UART is enabled. The firmware enables it by itself where GPIO 14/15 have the full one (ttyAMA0);
 * the mini UART needs a setting.
 */
function uart({ settings, file, board }: Configured): Check {
  const gpioOn5 = settings.some(
    ({ key, value, perhaps }) => key === 'dtparam' && perhaps === '' && /(^|,)uart0(=on)?(,|$)/.test(value),
  );
  const value = valueOf(settings, 'enable_uart');
  const unsure = settings.find(({ key, perhaps }) => key === 'enable_uart' && perhaps !== '');
  const but = unsure === undefined ? '' : `; under ${unsure.perhaps} it sets enable_uart=${unsure.value}`;
  if (Number(value) === 1 || (board.generation >= 5 && gpioOn5)) return ok('uart', `${file} enables the UART${but}`);
  if (value === undefined && board.generation < 5 && (!board.bluetooth || freedBy(settings) !== undefined))
    return ok('uart', `the UART is enabled: on this board that is the default for ttyAMA0${but}`);
  return failure(
    'uart',
    (value === undefined ? `${file} does not enable the UART on this board` : `${file} sets enable_uart=${value}`) +
      but,
    board.generation >= 5
      ? `${addCommand(file, 'dtparam=uart0=on')} && sudo reboot; the port is then /dev/ttyAMA0`
      : `${addCommand(file, 'enable_uart=1')} && sudo reboot`,
  );
}

/**
 * Checks that the port is the right UART. Boards with Bluetooth give it their full UART, and GPIO 14/15 the mini
 * UART; serial0 of a Pi 5 is its debug connector.
 */
function whichUart(machine: Machine, port: string, { settings, file, board }: Configured): Check {
  const device = machine.resolve(port).replace('/dev/', '');
  if (board.generation >= 5) {
    if (device === 'ttyAMA10')
      return failure(
        'bluetooth',
        `${port} is ttyAMA10, the debug connector between the HDMI sockets, not GPIO 14/15`,
        `${addCommand(file, 'dtparam=uart0=on')} && sudo reboot, then --port /dev/ttyAMA0`,
      );
    return ok('bluetooth', `${device} is not used by Bluetooth on this model`);
  }
  if (!board.bluetooth) return ok('bluetooth', 'this model has no Bluetooth on a UART');
  const freed = freedBy(settings);
  if (device === 'ttyAMA0' && freed === undefined)
    return failure(
      'bluetooth',
      `${port} is ttyAMA0, which Bluetooth uses on this model`,
      `use /dev/serial0, or ${addCommand(file, 'dtoverlay=disable-bt')} && sudo systemctl disable hciuart && sudo reboot`,
    );
  if (device === 'ttyS0' && freed !== undefined)
    return warning(
      'bluetooth',
      `${file} sets dtoverlay=${freed}, which moves GPIO 14/15 to ttyAMA0, and ${port} is ttyS0`,
      'use /dev/serial0 or --port /dev/ttyAMA0; reboot if the overlay is new',
    );
  const clock = valueOf(settings, 'core_freq') !== undefined && valueOf(settings, 'core_freq_min') === undefined;
  if (device === 'ttyS0' && clock && valueOf(settings, 'force_turbo') !== '1')
    return warning(
      'bluetooth',
      `${port} is the mini UART, whose speed follows the core clock, and ${file} sets core_freq`,
      `${commentOutCommand(file, 'core_freq *=')} && sudo reboot`,
    );
  return ok('bluetooth', device === 'ttyS0' ? `${port} is the mini UART, and its clock is fixed` : `${device} is free`);
}

/**
 * Programs that a `kernel` or `armstub` starts before Linux, and that print on the UART unless they were built
 * silent.
 */
const LOADERS = /u-?boot|uefi|efi|bl31|bl33|tf-?a|grub/i;

/**
 * Checks for output on GPIO 14 before Linux runs. A start of the master does not lock the bus again while the rack
 * keeps its DC, so every such byte is a command.
 */
function firmwareChecks(machine: Machine, { settings, facts }: Configured): Check[] {
  const checks: Check[] = [];
  const second = settings.findLast(({ key, value }) => key === 'uart_2ndstage' && Number(value) !== 0);
  if (second !== undefined && (second.perhaps !== '' || Number(valueOf(settings, 'uart_2ndstage')) !== 0)) {
    const place = `${second.file}${second.perhaps === '' ? '' : ` under ${second.perhaps}`}`;
    checks.push(
      failure(
        'firmware',
        `${place} sets uart_2ndstage=${second.value}: at each start the firmware prints on the bus, and each byte is a command`,
        `${commentOutCommand(second.file, 'uart_2ndstage')} && sudo reboot`,
      ),
    );
  }
  const loader = settings.findLast(({ key, value }) => ['kernel', 'armstub'].includes(key) && LOADERS.test(value));
  if (loader !== undefined)
    checks.push(
      warning(
        'loader',
        `${loader.file} starts ${loader.value}: such a boot loader prints on the UART and reads each byte of the bus as a key`,
        `start Linux directly (${commentOutCommand(loader.file, `${loader.key} *=`)}), or use a build that is silent and does not wait (U-Boot: CONFIG_BOOTDELAY=-2, silent console)`,
      ),
    );
  const eeprom = eepromText(machine);
  const boot = eeprom === null ? undefined : bootUart(eeprom, facts);
  if (boot !== undefined && Number(boot) !== 0)
    checks.push(
      failure(
        'eeprom',
        `the boot loader's EEPROM sets BOOT_UART=${boot}: at each start it prints on the bus, and each byte is a command`,
        'sudo rpi-eeprom-config --edit: set BOOT_UART=0, save, then sudo reboot',
      ),
    );
  return checks.length > 0 ? checks : [ok('firmware', 'neither boot loader nor firmware prints on the UART')];
}

/** Returns the EEPROM's setting for output on the UART that holds on this board. */
export function bootUart(eeprom: string, facts: BoardFacts): string | undefined {
  const settings = settingsOf('the EEPROM', () => eeprom, facts);
  return valueOf(settings, 'BOOT_UART');
}

/** Returns the EEPROM's configuration from the firmware, otherwise from its own program; null: neither has it. */
export function eepromText(machine: Machine): string | null {
  const chosen = '/proc/device-tree/chosen';
  const below = machine
    .list(chosen)
    .flatMap((name) => [
      `${chosen}/${name}`,
      ...machine.list(`${chosen}/${name}`).map((inner) => `${chosen}/${name}/${inner}`),
    ]);
  const nvmem = machine.list('/sys/bus/nvmem/devices').map((name) => `/sys/bus/nvmem/devices/${name}/nvmem`);
  const found = [...below, ...nvmem].map((path) => machine.text(path)).find((text) => text?.includes('BOOT_UART'));
  return (found ?? machine.output('vcgencmd', ['bootloader_config']))?.replace(/\0/g, '') ?? null;
}
