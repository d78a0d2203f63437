/**
 * The same program twice: on a node of a simulated rack, seen through line, server and interface, and in a plain
 * emulator of the pane's size. Keys go to both; the screens must become equal, cell for cell.
 */
import pty from '@lydell/node-pty';
import headless, { type IBufferCell, type IBufferLine } from '@xterm/headless';
import { cellText } from '../../src/console/cells.ts';
import { useNewerWidths } from '../../src/console/unicode.ts';
import { nearest256 } from '../../src/tui/terminal/theme.ts';
import type { TestTerminal } from './terminal.ts';

type Emulator = InstanceType<typeof headless.Terminal>;

/** Rows of the interface above a console that fills it (header, title), and below (footer). */
export const CHROME = { above: 2, below: 1 };

export function emulatorOf(cols: number, rows: number): Emulator {
  const emulator = new headless.Terminal({ cols, rows, allowProposedApi: true, logLevel: 'off', scrollback: 1000 });
  useNewerWidths(emulator);
  return emulator;
}

/** A cell in a line of text: what is shown and how. Colours as a terminal of 256 shows them. */
export function cellLine(emulator: Emulator, y: number, from = 0, width = emulator.cols): string[] {
  const line = rowOf(emulator, y);
  return Array.from({ length: width }, (_, i) => describe(line?.getCell(from + i)));
}

function rowOf({ buffer: { active } }: Emulator, y: number): IBufferLine | undefined {
  return active.getLine(active.baseY + y);
}

/**
 * Returns whether two cells are described in the same words, false also where that takes their description to see: most of
 * the cells of two screens are alike, and a description of each is most of the time that a comparison takes.
 */
function areAlike(a: IBufferCell, b: IBufferCell): boolean {
  return (
    (a.getChars() || ' ') === (b.getChars() || ' ') &&
    (a.getWidth() === 0) === (b.getWidth() === 0) &&
    a.getFgColorMode() === b.getFgColorMode() &&
    a.getFgColor() === b.getFgColor() &&
    a.getBgColorMode() === b.getBgColorMode() &&
    a.getBgColor() === b.getBgColor() &&
    STYLES.every(([, is]) => is(a) === is(b))
  );
}

const STYLES: readonly (readonly [name: string, is: (cell: IBufferCell) => number])[] = [
  ['bold', (cell) => cell.isBold()],
  ['dim', (cell) => cell.isDim()],
  ['italic', (cell) => cell.isItalic()],
  ['underline', (cell) => cell.isUnderline()],
  ['blink', (cell) => cell.isBlink()],
  ['inverse', (cell) => cell.isInverse()],
  ['invisible', (cell) => cell.isInvisible()],
  ['strike', (cell) => cell.isStrikethrough()],
];

function describe(cell: IBufferCell | undefined): string {
  if (cell === undefined) return '?';
  if (cell.getWidth() === 0) return '';
  const colour = (isDefault: boolean, isRGB: boolean, value: number): string =>
    isDefault ? '-' : String(isRGB ? nearest256(value) : value);
  const style = STYLES.filter(([, is]) => is(cell) !== 0).map(([name]) => name);
  const fg = colour(cell.isFgDefault(), cell.isFgRGB(), cell.getFgColor());
  const bg = colour(cell.isBgDefault(), cell.isBgRGB(), cell.getBgColor());
  return `${cellText(cell.getChars() || ' ')} ${fg}/${bg} ${style.join('+')}`;
}

/** Where the console pane shows other cells, or another cursor, than `plain`. */
export function differencesTo(
  plain: Emulator,
  pane: Pick<TestTerminal, 'screen' | 'cursor' | 'cursorHidden'>,
): string[] {
  const found: string[] = [];
  const [one, other] = [plain.buffer.active.getNullCell(), pane.screen.buffer.active.getNullCell()];
  for (let y = 0; y < plain.rows; y++) {
    const [wantedRow, shownRow] = [rowOf(plain, y), rowOf(pane.screen, y + CHROME.above)];
    for (let x = 0; x < plain.cols; x++) {
      const [cell, paneCell] = [wantedRow?.getCell(x, one), shownRow?.getCell(x, other)];
      if (cell !== undefined && paneCell !== undefined && areAlike(cell, paneCell)) continue;
      const [wanted, shown] = [describe(cell), describe(paneCell)];
      // The operator's terminal takes an emoji for one column: the other one must be blank, and the rest in its place.
      const half = wanted === '' && shown.startsWith('  ');
      if (wanted !== shown && !half) found.push(`row ${y} column ${x}: plain "${wanted}", pane "${shown}"`);
    }
  }
  const { cursorX, cursorY } = plain.buffer.active;
  const { x, y } = pane.cursor;
  if (!pane.cursorHidden && (x !== Math.min(cursorX, plain.cols - 1) || y !== cursorY + CHROME.above))
    found.push(`cursor: plain ${cursorX},${cursorY}, pane ${x},${y - CHROME.above}`);
  return found;
}

