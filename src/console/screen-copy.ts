/**
 * Builds sequences that make an empty emulator of the same size equal to another one, for a client that joins a
 * console late: the serializer's, and the state that it leaves out (saved cursors, character sets, scrolling region,
 * tab stops, a wrap that is due).
 */
import headless, { type IBuffer, type IBufferCell } from '@xterm/headless';
import { type Attributes, sgrOf } from './cells.ts';
import type { NodeTerminal } from './emulator.ts';

/** The part of the emulator's own state that its API lacks; the version is pinned, and a test checks it. */
interface Core {
  buffers: { normal: CoreBuffer; alt: CoreBuffer };
  _charsetService: { glevel: number; _charsets: (Charset | undefined)[]; charset: Charset | undefined };
  _inputHandler: { _curAttrData: Attributes; _parser: { precedingJoinState: number } };
  coreService: { decPrivateModes: { origin: boolean } };
}
interface CoreBuffer {
  ybase: number;
  savedX: number;
  savedY: number;
  savedCurAttrData: Attributes;
  savedCharset: Charset | undefined;
  scrollTop: number;
  scrollBottom: number;
  tabs: Record<number, boolean | undefined>;
}
type Charset = Readonly<Record<string, string>>;

/** The serializer's sequence to enter the alternate screen, between the two screens' lines. */
const ALTERNATE = '\x1b[?1049h\x1b[H';
const DESIGNATORS = '()*+';

