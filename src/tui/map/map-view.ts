/** Paints the cells of the map: each node's state, name, values, and strips of its recent past. */
import type { NodeState } from '../../api/methods.ts';
import { type Address, formatAddress, SLOTS_PER_BLADE } from '../../rack/address.ts';
import type { AlarmKind } from '../../rack/alarms.ts';
import { ampsOf } from '../../rack/calibration.ts';
import { type InventoryNode, nodeAt } from '../../rack/inventory.ts';
import type { Frame, Ground, InkRole, Rect, Span } from '../canvas/frame.ts';
import { barRows, type Glyphs, POWER_LETTER, type Range, shorten } from '../canvas/glyphs.ts';
import { cellAt, type MapLayout, visibleBlades } from '../layout/map-layout.ts';
import type { State } from '../model/state.ts';
import { isFiltered } from './filter.ts';
import { heatGround, heatLevel, type HeatScale, heatScale } from './heat.ts';
import { kubernetesSign } from './kubernetes.ts';
import { legendOf } from './legend.ts';
import { BEATS, lookOf, type NodeLook, viewOf } from './node-look.ts';
import { stripOf, type StripRoom, stripRoom, type StripView, stripView } from './strips.ts';
import { paintSurround } from './surround.ts';

/** Least columns of a name line with a blank after its power letter. */
const ROOMY = 22;

/** Paints the map; returns the pieces of its legend that found no room around it. */
export function paintMap(frame: Frame, map: MapLayout, state: State, g: Glyphs): readonly Span[][] {
  const heat = heatScale(state);
  const shared: Shared = { map, room: stripRoom(map, state.rack), strips: stripView(state, map), heat };
  const legend = paintSurround(frame, map, state, legendOf(state, map, shared, g), g);
  for (const blade of visibleBlades(map))
    for (let slot = SLOTS_PER_BLADE - 1; slot >= 0; slot--) {
      const addr = blade * SLOTS_PER_BLADE + slot;
      const at = cellAt(map, addr);
      if (at !== null) paintCell(frame, at, addr, shared, state, g);
    }
  return legend;
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
  marks: Marks;
}

function paintCell(
  frame: Frame,
  { x, y }: { x: number; y: number },
  addr: Address,
  shared: Shared,
  state: State,
  g: Glyphs,
): void {
  const { cellWidth, lines, kind } = shared.map;
  const width = cellWidth - 1;
  const node = nodeAt(state.rack, addr);
  const selected = state.cursor === addr;
  const marked = state.marks.has(addr);
  const ground: Ground = selected ? 'selected' : marked ? 'marked' : 'screen';
  frame.ground({ x, y, width: kind === 'glyph' ? cellWidth : width, height: lines }, ground);
  const edge = selected ? g.selected : marked ? g.marked : ' ';
  for (let row = 0; row < lines; row++) frame.put(x, y + row, edge, selected ? 'borderFocus' : 'mark');
  if (node === undefined) {
    const words = kind === 'glyph' ? '' : ` ${formatAddress(addr)} empty`;
    frame.spans(x + 1, y, [[`${g.power.absent}${words}`, 'dim']], width - 1);
    return;
  }
  const view = viewOf(state, addr);
  const look = lookOf(state, view);
  // The next cell's own edge keeps the names apart.
  const cell: Cell = { x: x + 1, y, width, node, view, look, marks: marksOf(state, node, view, look, g) };
  if (isFiltered(state, addr)) {
    paintFiltered(frame, cell, kind, g);
    return;
  }
  if (kind === 'glyph') paintGlyph(frame, cell, g);
  else if (kind === 'line') paintLine(frame, cell, shared, state, g);
  else paintFull(frame, cell, shared, state, g);
  const level = shared.heat === null ? null : heatLevel(state, shared.heat, node, look);
  if (level !== null) {
    const columns = kind === 'glyph' ? cellWidth : width;
    paintHeat(frame, { x, y, width: columns, height: lines }, level, ground, g);
  }
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
  { x, y, width, node, look, marks }: Cell,
  kind: MapLayout['kind'],
  g: Glyphs,
): void {
  const alarm = marks.now.filter(([sign]) => sign === g.alarm);
  const addr = formatAddress(node.addr);
  const power = `${g.power[look.power]}${POWER_LETTER[look.power]} `;
  const word = kind === 'glyph' ? (width > 3 ? ` ${addr}` : '  ') : `${power}${addr} `;
  frame.spans(x, y, [[word, 'dim'], ...alarm], width);
}

/** `●03▲`: power, address where there is room, and the sign of an activity or of the node's kind. */
function paintGlyph(frame: Frame, { x, y, width, node, look, marks }: Cell, g: Glyphs): void {
  const [sign = [look.age === null ? ' ' : g.old, 'stale'] as const] = [...marks.now, ...marks.always];
  frame.spans(x, y, [
    [g.power[look.power], look.ink],
    [width > 3 ? formatAddress(node.addr) : '', look.power === 'on' ? 'text' : look.ink],
    sign,
  ]);
}

