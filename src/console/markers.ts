/**
 * What a console's lines mean: the table of marks by which a shutdown, a boot and trouble are recognised. The wording is
 * the kernel's, systemd's, login's, sudo's, U-Boot's and the Pi's firmware's. No capture of a real rack exists: the table
 * test is the place to grow this. Patterns see one whole line without terminal sequences. Pure.
 */

/** `settling`: means something only after a shutdown was asked for. `always`: at any time. */
type Scope = 'settling' | 'always';

export type LineKind =
  /** The kernel's last line: halted. The only grade A evidence. */
  | 'halt'
  | 'reboot'
  /** systemd's last line before it hands over to the kernel; `word` says which end it aims at. */
  | 'final'
  /** File systems were not left clean. */
  | 'dirty'
  /** Something holds the shutdown up: `unit`, and for a stop job how long and at most how long. */
  | 'wait'
  /** A shutdown target was reached. Never proof. */
  | 'target'
  /** The request was heard. */
  | 'acknowledged'
  /** A kernel starts. */
  | 'boot'
  | 'firmware'
  | 'uboot'
  /** A login, sudo or polkit said no. */
  | 'denied'
  | 'inhibited'
  | 'panic'
  /** The kernel stumbled and goes on. */
  | 'oops'
  /** A task or a processor is stuck. */
  | 'stuck'
  | 'filesystem'
  | 'emergency'
  | 'initramfs'
  | 'fsck'
  /** A shell does not know the command `unit`. */
  | 'not-found'
  /** What sysrq's `s` and `u` end with. */
  | 'synced'
  | 'remounted';

interface Mark {
  kind: LineKind;
  scope: Scope;
  pattern: RegExp;
  /** Printed by the kernel itself: where its lines carry time stamps, this one must too. */
  kernel: boolean;
}

/** `<6>` level, `[  12.345678]` time, `[    T1]` or `[    C0]` caller: what may lead a kernel line. */
const STAMP = String.raw`\[\s*\d+\.\d+\](?:\[\s*[TC]\d+\])? `;
const STAMPED = new RegExp(String.raw`^(?:<\d>)?${STAMP}`);
const LEAD = String.raw`^(?:<\d>)?(?:${STAMP})?`;

const kernel = (kind: LineKind, scope: Scope, body: string): Mark => ({
  kind,
  scope,
  kernel: true,
  pattern: new RegExp(LEAD + body),
});
const any = (kind: LineKind, scope: Scope, pattern: RegExp): Mark => ({ kind, scope, kernel: false, pattern });

/** Tried in order; a line is the first that matches. */
const MARKS: readonly Mark[] = [
  any('panic', 'always', /Kernel panic - not syncing/),
  kernel('halt', 'settling', String.raw`(?:reboot: )?(?:Power down|System halted)\.?\s*$`),
  kernel('reboot', 'settling', String.raw`(?:reboot: )?Restarting system\b`),
  any(
    'dirty',
    'settling',
    /(?:Cannot|Unable to) finalize remaining|Unable to unmount file systems|Syncing filesystems and block devices - timed out/,
  ),
  any('final', 'settling', /(?:systemd-shutdown\[1\]: |^)(?<word>Powering off|Halting system|Rebooting)\.\s*$/),
  any('wait', 'settling', /A stop job is running for (?<unit>.+?) \((?<elapsed>.+?) \/ (?<limit>.+?)\)/),
  any('wait', 'settling', /systemd-shutdown(?:\[1\])?: [Ww]aiting for process(?:es)?: (?<unit>.+)/),
  any('inhibited', 'always', /Operation inhibited by\s*(?<unit>.*)/),
  any(
    'target',
    'settling',
    /Reached target (?:.*[Pp]ower-?\s?[Oo]ff|.*(?:poweroff|halt|reboot)\.target|(?:System )?(?:Shutdown|Halt|Reboot))/,
  ),
  any(
    'acknowledged',
    'settling',
    /The system (?:is going down|will power off now|is powering down)|Requesting system (?:poweroff|halt|reboot)/,
  ),
  kernel('boot', 'always', String.raw`(?:Booting Linux on physical CPU|Linux version \d)`),
  any('firmware', 'always', /^RPi: BOOTLOADER release\b(?:.*?\bpart: (?<word>\d+))?/),
  any('uboot', 'always', /^U-Boot (?:SPL )?20\d\d|Hit any key to stop autoboot/),
  any(
    'denied',
    'always',
    /Login incorrect|Login timed out|Sorry, try again|a password is required|not in the sudoers|[Ii]nteractive authentication/,
  ),
  any('oops', 'always', /Internal error: Oops|kernel BUG at|Unable to handle kernel/),
  any('stuck', 'always', /blocked for more than|soft lockup/),
  any('filesystem', 'always', /EXT4-fs error|Remounting filesystem read-only|I\/O error, dev/),
  any('fsck', 'always', /recovering journal|RUN fsck MANUALLY/),
  any(
    'emergency',
    'always',
    /You are in (?:emergency|rescue) mode|root account is locked|(?:Give|Enter) root password/,
  ),
  any('initramfs', 'always', /Dropping to a shell!/),
  kernel('synced', 'always', String.raw`Emergency Sync complete\s*$`),
  kernel('remounted', 'always', String.raw`Emergency Remount complete\s*$`),
  // bash, dash and BusyBox say `systemctl: [command ]not found`, zsh `command not found: systemctl`.
  any('not-found', 'settling', /(?:^|: )(?<unit>systemctl|sudo|poweroff): (?:command )?not found/),
  any('not-found', 'settling', /command not found: (?<unit>systemctl|sudo|poweroff)$/),
];

/** What a line was recognised as. Absent fields were not said. */
export interface LineMark {
  kind: LineKind;
  unit?: string;
  elapsed?: string;
  limit?: string;
  word?: string;
}

/** True when the line leads with a kernel time stamp. */
export function isStamped(line: string): boolean {
  return STAMPED.test(line);
}

/** Seconds since the kernel started, as it stamped this line; null: it did not. */
export function stampOf(line: string): number | null {
  const [, seconds] = /^(?:<\d>)?\[\s*(\d+\.\d+)\]/.exec(line) ?? [];
  return seconds === undefined ? null : Number(seconds);
}

/**
 * The meaning of one whole line, or null. `settling`: a shutdown was asked for. `stamps`: this console's kernel lines are
 * known to carry time stamps, so a kernel mark without one is somebody's quotation of an old log.
 */
export function readLine(line: string, context: { settling: boolean; stamps: boolean }): LineMark | null {
  for (const { kind, scope, kernel: byKernel, pattern } of MARKS) {
    if (scope === 'settling' && !context.settling) continue;
    const match = pattern.exec(line);
    if (match === null || (byKernel && context.stamps && !isStamped(line))) continue;
    return { kind, ...match.groups };
  }
  return null;
}
