/** Paints the bar at the top: the rack, its bus, the counts of nodes, and the other users. */
import type { BusState } from '../../api/bus.ts';
import { configWords } from '../../api/configuration.ts';
import { mostPressing, supplyForms, type SupplyState } from '../../api/outage.ts';
import { count } from '../../lib/words.ts';
import type { Draw } from '../../rack/calibration.ts';
import { type Frame, type InkRole, type Rect, type Span, spansWidth } from '../canvas/frame.ts';
import { barRows, formatAge, formatClock, type Glyphs } from '../canvas/glyphs.ts';
import { countsOf } from '../map/node-look.ts';
import { totalStrip } from '../map/strips.ts';
import { isUnreached, type State, unseenAlarms } from '../model/state.ts';

const BUS_INK: Record<BusState, InkRole> = {
  starting: 'aging',
  ready: 'ok',
  paused: 'aging',
  locked: 'fault',
  wedged: 'fault',
  down: 'fault',
};

export function paintHeader(frame: Frame, rect: Rect, state: State, g: Glyphs): void {
  frame.clear(rect, 'bar');
  const right = rightPart(state, g);
  const room = rect.width - 2 - spansWidth(right);
  const pieces = leftPieces(state, room);
  // Parts that do not fit are dropped from the end: the least urgent is last.
  const left: Span[] = [];
  const fitting = pieces.filter((piece) => {
    const fits = spansWidth(left) + spansWidth(piece) + 2 <= room;
    if (fits) left.push(...piece);
    return fits;
  });
  const end = frame.spans(1, rect.y, left);
  const named = fitting.at(-1) === pieces.at(-1);
  paintTotal(frame, { x: end + 1, y: rect.y, width: room - end - 1, height: 1 }, named, state, g);
  frame.spans(rect.x + rect.width - 1 - spansWidth(right), rect.y, right);
}

/** Least and most columns of the strip of the rack's total. */
const TOTAL_STRIP = { least: 5, most: 24 };

/**
 * Paints the rack's total in the window of the map's strips, where there is room for it. `named`: its value and name
 * stand before it.
 */
function paintTotal(frame: Frame, { x, y, width }: Rect, named: boolean, state: State, g: Glyphs): void {
  const name = named ? '' : 'total ';
  const columns = Math.min(width - name.length, TOTAL_STRIP.most, state.strips.count);
  if (columns < TOTAL_STRIP.least || state.link.kind === 'lost') return;
  const { values, range } = totalStrip(state);
  if (values.length === 0) return;
  const [bars = ''] = barRows(values, columns, 1, range, g);
  frame.spans(x, y, [
    [name, 'dim'],
    [bars, 'spark'],
  ]);
}

function leftPieces(state: State, room: number): Span[][] {
  const { draw } = countsOf(state);
  const head: Span[][] = [[[state.rack.name, 'title']], busWords(state)];
  const taken = head.reduce((sum, one) => sum + spansWidth(one), 0);
  const fits = (form: readonly Span[]): boolean => taken + spansWidth(form) + 2 <= room;
  const whole = countWords(state);
  const counts = fits(whole) ? whole : (shortCounts(state).find(fits) ?? whole);
  const must: Span[][] = [...head, counts];
  // The battery's time is more important than the counts of nodes.
  const beside = (pieces: readonly Span[][]): number =>
    room - 2 - pieces.reduce((sum, one) => sum + spansWidth(one), 0);
  const rest: Span[][] = [sweep(state), totalWords(draw)];
  const view = mostPressing(state.outage);
  const quiet = view?.supply.state === 'mains' && view.phase === null;
  const widths = quiet ? [beside([...must, ...rest])] : [beside(must), beside(must.slice(0, 2))];
  const supply = supplyWords(state, widths);
  // A draining battery is first; mains are the normal case.
  const [name = [], ...others] = must;
  const pressing = supply !== null && supply.state !== 'mains';
  return [
    name,
    ...(pressing ? [supply.spans] : []),
    ...others,
    ...(supply !== null && !pressing ? [supply.spans] : []),
    ...rest,
  ];
}

function totalWords(draw: Draw | null): Span[] {
  if (draw === null) return [[' total -', 'dim']];
  return [
    [' total ', 'dim'],
    [draw.amps === null ? `${draw.counts} ct` : `${draw.amps.toFixed(1)} A`, 'spark'],
  ];
}

const gap: Span = ['  ', 'text'];

/** Returns the state of the bus, or that there is no connection to the server. */
export function busWords(state: State): Span[] {
  return state.link.kind === 'lost'
    ? [
        gap,
        [`${isUnreached(state) ? 'NOT REACHED' : 'NO SERVER'} ${formatAge(state.now - state.link.since)}`, 'danger'],
      ]
    : [
        gap,
        ['bus ', 'dim'],
        [
          state.bus.state === 'paused' && state.bus.quietReads ? 'polled in silence' : state.bus.state,
          BUS_INK[state.bus.state],
        ],
        ...recovery(state),
      ];
}

