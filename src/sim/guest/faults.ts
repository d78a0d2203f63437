/** Faults of a guest. Plain data; the guest reads each at its time. */

/**
 * Reactions to a connection at its ssh port: its server's greeting, its kernel's refusal (alive, and no server), or no
 * answer at all, as from a machine that is off, halted, or unplugged from the network.
 */
export const NETWORK_STATES = ['up', 'refused', 'gone'] as const;

export type NetworkState = (typeof NETWORK_STATES)[number];

/** `quiet` is systemd with the kernel's `quiet`: nothing but the wall message and the kernel's last line. */
export const SHUTDOWN_STYLES = ['systemd', 'quiet', 'busybox', 'openrc'] as const;

export type ShutdownStyle = (typeof SHUTDOWN_STYLES)[number];

/** Places where a boot can end before the login; `nothing`: no output at all. */
export const BOOT_STOPS = ['nothing', 'uboot', 'fsck', 'initramfs', 'emergency'] as const;

export type BootStop = (typeof BOOT_STOPS)[number];

export interface GuestFaults {
  /** Ignores all input, prints nothing, still draws current. */
  hung: boolean;
  /** Prints kernel messages without end. */
  flood: boolean;
  /** Nothing answers on the console, though the system is up. */
  noGetty: boolean;
  /** No byte passes its UART, though the system is up. */
  consoleDead: boolean;
  /** Time that a service takes to stop, seconds. */
  stopJobS: number;
  /** The shutdown never ends. */
  shutdownHangs: boolean;
  /**
   * Text that an unprivileged user prints on the console when the shutdown hangs, under a kernel's time stamp; the user
   * keeps the console open, so that its tty still echoes. Null: no such user.
   */
  claims: string | null;
  /** File systems are still busy when the kernel takes over. */
  dirty: boolean;
  /** Its root file system went read-only; the shutdown's last writes fail and print that. */
  readOnly: boolean;
  /** During the shutdown, a program on the console quotes an old log that ends in a halt. */
  quotesLog: boolean;
  /** Time between the pieces of its last line, guest ms; 0: the line is whole. */
  splitMs: number;
  /** Its last line is coloured. */
  coloured: boolean;
  /** Every shutdown ends in a reboot. */
  rebootsInstead: boolean;
  /** The bootloader prints a line after the kernel's last line. */
  firmwareAfterHalt: boolean;
  /** Halted, it draws its idle current. */
  haltDrawsIdle: boolean;
  /** An inhibitor lock is held. */
  inhibited: boolean;
  /** sudo requires a password. */
  sudoPassword: boolean;
  /** Another password than the rack's; null: the rack's. */
  password: string | null;
  /** State of its network, independent of the system; null: by the system's state. */
  network: NetworkState | null;
  style: ShutdownStyle;
  /** Place where the boot ends; null: at the login. */
  bootStops: BootStop | null;
  /** Another machine's name; null: its own. */
  hostname: string | null;
  /** Every start of its kernel has the same boot id, as if it had not restarted. */
  sameBootId: boolean;
}

export function noGuestFaults(): GuestFaults {
  return {
    hung: false,
    flood: false,
    noGetty: false,
    consoleDead: false,
    stopJobS: 0,
    shutdownHangs: false,
    claims: null,
    dirty: false,
    readOnly: false,
    quotesLog: false,
    splitMs: 0,
    coloured: false,
    rebootsInstead: false,
    firmwareAfterHalt: false,
    haltDrawsIdle: false,
    inhibited: false,
    sudoPassword: false,
    password: null,
    network: null,
    style: 'systemd',
    bootStops: null,
    hostname: null,
    sameBootId: false,
  };
}
