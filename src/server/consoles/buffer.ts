/**
 * Keeps one node's console while the server runs: the screen with its scrollback, and the transcript. Also reads
 * the transcripts for clients, within the configured size.
 */
import type { LogPiece, LogRequest } from '../../api/node.ts';
import type { Config } from '../../config/schema.ts';
import { CANCEL_SEQUENCE, RESET_MODES } from '../../console/emulator.ts';
import type { LogLimits } from '../../console/log-files.ts';
import type { LineTime } from '../../console/line-times.ts';
import { readLog, type TailLine, tailLog } from '../../console/log-reader.ts';
import { readScreenState, type ScreenState, type ScreenText } from '../../console/screen-state.ts';
import { loggedScreen, type LoggedScreen, NodeScreen } from '../../console/screen.ts';
import { logPath, Transcript } from '../../console/transcript.ts';
import { steadyNow, timeOfDate, wallTime } from '../../lib/clock.ts';
import { Unavailable } from '../../lib/errors.ts';
import { collector, EMULATOR_BYTES } from '../../lib/memory.ts';
import { readTimedLog } from './timed-log.ts';

const collectGarbage = collector(2 * EMULATOR_BYTES);

/** A serial line has no window size; a getty assumes this one. */
const COLS = 80;
const ROWS = 24;
/**
 * Lines above the screen that a new participant gets: 2 000 coloured lines take 50 ms to write out, in which the
 * event loop waits.
 */
const JOIN_SCROLLBACK = 1000;

export interface ConsoleBufferOptions {
  name: string;
  /** Directory of the transcripts. */
  dir: string;
  scrollback: number;
  limits: LogLimits;
  /** Called for each complete line of the node's output. */
  onLine: (text: string) => void;
  /** Called with the emulator's answers to the node's queries. */
  onReply: (bytes: Uint8Array) => void;
  warn: (text: string) => void;
}

/** Output of a node that came at `at`, steady clock, ms. */
export interface Arrived {
  bytes: Uint8Array;
  at: number;
}

export interface ScreenCopy {
  cols: number;
  rows: number;
  /** Escape sequences that rebuild the screen in an empty emulator of this size, UTF-8. */
  screen: Buffer;
  /** Times of its lines, steady clock, ms; null: not known. */
  times: LineTime[];
}

/** The screen without its scrollback, for sessions that are not at the console. */
export interface Glance extends ScreenCopy {
  at: number;
  /** Reason for which the console was closed; null while it is open. */
  closed: string | null;
  /** Its rows as text, and the text around its cursor. */
  text: string;
  around: ScreenText;
}

