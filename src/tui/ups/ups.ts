/** The supply pane: UPSes, their history, outages. It asks for the history as long as it is open. Pure. */
import type { OutageView, UpsReading } from '../../api/outage.ts';
import { GIVEN_UP_MS, nextSpan } from '../detail/detail.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { step, type Step, type UiEvent, withNotice } from '../model/events.ts';
import type { Overlay } from '../model/overlays.ts';
import { SPAN_MS, type State } from '../model/state.ts';
import { supplyPoints } from './ups-layout.ts';

type Pane = Extract<Overlay, { kind: 'supply' }>;
type SupplyEvent = Extract<UiEvent, { type: 'ups-history' | 'ups-history-failed' | 'mains-switched' }>;

/** The server keeps one value in so many ms. */
const SLOT_MS = 2_000;
const REFRESH_MS = 5_000;
/** Lines that a key scrolls; how long the text is only the view knows. */
const SCROLL = 6;
const SCROLL_END = 600;

export function openSupply(state: State): Step {
  const id = state.nextId;
  const overlay: Pane = { kind: 'supply', id, index: 0, history: null, asked: null, failed: null, scroll: 0 };
  return step({ ...state, overlay, nextId: id + 1 });
}

/** Each UPS with the policy that it stands in; a policy without any has one entry, for what other software tells. */
export function listedUpses({ outage }: State): { view: OutageView; ups: UpsReading | null }[] {
  return outage.policies.flatMap((view) => (view.ups.length === 0 ? [null] : view.ups).map((ups) => ({ view, ups })));
}

export function keyInSupply(state: State, pane: Pane, name: string): Step {
  const count = Math.max(1, listedUpses(state).length);
  const to = (over: Partial<Pane>): Step => step({ ...state, overlay: { ...pane, ...over } });
  switch (bindingOf(state, 'supply', name)?.command) {
    case 'down':
      return to({ index: (pane.index + 1) % count, scroll: 0, asked: null });
    case 'up':
      return to({ index: (pane.index + count - 1) % count, scroll: 0, asked: null });
    case 'scroll-down':
      return to({ scroll: Math.min(SCROLL_END, pane.scroll + SCROLL) });
    case 'scroll-up':
      return to({ scroll: Math.max(0, pane.scroll - SCROLL) });
    case 'span':
      return nextSpan({ ...state, overlay: { ...pane, asked: null } });
    case 'cancel':
      return step({ ...state, overlay: null });
    default:
      return step(state);
  }
}

/** The length of one of the charts' points, ms. */
export function upsStep(state: State): number {
  return Math.max(1, Math.ceil(SPAN_MS[state.view.span] / supplyPoints(state) / SLOT_MS)) * SLOT_MS;
}

/** Asks where what is shown is another UPS's, another span's, or old. */
export function withUpsHistory({ state, effects }: Step): Step {
  const { overlay } = state;
  if (overlay?.kind !== 'supply' || state.link.kind === 'lost' || !state.racks.shown) return { state, effects };
  if (overlay.asked !== null && state.now - overlay.asked < GIVEN_UP_MS) return { state, effects };
  const name = listedUpses(state)[overlay.index]?.ups?.name;
  if (name === undefined) return { state, effects };
  const request = { name, stepMs: upsStep(state), count: supplyPoints(state) };
  const { history } = overlay;
  const same = history?.name === name && history.stepMs === request.stepMs && history.points.length === request.count;
  if (same && state.now - history.now < Math.min(REFRESH_MS, request.stepMs)) return { state, effects };
  const next: State = { ...state, overlay: { ...overlay, asked: state.now } };
  return { state: next, effects: [...effects, { do: 'ups-history', pane: overlay.id, request }] };
}

export function supplyEvent(state: State, event: SupplyEvent): Step {
  if (event.type === 'mains-switched') {
    const text = event.on
      ? 'the simulated mains are back'
      : 'the simulated mains are away: the rack lives on its battery';
    return step(withNotice(state, 'info', text));
  }
  const { overlay } = state;
  // Closed meanwhile, or opened anew: that one asks for itself.
  if (overlay?.kind !== 'supply' || overlay.id !== event.pane) return step(state);
  if (event.type === 'ups-history')
    return step({ ...state, overlay: { ...overlay, history: event.answer, asked: null, failed: null } });
  // Asked again when the time has passed in which an answer would have come.
  return step({ ...state, overlay: { ...overlay, history: null, failed: event.error.message } });
}
