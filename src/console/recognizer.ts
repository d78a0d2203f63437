/**
 * Reads a console as an operator would during a shutdown: whole lines, prompts when output has paused, without the
 * echo of its own input, and nothing from before the request. Text and times come in as values, recognitions go out.
 * Pure.
 *
 * {@link PlainText} removes terminal sequences, which may be split over any two reads: a node's colours must not hide
 * a marker.
 *
 * {@link readPrompt} reads prompts from the unfinished last line, after the console has been quiet, because a
 * prompt's text can also occur in the middle of output.
 *
 * The machine's uptime at the request is compared with the kernel's time stamps: a halt line from a log of another
 * day carries another time.
 */
import { isStamped, type LineMark, readLine, stampOf } from './line-patterns.ts';

type State =
  | { in: 'text' }
  | { in: 'escape' }
  /** After ESC and an intermediate (`ESC ( B`); one final character follows. */
  | { in: 'intermediate' }
  | { in: 'csi'; length: number }
  /** OSC, DCS, SOS, PM, APC: text up to BEL or ST. */
  | { in: 'string'; length: number };

/**
 * Maximum lengths of sequences, characters. Terminals take strings of kilobytes (systemd's OSC 3008 has 250 to 400, a
 * window title or an OSC 8 link more); a line end stops an unfinished one, so that a lost terminator costs one line
 * at most.
 */
const CSI_LIMIT = 256;
const STRING_LIMIT = 64 * 1024;

/** Matches text without anything to remove: by far the most of a console's output. */
const PLAIN = /^[\x20-\x7e\n\r\t]*$/;

export class PlainText {
  readonly #keep: string;
  #state: State = { in: 'text' };

  /** `keep`: control characters that are not removed. */
  constructor(keep = '') {
    this.#keep = keep;
  }

