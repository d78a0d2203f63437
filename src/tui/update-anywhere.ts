/** Commands that are the same on the map and at a console. Pure. */
import type { Command } from './bindings.ts';
import { step, type Step } from './events.ts';
import { switchMouse } from './mouse-switch.ts';
import type { State } from './state.ts';
import { openConsoles } from './update-consoles.ts';
import { openRacks, toRack } from './update-racks.ts';
import { withOperations } from './update-results.ts';
import { nextLayout } from './update-view.ts';

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
