/** Lines on a console that somebody wants to hear of: the built-in ones and the owner's. Pure. */

export interface Trigger {
  name: string;
  pattern: RegExp;
  level: 'notice' | 'warning' | 'alarm';
}

/** The kernel's and login's own words. */
export const BUILT_IN: Readonly<Record<'panic' | 'oops' | 'oom' | 'login-failure', Trigger>> = {
  panic: { name: 'panic', level: 'alarm', pattern: /Kernel panic - not syncing/ },
  oops: { name: 'oops', level: 'alarm', pattern: /Internal error: Oops|kernel BUG at|Unable to handle kernel/ },
  oom: { name: 'oom', level: 'alarm', pattern: /Out of memory: Killed process|invoked oom-killer/ },
  'login-failure': {
    name: 'login-failure',
    level: 'warning',
    pattern: /Login incorrect|FAILED LOGIN|authentication failure/,
  },
};

/** A kernel starts: what an earlier one said of itself is over. */
const STARTS = /Booting Linux on physical CPU|Linux version \d/;
/** An owner's pattern may be slow on a long line, and a node chooses its lines. */
const LINE_LIMIT = 512;

/** What the line raises, in the triggers' order; `starts`: what was raised before is over. */
export function readTriggers(line: string, triggers: readonly Trigger[]): { raised: Trigger[]; starts: boolean } {
  const text = line.slice(0, LINE_LIMIT);
  return { raised: triggers.filter(({ pattern }) => pattern.test(text)), starts: STARTS.test(text) };
}
