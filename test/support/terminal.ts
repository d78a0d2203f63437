/**
 * A real program in a real pseudo-terminal, its output in a real emulator: keys in, cells out. Tests wait for a
 * predicate that is checked again after each chunk the emulator has parsed, never for time; a wait that fails shows
 * the screen. Whoever opens a terminal closes it (`await using`, or `close()`).
 */
import pty from '@lydell/node-pty';
import xterm, { type IBufferCell, type IModes } from '@xterm/headless';

export interface TerminalOptions {
  cols?: number;
  rows?: number;
  /** Added to (or, with undefined, removed from) this process's environment. */
  env?: Record<string, string | undefined>;
  cwd?: string;
}

export interface Exit {
  code: number;
  /** Number of the signal that ended it; 0 when none did. */
  signal: number;
}

/** One cell as an assertion wants it. Colours are the emulator's numbers; -1 is the default colour. */
export interface Cell {
  ch: string;
  fg: number;
  bg: number;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  inverse: boolean;
}

/** What a wait asks of the terminal: text somewhere on the screen, or anything else. */
export type Wanted = string | RegExp | ((terminal: TestTerminal) => boolean);

/** Generous, because two cores may be busy with other tests; a passing wait ends with the chunk that fulfils it. */
const WAIT_MS = 15_000;

export class TestTerminal implements AsyncDisposable {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Every byte the program wrote, for assertions about sequences that leave no cell. */
  output = '';
  private readonly process: pty.IPty;
  private readonly emulator: xterm.Terminal;
  private hidden = false;
  private readonly checks = new Set<() => void>();
  private ended: Exit | null = null;
  private stalled = false;
  /** Bytes a second that the link takes; null: all that come. */
  private rate: number | null = null;
  /** A pipe that takes everything at once and hands it on slowly. */
  private pipe: { waiting: string; timer: NodeJS.Timeout } | null = null;

  constructor(command: string, args: string[], options: TerminalOptions = {}) {
    const { cols = 80, rows = 24 } = options;
    this.emulator = new xterm.Terminal({ cols, rows, allowProposedApi: true, logLevel: 'off', scrollback: 2000 });
    const show = (params: readonly (number | number[])[], on: boolean): false => {
      if (params.includes(25)) this.hidden = !on;
      return false;
    };
    this.emulator.parser.registerCsiHandler({ prefix: '?', final: 'h' }, (params) => show(params, true));
    this.emulator.parser.registerCsiHandler({ prefix: '?', final: 'l' }, (params) => show(params, false));
    const env: Record<string, string | undefined> = { ...process.env, LANG: 'C.UTF-8', TERM: 'xterm-256color' };
    // A test must see the same terminal whether it runs in tmux, in a CI job or on somebody's desk.
    for (const name of ['TMUX', 'TERMCAP', 'COLORTERM', 'NO_COLOR', 'LINES', 'COLUMNS', 'LC_ALL', 'VITEST', 'NODE_ENV'])
      env[name] = undefined;
    for (const [name, value] of Object.entries(options.env ?? {})) env[name] = value;
    this.process = pty.spawn(command, args, {
      name: 'xterm-256color',
      cols,
      rows,
      cwd: options.cwd ?? process.cwd(),
      env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
    });
    this.pid = this.process.pid;
    this.process.onData((data) => {
      this.output += data;
      if (this.pipe === null) this.emulator.write(data, this.recheck);
      else this.pipe.waiting += data;
      this.slowDown(data);
    });
    // The program asks its terminal (DA1, CPR, …), and a terminal answers.
    this.emulator.onData((reply) => {
      if (this.ended === null) this.process.write(reply);
    });
    this.exited = new Promise((resolve) => {
      this.process.onExit(({ exitCode, signal }) => {
        this.ended = { code: exitCode, signal: signal ?? 0 };
        // Parsing is asynchronous: what came before the end is on the screen before `exited` says so.
        this.emulator.write('', () => {
          this.recheck();
          resolve(this.ended ?? { code: exitCode, signal: 0 });
        });
      });
    });
  }

  /** Resolves as soon as `wanted` holds; rejects with the screen when it does not in time, or the program ended. */
  waitFor(wanted: Wanted, what?: string, timeoutMs = WAIT_MS): Promise<void> {
    const holds = (): boolean => {
      if (typeof wanted === 'function') return wanted(this);
      return typeof wanted === 'string' ? this.text().includes(wanted) : wanted.test(this.text());
    };
    if (holds()) return Promise.resolve();
    const description = what ?? (typeof wanted === 'function' ? 'the expected screen' : String(wanted));
    // The stack of the test, not of a timer.
    const failure = new Error(`waited in vain for ${description}`);
    return new Promise((resolve, reject) => {
      const finish = (why: string | null): void => {
        clearTimeout(timer);
        this.checks.delete(check);
        if (why === null) {
          resolve();
          return;
        }
        failure.message = `waited in vain for ${description} (${why}). Screen:\n${this.picture()}`;
        reject(failure);
      };
      const check = (): void => {
        if (holds()) finish(null);
        else if (this.ended !== null) finish(`the program ended with code ${this.ended.code}`);
      };
      const timer = setTimeout(() => finish(`${timeoutMs} ms`), timeoutMs);
      this.checks.add(check);
      check();
    });
  }

