/** Mouse and focus at a console, for the node; the emulator knows whether its program requested them. Pure. */
import type { Address } from '../../rack/address.ts';
import { paneScreen } from '../layout/layout.ts';
import { type Effect, step, type Step } from '../model/events.ts';
import type { State } from '../model/state.ts';
import type { Pointer } from './key-encoding.ts';

/**
 * Sends the mouse over the console to the node's program while the operator types there; otherwise the node gets
 * none.
 */
export function mouseInConsole(state: State, pointer: Pointer): Step {
  const addr = typingAt(state);
  const screen = paneScreen(state);
  if (addr === null || screen === null || state.pane.look !== null || state.pane.pasting !== null) return step(state);
  const [x, y] = [pointer.x - screen.x, pointer.y - screen.y];
  if (x < 0 || y < 0 || x >= screen.width || y >= screen.height) return step(state);
  const scroll = state.pane.kept.get(addr)?.scroll ?? 0;
  return step(state, { do: 'mouse', addr, pointer: { ...pointer, x, y }, rows: screen.height, scroll });
}

/**
 * Reports the focus to a node's program, which has it while the operator types there in a focused terminal. As in a
 * window, it also loses the focus when its console is left for another one, before that is closed, and regains it
 * once keys can be sent.
 */
export function withFocus({ state, effects }: Step): Step {
  const { focusTold: told, pasting, attachment } = state.pane;
  const wanted = state.terminalFocused ? typingAt(state) : null;
  if (told === wanted) return { state, effects };
  const leaves = effects.some((effect) => effect.do === 'detach' || effect.do === 'attach');
  // Nothing is sent in the middle of a paste.
  if (pasting !== null && !leaves) return { state, effects };
  if (told !== null) {
    const types = attachment.kind === 'joined' && attachment.role === 'types' && attachment.addr === told;
    const reached = pasting === null && state.link.kind === 'connected' && (leaves || types);
    const out: Effect[] = reached ? [{ do: 'focus', addr: told, focused: false }] : [];
    return withFocus({ state: withTold(state, null), effects: [...out, ...effects] });
  }
  const { console } = state;
  if (wanted === null || console?.addr !== wanted || console.unproven !== null) return { state, effects };
  return { state: withTold(state, wanted), effects: [...effects, { do: 'focus', addr: wanted, focused: true }] };
}

function withTold(state: State, focusTold: Address | null): State {
  return { ...state, pane: { ...state.pane, focusTold } };
}

/** Returns the node whose console has the operator's keys, or null. */
function typingAt({ focus, pane: { attachment }, link }: State): Address | null {
  const types = attachment.kind === 'joined' && attachment.role === 'types';
  return types && focus === 'console' && link.kind === 'connected' ? attachment.addr : null;
}
