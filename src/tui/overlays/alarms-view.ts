/**
 * The list of alarms: those that last, and those that are over and were not seen; or those that are over and were seen.
 */
import { wrap } from '../../lib/words.ts';
import { formatAddress } from '../../rack/address.ts';
import { type Alarm, alarmOwner } from '../../rack/alarms.ts';
import { centred, paintBox } from '../canvas/box.ts';
import { type Frame, type Span, spansWidth } from '../canvas/frame.ts';
import { formatAge, formatClock, type Glyphs } from '../canvas/glyphs.ts';
import type { Overlay } from '../model/overlays.ts';
import { nameOf, type State } from '../model/state.ts';
import { listedAlarms, selectedAlarm } from './alarms.ts';

const WIDTH = 110;
/** Columns of a sentence that is cut. */
const LEAST = 12;

export function paintAlarms(frame: Frame, state: State, panel: Extract<Overlay, { kind: 'alarms' }>, g: Glyphs): void {
  const alarms = listedAlarms(state, panel);
  const [title, none] =
    panel.past === null
      ? ['alarms', 'No alarm stands.']
      : ['alarms of before', 'There was none that is over and was seen.'];
  const at = selectedAlarm(state, panel);
  const chosen = alarms[at];
  // What a line has no room for stands below all of them, for the chosen one.
  const most = centred(frame, WIDTH, 3).width - 4;
  const words = chosen === undefined ? [] : lineOf(chosen, state, g);
  const whole = spansWidth(words) > most ? wrap(words.map(([text]) => text).join(''), most) : [];
  const foot = whole.length === 0 ? 0 : whole.length + 1;
  const box = paintBox(frame, centred(frame, WIDTH, Math.max(3, alarms.length + foot + 2)), title, g, 'fault');
  if (alarms.length === 0) {
    frame.text(box.x, box.y, none, 'dim', box.width);
    return;
  }
  const room = box.height - foot;
  const from = Math.max(0, Math.min(at - Math.floor(room / 2), alarms.length - room));
  alarms.slice(from, from + room).forEach((alarm, i) => {
    const y = box.y + i;
    if (from + i === at) frame.ground({ x: box.x - 1, y, width: box.width + 2, height: 1 }, 'selected');
    frame.target({ x: box.x - 1, y, width: box.width + 2, height: 1 }, { rows: from + i - at });
    frame.spans(box.x, y, lineOf(alarm, state, g, box.width), box.width);
  });
  whole.forEach((line, i) => frame.text(box.x, box.y + room + 1 + i, line, 'text', box.width));
  const hidden = alarms.length - room;
  if (hidden > 0) frame.text(box.x + box.width - 14, box.y + box.height, ` ${hidden} more `, 'key');
}

/** `▲ 14:05:09 k8s-worker-04 03  its fan stands still (0 counts) · seen by ann`. */
function lineOf(alarm: Alarm, state: State, g: Glyphs, width = Infinity): Span[] {
  const { addr, acknowledged, clearedAt, since, text } = alarm;
  const who: Span =
    addr === null
      ? [`${alarmOwner(alarm.kind)} `, 'title']
      : [`${nameOf(state, addr)} ${formatAddress(addr)} `, 'title'];
  const over: Span[] =
    clearedAt === null ? [] : [[` ${g.separator} over after ${formatAge(clearedAt - since)}`, 'dim']];
  const seen: Span[] = acknowledged === null ? [] : [[` ${g.separator} seen by ${acknowledged.by}`, 'dim']];
  const before: Span[] = [
    [`${g.alarm} `, acknowledged !== null || clearedAt !== null ? 'dim' : 'fault'],
    [`${formatClock(since, state.dateAhead, true)} `, 'dim'],
    who,
  ];
  // That it is over and who has seen it is news; the sentence can be guessed from its beginning.
  const room = Math.max(LEAST, width - spansWidth([...before, ...over, ...seen]));
  const said = text.length <= room ? text : `${text.slice(0, room - 1)}${g.ellipsis}`;
  return [...before, [said, clearedAt === null ? 'text' : 'dim'], ...over, ...seen];
}
