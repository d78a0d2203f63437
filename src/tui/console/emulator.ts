/**
 * The emulators behind the console pane, one for each node that was attached here, and text from them. Output of a
 * node reaches the operator's terminal only as the cells read here; its sequences stop in the emulator. Answers to
 * the node's queries are dropped: the server's own emulator gives them once, however many sessions watch.
 */
import type { IBuffer, IBufferCell, IBufferLine } from '@xterm/headless';
import { cellText, RGB, underlineOf } from '../../console/cells.ts';
import { NodeTerminal } from '../../console/emulator.ts';
import { LineTimes, type LineTime } from '../../console/line-times.ts';
import type { Address } from '../../rack/address.ts';
import { type CellDetail, DEFAULT_COLOUR, FLAG, rawInk, type RawInk } from '../canvas/frame.ts';
import { nearest256 } from '../terminal/theme.ts';
import type { KeyModes, Pointer, PointerModes } from './key-encoding.ts';
import { type ScreenPicture, type Screens, topLine } from './pane.ts';

/** A position in the kept lines: column, and line from the oldest. */
export interface Place {
  x: number;
  y: number;
}

/**
 * Finds the nearest match before (`way` −1) or after the given position; a text without capitals matches either
 * case.
 */
function findText(
  buffer: IBuffer,
  cols: number,
  query: string,
  from: Place,
  way: -1 | 1,
): (Place & { width: number }) | null {
  const fold = (text: string): string => (query === query.toLowerCase() ? text.toLowerCase() : text);
  for (let y = from.y; y >= 0 && y < buffer.length; y += way) {
    const line = buffer.getLine(y);
    if (!line) continue;
    const { text, columns } = cellsOf(line, cols);
    const places: number[] = [];
    for (let at = fold(text).indexOf(query); at >= 0; at = fold(text).indexOf(query, at + 1)) places.push(at);
    const wanted = places
      .map((at) => ({ x: columns[at] ?? 0, width: (columns[at + query.length] ?? cols) - (columns[at] ?? 0) }))
      .filter(({ x }) => y !== from.y || (way < 0 ? x < from.x : x > from.x));
    const found = way < 0 ? wanted.at(-1) : wanted[0];
    if (found) return { ...found, y };
  }
  return null;
}

/** Returns the text between two cells, both included; a line that the emulator wrapped is one line again. */
function textBetween(buffer: IBuffer, cols: number, from: Place, to: Place): string {
  let text = '';
  for (let y = from.y; y <= to.y; y++) {
    const line = buffer.getLine(y);
    const goesOn = y < to.y && buffer.getLine(y + 1)?.isWrapped === true;
    const piece = line?.translateToString(!goesOn, y === from.y ? from.x : 0, y === to.y ? to.x + 1 : cols) ?? '';
    text += piece + (y === to.y || goesOn ? '' : '\n');
  }
  return text;
}

/** Returns a line's text, and the column of each of its UTF-16 units. */
function cellsOf(line: IBufferLine, cols: number): { text: string; columns: number[] } {
  let text = '';
  const columns: number[] = [];
  for (let x = 0; x < cols; x++) {
    const cell = line.getCell(x);
    if (!cell || cell.getWidth() === 0) continue;
    const chars = cell.getChars() || ' ';
    for (let unit = 0; unit < chars.length; unit++) columns.push(x);
    text += chars;
  }
  return { text, columns };
}

/** Lines kept above the screen: the budget of memory is made for these. */
const SCROLLBACK = 2_000;
/**
 * Nodes whose emulators are kept, the last one with its scrollback: the server keeps all screens, and sends one with its
 * scrollback when its node is attached again.
 */
const KEPT = 2;

interface Emulated {
  terminal: NodeTerminal;
  times: LineTimes;
  /** In copy mode: output since its start, not yet on the screen. */
  held: { pieces: { bytes: Uint8Array; at: number }[]; bytes: number } | null;
}

/** Most bytes held during copy mode: about six minutes of a line in constant use. */
const HELD_LIMIT = 4 * 1024 * 1024;

export class Emulators {
  readonly #nodes = new Map<Address, Emulated>();
  /** The last screen from the server, of the pane's node while no console is open here. */
  #last: { addr: Address; emulated: Emulated } | null = null;
  readonly #changed: () => void;
  readonly #overrun: (addr: Address) => void;
  readonly #dropped: () => void;

  /**
   * `changed` is called when written output shows; `overrun` when a held screen has to continue; `dropped` when memory
   * can be freed.
   */
  constructor(
    changed: () => void,
    overrun: (addr: Address) => void = () => undefined,
    dropped: () => void = () => undefined,
  ) {
    this.#changed = changed;
    this.#overrun = overrun;
    this.#dropped = dropped;
  }