/** Ends a line, or starts to redraw it: the former text is gone. */
const BEGINS_LINE = /[\r\n]|\x1b(?:\[[\d;]*[HJKf]|[c8])/;

export class ConsoleBuffer {
  readonly #options: ConsoleBufferOptions;
  readonly #transcript: Transcript;
  #screen: NodeScreen | null = null;
  /** The screen while no console is open: a full emulator costs megabytes, and a rack has 24 of them. */
  #asleep: ScreenCopy = { cols: COLS, rows: ROWS, screen: Buffer.alloc(0), times: [] };
  /** The screen when the console was last closed; null where it was not closed since the server started. */
  #left: Glance | null = null;
  #open = false;
  /**
   * `screen`: the text was printed since the node's power last changed; `fresh`: the node has begun a line since
   * the console was opened.
   */
  #received = { screen: false, fresh: false };
  /** Bytes received while a copy of the screen is made; null where no copy is being made. */
  #held: Arrived[] | null = null;
  #copying: Promise<unknown> = Promise.resolve();

  constructor(options: ConsoleBufferOptions) {
    this.#options = options;
    this.#transcript = new Transcript({ ...options, steady: steadyNow });
  }

  /** Starts to record the console, which was opened at `at` (steady clock, ms). */
  opened(at: number): void {
    this.#open = true;
    this.#received.fresh = false;
    this.markGap('console opened', at);
  }

  /** Ends the recording until the console is opened again. */
  closed(why: string, at: number): void {
    this.markGap(`console closed: ${why}`, at);
    this.#open = false;
    void this.#withoutInput(async () => {
      const screen = this.#awake();
      await screen.flush();
      this.#left = glanceAt(screen, at, why);
      // The console was opened again meanwhile.
      if (this.#isOpen()) return;
      this.#sleep(screen);
    });
  }

  #sleep(screen: NodeScreen): void {
    this.#asleep = copyOf(screen, this.#options.scrollback);
    screen.dispose();
    this.#screen = null;
    collectGarbage();
  }

  /** Takes output of the node, which came at `at` (steady clock, ms). */
  data(bytes: Uint8Array, at: number): void {
    this.#transcript.data(bytes);
    const fresh = this.#received.fresh || BEGINS_LINE.test(Buffer.from(bytes).toString('latin1'));
    this.#received = { screen: true, fresh };
    this.#toScreen(bytes, at);
  }

  #toScreen(bytes: Uint8Array, at: number): void {
    if (this.#held) this.#held.push({ bytes: bytes.slice(), at });
    else this.#awake().write(bytes, at);
  }

  /**
   * Resets the terminal modes of the program that drew the screen; its text stays. `report` gets the names of those
   * that were set.
   */
  resetModes(report: (set: readonly string[]) => void): void {
    this.#transcript.resetModes();
    if (this.#screen !== null || this.#open) {
      report(this.#awake().setModes());
      this.#toScreen(RESET_MODES, steadyNow());
      return;
    }
    void this.#withoutInput(async () => {
      const screen = this.#awake();
      await screen.flush();
      report(screen.setModes());
      screen.write(RESET_MODES);
      await screen.flush();
      if (!this.#isOpen()) this.#sleep(screen);
    });
  }

  mark(text: string, at: number): void {
    this.#transcript.mark(text, wallTime(at));
  }

  /** Marks the loss of output, which may have torn a sequence. */
  markGap(text: string, at: number): void {
    this.#transcript.markGap(text, wallTime(at));
    if (this.#screen !== null || this.#open) this.#toScreen(CANCEL_SEQUENCE, at);
  }

  /** Marks the screen as older than the last change of the node's power. */
  powerChanged(): void {
    this.#received = { screen: false, fresh: false };
  }

  /** Marks the screen as incomplete, because output of the node was lost. */
  torn(): void {
    this.#received.fresh = false;
  }

  /** Returns the screen's text. `known`: the server has seen it since the node's power last changed. */
  readScreen(): Promise<{ screen: ScreenState; known: boolean; fresh: boolean }> {
    return this.#withoutInput(async () => {
      const { screen: known, fresh } = this.#received;
      if (!known) return { screen: { is: 'nothing', text: '' }, known, fresh };
      const screen = this.#awake();
      await screen.flush();
      return { screen: readScreenState(screen.around()), known, fresh };
    });
  }

  resize(cols: number, rows: number): void {
    this.#transcript.resize(cols, rows);
    this.#awake().resize(cols, rows);
  }

  /**
   * Copies the screen as it is when `begin` is called: later bytes are not on it, so a client that keeps the bytes
   * from then on misses none and gets none twice.
   */
  copy(begin: () => void): Promise<ScreenCopy> {
    return this.#withoutInput(async () => {
      begin();
      // The console is closed: no bytes arrive, and the stored copy is complete.
      if (!this.#open && this.#screen === null) return this.#asleep;
      const screen = this.#awake();
      await screen.flush();
      return copyOf(screen, JOIN_SCROLLBACK);
    });
  }

  /** Returns the latest screen; null where the console was not open since the server started. */
  glance(now: number): Promise<Glance | null> {
    return this.#withoutInput(async () => {
      if (!this.#open) return this.#left;
      const screen = this.#awake();
      await screen.flush();
      return glanceAt(screen, now, null);
    });
  }

  /** Resolves when the output so far is in the transcript. */
  flush(): Promise<void> {
    return this.#transcript.flush();
  }

  async close(): Promise<void> {
    await this.#copying;
    this.#screen?.dispose();
    this.#screen = null;
    await this.#transcript.close();
  }

  /**
   * Runs one task at a time, in order; output of the node that arrives meanwhile is written to the screen
   * afterwards.
   */
  #withoutInput<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#copying.then(async () => {
      this.#held = [];
      try {
        return await work();
      } finally {
        const held: Arrived[] = this.#held;
        this.#held = null;
        for (const { bytes, at } of held) this.#awake().write(bytes, at);
      }
    });
    this.#copying = done.catch(() => undefined);
    return done;
  }

  #awake(): NodeScreen {
    if (this.#screen) return this.#screen;
    const { scrollback, onReply } = this.#options;
    const { cols, rows, screen, times } = this.#asleep;
    this.#screen = new NodeScreen({ cols, rows, scrollback });
    this.#screen.onReply(onReply);
    this.#screen.restore(screen, times);
    this.#asleep = { cols, rows, screen: Buffer.alloc(0), times: [] };
    return this.#screen;
  }

  /** A method, because the compiler believes that a field checked before an await has not changed after it. */
  #isOpen(): boolean {
    return this.#open;
  }
}

