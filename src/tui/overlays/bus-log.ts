/** The bus pane: one exchange a line, as they pass. It requests the next ones as long as it is open. Pure. */
import type { BusLogEntry } from '../../api/bus.ts';
import { spellBytes } from '../../lib/control-chars.ts';
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame, Span } from '../canvas/frame.ts';
import { formatClock, type Glyphs } from '../canvas/glyphs.ts';
import { first, noLink, viewOnly } from '../keymap/disabled-reasons.ts';
import { type Binding, bindingOf, disabledReason } from '../keymap/lookup.ts';
import { step, type Step, type UiEvent, withNotice } from '../model/events.ts';
import type { BusPane } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { closed, type OverlayType, type PaintTools } from './overlay.ts';
import { onRawKey, paintRawCommand, refuseRawPaste, startRawCommand } from './raw-command.ts';

/** Entries kept for scrolling back. */
const KEPT = 1000;
const PAGE = 10;

const KEYS: readonly Binding[] = [
  { context: 'bus', keys: ['up', 'k'], command: 'up', hint: 'back', help: 'scroll back and hold' },
  {
    context: 'bus',
    keys: ['down', 'j'],
    command: 'down',
    hint: 'forward',
    help: 'scroll forward; at the end it follows',
  },
  { context: 'bus', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'a page back' },
  { context: 'bus', keys: ['pagedown', 'space'], command: 'scroll-down', hint: null, help: 'a page forward' },
  {
    context: 'bus',
    keys: ['r'],
    command: 'by-hand',
    hint: 'raw command',
    help: 'send a raw command to the BIOS of the selected node',
    disabled: first(viewOnly, noLink),
  },
  {
    context: 'bus',
    keys: ['R'],
    command: 'by-hand-master',
    hint: null,
    help: 'send a raw command to the master’s BIOS',
    disabled: first(viewOnly, noLink),
  },
  { context: 'bus', keys: ['escape', 'q', 'B'], command: 'cancel', hint: 'close', help: 'close' },
];

export const BUS_LOG: OverlayType<BusPane> = {
  kind: 'bus',
  sections: [{ context: 'bus', title: 'Bus pane', where: 'in the bus pane' }],
  keys: KEYS,
  open,
  // A raw command is read as typed.
  context: ({ rawCommand }) => (rawCommand.is === 'idle' ? 'bus' : null),
  onKey: (state, pane, key) =>
    pane.rawCommand.is === 'idle' ? onKey(state, pane, key.name) : onRawKey(state, pane, key),
  onPaste: (state, pane) => (pane.rawCommand.is === 'idle' ? step(state) : refuseRawPaste(state)),
  paint,
  shown: ({ rawCommand }) => (rawCommand.is === 'confirming' ? rawCommand.shown : null),
  withShown: (pane, shown) =>
    pane.rawCommand.is === 'confirming' ? { ...pane, rawCommand: { ...pane.rawCommand, shown } } : pane,
};

function open(state: State): Step {
  const id = state.nextId;
  return step(
    {
      ...state,
      overlay: { kind: 'bus', id, entries: [], back: 0, rawCommand: { is: 'idle', reply: null } },
      nextId: id + 1,
    },
    { do: 'bus-log', pane: id, after: 0 },
  );
}

export function busLogged(state: State, event: Extract<UiEvent, { type: 'bus-log' }>): Step {
  const { overlay } = state;
  // The pane was closed, or opened again: the new one sends its own request.
  if (overlay?.kind !== 'bus' || overlay.id !== event.pane) return step(state);
  const entries = [...overlay.entries, ...event.entries].slice(-KEPT);
  // While scrolled back, the same lines stay visible.
  const back = overlay.back === 0 ? 0 : Math.min(entries.length, overlay.back + event.entries.length);
  const next = { do: 'bus-log', pane: overlay.id, after: entries.at(-1)?.seq ?? 0 } as const;
  return step({ ...state, overlay: { ...overlay, entries, back } }, next);
}

function onKey(state: State, pane: BusPane, name: string): Step {
  const by = (lines: number): Step => {
    const back = Math.max(0, Math.min(pane.entries.length - 1, pane.back + lines));
    return step({ ...state, overlay: { ...pane, back } });
  };
  const binding = bindingOf(state, 'bus', name);
  const why = binding && disabledReason(binding, state);
  if (binding && why !== null) return step(withNotice(state, 'info', `${binding.help}: ${why}`));
  switch (binding?.command) {
    case 'by-hand':
      // Bytes without a pipe go to the master's own BIOS.
      return step(startRawCommand(state, pane, state.cursor === state.bus.master ? null : state.cursor));
    case 'by-hand-master':
      return step(startRawCommand(state, pane, null));
    case 'up':
      return by(1);
    case 'down':
      return by(-1);
    case 'scroll-up':
      return by(PAGE);
    case 'scroll-down':
      return by(-PAGE);
    case 'cancel':
      return step(closed(state));
    default:
      return step(state);
  }
}

function paint(frame: Frame, state: State, pane: BusPane, { g }: PaintTools): void {
  const whole = paintBox(frame, centred(frame, 130, frame.rows - 2), 'bus: exchanges', g);
  const { entries, back } = pane;
  const box = { ...whole, height: whole.height - paintRawCommand(frame, whole, state, pane.rawCommand, g) };
  if (entries.length === 0) {
    frame.text(box.x, box.y, 'No exchange yet.', 'dim', box.width);
    return;
  }
  const end = Math.max(Math.min(box.height, entries.length), entries.length - back);
  const shown = entries.slice(Math.max(0, end - box.height), end);
  shown.forEach((entry, i) => frame.spans(box.x, box.y + i, lineOf(entry, state, g), box.width));
  if (end < entries.length) {
    const more = ` ${entries.length - end} more: Down `;
    frame.text(whole.x + whole.width - more.length, whole.y + whole.height, more, 'key');
  }
}

function lineOf({ at, out, in: input, ms, note }: BusLogEntry, state: State, g: Glyphs): Span[] {
  const millis = String((at + state.dateAhead) % 1000).padStart(3, '0');
  const time: Span = [`${formatClock(at, state.dateAhead, true)}.${millis} `, 'dim'];
  if (note !== null) return [time, [note, 'warn']];
  return [
    time,
    [(ms === null ? '' : `${Math.round(ms)} ms`).padStart(7), 'dim'],
    [`  ${spellBytes(out, g.plain).padEnd(12)} `, 'key'],
    input === '' ? ['no reply', 'warn'] : [spellBytes(input, g.plain), 'text'],
  ];
}