  /** Makes a new emulator for a node and fills it; `times`: those of the screen's lines. */
  load(addr: Address, cols: number, rows: number, screen: Uint8Array, times: readonly LineTime[]): void {
    this.#drop(addr);
    for (const [oldest] of [...this.#nodes].slice(0, Math.max(0, this.#nodes.size - KEPT + 1))) this.#drop(oldest);
    for (const older of this.#nodes.keys()) this.#dropScrollback(older);
    const emulated = emulate(cols, rows, SCROLLBACK);
    this.#nodes.set(addr, emulated);
    emulated.terminal.write(screen, () => {
      emulated.times.restore(times);
      this.#changed();
    });
  }

  /** Loads a last screen, which replaces the former one when it is complete; a screen in copy mode stays. */
  loadLast(addr: Address, cols: number, rows: number, screen: Uint8Array): void {
    const emulated = emulate(cols, rows, 0);
    emulated.terminal.write(screen, () => {
      const before = this.#last;
      if (before !== null && before.emulated.held !== null) {
        emulated.terminal.dispose();
        return;
      }
      before?.emulated.terminal.dispose();
      this.#last = { addr, emulated };
      this.#changed();
    });
  }

  #drop(addr: Address): void {
    this.#nodes.get(addr)?.terminal.dispose();
    if (this.#nodes.delete(addr)) this.#dropped();
  }

  /** Keeps a node's screen only; one in copy mode stays whole. */
  #dropScrollback(addr: Address): void {
    const node = this.#nodes.get(addr);
    if (!node || node.held !== null) return;
    node.terminal.options.scrollback = 0;
    this.#dropped();
  }

  /** Marks that the operator typed: the next output is most likely the echo, and is shown without a timer's delay. */
  typed(addr: Address): void {
    this.#nodes.get(addr)?.terminal.input('', true);
  }

  /** Takes output that came at `at`, server's clock, ms. */
  data(addr: Address, bytes: Uint8Array, at: number): void {
    const node = this.#nodes.get(addr);
    if (!node) return;
    if (node.held === null) {
      this.#write(node, bytes, at);
      return;
    }
    node.held.pieces.push({ bytes, at });
    node.held.bytes += bytes.length;
    if (node.held.bytes > HELD_LIMIT) this.#overrun(addr);
  }

  #write({ terminal, times }: Emulated, bytes: Uint8Array, at: number): void {
    terminal.write(bytes, () => {
      times.stamp(at);
      this.#changed();
    });
  }

  /** Holds the screen: later output is kept back. Calls back when all earlier output is on the screen. */
  hold(addr: Address, held: (at: { length: number; cols: number; x: number; y: number }) => void): void {
    const node = this.#lookedAt(addr);
    if (!node) return;
    node.held ??= { pieces: [], bytes: 0 };
    const { terminal } = node;
    terminal.write('', () => {
      const buffer = terminal.buffer.active;
      const x = Math.min(buffer.cursorX, terminal.cols - 1);
      held({ length: buffer.length, cols: terminal.cols, x, y: buffer.baseY + buffer.cursorY });
    });
  }

  /** Ends the hold: the output kept back is shown. */
  release(addr: Address): void {
    const node = this.#lookedAt(addr);
    const pieces = node?.held?.pieces ?? [];
    if (node) node.held = null;
    for (const { bytes, at } of pieces) if (node) this.#write(node, bytes, at);
  }

  find(addr: Address, query: string, from: Place, way: -1 | 1): (Place & { width: number }) | null {
    const terminal = this.#lookedAt(addr)?.terminal;
    return terminal ? findText(terminal.buffer.active, terminal.cols, query, from, way) : null;
  }

  /** Returns the text between two positions; without positions all kept text, less the empty lines at its end. */
  text(addr: Address, from: Place | null, to: Place | null): string | null {
    const terminal = this.#lookedAt(addr)?.terminal;
    if (!terminal) return null;
    const buffer = terminal.buffer.active;
    if (from !== null && to !== null) return textBetween(buffer, terminal.cols, from, to);
    const end = { x: terminal.cols - 1, y: buffer.length - 1 };
    return textBetween(buffer, terminal.cols, { x: 0, y: 0 }, end).trimEnd();
  }

  resize(addr: Address, cols: number, rows: number): void {
    this.release(addr);
    this.#nodes.get(addr)?.terminal.resize(cols, rows);
    this.#changed();
  }

  /** Returns the key modes set by the node's program. */
  keyModes(addr: Address): KeyModes {
    const modes = this.#nodes.get(addr)?.terminal.modes;
    return {
      applicationCursor: modes?.applicationCursorKeysMode ?? false,
      applicationKeypad: modes?.applicationKeypadMode ?? false,
    };
  }

  /** Returns the mouse modes set by the node's program. */
  pointerModes(addr: Address): PointerModes {
    const node = this.#nodes.get(addr);
    return {
      tracking: node?.terminal.modes.mouseTrackingMode ?? 'none',
      encoding: node?.terminal.nodeModes.mouseEncoding ?? 'x10',
      focus: node?.terminal.modes.sendFocusMode ?? false,
    };
  }

  /** Converts cells of a pane of `rows` rows to cells of the node's screen; null: outside of it. */
  onScreen(addr: Address, pointer: Pointer, rows: number, scroll: number): Pointer | null {
    const node = this.#nodes.get(addr);
    if (!node) return null;
    const shown = picture(node);
    const y = topLine(shown, rows, scroll) + pointer.y - (shown.length - shown.rows);
    return y >= 0 && y < shown.rows && pointer.x < shown.cols ? { ...pointer, y } : null;
  }

  /** Resolves when all output received so far is on the node's screen. */
  parsed(addr: Address): Promise<void> {
    const terminal = this.#nodes.get(addr)?.terminal;
    return terminal === undefined ? Promise.resolve() : new Promise((resolve) => terminal.write('', resolve));
  }

  bracketedPaste(addr: Address): boolean {
    return this.#nodes.get(addr)?.terminal.modes.bracketedPasteMode ?? false;
  }

  /** Returns whether a full-screen program runs: then typed text is no command line. */
  fullScreen(addr: Address): boolean {
    return this.#nodes.get(addr)?.terminal.buffer.active.type === 'alternate';
  }

  readonly screens: Screens = (addr, which) => {
    const node = which === 'last' ? this.#lastOf(addr) : this.#nodes.get(addr);
    return node ? picture(node) : null;
  };

  dispose(): void {
    for (const { terminal } of this.#nodes.values()) terminal.dispose();
    this.#nodes.clear();
    this.#last?.emulated.terminal.dispose();
    this.#last = null;
  }

  #lastOf(addr: Address): Emulated | undefined {
    return this.#last?.addr === addr ? this.#last.emulated : undefined;
  }

  /** Returns the emulator of copy mode: the console with its scrollback where it is kept here. */
  #lookedAt(addr: Address): Emulated | undefined {
    return this.#nodes.get(addr) ?? this.#lastOf(addr);
  }
}