export class Twin implements AsyncDisposable {
  readonly pane: TestTerminal;
  readonly #emulator: Emulator;
  readonly #program: pty.IPty;
  readonly #exited: Promise<void>;
  #checks: (() => void)[] = [];

  /** `command` runs in the plain emulator; the same is at work in the pane already. */
  constructor(pane: TestTerminal, command: readonly string[], env: Record<string, string>) {
    this.pane = pane;
    const cols = pane.cols;
    const rows = pane.rows - CHROME.above - CHROME.below;
    this.#emulator = emulatorOf(cols, rows);
    const [file = '', ...args] = command;
    this.#program = pty.spawn(file, args, { cols, rows, name: env.TERM ?? 'vt220', env });
    this.#program.onData((data) => this.#emulator.write(data, () => this.#checks.forEach((check) => check())));
    this.#emulator.onData((reply) => this.#program.write(reply));
    this.#exited = new Promise((resolve) => this.#program.onExit(() => resolve()));
  }

  /** The process of the plain emulator's program. */
  get pid(): number {
    return this.#program.pid;
  }

  /** Keys to both. `plain`: what a terminal in the program's own modes sends, where that is something else. */
  type(keys: string, plain = keys): void {
    this.pane.type(keys);
    this.#program.write(plain);
  }

  /** A click with the left button into the programs' cell `x`, `y` (from 0), for programs that asked in SGR's form. */
  click(x: number, y: number): void {
    for (const final of ['M', 'm']) {
      this.pane.type(`\x1b[<0;${x + 1};${y + CHROME.above + 1}${final}`);
      this.#program.write(`\x1b[<0;${x + 1};${y + 1}${final}`);
    }
  }

  /** A paste into both, bracketed where the receiver asked for it. */
  paste(text: string): void {
    this.pane.paste(text);
    const typed = text.replaceAll('\n', '\r');
    this.#program.write(this.#emulator.modes.bracketedPasteMode ? `\x1b[200~${typed}\x1b[201~` : typed);
  }

  /** The terminal gets another size, and both programs' shells are told, the node's by `Ctrl-] r`. */
  async resize(cols: number, rows: number): Promise<void> {
    this.pane.resize(cols, rows);
    const own = rows - CHROME.above - CHROME.below;
    await this.pane.waitFor((s) => s.lines()[rows - 1]?.trim() !== '', 'the footer at its new place');
    this.pane.type('\x1dr');
    await this.pane.waitFor(`stty rows ${own} cols ${cols}`);
    this.#emulator.resize(cols, own);
    this.#program.resize(cols, own);
    this.#program.write(` stty rows ${own} cols ${cols}\r`);
  }

  text(): string {
    const buffer = this.#emulator.buffer.active;
    return Array.from(
      { length: this.#emulator.rows },
      (_, y) => buffer.getLine(buffer.baseY + y)?.translateToString(true) ?? '',
    ).join('\n');
  }

  /** Waits until the plain one shows `wanted` and the pane shows the same cells, cursor included. */
  async same(wanted: RegExp | ((text: string) => boolean), limitMs = 20_000): Promise<void> {
    const shows = typeof wanted === 'function' ? wanted : (text: string): boolean => wanted.test(text);
    const holds = (): boolean => shows(this.text()) && this.differences().length === 0;
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#checks = [];
        resolve();
      };
      const timer = setTimeout(() => {
        this.#checks = [];
        const found = this.differences().slice(0, 12).join('\n');
        reject(
          new Error(
            `not the same within ${limitMs} ms, waiting for ${String(wanted)}:\n${found}\nplain:\n${this.text()}\npane:\n${this.pane.text()}`,
          ),
        );
      }, limitMs);
      this.#checks = [check];
      this.pane.waitFor(() => holds(), 'the same cells', limitMs).then(check, () => undefined);
      check();
    });
  }

  differences(): string[] {
    return differencesTo(this.#emulator, this.pane);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.kill('SIGKILL');
    await this.#exited;
    this.#emulator.dispose();
  }
}
