/**
 * Raw commands for one BIOS, in the bus pane. The server checks them (`bmc/raw-commands.ts`); one that can switch,
 * connect or close is sent only after the target's name was typed. Pure.
 */
import { spellBytes } from '../../lib/control-chars.ts';
import { wrap } from '../../lib/words.ts';
import type { Address } from '../../rack/address.ts';
import { nodeLabel } from '../../rack/inventory.ts';
import type { Frame, Rect } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import { step, type Step, type UiEvent, withNotice } from '../model/events.ts';
import type { BusPane, RawCommandState } from '../model/overlays.ts';
import { nameOf, type State } from '../model/state.ts';
import { type KeyPress, seenLongEnough, typedInto } from './overlay.ts';

/** Most bytes that the server takes at once. */
const LIMIT = 64;
const IDLE: RawCommandState = { is: 'idle', reply: null };

const withRawCommand = (state: State, pane: BusPane, rawCommand: RawCommandState): State => ({
  ...state,
  overlay: { ...pane, rawCommand },
});

export function startRawCommand(state: State, pane: BusPane, target: Address | null): State {
  return withRawCommand(state, pane, { is: 'typing', target, text: '' });
}

/** Returns the name to type as confirmation. */
function targetName(state: State, target: Address | null): string {
  return target === null ? 'master' : nameOf(state, target);
}

export function refuseRawPaste(state: State): Step {
  return step(withNotice(state, 'info', 'a paste is not sent to a BIOS: type the bytes'));
}

export function onRawKey(state: State, pane: BusPane, { name, burst }: KeyPress): Step {
  const { rawCommand } = pane;
  if (name === 'escape') return step(withRawCommand(state, pane, IDLE));
  if (rawCommand.is === 'typing') return typed(state, pane, rawCommand, name, burst);
  return rawCommand.is === 'confirming' ? confirmed(state, pane, rawCommand, name, burst) : step(state);
}

/** Ctrl-G is a byte like the others here, and the one that cannot be typed anywhere else. */
function typed(
  state: State,
  pane: BusPane,
  rawCommand: Extract<RawCommandState, { is: 'typing' }>,
  name: string,
  burst: number,
): Step {
  if (name === 'enter') {
    if (rawCommand.text === '') return step(withRawCommand(state, pane, IDLE));
    return burst > 1 ? step(state) : sent(state, pane, rawCommand, null);
  }
  const text = name === 'C-g' ? `${rawCommand.text}\x07` : typedInto(rawCommand.text, name);
  return text === null || text.length > LIMIT
    ? step(state)
    : step(withRawCommand(state, pane, { ...rawCommand, text }));
}

function confirmed(
  state: State,
  pane: BusPane,
  rawCommand: Extract<RawCommandState, { is: 'confirming' }>,
  name: string,
  burst: number,
): Step {
  if (burst > 1 || !seenLongEnough(rawCommand.shown, state.now)) return step(state);
  if (name !== 'enter') {
    const field = typedInto(rawCommand.field, name);
    return field === null ? step(state) : step(withRawCommand(state, pane, { ...rawCommand, field }));
  }
  if (rawCommand.field === targetName(state, rawCommand.target)) return sent(state, pane, rawCommand, rawCommand.field);
  const reply = { ok: false, text: 'The text does not match: nothing was sent.' };
  return step(withRawCommand(state, pane, { is: 'idle', reply }));
}

function sent(
  state: State,
  pane: BusPane,
  { target, text }: { target: Address | null; text: string },
  confirm: string | null,
): Step {
  const next = withRawCommand(state, pane, { is: 'sent', target, text });
  return step(next, { do: 'raw', pane: pane.id, target, text, confirm });
}

export function rawCommandAnswered(
  state: State,
  event: Extract<UiEvent, { type: 'raw-answered' | 'raw-refused' }>,
): Step {
  const { overlay } = state;
  if (overlay?.kind !== 'bus' || overlay.id !== event.pane || overlay.rawCommand.is !== 'sent') return step(state);
  const { target, text } = overlay.rawCommand;
  if (event.type === 'raw-answered') {
    const { heard, after } = event.answer;
    const name = targetName(state, target);
    const reply = { ok: true, text: heard === '' ? `${name} did not reply; ${after}` : `${name}: ${heard}` };
    return step(withRawCommand(state, overlay, { is: 'idle', reply }));
  }
  const { message, data } = event.error;
  if (!wantsConfirmation(data))
    return step(withRawCommand(state, overlay, { is: 'idle', reply: { ok: false, text: message } }));
  const asking = { is: 'confirming', target, text, why: message, field: '', shown: { kind: 'pending' } } as const;
  return step(withRawCommand(state, overlay, asking));
}

function wantsConfirmation(data: unknown): boolean {
  return Array.isArray(data) && data.some((one: { rule?: unknown }) => one.rule === 'confirmation');
}

/** Paints them at the bottom of `box`; returns the number of lines. */
export function paintRawCommand(frame: Frame, box: Rect, state: State, rawCommand: RawCommandState, g: Glyphs): number {
  if (rawCommand.is === 'idle' && rawCommand.reply === null) return 0;
  const text = wordsFor(state, rawCommand, g);
  const words = wrap(g.plain ? text.replaceAll('’', "'") : text, box.width);
  const field = rawCommand.is === 'typing' || rawCommand.is === 'confirming';
  const height = Math.min(box.height, 1 + words.length + (field ? 1 : 0));
  const top = box.y + box.height - height;
  for (let x = box.x; x < box.x + box.width; x++) frame.put(x, top, g.box.h, 'border');
  const ink =
    rawCommand.is === 'confirming'
      ? 'danger'
      : rawCommand.is === 'idle' && rawCommand.reply?.ok === false
        ? 'warn'
        : 'text';
  words.slice(-(height - (field ? 2 : 1))).forEach((line, i) => frame.text(box.x, top + 1 + i, line, ink, box.width));
  if (!field) return height;
  const typed = rawCommand.is === 'typing' ? spellBytes(rawCommand.text, g.plain) : rawCommand.field;
  const end = frame.spans(box.x, top + height - 1, [
    [rawCommand.is === 'typing' ? '> ' : `type ${targetName(state, rawCommand.target)} and Enter: `, 'key'],
    [typed, 'text'],
  ]);
  frame.cursor = { x: end, y: top + height - 1 };
  return height;
}

function wordsFor(state: State, rawCommand: RawCommandState, g: Glyphs): string {
  switch (rawCommand.is) {
    case 'idle':
      return spellBytes((rawCommand.reply?.text ?? '').replaceAll('’', "'"), g.plain);
    case 'typing':
      return `Raw command for the BIOS of ${who(state, rawCommand.target)}, sent after its identity proof; then the pipe is closed and the bus is queried. Ctrl-G is ^G. Enter sends, Esc cancels.`;
    case 'confirming':
      return `${spellBytes(rawCommand.text, g.plain)} to ${who(state, rawCommand.target)}: ${rawCommand.why}`;
    case 'sent':
      return `${spellBytes(rawCommand.text, g.plain)} is being sent to ${who(state, rawCommand.target)}.`;
  }
}

function who(state: State, target: Address | null): string {
  if (target === null) return 'the master';
  return nodeLabel({ name: targetName(state, target), addr: target });
}
