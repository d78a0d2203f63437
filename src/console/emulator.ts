/**
 * The terminal emulator of server and clients: xterm's, fed only with sequences whose cost is bounded. `x ESC [
 * 2147483647 b` would fill gigabytes otherwise, and a node chooses what it prints.
 *
 * Records the modes that a node's program set and the emulator's API hides (cursor, mouse encoding), read by the
 * emulator's own parser.
 */
import headless, { type IParser } from '@xterm/headless';
import { SequenceParser } from './sequence-parser.ts';
import { useNewerWidths } from './unicode.ts';

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
  '\x18\x1b[?47l\x1b[!p\x1b[?1;9;1000;1002;1003;1004;1005;1006;1015;2004;2026l\x1b[?7;25h\x1b[4;20l\x1b>\x1b(B\x1b)B\x0f\x1b[0m\x1b[0 q',
);

/** Ends an unfinished sequence, which would swallow what comes behind lost output; changes nothing else. */
export const CANCEL_SEQUENCE: Uint8Array = Uint8Array.of(0x18);

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
    useNewerWidths(this);
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
