/** What can be wrong with a guest. Plain data; the guest reads it when it matters. */

/**
 * What whoever knocks at its ssh port meets: its server, its kernel's refusal (alive, and no server), or nothing at all, as
 * from a machine that is off, halted, or unplugged from the network.
 */
export const NETWORK_STATES = ['up', 'refused', 'gone'] as const;

export type NetworkState = (typeof NETWORK_STATES)[number];

/** `quiet` is systemd with the kernel's `quiet`: nothing but the wall message and the kernel's last line. */
export const SHUTDOWN_STYLES = ['systemd', 'quiet', 'busybox', 'openrc'] as const;

export type ShutdownStyle = (typeof SHUTDOWN_STYLES)[number];

/** Where a start can end instead of at the login; `nothing`: not a byte. */
export const BOOT_STOPS = ['nothing', 'uboot', 'fsck', 'initramfs', 'emergency'] as const;

export type BootStop = (typeof BOOT_STOPS)[number];

export interface GuestFaults {
  /** Ignores everything, says nothing, goes on drawing current. */
  hung: boolean;
  /** Kernel messages without end. */
  flood: boolean;
  /** Nothing answers on the console, though the system is up. */
  noGetty: boolean;
  /** Nothing comes or goes on its UART, though the system is up. */
  consoleDead: boolean;
  /** A service takes so many seconds to stop. */
  stopJobS: number;
  /** The shutdown never comes to an end. */
  shutdownHangs: boolean;
  /**
   * An unprivileged user of it keeps the console open, so that its tty goes on echoing; when the shutdown hangs he prints
   * this there, under a kernel's time stamp. Null: nobody does.
   */
  claims: string | null;
  /** File systems are still busy when the kernel takes over. */
  dirty: boolean;
  /** Its root file system went read-only; what the shutdown still has to write fails, and says so. */
  readOnly: boolean;
  /** While it goes down, a program on the console quotes an old log that ends in a halt. */
  quotesLog: boolean;
  /** Its last line comes in pieces, so many ms of guest time apart; 0: in one. */
  splitMs: number;
  /** Its last line comes in colour. */
  coloured: boolean;
  /** Whatever is asked for, it starts again. */
  rebootsInstead: boolean;
  /** The bootloader says something after the kernel's last line. */
  firmwareAfterHalt: boolean;
  /** Halted, it draws what it draws when idle. */
  haltDrawsIdle: boolean;
  /** Somebody holds an inhibitor lock. */
  inhibited: boolean;
  /** sudo wants a password. */
  sudoPassword: boolean;
  /** Another password than the rack's, null: the rack's. */
  password: string | null;
  /** How its network is, whatever the system does; null: as the system has it. */
  network: NetworkState | null;
  style: ShutdownStyle;
  /** Where the way up ends, null: at the login. */
  bootStops: BootStop | null;
  /** Another machine's name, null: its own. */
  hostname: string | null;
  /** Every start of its kernel bears one boot id, as where it never started anew. */
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
