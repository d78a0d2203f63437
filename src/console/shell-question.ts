/**
 * Commands typed at a shell of any kind (sh, bash, dash, BusyBox, zsh, fish, ksh, tcsh), framed by words that only a shell
 * puts together: `'ra''ckui-x'` is echoed in two pieces and printed as one. Pure.
 */

/** What is known of a shell that answered. Null: it did not say. */
export interface ShellIdentity {
  host: string | null;
  /** `/dev/ttyS0` on the serial line itself; a container or a nested login has `/dev/pts/…`, or none. */
  tty: string | null;
  root: boolean | null;
}

/** Letters and digits that a node cannot know beforehand. */
export function tokenAt(at: number): string {
  return Math.floor(at).toString(36).slice(-5);
}

/** The command that asks a shell whose it is. The leading space keeps it out of most histories. */
export function identityQuestion(token: string): string {
  return ` echo 'ra''ckui-${token}<'; uname -n || hostname; tty; id -u; echo 'ra''ckui-${token}>'`;
}

/** Printed by a shell whose command failed. */
export function failureMark(token: string): string {
  return `rackui-${token}-failed`;
}

/** Adds to `command` that a failure is said in words that know no language. */
export function orSayFailed(command: string, token: string): string {
  return `${command} || echo 'ra''ckui-${token}-failed'`;
}

/** Gives sudo, whatever its language and configuration, a prompt that names whose password it wants. */
export function withSudoPrompt(command: string, token: string): string {
  return `SUDO_PROMPT='ra''ckui-${token} %p: ' ${command}`;
}

/** Lines of an answer, and no more: another program prints without an end. */
const ANSWER_LINES = 12;

/**
 * Adds a line to what was heard of the answer to {@link identityQuestion} (null: it has not begun), kernel messages left
 * out. `identity`: it is complete.
 */
export function readIdentity(
  token: string,
  lines: readonly string[] | null,
  line: string,
): { lines: readonly string[] | null; identity: ShellIdentity | null } {
  const text = line.trim();
  if (text.endsWith(`rackui-${token}<`)) return { lines: [], identity: null };
  if (lines === null) return { lines, identity: null };
  if (text.endsWith(`rackui-${token}>`)) return { lines, identity: identityOf(lines) };
  return { lines: lines.length < ANSWER_LINES ? [...lines, text] : lines, identity: null };
}

function identityOf(lines: readonly string[]): ShellIdentity {
  const tty = lines.find((line) => line.startsWith('/dev/')) ?? null;
  const id = lines.find((line) => /^\d+$/.test(line) && line !== lines[0]) ?? null;
  const [first = ''] = lines;
  return {
    host: /^[\w.-]{1,253}$/.test(first) ? first : null,
    tty,
    root: id === null ? null : id === '0',
  };
}
