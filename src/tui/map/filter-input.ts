/** The filter of `/`, typed in the footer while the map follows each letter; and its terms as chips. Pure. */
import { type Address, formatAddress } from '../../rack/address.ts';
import { paintSentence } from '../canvas/box.ts';
import { type Frame, type Rect, type Span, spansWidth } from '../canvas/frame.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { step, type Step, withNotice } from '../model/events.ts';
import { nameOf, type State } from '../model/state.ts';
import { closed, type KeyPress, type OverlayType, typedInto } from '../overlays/overlay.ts';
import { filterProblem, shownNodes, termsOf } from './filter.ts';

interface FilterLine {
  kind: 'filter';
  /** Former filter and cursor, restored by Escape. */
  before: string;
  cursor: Address;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    filter: FilterLine;
  }
}

export const FILTER: OverlayType<FilterLine> = {
  kind: 'filter',
  sections: [{ context: 'filter', title: 'Filter', where: 'in the filter', typed: true }],
  keys: [
    { context: 'filter', keys: ['enter'], command: 'accept', hint: 'keep', help: 'keep the filter' },
    { context: 'filter', keys: ['escape'], command: 'cancel', hint: 'cancel', help: 'restore the previous filter' },
  ],
  open: (state) => step({ ...state, overlay: { kind: 'filter', before: state.filter, cursor: state.cursor } }),
  onKey,
  paintFooter,
};

function onKey(state: State, line: FilterLine, { name }: KeyPress): Step {
  switch (bindingOf(state, 'filter', name)?.command) {
    case 'cancel':
      return step({ ...closed(state), filter: line.before, cursor: line.cursor });
    case 'accept': {
      const filter = state.filter.trim();
      if (shownNodes(state).length > 0) return step({ ...closed(state), filter });
      const before: State = { ...closed(state), filter: line.before, cursor: line.cursor };
      const why = filterProblem(filter, state) ?? `no node matches "${filter}"`;
      return step(withNotice(before, 'warning', `${why}${why.endsWith('?') ? ' The' : '; the'} filter is unchanged`));
    }
    default: {
      const filter = typedInto(state.filter, name);
      return step(filter === null ? state : withCursor({ ...state, filter }));
    }
  }
}

/** Moves the cursor while the operator types to the node that the last word fits best, so that `/` and Enter jump. */
function withCursor(state: State): State {
  const shown = shownNodes(state);
  const word = state.filter.toLowerCase().split(/\s+/).at(-1) ?? '';
  const names = (addr: Address): boolean =>
    formatAddress(addr) === word || nameOf(state, addr).toLowerCase().startsWith(word);
  const best = word === '' ? undefined : shown.find(names);
  return { ...state, cursor: best ?? (shown.includes(state.cursor) ? state.cursor : (shown[0] ?? state.cursor)) };
}

/** Paints the chips of a filter and the number of nodes that it leaves; returns the column after them. */
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

/** `filter: role:worker !off      5 of 24`: the filter is typed here. */
function paintFooter(frame: Frame, footer: Rect, state: State): void {
  const { x, y, width, height } = footer;
  const problem = filterProblem(state.filter, state);
  if (problem !== null) paintSentence(frame, { ...footer, y: y - 1 }, problem, 'warn');
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
  // Examples, as many as fit; the typed words come first.
  let hints = '';
  for (const hint of HINTS) if (at + hints.length + hint.length + 4 < x + room) hints += ` ${hint}`;
  frame.text(x + 1 + room - hints.length, y, hints, 'dim');
  frame.spans(x + 1 + room, y, count);
}
