/** Paints the cells of the map: each node's state, name, values, and strips of its recent past. */
import type { NodeState } from '../../api/methods.ts';
import { type Address, formatAddress, SLOTS_PER_BLADE } from '../../rack/address.ts';
import type { AlarmKind } from '../../rack/alarms.ts';
import { ampsOf } from '../../rack/calibration.ts';
import { type InventoryNode, nodeAt } from '../../rack/inventory.ts';
import type { Frame, Ground, InkRole, Rect, Span } from '../canvas/frame.ts';
import { barRows, type Glyphs, POWER_LETTER, shorten } from '../canvas/glyphs.ts';
import { paintAnew, type Painter, type Panes } from '../canvas/panes.ts';
import { cellAt, mapHeight, type MapLayout, visibleBlades } from '../layout/map-layout.ts';
import type { State } from '../model/state.ts';
import { isFiltered } from './filter.ts';
import { heatGround, heatLevel, type HeatScale, heatScale } from './heat.ts';
import { legendInputs, legendOf } from './legend.ts';
import { BEATS, lookOf, type NodeLook, viewOf } from './node-look.ts';
import { activitySpans, alarmSpans, kindSpans, signsOf } from './signs.ts';
import { lastShown, stripOf, type StripRoom, stripRoom, type StripView, stripView } from './strips.ts';
import { paintSurround } from './surround.ts';

/** Least columns of a name line with a blank after its power letter. */
const ROOMY = 22;

/**
 * Paints the map; returns the pieces of its legend that found no room around it. Framed cells are painted in parts, each
 * of which is kept where it shows the same: of most samples, only the digits are new.
 */
export function paintMap(panes: Panes, map: MapLayout, state: State, g: Glyphs): readonly Span[][] {
  const area = { ...map.area, height: mapHeight(map) };
  const heat = heatScale(state);
  const view = stripView(state, map);
  const { columns, ahead, to, current, fan } = view;
  const ranges = [current?.low, current?.high, fan?.low, fan?.high];
  const common = [columns, ahead, to, ...ranges, state.strips.stepMs, state.strips.count, state.intervalMs];
  const strips = panes.made('strips', common, () => view);
  const shared: Shared = { map, room: stripRoom(map, state.rack), strips, heat };
  if (map.surround === 'rack' && heat === null && state.filter === '') {
    panes.keep('rack', area, [], () => undefined);
    return paintAll(panes, shared, state, g);
  }
  return panes.renew(area, () => paintAll(paintAnew(panes.frame), shared, state, g));
}

function paintAll(painter: Painter, shared: Shared, state: State, g: Glyphs): readonly Span[][] {
  const { map, strips, heat } = shared;
  const legend = painter.made('legend', legendInputs(state, shared), () => legendOf(state, map, { strips, heat }, g));
  const rest = paintSurround(painter, map, state, legend, g);
  for (const blade of visibleBlades(map))
    for (let slot = SLOTS_PER_BLADE - 1; slot >= 0; slot--) {
      const addr = blade * SLOTS_PER_BLADE + slot;
      const at = cellAt(map, addr);
      if (at !== null) paintCell(painter, at, addr, shared, state, g);
    }
  return rest;
}

/** What all cells of a frame share. */
interface Shared {
  map: MapLayout;
  room: StripRoom;
  strips: StripView;
  /** Null: the cells have the colours of their states. */
  heat: HeatScale | null;
}

/** A node's place on the map and its contents. */
interface Cell {
  /** First column of its text, after the edge; `width`: columns of the text. */
  x: number;
  y: number;
  width: number;
  node: InventoryNode;
  view: NodeState | undefined;
  look: NodeLook;
  /** See signs.ts. */
  signs: number;
  ground: Ground;
}

