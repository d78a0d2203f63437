/** A tour of six steps over the real screen; any of them can be tried at once. Pure. */
import { wrap } from '../../lib/words.ts';
import { paintBox } from '../canvas/box.ts';
import type { Frame, Span } from '../canvas/frame.ts';
import { bindingOf, keyNameOf, keyOf } from '../keymap/lookup.ts';
import { step } from '../model/events.ts';
import type { Command } from '../model/keys.ts';
import type { MainView, State } from '../model/state.ts';
import type { KeyPress, OverlayStep, OverlayType, PaintTools } from './overlay.ts';
import { openPowerMenu, POWER_MENU } from './power/menu.ts';
import { targetsOf } from './power/rules.ts';

/** `before`: view of the nodes to which leaving returns. */
interface Tour {
  kind: 'tour';
  at: number;
  before: MainView;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    tour: Tour;
  }
}

interface Stop {
  title: string;
  /** View of the nodes behind it. */
  view: MainView;
  /** Command whose key tries it; null: there is nothing to try. */
  tries: Command | null;
  text: (key: (command: Command) => string, leave: string) => string;
}

const STOPS: readonly Stop[] = [
  {
    title: 'The rack',
    view: 'map',
    tries: null,
    text: (key) =>
      'Blades A to F from top to bottom, slots 3 to 0 from left to right, as on the rack. Sign and letter of a cell show ' +
      `its state: N on, F off, ? unknown. Arrows move, two hex digits go to an address, ${key('filter')} filters.`,
  },
  {
    title: 'Values',
    view: 'map',
    tries: 'heat',
    text: (key) =>
      'In each cell the upper strip is the current, the lower one the fan, with the present value beside it. ' +
      `${key('window')} sets the time that they show; ${key('heat')} colours the cells by a value; ${key('show-table')} shows all values as a table.`,
  },
  {
    title: 'Consoles',
    view: 'glance',
    tries: 'attach',
    text: (key, leave) =>
      `${key('attach')} opens the console of the selected node: every key goes to it, until ${leave} leaves it. ` +
      `Here are the last screens of all consoles at a glance: ${key('show-glance')} shows them.`,
  },
  {
    title: 'Power',
    view: 'map',
    tries: 'power',
    text: (key) =>
      `${key('power')} opens this menu for the selected node, or for those marked with ${key('mark')}. Off asks the system to shut ` +
      'down, and cuts the power after the proof that it halted. Nothing is cut before its name is typed.',
  },
  {
    title: 'Emergency',
    view: 'map',
    tries: 'emergency',
    text: (key) =>
      `${key('emergency')} lists the plans that switch many nodes off in their order, with the time that they take. A plan is ` +
      'armed first, and starts only after its words are typed. It can be paused and aborted.',
  },
  {
    title: 'What happened',
    view: 'map',
    tries: 'events',
    text: (key) =>
      `Events stand below the map; ${key('events')} lists all, ${key('alarms')} the alarms, ${key('operations')} the operations. The keys of ` +
      `this moment are in the last line, ${key('help')} lists every key, and ${key('quit')} quits: the server continues.`,
  },
];
const LAST = STOPS.length - 1;

export const TOUR: OverlayType<Tour> = {
  kind: 'tour',
  sections: [{ context: 'tour', title: 'The tour', where: 'in the tour' }],
  keys: [
    { context: 'help', keys: ['t'], command: 'tour', hint: 'tour', help: 'a tour of six steps' },
    { context: 'tour', keys: ['enter', 'right', 'l', 'space'], command: 'down', hint: 'next', help: 'next step' },
    { context: 'tour', keys: ['left', 'h'], command: 'up', hint: 'back', help: 'previous step' },
    {
      context: 'tour',
      keys: ['t'],
      command: 'accept',
      hint: 'try it',
      help: 'leave the tour and press this step’s key',
    },
    { context: 'tour', keys: ['escape', 'q'], command: 'cancel', hint: 'leave', help: 'leave the tour' },
  ],
  survivesReconnect: true,
  showsScreen: true,
  open: (state) => {
    const view = { ...state.view, toured: true };
    const opened: State = { ...state, view, overlay: { kind: 'tour', at: 0, before: view.main } };
    return step(toStop(opened, 0), { do: 'remember', view });
  },
  onKey,
  paint,
};

/** Offers the tour to an operator who has not seen it. */
export function tourOffer(state: State): string {
  return `New here? ${keyOf(state, 'map', 'help')} then ${keyOf(state, 'help', 'tour')} starts a tour of six steps.`;
}

/** Shows a step, with its view of the nodes behind it. */
function toStop(state: State, at: number): State {
  const { overlay } = state;
  const stop = STOPS[at];
  if (overlay?.kind !== 'tour' || stop === undefined) return state;
  return { ...state, view: { ...state.view, main: stop.view }, overlay: { ...overlay, at } };
}

const left = (state: State, { before }: Tour): State => ({
  ...state,
  view: { ...state.view, main: before },
  overlay: null,
});

function onKey(state: State, tour: Tour, { name }: KeyPress): OverlayStep {
  switch (bindingOf(state, 'tour', name)?.command) {
    case 'down':
      return step(tour.at === LAST ? left(state, tour) : toStop(state, tour.at + 1));
    case 'up':
      return step(toStop(state, Math.max(0, tour.at - 1)));
    case 'accept': {
      const tries = STOPS[tour.at]?.tries ?? null;
      const back: State = { ...left(state, tour), focus: 'map' };
      return { ...step(back), press: tries === null ? [] : [keyNameOf(back, 'map', tries)] };
    }
    case 'cancel':
      return step(left(state, tour));
    default:
      return step(state);
  }
}

/** Columns of the box. */
const WIDTH = 78;

function paint(frame: Frame, state: State, { at }: Tour, tools: PaintTools): void {
  const stop = STOPS[at];
  if (stop === undefined) return;
  if (stop.tries === 'power') paintMenu(frame, state, tools);
  const width = Math.min(WIDTH, frame.cols - 2);
  const lines = wrap(
    stop.text((command) => keyOf(state, 'map', command), keyOf(state, 'prefix', 'detach')),
    width - 4,
  );
  const height = lines.length + 4;
  // Above the line of notices and the footer, so that the map's upper blades stay visible.
  const box = paintBox(
    frame,
    { x: Math.floor((frame.cols - width) / 2), y: frame.rows - 2 - height, width, height },
    `${at + 1} of ${STOPS.length}: ${stop.title}`,
    tools.g,
  );
  lines.forEach((line, i) => frame.text(box.x, box.y + i, line, 'text', box.width));
  const key = (command: Command, words: string): Span[] => [
    [keyOf(state, 'tour', command), 'key'],
    [` ${words}   `, 'text'],
  ];
  frame.spans(box.x, box.y + lines.length + 1, [
    ...key('down', at === LAST ? 'end' : 'next'),
    ...(at === 0 ? [] : key('up', 'back')),
    ...(stop.tries === null ? [] : key('accept', 'try it')),
    ...key('cancel', 'leave'),
  ]);
}

/** Paints the power menu of the selected node, which cannot be used here. */
function paintMenu(frame: Frame, state: State, tools: PaintTools): void {
  const { overlay } = openPowerMenu(state, targetsOf(state)).state;
  if (overlay?.kind === 'menu') POWER_MENU.paint?.(frame, state, overlay, tools);
}
