/**
 * Handles the operator's mouse: selects, opens, scrolls, chooses in lists, presses keys of the footer, drags the
 * line at the console; over a console it goes to a node's program that requested it. Pure.
 */
import type { Address } from '../rack/address.ts';
import type { Target } from './canvas/frame.ts';
import { scrolledTo } from './console/attach.ts';
import type { Pointer } from './console/key-encoding.ts';
import { lastScreenOf, toPane } from './console/last-screen.ts';
import { contextOf } from './keymap/context.ts';
import { bindingsIn, keyNameOf } from './keymap/lookup.ts';
import { layoutOf, paneScreen } from './layout/layout.ts';
import { cellAt } from './layout/map-layout.ts';
import { type Effect, step, type Step } from './model/events.ts';
import type { Context } from './model/keys.ts';
import type { Overlay } from './model/overlays.ts';
import type { State } from './model/state.ts';
import { overlayType } from './overlays/list.ts';

/** Lines for a notch of the wheel, as in terminals. */
const NOTCH = 3;

interface MouseStep extends Step {
  /** Keys to press next: mouse actions that have a key. */
  press: readonly string[];
}

/** Handles a mouse report. `target`: the target under the pointer in the frame that was seen. */
export function onMouse(state: State, pointer: Pointer, target: Target | null): MouseStep {
  const done = ({ state: after, effects }: Step, ...press: string[]): MouseStep => ({ state: after, effects, press });
  const none = done(step(state));
  const { button, action } = pointer;
  const wheel = button === 'wheel-up' ? 'up' : button === 'wheel-down' ? 'down' : null;
  if (state.drag !== null)
    return action === 'release' ? done(dropped(state)) : done(step(dragged(state, state.drag, pointer)));
  const clicked = action === 'press' && button === 'left';
  if (clicked && target !== null) return done(...onTarget(state, target));
  if (state.overlay !== null) return wheel === null ? none : done(step(state), ...scrollKey(state, wheel));
  const layout = layoutOf(state);
  if (layout.kind === 'too-small') return none;
  if (layout.console !== null && inside(paneScreen(state), pointer)) return done(inPane(state, pointer, wheel));
  const { map, table, glance, console } = layout;
  if (action !== 'press') return none;
  if (wheel !== null)
    return state.focus === 'map' && (map ?? table ?? glance) !== null
      ? done(step(state), keyNameOf(state, state.view.main, wheel))
      : none;
  if (button !== 'left') return none;
  if (console !== null && console.x > 0 && pointer.x === console.x && pointer.y >= console.y)
    return done(step({ ...state, drag: 'beside' }));
  if (console !== null && map !== null && console.x === 0 && pointer.y === console.y)
    return done(step({ ...state, drag: 'above' }));
  const addr = map === null ? null : nodeAt(state, pointer);
  return addr === null ? none : done(...onNode(state, addr));
}

/** Selects a node; the second click opens its console, as Enter would. */
function onNode(state: State, addr: Address): [Step, ...string[]] {
  if (state.focus === 'map' && state.cursor === addr) return [step(state), keyNameOf(state, 'map', 'attach')];
  return [step({ ...state, cursor: addr, focus: 'map', notice: null })];
}

/** Returns whether a click would start an action that requires typed words: there the mouse has no effect. */
function keysOnly(state: State, context: Context | null): boolean {
  return context === null || state.settings.keys.sections.some((one) => one.context === context && one.fixed === true);
}

function onTarget(state: State, target: Target): [Step, ...string[]] {
  const { overlay } = state;
  const context = contextOf(state);
  if ('rack' in target) {
    if (overlay !== null && overlayType(overlay).showsAllRacks !== true) return [step(state)];
    if (overlay?.kind === 'racks' && target.addr !== undefined)
      return onSmallMap(state, overlay, target.rack, target.addr);
    return [step({ ...state, overlay: null }, { do: 'rack', index: target.rack, node: null })];
  }
  if (overlay !== null && keysOnly(state, context)) return [step(state)];
  if ('node' in target) return overlay === null ? onNode(state, target.node) : [step(state)];
  if ('keys' in target) return [step(state), ...target.keys];
  if (context === null) return [step(state)];
  // A click moves the selection there, as arrows would; a click on the selected row accepts, as Enter would.
  const command = target.rows === 0 ? 'accept' : target.rows > 0 ? 'down' : 'up';
  const key = keyNameOf(state, context, command);
  return [step(state), ...(key === '' ? [] : Array<string>(Math.max(1, Math.abs(target.rows))).fill(key))];
}

