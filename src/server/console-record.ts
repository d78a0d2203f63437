/** What the server keeps of one node's console for as long as it runs: the screen with its scrollback, and the file. */
import type { LogLimits } from '../console/log-file.ts';
import { collectGarbage } from '../config/garbage.ts';
import { NodeScreen } from '../console/screen.ts';
import { Transcript } from '../console/transcript.ts';

/** A serial line has no window size; this is what a getty assumes. */
const COLS = 80;
const ROWS = 24;
/** Lines above the screen that somebody who joins gets: 2 000 coloured ones take 50 ms to write out, the loop waits. */
const JOIN_SCROLLBACK = 1000;

export interface ConsoleRecordOptions {
  name: string;
  /** Directory of the transcripts. */
  dir: string;
  scrollback: number;
  limits: LogLimits;
  /** A whole line of the node's. */
  onLine: (text: string) => void;
  /** What the emulator answers to the node's questions. */
  onReply: (bytes: Uint8Array) => void;
  onTrouble: (text: string) => void;
}

export interface ScreenCopy {
  cols: number;
  rows: number;
  /** Escape sequences that rebuild the screen in an empty emulator of this size, UTF-8. */
  screen: Buffer;
}

export class ConsoleRecord {
  readonly #options: ConsoleRecordOptions;
  readonly #transcript: Transcript;
  #screen: NodeScreen | null = null;
  /** The screen while no console is open: a full emulator costs megabytes, and a rack has 24 of them. */
  #asleep: ScreenCopy = { cols: COLS, rows: ROWS, screen: Buffer.alloc(0) };
  #open = false;
  /** While a copy of the screen is made: bytes that are not on it yet. */
  #held: Uint8Array[] | null = null;
  #copying: Promise<unknown> = Promise.resolve();

  constructor(options: ConsoleRecordOptions) {
    this.#options = options;
    this.#transcript = new Transcript(options);
  }

  /** The console is open from now on. */
  opened(at: number): void {
    this.#open = true;
    this.#transcript.mark('console opened', at);
  }

  /** No more bytes until it is opened again. */
  closed(why: string, at: number): void {
    this.#transcript.mark(`console closed: ${why}`, at);
    this.#open = false;
    void this.#withoutInput(async (screen) => {
      await screen.flush();
      // Opened again meanwhile.
      if (this.#isOpen()) return;
      this.#asleep = copyOf(screen, this.#options.scrollback);
      screen.dispose();
      this.#screen = null;
      collectGarbage();
    });
  }

  data(bytes: Uint8Array): void {
    this.#transcript.data(bytes);
    if (this.#held) this.#held.push(bytes.slice());
    else this.#awake().write(bytes);
  }

  mark(text: string, at: number): void {
    this.#transcript.mark(text, at);
  }

  resize(cols: number, rows: number): void {
    this.#awake().resize(cols, rows);
  }

  /**
   * The screen as it is at the moment when `begin` is called: later bytes are not on it, so whoever keeps those from
   * then on misses none and gets none twice.
   */
  copy(begin: () => void): Promise<ScreenCopy> {
    return this.#withoutInput(async (screen) => {
      begin();
      await screen.flush();
      return copyOf(screen, JOIN_SCROLLBACK);
    });
  }

  async close(): Promise<void> {
    await this.#copying;
    this.#screen?.dispose();
    this.#screen = null;
    await this.#transcript.close();
  }

  /** One at a time, in order; what the node says meanwhile is put on the screen afterwards. */
  #withoutInput<T>(work: (screen: NodeScreen) => Promise<T>): Promise<T> {
    const done = this.#copying.then(async () => {
      this.#held = [];
      try {
        return await work(this.#awake());
      } finally {
        const held: Uint8Array[] = this.#held;
        this.#held = null;
        for (const bytes of held) this.#awake().write(bytes);
      }
    });
    this.#copying = done.catch(() => undefined);
    return done;
  }

  #awake(): NodeScreen {
    if (this.#screen) return this.#screen;
    const { scrollback, onReply } = this.#options;
    const { cols, rows, screen } = this.#asleep;
    this.#screen = new NodeScreen({ cols, rows, scrollback });
    this.#screen.onReply(onReply);
    this.#screen.write(screen);
    this.#asleep = { cols, rows, screen: Buffer.alloc(0) };
    return this.#screen;
  }

  /** A method, because the compiler believes that a field checked before an await has not changed after it. */
  #isOpen(): boolean {
    return this.#open;
  }
}

function copyOf(screen: NodeScreen, scrollback: number): ScreenCopy {
  // Bytes, because the serializer's string is a tree of single characters: some thirty times as large.
  return { cols: screen.cols, rows: screen.rows, screen: Buffer.from(screen.serialize(scrollback)) };
}
