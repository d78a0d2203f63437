/**
 * Drives the operator's terminal: the only importer of blessed, which finds the differences between two frames and
 * encodes them for the terminal. Input never goes through it, output only through {@link Output}.
 */
import { PassThrough } from 'node:stream';
import blessed from 'blessed';
import { anchored } from '../../console/emulator.ts';
import { DEFAULT_COLOUR, FLAG, type Frame, rawInk, type RawInk } from '../canvas/frame.ts';
import { Output, Pace } from './output.ts';
import type { Palette } from './theme.ts';

const EXTRA: readonly (readonly [flag: number, code: number])[] = [
  [FLAG.dim, 2],
  [FLAG.italic, 3],
  [FLAG.strike, 9],
];
const EXTRA_FLAGS = EXTRA.reduce((all, [flag]) => all | flag, 0);
const FIRST = 256;

/**
 * Adds dim, italic and struck out, which blessed lacks. It writes a foreground as `38;5;N` and takes N from a
 * function that may be replaced; a cell has nine bits for it, and the colours use 256 of the 511 values. The others
 * stand for combinations of a colour and these styles, in the order in which they are first seen. Pure but for that
 * memory.
 */
export class Styles {
  readonly #known = new Map<number, number>();
  readonly #codes: string[] = [];

  /**
   * Returns the cell's attribute in blessed's encoding. More than 255 combinations were never seen: beyond them the
   * style is lost, not the colour.
   */
  encode(ink: RawInk): RawInk {
    const flags = ink >> 18;
    const extra = flags & EXTRA_FLAGS;
    if (extra === 0) return ink;
    const foreground = (ink >> 9) & 0x1ff;
    const key = (extra << 9) | foreground;
    let value = this.#known.get(key);
    if (value === undefined && FIRST + this.#codes.length < DEFAULT_COLOUR) {
      value = FIRST + this.#codes.length;
      this.#known.set(key, value);
      this.#codes.push(sgr(foreground, extra));
    }
    return rawInk(flags & ~EXTRA_FLAGS, value ?? foreground, ink & 0x1ff);
  }

  /** Returns the text that blessed writes after `38;5;` for a value of {@link encode}; null for a plain colour. */
  codeOf(foreground: number): string | null {
    return this.#codes[foreground - FIRST] ?? null;
  }
}

/** Begins with a colour, because blessed has written `38;5;` already; `39` undoes it where there is none. */
function sgr(foreground: number, extra: number): string {
  const colour = foreground === DEFAULT_COLOUR ? '7;39' : String(foreground);
  const codes = EXTRA.filter(([flag]) => (extra & flag) !== 0).map(([, code]) => code);
  return [colour, ...codes].join(';');
}

/** Members that blessed's types leave out and this file uses. */
interface BlessedScreen {
  lines: ([number, string][] & { dirty: boolean })[];
  olines: [number, string][][];
  draw(from: number, to: number): void;
  alloc(dirty?: boolean): void;
  /** Returns a foreground or background as it stands in SGR. */
  _reduceColor(colour: number): number | string;
  tput: { brokenACS: boolean; unicode: boolean };
  program: { useBuffer: boolean; cursorHidden: boolean; cols: number; rows: number };
}

const ENTER = '\x1b[?1049h\x1b[?1004h\x1b[?2004h\x1b[?25l\x1b[H\x1b[2J';
/**
 * Resets the state that a frame may have left: attributes, cursor and its shape, bracketed paste, synchronized
 * output, the alternate screen.
 */
const LEAVE = '\x1b[?2026l\x1b[0m\x1b[?2004l\x1b[?1006l\x1b[?1002l\x1b[?1004l\x1b[0 q\x1b[?25h\x1b[?1049l';
/** Makes a frame appear as one; terminals that do not know the mode ignore it. */
const FRAME_BEGIN = '\x1b[?2026h\x1b[?25l';
const FRAME_END = '\x1b[?2026l';

