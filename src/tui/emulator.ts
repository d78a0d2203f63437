/**
 * The emulators behind the console pane, one a node that was attached here. What a node prints reaches the operator's
 * terminal only as the cells read here; sequences stop in the emulator. Its answers to the node's questions are dropped:
 * the server's own emulator gives them, once, however many people watch.
 */
import unicode11 from '@xterm/addon-unicode11';
import headless, { type IBufferCell } from '@xterm/headless';
import type { Address } from '../rack/address.ts';
import { cellText } from './cell-text.ts';
import { nearest256 } from './colours.ts';
import { DEFAULT_COLOUR, FLAG, rawInk, type RawInk } from './frame.ts';
import type { KeyModes } from './node-keys.ts';
import { NodeModes } from './node-modes.ts';
import type { ScreenPicture, Screens } from './view/pane.ts';

/** Lines kept above the screen: the budget of memory is made for these. */
const SCROLLBACK = 2_000;

type Terminal = InstanceType<typeof headless.Terminal>;

interface Emulated {
  terminal: Terminal;
  modes: NodeModes;
}

export class Emulators {
  readonly #nodes = new Map<Address, Emulated>();
  readonly #changed: () => void;

  /** `changed` is called when something that was written shows. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Makes a node's emulator anew and fills it. */
  load(addr: Address, cols: number, rows: number, screen: Uint8Array): void {
    this.#nodes.get(addr)?.terminal.dispose();
    const terminal = new headless.Terminal({
      cols,
      rows,
      scrollback: SCROLLBACK,
      logLevel: 'off',
      allowProposedApi: true,
    });
    terminal.loadAddon(new unicode11.Unicode11Addon());
    terminal.unicode.activeVersion = '11';
    this.#nodes.set(addr, { terminal, modes: new NodeModes(terminal) });
    terminal.write(screen, this.#changed);
  }

  data(addr: Address, bytes: Uint8Array): void {
    this.#nodes.get(addr)?.terminal.write(bytes, this.#changed);
  }

  resize(addr: Address, cols: number, rows: number): void {
    this.#nodes.get(addr)?.terminal.resize(cols, rows);
    this.#changed();
  }

  /** How the program on the node wants its keys. */
  keyModes(addr: Address): KeyModes {
    const modes = this.#nodes.get(addr)?.terminal.modes;
    return {
      applicationCursor: modes?.applicationCursorKeysMode ?? false,
      applicationKeypad: modes?.applicationKeypadMode ?? false,
    };
  }

  bracketedPaste(addr: Address): boolean {
    return this.#nodes.get(addr)?.terminal.modes.bracketedPasteMode ?? false;
  }

  /** A full-screen program is at work: what is typed is no command line. */
  fullScreen(addr: Address): boolean {
    return this.#nodes.get(addr)?.terminal.buffer.active.type === 'alternate';
  }

  readonly screens: Screens = (addr) => {
    const node = this.#nodes.get(addr);
    return node ? picture(node) : null;
  };

  dispose(): void {
    for (const { terminal } of this.#nodes.values()) terminal.dispose();
    this.#nodes.clear();
  }
}

function picture({ terminal, modes }: Emulated): ScreenPicture {
  const buffer = terminal.buffer.active;
  return {
    cols: terminal.cols,
    rows: terminal.rows,
    length: buffer.length,
    cursor: {
      x: Math.min(buffer.cursorX, terminal.cols - 1),
      y: buffer.cursorY,
      visible: modes.cursorVisible,
      shape: modes.cursorShape,
    },
    line(y, put) {
      const line = buffer.getLine(y);
      if (!line) return;
      let cell: IBufferCell | undefined;
      for (let x = 0; x < terminal.cols; x++) {
        cell = line.getCell(x, cell);
        if (!cell) return;
        const ink = inkOf(cell);
        const width = cell.getWidth();
        if (width === 0) put(x, '', ink);
        else if (cell.getChars() !== '' || ink !== PLAIN) put(x, cellText(cell.getChars()), ink, width === 2);
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
