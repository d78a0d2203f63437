/**
 * A node's console on disk, twice: `NAME.raw` holds every byte as it came, but for passwords that rackui typed and the
 * node echoes, and nothing else; `NAME.log` holds what an operator read, line by line with UTC times, and marks (opened,
 * who types, gaps, power, notes). What a node prints is its own claim. The audit log, not this one, says what was done.
 *
 * The readable log's lines: a node's output as an operator read it, each line with the time of its first character,
 * and marks of our own. The sign behind the time says whose line it is, so that no node can imitate a mark. Pure.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceHidden } from '../lib/control-chars.ts';
import { bytesOf, fileName, LOG_LIMITS, LogFile, type LogLimits } from './log-files.ts';
import { PlainText } from './recognizer.ts';

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
class LogLines {
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

/** The wall clock was set if it moved by so much against the steady one; less is its regulation, ms. */
const CLOCK_STEP_MS = 2_000;
/** Both clocks are read again where this process stood still in between, ms. */
const AT_ONCE_MS = 50;
/** Of the file that is put aside, so much of its end opens the next: what somebody sees who reads only that one. */
const TAIL_LINES = 24;
const TAIL_BYTES = 8 * 1024;

export interface TranscriptOptions {
  /** Directory of the transcripts; made (0700) when missing. */
  dir: string;
  /** Node's name; becomes the files', with anything unusual replaced. */
  name: string;
  limits?: LogLimits;
  /** Epoch milliseconds, as the wall clock is set. */
  now?: () => number;
  /** Milliseconds that nobody sets; default: the wall clock, as if nobody set that. */
  steady?: () => number;
  /** A whole line of the node's, without control characters. */
  onLine?: (text: string) => void;
  /** Told once for each spell of trouble, in words; the text names the file. */
  onTrouble?: (text: string) => void;
}

/** The readable log of the node of this name. */
export function logPath(dir: string, name: string, kind: 'lines' | 'raw'): string {
  return join(dir, `${fileName(name)}.${kind === 'raw' ? 'raw' : 'log'}`);
}

export class Transcript {
  readonly path: string;
  readonly rawPath: string;
  readonly #now: () => number;
  readonly #steady: () => number;
  /** How far the wall clock is ahead of the steady one. */
  #ahead: number;
  readonly #onLine: (text: string) => void;
  readonly #raw: LogFile;
  readonly #readable: LogFile;
  readonly #lines = new LogLines();

  constructor(options: TranscriptOptions) {
    const { dir, name, limits = LOG_LIMITS, now = Date.now, steady = now, onLine, onTrouble } = options;
    this.path = logPath(dir, name, 'lines');
    this.rawPath = logPath(dir, name, 'raw');
    this.#now = now;
    this.#steady = steady;
    this.#ahead = this.#wallAhead();
    this.#onLine = onLine ?? (() => undefined);
    // Bytes tell no time: the lines beside them do. Asked once, before either file is put aside.
    let begun: Promise<number | null> | null = null;
    const common = {
      limits,
      now,
      onTrouble: onTrouble ?? (() => undefined),
      begun: () => (begun ??= firstTimeOf(this.path)),
    };
    this.#raw = new LogFile({ ...common, path: this.rawPath });
    this.#readable = new LogFile({
      ...common,
      path: this.path,
      carry: tailOf,
      mark: (text) => Buffer.from(logLine('*', now(), text)),
    });
  }

  /** Bytes from the node. */
  data(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#noticeClock();
    this.#raw.append(bytes.slice());
    const lines = this.#lines.feed(bytes, this.#now());
    if (lines.length === 0) return;
    this.#readable.append(Buffer.from(lines.map(({ at, text }) => logLine('|', at, text)).join('')));
    for (const { text } of lines) this.#onLine(text);
  }

  /** A line of our own: what happened at `at` (epoch milliseconds). */
  mark(text: string, at: number): void {
    this.#noticeClock();
    this.#cut();
    this.#readable.append(Buffer.from(logLine('*', at, text)));
  }

  /** Resolves when all that was given is on its way to the disk and the files are closed. */
  async close(): Promise<void> {
    this.#cut();
    await Promise.all([this.#raw.close(), this.#readable.close()]);
  }

  /** Marks where the wall clock was set: times above and below are not each other's. */
  #noticeClock(): void {
    const ahead = this.#wallAhead();
    const step = ahead - this.#ahead;
    this.#ahead = ahead;
    if (Math.abs(step) < CLOCK_STEP_MS) return;
    this.#cut();
    this.#readable.append(Buffer.from(logLine('*', this.#now(), clockSet(step))));
  }

  #wallAhead(): number {
    for (;;) {
      const before = this.#steady();
      const wall = this.#now();
      if (this.#steady() - before < AT_ONCE_MS) return wall - before;
    }
  }

  /** A line that the node has not ended stands ahead of what comes now. */
  #cut(): void {
    const open = this.#lines.cut();
    if (open) this.#readable.append(Buffer.from(logLine('|', open.at, open.text)));
  }
}

/** The time of the log's first line of its own, epoch ms; null: there is none. */
async function firstTimeOf(path: string): Promise<number | null> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return null;
  try {
    const text = (await bytesOf(file, 0, 2 * TAIL_BYTES)).toString('utf8');
    // What was carried over is older than the file.
    const own = text.split('\n').flatMap((line) => readLogLine(line) ?? []);
    return own.find(({ sign }) => sign !== ':')?.at ?? null;
  } finally {
    await file.close();
  }
}

async function tailOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const lines = buffer
      .toString('utf8', 0, bytesRead)
      .split('\n')
      .slice(from === 0 ? 0 : 1, -1);
    return Buffer.from(
      lines
        .slice(-TAIL_LINES)
        .map((line) => `${carried(line)}\n`)
        .join(''),
    );
  } finally {
    await file.close();
  }
}
