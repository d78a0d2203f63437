import { expect, test } from 'vitest';
import { readLine, type LineKind } from '../../src/console/line-patterns.ts';

/** Lines as the programs' sources word them, written for this test; null: means nothing. No capture of a real rack exists. */
const LINES: [string, LineKind | null][] = [
  // The kernel's last words.
  ['[  312.345678] reboot: Power down', 'halt'],
  ['[  312.345678] reboot: System halted', 'halt'],
  ['[  312.345678] Power down.', 'halt'],
  ['<0>[  312.345678] reboot: Power down', 'halt'],
  ['[  312.345678][    T1] reboot: Power down', 'halt'],
  ['[  312.345678][    C3] reboot: Power down', 'halt'],
  ['[12345.000001] reboot: Power down  ', 'halt'],
  ['reboot: Power down', 'halt'],
  ['Power down', 'halt'],
  ['System halted.', 'halt'],
  // The same, of other versions, levels and callers, and behind what a program left on the line.
  ['[  312.345678] reboot: Power off not available: System halted instead', 'halt'],
  ['<0>[  312.345678][    C1] reboot: Power off not available: System halted instead', 'halt'],
  ['[  312.345678] Reboot failed -- System halted', 'halt'],
  ['[   41.000001] acpi_power_off called', 'halt'],
  ['[    T1] reboot: System halted', 'halt'],
  ['<30>[   41.000001] reboot: Power down', 'halt'],
  ['❯ <0>[   41.000001][    T1] reboot: System halted', 'halt'],
  ['         Stopping dbus.servi[   41.000001] reboot: Power down', 'halt'],
  ['user@alpine ~> [   41.000001] reboot: Restarting system', 'reboot'],
  ['>>> [    0.000000] Linux version 6.1.0-rpi7 (gcc)', 'boot'],
  ['# [   41.000001] Emergency Sync complete', 'synced'],
  ['$ [   41.000001] Emergency Remount complete', 'remounted'],
  ['kern  :emerg : [   41.000001] reboot: Power down', null],
  ['/var/log/kern.log:[   41.000001] reboot: Power down', null],
  ['17:[   41.000001] reboot: Power down', null],
  ["MESSAGE='[   41.000001] reboot: Power down", null],
  ['[   41.000001] reboot: Power off not available: System halted instead of what', null],
  ['[  312.345678] reboot: Power down now please', null],
  ['echo reboot: Power down', null],
  ['pi@node:~$ reboot: Power down', null],
  ['grep "reboot: Power down" /var/log/kern.log', null],
  ['2026-07-14T12:00:00 node kernel: [  12.3] reboot: Power down', null],
  ['Jul 14 12:00:00 node kernel: reboot: Power down', null],
  ['[  312.345678] bcm2835-power bcm2835-power: Power down timed out', null],
  ['[  312.345678] reboot: Restarting system', 'reboot'],
  ["[  312.345678] reboot: Restarting system with command 'tryboot'", 'reboot'],
  ['reboot: Restarting system', 'reboot'],
  ['echo Restarting system', null],
  ['[  312.345678] reboot: machine restart', 'reboot'],
  ['[  312.345678] kexec_core: Starting new kernel', 'reboot'],
  ['[  312.345678] sysrq: Resetting', 'reboot'],
  ['sysrq: SysRq : Resetting', 'reboot'],
  // Ends on which no file system is unmounted.
  ['[  312.345678] sysrq: Power Off', 'dirty'],
  ['[  312.345678] reboot: Failed to start orderly shutdown: forcing the issue', 'dirty'],
  ['[  312.345678] reboot: Hardware protection timed-out. Trying forced poweroff', 'dirty'],
  [' * Unmounting /var/lib ... [ !! ]', 'dirty'],
  [' * Unmounting /var/lib ... [ ok ]', null],
  // systemd-shutdown.
  ['[  311.900000] systemd-shutdown[1]: Powering off.', 'final'],
  ['systemd-shutdown[1]: Halting system.', 'final'],
  ['[  311.900000] systemd-shutdown[1]: Rebooting.', 'reboot'],
  ['Powering off.', 'final'],
  ['Will now halt.', 'final'],
  ['[info] Will now restart.', 'reboot'],
  ["systemd-shutdown[1]: Rebooting with argument '0 tryboot'.", 'reboot'],
  ['systemd-shutdown[1]: Rebooting with kexec.', 'reboot'],
  ['Soft-rebooting.', 'reboot'],
  ['He said: Powering off.', null],
  ['[  311.1] systemd-shutdown[1]: Unable to finalize remaining file systems, ignoring.', 'dirty'],
  ['systemd-shutdown[1]: Cannot finalize remaining DM devices, continuing.', 'dirty'],
  ['systemd-shutdown[1]: Unable to unmount file systems', 'dirty'],
  ['systemd-shutdown[1]: Syncing filesystems and block devices - timed out, issuing SIGKILL to PID 812.', 'dirty'],
  ['[  ***] A stop job is running for containerd container runtime (1min 2s / 1min 30s)', 'wait'],
  ['[**    ] A stop job is running for User Manager for UID 1000 (5s / no limit)', 'wait'],
  ['systemd-shutdown[1]: Waiting for process: 812 (dd)', 'wait'],
  ['systemd-shutdown: waiting for processes: 812, 813', 'wait'],
  // Targets and acknowledgements.
  ['[  OK  ] Reached target poweroff.target - System Power Off.', 'target'],
  ['[  OK  ] Reached target Power-Off.', 'target'],
  ['[  OK  ] Reached target Shutdown.', 'target'],
  ['[  OK  ] Reached target System Shutdown.', 'target'],
  ['[  OK  ] Reached target reboot.target - System Reboot.', 'target'],
  ['[  OK  ] Reached target multi-user.target - Multi-User System.', null],
  ['[  OK  ] Stopped target multi-user.target - Multi-User System.', null],
  ['The system will power off now!', 'acknowledged'],
  ['The system is going down NOW!', 'acknowledged'],
  ['The system is going down for poweroff at Tue 2026-07-14 12:00:00 UTC!', 'acknowledged'],
  ['Requesting system poweroff', 'acknowledged'],
  ['Sent SIGKILL to all processes', 'acknowledged'],
  ['The system will halt now!', 'acknowledged'],
  ['[  312.345678] reboot: HARDWARE PROTECTION shutdown (Temperature too high)', 'acknowledged'],
  ['[   41.000001] ACPI: PM: Preparing to enter system sleep state S5', 'target'],
  // A start.
  ['[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x410fd083]', 'boot'],
  ['[    0.000000] Linux version 6.12.25+rpt-rpi-v8 (serge@raspberrypi.com)', 'boot'],
  ['Linux node 6.12.25+rpt-rpi-v8 #1 SMP PREEMPT Debian aarch64', null],
  ['RPi: BOOTLOADER release VERSION:8ba17717 DATE: 2026/01/11 TIME: 17:40:52', 'firmware'],
  ['RPi: BOOTLOADER release VERSION:8ba17717 DATE: 2026/01/11 TIME: 17:40:52 part: 63', 'firmware'],
  ['EFI stub: Booting Linux Kernel...', 'boot'],
  ['Uncompressing Linux... done, booting the kernel.', 'boot'],
  ['Starting kernel ...', 'boot'],
  ['NOTICE:  BL31: v2.10.0(release):', 'boot'],
  ['U-Boot 2026.01 (Jan 11 2026 - 17:40:52 +0000)', 'uboot'],
  ['U-Boot SPL 2026.01 (Jan 11 2026)', 'uboot'],
  ['Hit any key to stop autoboot:  2', 'uboot'],
  // Refusals.
  ['Login incorrect', 'denied'],
  ['Login timed out after 60 seconds.', 'denied'],
  ['Sorry, try again.', 'denied'],
  ['sudo: a password is required', 'denied'],
  ['bob is not in the sudoers file.', 'denied'],
  ['Failed to power off system via logind: Interactive authentication required.', 'denied'],
  ['Operation inhibited by "pi" (PID 812 "apt"), reason is "upgrade".', 'inhibited'],
  ['-bash: systemctl: command not found', 'not-found'],
  ['-sh: systemctl: not found', 'not-found'],
  ['zsh: command not found: sudo', 'not-found'],
  ['-bash: kubectl: command not found', null],
  // Trouble.
  ['[  300.1] Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b', 'panic'],
  ['[  300.1] ---[ end Kernel panic - not syncing: Fatal exception ]---', 'panic'],
  ['Kernel panic - not syncing: VFS: Unable to mount root fs', 'panic'],
  ['The last line was "Kernel panic - not syncing".', null],
  ['* 3 June: node-a had a Kernel panic - not syncing: Fatal exception', null],
  ['[  300.1] sysrq: This sysrq operation is disabled.', 'denied'],
  ['[  300.1] Internal error: Oops: 96000004 [#1] PREEMPT SMP', 'oops'],
  ['[  300.1] kernel BUG at fs/ext4/inode.c:2721!', 'oops'],
  ['[  300.1] Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008', 'oops'],
  ['[  300.1] INFO: task jbd2/mmcblk0p2-:92 blocked for more than 120 seconds.', 'stuck'],
  ['[  300.1] watchdog: BUG: soft lockup - CPU#2 stuck for 23s!', 'stuck'],
  ['[  300.1] EXT4-fs error (device mmcblk0p2): ext4_find_entry:1683: inode #2: comm systemd', 'filesystem'],
  ['[  300.1] EXT4-fs (mmcblk0p2): Remounting filesystem read-only', 'filesystem'],
  ['[  300.1] blk_update_request: I/O error, dev mmcblk0, sector 2048', 'filesystem'],
  ['You are in emergency mode. After logging in, type "journalctl -xb" to view', 'emergency'],
  ['Give root password for maintenance', 'emergency'],
  ['Cannot open access to console, the root account is locked.', 'emergency'],
  ['ALERT!  PARTUUID=1234 does not exist.  Dropping to a shell!', 'initramfs'],
  ['[    2.1] EXT4-fs (mmcblk0p2): recovering journal', 'fsck'],
  ['/dev/mmcblk0p2: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.', 'fsck'],
  // Nothing at all.
  ['', null],
  ['hello', null],
  [`Linux ${'x'.repeat(900)}`, null],
];

