/** Places the parts of the detail pane in any rectangle. Pure. */
import type { Rect } from '../canvas/frame.ts';

export interface DetailLayout {
  /** A border to the left, or a rule above where the pane is under another one. */
  border: 'left' | 'above';
  /** Identity and facts. In a narrow pane everything, from top to bottom. */
  main: Rect;
  /** Charts and the parts after them, where there is room beside. */
  side: Rect | null;
}

/** Least columns for charts beside the identity. */
const TWO_COLUMNS = 66;
/** Columns of a chart's scale: `255 `. */
export const SCALE = 4;

export function detailLayout(rect: Rect): DetailLayout {
  const above = rect.x === 0;
  const inner = above
    ? { x: rect.x + 1, y: rect.y + 1, width: rect.width - 2, height: rect.height - 1 }
    : { x: rect.x + 2, y: rect.y, width: rect.width - 3, height: rect.height };
  const border = above ? 'above' : 'left';
  if (inner.width < TWO_COLUMNS) return { border, main: inner, side: null };
  const width = Math.floor(inner.width / 2) - 1;
  const side = { ...inner, x: inner.x + width + 2, width: inner.width - width - 2 };
  return { border, main: { ...inner, width }, side };
}

/** Returns the columns of a chart's line. */
export function chartColumns(rect: Rect): number {
  const { main, side } = detailLayout(rect);
  return Math.max(1, (side ?? main).width - SCALE);
}
