/** `update(state, event) → {state, effects}`: the only way the interface changes. Pure. */
import { serverNow } from '../client/client.ts';
import { attachTo, consoleEvent, scrolledTo } from './console/attach.ts';
import { copyEvent } from './console/copy-mode.ts';
import type { Pointer } from './console/key-encoding.ts';
import { lastScreenEvent, withLastScreen } from './console/last-screen.ts';
import { mouseInConsole, onMouse, wheeled, withFocus } from './mouse.ts';
import { keyInConsole } from './console/typing.ts';
import { detailEvent, withDetail } from './detail/detail.ts';
import { glanceEvent, requestLines, withGlances } from './glance/glance.ts';
import { noLink } from './keymap/disabled-reasons.ts';
import { bindingOf } from './keymap/lookup.ts';
import { keyOnMap } from './map/map.ts';
import { historyRead, withHistory } from './map/strips.ts';
import { step, type Step, type UiEvent, withNotice } from './model/events.ts';
import type { Overlay } from './model/overlays.ts';
import type { State } from './model/state.ts';
import { pastAlarms } from './overlays/alarms.ts';
import { busLogged } from './overlays/bus-log.ts';
import { notePainted, overlayType } from './overlays/list.ts';
import type { OverlayStep } from './overlays/overlay.ts';
import { programEvent } from './overlays/own-command.ts';
import { planEvent } from './overlays/plans/events.ts';
import { fleetEvent } from './overlays/fleet-plans/fleet-plans.ts';
import { powerEvent } from './overlays/power/dialog.ts';
import { openPowerMenu } from './overlays/power/menu.ts';
import { targetsOf } from './overlays/power/rules.ts';
import { rawCommandAnswered } from './overlays/raw-command.ts';
import { lineEvent } from './overlays/run/line-run.ts';
import { serverEvent } from './server-events.ts';
import type { Token } from './terminal/tokenizer.ts';
import { supplyEvent } from './ups/supply.ts';

export function update(state: State, event: UiEvent): Step {
  const next = updated(state, event);
  // A key for a node, and a node's output, do not change the data behind these.
  return event.type === 'console.data' || next.state === state
    ? next
    : withFocus(withGlances(withLastScreen(withHistory(withDetail(withRequest(next))))));
}

/** Lets the open overlay request its data. */
function withRequest({ state, effects }: Step): Step {
  const { overlay } = state;
  const asked = overlay === null ? undefined : overlayType(overlay).request?.(state, overlay);
  return asked === undefined ? { state, effects } : step(asked.state, ...effects, ...asked.effects);
}

function updated(state: State, event: UiEvent): Step {
  switch (event.type) {
    case 'token':
      return onToken({ ...state, now: serverNow(state.serverTime, event.local) }, event);
    case 'go':
      return chosenNode(state, event);
    case 'marks':
      return step({ ...state, marks: event.marks, lastMark: event.lastMark });
    case 'view':
      return step({ ...state, view: { ...state.view, table: event.table, heat: event.heat } });
    case 'listed':
      return withHistory(requestLines(step(state), { addrs: event.lines, rows: 1 }), true);
    case 'tick':
      return onTick(withDate(state, Math.round(event.dateAhead - state.serverTime.ahead)), event.local);
    case 'shown':
      return onTick({ ...state, racks: { ...state.racks, shown: event.on } }, event.local);
    case 'fleet-plans':
    case 'fleet-previewed':
    case 'fleet-started':
    case 'fleet-failed':
      return fleetEvent(state, event);
    case 'resize':
      return step({ ...state, size: { cols: event.cols, rows: event.rows } });
    case 'painted':
      return step(notePainted(state, serverNow(state.serverTime, event.local)));
    case 'mouse':
      return step({ ...state, settings: { ...state.settings, mouse: event.on } });
    case 'wheel':
      return step(wheeled(state, event.addr, event.way, state.pane.kept.get(event.addr)?.scroll ?? 0));
    case 'scroll-limit':
      return step(scrolledTo(state, event.addr, event.lines));
    case 'detail':
    case 'detail-failed':
    case 'identified':
      return detailEvent(state, event);
    case 'rack-history':
      return historyRead(state, event.answer);
    case 'ups-history':
    case 'ups-history-failed':
    case 'mains-switched':
      return supplyEvent(state, event);
    case 'program-printed':
    case 'program-ended':
      return programEvent(state, event);
    case 'line-ran':
    case 'line-failed':
      return lineEvent(state, event);
    case 'past-alarms':
      return pastAlarms(state, event.past);
    case 'last-screen':
    case 'last-screen-failed':
      return lastScreenEvent(state, event);
    case 'glances':
    case 'glances-failed':
      return glanceEvent(state, event);
    case 'bus-log':
      return busLogged(state, event);
    case 'raw-answered':
    case 'raw-refused':
      return rawCommandAnswered(state, event);
    case 'failed':
      // A lost connection has a line of its own, and what fails because of it adds nothing.
      return step(
        state.link.kind === 'lost' ? state : withNotice(state, 'error', `${event.what}: ${event.error.message}`),
      );
    case 'looking':
    case 'found':
    case 'look-over':
    case 'taken-out':
      return copyEvent(state, event);
    case 'console.data':
    case 'console.note':
    case 'console.resync':
    case 'attached':
    case 'attach-failed':
    case 'took':
    case 'gave':
    case 'pasted':
    case 'paste-ended':
      return consoleEvent(state, event);
    case 'checked':
    case 'check-failed':
    case 'started':
    case 'start-failed':
      return powerEvent(state, event);
    case 'plan':
    case 'plans-listed':
    case 'plans-failed':
    case 'plan-shown':
    case 'plan-show-failed':
    case 'plan-started':
    case 'plan-start-failed':
      return planEvent(state, event);
    case 'update':
    case 'rack':
    case 'operation':
    case 'event':
    case 'link-lost':
    case 'link-still-lost':
    case 'link-back':
      return serverEvent(state, event);
  }
}

