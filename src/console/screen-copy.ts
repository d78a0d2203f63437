/**
 * Builds sequences that make an empty emulator of the same size equal to another one, for a client that joins a
 * console late: its lines with wraps and erased colours, modes, saved cursors, character sets, scrolling region, tab
 * stops, and a wrap that is due.
 */
import headless, { type IBuffer, type IBufferCell, type IBufferLine } from '@xterm/headless';
import { type Attributes, RGB, sgrOf, underlineOf } from './cells.ts';
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

const DESIGNATORS = '()*+';

/** Modes of mouse reports. */
const MOUSE = { none: '', x10: '\x1b[?9h', vt200: '\x1b[?1000h', drag: '\x1b[?1002h', any: '\x1b[?1003h' } as const;

/** Returns the copy, with as many lines above the screen. */
export function copyOf(terminal: NodeTerminal, scrollback: number): string {
  const { normal, alternate, active } = terminal.buffer;
  const core = coreOf(terminal);
  const inAlternate = active.type === 'alternate';
  const state = inAlternate ? core.buffers.alt : core.buffers.normal;
  return [
    paintLines(terminal, normal, Math.max(0, normal.baseY - scrollback)),
    // Entering the alternate screen saves the cursor of the normal one, whose attributes and character set stay in force.
    inAlternate ? normalState(terminal, core.buffers.normal) : '',
    inAlternate ? `\x1b[?1049h\x1b[m\x1b(B\x1b[2J\x1b[H${paintLines(terminal, alternate, 0)}` : '',
    tabStops(state, terminal.cols),
    `${savedCursor(state)}\x1b7`,
    region(state, terminal.rows),
    core.coreService.decPrivateModes.origin ? '\x1b[?6h' : '',
    terminal.modes.wraparoundMode ? '' : '\x1b[?7l',
    terminal.modes.insertMode ? '\x1b[4h' : '',
    modes(terminal),
    cursor(terminal, core, state),
    terminal.options.convertEol === true ? '\x1b[20h' : '',
    terminal.modes.synchronizedOutputMode ? '\x1b[?2026h' : '',
  ].join('');
}

/** State of the normal screen that stays while a program uses the alternate one. */
function normalState(terminal: NodeTerminal, normal: CoreBuffer): string {
  return tabStops(normal, terminal.cols) + region(normal, terminal.rows) + savedCursor(normal);
}

/**
 * Paints the lines from `from` on into an empty screen, beginning at its first line. Lines scroll in the default
 * colours: a terminal fills a new line with the background that is set.
 */
function paintLines(terminal: NodeTerminal, buffer: IBuffer, from: number): string {
  const end = buffer.baseY + terminal.rows;
  let painted = '';
  for (let y = from; y < end; y++) {
    const goesOn = y + 1 < end && terminal.rows > 1 && buffer.getLine(y + 1)?.isWrapped === true;
    const line = buffer.getLine(y);
    const blank = goesOn ? marginOf(terminal, line) : null;
    painted += `${goesOn ? wrapFrom(terminal.cols, blank) : ''}${paintLine(terminal.cols - (blank === null ? 0 : 1), line)}`;
    if (y + 1 < end) painted += goesOn ? '\x1b[B\r' : '\r\n';
  }
  return painted;
}

/**
 * Makes the next line a wrapped one, by two blanks at the margin, which it erases; returns to the empty line. `blank`:
 * attributes of the cell that a wide character left empty there.
 */
function wrapFrom(cols: number, blank: string | null): string {
  if (blank !== null) return `\x1b[${cols}G\x1b[${blank}m中\r\x1b[m\x1b[${cols}X\x1b[A\r`;
  return `\x1b[${cols}G  \r\x1b[X\x1b[A\x1b[${cols}G\x1b[X\r`;
}

/** Returns the attributes of the last cell where it is empty and cannot be erased so; otherwise null. */
function marginOf({ cols }: NodeTerminal, line: IBufferLine | undefined): string | null {
  const cell = cols > 2 ? line?.getCell(cols - 1) : undefined;
  if (cell === undefined || cell.getChars() !== '' || cell.getWidth() !== 1) return null;
  const sgr = wholeSgr(cell);
  return sgr === '0' || ERASED.test(sgr) ? null : sgr;
}

/** Paints so many columns of a line from its first one on, where the cursor is; begins and ends in the default colours. */
function paintLine(cols: number, line: IBufferLine | undefined): string {
  let painted = '';
  let style = '0';
  /** Columns from the cursor to the next cell. */
  let ahead = 0;
  const moved = (): string => (ahead === 0 ? '' : `\x1b[${ahead}C`);
  for (let x = 0; x < cols; x++) {
    const cell = line?.getCell(x);
    if (cell === undefined || cell.getWidth() === 0) continue;
    const sgr = wholeSgr(cell);
    const chars = cell.getChars();
    if (chars === '' && sgr === '0') {
      ahead++;
      continue;
    }
    // A character behind a sequence is not joined to the one before it.
    const dress = sgr === style && !MAY_JOIN.test(chars) ? '' : `\x1b[${sgr}m`;
    style = sgr;
    if (chars === '' && ERASED.test(sgr)) {
      painted += `${moved()}${dress}\x1b[X`;
      ahead = 1;
      continue;
    }
    painted += `${moved()}${dress}${chars || ' '}`;
    ahead = 0;
    const last = coversWide(line, x + 1) ? line?.getCell(x + 1) : undefined;
    if (last === undefined) continue;
    style = wholeSgr(last);
    painted += `\x1b[?7l\x1b[${style}m${last.getChars() || ' '}\x1b[?7h`;
    break;
  }
  return style === '0' ? painted : `${painted}\x1b[m`;
}

