/**
 * The terminal emulator of server and clients: xterm's, fed only with sequences whose cost is bounded. `x ESC [
 * 2147483647 b` would fill gigabytes otherwise, and a node chooses what it prints.
 *
 * Records the modes that a node's program set and the emulator's API hides (cursor, mouse encoding), read by the
 * emulator's own parser.
 *
 * Converts a cell of a node's screen for the operator's terminal. An emulator's cell may hold any number of code
 * points; terminals disagree on how wide some of them are, and some change the direction of everything beside them.
 */
import unicode11 from '@xterm/addon-unicode11';
import headless, { type IBufferCell, type IParser } from '@xterm/headless';
import { removeHidden } from '../lib/control-chars.ts';
import { SequenceParser } from './sequence-parser.ts';

export type MouseEncoding = 'x10' | 'sgr';

export class NodeModes {
  cursorVisible = true;
  /** DECSCUSR, 0 to 6; 0: the default of the operator's terminal. */
  cursorShape = 0;
  mouseEncoding: MouseEncoding = 'x10';

  constructor(parser: IParser) {
    const set = (params: readonly (number | number[])[], on: boolean): false => {
      if (params.includes(25)) this.cursorVisible = on;
      if (params.includes(1006)) this.mouseEncoding = on ? 'sgr' : 'x10';
      // False: the emulator carries the sequence out.
      return false;
    };
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, (params) => set(params, true));
    parser.registerCsiHandler({ prefix: '?', final: 'l' }, (params) => set(params, false));
    parser.registerCsiHandler({ intermediates: ' ', final: 'q' }, ([shape]) => {
      this.cursorShape = typeof shape === 'number' && shape <= 6 ? shape : 0;
      return false;
    });
    // Soft and full reset.
    parser.registerCsiHandler({ intermediates: '!', final: 'p' }, () => this.#reset());
    parser.registerEscHandler({ final: 'c' }, () => this.#reset());
  }

  #reset(): false {
    this.cursorVisible = true;
    this.cursorShape = 0;
    this.mouseEncoding = 'x10';
    return false;
  }
}

export interface TerminalSize {
  /** Columns and rows, at least 1. A serial line has no window size: 80x24 until the operator sets another. */
  cols: number;
  rows: number;
}

/** Sequences that repeat something as often as their parameter says, with the largest count that makes a difference. */
const COUNTS: Readonly<Record<string, (size: TerminalSize) => number>> = {
  ...counts('STLM^', ({ rows }) => rows),
  ...counts('IZ@PX}~', ({ cols }) => cols),
  b: ({ cols, rows }) => Math.min(cols * rows, REPEAT_LIMIT),
};
/** Characters that one REP prints at most: a screen of 80x24 is full twice over. */
const REPEAT_LIMIT = 4_096;
/** xterm's own limit of parameters. */
const PARAMETER_LIMIT = 65_535;

/**
 * Resets the modes that a program left behind: character sets, scrolling region, colours, mouse, pastes, alternate
 * screen, and an unfinished sequence. The text on the screen stays.
 */
export const RESET_MODES: Uint8Array = Buffer.from(
  '\x18\x1b[?47l\x1b[!p\x1b[?1;9;1000;1002;1003;1004;1005;1006;1015;2004l\x1b[?7;25h\x1b[4l\x1b>\x1b(B\x1b)B\x0f\x1b[0m\x1b[0 q',
);

/** The used part of xterm's inside: its API has no way to survive a sequence that makes it throw. */
interface Core {
  _inputHandler: {
    parse(data: string | Uint8Array, resumed?: boolean): Promise<boolean> | undefined;
    eraseInDisplay(parameters: { params: number[] }): boolean;
  };
}

function insideOf(terminal: headless.Terminal): Core['_inputHandler'] {
  return (terminal as unknown as { _core: Core })._core._inputHandler;
}

/**
 * Works around a fault of xterm 6.0.0, which throws when everything up to the cursor is erased, the cursor is in the
 * last column of the last line, and there is no scrollback: that is the whole screen.
 */
export function mendErase(terminal: headless.Terminal): void {
  terminal.parser.registerCsiHandler({ final: 'J' }, (parameters) => {
    const { cursorX, cursorY, length } = terminal.buffer.active;
    const trips = parameters[0] === 1 && cursorX + 1 >= terminal.cols && cursorY + 1 >= length;
    return trips && insideOf(terminal).eraseInDisplay({ params: [2] });
  });
}

const encoder = new TextEncoder();

export class NodeTerminal extends headless.Terminal {
  /** Modes that the node's program set and the emulator's API hides. */
  readonly nodeModes: NodeModes;
  readonly #parser: SequenceParser;
  #bounded: Uint8Array[] = [];

