/** Turns a node's output into cells, the only form in which it reaches the operator's terminal. */
import type { IBufferLine, IMarker } from '@xterm/headless';
import { anchored, cellText, NodeTerminal, sgrOf } from '../../console/emulator.ts';

/** More lines than one piece of {@link PIECE} bytes can scroll: none is lost between two calls. */
const SCROLLBACK = 8192;
const PIECE = 4096;

export class Emulator {
  readonly terminal: NodeTerminal;
  /** Marks the topmost line of the normal screen at the last call, wherever that line is now. */
  #top: IMarker | undefined;

  constructor(cols: number, rows: number) {
    this.terminal = new NodeTerminal({ cols, rows, scrollback: SCROLLBACK });
    this.#mark();
  }

  /** Parses in pieces; `look` is called after each. */
  async write(bytes: Uint8Array, look: () => void): Promise<void> {
    for (let from = 0; from < bytes.length; from += PIECE) {
      await new Promise<void>((resolve) => this.terminal.write(bytes.subarray(from, from + PIECE), resolve));
      look();
    }
  }

  /** Resets the emulator: empty, default modes, this size. */
  restart(cols: number, rows: number): void {
    this.terminal.reset();
    this.terminal.resize(cols, rows);
    this.#mark();
  }

  get alternate(): boolean {
    return this.terminal.buffer.active.type === 'alternate';
  }

  /**
   * Returns the number of lines that left the normal screen at its top since the last call; 0 on the alternate
   * screen.
   */
  takeScrolled(): number {
    if (this.alternate) return 0;
    // The mark vanished with an erased scrollback: then the number is unknown, and nothing is left to show.
    const erased = this.#top === undefined || this.#top.isDisposed;
    const scrolled = erased ? 0 : this.terminal.buffer.active.baseY - (this.#top?.line ?? 0);
    if (erased || scrolled !== 0) this.#mark();
    return Math.max(0, scrolled);
  }

  /** Returns a line, counted from the top of the screen; negative lines are scrollback. */
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

/** Returns the line as text with newly made colour sequences, at most `cols` wide. */
export function paintLine(line: IBufferLine | undefined, cols: number): string {
  if (line === undefined) return '';
  let painted = '';
  let style = '0';
  for (let x = 0; x < Math.min(cols, line.length); x++) {
    const cell = line.getCell(x);
    if (cell === undefined || cell.getWidth() === 0) continue;
    const wanted = sgrOf(cell);
    if (wanted !== style) painted += `\x1b[${wanted}m`;
    style = wanted;
    const wide = cell.getWidth() === 2;
    // A wide character that would extend beyond the edge.
    painted += wide && x + 1 >= cols ? ' ' : anchored(cellText(cell.getChars()), x, wide);
  }
  // Blanks of the default style need not be sent: the line's rest is erased.
  return style === '0' ? painted.replace(/ +$/, '') : `${painted}\x1b[0m`;
}
