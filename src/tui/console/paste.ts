/** Pastes for a node: small ones at once, large ones piece by piece after a question. Pure. */
import type { Address } from '../../rack/address.ts';
import { type Effect, step, type Step, withPaneNotice } from '../model/events.ts';
import type { State } from '../model/state.ts';
import { scrolledTo } from './attach.ts';

/** Size beyond which a paste needs confirmation, bytes. */
const LARGE_PASTE = 1024;
/** Ctrl-G: on the bus it closes the pipe. */
export const BELL = 0x07;

/** Pastes at the console where the operator types; a large paste needs confirmation first. */
export function pasteAt(state: State, addr: Address, raw: Uint8Array): Step {
  if (state.pane.pasting !== null)
    return step(withPaneNotice(state, 'warning', 'not pasted: another paste is running; Ctrl-C stops it'));
  const bytes = raw.filter((byte) => byte !== BELL);
  const removed = raw.length - bytes.length;
  if (bytes.length > LARGE_PASTE)
    return step({
      ...state,
      overlay: { kind: 'paste', id: state.nextId, addr, bytes, removed, shown: { kind: 'pending' } },
      nextId: state.nextId + 1,
    });
  const noted =
    removed === 0 ? state : withPaneNotice(state, 'warning', `${removed} × Ctrl-G was removed from the paste`);
  return bytes.length === 0 ? step(noted) : step(scrolledTo(noted, addr, 0), pasteOf(noted, addr, bytes));
}

/**
 * Makes the effect of a paste. A program that requested bracketed paste gets it, or a paste into vim would be
 * commands. But the bus puts 2 ms between a mark's bytes, and nano, which reads what is there, takes the torn mark
 * for text: so the operator can switch it off.
 */
function pasteOf(state: State, addr: Address, bytes: Uint8Array): Effect {
  return { do: 'paste', addr, bytes, brackets: !state.pane.plainPaste.has(addr) };
}

/** Starts a confirmed large paste, which shows its progress and can be stopped. */
export function longPaste(state: State, addr: Address, bytes: Uint8Array, byLine: boolean): Step {
  const pane = {
    ...scrolledTo(state, addr, 0).pane,
    pasting: { addr, total: bytes.length, sent: 0, since: state.now },
  };
  const brackets = !state.pane.plainPaste.has(addr);
  return step({ ...state, pane }, { do: 'long-paste', addr, bytes, brackets, byLine });
}

export function withBrackets(state: State, addr: Address, brackets: boolean): State {
  const plainPaste = new Set(state.pane.plainPaste);
  if (brackets) plainPaste.delete(addr);
  else plainPaste.add(addr);
  const text = brackets
    ? 'bracketed paste is on at this console, where the program enables it'
    : 'bracketed paste is off at this console';
  return withPaneNotice({ ...state, pane: { ...state.pane, plainPaste } }, 'info', text);
}
