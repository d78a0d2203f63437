/**
 * Paints a chart of one series: its scale at the left, a line of dots (or bars, where there are none), gaps as
 * gaps.
 */
import type { Frame, InkRole, Rect } from '../canvas/frame.ts';
import { barRows, type Glyphs, rangeOf } from '../canvas/glyphs.ts';
import { SCALE } from '../layout/detail-layout.ts';
import type { Dot, Plot } from '../terminal/plot.ts';

/** Least span of the scale: jitter of a few counts stays flat. */
const FLOOR = 16;

export interface Series {
  /** Two points a column; each has several values, of which a null one is also a gap. */
  points: readonly (readonly (number | null)[] | null)[];
  /** Index of the drawn value; `most`: index of its peak, if there is one. */
  mean: number;
  most?: number;
  /** Drawn units in one unit of the scale; 1 where absent. */
  per?: number;
  /** Upper limit of the scale: 100 for a percentage. */
  top?: number;
  ink: InkRole;
}

/** {@link Series} indexes for a node's points: mean and peak of the current, and the fan. */
export const CURRENT = { mean: 0, most: 1 } as const;
export const FAN = { mean: 2 } as const;

/** Fills `rect`. The scale is the series' own and is shown beside it, because it seldom begins at zero. */
export function paintChart(frame: Frame, rect: Rect, series: Series, plot: Plot | null, g: Glyphs): void {
  const { points, ink, per = 1 } = series;
  const { x, y, width, height } = rect;
  const columns = width - SCALE;
  const valueAt = (point: Series['points'][number], index: number): number | null => {
    const value = point?.[index] ?? null;
    return value === null ? null : value / per;
  };
  const shown = points.slice(-columns * 2).map((point) => {
    const mean = valueAt(point, series.mean);
    return mean === null ? null : { mean, most: valueAt(point, series.most ?? series.mean) ?? mean };
  });
  const known = shown.filter((point) => point !== null);
  if (known.length === 0) {
    frame.text(x + SCALE, y + height - 1, g.gap.repeat(columns), 'dim');
    return;
  }
  const { low, high } = scaleOf(
    Math.min(...known.map(({ mean }) => mean)),
    Math.max(...known.map(({ most }) => most)),
    series.top,
  );
  frame.text(x, y, String(high).padStart(SCALE - 1), 'dim');
  frame.text(x, y + height - 1, String(low).padStart(SCALE - 1), 'dim');
  const lead = columns * 2 - shown.length;
  if (plot === null) {
    paintBars(
      frame,
      { x: x + SCALE, y, width: columns, height },
      shown.map((point) => point && point.mean),
      ink,
      g,
    );
    return;
  }
  const signs = oncePer(points, `${series.mean} ${columns}x${height}`, () => {
    const dots = height * 4 - 1;
    const at = (i: number, value: number): Dot => ({
      x: lead + i,
      y: Math.round(dots - ((value - low) / (high - low)) * dots),
    });
    const strokes: Dot[][] = [];
    shown.forEach((point, i) => {
      if (point === null) return;
      const dot = at(i, point.mean);
      // The line continues only from its neighbour; a peak within the step rises from it.
      if (i > 0 && shown[i - 1] !== null) strokes.at(-1)?.push(dot);
      else strokes.push([dot]);
      if (point.most - point.mean >= 1) strokes.at(-1)?.push(at(i, point.most), dot);
    });
    return plot(columns, height, strokes);
  });
  signs.forEach((line, row) => {
    frame.text(x + SCALE, y + row, line, ink);
  });
  // A column without an answer is marked at its foot.
  for (let column = 0; column < columns; column++)
    if ([0, 1].every((half) => (shown[column * 2 + half - lead] ?? null) === null))
      frame.put(x + SCALE + column, y + height - 1, g.gap, 'dim');
}

const drawn = new WeakMap<Series['points'], Map<string, string[]>>();

/** Draws once for the same points: they stand for seconds, and frames come several times a second. */
function oncePer(points: Series['points'], size: string, draw: () => string[]): string[] {
  const known = drawn.get(points) ?? new Map<string, string[]>();
  drawn.set(points, known);
  const signs = known.get(size) ?? draw();
  known.set(size, signs);
  return signs;
}

/**
 * Returns whole counts, at least {@link FLOOR} of them, a steady line in the middle, never below zero nor above
 * `top`.
 */
function scaleOf(low: number, high: number, top = Infinity): { low: number; high: number } {
  const spare = Math.max(0, FLOOR - (high - low)) / 2;
  if (high + spare > top) return { low: Math.max(0, Math.min(Math.floor(low), top - FLOOR)), high: top };
  const bottom = Math.max(0, Math.floor(low - spare));
  return { low: bottom, high: Math.max(bottom + FLOOR, Math.ceil(high + spare)) };
}

/** Paints bars of two points each. */
function paintBars(
  frame: Frame,
  { x, y, width, height }: Rect,
  values: readonly (number | null)[],
  ink: InkRole,
  g: Glyphs,
): void {
  const bars: (number | null)[] = [];
  for (let i = values.length % 2; i < values.length; i += 2) bars.push(values[i + 1] ?? values[i] ?? null);
  barRows(bars, width, height, rangeOf(bars, FLOOR), g).forEach((row, line) => {
    frame.text(x, y + line, row, ink);
  });
}
