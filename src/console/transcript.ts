/**
 * A node's console on disk: `NAME.raw` holds every byte unchanged, except passwords that rackui typed and the node
 * echoes; `NAME.log` holds the output line by line, each with the UTC time of its first character, and marks of
 * rackui (opened, who types, gaps, power, notes); `NAME.times` holds when which bytes of `NAME.raw` came, and the
 * marks between them, for replays. The sign behind the time shows a line's source, so that no node can imitate a mark.
 * A node's output is not verified: actions are recorded in the audit log, not here.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesOf, fileName, LOG_LIMITS, LogFile, type LogLimits } from './log-files.ts';
import { carried, clockSet, logLine, type LineSign, readLogLine, timedText } from './log-lines.ts';
import { PlainText } from './recognizer.ts';

/** Maximum of a line, characters; a longer one continues in the next. */
const LINE_LIMIT = 4096;

/** Joins lines from pieces split anywhere. */
class LogLines {
  readonly #decoder = new TextDecoder();
  /** Backspace is kept: a tty prints it for the erase key, and it removes a character. */
  readonly #plain = new PlainText('\b');
  #line = '';
  #since = 0;
  /** The last line ended with CR: the LF may come in the next piece. */
  #afterReturn = false;

  /** Takes output; returns the finished lines in order, without their ends. */
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

  /** True in the middle of a line. */
  get open(): boolean {
    return this.#line !== '';
  }

