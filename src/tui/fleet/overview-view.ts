/** Paints the overview of racks: the sums, each rack's words and small map, and the selected node in words. Pure. */
import { formatAddress, formatPosition } from '../../rack/address.ts';
import { nodeAt } from '../../rack/inventory.ts';
import { count } from '../../lib/words.ts';
import { messageFrom, paintSentence } from '../canvas/box.ts';
import { type Frame, type Rect, type Span, spansWidth } from '../canvas/frame.ts';
import { type Glyphs, POWER_WORD } from '../canvas/glyphs.ts';
import { heatGround, heatLegend, heatLevel, type HeatScale, heatScaleOf } from '../map/heat.ts';
import { countsOf, lookOf, viewOf } from '../map/node-look.ts';
import type { Place, RackOverview } from '../model/overlays.ts';
import type { Heat, Notice, State } from '../model/state.ts';
import { alarmWords, busWords, countWords, supplyWords } from '../screen/header.ts';
import { foundIn, type SmallMap, whyLost } from './overview-layout.ts';
import { markWords } from './marks.ts';
import { nameOfRack } from './racks.ts';
import type { Search } from './search.ts';

/** Returns the part of the screen of a view of all racks: the footer below it has its keys. */
export const roomOf = ({ cols, rows }: State['size']): Rect => ({ x: 0, y: 0, width: cols, height: rows - 1 });
/** Lines of sums above, and of the selected node below. */
export const HEAD = 1;
export const FOOT = 1;

interface Shown {
  fleet: readonly State[];
  maps: readonly SmallMap[];
  overview: RackOverview;
  heat: Heat;
  notice: Notice | null;
}

/** Paints all of it. `rect`: the whole; `inner`: the part of the small maps. */
export function paintOverview(frame: Frame, rect: Rect, inner: Rect, shown: Shown, g: Glyphs): void {
  const { fleet, maps, overview, heat, notice } = shown;
  frame.clear(rect);
  // The panes below it cannot be clicked.
  frame.target(rect, null);
  const scale = heatScaleOf(fleet, heat);
  const found = overview.filter === '' ? null : foundIn(fleet, maps, overview.filter);
  const legend = scale === null ? [] : heatLegend(scale, 40, g);
  paintHead(frame, { ...rect, height: HEAD }, { fleet, search: overview, found: found?.length ?? null }, legend);
  // The selected rack is always visible.
  const own = maps.find(({ rack }) => rack === overview.at.rack);
  const end = own === undefined ? 0 : own.y + own.height;
  const top = maps.map(({ y }) => y).find((y) => end - y <= inner.height) ?? 0;
  for (const map of maps) {
    const state = fleet[map.rack];
    const y = inner.y + map.y - top;
    if (state === undefined || y < inner.y || y + map.height > inner.y + inner.height) continue;
    paintMap(frame, { x: inner.x, y: inner.y - top }, state, map, { at: overview.at, found, scale, g });
  }
  paintFoot(
    frame,
    { ...rect, y: rect.y + rect.height - FOOT, height: FOOT },
    { fleet, at: overview.at, notice },
    [],
    g,
  );
}

/** Paints the sums, or the search with the number of nodes found; null: there is no search. `right`: at the end. */
export function paintHead(
  frame: Frame,
  rect: Rect,
  { fleet, search, found }: { fleet: readonly State[]; search: Search; found: number | null },
  right: readonly Span[],
): void {
  frame.clear(rect, 'bar');
  const counts = fleet.map((state) => countsOf(state));
  const sum = (value: (one: (typeof counts)[number]) => number): number =>
    counts.reduce((all, one) => all + value(one), 0);
  const nodes = fleet.reduce((all, { rack }) => all + rack.nodes.length, 0);
  const lost = fleet.filter(({ link }) => link.kind === 'lost').length;
  const old = sum((one) => one.old);
  const sums: Span[] = [
    [`  ${sum((one) => one.on)} on`, old > 0 ? 'aging' : 'ok'],
    [` ${sum((one) => one.off)} off`, 'off'],
    ...some(
      sum((one) => one.unknown),
      'unknown',
      'unknown',
    ),
    ...some(
      sum((one) => one.lost),
      'lost',
      'fault',
    ),
    ...some(old, 'old', 'stale'),
    ...some(lost, lost === 1 ? 'rack without connection' : 'racks without connection', 'danger'),
  ];
  const words: Span[] = [
    ['  search: ', 'key'],
    [search.filter, 'text'],
  ];
  const marks = fleet.reduce((all, one) => all + one.marks.size, 0);
  const left: Span[] = [
    [count(fleet.length, 'rack'), 'title'],
    [`  ${count(nodes, 'node')}`, 'text'],
    ...(marks === 0 ? [] : [[`  ${marks} marked: ${markWords(fleet)}`, 'mark'] as const]),
    ...(found === null && search.typing === null ? sums : words),
  ];
  const end = frame.spans(rect.x + 1, rect.y, left, rect.width - 2);
  if (search.typing !== null) frame.cursor = { x: Math.min(end, rect.width - 1), y: rect.y };
  const result: Span[] = found === null ? [] : [[`${found} found `, found === 0 ? 'warn' : 'title']];
  // On a narrow screen the result of a search is more important.
  for (const spans of [found === null ? right : [...result, ...right], result]) {
    const at = rect.x + rect.width - 1 - spansWidth(spans);
    if (at <= end + 1) continue;
    frame.spans(at, rect.y, spans);
    return;
  }
}

