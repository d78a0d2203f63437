/** The mouse, on and off. Pure. */
import { step, withNotice, type Step } from './events.ts';
import type { State } from './state.ts';

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
