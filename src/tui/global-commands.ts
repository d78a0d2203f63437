/**
 * The mouse, on and off. Pure.
 *
 * Commands that are the same on the map and at a console. Pure.
 */
import type { Command } from './keymap/lookup.ts';
import { nextLayout } from './layout/layout-commands.ts';
import { step, type Step, withNotice } from './model/events.ts';
import type { State } from './model/state.ts';
import { openConsoles } from './overlays/console-list.ts';
import { openRacks, toRack } from './overlays/racks.ts';
import { withOperations } from './overlays/results.ts';

/** Switches the terminal's reports. While they are on, its own selection needs Shift. */
export function switchMouse(state: State): Step {
  const mouse = !state.settings.mouse;
  const text = mouse
    ? 'mouse on: click chooses, again opens; drag the console’s edge; Shift selects'
    : 'mouse off: it is your terminal’s again';
  return step(withNotice({ ...state, settings: { ...state.settings, mouse } }, 'info', text), {
    do: 'report-mouse',
    on: mouse,
  });
}

/** Null: the command is not one of these. */
export function onCommandAnywhere(state: State, command: Command): Step | null {
  switch (command) {
    case 'operations':
      return step(withOperations(state));
    case 'consoles':
      return openConsoles(state);
    case 'layout':
      return nextLayout(state);
    case 'mouse':
      return switchMouse(state);
    case 'next-rack':
      return toRack(state, 1);
    case 'previous-rack':
      return toRack(state, -1);
    case 'racks':
      return openRacks(state);
    default:
      return null;
  }
}
