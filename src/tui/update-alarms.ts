/** Keys in the list of alarms. Pure. */
import { bindingOf, disabledReason } from './bindings.ts';
import { step, withNotice, type Step } from './events.ts';
import type { Overlay, State } from './state.ts';

type Panel = Extract<Overlay, { kind: 'alarms' }>;

/** Index of the selected alarm; the latest where none was chosen, or the chosen one is gone. */
export function selectedAlarm(state: State, { selected }: Panel): number {
  const at = state.alarms.findIndex(({ id }) => id === selected);
  return at >= 0 ? at : state.alarms.length - 1;
}

export function keyInAlarms(state: State, panel: Panel, name: string): Step {
  const binding = bindingOf(state, 'alarms', name);
  if (binding === null) return step(state);
  const why = disabledReason(binding, state);
  if (why !== null) return step(withNotice(state, 'info', `${binding.help}: ${why}`));
  const { alarms } = state;
  const at = selectedAlarm(state, panel);
  const alarm = alarms[at];
  const select = (index: number): Step =>
    step({
      ...state,
      overlay: { kind: 'alarms', selected: alarms[(index + alarms.length) % alarms.length]?.id ?? null },
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
    case 'accept':
      if (alarm === undefined || alarm.addr === null) return step({ ...state, overlay: null });
      return step({ ...state, overlay: null, cursor: alarm.addr, focus: 'map' });
    case 'cancel':
      return step({ ...state, overlay: null });
    default:
      return step(state);
  }
}