function paintFull(frame: Frame, cell: Cell, shared: Shared, state: State, g: Glyphs): void {
  const { x, y, width, node, look, marks } = cell;
  const { lines, currentLines, fanLines } = shared.map;
  paintName(frame, cell, g);
  const above = { x, y: y + 1, width: width - 1, height: currentLines };
  const below = { ...above, y: above.y + currentLines, height: fanLines };
  const [current, fan] = [alarmed(state, node, CURRENT_ALARMS), alarmed(state, node, FAN_ALARMS)];
  const strip = (kind: 'current' | 'fan'): Pick<Series, 'values' | 'range'> =>
    stripOf(state, node.addr, kind, shared.strips);
  paintSeries(
    frame,
    above,
    {
      ...strip('current'),
      latest: currentText(cell),
      ink: current ? 'warn' : 'spark',
      signs: fanLines === 0 ? [...marks.now, ...marks.always] : marks.now,
    },
    cell,
    shared,
    g,
  );
  if (fanLines === 0) return;
  const latest = look.fan === null ? null : String(look.fan);
  paintSeries(
    frame,
    below,
    { ...strip('fan'), latest, ink: fan ? 'warn' : 'fan', signs: marks.always },
    cell,
    shared,
    g,
  );
  if (lines > 1 + currentLines + fanLines) frame.text(x + 1, y + lines - 1, about(node), 'dim', width - 2);
}

/** Alarms that a strip shows by its colour. */
const CURRENT_ALARMS: readonly AlarmKind[] = ['current-high', 'current-collapsed'];
const FAN_ALARMS: readonly AlarmKind[] = ['fan-stopped'];

const alarmed = ({ alarms }: State, { addr }: InventoryNode, kinds: readonly AlarmKind[]): boolean =>
  alarms.some((alarm) => alarm.addr === addr && alarm.clearedAt === null && kinds.includes(alarm.kind));

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
  const { x, y, node, look, marks } = cell;
  const old = look.freshness === 'stale' || look.freshness === 'none';
  const age = look.age ?? '';
  const current = currentText(cell) ?? '';
  const value = columns > 0 ? current.padStart(width) : ` ${age === '' ? current : age}`;
  const signs = [...marks.now, ...marks.always].slice(0, columns > 0 ? 2 : 1);
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
  paintBeat(frame, { x: start, y }, bars, look);
  // Beside a strip the signs have a place of their own, so that values are aligned.
  frame.text(end, y, value, old ? 'stale' : 'text');
  frame.spans(end + value.length, y, signs);
}

/** A strip: values, oldest first, the latest as text, and signs after it. */
interface Series {
  values: readonly (number | null)[];
  range: Range;
  latest: string | null;
  ink: InkRole;
  signs: readonly Span[];
}

function paintSeries(
  frame: Frame,
  { x, y, width, height }: Rect,
  series: Series,
  { look }: Cell,
  { room, strips }: Shared,
  g: Glyphs,
): void {
  const { values, range, latest, ink, signs } = series;
  const old = look.freshness === 'stale' || look.freshness === 'none';
  const shown = Math.min(room.columns, strips.columns);
  const from = x + room.columns - Math.min(room.columns, strips.columns + strips.ahead);
  const rows = barRows(values, shown, height, range, g);
  rows.forEach((bars, row) => {
    frame.text(from, y + row, bars, old ? 'dim' : ink);
  });
  // At the foot alone, where every value has a bar: a beat of the strip's height would cost too many bytes.
  if (ink === 'spark') paintBeat(frame, { x: from, y: y + height - 1 }, rows.at(-1) ?? '', look);
  const last = y + height - 1;
  const text = (latest ?? '-').padStart(room.value);
  frame.text(x + room.columns, last, text, latest === null ? 'dim' : old ? 'stale' : 'text');
  const fit = signs.slice(0, room.signs);
  frame.spans(x + width - fit.length, last, fit);
}

/** Paints the place of a strip where the beat of its last sample is; a blank there stays one. */
function paintBeat(frame: Frame, { x, y }: { x: number; y: number }, bars: string, { beat }: NodeLook): void {
  // The last place is the node's sign.
  if (beat === null || beat === BEATS - 1) return;
  const back = Math.round((beat / (BEATS - 1)) * (bars.length - 1));
  const bar = bars[bars.length - 1 - back] ?? ' ';
  if (bar !== ' ') frame.put(x + bars.length - 1 - back, y, bar, 'beat');
}

/** `43`, or `0.51A` where the node is calibrated; null: no value may be shown. */
function currentText({ look, node }: Cell): string | null {
  const amps = look.current === null ? null : ampsOf(look.current, node.calibration);
  return amps === null ? (look.current?.toString() ?? null) : `${amps.toFixed(2)}A`;
}

interface Marks {
  /** Signs of activity: alarm, operation, console, and a node that its cluster cannot use. */
  now: Span[];
  /** Signs of the node's kind: master, protected, chassis fan. */
  always: Span[];
}

function marksOf(state: State, node: InventoryNode, view: NodeState | undefined, look: NodeLook, g: Glyphs): Marks {
  const now: Span[] = [];
  // An acknowledged alarm needs no attention, and is still shown.
  const alarms = state.alarms.filter((alarm) => alarm.addr === node.addr);
  if (alarms.length > 0) now.push([g.alarm, alarms.every((alarm) => alarm.acknowledged !== null) ? 'dim' : 'fault']);
  // The sign of an operation does not move: a rack without changes must send nothing.
  if ((view?.op ?? null) !== null) now.push([g.operation[0] ?? '*', 'warn']);
  if (state.console?.addr === node.addr) now.push([g.console, 'title']);
  const cluster = kubernetesSign(state, view, g);
  if (cluster !== null) now.push(cluster);
  const always: Span[] = [];
  if (state.bus.master === node.addr || node.role === 'master') always.push([g.master, 'master']);
  if (node.protected) always.push([g.protected, 'master']);
  // A chassis fan without power needs a colour.
  if (node.chassisFan !== null) always.push([g.chassisFan, look.power === 'off' ? 'fault' : 'fan']);
  return { now, always };
}

function about({ role, cluster }: InventoryNode): string {
  return [role, cluster].filter((part) => part !== null).join(' ');
}