function paintCell(
  painter: Painter,
  { x, y }: { x: number; y: number },
  addr: Address,
  shared: Shared,
  state: State,
  g: Glyphs,
): void {
  const { frame } = painter;
  const { cellWidth, lines, kind } = shared.map;
  const width = cellWidth - 1;
  const rect = { x, y, width: cellWidth, height: lines };
  const node = nodeAt(state.rack, addr);
  const ground: Ground = state.cursor === addr ? 'selected' : state.marks.has(addr) ? 'marked' : 'screen';
  if (node === undefined) {
    paintGround(frame, rect, kind === 'glyph' ? cellWidth : width, ground, g);
    const words = kind === 'glyph' ? '' : ` ${formatAddress(addr)} empty`;
    frame.spans(x + 1, y, [[`${g.power.absent}${words}`, 'dim']], width - 1);
    return;
  }
  const view = viewOf(state, addr);
  const look = lookOf(state, view);
  // The next cell's own edge keeps the names apart.
  const cell: Cell = { x: x + 1, y, width, node, view, look, signs: signsOf(state, node, view, look), ground };
  const filtered = isFiltered(state, addr);
  if (kind === 'full' && !filtered) paintFull(painter, cell, shared, state, g);
  else {
    paintGround(frame, rect, kind === 'glyph' ? cellWidth : width, ground, g);
    if (filtered) paintFiltered(frame, cell, kind, g);
    else if (kind === 'glyph') paintGlyph(frame, cell, g);
    else paintLine(frame, cell, shared, state, g);
  }
  const level = shared.heat === null || filtered ? null : heatLevel(state, shared.heat, node, look);
  if (level !== null) {
    const columns = kind === 'glyph' ? cellWidth : width;
    paintHeat(frame, { x, y, width: columns, height: lines }, level, ground, g);
  }
}

/** Clears a part of a cell that begins with the cell's edge, and paints edge and ground, which has `width` columns. */
function paintGround(frame: Frame, rect: Rect, width: number, ground: Ground, g: Glyphs): void {
  frame.clear(rect);
  frame.ground({ ...rect, width }, ground);
  const edge = ground === 'selected' ? g.selected : ground === 'marked' ? g.marked : ' ';
  const ink: InkRole = ground === 'selected' ? 'borderFocus' : 'mark';
  for (let row = 0; row < rect.height; row++) frame.put(rect.x, rect.y + row, edge, ink);
}

/**
 * Colours a cell and puts its level into its edge. The line with the name of a selected or marked node keeps its
 * ground.
 */
function paintHeat(frame: Frame, rect: Rect, level: number, ground: Ground, g: Glyphs): void {
  const { x, y, width, height } = rect;
  const chosen = ground === 'screen' ? 0 : 1;
  frame.ground({ x, y: y + chosen, width, height: height - chosen }, heatGround(level), 'heat');
  if (chosen === 0) frame.put(x, y, g.levels[level] ?? ' ', 'heat');
}

/**
 * Paints a node that the filter hides, with its place, power and alarm; without colours the missing parts
 * distinguish it.
 */
function paintFiltered(
  frame: Frame,
  { x, y, width, node, look, signs }: Cell,
  kind: MapLayout['kind'],
  g: Glyphs,
): void {
  const addr = formatAddress(node.addr);
  const power = `${g.power[look.power]}${POWER_LETTER[look.power]} `;
  const word = kind === 'glyph' ? (width > 3 ? ` ${addr}` : '  ') : `${power}${addr} `;
  frame.spans(x, y, [[word, 'dim'], ...alarmSpans(signs, g)], width);
}

/** `●03▲`: power, address where there is room, and the sign of an activity or of the node's kind. */
function paintGlyph(frame: Frame, { x, y, width, node, look, signs }: Cell, g: Glyphs): void {
  const [sign = [look.age === null ? ' ' : g.old, 'stale'] as const] = [
    ...activitySpans(signs, g),
    ...kindSpans(signs, g),
  ];
  frame.spans(x, y, [
    [g.power[look.power], look.ink],
    [width > 3 ? formatAddress(node.addr) : '', look.power === 'on' ? 'text' : look.ink],
    sign,
  ]);
}

/** Parts of a cell with strips, which are painted one by one; those of each node have numbers of their own. */
const PART = { name: 0, current: 1, currentValue: 2, fan: 3, fanValue: 4, about: 5 };
const PARTS = 6;