test.each(LINES)('%j is %s', (line, kind) => {
  expect(readLine(line, { settling: true, stamps: false })?.kind ?? null).toBe(kind);
});

test('where kernel lines carry time stamps, one without is a quotation', () => {
  const context = { settling: true, stamps: true };
  for (const line of ['reboot: Power down', 'System halted', 'reboot: Restarting system', 'Linux version 6.12'])
    expect(readLine(line, context)).toBeNull();
  expect(readLine('[    1.000000] reboot: Power down', context)?.kind).toBe('halt');
});

test('before a shutdown was asked for, no line is a part of one', () => {
  const parts = ['halt', 'reboot', 'final', 'dirty', 'wait', 'target', 'acknowledged', 'not-found'];
  for (const [line, kind] of LINES)
    if (kind !== null && parts.includes(kind))
      expect(readLine(line, { settling: false, stamps: false })?.kind ?? 'nothing').not.toBe(kind);
});

test('a stop job tells its unit and its times', () => {
  const line = '[ ***  ] A stop job is running for Docker Application Container Engine (1min 2s / 1min 30s)';
  expect(readLine(line, { settling: true, stamps: true })).toMatchObject({
    unit: 'Docker Application Container Engine',
    elapsed: '1min 2s',
    limit: '1min 30s',
  });
});