/** The serializer's move by no column, which a terminal takes for one column (addon-serialize 0.14.0). */
const NO_MOVE = /\x1b\[0[CD]/g;

/** A space as the content of a cell: its code point and, above it, its width. */
const SPACE = (1 << 22) | 0x20;

/**
 * Gives wrapped rows that begin with an empty cell a space there: the serializer moves over an empty one, which ends
 * the wrap that is due (addon-serialize 0.14.0). To be called before it.
 */
export function fillWrapped({ buffer }: NodeTerminal): void {
  const fill = (lines: IBuffer): void => {
    for (let y = 0; y < lines.length; y++) {
      const line = lines.getLine(y);
      const cell = line?.isWrapped === true ? line.getCell(0) : undefined;
      if (cell === undefined || cell.getChars() !== '' || cell.getWidth() === 0) continue;
      const { _line } = line as unknown as { _line: { setCell(x: number, cell: IBufferCell): void } };
      _line.setCell(0, Object.assign(cell, { content: SPACE }));
    }
  };
  fill(buffer.normal);
  fill(buffer.alternate);
}

/** Returns the serializer's output `made` of `terminal`, completed. */
export function completeCopy(terminal: NodeTerminal, made: string): string {
  const serialized = made.replace(NO_MOVE, '');
  const core = coreOf(terminal);
  const alternate = terminal.buffer.active.type === 'alternate';
  // Entering the alternate screen saves the cursor of the normal one, whose attributes and character set stay in force.
  const screens = alternate
    ? serialized.replace(
        ALTERNATE,
        `${region(core.buffers.normal, terminal.rows)}${savedCursor(core.buffers.normal)}${ALTERNATE}\x1b[m\x1b(B\x1b[2J`,
      )
    : serialized;
  const active = alternate ? core.buffers.alt : core.buffers.normal;
  return [
    screens,
    '\x1b[?6l\x1b[r\x1b[?7h\x1b[4l',
    colouredBlanks(terminal),
    tabStops(active, terminal.cols),
    `${savedCursor(active)}\x1b7`,
    region(active, terminal.rows),
    core.coreService.decPrivateModes.origin ? '\x1b[?6h' : '',
    terminal.modes.wraparoundMode ? '' : '\x1b[?7l',
    terminal.modes.insertMode ? '\x1b[4h' : '',
    modes(terminal),
    cursor(terminal, core, active),
    terminal.options.convertEol === true ? '\x1b[20h' : '',
    terminal.modes.synchronizedOutputMode ? '\x1b[?2026h' : '',
  ].join('');
}

/** Returns the modes that the emulator's API hides. */
export function otherModes(terminal: NodeTerminal): [boolean, string][] {
  const { buffers, _charsetService: charsets } = coreOf(terminal);
  const { scrollTop, scrollBottom } = terminal.buffer.active.type === 'alternate' ? buffers.alt : buffers.normal;
  return [
    [scrollTop > 0 || scrollBottom < terminal.rows - 1, 'scrolling region'],
    [charsets.charset !== undefined || charsets.glevel > 0, 'character set'],
  ];
}

function coreOf(terminal: InstanceType<typeof headless.Terminal>): Core {
  return (terminal as unknown as { _core: Core })._core;
}

/** Position, attributes and character set that DECSC saved. */
function savedCursor({ savedX, savedY, ybase, savedCurAttrData, savedCharset }: CoreBuffer): string {
  const row = Math.max(savedY - ybase, 0);
  return `\x1b[${row + 1};${savedX + 1}H\x1b[${sgrOf(savedCurAttrData)}m\x1b(${designator(savedCharset)}`;
}

/** Paints rows with cells that were erased in a colour: the serializer loses some of those. */
function colouredBlanks(terminal: NodeTerminal): string {
  const { active } = terminal.buffer;
  let painted = '';
  for (let y = 0; y < terminal.rows; y++) {
    const line = active.getLine(active.baseY + y);
    const cells = Array.from({ length: terminal.cols }, (_, x) => line?.getCell(x));
    if (!cells.some((cell) => cell?.getChars() === '' && cell.getWidth() === 1 && sgrOf(cell) !== '0')) continue;
    painted += cells
      .map((cell, x) => {
        if (cell === undefined || cell.getWidth() === 0) return '';
        const sgr = sgrOf(cell);
        // Erasing sets a cell's background only.
        const blank = /^0(;48|$)/.test(sgr) ? '\x1b[X' : ' ';
        return `\x1b[${y + 1};${x + 1}H\x1b[${sgr}m${cell.getChars() || blank}`;
      })
      .join('');
  }
  return painted;
}

function region({ scrollTop, scrollBottom }: CoreBuffer, rows: number): string {
  return scrollTop === 0 && scrollBottom === rows - 1 ? '' : `\x1b[${scrollTop + 1};${scrollBottom + 1}r`;
}

function tabStops({ tabs }: CoreBuffer, cols: number): string {
  const stops = Array.from({ length: cols }, (_, x) => x).filter((x) => tabs[x] === true);
  if (stops.every((x) => x % 8 === 0) && stops.length === Math.ceil(cols / 8)) return '';
  return `\x1b[3g${stops.map((x) => `\x1b[${x + 1}G\x1bH`).join('')}`;
}

function modes({ nodeModes }: NodeTerminal): string {
  return [
    nodeModes.cursorVisible ? '' : '\x1b[?25l',
    nodeModes.cursorShape > 0 ? `\x1b[${nodeModes.cursorShape} q` : '',
    nodeModes.mouseEncoding === 'sgr' ? '\x1b[?1006h' : '',
  ].join('');
}

function cursor(terminal: NodeTerminal, core: Core, { scrollTop }: CoreBuffer): string {
  const { buffer, cols, modes: set } = terminal;
  const { cursorX, cursorY, baseY } = buffer.active;
  const { _charsetService: charsets, _inputHandler: input } = core;
  const row = cursorY - (core.coreService.decPrivateModes.origin ? scrollTop : 0) + 1;
  const to = (x: number): string => `\x1b[${row};${x + 1}H`;
  const style = [
    `\x1b[${sgrOf(input._curAttrData)}m`,
    // A restored cursor restores its character set, whatever is designated.
    ...Array.from(DESIGNATORS, (sign, g) => {
      const set = g === charsets.glevel ? charsets.charset : charsets._charsets[g];
      return `\x1b${sign}${designator(set)}`;
    }),
    charsets.glevel === 1 ? '\x0e' : charsets.glevel === 2 ? '\x1bn' : charsets.glevel === 3 ? '\x1bo' : '\x0f',
  ].join('');
  // A wrap is due, or the last character may be repeated or get a mark: it is printed once more in place.
  const last = lastCell(terminal, baseY + cursorY, cursorX);
  const goesOn = input._parser.precedingJoinState !== 0;
  const due = cursorX >= cols;
  if (last === null || (!due && !goesOn)) return `${style}${to(Math.min(cursorX, cols - 1))}`;
  // In insert mode it goes where it is deleted first: the rest of the line moves back and forth.
  const removed = set.insertMode ? `\x1b[${cursorX - last.x}P` : '';
  if (goesOn) return `${style}${to(last.x)}${removed}${last.chars}`;
  const [over, insert] = set.insertMode ? ['\x1b[4l', '\x1b[4h'] : ['', ''];
  return `${to(last.x)}\x1b[${last.sgr}m${over}${last.chars}${insert}${style}`;
}

/** Returns the character before column `x`; null: none. */
function lastCell(terminal: NodeTerminal, y: number, x: number): { x: number; chars: string; sgr: string } | null {
  const line = terminal.buffer.active.getLine(y);
  for (let at = x - 1; at >= Math.max(0, x - 2); at--) {
    const cell: IBufferCell | undefined = line?.getCell(at);
    if (cell === undefined) return null;
    if (cell.getWidth() > 0) return { x: at, chars: cell.getChars() || ' ', sgr: sgrOf(cell) };
  }
  return null;
}

let known: Map<Charset | undefined, string> | null = null;

/**
 * Returns the final character that designates this set. The tables are the emulator's own, so each is designated
 * once.
 */
function designator(charset: Charset | undefined): string {
  if (known === null) {
    known = new Map();
    const terminal = new headless.Terminal({ cols: 2, rows: 1, logLevel: 'off', allowProposedApi: true });
    const { _charsetService } = coreOf(terminal);
    const { _core } = terminal as unknown as { _core: { _inputHandler: { selectCharset(code: string): void } } };
    for (const final of '0A4C5RfQKYE6ZH7=') {
      _core._inputHandler.selectCharset(`(${final}`);
      const table = _charsetService._charsets[0];
      if (table !== undefined && !known.has(table)) known.set(table, final);
    }
    terminal.dispose();
  }
  return known.get(charset) ?? 'B';
}
