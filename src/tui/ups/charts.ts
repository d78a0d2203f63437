/** Lists the UPSes of the supply pane, and places their charts for a terminal of this size. Pure. */
import type { OutageView, UpsReading } from '../../api/outage.ts';
import type { Rect } from '../canvas/frame.ts';
import { SCALE } from '../layout/detail-layout.ts';
import { SPAN_MS, type State } from '../model/state.ts';

/** Columns of the pane's box, and the room inside it. */
export const SUPPLY_WIDTH = 124;
const EDGE = 4;
/** Columns between two charts, and the least columns of a chart. */
const GAP = 2;
const LEAST = 34;
/** Values of a UPS with a chart each, the most important first. */
const CHARTS = 3;

/** Returns each UPS with its policy; a policy without any has one entry, for reports of other software. */
export function listedUpses({ outage }: State): { view: OutageView; ups: UpsReading | null }[] {
  return outage.policies.flatMap((view) => (view.ups.length === 0 ? [null] : view.ups).map((ups) => ({ view, ups })));
}

/** Returns the widths of the charts side by side, each with its scale. */
export function supplyCharts({ size }: Pick<State, 'size'>): number[] {
  const room = Math.min(SUPPLY_WIDTH, size.cols - 2) - EDGE;
  const count = Math.max(1, Math.min(CHARTS, Math.floor((room + GAP) / (LEAST + GAP))));
  return Array.from({ length: count }, () => Math.floor((room - (count - 1) * GAP) / count));
}

/** Returns the number of points that fill a chart: two a column. */
export function supplyPoints(state: Pick<State, 'size'>): number {
  return Math.max(2, ((supplyCharts(state)[0] ?? LEAST) - SCALE) * 2);
}

/** Returns the `index`th chart of a row of them that begins at the left of `row`. */
export function chartAt(row: Rect, widths: readonly number[], index: number): Rect {
  const width = widths[index] ?? 0;
  return { ...row, x: row.x + index * (width + GAP), width };
}

/** The server keeps one value for each slot of this length, ms. */
const SLOT_MS = 2_000;

/** Returns the length of one of the charts' points, ms. */
export function upsStep(state: State): number {
  return Math.max(1, Math.ceil(SPAN_MS[state.view.span] / supplyPoints(state) / SLOT_MS)) * SLOT_MS;
}