export class Terminal {
  readonly #output: Output;
  readonly #pace = new Pace();
  readonly #palette: Palette;
  readonly #screen: BlessedScreen;
  readonly #styles = new Styles();
  /** Frame that blessed's lines hold: only cells that differ from it are looked up. */
  #before: Frame | null = null;
  #written = '';
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
  ) {
    this.#palette = palette;
    this.#output = new Output(stdout.fd, onGone);
    // blessed would install handlers that exit with code 0 on SIGTERM and miss SIGHUP: the interface has its own.
    (blessed as unknown as { Screen: { _bound: boolean } }).Screen._bound = true;
    const sink = Object.assign(new PassThrough(), { isTTY: true, columns: size.cols, rows: size.rows });
    sink.write = ((text: string) => {
      this.#written += text;
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
    this.#screen.tput.brokenACS = true;
    this.#screen.tput.unicode = true;
    this.#screen._reduceColor = (colour) => this.#styles.codeOf(colour) ?? colour;
    // The output of draw() must be complete when it returns, to become one frame; this file controls the cursor.
    this.#screen.program.useBuffer = false;
    this.#screen.program.cursorHidden = true;
    this.#written = '';
    this.#output.write(ENTER);
    this.resize(size);
  }

  /** True while a frame would only wait behind others. */
  get congested(): boolean {
    return this.#output.congested || this.#pace.full(performance.now());
  }

  /** True when all frames are on the operator's screen, as far as the terminal reports. */
  get settled(): boolean {
    return !this.#output.congested && !this.owesAnswer;
  }

  /** True while an answer is outstanding: if it were not read, a shell would take it for typing. */
  get owesAnswer(): boolean {
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
    this.#before = null;
    this.#output.write('\x1b[0m\x1b[2J');
  }

  /**
   * Draws the differences from the frame before; returns false, without writing, where there are none. `mustKnow`:
   * {@link settled} has to be certain for this frame.
   */
  show(frame: Frame, mustKnow = false): boolean {
    const { lines, olines } = this.#screen;
    const before = this.#before;
    this.#before = frame;
    for (let y = 0; y < frame.rows; y++) {
      const line = lines[y];
      const shown = olines[y];
      if (!line || !shown) return false;
      for (let x = 0; x < frame.cols; x++) {
        const i = y * frame.cols + x;
        if (before !== null && sameCell(frame, before, i)) continue;
        const attr = this.#styles.encode(this.#palette.resolve(frame.inks[i] ?? 'text', frame.grounds[i] ?? 'screen'));
        const wide = x + 1 < frame.cols && frame.chars[i + 1] === '';
        const ch = anchored(frame.chars[i] ?? ' ', x, wide);
        const cell = line[x];
        const old = shown[x];
        if (!cell || !old || (cell[0] === attr && cell[1] === ch)) continue;
        line[x] = [attr, ch];
        line.dirty = true;
        // The right half of a wide character is written with its left half: both or none.
        if (ch === '' && x > 0 && shown[x - 1]) shown[x - 1] = [-1, ' '];
        if (wide && shown[x + 1]) shown[x + 1] = [-1, ' '];
      }
    }
    this.#written = '';
    this.#screen.draw(0, frame.rows - 1);
    const drawn = this.#written;
    this.#written = '';
    const cursor = frame.cursor ? `${this.#place(frame.cursor)}\x1b[?25h` : '';
    if (drawn === '' && cursor === this.#cursor) return false;
    this.#cursor = cursor;
    const bytes = `${FRAME_BEGIN}${drawn}${cursor}${FRAME_END}`;
    this.#output.write(bytes + this.#pace.sent(bytes.length, performance.now(), mustKnow));
    return true;
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

/**
 * Returns whether a cell is the same in two frames of one size, the cell to the right included: it may be this
 * one's half.
 */
function sameCell(a: Frame, b: Frame, i: number): boolean {
  return (
    a.chars[i] === b.chars[i] &&
    a.inks[i] === b.inks[i] &&
    a.grounds[i] === b.grounds[i] &&
    (a.chars[i + 1] === '') === (b.chars[i + 1] === '')
  );
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