  /** The visible screen, one line a row, trailing blanks cut. */
  text(): string {
    return this.lines().join('\n');
  }

  lines(): string[] {
    const buffer = this.emulator.buffer.active;
    return Array.from(
      { length: this.emulator.rows },
      (_, y) => buffer.getLine(buffer.baseY + y)?.translateToString(true) ?? '',
    );
  }

  cell(x: number, y: number): Cell {
    const buffer = this.emulator.buffer.active;
    const cell = buffer.getLine(buffer.baseY + y)?.getCell(x);
    if (cell === undefined) throw new RangeError(`no cell at column ${x}, row ${y}`);
    return toCell(cell);
  }

  /** The cells of the first occurrence of `text` on the screen, or null. */
  find(text: string): { x: number; y: number; cells: Cell[] } | null {
    for (const [y, line] of this.lines().entries()) {
      const x = line.indexOf(text);
      if (x >= 0) return { x, y, cells: Array.from(text, (_, i) => this.cell(x + i, y)) };
    }
    return null;
  }

  get cursor(): { x: number; y: number } {
    return { x: this.emulator.buffer.active.cursorX, y: this.emulator.buffer.active.cursorY };
  }

  get cursorHidden(): boolean {
    return this.hidden;
  }

  get cols(): number {
    return this.emulator.cols;
  }

  get rows(): number {
    return this.emulator.rows;
  }

  /** The emulator itself, for what no other member tells. */
  get screen(): xterm.Terminal {
    return this.emulator;
  }

  get modes(): IModes {
    return this.emulator.modes;
  }

  /** True while the program shows the alternate screen. */
  get alternate(): boolean {
    return this.emulator.buffer.active.type === 'alternate';
  }

  /** Keys as the terminal would send them: `\r`, `\x1b[A`, … */
  type(keys: string): void {
    this.process.write(keys);
  }

  /** A paste: bracketed when the program asked for that, as a terminal does. */
  paste(text: string): void {
    this.process.write(this.modes.bracketedPasteMode ? `\x1b[200~${text}\x1b[201~` : text);
  }

  resize(cols: number, rows: number): void {
    this.emulator.resize(cols, rows);
    this.process.resize(cols, rows);
  }

  /** The link takes nothing any more, as an SSH connection in a tunnel: bytes wait in the kernel, then in the program. */
  stall(): void {
    this.stalled = true;
    this.process.pause();
  }

  /** The link takes bytes again: all that come, or so many a second. */
  flow(bytesPerSecond: number | null = null): void {
    this.stalled = false;
    this.rate = bytesPerSecond;
    this.process.resume();
  }

  /**
   * From now on everything is taken at once and shown at so many bytes a second (0: not at all), as by a link with large
   * buffers: sshd, the kernel's sockets and a tunnel may hold a megabyte. The program cannot see that by writing.
   */
  longPipe(bytesPerSecond: number): void {
    const waiting = this.pipe?.waiting ?? '';
    if (this.pipe !== null) clearInterval(this.pipe.timer);
    const step = 20;
    const pipe = {
      waiting,
      timer: setInterval(() => {
        const now = pipe.waiting.slice(0, (bytesPerSecond * step) / 1000);
        pipe.waiting = pipe.waiting.slice(now.length);
        if (now !== '') this.emulator.write(now, this.recheck);
      }, step),
    };
    this.pipe = pipe;
  }

  /** Characters in the long pipe. */
  get onItsWay(): number {
    return this.pipe?.waiting.length ?? 0;
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.process.kill(signal);
  }

  /** Ends the program if it still runs (as closing the window would: SIGHUP, then SIGKILL) and frees the emulator. */
  async close(): Promise<void> {
    if (this.ended === null) {
      // A program is heard out before its end is told.
      this.flow();
      this.process.kill('SIGHUP');
      const stubborn = setTimeout(() => this.process.kill('SIGKILL'), 3000);
      await this.exited;
      clearTimeout(stubborn);
    }
    if (this.pipe !== null) clearInterval(this.pipe.timer);
    this.emulator.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What has come keeps the link busy for its time. */
  private slowDown(data: string): void {
    if (this.rate === null || this.stalled) return;
    this.process.pause();
    setTimeout(
      () => {
        if (!this.stalled) this.process.resume();
      },
      (Buffer.byteLength(data) / this.rate) * 1000,
    );
  }

  private readonly recheck = (): void => {
    for (const check of [...this.checks]) check();
  };

  private picture(): string {
    const rule = '-'.repeat(this.emulator.cols);
    return [rule, ...this.lines(), rule].join('\n');
  }
}

export function openTerminal(command: string, args: string[], options: TerminalOptions = {}): TestTerminal {
  return new TestTerminal(command, args, options);
}

function toCell(cell: IBufferCell): Cell {
  return {
    ch: cell.getChars(),
    fg: cell.isFgDefault() ? -1 : cell.getFgColor(),
    bg: cell.isBgDefault() ? -1 : cell.getBgColor(),
    bold: cell.isBold() !== 0,
    dim: cell.isDim() !== 0,
    italic: cell.isItalic() !== 0,
    underline: cell.isUnderline() !== 0,
    inverse: cell.isInverse() !== 0,
  };
}
