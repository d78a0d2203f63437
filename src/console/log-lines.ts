/**
 * The readable log's lines: a node's output as an operator read it, each line with the time of its first character,
 * and marks of our own. The sign behind the time says whose line it is, so that no node can imitate a mark. Pure.
 */
import { replaceHidden } from '../lib/control-chars.ts';
import { PlainText } from './plain-text.ts';

/** `|` the node's, `*` ours, `:` repeated from the end of the file before, for whoever reads only the present one. */
export type LineSign = '|' | '*' | ':';

/** Characters of a line; a longer one goes on in the next. */
const LINE_LIMIT = 4096;
/** `2026-07-14T12:00:00.000Z`. */
const STAMP_LENGTH = 24;

/** One line of the log, with its end. */
export function logLine(sign: LineSign, at: number, text: string): string {
  return `${new Date(at).toISOString()} ${sign} ${replaceHidden(text)}\n`;
}

/** What a line of the log is; null where it is none (a crash tore it). */
export function readLogLine(line: string): { at: number; sign: LineSign } | null {
  const at = Date.parse(line.slice(0, STAMP_LENGTH));
  const sign = line[STAMP_LENGTH + 1];
  return Number.isNaN(at) || (sign !== '|' && sign !== '*' && sign !== ':') ? null : { at, sign };
}

/** What it says. */
export function textOf(line: string): string {
  return line.slice(STAMP_LENGTH + 3);
}

/** Where the wall clock was set, by more than it drifts. */
const CLOCK_SET = /^the clock was set (forward|back) by (\d+\.\d) s/;

/** What our own mark says where the wall clock was set by `ms` between two lines; negative: back. */
export function clockSet(ms: number): string {
  return `the clock was set ${ms < 0 ? 'back' : 'forward'} by ${(Math.abs(ms) / 1000).toFixed(1)} s: what stands above bears the former time`;
}

/** By how much the clock was set where this line stands, ms; 0: it says nothing of that. */
export function clockStep(line: string): number {
  const [, way, seconds] = readLogLine(line)?.sign === '*' ? (CLOCK_SET.exec(textOf(line)) ?? []) : [];
  return seconds === undefined ? 0 : (way === 'back' ? -1000 : 1000) * Number(seconds);
}

/** The line as it opens the next file. */
export function carried(line: string): string {
  return `${line.slice(0, STAMP_LENGTH)} : ${line.slice(STAMP_LENGTH + 1)}`;
}

/** Puts lines together from pieces split anywhere. */
export class LogLines {
  readonly #decoder = new TextDecoder();
  /** What a tty prints for the erase key takes a character back. */
  readonly #plain = new PlainText('\b');
  #line = '';
  #since = 0;
  /** A line ended with CR just now: the LF may come in the next piece. */
  #afterReturn = false;

  /** The lines that ended, in order; without their ends. */
  feed(bytes: Uint8Array, at: number): { at: number; text: string }[] {
    const lines: { at: number; text: string }[] = [];
    const plain = this.#plain.feed(this.#decoder.decode(bytes, { stream: true }));
    if (plain === '') return lines;
    const pieces = (this.#afterReturn ? plain.replace(/^\r*\n/, '') : plain).split(/\r*\n|\r+(?!\n)/);
    this.#afterReturn = plain.endsWith('\r');
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) this.#end(lines, at);
      this.#grow(lines, piece, at);
    }
    return lines;
  }

  /** The unfinished line, if there is one: something else follows it. */
  cut(): { at: number; text: string } | null {
    const text = this.#line;
    this.#line = '';
    return text === '' ? null : { at: this.#since, text };
  }

  #grow(lines: { at: number; text: string }[], piece: string, at: number): void {
    if (piece === '') return;
    if (this.#line === '') this.#since = at;
    this.#line = erased(this.#line + piece);
    while (this.#line.length > LINE_LIMIT) {
      lines.push({ at: this.#since, text: this.#line.slice(0, LINE_LIMIT) });
      this.#line = this.#line.slice(LINE_LIMIT);
    }
  }

  #end(lines: { at: number; text: string }[], at: number): void {
    lines.push({ at: this.#line === '' ? at : this.#since, text: this.#line.trimEnd() });
    this.#line = '';
  }
}

function erased(line: string): string {
  if (!line.includes('\b')) return line;
  const kept: string[] = [];
  for (const char of line) {
    if (char === '\b') kept.pop();
    else kept.push(char);
  }
  return kept.join('');
}
