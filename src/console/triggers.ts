/** Lines on a console that somebody wants to hear of: the built-in ones and the owner's. Pure. */

export interface Trigger {
  name: string;
  matches: (line: string) => boolean;
  level: 'notice' | 'warning' | 'alarm';
}

/** The kernel's and login's own words. */
export const BUILT_IN: Readonly<Record<'panic' | 'oops' | 'oom' | 'login-failure', Trigger>> = {
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
};

/** A kernel starts: what an earlier one said of itself is over. */
const STARTS = /Booting Linux on physical CPU|Linux version \d/;
/** A boot loader or firmware starts: lines that no log on a disk quotes. */
const FIRMWARE_STARTS =
  /^(?:U-Boot (?:[ST]PL )?\d{4}\.\d\d|RPi: BOOTLOADER release|NOTICE: {2}BL\d|EFI stub: Booting Linux)/;

/** The node's program is another one from here on; `quoted`: somebody types, who may be reading an old kernel log. */
export function startsAnew(line: string, quoted: boolean): boolean {
  return FIRMWARE_STARTS.test(line) || (!quoted && STARTS.test(line.slice(0, LINE_LIMIT)));
}

/** Characters of a line that are read: a node chooses how long its lines are. */
const LINE_LIMIT = 512;

/** What the line raises, in the triggers' order; `starts`: what was raised before is over. */
export function readTriggers(line: string, triggers: readonly Trigger[]): { raised: Trigger[]; starts: boolean } {
  const text = line.slice(0, LINE_LIMIT);
  return { raised: triggers.filter(({ matches }) => matches(text)), starts: STARTS.test(text) };
}
