/**
 * Paints the cells that blessed cannot: those with colours or lines that its cells do not hold, and those about whose
 * width terminals disagree, with the neighbours that such a character may cover on the operator's terminal. They are
 * painted past blessed, which holds a constant in their place.
 */
import { isDisputed, type PaintedCell, paintCells } from '../../console/cells.ts';
import { mostColumns } from '../../console/widths.ts';
import type { Frame } from '../canvas/frame.ts';
import { type Abilities, isShown } from './abilities.ts';

/** What is to be done with a cell in this frame. */
export const KEEP = 0;
/** Blessed writes it where it differs. */
export const DIFFERS = 1;
/** Blessed writes it in any case: something else was there. */
export const REPAINT = 2;
/** It is painted here. */
export const DIRECT = 3;

/** For each column of a row, the first column of the group that it is painted with; −1: none. Null: no groups. */
type Groups = Int16Array | null;

export class DirectCells {
  readonly #sgr: (frame: Frame, index: number) => string;
  readonly #can: Abilities;
  /** Groups of each row of the last frame. */
  #shown: Groups[] = [];
  #painted = '';

  /** `sgr` returns the parameters of SGR for a cell. */
  constructor(sgr: (frame: Frame, index: number) => string, can: Abilities) {
    this.#sgr = sgr;
    this.#can = can;
  }

  /** Forgets the last frame: the screen was cleared. */
  reset(): void {
    this.#shown = [];
  }

  /**
   * Takes a row whose cells `todo` marks as {@link DIFFERS}, and marks those that are painted here and those that
   * blessed has to repaint.
   */
  row(frame: Frame, y: number, todo: Uint8Array): void {
    const before = this.#shown[y] ?? null;
    const groups = groupsOf(frame, y);
    this.#shown[y] = groups;
    const { cols, details } = frame;
    if (before === null && groups === null && details.size === 0) return;
    if (before !== null) spread(before, todo);
    if (groups !== null) spread(groups, todo);
    const row = y * cols;
    const direct = (x: number): boolean =>
      x < cols && todo[x] !== KEEP && ((groups?.[x] ?? -1) >= 0 || isShown(details.get(row + x), this.#can));
    // A wide character is painted as a whole.
    for (let x = 1; x < cols; x++)
      if (frame.isHalf(row + x) && direct(x) && todo[x - 1] === KEEP) todo[x - 1] = REPAINT;
    for (let x = 0; x < cols; x++) {
      if (!direct(x)) continue;
      const from = x;
      while (direct(x)) todo[x++] = DIRECT;
      this.#paint(frame, y, from, x);
    }
  }

  /** Returns what was painted since the last call. */
  take(): string {
    const painted = this.#painted;
    this.#painted = '';
    return painted;
  }

  #paint(frame: Frame, y: number, from: number, to: number): void {
    const cells: PaintedCell[] = [];
    for (let x = from; x < to; x++) {
      const i = y * frame.cols + x;
      const text = frame.charAt(i);
      if (text === '') continue;
      const width = widthOf(frame, i, x);
      cells.push({
        text,
        width,
        sgr: this.#sgr(frame, i),
        disputed: isDisputed(text, width),
        foreign: text !== ' ' && typeof frame.inkAt(i) !== 'number',
      });
    }
    const { text, style } = paintCells(cells, from, '0');
    this.#painted += `\x1b[${y + 1};${from + 1}H${text}${style === '0' ? '' : '\x1b[m'}`;
  }
}

function widthOf(frame: Frame, i: number, x: number): number {
  return x + 1 < frame.cols && frame.isHalf(i + 1) ? 2 : 1;
}

/** Groups the disputed cells of a row with what they may cover. */
function groupsOf(frame: Frame, y: number): Groups {
  const { cols } = frame;
  const row = y * cols;
  let groups: Groups = null;
  /** First column of the last group, and the column after it. */
  let first = 0;
  let end = 0;
  for (let x = 0; x < cols; x++) {
    // Shortcut: nearly every cell is.
    if (frame.isAgreed(row + x)) continue;
    const text = frame.charAt(row + x);
    if (text.length <= 1 && text < '\x7f') continue;
    const width = widthOf(frame, row + x, x);
    if (!isDisputed(text, width)) continue;
    groups ??= new Int16Array(cols).fill(-1);
    let from = Math.max(0, x - 1);
    if (frame.isHalf(row + from) && from > 0) from--;
    if (from >= end) first = end = from;
    let to = Math.min(cols, x + Math.max(width, mostColumns(text)));
    if (to < cols && frame.isHalf(row + to)) to++;
    groups.fill(first, end, to);
    end = Math.max(end, to);
  }
  return groups;
}

/** Marks all cells of each group in which one is marked: it is painted as a whole. */
function spread(groups: Int16Array, todo: Uint8Array): void {
  for (let x = 0; x < groups.length; x++) {
    const first = groups[x] ?? -1;
    if (first < 0 || first !== x) continue;
    let end = x;
    let any = false;
    while (groups[end] === first) any = todo[end++] !== KEEP || any;
    if (any) todo.fill(REPAINT, first, end);
  }
}
