/** The list of the table's columns: each is shown or hidden. Pure. */
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { step, type Step } from '../model/events.ts';
import type { State } from '../model/state.ts';
import type { Overlay } from '../model/overlays.ts';
import type { ColumnId, FleetColumnId } from '../model/table.ts';
import { type KeyPress, type OverlayType, type PaintTools } from '../overlays/overlay.ts';
import { COLUMNS } from './columns.ts';

interface ColumnList {
  kind: 'columns';
  index: number;
  /** The overlay that it was opened from, shown again when it is closed; null: the table of one rack. */
  back: Overlay | null;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    columns: ColumnList;
  }
}

export const COLUMN_LIST: OverlayType<ColumnList> = {
  kind: 'columns',
  sections: [{ context: 'columns', title: 'Columns of the table', where: 'in the list of columns' }],
  keys: [
    { context: 'columns', keys: ['down', 'j', 'tab'], command: 'down', hint: 'next', help: 'next column' },
    { context: 'columns', keys: ['up', 'k', 'S-tab'], command: 'up', hint: null, help: 'previous column' },
    { context: 'columns', keys: ['space', 'enter'], command: 'accept', hint: 'show or hide', help: 'show or hide it' },
    { context: 'columns', keys: ['escape', 'q', 'C'], command: 'cancel', hint: 'close', help: 'close' },
  ],
  open: (state) => openColumnList(state, state.column, null),
  behind: ({ back }) => back,
  onKey,
  paint,
};

export function openColumnList(state: State, column: FleetColumnId, back: Overlay | null): Step {
  const index = Math.max(
    0,
    COLUMNS.findIndex(({ id }) => id === column),
  );
  return step({ ...state, overlay: { kind: 'columns', index, back } });
}

function onKey(state: State, list: ColumnList, { name }: KeyPress): Step {
  const to = (index: number): Step => step({ ...state, overlay: { ...list, index } });
  switch (bindingOf(state, 'columns', name)?.command) {
    case 'down':
      return to((list.index + 1) % COLUMNS.length);
    case 'up':
      return to((list.index + COLUMNS.length - 1) % COLUMNS.length);
    case 'accept':
      return toggled(state, COLUMNS[list.index]?.id ?? 'name');
    case 'cancel':
      return step({ ...state, overlay: list.back });
    default:
      return step(state);
  }
}

/** Shows or hides a column, for the next run too; the name always stays. */
function toggled(state: State, id: ColumnId): Step {
  if (id === 'name') return step(state);
  const { table } = state.view;
  const hides = !table.hidden.includes(id);
  const hidden = hides ? [...table.hidden, id] : table.hidden.filter((one) => one !== id);
  const sort = hides && table.sort?.column === id ? null : table.sort;
  const column = hides && state.column === id ? 'name' : state.column;
  const view = { ...state.view, table: { hidden, sort } };
  return step({ ...state, column, view }, { do: 'remember', view });
}

const WIDTH = 90;
/** Most columns of a title. */
const TITLE = 10;

const cut = (title: string, g: Glyphs): string =>
  title.length > TITLE ? `${title.slice(0, TITLE - 1)}${g.ellipsis}` : title;

function paint(frame: Frame, state: State, { index }: ColumnList, { g }: PaintTools): void {
  const { hidden } = state.view.table;
  const box = paintBox(frame, centred(frame, WIDTH, COLUMNS.length + 2), 'columns of the table', g);
  const from = Math.max(0, Math.min(index - Math.floor(box.height / 2), COLUMNS.length - box.height));
  COLUMNS.slice(from, from + box.height).forEach(({ id, title, about }, i) => {
    const y = box.y + i;
    const row = { x: box.x - 1, y, width: box.width + 2, height: 1 };
    if (from + i === index) frame.ground(row, 'selected');
    frame.target(row, { rows: from + i - index });
    const shows = !hidden.includes(id);
    frame.spans(
      box.x,
      y,
      [
        [shows ? '[x] ' : '[ ] ', shows ? 'key' : 'dim'],
        [cut(title, g).padEnd(TITLE + 1), shows ? 'text' : 'dim'],
        [id === 'name' ? `${about}; always shown` : about, 'dim'],
      ],
      box.width,
    );
  });
  const more = COLUMNS.length - box.height;
  if (more > 0) frame.text(box.x + box.width - 12, box.y + box.height, ` ${more} more `, 'key');
}
