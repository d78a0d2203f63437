/**
 * Drives the operator's terminal: the only importer of blessed, which finds the differences between two frames and
 * encodes them for the terminal. Input never goes through it, output only through {@link Output}.
 */
import { PassThrough } from 'node:stream';
import blessed from 'blessed';
import { Frame, type Ground, type Ink, type RawInk } from '../canvas/frame.ts';
import type { Abilities } from './abilities.ts';
import { DIFFERS, DIRECT, DirectCells, KEEP, REPAINT } from './direct-cells.ts';
import { Output, Pace } from './output.ts';
import { sgrOfInk, Styles } from './styles.ts';
import type { Palette } from './theme.ts';

type BlessedCell = [attr: number, ch: string];

/** Members that blessed's types leave out and this file uses. */
interface BlessedScreen {
  lines: (BlessedCell[] & { dirty: boolean })[];
  olines: BlessedCell[][];
  draw(from: number, to: number): void;
  alloc(dirty?: boolean): void;
  /** Returns a foreground or background as in SGR. */
  _reduceColor(colour: number): number | string;
  tput: {
    brokenACS: boolean;
    unicode: boolean;
    cup(y: number, x: number): string;
    cuf(columns: number): string;
  };
  program: { useBuffer: boolean; cursorHidden: boolean; cols: number; rows: number };
}

/** Without automatic wrap: a terminal that takes a character in the last column for a wide one moves nothing. */
const ENTER = '\x1b[?1049h\x1b[?1004h\x1b[?2004h\x1b[?7l\x1b[?25l\x1b[H\x1b[2J';
/**
 * Resets the state that a frame may have left: attributes, cursor and its shape, wrap, bracketed paste, synchronized
 * output, the alternate screen.
 */
const LEAVE = '\x1b[?2026l\x1b[0m\x1b[?2004l\x1b[?1006l\x1b[?1002l\x1b[?1004l\x1b[0 q\x1b[?7h\x1b[?25h\x1b[?1049l';
/** Attributes in blessed's lines that no cell has: of a cell that is painted past it, and of one that it must write. */
const ELSEWHERE = -2;
const UNKNOWN = -1;
/** Cells that are kept to be used again: more are written only where a screen changes as a whole. */
const MOST_SPARE = 512;
/**
 * What blessed is to know of the terminal; the two sequences, of which a frame has dozens, are those of its description,
 * which it would put together from their parts each time.
 */
const TPUT: BlessedScreen['tput'] = {
  brokenACS: true,
  unicode: true,
  cup: (y, x) => `\x1b[${y + 1};${x + 1}H`,
  cuf: (columns) => `\x1b[${columns}C`,
};
/** Makes a frame appear as one; terminals that do not know the mode ignore it. */
const FRAME_BEGIN = '\x1b[?2026h\x1b[?25l';
const FRAME_END = '\x1b[?2026l';

export class Terminal {
  readonly #output: Output;
  readonly #pace = new Pace();
  readonly #palette: Palette;
  readonly #screen: BlessedScreen;
  readonly #styles = new Styles();
  readonly #direct: DirectCells;
  /** What blessed's lines hold: only cells that differ from it are looked up. Null: nothing of this size yet. */
  #before: Frame | null = null;
  /**
   * Indexes of blessed's cells that are to be written: all others are those of its old lines themselves, of which a screen
   * has thousands.
   */
  readonly #written: number[] = [];
  /** Cells to use again. */
  readonly #spare: BlessedCell[] = [];
  /** What is to be done with the cells of the row that is compared. */
  #todo = new Uint8Array(0);
  /** Attribute that was looked up last. */
  #lastAttr: { ink: Ink | null; ground: Ground; value: RawInk } = { ink: null, ground: 'screen', value: 0 };
  #drawn = '';
  #cursor = '';
  #shape = 0;
  #left = false;
  #mouse = false;
  #onDrain: () => void = () => undefined;

