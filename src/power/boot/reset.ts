/**
 * Whether a machine was really started anew: each start of a Linux kernel has a random name (its boot id). A status byte
 * says what a BMC believes, and a prompt that somebody lives there; only another boot id says that it is another life. Where
 * it cannot be read, power seen off stands for it. Pure.
 */
const FILE = '/proc/sys/kernel/random/boot_id';
const BOOT_ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * Commands whose output {@link readBootId} reads. `token`: a word that only whoever was asked these very commands can
 * print. A key whose forced command is the shutdown itself prints none, and must not be asked again.
 */
export function bootIdCommands(token: string): string {
  return `echo ${token}; cat ${FILE}`;
}

/** The boot id behind the token's line, or null. */
export function readBootId(output: readonly string[], token: string): string | null {
  const id = output[output.indexOf(token) + 1] ?? '';
  return output.includes(token) && BOOT_ID.test(id) ? id : null;
}

/** `before`, `after`: boot ids, null where they could not be read. `seenOff`: two status replies said off in between. */
export interface ResetFacts {
  before: string | null;
  after: string | null;
  seenOff: boolean;
}

/** `is`: it was reset; it was not; nothing proves either. `ground`: for evidence; null: no boot id was looked for. */
export interface ResetVerdict {
  is: 'reset' | 'not-reset' | 'unproven';
  ground: string | null;
}

export function judgeReset({ before, after, seenOff }: ResetFacts): ResetVerdict {
  if (before === null) return { is: seenOff ? 'reset' : 'unproven', ground: null };
  if (after === null) {
    const stands = seenOff ? 'that its power was seen off stands for it' : 'and its power was not seen off';
    return { is: seenOff ? 'reset' : 'unproven', ground: `its boot id could not be read by ssh again: ${stands}` };
  }
  if (after === before) return { is: 'not-reset', ground: `its kernel is the one from before: boot id ${after}` };
  return { is: 'reset', ground: `its kernel was started anew: boot id ${before} before, ${after} now` };
}
