/**
 * Patterns of console lines by which a shutdown, a boot and failures are recognised, and those that raise events:
 * built-in and configured ones. The wording is the kernel's, systemd's, login's, sudo's, U-Boot's and the Pi's
 * firmware's. No capture of a real rack exists: new wordings go into the table test. Patterns see one whole line
 * without terminal sequences. Pure.
 */

/** `settling`: valid only after a shutdown was asked for. `always`: at any time. */
type Scope = 'settling' | 'always';

export type LineKind =
  /** The kernel's last line: halted. The only grade A evidence. */
  | 'halt'
  /** The system restarts, in the kernel's words or systemd's. */
  | 'reboot'
  /** systemd's last line before it hands a halt over to the kernel. */
  | 'final'
  /** File systems were not unmounted cleanly. */
  | 'dirty'
  /** Something delays the shutdown: `unit`, and for a stop job its elapsed time and its limit. */
  | 'wait'
  /** A shutdown target was reached: no evidence. */
  | 'target'
  /** The shutdown request was received. */
  | 'acknowledged'
  /** A kernel starts. */
  | 'boot'
  | 'firmware'
  | 'uboot'
  /** A login, sudo or polkit refused. */
  | 'denied'
  /** An account that may not log in as it is: expired, without a shell, or kept out while the system goes down. */
  | 'account'
  | 'inhibited'
  | 'panic'
  /** The kernel reported an error and continues. */
  | 'oops'
  /** A task or a processor is stuck. */
  | 'stuck'
  | 'filesystem'
  | 'emergency'
  | 'initramfs'
  | 'fsck'
  /** A shell does not find the command `unit`. */
  | 'not-found'
  /** Last lines of sysrq's `s` and `u`. */
  | 'synced'
  | 'remounted';

interface Mark {
  kind: LineKind;
  scope: Scope;
  pattern: RegExp;
  /** Printed by the kernel itself: where its lines carry time stamps, this one must too. */
  kernel: boolean;
}

/** `[  12.345678]` time, `[    T1]` or `[    C0]` caller, or the caller alone: printk's prefix of a line. */
const STAMP = String.raw`(?:\[\s*\d+\.\d+\](?:\[\s*[TC]\d+\])?|\[\s*[TC]\d+\]) `;
/** `<6>`: the level, where the line comes raw from the kernel's buffer. */
const LEVEL = String.raw`(?:<\d{1,3}>)?`;
const STAMPED = new RegExp(`^${LEVEL}${STAMP}`);
/**
 * Beginning of a kernel line: at the line's start; or, stamped, behind text that a program left without a line end. A
 * colon, quote or equals sign ahead of the stamp is syslog, dmesg or grep quoting a log.
 */
const LEAD = String.raw`(?:^${LEVEL}(?:${STAMP})?|(?<!(?:[:"'=]|: )(?:<\d{1,3}>)?)${LEVEL}${STAMP})`;

const kernel = (kind: LineKind, scope: Scope, body: string): Mark => ({
  kind,
  scope,
  kernel: true,
  pattern: new RegExp(LEAD + body),
});
const any = (kind: LineKind, scope: Scope, pattern: RegExp): Mark => ({ kind, scope, kernel: false, pattern });

