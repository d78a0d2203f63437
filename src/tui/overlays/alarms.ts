/** Keys in the list of alarms. Pure. */
import type { Alarm } from '../../rack/alarms.ts';
import { bindingOf, disabledReason } from '../keymap/lookup.ts';
import { step, type Step, withNotice } from '../model/events.ts';
import type { Overlay } from '../model/overlays.ts';
import type { State } from '../model/state.ts';

type Panel = Extract<Overlay, { kind: 'alarms' }>;

export const listedAlarms = (state: State, { past }: Panel): readonly Alarm[] => past ?? state.alarms;

/** Index of the selected alarm; the latest where none was chosen, or the chosen one is gone. */
export function selectedAlarm(state: State, panel: Panel): number {
  const alarms = listedAlarms(state, panel);
  const at = alarms.findIndex(({ id }) => id === panel.selected);
  return at >= 0 ? at : alarms.length - 1;
}

export function pastAlarms(state: State, past: readonly Alarm[]): Step {
  const { overlay } = state;
  return step(overlay?.kind === 'alarms' ? { ...state, overlay: { ...overlay, selected: null, past } } : state);
}

export function keyInAlarms(state: State, panel: Panel, name: string): Step {
  const binding = bindingOf(state, 'alarms', name);
  if (binding === null) return step(state);
  const why = disabledReason(binding, state);
  if (why !== null) return step(withNotice(state, 'info', `${binding.help}: ${why}`));
  const alarms = listedAlarms(state, panel);
  const at = selectedAlarm(state, panel);
  const alarm = alarms[at];
  const select = (index: number): Step =>
    step({
      ...state,
      overlay: { ...panel, selected: alarms[(index + alarms.length) % alarms.length]?.id ?? null },
    });
  switch (binding.command) {
    case 'down':
      return alarms.length === 0 ? step(state) : select(at + 1);
    case 'up':
      return alarms.length === 0 ? step(state) : select(at - 1);
    case 'acknowledge':
      return alarm === undefined ? step(state) : step(state, { do: 'acknowledge', ids: [alarm.id] });
    case 'acknowledge-all':
      return step(state, { do: 'acknowledge', ids: null });
    case 'past':
      if (panel.past === null) return step(state, { do: 'past-alarms' });
      return step({ ...state, overlay: { ...panel, selected: null, past: null } });
    case 'accept':
      if (alarm === undefined || alarm.addr === null) return step({ ...state, overlay: null });
      return step({ ...state, overlay: null, cursor: alarm.addr, focus: 'map' });
    case 'cancel':
      return step({ ...state, overlay: null });
    default:
      return step(state);
  }
}
