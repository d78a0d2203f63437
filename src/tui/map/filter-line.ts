/** The filter as one sees it: its words as chips, how many nodes it leaves, and the line in which it is typed. */
import { type Frame, type Rect, type Span, spansWidth } from '../canvas/frame.ts';
import type { State } from '../model/state.ts';
import { shownNodes, termsOf } from './filter.ts';

/** Paints the chips of a filter and how many nodes it leaves; returns the column behind them. */
export function paintChips(frame: Frame, x: number, y: number, state: State, width: number): number {
  const right = x + width;
  let at = x;
  for (const { label } of termsOf(state.filter)) {
    const chip = ` ${label} `;
    const end = frame.text(at, y, chip, 'key', right - at);
    frame.ground({ x: at, y, width: end - at, height: 1 }, 'button');
    at = end + 1;
  }
  return frame.spans(
    at,
    y,
    [
      [countOf(state), 'title'],
      ['  ', 'text'],
    ],
    Math.max(0, right - at),
  );
}

const countOf = (state: State): string => `${shownNodes(state).length} of ${state.rack.nodes.length}`;

const HINTS = ['role:worker', 'state:off', '!protected', 'current>40', 'alarm:fan', 'cluster:dev|prod'];

/** `filter: role:worker !off      5 of 24`: the words are typed here. */
export function paintFilterLine(frame: Frame, { x, y, width, height }: Rect, state: State): void {
  frame.clear({ x, y, width, height }, 'bar');
  const count: Span[] = [[` ${countOf(state)}`, shownNodes(state).length === 0 ? 'warn' : 'title']];
  const room = width - 2 - spansWidth(count);
  const at = frame.spans(
    x + 1,
    y,
    [
      ['filter: ', 'key'],
      [state.filter, 'text'],
    ],
    room,
  );
  frame.cursor = { x: at, y };
  // Examples, as many as there is room for; the words that are typed come first.
  let hints = '';
  for (const hint of HINTS) if (at + hints.length + hint.length + 4 < x + room) hints += ` ${hint}`;
  frame.text(x + 1 + room - hints.length, y, hints, 'dim');
  frame.spans(x + 1 + room, y, count);
}