function copyOf(screen: NodeScreen, scrollback: number): ScreenCopy {
  const { cols, rows } = screen;
  return { cols, rows, screen: screen.copy(scrollback), times: screen.times(scrollback) };
}

function glanceAt(screen: NodeScreen, at: number, closed: string | null): Glance {
  return { ...copyOf(screen, 0), at, closed, text: screen.text(), around: screen.around() };
}

const MB = 1024 * 1024;
const DAY_MS = 86_400_000;

export function logLimits({ console: { log } }: Config): LogLimits {
  return { size: log.size * MB, age: log.days * DAY_MS, kept: log.keep, total: log.total * MB, free: log.free * MB };
}

/** Reads a piece of the log of the node of this name. @throws {Unavailable} where the disk cannot be read */
export async function readConsoleLog(
  dir: string,
  name: string,
  limits: LogLimits,
  { kind, cursor, since, search }: LogRequest,
): Promise<LogPiece> {
  const { kept } = limits;
  if (kind === 'timed') {
    const paths = { times: logPath(dir, name, 'times'), raw: logPath(dir, name, 'raw') };
    return fromDisk(paths.times, readTimedLog({ ...paths, kept, cursor, since }));
  }
  const path = logPath(dir, name, kind);
  const { data, ...rest } = await fromDisk(path, readLog({ path, kind, kept, cursor, since, search }));
  return { data: data.toString(kind === 'raw' ? 'base64' : 'utf8'), ...rest };
}

/**
 * Reads the latest lines of the log of the node of this name, with their times on the steady clock; empty where nothing
 * was logged. @throws {Unavailable} as above
 */
export async function tailConsoleLog(dir: string, name: string, count: number): Promise<TailLine[]> {
  const path = logPath(dir, name, 'lines');
  const lines = await fromDisk(path, tailLog(path, count));
  return lines.map((line) => ({ ...line, at: timeOfDate(line.at) }));
}

/**
 * Reads the node's last screen from its log, with its time on the steady clock; null where nothing was logged. @throws
 * {Unavailable} as above
 */
export async function screenOfConsoleLog(dir: string, name: string): Promise<LoggedScreen | null> {
  const path = logPath(dir, name, 'raw');
  const logged = await fromDisk(path, loggedScreen(path));
  return logged && { ...logged, at: timeOfDate(logged.at) };
}

async function fromDisk<T>(path: string, read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    throw new Unavailable(`the console log ${path} cannot be read: ${String(error)}`);
  }
}
