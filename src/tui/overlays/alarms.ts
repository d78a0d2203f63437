/** The list of alarms of all racks: active ones, those not acknowledged, and on request earlier ones. Pure. */
import { wrap } from '../../lib/words.ts';
import { formatAddress } from '../../rack/address.ts';
import { type Alarm, alarmOwner } from '../../rack/alarms.ts';
import { centred, paintBox } from '../canvas/box.ts';
import { type Frame, type Span, spansWidth } from '../canvas/frame.ts';
import { formatAge, formatClock, type Glyphs } from '../canvas/glyphs.ts';
import { nameOfRack, rackSpans, toNodeOf } from '../fleet/racks.ts';
import { first, noLink, viewOnly } from '../keymap/disabled-reasons.ts';
import { type Binding, bindingOf, disabledReason } from '../keymap/lookup.ts';
import { step, type Step, withNotice } from '../model/events.ts';
import { nameOf, type State, unseenAlarms } from '../model/state.ts';
import { closed, type KeyPress, type OverlayType, type PaintTools } from './overlay.ts';

/** State of the list of alarms. The selection is a rack and an id: it survives new alarms. */
interface AlarmsPanel {
  kind: 'alarms';
  selected: number | null;
  /** Index of the selected alarm's rack. */
  rack: number;
  /** Alarms of the shown rack that are over and acknowledged, shown instead; null: not requested. */
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
  showsAllRacks: true,
  open: (state) => step({ ...state, overlay: { kind: 'alarms', selected: null, rack: state.racks.index, past: null } }),
  onKey,
  paint,
};

/** An alarm with the state of its rack. */
interface Listed {
  alarm: Alarm;
  of: State;
}

/** Returns the alarms of all racks, oldest first by the operator's date. */
function listedAlarms(state: State, { past }: AlarmsPanel, fleet: readonly State[]): Listed[] {
  if (past !== null) return past.map((alarm) => ({ alarm, of: state }));
  if (fleet.length === 1) return state.alarms.map((alarm) => ({ alarm, of: state }));
  const date = ({ alarm, of }: Listed): number => alarm.since + of.dateAhead;
  return fleet.flatMap((of) => of.alarms.map((alarm) => ({ alarm, of }))).sort((a, b) => date(a) - date(b));
}

/** Returns the index of the selected alarm; the latest where none was chosen, or the chosen one is gone. */
function selectedAlarm(alarms: readonly Listed[], { selected, rack }: AlarmsPanel): number {
  const at = alarms.findIndex(({ alarm, of }) => of.racks.index === rack && alarm.id === selected);
  return at >= 0 ? at : alarms.length - 1;
}

export function pastAlarms(state: State, past: readonly Alarm[]): Step {
  const { overlay } = state;
  return step(overlay?.kind === 'alarms' ? { ...state, overlay: { ...overlay, selected: null, past } } : state);
}

function onKey(state: State, panel: AlarmsPanel, { name, fleet }: KeyPress): Step {
  const binding = bindingOf(state, 'alarms', name);
  if (binding === null) return step(state);
  const why = disabledReason(binding, state);
  if (why !== null) return step(withNotice(state, 'info', `${binding.help}: ${why}`));
  const alarms = listedAlarms(state, panel, fleet);
  const at = selectedAlarm(alarms, panel);
  const chosen = alarms[at];
  const select = (index: number): Step => {
    const next = alarms[(index + alarms.length) % alarms.length];
    const to = next === undefined ? {} : { rack: next.of.racks.index, selected: next.alarm.id };
    return step({ ...state, overlay: { ...panel, ...to } });
  };
  switch (binding.command) {
    case 'down':
      return alarms.length === 0 ? step(state) : select(at + 1);
    case 'up':
      return alarms.length === 0 ? step(state) : select(at - 1);
    case 'acknowledge':
      return chosen === undefined ? step(state) : acknowledge(state, chosen.of, [chosen.alarm.id]);
    case 'acknowledge-all': {
      const racks = fleet.filter((one) => one === state || unseenAlarms(one).length > 0);
      return racks.reduce<Step>((before, rack) => {
        const next = acknowledge(before.state, rack === state ? before.state : rack, null);
        return step(next.state, ...before.effects, ...next.effects);
      }, step(state));
    }
    case 'past':
      if (panel.past === null) return step(state, { do: 'past-alarms' });
      return step({ ...state, overlay: { ...panel, selected: null, past: null } });
    case 'accept':
      return chosen === undefined ? step(closed(state)) : toNodeOf(state, chosen.of, chosen.alarm.addr);
    case 'cancel':
      return step(closed(state));
    default:
      return step(state);
  }
}

