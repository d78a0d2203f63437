/**
 * Console output without its terminal sequences: what the patterns of {@link markers} may read. A node's colours must
 * not hide a marker, and a sequence may be split over any two reads. Pure.
 *
 * Prompts: what a console says last when it waits for somebody. They are read from the unfinished last line, after the
 * console has been quiet, because any prompt's text can also stand in the middle of output. Pure.
 *
 * How long a machine had been up when it was asked to shut down, held against the kernel's stamps: a halt line from a log
 * of another day carries another time. Pure.
 *
 * Reads a console as an operator would during a shutdown: whole lines, prompts when it has gone quiet, not its own
 * echo, and nothing from before the request. Pure: text and times come in as values, recognitions go out.
 */
import { isStamped, type LineMark, readLine, stampOf } from './line-patterns.ts';

type State =
  | { in: 'text' }
  | { in: 'escape' }
  /** After ESC and an intermediate (`ESC ( B`): one final character follows. */
  | { in: 'intermediate' }
  | { in: 'csi'; length: number }
  /** OSC, DCS, SOS, PM, APC: text up to BEL or ST. */
  | { in: 'string'; length: number };

/**
 * Longest sequences, characters. Terminals take strings of kilobytes (systemd's OSC 3008 has 250 to 400, a window title or
 * an OSC 8 link more); a line end stops an unfinished one, so that a lost terminator costs one line at most.
 */
const CSI_LIMIT = 256;
const STRING_LIMIT = 64 * 1024;

/** Nothing to be taken out: by far the most of what a console brings. */
const PLAIN = /^[\x20-\x7e\n\r\t]*$/;

export class PlainText {
  readonly #keep: string;
  #state: State = { in: 'text' };

  /** `keep`: control characters that the reader wants to see, too. */
  constructor(keep = '') {
    this.#keep = keep;
  }

  /** Takes the next piece of output; returns its visible characters, tabs, CR and LF. */
  feed(text: string): string {
    if (this.#state.in === 'text' && PLAIN.test(text)) return text;
    let plain = '';
    for (const char of text) {
      // A line's end also ends whatever a broken or hostile sequence left open.
      if (char === '\n' || char === '\r') this.#state = { in: 'text' };
      else if (char === '\x1b') {
        this.#state = { in: 'escape' };
        continue;
      }
      plain += this.#step(char);
    }
    return plain;
  }

  #step(char: string): string {
    const state = this.#state;
    switch (state.in) {
      case 'text':
        return isVisible(char) || this.#keep.includes(char) ? char : '';
      case 'escape':
        if (char === '[') this.#state = { in: 'csi', length: 0 };
        else if (']P^_X'.includes(char)) this.#state = { in: 'string', length: 0 };
        else if (char >= ' ' && char <= '/') this.#state = { in: 'intermediate' };
        else this.#state = { in: 'text' };
        return '';
      case 'intermediate':
        this.#state = { in: 'text' };
        return '';
      case 'csi':
        if ((char >= '@' && char <= '~') || ++state.length > CSI_LIMIT) this.#state = { in: 'text' };
        return '';
      case 'string':
        if (char === '\x07' || ++state.length > STRING_LIMIT) this.#state = { in: 'text' };
        return '';
    }
  }
}

function isVisible(char: string): boolean {
  return (char >= ' ' && !(char >= '\x7f' && char <= '\x9f')) || char === '\n' || char === '\r' || char === '\t';
}

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

/** What `/proc/uptime` prints. */
const UPTIME = /^(\d+\.\d\d) \d+\.\d\d\s*$/;
/**
 * How far the kernel's stamps may lie from `/proc/uptime`, which follows the network's time and they do not: more than an
 * oscillator drifts. And how much later than the request a last line can be, s: no shutdown takes an hour.
 */
const DRIFT = { share: 0.001, seconds: 60 };
const SHUTDOWN_WITHIN_S = 3_600;

/** Seconds, or null: the line is no `/proc/uptime`. */
export function readUptime(line: string): number | null {
  const [, seconds] = UPTIME.exec(line) ?? [];
  return seconds === undefined ? null : Number(seconds);
}

