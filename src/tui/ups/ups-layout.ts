/** Where the charts of the supply pane stand, for a terminal of this size. Pure. */
import type { Rect } from '../canvas/frame.ts';
import { SCALE } from '../layout/detail-layout.ts';
import type { State } from '../model/state.ts';

/** Columns of the pane's box, and the room inside it. */
export const SUPPLY_WIDTH = 124;
const EDGE = 4;
/** Columns between two charts, and the least that a chart is given. */
const GAP = 2;
const LEAST = 34;
/** Values of a UPS with a chart each, the most telling first. */
const CHARTS = 3;

/** Widths side by side, each with its scale. */
export function supplyCharts({ size }: Pick<State, 'size'>): number[] {
  const room = Math.min(SUPPLY_WIDTH, size.cols - 2) - EDGE;
  const count = Math.max(1, Math.min(CHARTS, Math.floor((room + GAP) / (LEAST + GAP))));
  return Array.from({ length: count }, () => Math.floor((room - (count - 1) * GAP) / count));
}

/** Points that fill a chart: two a column. */
export function supplyPoints(state: Pick<State, 'size'>): number {
  return Math.max(2, ((supplyCharts(state)[0] ?? LEAST) - SCALE) * 2);
}

/** The `index`th chart of a row of them that begins at the left of `row`. */
export function chartAt(row: Rect, widths: readonly number[], index: number): Rect {
  const width = widths[index] ?? 0;
  return { ...row, x: row.x + index * (width + GAP), width };
}