type TokenEvent = Extract<UiEvent, { type: 'token' }>;
type TypedToken = Extract<Token, { kind: 'key' | 'paste' }>;

function onToken(state: State, event: TokenEvent): Step {
  const { token } = event;
  // An answer of the operator's terminal was not typed.
  if (token.kind === 'reply') return step(state);
  if (token.kind === 'mouse') return pointed(state, event, token.pointer);
  if (token.kind === 'focus') return step({ ...state, terminalFocused: token.focused });
  if (token.kind === 'key' && switchesMains(state, token.name)) return keyOnMap(state, token.name);
  if (state.overlay !== null) return inOverlay(state, state.overlay, event, token);
  if (state.focus === 'console') return keyInConsole(state, event);
  if (token.kind === 'paste') return step(withNotice(state, 'info', 'A paste has no effect here: it was ignored.'));
  return keyOnMap(state, token.name);
}

/**
 * Returns whether the key switches a demo's mains, which works in every pane, to watch the effect there. At a
 * console keys are the node's.
 */
function switchesMains(state: State, name: string): boolean {
  const here = state.overlay !== null && state.settings.demo;
  return here && bindingOf(state, 'map', name)?.demo === true;
}

/** Handles the mouse; while its reports are off here, only the node's program gets them. */
function pointed(state: State, event: TokenEvent, pointer: Pointer): Step {
  if (!state.settings.mouse) return state.overlay === null ? mouseInConsole(state, pointer) : step(state);
  return pressed(onMouse(state, pointer, event.target ?? null), event);
}

/** Presses the keys of an overlay's choice or a mouse action here, where every key is handled. */
function pressed({ press = [], ...before }: OverlayStep, event: TokenEvent): Step {
  let after: Step = before;
  for (const name of press) {
    const next = onToken(after.state, { ...event, burst: 1, token: { kind: 'key', name, bytes: new Uint8Array() } });
    after = step(next.state, ...after.effects, ...next.effects);
  }
  return after;
}

function inOverlay(state: State, overlay: Overlay, event: TokenEvent, token: TypedToken): Step {
  const type = overlayType(overlay);
  if (token.kind === 'paste') return type.onPaste?.(state, overlay, token.bytes) ?? step(state);
  const fleet = (event.fleet ?? [state]).map((one, index) => (index === state.racks.index ? state : one));
  return pressed(type.onKey(state, overlay, { name: token.name, burst: event.burst, fleet }), event);
}

/** Selects a node that was chosen in a view of all racks, and opens its console or the power menu if that was asked for. */
function chosenNode(before: State, { addr, attach, power }: Extract<UiEvent, { type: 'go' }>): Step {
  const state: State = { ...before, overlay: null, cursor: addr, focus: 'map', notice: null };
  if (power === true) return openPowerMenu(state, targetsOf(state));
  if (!attach) return step(state);
  const why = noLink(state);
  return why === null ? attachTo(state, addr) : step(withNotice(state, 'info', `console: ${why}`));
}

/** Time limit for the second digit of an address, ms. */
const DIGIT_MS = 1500;

/** Lead of the date that is no change, ms: two clocks are not read at the same moment. */
const SAME_DATE_MS = 50;

function withDate(state: State, dateAhead: number): State {
  return Math.abs(dateAhead - state.dateAhead) < SAME_DATE_MS ? state : { ...state, dateAhead };
}

function onTick(before: State, local: number): Step {
  const now = serverNow(before.serverTime, local);
  let state: State = { ...before, now };
  if (state.notice !== null && now >= state.notice.until) state = { ...state, notice: null };
  if (state.pane.notice !== null && now >= state.pane.notice.until)
    state = { ...state, pane: { ...state.pane, notice: null } };
  if (state.digit !== null && now - state.digit.at > DIGIT_MS) state = { ...state, digit: null };
  const { overlay } = state;
  return (overlay === null ? null : overlayType(overlay).onTick?.(state, overlay)) ?? step(state);
}