/** Tried in order; the first match counts. `reboot: `, `sysrq: ` and the like are the prefixes of 3.x to 6.x. */
const MARKS: readonly Mark[] = [
  kernel('panic', 'always', String.raw`(?:---\[ end )?Kernel panic - not syncing`),
  // kernel/reboot.c, in its present and older words; arm's machine_restart; ACPI's own last line, printed after it.
  kernel('halt', 'settling', String.raw`(?:reboot: )?(?:Power down|System halted)\.?\s*$`),
  kernel('halt', 'settling', String.raw`(?:reboot: )?Power off not available: System halted instead\.?\s*$`),
  kernel('halt', 'settling', String.raw`(?:reboot: )?Reboot failed -- System halted\.?\s*$`),
  kernel('halt', 'settling', String.raw`acpi_power_off called\s*$`),
  kernel('reboot', 'settling', String.raw`(?:reboot: )?(?:Restarting system\b|machine restart\s*$)`),
  kernel('reboot', 'settling', String.raw`(?:kexec(?:_core)?: )?Starting new kernel\s*$`),
  kernel('reboot', 'settling', String.raw`sysrq: (?:SysRq : )?Resetting\s*$`),
  // The kernel's forced ends, on which no file system is unmounted.
  kernel(
    'dirty',
    'settling',
    String.raw`(?:sysrq: (?:SysRq : )?Power Off\s*$|(?:reboot: )?(?:Failed to start orderly shutdown: forcing the issue|Hardware protection timed-out))`,
  ),
  any(
    'dirty',
    'settling',
    /(?:Cannot|Unable to) finalize remaining|Unable to unmount file systems|Syncing filesystems and block devices - timed out/,
  ),
  // OpenRC.
  any('dirty', 'settling', /^ ?\* (?:Unmounting|Remounting) .*\[ !! \]/),
  any(
    'final',
    'settling',
    /(?:systemd-shutdown\[1\]: |^)(?:Powering off|Halting system)\.\s*$|^(?:\[info\] )?Will now halt\.?\s*$/,
  ),
  any(
    'reboot',
    'settling',
    /(?:systemd-shutdown\[1\]: |^)(?:Soft-r|R)ebooting(?: with (?:argument '.*'|kexec))?\.\s*$|^(?:\[info\] )?Will now restart\.?\s*$/,
  ),
  any('wait', 'settling', /A stop job is running for (?<unit>.+?) \((?<elapsed>.+?) \/ (?<limit>.+?)\)/),
  any('wait', 'settling', /systemd-shutdown(?:\[1\])?: [Ww]aiting for process(?:es)?: (?<unit>.+)/),
  any('inhibited', 'always', /Operation inhibited by\s*(?<unit>.*)/),
  any(
    'target',
    'settling',
    /Reached target (?:.*[Pp]ower-?\s?[Oo]ff|.*(?:poweroff|halt|reboot)\.target|(?:System )?(?:Shutdown|Halt|Reboot))/,
  ),
  kernel('target', 'settling', String.raw`ACPI: (?:PM: )?Preparing to enter system sleep state S5\s*$`),
  any(
    'acknowledged',
    'settling',
    /The system (?:is going down|will (?:power off|halt|reboot) now|is powering down)|Requesting system (?:poweroff|halt|reboot)|Sent SIG(?:TERM|KILL) to all processes|HARDWARE PROTECTION shutdown/,
  ),
  kernel('boot', 'always', String.raw`(?:Booting Linux on physical CPU|Linux version \d)`),
  // Programs before a kernel has a clock: the EFI stub, the kernel's own decompressor, firmware that starts it.
  any('boot', 'always', /^(?:EFI stub: (?:Booting Linux|Exiting boot services)|(?:Unc|Dec)ompressing Linux\.\.\.)/),
  any('boot', 'always', /^(?:Starting kernel \.\.\.|NOTICE: {1,2}BL(?:1|2|31): |Booting the kernel\.)/),
  any('firmware', 'always', /^RPi: BOOTLOADER release\b(?:.*?\bpart: (?<word>\d+))?/),
  any('uboot', 'always', /^U-Boot (?:SPL )?20\d\d|Hit any key to stop autoboot/),
  any(
    'denied',
    'always',
    /Login incorrect|Login timed out|Sorry, try again|a password is required|not in the sudoers|[Ii]nteractive authentication/,
  ),
  any(
    'account',
    'always',
    /(?:password|[Aa]ccount) has expired|required to change your password|account is currently not available|not permitted to log in|Passwort ist abgelaufen|mot de passe (?:a )?expiré/,
  ),
  kernel('denied', 'always', String.raw`sysrq: This sysrq operation is disabled`),
  kernel(
    'oops',
    'always',
    String.raw`(?:Internal error: Oops|kernel BUG at|Unable to handle kernel|BUG: unable to handle)`,
  ),
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
  // bash, dash and BusyBox print `systemctl: [command ]not found`, zsh `command not found: systemctl`.
  any('not-found', 'settling', /(?:^|: )(?<unit>systemctl|sudo|poweroff): (?:command )?not found/),
  any('not-found', 'settling', /command not found: (?<unit>systemctl|sudo|poweroff)$/),
];

/** A recognised line. Fields that the line does not hold are absent. */
export interface LineMark {
  kind: LineKind;
  unit?: string;
  elapsed?: string;
  limit?: string;
  word?: string;
}