/** A stamp that this machine's clock cannot have shown since the request, at `uptime` seconds: an old log is quoted. */
export function isFromAnotherTime(line: string, uptime: number | null): boolean {
  const stamp = stampOf(line);
  if (stamp === null || uptime === null) return false;
  const drift = DRIFT.seconds + DRIFT.share * uptime;
  return stamp < uptime - drift || stamp > uptime + drift + SHUTDOWN_WITHIN_S;
}

/** A tail counts as a prompt after this much silence: long against a gap between two bytes, short against a person. */
export const QUIET_MS = 300;
/** The echo of what we typed comes within this time or never: 2 ms pacing of a long line is well under a second. */
const ECHO_WITHIN_MS = 5_000;
/** No mark is longer; a longer line is a node's flood or binary output and cannot be one. */
const LINE_LIMIT = 1_024;
/** What evidence quotes of a line. */
const QUOTE_LIMIT = 200;
/** A longer prompt is looked for only where the console rested behind it. */
const PROMPT_LIMIT = 128;
/** After these nobody waits at the prompt any more that such a line interrupted. */
const ENDS: readonly LineMark['kind'][] = ['halt', 'reboot', 'boot', 'firmware', 'uboot', 'panic'];
const HIDDEN = '(a line that is not shown: it holds what was typed as a password)';

/**
 * `output`: visible text without a meaning here; `waits`: a line without an end, behind which nothing comes: perhaps a
 * prompt of unknown shape. `text` is the line, shortened; it holds no control characters.
 */
export type Recognition = { at: number; text: string } & (LineMark | Prompt | { kind: 'output'; waits?: true });

export class Recognizer {
  readonly #plain = new PlainText();
  #line = '';
  /** Beginning of a line that kernel messages interrupted: what waits there goes on waiting, on a line of its own. */
  #interrupted = '';
  #overlong = false;
  #lastAt = 0;
  /** The tail has been reported since the last byte. */
  #tailRead = true;
  /** So long was the unfinished line when it was last reported: what follows is another's words behind it. */
  #restedAt = 0;
  /** A line that was open when the request was made is from before it. */
  #skipLine = false;
  #settling = false;
  #stamps = false;
  /** Seconds that the machine had been up when the shutdown was asked for; null: it did not say. */
  #uptime: number | null = null;
  /** The next uptime that is printed answers our request. */
  #uptimeAsked = false;
  #echoes: { text: string; until: number }[] = [];
  /** Never quoted: a console in the wrong mood echoes a password. */
  #secret: string | null = null;

  /** Records that `text` is typed now: its echo is not the node speaking, and what waited has its answer. */
  sent(text: string, at: number, secret = false): void {
    this.#interrupted = '';
    if (secret) return;
    const visible = text.replace(/[\x00-\x1f\x7f]/g, '').trim();
    if (visible !== '') this.#echoes.push({ text: visible, until: at + ECHO_WITHIN_MS });
  }

  /** `text` is typed now or soon: no recognition quotes a line that holds it. */
  conceal(text: string): void {
    this.#secret = text.trim() === '' ? null : text.trim();
  }

