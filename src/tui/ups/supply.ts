/** The supply pane: UPSes, their history, outages. It requests the history as long as it is open. Pure. */
import { GIVEN_UP_MS, nextSpan } from '../detail/detail.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { step, type Step, type UiEvent, withNotice } from '../model/events.ts';
import type { SupplyPane } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { closed, type KeyPress, type OverlayType } from '../overlays/overlay.ts';
import { listedUpses, paintSupply, supplyPoints, upsStep } from './supply-view.ts';

type SupplyEvent = Extract<UiEvent, { type: 'ups-history' | 'ups-history-failed' | 'mains-switched' }>;

const REFRESH_MS = 5_000;
/** Lines that a key scrolls; only the view knows the text's length. */
const SCROLL = 6;
const SCROLL_END = 600;

export const SUPPLY: OverlayType<SupplyPane> = {
  kind: 'supply',
  sections: [{ context: 'supply', title: 'Supply pane', where: 'in the supply pane' }],
  keys: [
    { context: 'supply', keys: ['down', 'j', 'tab'], command: 'down', hint: 'next UPS', help: 'next UPS' },
    { context: 'supply', keys: ['up', 'k', 'S-tab'], command: 'up', hint: null, help: 'previous UPS' },
    {
      context: 'supply',
      keys: ['t'],
      command: 'span',
      hint: 'charts',
      help: 'time of the charts: 5 minutes, 1 hour, 1 day',
    },
    {
      context: 'supply',
      keys: ['pagedown', 'space'],
      command: 'scroll-down',
      hint: 'scroll',
      help: 'scroll the steps',
    },
    { context: 'supply', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'scroll back' },
    { context: 'supply', keys: ['escape', 'q', 'u'], command: 'cancel', hint: 'close', help: 'close' },
  ],
  open,
  onKey,
  request,
  paint: (frame, state, pane, { plot, g }) => paintSupply(frame, state, pane, plot, g),
  plots: ({ history }) => history !== null,
};

function open(state: State): Step {
  const id = state.nextId;
  const overlay: SupplyPane = { kind: 'supply', id, index: 0, history: null, asked: null, failed: null, scroll: 0 };
  return step({ ...state, overlay, nextId: id + 1 });
}

function onKey(state: State, pane: SupplyPane, { name }: KeyPress): Step {
  const count = Math.max(1, listedUpses(state).length);
  const to = (over: Partial<SupplyPane>): Step => step({ ...state, overlay: { ...pane, ...over } });
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
      return step(closed(state));
    default:
      return step(state);
  }
}

/** Requests the history where the shown one is another UPS's, another span's, or old. */
function request(state: State, pane: SupplyPane): Step {
  if (state.link.kind === 'lost' || !state.racks.shown) return step(state);
  if (pane.asked !== null && state.now - pane.asked < GIVEN_UP_MS) return step(state);
  const name = listedUpses(state)[pane.index]?.ups?.name;
  if (name === undefined) return step(state);
  const wanted = { name, stepMs: upsStep(state), count: supplyPoints(state) };
  const { history } = pane;
  const same = history?.name === name && history.stepMs === wanted.stepMs && history.points.length === wanted.count;
  if (same && state.now - history.now < Math.min(REFRESH_MS, wanted.stepMs)) return step(state);
  const next: State = { ...state, overlay: { ...pane, asked: state.now } };
  return step(next, { do: 'ups-history', pane: pane.id, request: wanted });
}

export function supplyEvent(state: State, event: SupplyEvent): Step {
  if (event.type === 'mains-switched') {
    const text = event.on
      ? 'the simulated mains have returned'
      : 'the simulated mains have failed: the rack runs on battery';
    return step(withNotice(state, 'info', text));
  }
  const { overlay } = state;
  // The pane was closed, or opened again: the new one sends its own request.
  if (overlay?.kind !== 'supply' || overlay.id !== event.pane) return step(state);
  if (event.type === 'ups-history')
    return step({ ...state, overlay: { ...overlay, history: event.answer, asked: null, failed: null } });
  // Retried after the time in which an answer would have come.
  return step({ ...state, overlay: { ...overlay, history: null, failed: event.error.message } });
}