/** Selects a node of the overview; a click on the selected one shows its rack, as Enter would. */
function onSmallMap(
  state: State,
  overview: Extract<Overlay, { kind: 'racks' }>,
  rack: number,
  addr: Address | null,
): [Step, ...string[]] {
  const { at } = overview;
  if (at.rack === rack && at.addr === addr) return [step(state), keyNameOf(state, 'racks', 'accept')];
  return [step({ ...state, overlay: { ...overview, at: { rack, addr } } })];
}

/** The wheel in a panel is its key for scrolling, or for the next line. */
function scrollKey(state: State, way: 'up' | 'down'): string[] {
  const context = contextOf(state);
  if (context === null) return [];
  const keys = bindingsIn(state, context);
  const binding =
    keys.find(({ command }) => command === `scroll-${way}`) ?? keys.find(({ command }) => command === way);
  return binding?.keys.slice(0, 1) ?? [];
}

function inPane(state: State, pointer: Pointer, wheel: 'up' | 'down' | null): Step {
  const { attachment, look, kept } = state.pane;
  const shown = lastScreenOf(state) ?? state.pane.shown;
  if (shown === null) return step(state);
  if (state.focus === 'map') {
    const here = pointer.action === 'press' && wheel === null;
    return here ? step(toPane(state)) : wheel === null ? step(state) : step(scrolled());
  }
  // A typing session shares the mouse with the node's program; a wheel that it did not request comes back as an
  // event.
  if (attachment.kind === 'joined' && attachment.role === 'types' && look === null)
    return mouseInConsole(state, pointer);
  return wheel === null || look !== null ? step(state) : step(scrolled());

  function scrolled(): State {
    if (shown === null) return state;
    return wheeled(state, shown, wheel === 'up' ? 'up' : 'down', kept.get(shown)?.scroll ?? 0);
  }
}

/** Scrolls a console by the wheel; the runtime knows the limit. */
export function wheeled(state: State, addr: Address, way: 'up' | 'down', from: number): State {
  return scrolledTo(state, addr, Math.max(0, from + (way === 'up' ? NOTCH : -NOTCH)));
}

function inside(rect: ReturnType<typeof paneScreen>, { x, y }: Pointer): boolean {
  return rect !== null && x >= rect.x && y >= rect.y && x < rect.x + rect.width && y < rect.y + rect.height;
}

function nodeAt(state: State, { x, y }: Pointer): Address | null {
  const layout = layoutOf(state);
  const map = layout.kind === 'normal' ? layout.map : null;
  if (map === null) return null;
  const node = state.rack.nodes.find(({ addr }) => {
    const at = cellAt(map, addr);
    return at !== null && x >= at.x && y >= at.y && x < at.x + map.cellWidth && y < at.y + map.lines;
  });
  return node?.addr ?? null;
}

/** Moves the line to the pointer as far as the layout allows. */
function dragged(state: State, line: NonNullable<State['drag']>, { x, y }: Pointer): State {
  const layout = layoutOf(state);
  const console = layout.kind === 'normal' ? layout.console : null;
  if (console === null) return { ...state, drag: null };
  const view =
    line === 'beside'
      ? { ...state.view, split: Math.max(1, console.x + console.width - x) }
      : { ...state.view, splitRows: Math.max(1, console.y + console.height - y) };
  return { ...state, view };
}

function dropped(state: State): Step {
  return step({ ...state, drag: null }, { do: 'remember', view: state.view });
}

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
  const { focusSent: sent, pasting, attachment } = state.pane;
  const wanted = state.terminalFocused ? typingAt(state) : null;
  if (sent === wanted) return { state, effects };
  const leaves = effects.some((effect) => effect.do === 'detach' || effect.do === 'attach');
  // Nothing is sent in the middle of a paste.
  if (pasting !== null && !leaves) return { state, effects };
  if (sent !== null) {
    const types = attachment.kind === 'joined' && attachment.role === 'types' && attachment.addr === sent;
    const reached = pasting === null && state.link.kind === 'connected' && (leaves || types);
    const out: Effect[] = reached ? [{ do: 'focus', addr: sent, focused: false }] : [];
    return withFocus({ state: withFocusSent(state, null), effects: [...out, ...effects] });
  }
  const { console } = state;
  if (wanted === null || console?.addr !== wanted || console.unproven !== null) return { state, effects };
  return { state: withFocusSent(state, wanted), effects: [...effects, { do: 'focus', addr: wanted, focused: true }] };
}

function withFocusSent(state: State, focusSent: Address | null): State {
  return { ...state, pane: { ...state.pane, focusSent } };
}

/** Returns the node whose console has the operator's keys, or null. */
function typingAt({ focus, pane: { attachment }, link }: State): Address | null {
  const types = attachment.kind === 'joined' && attachment.role === 'types';
  return types && focus === 'console' && link.kind === 'connected' ? attachment.addr : null;
}
