/**
 * Shows the last screen of the pane's node while no console is open here. It is requested while the pane is
 * visible, and again while another session uses that console. Pure.
 */
import type { Address } from '../../rack/address.ts';
import { nodeAt } from '../../rack/inventory.ts';
import { GIVEN_UP_MS } from '../detail/detail.ts';
import { keyOf } from '../keymap/lookup.ts';
import { layoutOf } from '../layout/layout.ts';
import { step, type Step, type UiEvent } from '../model/events.ts';
import { type ConsolePane, type LastScreens, NO_LAST_SCREEN, type State } from '../model/state.ts';

type LastScreenEvent = Extract<UiEvent, { type: 'last-screen' | 'last-screen-failed' }>;

/** Longest age of the shown screen while another session types there, ms. */
const REFRESH_MS = 2000;

/** Returns the node whose last screen the pane shows; null: it shows a console that is open here, or being opened. */
export function lastScreenOf({ focus, cursor, pane }: State): Address | null {
  if (pane.attachment.kind !== 'none') return null;
  return focus === 'map' ? cursor : (pane.shown ?? cursor);
}

/** Returns the reason why there is no last screen to request; null: there is one. */
export function noLastScreen(state: State, addr: Address): string | null {
  if (nodeAt(state.rack, addr) === undefined) return 'An empty slot has no console.';
  if (addr === state.bus.master)
    return 'This node is the master: its serial line is the bus, and it has no console here.';
  if (state.access === 'view')
    return `${keyOf(state, 'map', 'attach')} watches its console while a control session has it open.`;
  return null;
}

/** Requests the last screen where the known one is another node's, or its console has gone on. */
export function withLastScreen({ state, effects }: Step): Step {
  const addr = lastScreenOf(state);
  const { asked, answer } = state.last;
  // An open console here makes the stored last screen obsolete.
  if (addr === null) return { state: answer === null ? state : { ...state, last: NO_LAST_SCREEN }, effects };
  if (state.link.kind === 'lost' || noLastScreen(state, addr) !== null) return { state, effects };
  if (asked?.addr === addr && state.now - asked.at < GIVEN_UP_MS) return { state, effects };
  if ((answer?.addr === addr && !grewOld(state, answer)) || !paneShown(state)) return { state, effects };
  const next: State = { ...state, last: { ...state.last, asked: { addr, at: state.now }, failed: null } };
  return { state: next, effects: [...effects, { do: 'last-screen', addr }] };
}

function grewOld(state: State, { addr, now, seen }: NonNullable<LastScreens['answer']>): boolean {
  const open = state.console?.addr === addr;
  const wasOpen = seen?.from === 'open';
  return (open && !wasOpen) || (wasOpen && state.now - now >= REFRESH_MS);
}

function paneShown(state: State): boolean {
  if (!state.racks.shown) return false;
  const layout = layoutOf(state);
  return layout.kind === 'normal' && layout.console !== null;
}

export function lastScreenEvent(state: State, event: LastScreenEvent): Step {
  const addr = event.type === 'last-screen' ? event.answer.addr : event.addr;
  // The pane now shows another node, or an open console.
  if (state.last.asked?.addr !== addr) return step(state);
  if (lastScreenOf(state) !== addr) return step({ ...state, last: { ...state.last, asked: null } });
  if (event.type === 'last-screen-failed')
    // Retried after the time in which an answer would have come.
    return step({ ...state, last: { ...state.last, answer: null, failed: event.error.message } });
  const { now, seen } = event.answer;
  const about = seen && { at: seen.at, from: seen.from, why: seen.why };
  const next: State = { ...state, last: { asked: null, answer: { addr, now, seen: about }, failed: null } };
  return seen === null ? step(next) : step(next, { do: 'last-screen-load', addr, ...sizeOf(seen) });
}

const sizeOf = ({ cols, rows, screen }: { cols: number; rows: number; screen: string }) => ({ cols, rows, screen });

/** Gives the keyboard focus to the pane, which keeps showing the same node as beside the map. */
export function toPane(state: State): State {
  const { pane, cursor } = state;
  if (pane.attachment.kind !== 'none') return { ...state, focus: 'console' };
  return { ...state, focus: 'console', pane: { ...pane, shown: cursor, previous: before(pane, cursor) } };
}

/** Returns the console before `addr`: the last one that was open here. */
export function before({ shown, previous, kept }: ConsolePane, addr: Address): Address | null {
  return shown === null || shown === addr || !kept.has(shown) ? previous : shown;
}
