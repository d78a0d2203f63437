/** The bus pane: exchanges as they pass. It asks for the next ones as long as it is open. Pure. */
import { bindingOf, disabledReason } from '../keymap/lookup.ts';
import { step, type Step, type UiEvent, withNotice } from '../model/events.ts';
import type { Overlay } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { typingByHand } from './raw-command.ts';

type Pane = Extract<Overlay, { kind: 'bus' }>;

/** Kept for looking back. */
const KEPT = 1000;
const PAGE = 10;

export function openBus(state: State): Step {
  const id = state.nextId;
  return step(
    { ...state, overlay: { kind: 'bus', id, entries: [], back: 0, hand: { is: 'idle', said: null } }, nextId: id + 1 },
    { do: 'bus-log', pane: id, after: 0 },
  );
}

export function busLogged(state: State, event: Extract<UiEvent, { type: 'bus-log' }>): Step {
  const { overlay } = state;
  // Closed meanwhile, or opened anew: that one asks for itself.
  if (overlay?.kind !== 'bus' || overlay.id !== event.pane) return step(state);
  const entries = [...overlay.entries, ...event.entries].slice(-KEPT);
  // Whoever looks back keeps the same lines in sight.
  const back = overlay.back === 0 ? 0 : Math.min(entries.length, overlay.back + event.entries.length);
  const next = { do: 'bus-log', pane: overlay.id, after: entries.at(-1)?.seq ?? 0 } as const;
  return step({ ...state, overlay: { ...overlay, entries, back } }, next);
}

export function keyInBus(state: State, pane: Pane, name: string): Step {
  const by = (lines: number): Step => {
    const back = Math.max(0, Math.min(pane.entries.length - 1, pane.back + lines));
    return step({ ...state, overlay: { ...pane, back } });
  };
  const binding = bindingOf(state, 'bus', name);
  const why = binding && disabledReason(binding, state);
  if (binding && why !== null) return step(withNotice(state, 'info', `${binding.help}: ${why}`));
  switch (binding?.command) {
    case 'by-hand':
      // The master's own BIOS hears what is sent without a pipe.
      return step(typingByHand(state, pane, state.cursor === state.bus.master ? null : state.cursor));
    case 'by-hand-master':
      return step(typingByHand(state, pane, null));
    case 'up':
      return by(1);
    case 'down':
      return by(-1);
    case 'scroll-up':
      return by(PAGE);
    case 'scroll-down':
      return by(-PAGE);
    case 'cancel':
      return step({ ...state, overlay: null });
    default:
      return step(state);
  }
}
