/** The list of alarms: those that last, and those that are over and were not seen. */
import type { Alarm } from '../../rack/alarm-book.ts';
import { formatAddress } from '../../rack/address.ts';
import type { Frame, Span } from '../frame.ts';
import { formatAge, formatClock, type Glyphs } from '../glyphs.ts';
import { nameOf, type Overlay, type State } from '../state.ts';
import { selectedAlarm } from '../update-alarms.ts';
import { centred, paintBox } from './box.ts';

export function paintAlarms(frame: Frame, state: State, panel: Extract<Overlay, { kind: 'alarms' }>, g: Glyphs): void {
  const { alarms } = state;
  const box = paintBox(frame, centred(frame, 110, Math.max(3, alarms.length + 2)), 'alarms', g, 'fault');
  if (alarms.length === 0) {
    frame.text(box.x, box.y, 'No alarm stands.', 'dim', box.width);
    return;
  }
  const at = selectedAlarm(state, panel);
  const from = Math.max(0, Math.min(at - Math.floor(box.height / 2), alarms.length - box.height));
  alarms.slice(from, from + box.height).forEach((alarm, i) => {
    const y = box.y + i;
    if (from + i === at) frame.ground({ x: box.x - 1, y, width: box.width + 2, height: 1 }, 'selected');
    frame.spans(box.x, y, lineOf(alarm, state, g), box.width);
  });
  const hidden = alarms.length - box.height;
  if (hidden > 0) frame.text(box.x + box.width - 14, box.y + box.height, ` ${hidden} more `, 'key');
}

/** `▲ 14:05:09 k8s-worker-04 03  its fan stands still (0 counts) · seen by ann`. */
function lineOf(alarm: Alarm, state: State, g: Glyphs): Span[] {
  const { addr, acknowledged, clearedAt, since, text } = alarm;
  const who: Span = addr === null ? ['bus ', 'title'] : [`${nameOf(state, addr)} ${formatAddress(addr)} `, 'title'];
  const over: Span[] =
    clearedAt === null ? [] : [[` ${g.separator} over after ${formatAge(clearedAt - since)}`, 'dim']];
  const seen: Span[] = acknowledged === null ? [] : [[` ${g.separator} seen by ${acknowledged.by}`, 'dim']];
  return [
    [`${g.alarm} `, acknowledged !== null || clearedAt !== null ? 'dim' : 'fault'],
    [`${formatClock(since, state.utcOffsetMin, true)} `, 'dim'],
    who,
    [text, clearedAt === null ? 'text' : 'dim'],
    ...over,
    ...seen,
  ];
}
