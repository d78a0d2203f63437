/** Paints single lines under the map: the selected node in words, events, operations, the notice, the footer. */
import { formatAddress, formatPosition, rowLabel } from '../../rack/address.ts';
import { drawOf, drawText } from '../../rack/calibration.ts';
import { nodeAt } from '../../rack/inventory.ts';
import { messageFrom, type PaintedMessage } from '../canvas/box.ts';
import { type Frame, type Rect, type Span, spansWidth } from '../canvas/frame.ts';
import { type Glyphs, POWER_WORD } from '../canvas/glyphs.ts';
import { glanceSpans } from '../glance/glance-view.ts';
import { keyLabel } from '../keymap/key-names.ts';
import { type Binding, bindingsIn, disabledReason, keyOf } from '../keymap/lookup.ts';
import type { Layout } from '../layout/layout.ts';
import type { MapLayout } from '../layout/map-layout.ts';
import { paintChips } from '../map/filter-input.ts';
import { isFiltered } from '../map/filter.ts';
import { lookOf, viewOf } from '../map/node-look.ts';
import type { Context } from '../model/keys.ts';
import { loneOperations, shownRuns } from '../model/results.ts';
import { isUnreached, type State } from '../model/state.ts';
import { operationLine } from '../overlays/operation-view.ts';
import { runSpans } from '../overlays/plans/run-view.ts';
import { tableSpans } from '../table/table-view.ts';
import { eventSpans, weightiest } from './event-lines.ts';

/**
 * Paints the selected node in words, where no detail pane shows the same; the number of marked nodes, and of those
 * scrolled out of sight; and of the map's `legend` what fits in the rest of the line.
 */
export function paintSelected(
  frame: Frame,
  { x, y, width }: Rect,
  state: State,
  { layout, legend }: { layout: Layout; legend: readonly Span[][] },
  g: Glyphs,
): void {
  const scrolled = scrollSpans(state, layout);
  const marked: Span[] = state.marks.size > 0 ? [[`${state.marks.size} marked `, 'mark']] : [];
  const end = x + width - 2 - spansWidth(scrolled);
  const left = state.filter === '' ? x + 1 : paintChips(frame, x + 1, y, state, end - x - 1);
  const words = [...marked, ...(layout.detail === null ? selectedSpans(state, g) : [])];
  frame.spans(left, y, words, end - left);
  const right = [...scrolled];
  for (const piece of legend) {
    const longer: Span[] = [...right, ...(right.length === 0 ? [] : [['  ', 'text'] as const]), ...piece];
    if (left + spansWidth(words) + 2 + spansWidth(longer) <= x + width - 1) right.splice(0, right.length, ...longer);
  }
  frame.spans(x + width - 1 - spansWidth(right), y, right);
}

/** Returns what of the rack is visible; empty where the map shows all of it. */
function scrollSpans(state: State, { map, table }: Layout): Span[] {
  if (state.view.main === 'glance') return glanceSpans(state);
  return table !== null ? tableSpans(state, table) : map !== null ? bladeSpans(map) : [];
}

/** `rows C to T of X`. */
function bladeSpans({ blades, firstBlade, visibleBlades }: MapLayout): Span[] {
  if (visibleBlades >= blades.length) return [];
  const row = (index: number): string => rowLabel(blades[index] ?? 0);
  const [from, to] = [row(firstBlade), row(firstBlade + visibleBlades - 1)];
  return [[`rows ${from} to ${to} of ${row(0)} to ${row(blades.length - 1)}`, 'dim']];
}

