/**
 * A node's console on disk, twice: `NAME.raw` holds every byte as it came, but for passwords that rackui typed and the
 * node echoes, and nothing else; `NAME.log` holds what an operator read, line by line with UTC times, and marks (opened,
 * who types, gaps, power, notes). What a node prints is its own claim. The audit log, not this one, says what was done.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { LOG_LIMITS, LogFile, type LogLimits } from './log-file.ts';
import { carried, clockSet, LogLines, logLine, readLogLine } from './log-lines.ts';
import { bytesOf, fileName } from './log-shelf.ts';

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
