/**
 * Builds commands for a shell of any kind (sh, bash, dash, BusyBox, zsh, fish, ksh, tcsh) and reads their answers,
 * framed by words that only a shell joins: `'ra''ckui-x'` is echoed in two pieces and printed as one. Pure.
 */

/** Identity of a shell that answered. Null: not reported. */
export interface ShellIdentity {
  host: string | null;
  /** `/dev/ttyS0` on the serial line itself; a container or a nested login has `/dev/pts/…`, or none. */
  tty: string | null;
  root: boolean | null;
}

/** Returns letters and digits that a node cannot predict. */
export function tokenAt(at: number): string {
  return Math.floor(at).toString(36).slice(-5);
}

/** Returns the command that asks a shell for its identity. The leading space keeps it out of most histories. */
export function identityQuestion(token: string): string {
  return ` echo 'ra''ckui-${token}<'; uname -n || hostname; tty; id -u; echo 'ra''ckui-${token}>'`;
}

/** The text that a shell prints when its command failed. */
export function failureMark(token: string): string {
  return `rackui-${token}-failed`;
}

/** Adds to `command` a report of failure that does not depend on the language. */
export function orPrintFailed(command: string, token: string): string {
  return `${command} || echo 'ra''ckui-${token}-failed'`;
}

/** Gives sudo, whatever its language and configuration, a prompt that names the account whose password it asks for. */
export function withSudoPrompt(command: string, token: string): string {
  return `SUDO_PROMPT='ra''ckui-${token} %p: ' ${command}`;
}

/** Maximum of lines in an answer: another program may print without end. */
const ANSWER_LINES = 12;

/**
 * Adds a line to the answer to {@link identityQuestion} (null: it has not begun), without kernel messages.
 * `identity`: set when the answer is complete, else null.
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
