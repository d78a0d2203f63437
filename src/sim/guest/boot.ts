/**
 * Plays the boot of a Pi: the lines of bootloader, kernel and systemd in their time, up to a login or a place where it
 * stops. The wording is the programs' own, the selection ours; a real boot prints about ten times as much.
 */
import type { GuestFaults, BootStop } from './faults.ts';
import { LineInput } from './line-editor.ts';
import { type Reader, stamp } from './machine.ts';

export interface BootLine {
  /** Milliseconds after power on. */
  at: number;
  text: string;
  kernel: boolean;
}

/** Times after power on at which the kernel starts and the login prompt appears, ms. */
export const KERNEL_AT_MS = 1_900;
const LOGIN_AT_MS = 8_200;

const KERNEL_VERSION = '6.12.47+rpt-rpi-v8';
const BUILD = '#1 SMP PREEMPT Debian 1:6.12.47-1+rpt1 (2025-09-16)';
export const UNAME = `${KERNEL_VERSION} ${BUILD}`;

const FIRMWARE: readonly (readonly [number, string])[] = [
  [350, 'RPi: BOOTLOADER release VERSION:4c845bd3 DATE: 2025/05/08 TIME: 15:13:17 BOOTMODE: 0x06 part: 0'],
  [380, 'uSD voltage 3.3V'],
  [520, 'Initialising SDRAM rank 2 total-size: 32 Gbit Samsung'],
  [700, 'Boot mode: SD (01) order f4'],
  [860, 'SD HOST: 200000000 CTL0: 0x00800000 BUS: 100000 Hz actual: 100000 HZ div: 2000 (1000)'],
  [980, 'MBR: 0x00002000, 1048576 type: 0x0c'],
  [1_120, "Trying partition: 0 type: 32 lba: 8192 'mkfs.fat' ' bootfs     ' clusters 261116 (4)"],
  [1_290, "Loading 'start4.elf' hash not valid: 0 bytes signed"],
  [1_500, 'Starting start4.elf @ 0xfec00200 partition 0'],
];

/** Kernel messages by kernel time, seconds. */
const KERNEL: readonly (readonly [number, string])[] = [
  [0, 'Booting Linux on physical CPU 0x0000000000 [0x410fd083]'],
  [
    0,
    `Linux version ${KERNEL_VERSION} (serge@raspberrypi.com) (aarch64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0) ${BUILD}`,
  ],
  [0, 'Machine model: Raspberry Pi 4 Model B Rev 1.4'],
  [0, 'efi: UEFI not found.'],
  [0, 'Zone ranges:'],
  [0, '  DMA      [mem 0x0000000000000000-0x000000003fffffff]'],
  [0, '  Normal   [mem 0x0000000100000000-0x00000001ffffffff]'],
  [0, 'percpu: Embedded 34 pages/cpu s99416 r8192 d31656 u139264'],
  [
    0,
    'Kernel command line: console=ttyS0,115200 console=tty1 root=PARTUUID=8b1f5a3c-02 rootfstype=ext4 fsck.repair=yes rootwait cgroup_enable=memory',
  ],
  [0, 'Memory: 7852496K/8257536K available'],
  [0.000_1, 'sched_clock: 56 bits at 54MHz, resolution 18ns, wraps every 4398046511102ns'],
  [0.018, 'smp: Bringing up secondary CPUs ...'],
  [0.047, 'smp: Brought up 1 node, 4 CPUs'],
  [0.11, 'NET: Registered PF_NETLINK/PF_ROUTE protocol family'],
  [0.32, 'Trying to unpack rootfs image as initramfs...'],
  [0.71, 'fe215040.serial: ttyS0 at MMIO 0xfe215040 (irq = 19, base_baud = 62500000) is a 16550'],
  [0.74, 'printk: legacy console [ttyS0] enabled'],
  [1.02, 'bcm2835-wdt bcm2835-wdt: Broadcom BCM2835 watchdog timer'],
  [1.31, 'mmc0: new ultra high speed DDR50 SDXC card at address aaaa'],
  [1.33, 'mmcblk0: mmc0:aaaa SD64G 59.5 GiB'],
  [1.36, ' mmcblk0: p1 p2'],
  [
    1.62,
    'EXT4-fs (mmcblk0p2): mounted filesystem 3f9f2e0a-6a3c-4d0e-9d6e-2a0e7cf1b1d2 ro with ordered data mode. Quota mode: none.',
  ],
  [2.05, 'systemd[1]: System time advanced to built-in epoch: Wed 2025-08-20'],
  [2.11, 'systemd[1]: systemd 257.8-1~deb13u1 running in system mode (+PAM +AUDIT +SELINUX +APPARMOR +IMA +SECCOMP)'],
  [2.12, 'systemd[1]: Detected architecture arm64.'],
  [2.31, 'systemd[1]: Hostname set to <HOST>.'],
  [2.74, 'systemd[1]: Queued start job for default target multi-user.target.'],
  [3.42, 'EXT4-fs (mmcblk0p2): re-mounted 3f9f2e0a-6a3c-4d0e-9d6e-2a0e7cf1b1d2 r/w. Quota mode: none.'],
  [4.4, 'bcmgenet fd580000.ethernet eth0: Link is Up - 1Gbps/Full - flow control rx/tx'],
];

