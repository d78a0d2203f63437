/** The list of events of all racks, from a chosen level on. Pure. */
import type { EventRecord } from '../../api/methods.ts';
import { wrap } from '../../lib/words.ts';
import { centred, paintBox } from '../canvas/box.ts';
import { CUT, type Frame, spansWidth } from '../canvas/frame.ts';
import { rackSpans, toNodeOf } from '../fleet/racks.ts';
import { noEvents } from '../keymap/disabled-reasons.ts';
import { type Binding, bindingOf } from '../keymap/lookup.ts';
import { step, type Step } from '../model/events.ts';
import type { State } from '../model/state.ts';
import { eventSpans, type Level, LEVELS } from '../screen/event-lines.ts';
import { closed, type KeyPress, type OverlayType, type PaintTools } from './overlay.ts';

/** The selection is a rack and the number of an event: it survives new ones. Null: the latest. */
interface EventList {
  kind: 'events';
  selected: number | null;
  /** Index of the selected event's rack. */
  rack: number;
  /** Events of less importance are left out. */
  least: Level;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    events: EventList;
  }
}

const KEYS: readonly Binding[] = [
  { context: 'map', keys: ['e'], command: 'events', hint: null, help: 'list of events', disabled: noEvents },
  { context: 'events', keys: ['up', 'k'], command: 'up', hint: 'older', help: 'older event' },
  { context: 'events', keys: ['down', 'j'], command: 'down', hint: null, help: 'newer event' },
  { context: 'events', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'a page older' },
  { context: 'events', keys: ['pagedown'], command: 'scroll-down', hint: null, help: 'a page newer' },
  { context: 'events', keys: ['home'], command: 'first', hint: null, help: 'oldest event' },
  { context: 'events', keys: ['end'], command: 'last', hint: null, help: 'newest event' },
  {
    context: 'events',
    keys: ['f'],
    command: 'level',
    hint: 'level',
    help: 'level: all; all but sessions; warnings and alarms; alarms',
  },
  { context: 'events', keys: ['enter'], command: 'accept', hint: 'go to the node', help: 'select the event’s node' },
  { context: 'events', keys: ['escape', 'q', 'e'], command: 'cancel', hint: 'close', help: 'close' },
];

export const EVENT_LIST: OverlayType<EventList> = {
  kind: 'events',
  sections: [{ context: 'events', title: 'Events', where: 'in the list of events' }],
  keys: KEYS,
  showsAllRacks: true,
  open: (state) =>
    step({ ...state, overlay: { kind: 'events', selected: null, rack: state.racks.index, least: 'info' } }),
  onKey,
  paint,
};

/** An event with the state of its rack. */
interface Listed {
  event: EventRecord;
  of: State;
}

/** Returns the events of all racks from the level on, oldest first by the operator's date. */
function listed(fleet: readonly State[], { least }: EventList): Listed[] {
  const date = ({ event, of }: Listed): number => event.at + of.dateAhead;
  const all = fleet.flatMap((of) =>
    of.events
      .filter(({ level }) => LEVELS.indexOf(level) >= LEVELS.indexOf(least))
      .map((event): Listed => ({ event, of })),
  );
  // One rack's events stand in its own order.
  return fleet.length === 1 ? all : all.sort((a, b) => date(a) - date(b));
}

/** Returns the index of the selected event; the latest where none is selected, or the selected one is left out. */
function selectedIn(events: readonly Listed[], { selected, rack }: EventList): number {
  const at = events.findIndex(({ event, of }) => of.racks.index === rack && event.seq === selected);
  return at >= 0 ? at : events.length - 1;
}

const PAGE = 10;

function onKey(state: State, list: EventList, { name, fleet }: KeyPress): Step {
  const events = listed(fleet, list);
  const at = selectedIn(events, list);
  const to = (index: number): Step => {
    const last = events.length - 1;
    const next = Math.max(0, Math.min(last, index));
    const one = events[next];
    // At the end it follows new events.
    const selected = next >= last ? null : (one?.event.seq ?? null);
    return step({ ...state, overlay: { ...list, selected, rack: one?.of.racks.index ?? list.rack } });
  };
  switch (bindingOf(state, 'events', name)?.command) {
    case 'up':
      return to(at - 1);
    case 'down':
      return to(at + 1);
    case 'scroll-up':
      return to(at - PAGE);
    case 'scroll-down':
      return to(at + PAGE);
    case 'first':
      return to(0);
    case 'last':
      return to(events.length - 1);
    case 'level': {
      const least = LEVELS[(LEVELS.indexOf(list.least) + 1) % LEVELS.length] ?? 'info';
      return step({ ...state, overlay: { ...list, least } });
    }
    case 'accept': {
      const chosen = events[at];
      return chosen === undefined ? step(closed(state)) : toNodeOf(state, chosen.of, chosen.event.addr);
    }
    case 'cancel':
      return step(closed(state));
    default:
      return step(state);
  }
}

const TITLES: Record<Level, string> = {
  info: 'events',
  notice: 'events: all but sessions',
  warning: 'events: warnings and alarms',
  alarm: 'events: alarms',
};
const WIDTH = 160;
/** Lines kept for borders, the list, and the blank line below it. */
const ABOVE = 8;

const bounded = (lines: string[], most: number): string[] =>
  lines.length <= most ? lines : [...lines.slice(0, most - 1), `${lines[most - 1] ?? ''} ${CUT}`];

function paint(frame: Frame, _state: State, list: EventList, { g, fleet }: PaintTools): void {
  const events = listed(fleet, list);
  const at = selectedIn(events, list);
  const chosen = events[at];
  const width = centred(frame, WIDTH, 3).width - 4;
  const lines = events.map(({ event, of }) => eventSpans(event, of, g, rackSpans(of)));
  // The selected event's text is shown in full below the list where its line is cut.
  const cut = chosen !== undefined && spansWidth(lines[at] ?? []) > width;
  const whole = cut ? bounded(wrap(chosen.event.text, width), frame.rows - ABOVE) : [];
  const foot = whole.length === 0 ? 0 : whole.length + 1;
  const box = paintBox(frame, centred(frame, WIDTH, Math.max(1, events.length) + foot + 2), TITLES[list.least], g);
  if (events.length === 0) frame.text(box.x, box.y, 'There is no event of this level.', 'dim', box.width);
  const room = box.height - foot;
  const from = Math.max(0, Math.min(at - Math.floor(room / 2), events.length - room));
  lines.slice(from, from + room).forEach((line, i) => {
    const row = { x: box.x - 1, y: box.y + i, width: box.width + 2, height: 1 };
    if (from + i === at) frame.ground(row, 'selected');
    frame.target(row, { rows: from + i - at });
    frame.spans(box.x, box.y + i, line, box.width);
  });
  whole.forEach((line, i) => frame.text(box.x, box.y + room + 1 + i, line, 'text', box.width));
  const hidden = events.length - room;
  if (hidden > 0) frame.text(box.x + box.width - 14, box.y + box.height, ` ${hidden} more `, 'key');
}
