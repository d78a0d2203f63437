/**
 * Reads a console as an operator would during a shutdown: whole lines, prompts when it has gone quiet, not its own
 * echo, and nothing from before the request. Pure: text and times come in as values, recognitions go out.
 */
import { isStamped, readLine, type LineMark } from './markers.ts';
import { PlainText } from './plain-text.ts';
import { readPrompt, splitInterrupted, type Prompt } from './prompt.ts';
import { isFromAnotherTime, readUptime } from './uptime.ts';

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

export class ConsoleReader {
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