function paintFull(painter: Painter, cell: Cell, shared: Shared, state: State, g: Glyphs): void {
  const { frame } = painter;
  const { x, y, width, node, look, ground } = cell;
  const { lines, currentLines, fanLines } = shared.map;
  const first = node.addr * PARTS;
  if (!painter.shows(first + PART.name, node, ground, look.power, look.ink, look.age)) {
    paintGround(frame, { x: x - 1, y, width: width + 1, height: 1 }, width, ground, g);
    paintName(frame, cell, g);
  }
  paintStrip(painter, cell, 'current', shared, state, g);
  paintValue(painter, cell, 'current', shared, g);
  if (fanLines === 0) return;
  paintStrip(painter, cell, 'fan', shared, state, g);
  paintValue(painter, cell, 'fan', shared, g);
  if (lines <= 1 + currentLines + fanLines || painter.shows(first + PART.about, node, ground)) return;
  const last = y + lines - 1;
  paintGround(frame, { x: x - 1, y: last, width: width + 1, height: 1 }, width, ground, g);
  frame.text(x + 1, last, about(node), 'dim', width - 2);
}

/** Alarms that a strip shows by its colour. */
const CURRENT_ALARMS: readonly AlarmKind[] = ['current-high', 'current-collapsed'];
const FAN_ALARMS: readonly AlarmKind[] = ['fan-stopped'];

function isAlarmed({ alarms }: State, { addr }: InventoryNode, kinds: readonly AlarmKind[]): boolean {
  for (const alarm of alarms)
    if (alarm.addr === addr && alarm.clearedAt === null && kinds.includes(alarm.kind)) return true;
  return false;
}

const isOld = ({ freshness }: NodeLook): boolean => freshness === 'stale' || freshness === 'none';

/** `●N 03 k8s-worker-04`; the age of a reading that is not fresh replaces the name's end. */
function paintName(frame: Frame, { x, y, width, node, look }: Cell, g: Glyphs): void {
  const age = look.age === null ? '' : ` ${look.age}`;
  // A narrow cell uses its columns for the name.
  const gap = width < ROOMY ? '' : ' ';
  const room = width - 5 - gap.length - age.length;
  const at = frame.spans(x, y, [
    [`${g.power[look.power]}${POWER_LETTER[look.power]}`, look.ink],
    [`${gap}${formatAddress(node.addr)} `, 'dim'],
    [shorten(node.name, room, g), look.power === 'on' ? 'text' : look.ink],
  ]);
  if (age !== '') frame.text(Math.max(at, x + width - age.length), y, age, 'stale');
}

/** Paints a node in one line, for racks that would not fit otherwise. */
function paintLine(
  frame: Frame,
  cell: Cell,
  { room: { columns, value: width }, strips }: Shared,
  state: State,
  g: Glyphs,
): void {
  const { x, y, node, look } = cell;
  const old = isOld(look);
  const age = look.age ?? '';
  const current = currentText(cell) ?? '';
  const value = columns > 0 ? current.padStart(width) : ` ${age === '' ? current : age}`;
  const signs = [...activitySpans(cell.signs, g), ...kindSpans(cell.signs, g)].slice(0, columns > 0 ? 2 : 1);
  const tail = value.length + (columns > 0 ? 2 : signs.length);
  const ageInName = columns > 0 && age !== '' ? age.length + 1 : 0;
  const room = cell.width - 5 - tail - (columns > 0 ? columns + 1 : 0);
  const at = frame.spans(x, y, [
    [`${g.power[look.power]}${POWER_LETTER[look.power]}`, look.ink],
    [`${formatAddress(node.addr)} `, 'dim'],
    [shorten(node.name, Math.max(1, room - ageInName), g), look.power === 'on' ? 'text' : look.ink],
  ]);
  if (ageInName > 0) frame.text(at, y, ` ${age}`, 'stale');
  const end = x + cell.width - tail;
  if (columns === 0) {
    frame.spans(end, y, [...signs, [value, age === '' ? 'spark' : 'stale']]);
    return;
  }
  const { values, range } = stripOf(state, node.addr, 'current', strips);
  const [bars = ''] = barRows(values, Math.min(columns, strips.columns), 1, range, g);
  const start = end - Math.min(columns, strips.columns + strips.ahead);
  frame.text(start, y, bars, old ? 'dim' : 'spark');
  if (look.beat !== null) paintBeat(frame, { x: start, y }, bars, look.beat);
  // Beside a strip the signs have a place of their own, so that values are aligned.
  frame.text(end, y, value, old ? 'stale' : 'text');
  frame.spans(end + value.length, y, signs);
}

