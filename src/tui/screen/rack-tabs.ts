/**
 * What is on the screen: one rack, or, with several, tabs and the rack that is shown, or all of them at a glance.
 */
import { Frame } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import type { Screens } from '../console/pane.ts';
import type { State } from '../model/state.ts';
import { paintRacks, paintTabs } from '../overlays/racks-view.ts';
import type { Plot } from '../terminal/plot.ts';
import { paint } from './screen.ts';

/** Rows that the tabs take: what is left is the shown rack's. */
export function tabRows(racks: number): number {
  return racks > 1 ? 1 : 0;
}

/** `states`: of every rack; their size is the screen's without the tabs. `screens`: of the rack that is shown. */
export function paintDeck(
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
