/** Several racks on one screen: a row of tabs above the rack that is shown, or the overview of all. */
import { Frame, type Span, spansWidth } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import type { Screens } from '../console/pane.ts';
import { contextOf } from '../keymap/context.ts';
import { keyNameOf, keyOf } from '../keymap/lookup.ts';
import { type State, unseenAlarms } from '../model/state.ts';
import { paintRacks } from '../overlays/racks.ts';
import type { Plot } from '../terminal/plot.ts';
import { paint } from './screen.ts';

/** Returns the rows of the tabs; the shown rack gets the rest. */
export function tabRows(racks: number): number {
  return racks > 1 ? 1 : 0;
}

/**
 * Paints the screen. `states`: of every rack; their size is the screen's without the tabs. `screens`: of the shown
 * rack.
 */
export function paintScreen(
  states: readonly State[],
  active: number,
  screens: Screens,
  g: Glyphs,
  plot: Plot | null = null,
): Frame {
  const state = states[active];
  if (state === undefined) throw new Error(`no rack ${active}`);
  const shown = paint(state, screens, g, plot);
  const tabs = tabRows(states.length);
  if (tabs === 0) return shown;
  const frame = new Frame(shown.cols, shown.rows + tabs);
  frame.place(shown, tabs);
  paintTabs(frame, states, active, g);
  if (state.overlay?.kind === 'racks') {
    // The footer under it has its keys.
    const rect = { x: 0, y: tabs, width: frame.cols, height: shown.rows - 1 };
    paintRacks(frame, rect, states, state.overlay.index, g);
  }
  return frame;
}

/** Paints one row; the shown rack stands out, and each name is followed by its problems. */
function paintTabs(frame: Frame, states: readonly State[], active: number, g: Glyphs): void {
  const row = { x: 0, y: 0, width: frame.cols, height: 1 };
  frame.clear(row, 'bar');
  let x = 0;
  states.forEach((state, index) => {
    const spans: Span[] = [
      [` ${state.racks.names[index] ?? state.rack.name}`, index === active ? 'title' : 'text'],
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
  // At a console the keys of tabs stand after the prefix.
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

/** Returns the problems that must not be missed while another rack is shown. */
function trouble(state: State, g: Glyphs): Span[] {
  if (state.link.kind === 'lost') return [[` ${g.bad}`, 'danger']];
  const unseen = unseenAlarms(state).length;
  const spans: Span[] = unseen > 0 ? [[` ${g.alarm}${unseen}`, 'danger']] : [];
  return state.bus.state === 'ready' || state.bus.state === 'paused'
    ? spans
    : [[` ${state.bus.state}`, 'fault'], ...spans];
}
