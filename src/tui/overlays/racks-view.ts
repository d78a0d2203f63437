/** Several racks: a row of tabs above the one that is shown, and the overview of all. */
import { SLOTS_PER_BLADE } from '../../rack/address.ts';
import { type Frame, type Rect, type Span, spansWidth } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import { contextOf } from '../keymap/context.ts';
import { keyNameOf, keyOf } from '../keymap/lookup.ts';
import { blades } from '../layout/layout.ts';
import { lookOf, viewOf } from '../map/node-cell.ts';
import { type State, unseenAlarms } from '../model/state.ts';
import { alarmWords, busWords, countWords, supplyWords } from '../screen/header.ts';

/** One row; the rack that is shown stands out, and behind each name what is wrong with it. */
export function paintTabs(frame: Frame, states: readonly State[], active: number, g: Glyphs): void {
  const row = { x: 0, y: 0, width: frame.cols, height: 1 };
  frame.clear(row, 'bar');
  let x = 0;
  states.forEach((state, index) => {
    const spans: Span[] = [
      [` ${state.rack.name}`, index === active ? 'title' : 'text'],
      ...trouble(state, g),
      [' ', 'text'],
    ];
    const from = x;
    x = frame.spans(x, 0, spans, frame.cols - x);
    frame.target({ ...row, x: from, width: x - from }, { rack: index });
    if (index === active) frame.ground({ ...row, x: from, width: x - from }, 'selected');
    x = frame.text(x, 0, g.box.v, 'dim', frame.cols - x);
  });
  const state = states[active];
  if (state === undefined) return;
  // At a console the keys of tabs stand behind the prefix.
  const context = contextOf(state) === null && state.overlay === null ? 'prefix' : 'map';
  const hint: Span[] = [
    [keyOf(state, context, 'next-rack'), 'key'],
    [' next  ', 'dim'],
    [keyOf(state, context, 'racks'), 'key'],
    [' all ', 'dim'],
  ];
  const at = frame.cols - spansWidth(hint);
  if (x >= at) return;
  frame.spans(at, 0, hint);
  const half = spansWidth(hint.slice(0, 2));
  const before = context === 'prefix' ? [keyNameOf(state, 'console', 'prefix')] : [];
  frame.target({ ...row, x: at, width: half }, { rack: (active + 1) % states.length });
  frame.target(
    { ...row, x: at + half, width: frame.cols - at - half },
    { keys: [...before, keyNameOf(state, context, 'racks')] },
  );
}

/** What must not be missed while another rack is shown. */
function trouble(state: State, g: Glyphs): Span[] {
  if (state.link.kind === 'lost') return [[` ${g.bad}`, 'danger']];
  const unseen = unseenAlarms(state).length;
  const spans: Span[] = unseen > 0 ? [[` ${g.alarm}${unseen}`, 'danger']] : [];
  return state.bus.state === 'ready' || state.bus.state === 'paused'
    ? spans
    : [[` ${state.bus.state}`, 'fault'], ...spans];
}

/** Every rack in a few lines: how it does in words, and each of its nodes as one sign, blade by blade. */
export function paintRacks(frame: Frame, rect: Rect, states: readonly State[], chosen: number, g: Glyphs): void {
  frame.clear(rect);
  const blocks = states.map((state) => blockOf(state, rect.width, g));
  const loose = blocks.reduce((sum, lines) => sum + lines.length + 1, 0) <= rect.height ? 1 : 0;
  const heights = blocks.map((lines) => lines.length + loose);
  // The chosen one is always to be seen.
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
      [state.rack.name, 'title'],
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