/** Status lines of systemd by milliseconds after power on. */
const SERVICES: readonly (readonly [number, string])[] = [
  [4_700, 'Created slice system-getty.slice - Slice /system/getty.'],
  [4_780, 'Listening on systemd-journald.socket - Journal Sockets.'],
  [4_900, 'Started systemd-journald.service - Journal Service.'],
  [5_050, 'Finished systemd-remount-fs.service - Remount Root and Kernel File Systems.'],
  [5_230, 'Started systemd-udevd.service - Rule-based Manager for Device Events and Files.'],
  [5_480, 'Reached target local-fs.target - Local File Systems.'],
  [5_900, 'Started dbus.service - D-Bus System Message Bus.'],
  [6_200, 'Started systemd-logind.service - User Login Management.'],
  [6_700, 'Started NetworkManager.service - Network Manager.'],
  [7_050, 'Reached target network-online.target - Network is Online.'],
  [7_300, 'Started ssh.service - OpenBSD Secure Shell server.'],
  [7_500, 'Started containerd.service - containerd container runtime.'],
  [7_700, 'Started serial-getty@ttyS0.service - Serial Getty on ttyS0.'],
  [7_720, 'Reached target getty.target - Login Prompts.'],
  [7_900, 'Reached target multi-user.target - Multi-User System.'],
];

const UBOOT: readonly (readonly [number, string])[] = [
  [1_900, '\n\nU-Boot 2025.01+dfsg-1 (Apr 08 2025 - 21:40:54 +0000)\n'],
  [1_950, 'DRAM:  948 MiB (effective 7.9 GiB)'],
  [2_200, 'MMC:   mmcnr@7e300000: 1, mmc@7e340000: 0'],
  [2_600, 'Hit any key to stop autoboot:  0 '],
  [3_400, '** No partition table - mmc 0 **'],
];

const FSCK = [
  '/dev/mmcblk0p2: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.',
  '\t(i.e., without -a or -p options)',
  'fsck exited with status code 4',
  'The root filesystem on /dev/mmcblk0p2 requires a manual fsck',
];

/** Returns systemd's `[  OK  ] …`, coloured as the original, names of units bold. */
export function okLine(text: string): string {
  return `[\x1b[0;32m  OK  \x1b[0m] ${text.replace(/\S+\.(?:service|target|socket|slice|scope|mount)(?= - )/, '\x1b[0;1;39m$&\x1b[0m')}`;
}