/** True when the line begins with a kernel time stamp. */
export function isStamped(line: string): boolean {
  return STAMPED.test(line);
}

/** Returns the kernel's time stamp of the mark at this line's end, s since its start; null: none. */
export function stampOf(line: string): number | null {
  const [, seconds] = /^.*\[\s*(\d+\.\d+)\]/.exec(line) ?? [];
  return seconds === undefined ? null : Number(seconds);
}

/**
 * Recognises one whole line; null: it has no meaning here. `settling`: a shutdown was asked for. `stamps`: this
 * console's kernel lines carry time stamps, so a kernel mark without one is quoted from an old log.
 */
export function readLine(line: string, context: { settling: boolean; stamps: boolean }): LineMark | null {
  for (const { kind, scope, kernel: byKernel, pattern } of MARKS) {
    if (scope === 'settling' && !context.settling) continue;
    const match = pattern.exec(line);
    if (match === null || (byKernel && context.stamps && !isStamped(match[0]))) continue;
    return { kind, ...match.groups };
  }
  return null;
}

export interface Trigger {
  name: string;
  matches: (line: string) => boolean;
  /** Counts only while the node boots, and only the first match of each boot. */
  boot?: boolean;
  level: 'notice' | 'warning' | 'alarm';
}

/** Built-in triggers, in the kernel's and login's own words. */
export const BUILT_IN: Readonly<Record<'panic' | 'oops' | 'oom' | 'login-failure' | 'boot-error', Trigger>> = {
  panic: { name: 'panic', level: 'alarm', matches: (line) => /Kernel panic - not syncing/.test(line) },
  oops: {
    name: 'oops',
    level: 'alarm',
    matches: (line) => /Internal error: Oops|kernel BUG at|Unable to handle kernel/.test(line),
  },
  oom: {
    name: 'oom',
    level: 'alarm',
    matches: (line) => /Out of memory: Killed process|invoked oom-killer/.test(line),
  },
  'login-failure': {
    name: 'login-failure',
    level: 'warning',
    matches: (line) => /Login incorrect|FAILED LOGIN|authentication failure/.test(line),
  },
  'boot-error': { name: 'boot-error', level: 'warning', matches: isError, boot: true },
};

const ERROR =
  /\[FAILED\]|\b(?:error|fail(?:ed|ure)?|panic|oops|segfault|corrupt(?:ed|ion)?|timed? ?out|cannot|unable to|not unmounted cleanly)\b|\bBUG:/i;
/** Words that contain one of these and report none. */
const HARMLESS = /\berrors=|\b(?:no|0|without) errors?\b|\berror[- ](?:report|correct|detect)/i;

/** True for a line that reports an error, in the words of kernel, systemd and firmware. */
export function isError(line: string): boolean {
  return ERROR.test(line) && !HARMLESS.test(line);
}

/** True for a getty's prompt, with which a boot is over. */
export function isLogin(line: string): boolean {
  return /^\S+ login:/.test(line);
}

/** Matches the start of a kernel, which ends the triggers of an earlier one. */
const STARTS = /Booting Linux on physical CPU|Linux version \d/;
/** Matches the start of a boot loader or firmware: lines that no log on a disk quotes. */
const FIRMWARE_STARTS =
  /^(?:U-Boot (?:[ST]PL )?\d{4}\.\d\d|RPi: BOOTLOADER release|NOTICE: {2}BL\d|EFI stub: Booting Linux)/;

/**
 * True when another program starts on the node. `quoted`: an operator is typing, and may be reading an old kernel
 * log.
 */
export function startsAnew(line: string, quoted: boolean): boolean {
  return FIRMWARE_STARTS.test(line) || (!quoted && STARTS.test(line.slice(0, LINE_LIMIT)));
}

/** Characters of a line that are examined: a node chooses how long its lines are. */
const LINE_LIMIT = 512;

/** Returns the triggers that the line raises, in their order; `starts`: a kernel starts, so earlier ones are over. */
export function readTriggers(line: string, triggers: readonly Trigger[]): { raised: Trigger[]; starts: boolean } {
  const text = line.slice(0, LINE_LIMIT);
  return { raised: triggers.filter(({ matches }) => matches(text)), starts: STARTS.test(text) };
}
