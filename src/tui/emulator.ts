/**
 * The emulators behind the console pane, one a node that was attached here. What a node prints reaches the operator's
 * terminal only as the cells read here; sequences stop in the emulator. Its answers to the node's questions are dropped:
 * the server's own emulator gives them, once, however many people watch.
 */
import unicode11 from '@xterm/addon-unicode11';
import headless, { type IBufferCell } from '@xterm/headless';
import type { Address } from '../rack/address.ts';
import { nearest256 } from './colours.ts';
import { DEFAULT_COLOUR, FLAG, rawInk, type RawInk } from './frame.ts';
import type { ScreenPicture, Screens } from './view/pane.ts';

/** Lines kept above the screen: the budget of memory is made for these. */
const SCROLLBACK = 2_000;

type Terminal = InstanceType<typeof headless.Terminal>;

export class Emulators {
  readonly #terminals = new Map<Address, Terminal>();
  readonly #changed: () => void;

  /** `changed` is called when something that was written shows. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Makes a node's emulator anew and fills it. */
  load(addr: Address, cols: number, rows: number, screen: Uint8Array): void {
    this.#terminals.get(addr)?.dispose();
    const terminal = new headless.Terminal({
      cols,
      rows,
      scrollback: SCROLLBACK,
      logLevel: 'off',
      allowProposedApi: true,
    });
    terminal.loadAddon(new unicode11.Unicode11Addon());
    terminal.unicode.activeVersion = '11';
    this.#terminals.set(addr, terminal);
    terminal.write(screen, this.#changed);
  }

  data(addr: Address, bytes: Uint8Array): void {
    this.#terminals.get(addr)?.write(bytes, this.#changed);
  }

  resize(addr: Address, cols: number, rows: number): void {
    this.#terminals.get(addr)?.resize(cols, rows);
    this.#changed();
  }

  /** The program on the node wants cursor keys in application mode. */
  applicationCursor(addr: Address): boolean {
    return this.#terminals.get(addr)?.modes.applicationCursorKeysMode ?? false;
  }

  bracketedPaste(addr: Address): boolean {
    return this.#terminals.get(addr)?.modes.bracketedPasteMode ?? false;
  }

  readonly screens: Screens = (addr) => {
    const terminal = this.#terminals.get(addr);
    return terminal ? picture(terminal) : null;
  };

  dispose(): void {
    for (const terminal of this.#terminals.values()) terminal.dispose();
    this.#terminals.clear();
  }
}

function picture(terminal: Terminal): ScreenPicture {
  const buffer = terminal.buffer.active;
  return {
    cols: terminal.cols,
    rows: terminal.rows,
    length: buffer.length,
    // The headless emulator keeps no cursor visibility in its public interface: it is always shown.
    cursor: { x: Math.min(buffer.cursorX, terminal.cols - 1), y: buffer.cursorY, visible: true },
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
        else if (cell.getChars() !== '' || ink !== PLAIN) put(x, cell.getChars() || ' ', ink);
      }
    },
  };
}

const PLAIN = rawInk(0, DEFAULT_COLOUR, DEFAULT_COLOUR);

function inkOf(cell: IBufferCell): RawInk {
  const flags =
    (cell.isBold() ? FLAG.bold : 0) |
    (cell.isUnderline() ? FLAG.underline : 0) |
    (cell.isInverse() ? FLAG.inverse : 0) |
    (cell.isDim() ? FLAG.dim : 0) |
    (cell.isItalic() ? FLAG.italic : 0);
  const fg = cell.isFgDefault() ? DEFAULT_COLOUR : cell.isFgRGB() ? nearest256(cell.getFgColor()) : cell.getFgColor();
  const bg = cell.isBgDefault() ? DEFAULT_COLOUR : cell.isBgRGB() ? nearest256(cell.getBgColor()) : cell.getBgColor();
  return rawInk(flags, fg, bg);
}
