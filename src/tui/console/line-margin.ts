/** Shows when each line of a console arrived, in a margin left of the node's cells. Pure. */
import type { LineTimes } from '../../console/line-times.ts';
import { formatAge } from '../canvas/glyphs.ts';
import { withPaneNotice } from '../model/events.ts';
import type { State } from '../model/state.ts';

type LineTimesShown = State['pane']['times'];

/** Columns of the margin, the blank beside the node's cells included; its text is right-aligned. */
const WIDTHS: Record<LineTimesShown, number> = { off: 0, clock: 13, age: 8, step: 10 };
/** Columns that the node's cells keep; a narrower pane has no margin. */
const LEAST = 20;

const NEXT: Record<LineTimesShown, readonly [next: LineTimesShown, text: string]> = {
  off: ['clock', 'lines with the time at which they came (UTC, as in the log)'],
  clock: ['age', 'lines with their age'],
  age: ['step', 'lines with the seconds since the line before'],
  step: ['off', 'lines without times'],
};

/** Shows the next kind of time, or none. */
export function withNextTimes(state: State): State {
  const [times, text] = NEXT[state.pane.times];
  return withPaneNotice({ ...state, pane: { ...state.pane, times } }, 'info', text);
}

/** Returns the columns of the margin in a pane of this width. */
export function marginWidth({ pane }: State, width: number): number {
  const margin = WIDTHS[pane.times];
  return width - margin < LEAST ? 0 : margin;
}

/** Returns the text beside line `y`; empty where there is no time, as on the alternate screen. */
export function lineTimeText(state: State, lines: Pick<LineTimes, 'of' | 'sinceLast'>, y: number): string {
  const { times } = state.pane;
  const value = times === 'step' ? lines.sinceLast(y) : lines.of(y);
  const text = value === undefined ? '' : value === null ? 'unknown' : format(state, times, value);
  return text.padStart(WIDTHS[times] - 1);
}

function format({ now, dateAhead }: State, times: LineTimesShown, value: number): string {
  if (times === 'clock') return new Date(value + dateAhead).toISOString().slice(11, 23);
  if (times === 'age') return formatAge(Math.max(0, now - value));
  return value < 10_000_000 ? `+${(value / 1000).toFixed(3)}` : `+${formatAge(value)}`;
}