function emulate(cols: number, rows: number, scrollback: number): Emulated {
  const terminal = new NodeTerminal({ cols, rows, scrollback });
  return { terminal, times: new LineTimes(terminal), held: null };
}

function picture({ terminal, times }: Emulated): ScreenPicture {
  const buffer = terminal.buffer.active;
  return {
    cols: terminal.cols,
    rows: terminal.rows,
    length: buffer.length,
    times,
    cursor: {
      x: Math.min(buffer.cursorX, terminal.cols - 1),
      y: buffer.cursorY,
      visible: terminal.nodeModes.cursorVisible,
      shape: terminal.nodeModes.cursorShape,
    },
    line(y, put) {
      const line = buffer.getLine(y);
      if (!line) return;
      let cell: IBufferCell | undefined;
      let width = 1;
      for (let x = 0; x < terminal.cols; x++) {
        cell = line.getCell(x, cell);
        if (!cell) return;
        const ink = inkOf(cell);
        const before = width;
        width = cell.getWidth();
        // A half whose left one was overwritten or deleted is a blank.
        const detail = detailOf(cell);
        if (width === 0) put(x, before === 2 ? '' : ' ', ink, false, detail);
        else if (cell.getChars() !== '' || ink !== PLAIN || detail !== undefined)
          put(x, cellText(cell.getChars()), ink, width === 2, detail);
      }
    },
  };
}

const PLAIN = rawInk(0, DEFAULT_COLOUR, DEFAULT_COLOUR);

function inkOf(cell: IBufferCell): RawInk {
  const flags =
    (cell.isBold() ? FLAG.bold : 0) |
    (cell.isUnderline() ? FLAG.underline : 0) |
    (cell.isBlink() ? FLAG.blink : 0) |
    (cell.isInverse() ? FLAG.inverse : 0) |
    (cell.isInvisible() ? FLAG.invisible : 0) |
    (cell.isDim() ? FLAG.dim : 0) |
    (cell.isItalic() ? FLAG.italic : 0) |
    (cell.isStrikethrough() ? FLAG.strike : 0);
  const fg = cell.isFgDefault() ? DEFAULT_COLOUR : cell.isFgRGB() ? nearest256(cell.getFgColor()) : cell.getFgColor();
  const bg = cell.isBgDefault() ? DEFAULT_COLOUR : cell.isBgRGB() ? nearest256(cell.getBgColor()) : cell.getBgColor();
  return rawInk(flags, fg, bg);
}

/** Returns what a cell has beyond its ink; undefined: nothing. */
function detailOf(cell: IBufferCell): CellDetail | undefined {
  const lined = cell.isUnderline() !== 0;
  const { style, colour } = lined ? underlineOf(cell) : { style: 0, colour: null };
  const overline = cell.isOverline() !== 0;
  const rgb = cell.isFgRGB() || cell.isBgRGB();
  if (!rgb && !overline && style < 2 && colour === null) return undefined;
  return {
    foreground: cell.isFgRGB() ? RGB | cell.getFgColor() : null,
    background: cell.isBgRGB() ? RGB | cell.getBgColor() : null,
    underline: style < 2 ? 0 : style,
    underlineColour: colour,
    overline,
  };
}