  constructor({ cols, rows, scrollback }: TerminalSize & { scrollback: number }) {
    // Logging is off: the emulator reports unknown sequences on stderr, where a node could write into the server's log.
    super({ cols, rows, scrollback, logLevel: 'off', allowProposedApi: true });
    this.loadAddon(new unicode11.Unicode11Addon());
    this.unicode.activeVersion = '11';
    mendErase(this);
    this.#surviveFaults();
    this.nodeModes = new NodeModes(this.parser);
    const pass = (text: string): void => void this.#bounded.push(encoder.encode(text));
    this.#parser = new SequenceParser({
      text: (bytes) => this.#bounded.push(bytes),
      control: (byte) => this.#bounded.push(Uint8Array.of(byte)),
      escape: (intermediates, final) => pass(`\x1b${intermediates}${final}`),
      csi: (parameters, final) => pass(`\x1b[${boundParameters(parameters, final, this)}${final}`),
      string: (introducer, payload) => {
        pass(`\x1b${introducer}`);
        this.#bounded.push(payload);
        pass('\x1b\\');
      },
    });
  }

  /** Writes a copy of `data`. `parsed` is called when it is on the screen. */
  override write(data: string | Uint8Array, parsed?: () => void): void {
    this.#parser.feed(typeof data === 'string' ? encoder.encode(data) : data);
    const bounded = this.#bounded;
    this.#bounded = [];
    super.write(bounded.length === 1 ? (bounded[0]?.slice() ?? '') : Buffer.concat(bounded), parsed);
  }

  /**
   * Keeps an error of the emulator from ending this program: the rest of the piece is not shown, and the screen is
   * reset.
   */
  #surviveFaults(): void {
    const inside = insideOf(this);
    const parse = inside.parse.bind(inside);
    inside.parse = (data, resumed) => {
      try {
        return parse(data, resumed);
      } catch {
        this.reset();
        return undefined;
      }
    };
  }

  /** The unfinished sequence or character at the end of the written data. */
  get pending(): Uint8Array {
    return this.#parser.pending;
  }
}

function boundParameters(parameters: string, final: string, size: TerminalSize): string {
  const limit = COUNTS[final]?.(size) ?? PARAMETER_LIMIT;
  return parameters.replace(/\d+/g, (digits) => (Number(digits) > limit ? String(limit) : digits));
}

function counts<T>(finals: string, limit: T): Record<string, T> {
  return Object.fromEntries(Array.from(finals, (final) => [final, limit]));
}

/** Maximum of marks on one character; more are no writing, and every frame would carry them. */
const MARKS = 6;

/** Returns the printable part of a cell's characters; a blank where there is none. */
export function cellText(chars: string): string {
  // Shortcut: nearly every cell is one printable character of ASCII.
  if (chars.length === 1 && chars >= ' ' && chars < '\x7f') return chars;
  const clean = removeHidden(chars);
  if (clean.length <= 2) return clean || ' ';
  return Array.from(clean)
    .slice(0, 1 + MARKS)
    .join('');
}

/**
 * Returns the character followed by a cursor move to the next cell, because a terminal may take an emoji or a mark
 * for wider or narrower than the emulator does: then one cell looks wrong, and its neighbours stay in place. `x`
 * counts from 0.
 */
export function anchored(ch: string, x: number, wide: boolean): string {
  if (!wide && ch.length <= 1) return ch;
  const column = (n: number): string => `\x1b[${n + 1}G`;
  // Both cells are blanked first: where the terminal fills only one, no old character stays in the other.
  return wide ? `  ${column(x)}${ch}${column(x + 2)}` : `${ch}${column(x + 1)}`;
}

/** The attributes that the emulator's cells and its pen have in common. */
export type Attributes = Pick<
  IBufferCell,
  | ('isBold' | 'isDim' | 'isItalic' | 'isUnderline' | 'isBlink' | 'isInverse' | 'isInvisible' | 'isStrikethrough')
  | ('isOverline' | 'isFgPalette' | 'isFgRGB' | 'getFgColor' | 'isBgPalette' | 'isBgRGB' | 'getBgColor')
>;

/** Returns the parameters of SGR that set exactly these attributes. */
export function sgrOf(cell: Attributes): string {
  const flags: [number, number][] = [
    [cell.isBold(), 1],
    [cell.isDim(), 2],
    [cell.isItalic(), 3],
    [cell.isUnderline(), 4],
    [cell.isBlink(), 5],
    [cell.isInverse(), 7],
    [cell.isInvisible(), 8],
    [cell.isStrikethrough(), 9],
    [cell.isOverline(), 53],
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