  /** Takes the next piece of output; returns its visible characters, tabs, CR and LF. */
  feed(text: string): string {
    if (this.#state.in === 'text' && PLAIN.test(text)) return text;
    let plain = '';
    for (const char of text) {
      // A line end also ends an unfinished broken or hostile sequence.
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
  /** A shell: `#` is root's, `$` any other user's. Null where the prompt does not show it. */
  | { kind: 'shell'; root: boolean; user: string | null; host: string | null }
  | { kind: 'uboot-shell' }
  | { kind: 'initramfs-shell' };

/** Excludes `Last login: …`, which login prints after a success. */
const LOGIN = /^(?:(?!Last )(?<host>[\w.-]+) )?login: ?$/;
/** PAM may put `(user@host) ` ahead. */
const PASSWORD = /^(?:\([^()]*\) ?)?(?:\[sudo(?:: [^\]]*)?\] )?[Pp]assword(?: for (?<user>[\w.-]+))?: ?$/;
/** sudo in any language: the prefix is not translated, the colon may be a wide one. */
const SUDO = /^\[sudo(?:: [^\]]*)?\] .*[:：] ?$/;
/** The prompt that rackui gives sudo ({@link withSudoPrompt}): no language and no configuration changes it. */
const OWN_SUDO = /^rackui-[0-9a-z]+ (?<user>[\w.-]+): ?$/;
/** `pi@node:~$ `, `root@node:/etc# `, `[root@node ~]# `; the name of a virtual environment may precede it. */
const NAMED_SHELL = /^(?:\([\w.-]+\) ?)?\[?(?<user>[\w.-]+)@(?<host>[\w.-]+)(?:[: ][^\r\n]*?)?\]? ?(?<sign>[$#]) ?$/;
/** `$ `, `# `, BusyBox's `~ # ` and `/etc # `. */
const BARE_SHELL = /^(?:[~/][\w./-]* )?(?<sign>[$#]) ?$/;
const UBOOT = /^(?:U-Boot>|=>) ?$/;
const INITRAMFS = /^\(initramfs\) ?$/;

/** Recognises a prompt in an unfinished last line, or returns null. */
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

/** Matches a kernel message in the middle of a line: the text that a program printed before it, and the message. */
const INTERRUPTED = /^(?<head>\s*\S.*?)(?<message>(?:<\d>)?\[\s*\d+\.\d{6}\](?:\[\s*[TC]\d+\])? .*)$/;

/** Splits a line that a kernel message interrupted; null: there is no message in it, or nothing before the message. */
export function splitInterrupted(line: string): { head: string; message: string } | null {
  const groups = INTERRUPTED.exec(line)?.groups;
  const { head = '', message = '' } = groups ?? {};
  return groups === undefined || /^(?:<\d>)?\[\s*\d+\.\d+\]/.test(head) ? null : { head, message };
}

/** Matches the content of `/proc/uptime`. */
const UPTIME = /^(\d+\.\d\d) \d+\.\d\d\s*$/;
/**
 * Maximum distance of the kernel's stamps from `/proc/uptime`, which follows the network's time and they do not: more
 * than an oscillator drifts. And the latest last line after the request, s: no shutdown takes an hour.
 */
const DRIFT = { share: 0.001, seconds: 60 };
const SHUTDOWN_WITHIN_S = 3_600;

/** Parses `/proc/uptime`, s; null: the line is something else. */
export function readUptime(line: string): number | null {
  const [, seconds] = UPTIME.exec(line) ?? [];
  return seconds === undefined ? null : Number(seconds);
}

/**
 * True for a stamp that this machine's clock cannot have shown since the request, at `uptime` seconds: an old log is
 * quoted.
 */
export function isFromAnotherTime(line: string, uptime: number | null): boolean {
  const stamp = stampOf(line);
  if (stamp === null || uptime === null) return false;
  const drift = DRIFT.seconds + DRIFT.share * uptime;
  return stamp < uptime - drift || stamp > uptime + drift + SHUTDOWN_WITHIN_S;
}

/**
 * Silence after which the unfinished line may be a prompt, ms: long against a gap between two bytes, short against a
 * person.
 */
export const QUIET_MS = 300;
/** Time within which an echo comes, ms: 2 ms pacing of a long line is well under a second. */
const ECHO_WITHIN_MS = 5_000;
/**
 * Maximum of a recognised line, characters. A longer one is a flood, binary output, or a line that was edited: only its
 * end is kept, and only that it waits is reported.
 */
const LINE_LIMIT = 1_024;
/** Characters of a line that evidence quotes. */
const QUOTE_LIMIT = 200;
/**
 * Maximum of a prompt in the middle of a line, characters; a longer one is looked for only where output paused behind
 * it.
 */
const PROMPT_LIMIT = 128;
/** After these lines an interrupted prompt no longer waits. */
const ENDS: readonly LineMark['kind'][] = ['halt', 'reboot', 'boot', 'firmware', 'uboot', 'panic'];
const HIDDEN = '(a line that is not shown: it holds what was typed as a password)';

/**
 * `output`: visible text without a meaning here; `waits`: a line without an end, behind which output paused, perhaps
 * a prompt of unknown shape. `text` is the line, shortened, without control characters.
 */
export type Recognition = { at: number; text: string } & (LineMark | Prompt | { kind: 'output'; waits?: true });

export class Recognizer {
  readonly #plain = new PlainText();
  #line = '';
  /** Beginning of a line that kernel messages interrupted: a prompt there continues waiting, on a line of its own. */
  #interrupted = '';
  #overlong = false;
  #lastAt = 0;
  /** The unfinished line has been reported since the last byte. */
  #tailRead = true;
  /** Length of the unfinished line when it was last reported: text behind it is printed by another program. */
  #restedAt = 0;
  /** The unfinished line at the request is from before it. */
  #skipLine = false;
  #settling = false;
  #stamps = false;
  /** The machine's uptime at the request, s; null: not known. */
  #uptime: number | null = null;
  /** The next printed uptime answers this program's request. */
  #uptimeAsked = false;
  #echoes: { text: string; until: number }[] = [];
  /** Never quoted: a console in an unexpected state echoes a password. */
  #secret: string | null = null;

  /** Notes that `text` is typed now: its echo is not the node's output, and a waiting prompt is answered. */
  sent(text: string, at: number, secret = false): void {
    this.#interrupted = '';
    if (secret) return;
    const visible = text.replace(/[\x00-\x1f\x7f]/g, '').trim();
    if (visible !== '') this.#echoes.push({ text: visible, until: at + ECHO_WITHIN_MS });
  }

  /** Hides lines that hold `text`, which is typed now or soon, from all recognitions. */
  conceal(text: string): void {
    this.#secret = text.trim() === '' ? null : text.trim();
  }

  /** Notes that a shutdown is asked for now. Earlier output proves nothing. */
  requested(): void {
    this.#settling = true;
    this.#uptimeAsked = true;
    // A kernel message on a console at rest continues its unfinished line, also when the shutdown was asked for
    // elsewhere.
    if (this.#tailRead || readPrompt(this.#line)) this.#startLine();
    this.#tailRead = true;
    this.#interrupted = '';
    this.#skipLine = this.#line !== '';
  }

  /** Sets the machine's uptime at the request, s, where it was read otherwise than on its console. */
  upFor(seconds: number): void {
    this.#uptimeAsked = false;
    this.#uptime = seconds;
  }

  /** Takes the node's output, split anywhere. */
  feed(text: string, at: number): Recognition[] {
    const found: Recognition[] = [];
    const plain = this.#plain.feed(text);
    if (plain !== '') this.#tailRead = false;
    this.#lastAt = at;
    for (const piece of plain.split(/(\r|\n)/)) {
      if (piece === '\r' || piece === '\n') {
        const recognition = this.#endLine(at);
        if (recognition) found.push(recognition);
      } else {
        this.#overlong ||= this.#line.length + piece.length > LINE_LIMIT;
        this.#line = (this.#line + piece).slice(-LINE_LIMIT);
      }
    }
    return found;
  }

  /**
   * True when the unfinished line was reported, or is blank: there is nothing to recognise before more output comes.
   */
  get atRest(): boolean {
    return this.#tailRead || (this.#interrupted + this.#line).trim() === '';
  }

  /**
   * Notes the time: after {@link QUIET_MS} of silence the unfinished line may be a prompt, or a last line without its
   * end.
   */
  tick(at: number): Recognition[] {
    const whole = this.#interrupted + this.#line;
    if (this.#tailRead || whole.trim() === '' || at - this.#lastAt < QUIET_MS) return [];
    this.#tailRead = true;
    const line = this.#line;
    // Without its beginning a line means nothing; but the node did print.
    const mark = this.#overlong ? null : this.#read(line);
    this.#restedAt = line.length;
    if (this.#skipLine || this.#isEcho(line, at, 'keep')) return [];
    if (this.#overlong) return [{ kind: 'output', waits: true, at, text: this.#quote(line) }];
    for (const candidate of new Set([line, whole])) {
      const prompt = readPrompt(candidate);
      if (prompt) return [{ ...prompt, at, text: this.#quote(candidate) }];
    }
    if (line.trim() === '') return [];
    // The machine may stop before the last line's end is printed.
    return mark?.kind === 'halt'
      ? [{ ...mark, at, text: this.#quote(line) }]
      : [{ kind: 'output', waits: true, at, text: this.#quote(line) }];
  }

  #endLine(at: number): Recognition | null {
    const line = this.#line;
    const overlong = this.#overlong;
    const skip = this.#skipLine || overlong;
    const mark = skip ? null : this.#read(line);
    this.#startLine();
    if (line.trim() === '') return null;
    this.#skipLine = false;
    const split = splitInterrupted(line);
    if (isStamped(line)) this.#stamps = true;
    if (mark !== null && ENDS.includes(mark.kind)) this.#interrupted = '';
    else if (split && !overlong) this.#interrupted += split.head;
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

  /** Recognises a mark at the line's start, behind a prompt, or behind an unfinished line. */
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
    // Every kernel's stamps begin at 0; any other time than this machine's is a quotation.
    if (mark.kind === 'boot') this.#uptime = null;
    else if (isFromAnotherTime(text, this.#uptime)) return null;
    return mark;
  }

  /** True for a line that ends with typed text; where a password is not echoed, no line is taken for it. */
  #isEcho(line: string, at: number, then: 'consume' | 'keep'): boolean {
    this.#echoes = this.#echoes.filter((echo) => echo.until >= at);
    const index = this.#echoes.findIndex((echo) => line.trimEnd().endsWith(echo.text));
    if (index < 0) return false;
    if (then === 'consume') this.#echoes.splice(0, index + 1);
    return true;
  }
}

/** Returns the ends of all prompts that the line may begin with. */
function promptEnds(line: string): number[] {
  return [...line.slice(0, PROMPT_LIMIT).matchAll(/[^\w\s] ?/g)]
    .map((sign) => sign.index + sign[0].length)
    .filter((end) => readPrompt(line.slice(0, end)) !== null);
}

function quote(line: string): string {
  const text = line.replace(/\s+/g, ' ').trim();
  return text.length > QUOTE_LIMIT ? `${text.slice(0, QUOTE_LIMIT - 1)}…` : text;
}