/** Returns whether column `x` covers the right half of a wide character, as the last column does without wrap. */
function coversWide(line: IBufferLine | undefined, x: number): boolean {
  return line?.getCell(x - 1)?.getWidth() === 2 && (line.getCell(x)?.getWidth() ?? 0) > 0;
}

/** Characters that an emulator may put into the cell before them. */
const MAY_JOIN = /^[^\0-\u02ff]/u;
/** Erasing sets a cell's background only. */
const ERASED = /^0;48;(?:5;\d+|2;\d+;\d+;\d+)$/;

/** An attribute's extension as the emulator holds it; a colour of -1: that of the text. */
interface Extended {
  hasExtendedAttrs(): number;
  extended: { underlineColor: number };
}

/** Returns the parameters of SGR for exactly these attributes, with style and colour of an underline. */
function wholeSgr(cell: Attributes): string {
  const extension = cell as unknown as Extended;
  if (extension.hasExtendedAttrs() === 0) return sgrOf(cell);
  const { style, colour } = underlineOf(cell);
  const lined = style > 1 ? `;4:${style}` : '';
  if (colour === null || extension.extended.underlineColor === -1) return sgrOf(cell) + lined;
  const [red, green, blue] = [16, 8, 0].map((bits) => (colour >> bits) & 0xff);
  return `${sgrOf(cell)}${lined};58:${(colour & RGB) === 0 ? `5:${colour}` : `2::${red}:${green}:${blue}`}`;
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
  return `\x1b[${row + 1};${savedX + 1}H\x1b[${wholeSgr(savedCurAttrData)}m\x1b(${designator(savedCharset)}`;
}

function region({ scrollTop, scrollBottom }: CoreBuffer, rows: number): string {
  return scrollTop === 0 && scrollBottom === rows - 1 ? '' : `\x1b[${scrollTop + 1};${scrollBottom + 1}r`;
}

function tabStops({ tabs }: CoreBuffer, cols: number): string {
  const stops = Array.from({ length: cols }, (_, x) => x).filter((x) => tabs[x] === true);
  if (stops.every((x) => x % 8 === 0) && stops.length === Math.ceil(cols / 8)) return '';
  return `\x1b[3g${stops.map((x) => `\x1b[${x + 1}G\x1bH`).join('')}`;
}

function modes({ nodeModes, modes: set }: NodeTerminal): string {
  return [
    set.applicationCursorKeysMode ? '\x1b[?1h' : '',
    set.applicationKeypadMode ? '\x1b[?66h' : '',
    set.bracketedPasteMode ? '\x1b[?2004h' : '',
    set.reverseWraparoundMode ? '\x1b[?45h' : '',
    set.sendFocusMode ? '\x1b[?1004h' : '',
    MOUSE[set.mouseTrackingMode],
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
    `\x1b[${wholeSgr(input._curAttrData)}m`,
    // A restored cursor restores its character set, whatever is designated.
    ...Array.from(DESIGNATORS, (sign, g) => {
      const set = g === charsets.glevel ? charsets.charset : charsets._charsets[g];
      return `\x1b${sign}${designator(set)}`;
    }),
    charsets.glevel === 1 ? '\x0e' : charsets.glevel === 2 ? '\x1bn' : charsets.glevel === 3 ? '\x1bo' : '\x0f',
  ].join('');
  // A wrap is due, or the last character may be repeated or get a mark: it is printed once more in place.
  const last = lastCell(terminal, baseY + cursorY, cursorX);
  // One of other attributes was not printed last: without wrap a wide character at the margin is dropped.
  const goesOn = input._parser.precedingJoinState !== 0 && last?.sgr === wholeSgr(input._curAttrData);
  const due = cursorX >= cols;
  if (last === null || (!due && !goesOn)) return `${style}${to(Math.min(cursorX, cols - 1))}`;
  // In insert mode it goes where it is deleted first: the rest of the line moves back and forth.
  const removed = set.insertMode ? `\x1b[${cursorX - last.x}P` : '';
  const line = terminal.buffer.active.getLine(baseY + cursorY);
  if (due && coversWide(line, last.x)) {
    const wide = line?.getCell(last.x - 1);
    const mode = (on: boolean, number: string): string => `\x1b[${number}${on ? 'h' : 'l'}`;
    const under = wide === undefined ? '' : `\x1b[${wholeSgr(wide)}m${wide.getChars()}`;
    const over = `${mode(false, '?7')}\x1b[${last.sgr}m${last.chars}`;
    return `${to(last.x - 1)}${mode(false, '4')}${under}${over}${mode(set.wraparoundMode, '?7')}${mode(set.insertMode, '4')}${style}`;
  }
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
    if (cell.getWidth() > 0) return { x: at, chars: cell.getChars() || ' ', sgr: wholeSgr(cell) };
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
