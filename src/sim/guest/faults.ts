/** What can be wrong with a guest. Plain data; the guest reads it when it matters. */
import type { BootStop } from './boot-log.ts';
import type { ShutdownStyle } from './shutdown-log.ts';

export interface GuestFaults {
  /** Ignores everything, says nothing, goes on drawing current. */
  hung: boolean;
  /** Kernel messages without end. */
  flood: boolean;
  /** Nothing answers on the console, though the system is up. */
  noGetty: boolean;
  /** A service takes so many seconds to stop. */
  stopJobS: number;
  /** The shutdown never comes to an end. */
  shutdownHangs: boolean;
  /** File systems are still busy when the kernel takes over. */
  dirty: boolean;
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
  style: ShutdownStyle;
  /** Where the way up ends, null: at the login. */
  bootStops: BootStop | null;
  /** Another machine's name, null: its own. */
  hostname: string | null;
}

export function noGuestFaults(): GuestFaults {
  return {
    hung: false,
    flood: false,
    noGetty: false,
    stopJobS: 0,
    shutdownHangs: false,
    dirty: false,
    rebootsInstead: false,
    firmwareAfterHalt: false,
    haltDrawsIdle: false,
    inhibited: false,
    sudoPassword: false,
    style: 'systemd',
    bootStops: null,
    hostname: null,
  };
}