/** Paints the bars of a strip. */
function paintStrip(
  painter: Painter,
  { x, y, node, look, ground }: Cell,
  kind: 'current' | 'fan',
  { map, room, strips }: Shared,
  state: State,
  g: Glyphs,
): void {
  const isCurrent = kind === 'current';
  const height = isCurrent ? map.currentLines : map.fanLines;
  const alarmed = isAlarmed(state, node, isCurrent ? CURRENT_ALARMS : FAN_ALARMS);
  const ink: InkRole = isOld(look) ? 'dim' : alarmed ? 'warn' : isCurrent ? 'spark' : 'fan';
  const beat = isCurrent && !alarmed ? look.beat : null;
  const strip = state.strips.nodes.get(node.addr);
  const last = strip && lastShown(strip, kind, strips, height, g);
  const part = node.addr * PARTS + (isCurrent ? PART.current : PART.fan);
  if (painter.shows(part, ground, ink, beat, strip?.points, last, strips)) return;
  const { frame } = painter;
  const top = y + 1 + (isCurrent ? 0 : map.currentLines);
  const rect = { x: x - 1, y: top, width: room.columns + 1, height };
  paintGround(frame, rect, rect.width, ground, g);
  const { values, range } = stripOf(state, node.addr, kind, strips);
  const from = x + room.columns - Math.min(room.columns, strips.columns + strips.ahead);
  const rows = barRows(values, Math.min(room.columns, strips.columns), height, range, g);
  rows.forEach((bars, row) => {
    frame.text(from, top + row, bars, ink);
  });
  // At the foot alone, where every value has a bar: a beat of the strip's height would cost too many bytes.
  if (beat !== null) paintBeat(frame, { x: from, y: top + height - 1 }, rows.at(-1) ?? '', beat);
}

/** Paints the latest value of a strip after it, and the signs that have their place there. */
function paintValue(
  painter: Painter,
  cell: Cell,
  kind: 'current' | 'fan',
  { map: { currentLines, fanLines }, room }: Shared,
  g: Glyphs,
): void {
  const { x, y, width, node, look, signs, ground } = cell;
  const isCurrent = kind === 'current';
  const latest = isCurrent ? currentText(cell) : (look.fan?.toString() ?? null);
  const part = node.addr * PARTS + (isCurrent ? PART.currentValue : PART.fanValue);
  if (painter.shows(part, node, ground, isOld(look), latest, signs)) return;
  const { frame } = painter;
  const height = isCurrent ? currentLines : fanLines;
  const top = y + 1 + (isCurrent ? 0 : currentLines);
  const rect = { x: x + room.columns, y: top, width: width - room.columns, height };
  frame.clear(rect);
  frame.ground({ ...rect, width: rect.width - 1 }, ground);
  const last = top + height - 1;
  const text = (latest ?? '-').padStart(room.value);
  frame.text(rect.x, last, text, latest === null ? 'dim' : isOld(look) ? 'stale' : 'text');
  const now = isCurrent ? activitySpans(signs, g) : [];
  const always = isCurrent && fanLines > 0 ? [] : kindSpans(signs, g);
  const fit = [...now, ...always].slice(0, room.signs);
  frame.spans(x + width - 1 - fit.length, last, fit);
}

/** Paints the place of a strip where the beat of its last sample is; a blank there stays one. */
function paintBeat(frame: Frame, { x, y }: { x: number; y: number }, bars: string, beat: number): void {
  // The last place is the node's sign.
  if (beat === BEATS - 1) return;
  const back = Math.round((beat / (BEATS - 1)) * (bars.length - 1));
  const bar = bars[bars.length - 1 - back] ?? ' ';
  if (bar !== ' ') frame.put(x + bars.length - 1 - back, y, bar, 'beat');
}

/** `43`, or `0.51A` where the node is calibrated; null: no value may be shown. */
function currentText({ look, node }: Cell): string | null {
  const amps = look.current === null ? null : ampsOf(look.current, node.calibration);
  return amps === null ? (look.current?.toString() ?? null) : `${amps.toFixed(2)}A`;
}

function about({ role, cluster }: InventoryNode): string {
  return [role, cluster].filter((part) => part !== null).join(' ');
}