  /** A shutdown is asked for now. What was printed until here proves nothing. */
  requested(): void {
    this.#settling = true;
    this.#uptimeAsked = true;
    // A kernel that speaks to a console at rest goes on in that very line, whoever asked it from elsewhere.
    if (this.#tailRead || readPrompt(this.#line)) this.#startLine();
    this.#tailRead = true;
    this.#interrupted = '';
    this.#skipLine = this.#line !== '';
  }

  /** The machine said by another way than its console how long it had been up, seconds, when it was asked. */
  upFor(seconds: number): void {
    this.#uptimeAsked = false;
    this.#uptime = seconds;
  }

  /** The node's output. Bytes may be split anywhere. */
  feed(text: string, at: number): Recognition[] {
    const found: Recognition[] = [];
    const plain = this.#plain.feed(text);
    if (plain !== '') this.#tailRead = false;
    this.#lastAt = at;
    for (const piece of plain.split(/(\r|\n)/)) {
      if (piece === '\r' || piece === '\n') {
        const recognition = this.#endLine(at);
        if (recognition) found.push(recognition);
      } else if (this.#line.length + piece.length > LINE_LIMIT) this.#overlong = true;
      else this.#line += piece;
    }
    return found;
  }

  /** What stands at the end was reported: nothing is left to be recognised before more comes. */
  get atRest(): boolean {
    return this.#tailRead || (this.#interrupted + this.#line).trim() === '';
  }

  /** Time passes: after {@link QUIET_MS} of silence the unfinished line may be a prompt, or a last line without its end. */
  tick(at: number): Recognition[] {
    const whole = this.#interrupted + this.#line;
    if (this.#tailRead || whole.trim() === '' || at - this.#lastAt < QUIET_MS) return [];
    this.#tailRead = true;
    const line = this.#line;
    const mark = this.#read(line);
    this.#restedAt = line.length;
    if (this.#skipLine || this.#overlong || this.#isEcho(line, at, 'keep')) return [];
    for (const candidate of new Set([line, whole])) {
      const prompt = readPrompt(candidate);
      if (prompt) return [{ ...prompt, at, text: this.#quote(candidate) }];
    }
    if (line.trim() === '') return [];
    // The machine may stop before the last line's end is out.
    return mark?.kind === 'halt'
      ? [{ ...mark, at, text: this.#quote(line) }]
      : [{ kind: 'output', waits: true, at, text: this.#quote(line) }];
  }

  #endLine(at: number): Recognition | null {
    const line = this.#line;
    const skip = this.#skipLine || this.#overlong;
    const mark = skip ? null : this.#read(line);
    this.#startLine();
    if (line.trim() === '') return null;
    this.#skipLine = false;
    const split = splitInterrupted(line);
    if (isStamped(line)) this.#stamps = true;
    if (mark !== null && ENDS.includes(mark.kind)) this.#interrupted = '';
    else if (split) this.#interrupted += split.head;
    else if (!isStamped(line)) this.#interrupted = '';
    if (skip || this.#isEcho(line, at, 'consume')) return null;
    const uptime = this.#uptimeAsked ? readUptime(line) : null;
    if (uptime !== null) {
      this.#uptimeAsked = false;
      this.#uptime = uptime;
      return null;
    }
    return { ...(mark ?? { kind: 'output' }), at, text: this.#quote(line) };
  }

  #startLine(): void {
    this.#line = '';
    this.#overlong = false;
    this.#restedAt = 0;
  }

  #quote(line: string): string {
    return this.#secret !== null && line.includes(this.#secret) ? HIDDEN : quote(line);
  }

  /** A mark stands at the line's start, or behind a prompt, or behind whatever rested there without a line end. */
  #read(line: string): LineMark | null {
    const mark = this.#meaning(line);
    if (mark !== null) return mark;
    const starts = [this.#restedAt, ...promptEnds(line)].filter((start) => start > 0 && start < line.length);
    for (const start of starts) {
      const behind = this.#meaning(line.slice(start).trimStart());
      if (behind !== null) return behind;
    }
    return null;
  }

  #meaning(text: string): LineMark | null {
    const mark = readLine(text, { settling: this.#settling, stamps: this.#stamps });
    if (mark === null) return null;
    // Every kernel begins at 0; any other time than this machine's is a quotation.
    if (mark.kind === 'boot') this.#uptime = null;
    else if (isFromAnotherTime(text, this.#uptime)) return null;
    return mark;
  }

  /** Echo is a line that ends in what we typed; where a password is not echoed, nothing is taken for it. */
  #isEcho(line: string, at: number, then: 'consume' | 'keep'): boolean {
    this.#echoes = this.#echoes.filter((echo) => echo.until >= at);
    const index = this.#echoes.findIndex((echo) => line.trimEnd().endsWith(echo.text));
    if (index < 0) return false;
    if (then === 'consume') this.#echoes.splice(0, index + 1);
    return true;
  }
}

/** Where a prompt ends that the line begins with, for each that it may be. */
function promptEnds(line: string): number[] {
  return [...line.slice(0, PROMPT_LIMIT).matchAll(/[^\w\s] ?/g)]
    .map((sign) => sign.index + sign[0].length)
    .filter((end) => readPrompt(line.slice(0, end)) !== null);
}

function quote(line: string): string {
  const text = line.replace(/\s+/g, ' ').trim();
  return text.length > QUOTE_LIMIT ? `${text.slice(0, QUOTE_LIMIT - 1)}…` : text;
}
