/** The list of alarms: active ones, those not acknowledged, and on request earlier ones. Pure. */
import { wrap } from '../../lib/words.ts';
import { formatAddress } from '../../rack/address.ts';
import { type Alarm, alarmOwner } from '../../rack/alarms.ts';
import { centred, paintBox } from '../canvas/box.ts';
import { type Frame, type Span, spansWidth } from '../canvas/frame.ts';
import { formatAge, formatClock, type Glyphs } from '../canvas/glyphs.ts';
import { first, noLink, viewOnly } from '../keymap/disabled-reasons.ts';
import { type Binding, bindingOf, disabledReason } from '../keymap/lookup.ts';
import { step, type Step, withNotice } from '../model/events.ts';
import { nameOf, type State } from '../model/state.ts';
import { closed, type KeyPress, type OverlayType, type PaintTools } from './overlay.ts';

/** State of the list of alarms. The selection is an id: it survives new alarms. */
interface AlarmsPanel {
  kind: 'alarms';
  selected: number | null;
  /** Alarms that are over and acknowledged, shown instead; null: not requested. */
  past: readonly Alarm[] | null;
}

declare module '../model/overlays.ts' {
  interface OverlayStates {
    alarms: AlarmsPanel;
  }
}

const whilePast = ({ overlay }: State): string | null =>
  overlay?.kind === 'alarms' && overlay.past !== null ? 'all of these are acknowledged' : null;

const KEYS: readonly Binding[] = [
  { context: 'alarms', keys: ['down', 'j', 'tab'], command: 'down', hint: 'next', help: 'next alarm' },
  { context: 'alarms', keys: ['up', 'k', 'S-tab'], command: 'up', hint: null, help: 'previous alarm' },
  {
    context: 'alarms',
    keys: ['space', 'a'],
    command: 'acknowledge',
    hint: 'acknowledge',
    help: 'acknowledge the selected alarm',
    disabled: first(viewOnly, noLink, whilePast),
  },
  {
    context: 'alarms',
    keys: ['A'],
    command: 'acknowledge-all',
    hint: 'acknowledge all',
    help: 'acknowledge all alarms',
    disabled: first(viewOnly, noLink, whilePast),
  },
  {
    context: 'alarms',
    keys: ['h'],
    command: 'past',
    hint: 'history',
    disabled: noLink,
    help: 'alarm history (over and acknowledged), or the present alarms',
  },
  { context: 'alarms', keys: ['enter'], command: 'accept', hint: 'go to the node', help: 'select the alarm’s node' },
  { context: 'alarms', keys: ['escape', 'q'], command: 'cancel', hint: 'close', help: 'close' },
];

export const ALARMS: OverlayType<AlarmsPanel> = {
  kind: 'alarms',
  sections: [{ context: 'alarms', title: 'Alarms', where: 'in the list of alarms' }],
  keys: KEYS,
  open: (state) => step({ ...state, overlay: { kind: 'alarms', selected: null, past: null } }),
  onKey,
  paint,
};

const listedAlarms = (state: State, { past }: AlarmsPanel): readonly Alarm[] => past ?? state.alarms;

/** Returns the index of the selected alarm; the latest where none was chosen, or the chosen one is gone. */
function selectedAlarm(state: State, panel: AlarmsPanel): number {
  const alarms = listedAlarms(state, panel);
  const at = alarms.findIndex(({ id }) => id === panel.selected);
  return at >= 0 ? at : alarms.length - 1;
}

export function pastAlarms(state: State, past: readonly Alarm[]): Step {
  const { overlay } = state;
  return step(overlay?.kind === 'alarms' ? { ...state, overlay: { ...overlay, selected: null, past } } : state);
}

function onKey(state: State, panel: AlarmsPanel, { name }: KeyPress): Step {
  const binding = bindingOf(state, 'alarms', name);
  if (binding === null) return step(state);
  const why = disabledReason(binding, state);
  if (why !== null) return step(withNotice(state, 'info', `${binding.help}: ${why}`));
  const alarms = listedAlarms(state, panel);
  const at = selectedAlarm(state, panel);
  const alarm = alarms[at];
  const select = (index: number): Step =>
    step({
      ...state,
      overlay: { ...panel, selected: alarms[(index + alarms.length) % alarms.length]?.id ?? null },
    });
  switch (binding.command) {
    case 'down':
      return alarms.length === 0 ? step(state) : select(at + 1);
    case 'up':
      return alarms.length === 0 ? step(state) : select(at - 1);
    case 'acknowledge':
      return alarm === undefined ? step(state) : step(state, { do: 'acknowledge', ids: [alarm.id] });
    case 'acknowledge-all':
      return step(state, { do: 'acknowledge', ids: null });
    case 'past':
      if (panel.past === null) return step(state, { do: 'past-alarms' });
      return step({ ...state, overlay: { ...panel, selected: null, past: null } });
    case 'accept':
      if (alarm === undefined || alarm.addr === null) return step(closed(state));
      return step({ ...state, overlay: null, cursor: alarm.addr, focus: 'map' });
    case 'cancel':
      return step(closed(state));
    default:
      return step(state);
  }
}

const WIDTH = 110;
/** Least columns of a sentence that is cut. */
const LEAST = 12;

function paint(frame: Frame, state: State, panel: AlarmsPanel, { g }: PaintTools): void {
  const alarms = listedAlarms(state, panel);
  const [title, none] =
    panel.past === null
      ? ['alarms', 'There is no alarm.']
      : ['alarm history', 'No alarm is both over and acknowledged.'];
  const at = selectedAlarm(state, panel);
  const chosen = alarms[at];
  // The selected alarm's text is shown in full below the list.
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

/** `▲ 14:05:09 k8s-worker-04 03  its fan has stopped (0 counts) · acked by ann`. */
function lineOf(alarm: Alarm, state: State, g: Glyphs, width = Infinity): Span[] {
  const { addr, acknowledged, clearedAt, since, text } = alarm;
  const who: Span =
    addr === null
      ? [`${alarmOwner(alarm.kind)} `, 'title']
      : [`${nameOf(state, addr)} ${formatAddress(addr)} `, 'title'];
  const over: Span[] =
    clearedAt === null ? [] : [[` ${g.separator} over after ${formatAge(clearedAt - since)}`, 'dim']];
  const seen: Span[] = acknowledged === null ? [] : [[` ${g.separator} acked by ${acknowledged.by}`, 'dim']];
  const before: Span[] = [
    [`${g.alarm} `, acknowledged !== null || clearedAt !== null ? 'dim' : 'fault'],
    [`${formatClock(since, state.dateAhead, true)} `, 'dim'],
    who,
  ];
  // The end and the acknowledgement are shown in full; the sentence can be guessed from its beginning.
  const room = Math.max(LEAST, width - spansWidth([...before, ...over, ...seen]));
  const shown = text.length <= room ? text : `${text.slice(0, room - 1)}${g.ellipsis}`;
  return [...before, [shown, clearedAt === null ? 'text' : 'dim'], ...over, ...seen];
}
