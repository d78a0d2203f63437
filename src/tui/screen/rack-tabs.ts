/** Several racks on one screen: a row of tabs above the rack that is shown. */
import { type Frame, type Span, spansWidth } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import type { Panes } from '../canvas/panes.ts';
import type { Screens } from '../console/pane.ts';
import { contextOf } from '../keymap/context.ts';
import { keyNameOf, keyOf } from '../keymap/lookup.ts';
import { unfinishedText } from '../model/fleet-plans.ts';
import { type State, unseenAlarms } from '../model/state.ts';
import { nameOfRack } from '../fleet/racks.ts';
import type { Plot } from '../terminal/plot.ts';
import { paint } from './screen.ts';

/** Returns the rows of the tabs; the shown rack gets the rest. */
export function tabRows(racks: number): number {
  return racks > 1 ? 1 : 0;
}

/**
 * Paints the screen; the rack's part over the last one of `panes`. `states`: of every rack; their size is the screen's without the tabs. `screens`: of the shown
 * rack.
 */
export function paintScreen(
  panes: Panes,
  states: readonly State[],
  active: number,
  screens: Screens,
  g: Glyphs,
  plot: Plot | null = null,
): Frame {
  const state = states[active];
  if (state === undefined) throw new Error(`no rack ${active}`);
  const shown = paint(panes, state, screens, g, plot, states);
  const tabs = tabRows(states.length);
  if (tabs === 0) return shown;
  const frame = panes.screenFrom(tabs);
  frame.place(shown, tabs);
  paintTabs(frame, states, active, g);
  return frame;
}

/** Paints one row; the shown rack is highlighted, and each name is followed by its problems. */
function paintTabs(frame: Frame, states: readonly State[], active: number, g: Glyphs): void {
  const row = { x: 0, y: 0, width: frame.cols, height: 1 };
  frame.clear(row, 'bar');
  const tabs = states.map((state, index): Span[] => [
    [` ${nameOfRack(state)}`, index === active ? 'title' : 'text'],
    ...trouble(state, g),
    ...(state.marks.size === 0 ? [] : [[` *${state.marks.size}`, 'mark'] as const]),
    [' ', 'text'],
  ]);
  const first = firstTab(tabs.map(spansWidth), active, frame.cols);
  let x = first === 0 ? 0 : frame.text(0, 0, `${first} ${g.box.v}`, 'dim');
  tabs.slice(first).forEach((spans, i) => {
    const index = first + i;
    const from = x;
    x = frame.spans(x, 0, spans, frame.cols - x);
    frame.target({ ...row, x: from, width: x - from }, { rack: index });
    if (index === active) frame.ground({ ...row, x: from, width: x - from }, 'selected');
    x = frame.text(x, 0, g.box.v, 'dim', frame.cols - x);
  });
  const state = states[active];
  if (state === undefined) return;
  // At a console the keys of tabs follow the prefix.
  const context = contextOf(state) === null && state.overlay === null ? 'prefix' : 'map';
  const hint: Span[] = [
    [keyOf(state, context, 'next-rack'), 'key'],
    [' next  ', 'dim'],
    [keyOf(state, context, 'racks'), 'key'],
    [' all ', 'dim'],
  ];
  const at = frame.cols - spansWidth(hint);
  if (x >= at) return;
  const plan = state.racks.fleet === undefined ? null : unfinishedText(state.racks.fleet);
  if (plan !== null) frame.spans(x + 1, 0, [[plan, 'fault']], Math.max(0, at - x - 2));
  frame.spans(at, 0, hint);
  const half = spansWidth(hint.slice(0, 2));
  const before = context === 'prefix' ? [keyNameOf(state, 'console', 'prefix')] : [];
  frame.target({ ...row, x: at, width: half }, { rack: (active + 1) % states.length });
  frame.target(
    { ...row, x: at + half, width: frame.cols - at - half },
    { keys: [...before, keyNameOf(state, context, 'racks')] },
  );
}

/** Columns of the number of tabs that are left out before the first one. */
const BEFORE = 4;

/** Returns the first tab to show, so that the shown rack's is always visible. `widths`: without the line after each. */
function firstTab(widths: readonly number[], active: number, cols: number): number {
  const end = (from: number): number => widths.slice(from, active + 1).reduce((sum, width) => sum + width + 1, 0);
  let first = 0;
  while (first < active && end(first) + (first === 0 ? 0 : BEFORE) > cols) first++;
  return first;
}

/** Returns the problems that must not be missed while another rack is shown. */
function trouble(state: State, g: Glyphs): Span[] {
  if (state.link.kind === 'lost') return [[` ${g.bad}`, 'danger']];
  const unseen = unseenAlarms(state).length;
  const spans: Span[] = unseen > 0 ? [[` ${g.alarm}${unseen}`, 'danger']] : [];
  return state.bus.state === 'ready' || state.bus.state === 'paused'
    ? spans
    : [[` ${state.bus.state}`, 'fault'], ...spans];
}
