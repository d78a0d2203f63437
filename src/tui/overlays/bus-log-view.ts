/** The bus pane: one exchange a line, what went out, what came back, how fast. For experts. */
import type { BusLogEntry } from '../../api/bus.ts';
import { spellBytes } from '../../lib/control-chars.ts';
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame, Span } from '../canvas/frame.ts';
import { formatClock, type Glyphs } from '../canvas/glyphs.ts';
import type { Overlay } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { paintByHand } from './raw-command-view.ts';

export function paintBus(frame: Frame, state: State, pane: Extract<Overlay, { kind: 'bus' }>, g: Glyphs): void {
  const whole = paintBox(frame, centred(frame, 130, frame.rows - 2), 'bus: exchanges as they pass', g);
  const { entries, back } = pane;
  const box = { ...whole, height: whole.height - paintByHand(frame, whole, state, pane.hand, g) };
  if (entries.length === 0) {
    frame.text(box.x, box.y, 'Nothing has passed yet.', 'dim', box.width);
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

function lineOf({ at, out, in: heard, ms, note }: BusLogEntry, state: State, g: Glyphs): Span[] {
  const millis = String((at + state.dateAhead) % 1000).padStart(3, '0');
  const time: Span = [`${formatClock(at, state.dateAhead, true)}.${millis} `, 'dim'];
  if (note !== null) return [time, [note, 'warn']];
  return [
    time,
    [(ms === null ? '' : `${Math.round(ms)} ms`).padStart(7), 'dim'],
    [`  ${spellBytes(out, g.plain).padEnd(12)} `, 'key'],
    heard === '' ? ['nothing came', 'warn'] : [spellBytes(heard, g.plain), 'text'],
  ];
}