  constructor(
    stdout: { fd: number },
    size: { cols: number; rows: number },
    palette: Palette,
    onGone: (error: Error) => void,
    can: Abilities = { rgb: false, underlines: false },
  ) {
    this.#palette = palette;
    this.#direct = new DirectCells((frame, i) => sgrOfInk(this.#inkOf(frame, i), frame.details.get(i), can), can);
    this.#output = new Output(stdout.fd, onGone);
    // blessed would install handlers that exit with code 0 on SIGTERM and miss SIGHUP: the interface has its own.
    (blessed as unknown as { Screen: { _bound: boolean } }).Screen._bound = true;
    // It makes the cells of a whole screen twice: those of the terminal's size are made by resize() alone.
    const sink = Object.assign(new PassThrough(), { isTTY: true, columns: 1, rows: 1 });
    sink.write = ((text: string) => {
      this.#drawn += text;
      return true;
    }) as typeof sink.write;
    // On any other stream it would install its own decoder; no key ever comes through this one.
    const silent = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => silent, _keypressDecoder: true });
    this.#screen = blessed.screen({
      input: silent,
      output: sink,
      // Of the terminals whose description blessed can read, the one whose sequences all others understand.
      terminal: 'xterm-256color',
      smartCSR: true,
      // The interface handles resizing itself, in order with all other events.
      resizeTimeout: 1e9,
    }) as unknown as BlessedScreen;
    Object.assign(this.#screen.tput, TPUT);
    this.#screen._reduceColor = (colour) => this.#styles.codeOf(colour) ?? colour;
    // The output of draw() must be complete when it returns, to become one frame; this file controls the cursor.
    this.#screen.program.useBuffer = false;
    this.#screen.program.cursorHidden = true;
    this.#drawn = '';
    this.#output.write(ENTER);
    this.resize(size);
  }

  /** True while a frame would only wait behind others. */
  get congested(): boolean {
    return this.#output.congested || this.#pace.full(performance.now());
  }

  /** True when all frames are on the operator's screen, as far as the terminal reports. */
  get settled(): boolean {
    return !this.#output.congested && !this.awaitsReply;
  }

  /** True while an answer is outstanding: if it were not read, a shell would take it for typing. */
  get awaitsReply(): boolean {
    return this.#pace.awaits(performance.now());
  }

  /** Called each time everything has been taken, and each time the terminal has answered. */
  set onDrain(listener: () => void) {
    this.#onDrain = listener;
    this.#output.onDrain = listener;
  }

  /** Handles an answer of the terminal. */
  answered(reply: Uint8Array): void {
    this.#pace.answered(reply);
    if (!this.#output.congested) this.#onDrain();
  }

  /** Resizes and clears the screen: the next frame is drawn whole. */
  resize({ cols, rows }: { cols: number; rows: number }): void {
    const { program } = this.#screen;
    program.cols = cols;
    program.rows = rows;
    this.#screen.alloc();
    const { lines, olines } = this.#screen;
    lines.forEach((line, y) => line.splice(0, line.length, ...(olines[y] ?? [])));
    this.#written.length = 0;
    this.#before = null;
    this.#direct.reset();
    this.#output.write('\x1b[0m\x1b[2J');
  }

  /**
   * Draws the differences from the frame before; returns false, without writing, where there are none. `mustKnow`:
   * {@link settled} has to be certain for this frame. `rows`: all that differ are among these.
   */
  show(frame: Frame, mustKnow = false, rows: { y: number; height: number } = { y: 0, height: frame.rows }): boolean {
    const whole = this.#before === null;
    const before = (this.#before ??= new Frame(frame.cols, frame.rows));
    const end = whole ? frame.rows : Math.min(frame.rows, rows.y + rows.height);
    for (let y = whole ? 0 : rows.y; y < end; y++)
      if (whole || !before.sameRow(frame, y)) {
        this.#compare(frame, whole ? null : before, y);
        before.copyRow(frame, y);
      }
    this.#drawn = '';
    this.#screen.draw(0, frame.rows - 1);
    this.#shareWritten();
    const drawn = this.#drawn + this.#direct.take();
    this.#drawn = '';
    const cursor = frame.cursor ? `${this.#place(frame.cursor)}\x1b[?25h` : '';
    if (drawn === '' && cursor === this.#cursor) return false;
    this.#cursor = cursor;
    const bytes = `${FRAME_BEGIN}${drawn}${cursor}${FRAME_END}`;
    this.#output.write(bytes + this.#pace.sent(bytes.length, performance.now(), mustKnow));
    return true;
  }

  /** Compares a row with the one before: blessed gets what changed, less what is painted past it. */
  #compare(frame: Frame, before: Frame | null, y: number): void {
    const { cols } = frame;
    const row = y * cols;
    const line = this.#screen.lines[y];
    const shown = this.#screen.olines[y];
    if (this.#todo.length !== cols) this.#todo = new Uint8Array(cols);
    const todo = this.#todo.fill(before === null ? DIFFERS : KEEP);
    if (!line || !shown || (before !== null && !frame.markChanges(before, y, todo, DIFFERS))) return;
    this.#direct.row(frame, y, todo);
    for (let x = 0; x < todo.length; x++) {
      const old = line[x];
      if (todo[x] === KEEP || !old) continue;
      if (todo[x] === DIRECT) {
        set(old, ELSEWHERE, '');
        set(shown[x], ELSEWHERE, '');
        continue;
      }
      const attr = this.#attrOf(frame, row + x);
      const ch = frame.charAt(row + x);
      if (todo[x] !== REPAINT && old[0] === attr && old[1] === ch) continue;
      this.#write(y, x, attr, ch);
      if (todo[x] === REPAINT) this.#repaint(y, x);
      line.dirty = true;
      // The right half of a wide character is written with its left half: both or none.
      if (ch === '') this.#repaint(y, x - 1);
      if (frame.isHalf(row + x + 1)) this.#repaint(y, x + 1);
    }
  }

  /** Gives blessed a cell to write. */
  #write(y: number, x: number, attr: number, ch: string): void {
    const line = this.#screen.lines[y] ?? [];
    if (line[x] === this.#screen.olines[y]?.[x]) {
      line[x] = this.#spare.pop() ?? [0, ''];
      this.#written.push(y * line.length + x);
    }
    set(line[x], attr, ch);
  }

  /** Lets blessed write a cell, whatever it takes for being on the screen. */
  #repaint(y: number, x: number): void {
    const cell = this.#screen.lines[y]?.[x];
    const shown = this.#screen.olines[y]?.[x];
    if (cell === undefined) return;
    if (cell === shown) this.#write(y, x, cell[0], cell[1]);
    set(shown, UNKNOWN, ' ');
  }

  /** Takes the cells that were written from blessed's lines again: its old lines have the same now. */
  #shareWritten(): void {
    const { lines, olines } = this.#screen;
    const cols = this.#todo.length;
    for (const index of this.#written) {
      const y = Math.floor(index / cols);
      const x = index % cols;
      const line = lines[y];
      const cell = line?.[x];
      const shown = olines[y]?.[x];
      if (line === undefined || cell === undefined || shown === undefined) continue;
      line[x] = shown;
      if (this.#spare.length < MOST_SPARE) this.#spare.push(cell);
    }
    this.#written.length = 0;
  }

  /** Returns the cell's attribute in blessed's lines; most cells have that of the one looked up before. */
  #attrOf(frame: Frame, index: number): RawInk {
    const ink = frame.inkAt(index);
    const ground = frame.groundAt(index);
    const last = this.#lastAttr;
    if (last.ink !== ink || last.ground !== ground) {
      const value = this.#styles.encode(this.#palette.resolve(ink, ground));
      this.#lastAttr = { ink, ground, value };
    }
    return this.#lastAttr.value;
  }

  #inkOf(frame: Frame, index: number): RawInk {
    return this.#palette.resolve(frame.inkAt(index), frame.groundAt(index));
  }

  /** Copies text into the operator's clipboard, at a key press; a terminal that does not allow it ignores it. */
  copy(text: string): void {
    this.#output.write(`\x1b]52;c;${Buffer.from(text, 'utf8').toString('base64')}\x1b\\`);
  }

  /**
   * Switches mouse reports: buttons, the wheel and drags, in SGR's form; off: the terminal handles its mouse
   * itself.
   */
  reportMouse(on: boolean): void {
    this.#mouse = on;
    this.#output.write(on ? '\x1b[?1002h\x1b[?1006h' : '\x1b[?1006l\x1b[?1002l');
  }

  /** Restores the terminal until {@link resume}: the program is about to be stopped. */
  suspend(): void {
    this.#output.interject(LEAVE);
  }

  /** Sets the modes again after a stop; the next frame is drawn whole. */
  resume(size: { cols: number; rows: number }): void {
    this.#output.write(ENTER);
    this.reportMouse(this.#mouse);
    this.#cursor = '';
    this.#shape = 0;
    this.resize(size);
  }

  /** Rings the terminal's bell. */
  ring(): void {
    this.#output.write('\x07');
  }

  #place({ x, y, shape = 0 }: NonNullable<Frame['cursor']>): string {
    const changed = shape !== this.#shape;
    this.#shape = shape;
    return `\x1b[${y + 1};${x + 1}H${changed ? `\x1b[${shape} q` : ''}`;
  }

  /** Restores the terminal. Safe to call twice, and from an exit handler. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#output.finish(LEAVE);
  }
}

/** Changes a cell of blessed's in its place, where there is one. */
function set(cell: BlessedCell | undefined, attr: number, ch: string): void {
  if (cell === undefined) return;
  cell[0] = attr;
  cell[1] = ch;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the reason why this terminal cannot show the interface, in words; null: it can. */
export function refuseTerminal(
  env: Environment,
  stdin: { isTTY?: boolean },
  stdout: { isTTY?: boolean },
): string | null {
  if (stdin.isTTY !== true || stdout.isTTY !== true)
    return "the interface needs a terminal: use 'rackui status' in scripts and pipes, or ssh -t";
  const term = env.TERM ?? '';
  if (term === '' || term === 'dumb')
    return `TERM is ${term === '' ? 'not set' : 'dumb'}: the interface needs a terminal that can move its cursor; 'rackui plain', 'rackui status' and 'rackui console NODE' work here`;
  return null;
}

/** Returns whether the locale is UTF-8: another terminal would show three characters for each sign. */
export function unicodeLocale(env: Environment): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return locale === '' || /utf-?8/i.test(locale);
}