/** Acknowledges alarms of a rack; `ids` null: all of it. */
function acknowledge(state: State, of: State, ids: number[] | null): Step {
  const { index } = of.racks;
  if (index === state.racks.index) return step(state, { do: 'acknowledge', ids });
  const why = first(viewOnly, noLink)(of);
  if (why !== null) return step(withNotice(state, 'warning', `${nameOfRack(of)}: not acknowledged: ${why}`));
  return step(state, { do: 'elsewhere', index, effect: { do: 'acknowledge', ids } });
}

const WIDTH = 110;
/** Least columns of a sentence that is cut. */
const LEAST = 12;

function paint(frame: Frame, state: State, panel: AlarmsPanel, { g, fleet }: PaintTools): void {
  const alarms = listedAlarms(state, panel, fleet);
  const [title, none] =
    panel.past === null
      ? ['alarms', 'There is no alarm.']
      : ['alarm history', 'No alarm is both over and acknowledged.'];
  const at = selectedAlarm(alarms, panel);
  const chosen = alarms[at];
  // The selected alarm's text is shown in full below the list.
  const most = centred(frame, WIDTH, 3).width - 4;
  const words = chosen === undefined ? [] : lineOf(chosen, g);
  const whole = spansWidth(words) > most ? wrap(words.map(([text]) => text).join(''), most) : [];
  const foot = whole.length === 0 ? 0 : whole.length + 1;
  const box = paintBox(frame, centred(frame, WIDTH, Math.max(3, alarms.length + foot + 2)), title, g, 'fault');
  if (alarms.length === 0) {
    frame.text(box.x, box.y, none, 'dim', box.width);
    return;
  }
  const room = box.height - foot;
  const from = Math.max(0, Math.min(at - Math.floor(room / 2), alarms.length - room));
  alarms.slice(from, from + room).forEach((listed, i) => {
    const y = box.y + i;
    if (from + i === at) frame.ground({ x: box.x - 1, y, width: box.width + 2, height: 1 }, 'selected');
    frame.target({ x: box.x - 1, y, width: box.width + 2, height: 1 }, { rows: from + i - at });
    frame.spans(box.x, y, lineOf(listed, g, box.width), box.width);
  });
  whole.forEach((line, i) => frame.text(box.x, box.y + room + 1 + i, line, 'text', box.width));
  const hidden = alarms.length - room;
  if (hidden > 0) frame.text(box.x + box.width - 14, box.y + box.height, ` ${hidden} more `, 'key');
}

/** `▲ 14:05:09 north:k8s-worker-04 03  its fan has stopped (0 counts) · acked by ann`; one rack has no name there. */
function lineOf({ alarm, of: state }: Listed, g: Glyphs, width = Infinity): Span[] {
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
    ...rackSpans(state),
    who,
  ];
  // The end and the acknowledgement are shown in full; the sentence can be guessed from its beginning.
  const room = Math.max(LEAST, width - spansWidth([...before, ...over, ...seen]));
  const shown = text.length <= room ? text : `${text.slice(0, room - 1)}${g.ellipsis}`;
  return [...before, [shown, clearedAt === null ? 'text' : 'dim'], ...over, ...seen];
}
