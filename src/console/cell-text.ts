/**
 * What a cell of a node's screen puts on the operator's terminal. An emulator's cell may hold any number of code points;
 * terminals disagree on how wide some of them are, and some change the direction of everything beside them. Pure.
 */
import type { IBufferCell } from '@xterm/headless';
import { removeHidden } from '../lib/control-chars.ts';

/** Marks on one character beyond this are no writing: they would be paid for in every frame. */
const MARKS = 6;

/** A cell's characters as they may be shown; a blank where nothing of them may. */
export function cellText(chars: string): string {
  // Nearly every cell is one printable character of ASCII.
  if (chars.length === 1 && chars >= ' ' && chars < '\x7f') return chars;
  const clean = removeHidden(chars);
  if (clean.length <= 2) return clean || ' ';
  return Array.from(clean)
    .slice(0, 1 + MARKS)
    .join('');
}

/**
 * The character with the cursor set where the next cell begins, because a terminal may take an emoji or a mark for
 * wider or narrower than the emulator does: then a cell looks odd, and none beside it moves. `x` counts from 0.
 */
export function anchored(ch: string, x: number, wide: boolean): string {
  if (!wide && ch.length <= 1) return ch;
  const column = (n: number): string => `\x1b[${n + 1}G`;
  // Both cells are blanked first: where the terminal fills only one, nothing old stays in the other.
  return wide ? `  ${column(x)}${ch}${column(x + 2)}` : `${ch}${column(x + 1)}`;
}

/** What both the emulator's cells and its pens tell of how they look. */
export type Attributes = Pick<
  IBufferCell,
  | ('isBold' | 'isDim' | 'isItalic' | 'isUnderline' | 'isBlink' | 'isInverse' | 'isInvisible' | 'isStrikethrough')
  | ('isOverline' | 'isFgPalette' | 'isFgRGB' | 'getFgColor' | 'isBgPalette' | 'isBgRGB' | 'getBgColor')
>;

/** Parameters of SGR that give a terminal just these attributes. */
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
