/** Commands that are the same on the map and at a console. Pure. */
import { nextLayout } from './layout/layout.ts';
import { step, type Step, withNotice } from './model/events.ts';
import type { Command, CommandContext } from './model/keys.ts';
import type { State } from './model/state.ts';
import { openOverlay } from './overlays/list.ts';
import { startOwnCommand } from './overlays/own-command.ts';

/** Switches the terminal's mouse reports. While they are on, its own selection needs Shift. */
function switchMouse(state: State): Step {
  const mouse = !state.settings.mouse;
  const text = mouse
    ? 'mouse on: a click selects, a second one opens; drag the console’s edge; Shift selects text'
    : 'mouse off: your terminal handles it';
  return step(withNotice({ ...state, settings: { ...state.settings, mouse } }, 'info', text), {
    do: 'report-mouse',
    on: mouse,
  });
}

function toRack(state: State, by: 1 | -1): Step {
  const { names, index } = state.racks;
  return step(state, { do: 'rack', index: (index + by + names.length) % names.length, node: null });
}

/** Performs a command; null: it is not one of these, and opens no overlay. */
export function onCommandAnywhere(state: State, command: Command, from: CommandContext): Step | null {
  switch (command) {
    case 'layout':
      return nextLayout(state);
    case 'mouse':
      return switchMouse(state);
    case 'next-rack':
      return toRack(state, 1);
    case 'previous-rack':
      return toRack(state, -1);
    default:
      return startOwnCommand(state, command) ?? openOverlay(state, command, from);
  }
}