  /** Ends the unfinished line, because something else follows it; null: there is none. */
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

/** Movement of the wall clock against the steady one that counts as set, ms; less is its regulation. */
const CLOCK_STEP_MS = 2_000;
/** Both clocks are read again where more than this passed in between, ms. */
const AT_ONCE_MS = 50;
/** The end of a rotated file that is repeated in the next, for readers of that one only. */
const TAIL_LINES = 24;
const TAIL_BYTES = 8 * 1024;
/** Time for which bytes are collected before they are written, ms: each piece has one time in `NAME.times`. */
const PIECE_MS = 20;
const NO_BYTES = new Uint8Array();
/**
 * Silence after which an unfinished line counts as complete, ms: a prompt. Within it a mark waits for the line's end.
 */
const LINE_END_MS = 200;

export interface TranscriptOptions {
  /** Directory of the transcripts; created (0700) when missing. */
  dir: string;
  /** Name of the node and of its files, with unusual characters replaced. */
  name: string;
  limits?: LogLimits;
  /** Epoch milliseconds, as the wall clock is set. */
  now?: () => number;
  /** Milliseconds of a clock that is never set; default: `now`. */
  steady?: () => number;
  /** Called with each whole line of the node, without control characters. */
  onLine?: (text: string) => void;
  /** Called once for each period of failures, with a message that names the file. */
  warn?: (text: string) => void;
}

const SUFFIXES = { lines: 'log', raw: 'raw', times: 'times' } as const;

/** Path of the node's log: readable lines, raw bytes, or the times of these. */
export function logPath(dir: string, name: string, kind: keyof typeof SUFFIXES): string {
  return join(dir, `${fileName(name)}.${SUFFIXES[kind]}`);
}

export class Transcript {
  readonly path: string;
  readonly rawPath: string;
  readonly #now: () => number;
  readonly #steady: () => number;
  /** Lead of the wall clock over the steady one, ms. */
  #ahead: number;
  readonly #onLine: (text: string) => void;
  readonly #raw: LogFile;
  readonly #readable: LogFile;
  readonly #times: LogFile;
  /** Bytes that are not handed to the file yet, and the time of the first. */
  #piece: { at: number; bytes: Uint8Array[]; timer: NodeJS.Timeout } | null = null;
  #size = { cols: 80, rows: 24 };
  readonly #lines = new LogLines();
  /** Time of the last output, steady clock, ms. */
  #lastOutputAt = -Infinity;
  /** Lines of marks that wait for the end of the node's line. */
  #marks: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TranscriptOptions) {
    const { dir, name, limits = LOG_LIMITS, now = Date.now, steady = now, onLine, warn } = options;
    this.path = logPath(dir, name, 'lines');
    this.rawPath = logPath(dir, name, 'raw');
    this.#now = now;
    this.#steady = steady;
    this.#ahead = this.#wallAhead();
    this.#onLine = onLine ?? (() => undefined);
    // The raw file holds no times, so the readable file's first line dates all. Read once, before one is rotated.
    let begun: Promise<number | null> | null = null;
    const common = {
      limits,
      now,
      warn: warn ?? (() => undefined),
      begun: () => (begun ??= firstTimeOf(this.path)),
    };
    this.#raw = new LogFile({ ...common, path: this.rawPath });
    this.#times = new LogFile({ ...common, path: logPath(dir, name, 'times') });
    this.#readable = new LogFile({
      ...common,
      path: this.path,
      carry: tailOf,
      mark: (text) => Buffer.from(logLine('*', now(), text)),
    });
  }

  /** Takes bytes from the node. */
  data(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#noticeClock();
    this.#collect(bytes.slice());
    this.#lastOutputAt = this.#steady();
    const lines = this.#lines.feed(bytes, this.#now());
    if (lines.length === 0) return;
    const [first = '', ...others] = lines.map(({ at, text }) => logLine('|', at, text));
    this.#readable.append(Buffer.from([first, ...this.#takeMarks(), ...others].join('')));
    for (const { text } of lines) this.#onLine(text);
  }

  /**
   * Adds a mark for an event at `at` (epoch milliseconds). In the middle of a line that the node is printing it waits
   * for the line's end: half a line would be found by no search, and no trigger would see it.
   */
  mark(text: string, at: number): void {
    this.#noticeClock();
    this.#timed('*', at, text);
    const waitMs = LINE_END_MS - (this.#steady() - this.#lastOutputAt);
    this.#marks.push(logLine('*', at, text));
    if (!this.#lines.open || waitMs <= 0) this.#cut();
    else this.#timer ??= setTimeout(() => this.#cut(), waitMs).unref();
  }

  /** Adds a mark for output that was lost: it ends the node's line, because what follows is no part of it. */
  markGap(text: string, at: number): void {
    this.#noticeClock();
    this.#timed('*', at, text);
    this.#marks.push(logLine('*', at, text));
    this.#cut();
  }

  /** Notes that the screen's modes were reset after the output so far. */
  resetModes(): void {
    this.#timed('!', this.#now(), '');
  }

  /** Notes the size of the node's screen for the output from now on. */
  resize(cols: number, rows: number): void {
    this.#writePiece();
    this.#size = { cols, rows };
  }

  /** Resolves when the node's output so far is in the files, but for the line that it is printing. */
  async flush(): Promise<void> {
    this.#writePiece();
    await Promise.all([this.#raw.flush(), this.#readable.flush()]);
    await this.#times.flush();
  }

  /** Resolves when all bytes are handed to the disk and the files are closed. */
  async close(): Promise<void> {
    this.#cut();
    this.#writePiece();
    await Promise.all([this.#raw.close(), this.#readable.close()]);
    // The raw file's last bytes bring the last times.
    await this.#times.close();
  }

  #collect(bytes: Uint8Array): void {
    if (this.#piece) this.#piece.bytes.push(bytes);
    else {
      const timer = setTimeout(() => this.#writePiece(), PIECE_MS).unref();
      this.#piece = { at: this.#now(), bytes: [bytes], timer };
    }
  }

  #writePiece(): void {
    if (!this.#piece) return;
    const { at, bytes, timer } = this.#piece;
    clearTimeout(timer);
    this.#piece = null;
    const size = this.#size;
    this.#raw.append(Buffer.concat(bytes), (where) =>
      this.#times.append(Buffer.from(logLine('+', at, timedText({ ...where, ...size })))),
    );
  }

  /** Adds a line to the times, behind those of the bytes before it. */
  #timed(sign: LineSign, at: number, text: string): void {
    this.#writePiece();
    this.#raw.append(NO_BYTES, () => this.#times.append(Buffer.from(logLine(sign, at, text))));
  }

  /** Adds a mark where the wall clock was set: times above and below it are not comparable. */
  #noticeClock(): void {
    const ahead = this.#wallAhead();
    const step = ahead - this.#ahead;
    this.#ahead = ahead;
    if (Math.abs(step) < CLOCK_STEP_MS) return;
    this.#cut();
    this.#timed('*', this.#now(), clockSet(step));
    this.#readable.append(Buffer.from(logLine('*', this.#now(), clockSet(step))));
  }

  #wallAhead(): number {
    for (;;) {
      const before = this.#steady();
      const wall = this.#now();
      if (this.#steady() - before < AT_ONCE_MS) return wall - before;
    }
  }

  /** Writes the node's unfinished line and the marks that waited for its end, ahead of the next entry. */
  #cut(): void {
    const open = this.#lines.cut();
    const marks = this.#takeMarks();
    const lines = open === null ? marks : [logLine('|', open.at, open.text), ...marks];
    if (lines.length > 0) this.#readable.append(Buffer.from(lines.join('')));
  }

  #takeMarks(): string[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const marks = this.#marks;
    this.#marks = [];
    return marks;
  }
}

/** Resolves the time of the log's first line that was not carried over, epoch ms; null: there is none. */
async function firstTimeOf(path: string): Promise<number | null> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return null;
  try {
    const text = (await bytesOf(file, 0, 2 * TAIL_BYTES)).toString('utf8');
    // Carried lines are older than the file.
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