/**
 * Returns the state of the supply: `mains 98 %`, `BATTERY 71 %, 11:20 left, shed-all takes 4:10`, in the longest
 * form that fits into one of `widths`, tried in their order before the shortest form; null: no UPS is known. The
 * last report of a lost server is not shown.
 */
export function supplyWords(
  state: State,
  widths: readonly number[] = [],
): { state: SupplyState; spans: Span[] } | null {
  const view = mostPressing(state.outage);
  if (view === null) return null;
  if (state.link.kind === 'lost') return { state: 'unknown', spans: [gap, ['supply unknown', 'unknown']] };
  const forms = supplyForms(view, state.now);
  const [shortest = '', ...longer] = [...forms].reverse();
  const fitting = widths.flatMap((width) => longer.toReversed().filter((form) => form.length + 2 <= width));
  const text = fitting[0] ?? (widths.length === 0 ? forms[0] : shortest) ?? '';
  const { supply, last } = view;
  return { state: supply.state, spans: [gap, [text, supplyInk(supply.state, supply.low || last?.fits === false)]] };
}

function supplyInk(state: SupplyState, critical: boolean): InkRole {
  if (state === 'mains') return 'dim';
  return state === 'battery' && critical ? 'danger' : 'warn';
}

/** Returns the counts of nodes by condition; counts of zero are left out, except on and off. */
export function countWords(state: State): Span[] {
  const counts = countsOf(state);
  const count = (n: number, word: string, ink: InkRole): Span[] => (n > 0 ? [[`${n} ${word} `, ink]] : []);
  return [
    gap,
    // Green marks present values only.
    [`${counts.on} on `, counts.on === 0 ? 'text' : counts.old > 0 ? 'aging' : 'ok'],
    ...count(counts.booting, 'booting', 'aging'),
    ...count(counts['going-down'], 'going down', 'warn'),
    ...count(counts.halted, 'halted', 'warn'),
    ...count(counts.failed, 'not up', 'fault'),
    [`${counts.off} off `, 'off'],
    ...count(counts.disabled, 'disabled', 'warn'),
    ...count(counts.unknown, 'unknown', 'unknown'),
    ...count(counts.lost, 'lost', 'fault'),
    ...count(counts.old, 'old', 'stale'),
  ];
}

/** Returns the counts of nodes for narrow screens: `19 on 1 off 4 other`, `19 of 24 on`. */
function shortCounts(state: State): Span[][] {
  const { on, off, old, lost, failed } = countsOf(state);
  const all = state.rack.nodes.length;
  const other = all - on - off;
  const ink: InkRole = on === 0 ? 'text' : old > 0 ? 'aging' : 'ok';
  const otherInk: InkRole = lost + failed > 0 ? 'fault' : 'warn';
  return [
    [gap, [`${on} on `, ink], [`${off} off `, 'off'], ...(other > 0 ? [[`${other} other `, otherInk] as const] : [])],
    [gap, [`${on} of ${all} on`, other + off > 0 ? 'aging' : ink]],
  ];
}

/** Returns the number of alarms that are not acknowledged; null: none. */
export function alarmWords(state: State, g: Glyphs): string | null {
  const unseen = unseenAlarms(state).length;
  return unseen === 0 ? null : `${g.alarm} ${count(unseen, 'alarm')}`;
}

/** Names the recovery stage in a word; the line below the map has the sentence. */
function recovery({ bus, now }: State): Span[] {
  if (bus.recovery === null) return [];
  const { step, retryAt } = bus.recovery;
  const word = retryAt === null ? step : `retry in ${Math.max(0, Math.ceil((retryAt - now) / 1000))} s`;
  return [[` ${word}`, 'aging']];
}

function sweep({ bus, link }: State): Span[] {
  if (link.kind === 'lost' || bus.state !== 'ready' || bus.sweepMs === null) return [];
  return [[` sweep ${Math.round(bus.sweepMs)} ms`, 'dim']];
}

function rightPart(state: State, g: Glyphs): Span[] {
  const others = state.sessions.filter((session) => session.id !== state.session && isPerson(session.who.program));
  const who: Span[] =
    others.length === 0
      ? []
      : [[others.length === 1 ? `with ${others[0]?.who.user ?? '?'} ` : `${others.length + 1} operators `, 'aging']];
  const unseen = alarmWords(state, g);
  const alarms: Span[] = unseen === null ? [] : [[`${unseen} `, 'danger']];
  const look: Span[] = state.access === 'view' ? [['view only ', 'warn']] : [];
  const config = configWords(state.config);
  const differs: Span[] = config === null ? [] : [[`${config} `, 'warn']];
  return [
    ...alarms,
    ...differs,
    ...look,
    ...who,
    [`${g.separator} `, 'dim'],
    [formatClock(state.now, state.dateAhead, false), 'text'],
  ];
}

/** Returns whether a session is that of a user who stays; a short command such as `status` is not mentioned. */
function isPerson(program: string): boolean {
  return program === 'interface' || program === 'console';
}
