/** Mouse and focus at a console, for the node: whether its program wants to know is the emulator's knowledge. Pure. */
import { step, type Step } from './events.ts';
import { paneScreen } from './layout.ts';
import type { Pointer } from './node-pointer.ts';
import type { State } from './state.ts';
import type { Address } from '../rack/address.ts';

/** The node's program hears what the operator who types does over its screen; everything else is not for it. */
export function mouseInConsole(state: State, pointer: Pointer): Step {
  const addr = typingAt(state);
  const screen = paneScreen(state);
  if (addr === null || screen === null || state.pane.look !== null || state.pane.pasting !== null) return step(state);
  const [x, y] = [pointer.x - screen.x, pointer.y - screen.y];
  if (x < 0 || y < 0 || x >= screen.width || y >= screen.height) return step(state);
  const scroll = state.pane.kept.get(addr)?.scroll ?? 0;
  return step(state, { do: 'mouse', addr, pointer: { ...pointer, x, y }, rows: screen.height, scroll });
}

export function focusInConsole(state: State, focused: boolean): Step {
  const addr = typingAt(state);
  return addr === null || state.pane.pasting !== null ? step(state) : step(state, { do: 'focus', addr, focused });
}

/** The node whose console has the operator's keys, or null. */
function typingAt({ focus, pane: { attachment }, link }: State): Address | null {
  const types = attachment.kind === 'joined' && attachment.role === 'types';
  return types && focus === 'console' && link.kind === 'connected' ? attachment.addr : null;
}
