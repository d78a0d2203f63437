/**
 * Bytes by hand from the bus pane: typed as they are, judged by the server (`bmc/raw-rules.ts`), and where they can
 * switch, connect or close sent only behind the target's typed name. Pure.
 */
import type { Address } from '../../rack/address.ts';
import { step, type Step, type UiEvent, withNotice } from '../model/events.ts';
import type { ByHand, Overlay } from '../model/overlays.ts';
import { nameOf, type State } from '../model/state.ts';
import { seenLongEnough, typedInto } from './power-rules.ts';

type Pane = Extract<Overlay, { kind: 'bus' }>;
type TokenEvent = Extract<UiEvent, { type: 'token' }>;

/** What the server takes at once, bytes. */
const LIMIT = 64;
const IDLE: ByHand = { is: 'idle', said: null };

const withHand = (state: State, pane: Pane, hand: ByHand): State => ({ ...state, overlay: { ...pane, hand } });

export function typingByHand(state: State, pane: Pane, target: Address | null): State {
  return withHand(state, pane, { is: 'typing', target, text: '' });
}

/** What must be typed to confirm. */
export function targetName(state: State, target: Address | null): string {
  return target === null ? 'master' : nameOf(state, target);
}

export function keyByHand(state: State, pane: Pane, event: TokenEvent): Step {
  const { hand } = pane;
  if (event.token.kind !== 'key')
    return step(withNotice(state, 'info', 'a paste is not sent to a BIOS: type the bytes'));
  const { name } = event.token;
  if (name === 'escape') return step(withHand(state, pane, IDLE));
  if (hand.is === 'typing') return typed(state, pane, hand, name, event.burst);
  return hand.is === 'confirming' ? confirmed(state, pane, hand, name, event.burst) : step(state);
}

/** Ctrl-G is a byte like the others here, and the one that nothing else can type. */
function typed(state: State, pane: Pane, hand: Extract<ByHand, { is: 'typing' }>, name: string, burst: number): Step {
  if (name === 'enter') {
    if (hand.text === '') return step(withHand(state, pane, IDLE));
    return burst > 1 ? step(state) : sent(state, pane, hand, null);
  }
  const text = name === 'C-g' ? `${hand.text}\x07` : typedInto(hand.text, name);
  return text === null || text.length > LIMIT ? step(state) : step(withHand(state, pane, { ...hand, text }));
}

function confirmed(
  state: State,
  pane: Pane,
  hand: Extract<ByHand, { is: 'confirming' }>,
  name: string,
  burst: number,
): Step {
  if (burst > 1 || !seenLongEnough(hand.shown, state.now)) return step(state);
  if (name !== 'enter') {
    const field = typedInto(hand.field, name);
    return field === null ? step(state) : step(withHand(state, pane, { ...hand, field }));
  }
  if (hand.field === targetName(state, hand.target)) return sent(state, pane, hand, hand.field);
  const said = { ok: false, text: 'That was not it: nothing was sent.' };
  return step(withHand(state, pane, { is: 'idle', said }));
}

function sent(
  state: State,
  pane: Pane,
  { target, text }: { target: Address | null; text: string },
  confirm: string | null,
): Step {
  const next = withHand(state, pane, { is: 'sent', target, text });
  return step(next, { do: 'raw', pane: pane.id, target, text, confirm });
}

export function byHandAnswered(state: State, event: Extract<UiEvent, { type: 'raw-said' | 'raw-refused' }>): Step {
  const { overlay } = state;
  if (overlay?.kind !== 'bus' || overlay.id !== event.pane || overlay.hand.is !== 'sent') return step(state);
  const { target, text } = overlay.hand;
  if (event.type === 'raw-said') {
    const { heard, after } = event.answer;
    const whose = targetName(state, target);
    const said = { ok: true, text: heard === '' ? `${whose} said nothing; ${after}` : `${whose}: ${heard}` };
    return step(withHand(state, overlay, { is: 'idle', said }));
  }
  const { message, data } = event.error;
  if (!wantsConfirmation(data))
    return step(withHand(state, overlay, { is: 'idle', said: { ok: false, text: message } }));
  const asking = { is: 'confirming', target, text, why: message, field: '', shown: { kind: 'pending' } } as const;
  return step(withHand(state, overlay, asking));
}

function wantsConfirmation(data: unknown): boolean {
  return Array.isArray(data) && data.some((one: { rule?: unknown }) => one.rule === 'confirmation');
}
