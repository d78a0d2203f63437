/** Boots in a console's log: where they begin and end, their times and errors, and what changed between two. */
import { expect, test } from 'vitest';
import {
  type Boot,
  bootChanges,
  BootReader,
  bootTable,
  lastingText,
  timeToLogin,
} from '../../src/cli/console/boots.ts';
import { logLine } from '../../src/console/log-lines.ts';

const START = Date.parse('2026-07-14T12:00:00Z');

/** Reads lines `seconds sign text`. */
function bootsOf(...lines: [seconds: number, sign: '|' | '*', text: string][]): Boot[] {
  const reader = new BootReader();
  for (const [seconds, sign, text] of lines) reader.line(logLine(sign, START + seconds * 1000, text).trimEnd());
  return reader.boots;
}

test('firmware, boot loader and kernel are one boot, from power to the login prompt', () => {
  const boots = bootsOf(
    [0, '*', 'ns01 (A-1, 01) is on'],
    [2, '|', 'RPi: BOOTLOADER release VERSION:4c845bd3'],
    [3, '|', 'U-Boot 2024.01 (Jan 01 2024)'],
    [4, '|', '[    0.000000] Booting Linux on physical CPU 0x0'],
    [4.1, '|', '[    0.000000] Linux version 6.12.47'],
    [9, '|', '[    5.1] EXT4-fs (mmcblk0p2): mounted with errors=remount-ro'],
    [10, '|', '[FAILED] Failed to start nfs-mountd.service.'],
    [11, '|', '[FAILED] Failed to start another.service.'],
    [21.5, '|', 'ns01 login: pi'],
    [30, '|', 'error: after the login'],
  );
  expect(boots).toHaveLength(1);
  expect(boots.map(timeToLogin)).toEqual([21_500]);
  expect(boots[0]?.error?.text).toBe('[FAILED] Failed to start nfs-mountd.service.');
  expect(bootTable(boots)).toEqual([
    `2026-07-14T12:00:02.000Z    21.5 s from power on   ####################  first error: [FAILED] Failed to start nfs-mountd.service.`,
  ]);
});

test.each<[name: string, lines: Parameters<typeof bootsOf>, times: (number | null)[]]>([
  ['a restart counts from its first line', [[0, '|', 'U-Boot 2024.01'], [8, '|', 'a login: '], [50, '|', 'U-Boot 2024.01'], [59, '|', 'a login:']], [8_000, 9_000]], // oxfmt-ignore
  ['a boot without login ends at the next', [[0, '|', '[    0.000000] Booting Linux on physical CPU 0x0'], [40, '|', '[    0.000000] Booting Linux on physical CPU 0x0'], [47, '|', 'a login: ']], [null, 7_000]], // oxfmt-ignore
  ['a crash that falls back to the firmware is another boot', [[0, '|', '[    0.000000] Linux version 6.12'], [2, '|', 'RPi: BOOTLOADER release VERSION:4c']], [null, null]], // oxfmt-ignore
  ['a power long before is not the beginning', [[0, '*', 'a (A-1, 01) is on'], [500, '|', 'U-Boot 2024.01'], [509, '|', 'a login:']], [9_000]], // oxfmt-ignore
  [
    'a mark of rackui that quotes a boot begins none',
    [
      [0, '*', 'note by eve: U-Boot 2024.01'],
      [1, '|', 'a login:'],
    ],
    [],
  ],
])('%s', (_, lines, times) => {
  expect(bootsOf(...lines).map(timeToLogin)).toEqual(times);
});

test('what changed: lines of one boot only, whatever their order, times, addresses and process numbers', () => {
  const one = bootsOf(
    [0, '|', 'U-Boot 2024.01'],
    [1, '|', '[    0.100000] smp: Brought up 1 node, 4 CPUs'],
    [2, '|', '[    1.500000] random: crng init at 0xffffff80 done in 12 ms'],
    [3, '|', 'Started a[211].'],
    [4, '|', 'Started b.'],
    [5, '|', 'Mounted /data.'],
    [6, '|', 'a login:'],
  );
  const two = bootsOf(
    [0, '|', 'U-Boot 2024.01'],
    [1, '|', '[    0.110000] smp: Brought up 1 node, 3 CPUs'],
    [2, '|', '[    1.700000] random: crng init at 0xffffff90 done in 9 ms'],
    [3, '|', 'Started b.'],
    [4, '|', 'Started a[350].'],
    [6, '|', 'a login:'],
  );
  const [before, after] = [one[0], two[0]];
  if (before === undefined || after === undefined) throw new Error('no boot was found');
  expect(bootChanges(before, after)).toEqual([
    '- [    0.100000] smp: Brought up 1 node, 4 CPUs',
    '- Mounted /data.',
    '+ [    0.110000] smp: Brought up 1 node, 3 CPUs',
  ]);
  expect(bootChanges(after, after)).toEqual([]);
});

test.each([
  ['[   12.345678][    T1] mmc0: new card at address aaaa', 'mmc0: new card at address aaaa'],
  ['PM: Registered nosave memory: [mem 0x0000-0x0fff]', 'PM: Registered nosave memory: [mem <address>-<address>]'],
  [
    'systemd[1]: Startup finished in 2.1s (kernel) + 7.5s',
    'systemd[<pid>]: Startup finished in <duration> (kernel) + <duration>',
  ],
  [
    'mounted filesystem 3f9f2e0a-6a3c-4d0e-9d6e-2a0e7cf1b1d2 ro',
    'mounted filesystem 3f9f2e0a-6a3c-4d0e-9d6e-2a0e7cf1b1d2 ro',
  ],
  ['System time advanced to 2025-08-20 11:12:13', 'System time advanced to <date> <time>'],
])('%s', (line, text) => {
  expect(lastingText(line)).toBe(text);
});
