/**
 * Converts cells of a node's screen for the operator's terminal. An emulator's cell may hold any number of code points;
 * terminals disagree on how wide some of them are, and some change the direction of everything beside them. Pure.
 */
import type { IBufferCell } from '@xterm/headless';
import { removeHidden } from '../lib/control-chars.ts';
import { agreedColumns } from './widths.ts';

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

/** A cell as it is to be on the operator's terminal. */
export interface PaintedCell {
  text: string;
  width: number;
  /** Parameters of SGR that set exactly its attributes. */
  sgr: string;
  /** True where terminals may disagree on the columns that its text fills. */
  disputed: boolean;
  /** True for a cell that is not the node's: no mark of the cell to its right stays on it. */
  foreign?: boolean;
}

/** Returns whether terminals may disagree on the columns of a cell's text; `width` is the emulator's. */
export function isDisputed(text: string, width: number): boolean {
  // Shortcut, as above.
  return !(width === 1 && text.length === 1 && text < '\x7f') && agreedColumns(text) !== width;
}

/**
 * Returns the sequences that paint cells side by side from column `x` (from 0) on, where the cursor is, and the style
 * in which they end; `style` is the one before. Disputed cells are blanked first, since a terminal may put a text onto
 * the cell to its left or fill only half of its own. Then the cursor is placed before each and behind the last one,
 * since a terminal may fill more: that one cell looks wrong, its neighbours stay in place. A blank to the right of the
 * last one is left to it.
 */
export function paintCells(cells: readonly PaintedCell[], x: number, style: string): { text: string; style: string } {
  let painted = '';
  let at = x;
  const dress = (sgr: string): string => {
    if (sgr === style) return '';
    style = sgr;
    return `\x1b[${sgr}m`;
  };
  for (let i = 0; i < cells.length;) {
    const cell = cells[i];
    if (cell === undefined) break;
    painted += dress(cell.sgr);
    if (!cell.disputed) {
      painted += cell.text;
      at += cell.width;
      i++;
      continue;
    }
    let end = i;
    while (cells[end]?.disputed === true && cells[end]?.sgr === cell.sgr) end++;
    const run = cells.slice(i, end);
    const room = run.at(-1)?.width === 1 && cells[end]?.text === ' ' && cells[end]?.sgr === cell.sgr ? 1 : 0;
    const columns = run.reduce((sum, { width }) => sum + width, room);
    painted += ' '.repeat(columns);
    let column = at;
    for (const { text, width } of run) {
      painted += `${toColumn(column)}${text}`;
      column += width;
    }
    const left = cells[i - 1];
    if (left?.foreign === true) painted += `${toColumn(at - left.width)}${dress(left.sgr)}${left.text}`;
    at += columns;
    painted += toColumn(at);
    i = end + room;
  }
  return { text: painted, style };
}

const toColumn = (x: number): string => `\x1b[${x + 1}G`;

/** The attributes that the emulator's cells and its pen have in common. */
export type Attributes = Pick<
  IBufferCell,
  | 'isAttributeDefault'
  | ('isBold' | 'isDim' | 'isItalic' | 'isUnderline' | 'isBlink' | 'isInverse' | 'isInvisible' | 'isStrikethrough')
  | ('isOverline' | 'isFgPalette' | 'isFgRGB' | 'getFgColor' | 'isBgPalette' | 'isBgRGB' | 'getBgColor')
>;

/** The members of xterm's cells, and of its pen, about underlines, which its types leave out. */
interface Underlined {
  getUnderlineStyle(): number;
  getUnderlineColor(): number;
  isUnderlineColorDefault(): boolean;
  isUnderlineColorRGB(): boolean;
}

/** A colour with this bit has 24 bits, others are numbers of the palette. */
export const RGB = 0x1000000;

/** Returns SGR's style of a cell's underline, 1 to 5, and its colour; null: that of the text. */
export function underlineOf(cell: Attributes): { style: number; colour: number | null } {
  const lined = cell as unknown as Underlined;
  const rgb = lined.isUnderlineColorRGB() ? RGB : 0;
  return {
    style: lined.getUnderlineStyle(),
    colour: lined.isUnderlineColorDefault() ? null : rgb | lined.getUnderlineColor(),
  };
}

/** Returns the parameters of SGR that set exactly these attributes. */
export function sgrOf(cell: Attributes): string {
  if (cell.isAttributeDefault()) return '0';
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
