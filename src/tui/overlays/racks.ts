/** From rack to rack: each has its own state, and which one is shown is not in it. Pure. */
import { bindingOf } from '../keymap/lookup.ts';
import { step, type Step } from '../model/events.ts';
import type { Overlay } from '../model/overlays.ts';
import type { State } from '../model/state.ts';

export function toRack(state: State, by: 1 | -1): Step {
  const { names, index } = state.racks;
  return step(state, { do: 'rack', index: (index + by + names.length) % names.length });
}

export function openRacks(state: State): Step {
  return step({ ...state, overlay: { kind: 'racks', index: state.racks.index } });
}

export function keyInRacks(state: State, list: Extract<Overlay, { kind: 'racks' }>, name: string): Step {
  const count = state.racks.names.length;
  switch (bindingOf(state, 'racks', name)?.command) {
    case 'down':
      return step({ ...state, overlay: { ...list, index: (list.index + 1) % count } });
    case 'up':
      return step({ ...state, overlay: { ...list, index: (list.index + count - 1) % count } });
    case 'accept':
      return step({ ...state, overlay: null }, { do: 'rack', index: list.index });
    case 'cancel':
      return step({ ...state, overlay: null });
    default:
      return step(state);
  }
}
