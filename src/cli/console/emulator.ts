/** A node's output as cells. Nothing of it reaches the operator's terminal in any other form. */
import xterm, { type IBufferCell, type IBufferLine, type IMarker } from '@xterm/headless';

/** More lines than one piece of {@link PIECE} bytes can scroll: none is lost between two looks. */
const SCROLLBACK = 8192;
const PIECE = 4096;

export class Emulator {
  readonly terminal: xterm.Terminal;
  /** Stands on the topmost line of the normal screen as it was at the last look, wherever that line is now. */
  #top: IMarker | undefined;

  constructor(cols: number, rows: number) {
    this.terminal = new xterm.Terminal({ cols, rows, scrollback: SCROLLBACK, allowProposedApi: true, logLevel: 'off' });
    this.#mark();
  }

  /** Parses in pieces; `look` is called after each. */
  async write(bytes: Uint8Array, look: () => void): Promise<void> {
    for (let from = 0; from < bytes.length; from += PIECE) {
      await new Promise<void>((resolve) => this.terminal.write(bytes.subarray(from, from + PIECE), resolve));
      look();
    }
  }

  /** Empty, in its first modes, of this size. */
  restart(cols: number, rows: number): void {
    this.terminal.reset();
    this.terminal.resize(cols, rows);
    this.#mark();
  }

  get alternate(): boolean {
    return this.terminal.buffer.active.type === 'alternate';
  }

  /** How many lines left the normal screen upwards since the last call; 0 on the alternate screen. */
  takeScrolled(): number {
    if (this.alternate) return 0;
    // Gone with an erased scrollback: then nothing can be said, and nothing is left to be shown.
    const erased = this.#top === undefined || this.#top.isDisposed;
    const scrolled = erased ? 0 : this.terminal.buffer.active.baseY - (this.#top?.line ?? 0);
    if (erased || scrolled !== 0) this.#mark();
    return Math.max(0, scrolled);
  }

  /** Counted from the top of the screen; negative lines are scrollback. */
  line(y: number): IBufferLine | undefined {
    const { active } = this.terminal.buffer;
    return active.getLine(active.baseY + y);
  }

  dispose(): void {
    this.terminal.dispose();
  }

  #mark(): void {
    this.#top?.dispose();
    this.#top = this.terminal.registerMarker(-this.terminal.buffer.active.cursorY);
  }
}

/** Combining characters may hide controls and marks that reorder text: those are left out. */
const HARMFUL = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** The line as text and colours of our own making, at most `cols` wide. */
export function paintLine(line: IBufferLine | undefined, cols: number): string {
  if (line === undefined) return '';
  let painted = '';
  let style = '0';
  for (let x = 0; x < Math.min(cols, line.length); x++) {
    const cell = line.getCell(x);
    if (cell === undefined || cell.getWidth() === 0) continue;
    const wanted = sgr(cell);
    if (wanted !== style) painted += `\x1b[${wanted}m`;
    style = wanted;
    painted += cell.getChars().replace(HARMFUL, '') || ' ';
  }
  // Blanks of the default style need not be sent: the line's rest is erased.
  return style === '0' ? painted.replace(/ +$/, '') : `${painted}\x1b[0m`;
}

function sgr(cell: IBufferCell): string {
  const flags: [number, number][] = [
    [cell.isBold(), 1],
    [cell.isDim(), 2],
    [cell.isItalic(), 3],
    [cell.isUnderline(), 4],
    [cell.isInverse(), 7],
    [cell.isInvisible(), 8],
    [cell.isStrikethrough(), 9],
  ];
  const set = flags.filter(([on]) => on !== 0).map(([, code]) => code);
  return [
    0,
    ...set,
    ...colour(38, cell.isFgPalette(), cell.isFgRGB(), cell.getFgColor()),
    ...colour(48, cell.isBgPalette(), cell.isBgRGB(), cell.getBgColor()),
  ].join(';');
}

/** `base` 38 for foreground, 48 for background. */
function colour(base: number, palette: boolean, rgb: boolean, value: number): number[] {
  if (palette) return [base, 5, value];
  return rgb ? [base, 2, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff] : [];
}
