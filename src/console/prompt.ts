/**
 * Prompts: what a console says last when it waits for somebody. They are read from the unfinished last line, after the
 * console has been quiet, because any prompt's text can also stand in the middle of output. Pure.
 */

export type Prompt =
  /** `host` as getty prints it, or null. */
  | { kind: 'login'; host: string | null }
  /** `user` where sudo or su names one. */
  | { kind: 'password'; user: string | null }
  /** A shell: `#` is root's, `$` anybody else's. Null where the prompt does not say. */
  | { kind: 'shell'; root: boolean; user: string | null; host: string | null }
  | { kind: 'uboot-shell' }
  | { kind: 'initramfs-shell' };

/** `Last login: …` is what login says after a success. */
const LOGIN = /^(?:(?!Last )(?<host>[\w.-]+) )?login: ?$/;
/** PAM may lead with `(user@host) `. */
const PASSWORD = /^(?:\([^()]*\) ?)?(?:\[sudo(?:: [^\]]*)?\] )?[Pp]assword(?: for (?<user>[\w.-]+))?: ?$/;
/** sudo in any language: the prefix is not translated, the colon may be a wide one. */
const SUDO = /^\[sudo(?:: [^\]]*)?\] .*[:：] ?$/;
/** The prompt that rackui gives sudo ({@link sudoPrompt}): no language and no configuration changes it. */
const OWN_SUDO = /^rackui-[0-9a-z]+ (?<user>[\w.-]+): ?$/;
/** `pi@node:~$ `, `root@node:/etc# `, `[root@node ~]# `; a virtual environment's name may lead. */
const NAMED_SHELL = /^(?:\([\w.-]+\) ?)?\[?(?<user>[\w.-]+)@(?<host>[\w.-]+)(?:[: ][^\r\n]*?)?\]? ?(?<sign>[$#]) ?$/;
/** `$ `, `# `, BusyBox's `~ # ` and `/etc # `. */
const BARE_SHELL = /^(?:[~/][\w./-]* )?(?<sign>[$#]) ?$/;
const UBOOT = /^(?:U-Boot>|=>) ?$/;
const INITRAMFS = /^\(initramfs\) ?$/;

/** The prompt that an unfinished last line is, or null. */
export function readPrompt(tail: string): Prompt | null {
  const login = LOGIN.exec(tail);
  if (login) return { kind: 'login', host: login.groups?.['host'] ?? null };
  const password = OWN_SUDO.exec(tail) ?? PASSWORD.exec(tail);
  if (password) return { kind: 'password', user: password.groups?.['user'] ?? null };
  if (SUDO.test(tail)) return { kind: 'password', user: null };
  if (UBOOT.test(tail)) return { kind: 'uboot-shell' };
  if (INITRAMFS.test(tail)) return { kind: 'initramfs-shell' };
  const shell = NAMED_SHELL.exec(tail) ?? BARE_SHELL.exec(tail);
  if (shell?.groups)
    return {
      kind: 'shell',
      root: shell.groups['sign'] === '#',
      user: shell.groups['user'] ?? null,
      host: shell.groups['host'] ?? null,
    };
  return null;
}

/** A kernel message that begins in the middle of a line: what a console's tty had printed before it, and the message. */
const INTERRUPTED = /^(?<head>.*?[^\s].*?)(?<message>(?:<\d>)?\[\s*\d+\.\d{6}\](?:\[\s*[TC]\d+\])? .*)$/;

/** Splits a line that a kernel message interrupted; null: no message stands in it, or nothing before the message. */
export function splitInterrupted(line: string): { head: string; message: string } | null {
  const groups = INTERRUPTED.exec(line)?.groups;
  const { head = '', message = '' } = groups ?? {};
  return groups === undefined || /^(?:<\d>)?\[\s*\d+\.\d+\]/.test(head) ? null : { head, message };
}
