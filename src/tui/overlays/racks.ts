/** All racks at a glance. Each has a state of its own: the screen paints the overview from all of them. Pure. */
import { SLOTS_PER_BLADE } from '../../rack/address.ts';
import type { Frame, Rect, Span } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { blades } from '../layout/layout.ts';
import { lookOf, viewOf } from '../map/node-cell.ts';
import { step, type Step } from '../model/events.ts';
import type { State } from '../model/state.ts';
import { alarmWords, busWords, countWords, supplyWords } from '../screen/header.ts';
import { closed, type KeyPress, type OverlayType } from './overlay.ts';

interface RackOverview {
  kind: 'racks';
  /** Index of the selected rack. */
  index: number;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    racks: RackOverview;
  }
}

export const RACKS: OverlayType<RackOverview> = {
  kind: 'racks',
  sections: [{ context: 'racks', title: 'Overview of racks', where: 'in the overview of racks' }],
  keys: [
    { context: 'racks', keys: ['down', 'j'], command: 'down', hint: 'next', help: 'next rack' },
    { context: 'racks', keys: ['up', 'k'], command: 'up', hint: null, help: 'previous rack' },
    { context: 'racks', keys: ['enter'], command: 'accept', hint: 'show', help: 'show this rack' },
    {
      context: 'racks',
      keys: ['escape', 'q', 'R'],
      command: 'cancel',
      hint: 'close',
      help: 'back to the rack that was shown',
    },
  ],
  showsAllRacks: true,
  open: (state) => step({ ...state, overlay: { kind: 'racks', index: state.racks.index } }),
  onKey,
};

function onKey(state: State, list: RackOverview, { name }: KeyPress): Step {
  const count = state.racks.names.length;
  switch (bindingOf(state, 'racks', name)?.command) {
    case 'down':
      return step({ ...state, overlay: { ...list, index: (list.index + 1) % count } });
    case 'up':
      return step({ ...state, overlay: { ...list, index: (list.index + count - 1) % count } });
    case 'accept':
      return step(closed(state), { do: 'rack', index: list.index });
    case 'cancel':
      return step(closed(state));
    default:
      return step(state);
  }
}

/** Paints every rack in a few lines: its state in words, and each of its nodes as one sign, blade by blade. */
export function paintRacks(frame: Frame, rect: Rect, states: readonly State[], chosen: number, g: Glyphs): void {
  frame.clear(rect);
  const blocks = states.map((state) => blockOf(state, rect.width, g));
  const loose = blocks.reduce((sum, lines) => sum + lines.length + 1, 0) <= rect.height ? 1 : 0;
  const heights = blocks.map((lines) => lines.length + loose);
  // The selected rack is always visible.
  let first = 0;
  while (first < chosen && sum(heights.slice(first, chosen + 1)) > rect.height) first++;
  let y = rect.y;
  for (let index = first; index < blocks.length; index++) {
    const lines = blocks[index] ?? [];
    if (y + lines.length > rect.y + rect.height) break;
    frame.target({ ...rect, y, height: lines.length }, { rows: index - chosen });
    if (index === chosen) frame.ground({ ...rect, y, height: lines.length }, 'selected');
    lines.forEach((line, i) => {
      const mark: Span = [index === chosen ? g.selected : ' ', 'key'];
      frame.spans(rect.x, y + i, [mark, ...line], rect.width);
    });
    y += lines.length + loose;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

function blockOf(state: State, width: number, g: Glyphs): Span[][] {
  const unseen = alarmWords(state, g);
  const alarms: Span[] = unseen === null ? [] : [[`  ${unseen}`, 'danger']];
  return [
    [
      [state.racks.names[state.racks.index] ?? state.rack.name, 'title'],
      ...(supplyWords(state)?.spans ?? []),
      ...busWords(state),
      ...countWords(state),
      ...alarms,
    ],
    ...bladeLines(state, width, g),
  ];
}

function bladeLines(state: State, width: number, g: Glyphs): Span[][] {
  const known = new Set(state.rack.nodes.map(({ addr }) => addr));
  const perLine = Math.max(1, Math.floor((width - 3) / (SLOTS_PER_BLADE + 1)));
  const lines: Span[][] = [];
  blades(state).forEach((blade, at) => {
    if (at % perLine === 0) lines.push([['  ', 'text']]);
    // As on the map: slots rise to the left.
    const slots = Array.from({ length: SLOTS_PER_BLADE }, (_, i) => blade * SLOTS_PER_BLADE + SLOTS_PER_BLADE - 1 - i);
    const signs = slots.map((addr): Span => {
      if (!known.has(addr)) return [' ', 'text'];
      const look = lookOf(state, viewOf(state, addr));
      return [g.power[look.power], look.ink];
    });
    lines.at(-1)?.push(...signs, [' ', 'text']);
  });
  return lines;
}