/** Returns the lines of a whole boot, or up to `stop`, without the last prompt. */
export function bootLog(hostname: string, stop: BootStop | null): BootLine[] {
  if (stop === 'nothing') return [];
  const plain = ([at, text]: readonly [number, string]): BootLine => ({ at, text, kernel: false });
  const firmware = FIRMWARE.map(plain);
  if (stop === 'uboot') return [...firmware, ...UBOOT.map(plain)];
  const upTo = stop === null || stop === 'emergency' ? Infinity : 1.5;
  const kernel = KERNEL.filter(([seconds]) => seconds < upTo).map(([seconds, text], index) => ({
    at: KERNEL_AT_MS + seconds * 1000,
    // Stamps have microseconds, except in the first moments, when the kernel has no clock yet.
    text:
      stamp(seconds === 0 ? 0 : seconds * 1000 + ((index * 137) % 997) / 1000) +
      text.replace('<HOST>', `<${hostname}>`),
    kernel: true,
  }));
  if (stop === 'initramfs' || stop === 'fsck') {
    const words =
      stop === 'fsck'
        ? FSCK
        : [
            'Gave up waiting for root file system device.  Common problems:',
            'ALERT!  PARTUUID=8b1f5a3c-02 does not exist.  Dropping to a shell!',
          ];
    return [...firmware, ...kernel, ...words.map((text, index) => ({ at: 6_000 + index * 10, text, kernel: false }))];
  }
  const services = SERVICES.filter(([at]) => stop === null || at < 5_400).map(([at, text]) => ({
    at,
    text: okLine(text),
    kernel: false,
  }));
  const emergency = [
    'You are in emergency mode. After logging in, type "journalctl -xb" to view',
    'system logs, "systemctl reboot" to reboot, or "exit"',
    'to continue bootup.',
    '',
  ];
  const end = stop === 'emergency' ? emergency.map((text, index) => ({ at: 7_000 + index, text, kernel: false })) : [];
  return [...firmware, ...kernel, ...services, ...end].sort((a, b) => a.at - b.at);
}

/** Returns the prompt on the console where the boot stopped, or null. */
function promptAt(stop: BootStop | null): string | null {
  switch (stop) {
    case 'uboot':
      return 'U-Boot> ';
    case 'fsck':
    case 'initramfs':
      return '(initramfs) ';
    case 'emergency':
      return 'Give root password for maintenance\n(or press Control-D to continue): ';
    default:
      return null;
  }
}

export interface Ascending {
  readonly faults: GuestFaults;
  readonly hostname: string;
  print(text: string): void;
  after(ms: number, run: () => void): () => void;
  /** Reports a line of the running kernel, for its log. */
  booting(line: string): void;
  /** Ends the boot here; `reader` gets the console's input; null: none does. */
  stuck(reader: Reader | null): void;
}

/** Plays the boot from power on, and calls `done` when the system is up. */
export function comeUp(machine: Ascending, done: () => void): void {
  const stop = machine.faults.bootStops;
  for (const { at, text, kernel } of bootLog(machine.hostname, stop))
    machine.after(at, () => {
      if (kernel) machine.booting(text);
      // `quiet` keeps kernel and systemd off the console, not the bootloader.
      if (machine.faults.style !== 'quiet' || !text.startsWith('[')) machine.print(`${text}\n`);
    });
  machine.after(LOGIN_AT_MS, () => {
    if (stop === null) done();
    else stickAt(machine, promptAt(stop) ?? '');
  });
}

/** Shows a prompt at which the boot stays: any input line shows it again. */
function stickAt(machine: Ascending, prompt: string): void {
  const print = (text: string): void => machine.print(text);
  const deaf = prompt === '';
  const line = (): void => print(prompt);
  machine.stuck(deaf ? null : new LineInput({ print, echo: true, line, interrupt: () => print(`\n${prompt}`) }));
  if (!deaf) print(prompt);
}