function selectedSpans(state: State, g: Glyphs): Span[] {
  const node = nodeAt(state.rack, state.cursor);
  const dot: Span = [` ${g.separator} `, 'dim'];
  if (node === undefined) return [[`${formatPosition(state.cursor)}: an empty slot`, 'dim']];
  const view = viewOf(state, node.addr);
  const look = lookOf(state, view);
  const spans: Span[] = [
    [node.name, 'title'],
    dot,
    [`${formatPosition(node.addr)} ${formatAddress(node.addr)}`, 'text'],
    dot,
    [POWER_WORD[look.power], look.ink],
  ];
  if (look.age !== null) spans.push([` ${look.age} old`, 'stale']);
  if (look.current !== null)
    spans.push(
      dot,
      [drawText(drawOf(look.current, node.calibration), 'ct'), 'spark'],
      [' fan ', 'dim'],
      [`${look.fan ?? '-'} ct`, 'fan'],
    );
  const alarms = view?.alarms ?? [];
  if (alarms.length > 0) spans.push(dot, [alarms.join(', '), 'fault']);
  if (node.role !== null) spans.push(dot, [node.role, 'dim']);
  if (node.cluster !== null) spans.push([` ${node.cluster}`, 'dim']);
  if (node.protected) spans.push(dot, ['protected', 'master']);
  if (isFiltered(state, node.addr)) spans.unshift(['outside the filter: ', 'warn']);
  return spans;
}

/** Paints the weightiest events, the newest at the bottom, each in one line; the list of events has them in full. */
export function paintEvents(frame: Frame, { x, y, width, height }: Rect, state: State, g: Glyphs): void {
  const shown = weightiest(state.events, height);
  shown.forEach((event, i) => frame.spans(x + 1, y + i, eventSpans(event, state, g), width - 2));
}

export function paintOperations(frame: Frame, { x, y, width, height }: Rect, state: State, g: Glyphs): void {
  const runs = shownRuns(state).map((run): Span[] => [
    ...runSpans(state, run, g),
    [`, ${keyOf(state, 'map', 'emergency')} shows it`, 'dim'],
  ]);
  const operations = loneOperations(state).map((operation) => operationLine(operation, state, g));
  [...runs, ...operations].slice(0, height).forEach((line, i) => frame.spans(x + 1, y + i, line, width - 2));
}

/** Returns the notice of the notice line: the last one; without one the problem of the link or the bus; null: none. */
export function noticeOf(state: State): PaintedMessage | null {
  if (state.notice !== null) return messageFrom(state.notice);
  if (isUnreached(state)) return null;
  const { link } = state;
  if (link.kind === 'lost')
    return { text: `${link.why}; the values are from before. Reconnecting …`, at: link.since, ink: 'fault' };
  const { state: bus, detail, recovery, since } = state.bus;
  const now = recovery?.step === 'rest' ? `${keyOf(state, 'map', 'retry-bus')} retries now` : '';
  const text = [bus === 'ready' ? '' : detail, recovery?.text ?? '', now].filter((words) => words !== '').join('; ');
  return text === '' ? null : { text, at: since, ink: bus === 'paused' && recovery === null ? 'dim' : 'warn' };
}

/** Paints the keys that are enabled here and now; `before`: the key to press before each of them. */
export function paintFooter(
  frame: Frame,
  rect: Rect,
  state: State,
  context: Context | null,
  extra: readonly Span[] = [],
  before: readonly string[] = [],
): void {
  frame.clear(rect, 'bar');
  const usable = bindingsIn(state, context).filter((one) => one.hint !== null && disabledReason(one, state) === null);
  const piece = ({ keys, hint }: Binding): Span[] => [
    [keyLabel(keys[0] ?? ''), 'key'],
    [` ${hint ?? ''}  `, 'text'],
  ];
  // `?` lists the keys that do not fit: so its own key always fits, and the way out.
  const last = ({ command }: Binding): boolean => command === 'help' || command === 'cancel';
  const end = usable.filter(last);
  let room = rect.width - 1 - spansWidth(extra) - spansWidth(end.flatMap(piece));
  let x = frame.spans(rect.x + 1, rect.y, extra, rect.width - 2);
  const put = (binding: Binding): void => {
    const from = x;
    x = frame.spans(x, rect.y, piece(binding), rect.x + rect.width - 1 - x);
    frame.target({ ...rect, x: from, width: x - from }, { keys: [...before, ...binding.keys.slice(0, 1)] });
  };
  for (const binding of usable.filter((one) => !last(one))) {
    const width = spansWidth(piece(binding));
    if (width > room) continue;
    room -= width;
    put(binding);
  }
  end.forEach(put);
}
