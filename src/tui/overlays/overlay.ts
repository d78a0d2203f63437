/**
 * Keys while something lies over the screen: help, search, menu, questions; power dialogs and panels have rooms of their own. Pure.
 */
import { glyphs } from '../canvas/glyphs.ts';
import { attachTo } from '../console/attach.ts';
import { longPaste } from '../console/typing.ts';
import { bindingOf } from '../keymap/lookup.ts';
import { MIN_ROWS } from '../layout/layout.ts';
import { keyInFilter } from '../map/filter-input.ts';
import { step, type Step, type UiEvent, withNotice } from '../model/events.ts';
import type { Overlay, Shown } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { keyInSupply } from '../ups/ups.ts';
import { keyInAlarms } from './alarms.ts';
import { keyInBus } from './bus-log.ts';
import { keyInConsoles } from './console-list.ts';
import { keyInEmergency, paintedPanel, panelShown } from './emergency.ts';
import { helpLines } from './help.ts';
import { keyInOperations } from './operations.ts';
import { keyInNote, keyInPeople } from './participants.ts';
import { seenLongEnough } from './power-rules.ts';
import { keyInPowerDialog, openPowerDialog } from './power.ts';
import { keyInRacks } from './racks.ts';
import { keyByHand } from './raw-command.ts';
import { VERBS } from './targets.ts';

type TokenEvent = Extract<UiEvent, { type: 'token' }>;

export function keyInOverlay(state: State, event: TokenEvent): Step {
  const { overlay } = state;
  // The palette's keys are pressed where all keys come in: update.ts has it.
  if (overlay === null || overlay.kind === 'palette') return step(state);
  if (overlay.kind === 'power') return keyInPowerDialog(state, overlay, event);
  if (overlay.kind === 'operations') return keyInOperations(state, overlay, event);
  if (overlay.kind === 'emergency') return keyInEmergency(state, overlay, event);
  if (overlay.kind === 'bus' && overlay.hand.is !== 'idle') return keyByHand(state, overlay, event);
  if (event.token.kind !== 'key') return step(state);
  const { name } = event.token;
  if (overlay.kind === 'alarms') return keyInAlarms(state, overlay, name);
  if (overlay.kind === 'bus') return keyInBus(state, overlay, name);
  if (overlay.kind === 'supply') return keyInSupply(state, overlay, name);
  switch (overlay.kind) {
    case 'help': {
      const command = bindingOf(state, 'help', name)?.command;
      if (command === 'cancel') return step({ ...state, overlay: null });
      const by = command === 'down' ? scrollStep(name) : command === 'up' ? -scrollStep(name) : 0;
      return step({
        ...state,
        overlay: { ...overlay, scroll: Math.max(0, Math.min(helpEnd(state), overlay.scroll + by)) },
      });
    }
    case 'racks':
      return keyInRacks(state, overlay, name);
    case 'people':
      return keyInPeople(state, overlay, name);
    case 'note':
      return keyInNote(state, overlay, name);
    case 'consoles':
      return keyInConsoles(state, overlay, name);
    case 'filter':
      return keyInFilter(state, overlay, name);
    case 'menu':
      return keyInMenu(state, overlay, name);
    case 'takeover':
      return name === 't' && believable(overlay.shown, state, event)
        ? take(state, overlay)
        : step({ ...state, overlay: null });
    case 'paste': {
      const closed: State = { ...state, overlay: null };
      if ((name === 'y' || name === 'l') && believable(overlay.shown, state, event)) {
        // The console may have been lost while the question stood.
        const { attachment } = state.pane;
        if (attachment.kind !== 'joined' || attachment.role !== 'types' || attachment.addr !== overlay.addr)
          return step(withNotice(closed, 'warning', 'nothing was pasted: you do not type there any more'));
        return longPaste(closed, overlay.addr, overlay.bytes, name === 'l');
      }
      return step(withNotice(closed, 'info', 'the paste was left out'));
    }
  }
}

/** Where scrolling ends: the last lines stay on the smallest screen. Signs have the same lines in every alphabet. */
const helpEnd = (state: State): number => helpLines(state, glyphs(true)).length - HELP_ROWS;
/** Lines of the help that the smallest terminal shows. */
const HELP_ROWS = MIN_ROWS - 4;
const scrollStep = (name: string): number => (name.startsWith('page') || name === 'space' ? 10 : 1);

/** Typed by a person who has seen the question: alone in its read, and not at once. */
function believable(shown: Shown, state: State, event: TokenEvent): boolean {
  return event.burst === 1 && seenLongEnough(shown, state.now);
}

function take(before: State, overlay: Extract<Overlay, { kind: 'takeover' }>): Step {
  const { state, effects } = attachTo({ ...before, overlay: null }, overlay.addr);
  return step(state, ...effects.map((effect) => (effect.do === 'attach' ? { ...effect, take: true } : effect)));
}

function keyInMenu(state: State, overlay: Extract<Overlay, { kind: 'menu' }>, name: string): Step {
  const chosen = VERBS.find(({ key }) => key === name);
  if (chosen !== undefined) return openPowerDialog(state, overlay.targets, chosen.verb);
  const at = overlay.index;
  switch (bindingOf(state, 'menu', name)?.command) {
    case 'down':
      return step({ ...state, overlay: { ...overlay, index: (at + 1) % VERBS.length } });
    case 'up':
      return step({ ...state, overlay: { ...overlay, index: (at + VERBS.length - 1) % VERBS.length } });
    case 'accept': {
      const verb = VERBS[at]?.verb;
      return verb === undefined ? step(state) : openPowerDialog(state, overlay.targets, verb);
    }
    case 'cancel':
      return step({ ...state, overlay: null });
    default:
      return step(state);
  }
}

/** The terminal shows what was to be seen before keys count. */
export function paintedOverlay(state: State, at: number): State {
  const { overlay } = state;
  if (overlay === null) return state;
  const painted: Shown = { kind: 'painted', at };
  if (overlay.kind === 'emergency')
    return panelShown(overlay)?.kind === 'pending' ? { ...state, overlay: paintedPanel(overlay, painted) } : state;
  if ('shown' in overlay && overlay.shown.kind === 'pending')
    return { ...state, overlay: { ...overlay, shown: painted } };
  if (overlay.kind === 'bus' && overlay.hand.is === 'confirming' && overlay.hand.shown.kind === 'pending')
    return { ...state, overlay: { ...overlay, hand: { ...overlay.hand, shown: painted } } };
  if (overlay.kind === 'operations' && overlay.prompt !== null && overlay.prompt.shown.kind === 'pending')
    return { ...state, overlay: { ...overlay, prompt: { ...overlay.prompt, shown: painted } } };
  return state;
}

/** True while something waits to be seen. */
export function awaitsPaint({ overlay }: State): boolean {
  if (overlay === null) return false;
  if (overlay.kind === 'emergency') return panelShown(overlay)?.kind === 'pending';
  if ('shown' in overlay) return overlay.shown.kind === 'pending';
  if (overlay.kind === 'bus') return overlay.hand.is === 'confirming' && overlay.hand.shown.kind === 'pending';
  return overlay.kind === 'operations' && overlay.prompt !== null && overlay.prompt.shown.kind === 'pending';
}