const some = (n: number, word: string, ink: Span[1]): Span[] => (n > 0 ? [[` ${n} ${word}`, ink]] : []);

interface Colours {
  at: Place;
  /** Nodes that the search leaves; null: no search. */
  found: readonly Place[] | null;
  scale: HeatScale | null;
  g: Glyphs;
}

function paintMap(frame: Frame, origin: { x: number; y: number }, state: State, map: SmallMap, how: Colours): void {
  const { at, found, scale, g } = how;
  const [left, top] = [origin.x + map.x, origin.y + map.y];
  const chosen = at.rack === map.rack;
  if (chosen) for (let line = 0; line < map.height; line++) frame.put(left, top + line, g.selected, 'key');
  frame.spans(left + 1, top, titleOf(state, g), map.width - 1);
  const places = new Set((found ?? []).map(({ rack, addr }) => (rack === map.rack ? addr : undefined)));
  const [first] = map.signs;
  frame.target(
    { x: left, y: top, width: map.width, height: map.height },
    { rack: map.rack, addr: first?.addr ?? null },
  );
  for (const { addr, ...sign } of map.signs) {
    const [x, y] = [origin.x + sign.x, origin.y + sign.y];
    const node = addr === null ? undefined : nodeAt(state.rack, addr);
    if (addr === null || node === undefined) {
      frame.spans(
        x,
        y,
        [
          ['? ', 'unknown'],
          [whyLost(state) ?? 'no node is known', 'fault'],
        ],
        map.width - 2,
      );
      continue;
    }
    const look = lookOf(state, viewOf(state, addr));
    const level = scale === null ? null : heatLevel(state, scale, node, look);
    const hidden = found !== null && !places.has(addr);
    const mark = state.marks.has(addr) ? 'marked' : 'screen';
    if (hidden) frame.put(x, y, g.power[look.power], 'dim');
    else if (level !== null) frame.put(x, y, g.levels[level] ?? ' ', 'heat', heatGround(level));
    else frame.put(x, y, g.power[look.power], look.ink, mark);
    if (chosen && at.addr === addr) frame.ground({ x, y, width: 1, height: 1 }, 'selected', 'key');
    frame.target({ x, y, width: 1, height: 1 }, { rack: map.rack, addr });
  }
}

/** Returns the rack's name and problems, then its counts: the end is cut where the map is narrow. */
function titleOf(state: State, g: Glyphs): Span[] {
  const alarms = alarmWords(state, g);
  const marked = state.marks.size;
  return [
    [nameOfRack(state), 'title'],
    ...(alarms === null ? [] : [[`  ${alarms}`, 'danger'] as const]),
    ...(marked === 0 ? [] : [[`  ${marked} marked`, 'mark'] as const]),
    ...busWords(state),
    ...(state.rack.nodes.length === 0 ? [] : countWords(state)),
    ...(supplyWords(state)?.spans ?? []),
  ];
}

/**
 * Paints the notice, or the selected node in words, or the reason why nothing new is known of its rack. `right`: at the
 * end of the line, where there is room.
 */
export function paintFoot(
  frame: Frame,
  rect: Rect,
  { fleet, at: { rack, addr }, notice }: { fleet: readonly State[]; at: Place; notice: Notice | null },
  right: readonly Span[],
  g: Glyphs,
): void {
  if (notice !== null) {
    const { text, ink } = messageFrom(notice);
    paintSentence(frame, rect, text, ink);
    return;
  }
  const state = fleet[rack];
  if (state === undefined) return;
  const why = whyLost(state);
  if (why !== null) {
    paintSentence(frame, rect, `${nameOfRack(state)}: ${why}`, 'fault');
    return;
  }
  const node = addr === null ? undefined : nodeAt(state.rack, addr);
  if (node === undefined) return;
  const look = lookOf(state, viewOf(state, node.addr));
  const alarms = state.alarms.filter((alarm) => alarm.addr === node.addr).map(({ text }) => text);
  const dot: Span = [` ${g.separator} `, 'dim'];
  const end = frame.spans(
    rect.x + 1,
    rect.y,
    [
      [`${nameOfRack(state)}:${node.name}`, 'title'],
      dot,
      [`${formatPosition(node.addr)} ${formatAddress(node.addr)}`, 'text'],
      dot,
      [POWER_WORD[look.power], look.ink],
      ...(look.age === null ? [] : [[` ${look.age} old`, 'stale'] as const]),
      ...(look.current === null ? [] : [dot, [`${look.current} ct`, 'spark'] as const]),
      ...(alarms.length === 0 ? [] : [dot, [alarms.join(', '), 'fault'] as const]),
      ...(node.role === null ? [] : [dot, [node.role, 'dim'] as const]),
      ...(node.cluster === null ? [] : [[` ${node.cluster}`, 'dim'] as const]),
    ],
    rect.width - 2,
  );
  const start = rect.x + rect.width - 1 - spansWidth(right);
  if (start > end + 1) frame.spans(start, rect.y, right);
}
