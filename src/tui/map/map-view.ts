/** Paints the rack as it is built: blades from top to bottom, slots 3 to 0 from left to right. */
import { type Address, formatAddress, rowLabel, SLOTS_PER_BLADE } from '../../rack/address.ts';
import { ampsOf } from '../../rack/calibration.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import type { Frame, Ground, InkRole, Rect, Span } from '../canvas/frame.ts';
import { type Glyphs, POWER_LETTER, shorten, sparkline, sparkRows } from '../canvas/glyphs.ts';
import { cellAt, type MapLayout } from '../layout/map-layout.ts';
import type { NodeView, State } from '../model/state.ts';
import { isFiltered } from './filter.ts';
import { lookOf, type NodeLook, viewOf } from './node-cell.ts';

/** Least span of a sparkline: jitter of a few counts stays flat, a boot does not. */
const SPARK_FLOOR = 16;
/** Columns of a value, a blank before it included: ` 105`, ` 0.51A`. */
const COUNTS_WIDTH = 4;
const AMPS_WIDTH = 6;
/** Least columns of a name line with a blank after its power letter. */
const ROOMY = 22;

export function paintMap(frame: Frame, map: MapLayout, state: State, g: Glyphs): void {
  const valueWidth = state.rack.nodes.some(({ calibration }) => calibration !== null) ? AMPS_WIDTH : COUNTS_WIDTH;
  for (const blade of map.blades)
    for (let slot = SLOTS_PER_BLADE - 1; slot >= 0; slot--) {
      const addr = blade * SLOTS_PER_BLADE + slot;
      const at = cellAt(map, addr);
      if (at === null) continue;
      if (map.labelWidth > 0 && slot === SLOTS_PER_BLADE - 1)
        frame.text(at.x - map.labelWidth, at.y, rowLabel(blade).padStart(map.labelWidth - 1), 'dim');
      paintCell(frame, { ...at, valueWidth }, addr, map, state, g);
    }
}

/** A node's place on the map and its contents. */
interface Cell {
  /** First column of its text, after the edge; `width`: columns of the text. */
  x: number;
  y: number;
  width: number;
  node: InventoryNode;
  view: NodeView | undefined;
  look: NodeLook;
  marks: Marks;
  /**
   * Columns of a value, a blank before it included: the same in all cells, so that sparklines stand below each
   * other.
   */
  valueWidth: number;
}

function paintCell(
  frame: Frame,
  at: Pick<Cell, 'x' | 'y' | 'valueWidth'>,
  addr: Address,
  map: MapLayout,
  state: State,
  g: Glyphs,
): void {
  const { x, y, valueWidth } = at;
  const { cellWidth, lines, kind } = map;
  const width = cellWidth - 1;
  const node = state.rack.nodes.find((one) => one.addr === addr);
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
  const cell: Cell = {
    x: x + 1,
    y,
    width,
    node,
    view,
    look,
    marks: marksOf(state, node, view, look, g),
    valueWidth,
  };
  if (isFiltered(state, addr)) paintFiltered(frame, cell, kind, g);
  else if (kind === 'glyph') paintGlyph(frame, cell, g);
  else if (kind === 'line') paintLine(frame, { ...cell, width: width - 1 }, g);
  else paintFull(frame, cell, map, g);
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

function paintFull(frame: Frame, cell: Cell, { lines, sparkLines }: MapLayout, g: Glyphs): void {
  const { x, y, width, node, look, marks } = cell;
  paintName(frame, cell, g);
  const above = { x, y: y + 1, width: width - 1, height: sparkLines };
  const below = { ...above, y: above.y + sparkLines };
  const [current, fan] = [historyOf(cell, 0), historyOf(cell, 1)];
  paintSeries(frame, above, { values: current, latest: currentText(cell), ink: 'spark', signs: marks.now }, cell, g);
  paintSeries(
    frame,
    below,
    { values: fan, latest: look.fan === null ? null : String(look.fan), ink: 'fan', signs: marks.always },
    cell,
    g,
  );
  if (lines > 3) frame.text(x + 1, y + lines - 1, about(node), 'dim', width - 2);
}

function historyOf({ view }: Cell, index: 0 | 1): (number | null)[] {
  return (view?.history ?? []).map((entry) => entry?.[index] ?? null);
}

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

/** Least columns of a line with a sparkline beside the longest usual name. */
const LINE_WITH_SPARK = 35;
const LINE_NAME = 15;

/** Paints a node in one line, for racks that would not fit otherwise. */
function paintLine(frame: Frame, cell: Cell, g: Glyphs): void {
  const { x, y, width, node, look, marks } = cell;
  const old = look.freshness === 'stale' || look.freshness === 'none';
  const spark = width < LINE_WITH_SPARK ? 0 : Math.min(width - LINE_NAME - 12, 24);
  const age = look.age ?? '';
  const value = spark > 0 || age === '' ? (currentText(cell) ?? '').padStart(cell.valueWidth) : ` ${age}`;
  const signs = [...marks.now, ...marks.always].slice(0, spark > 0 ? 2 : 1);
  const tail = value.length + (spark > 0 ? 2 : signs.length);
  const ageInName = spark > 0 && age !== '' ? age.length + 1 : 0;
  const room = width - 5 - tail - (spark > 0 ? spark + 1 : 0);
  const at = frame.spans(x, y, [
    [`${g.power[look.power]}${POWER_LETTER[look.power]}`, look.ink],
    [`${formatAddress(node.addr)} `, 'dim'],
    [shorten(node.name, Math.max(1, room - ageInName), g), look.power === 'on' ? 'text' : look.ink],
  ]);
  if (ageInName > 0) frame.text(at, y, ` ${age}`, 'stale');
  const end = x + width - tail;
  if (spark > 0)
    frame.text(end - spark, y, sparkline(historyOf(cell, 0), spark, g, SPARK_FLOOR), old ? 'dim' : 'spark');
  // Beside a sparkline the signs have a place of their own, so that values stand below each other.
  if (spark > 0) {
    frame.text(end, y, value, old ? 'stale' : 'text');
    frame.spans(end + value.length, y, signs);
  } else frame.spans(end, y, [...signs, [value, age === '' ? 'spark' : 'stale']]);
}

/** A sparkline: values, oldest first, the latest as text, and signs after it. */
interface Series {
  values: readonly (number | null)[];
  latest: string | null;
  ink: InkRole;
  signs: readonly Span[];
}

function paintSeries(
  frame: Frame,
  { x, y, width, height }: Rect,
  series: Series,
  { look, valueWidth }: Cell,
  g: Glyphs,
): void {
  const { values, latest, ink, signs } = series;
  const signRoom = width >= 17 ? 3 : width >= 13 ? 2 : 1;
  const room = Math.max(2, width - valueWidth - signRoom - 1);
  const old = look.freshness === 'stale' || look.freshness === 'none';
  sparkRows(values, room, height, g, SPARK_FLOOR).forEach((bars, row) => {
    frame.text(x, y + row, bars, old ? 'dim' : ink);
  });
  const last = y + height - 1;
  frame.text(x + room, last, (latest ?? '-').padStart(valueWidth), latest === null ? 'dim' : old ? 'stale' : 'text');
  const fit = signs.slice(0, signRoom);
  frame.spans(x + width - fit.length, last, fit);
}

/** `43`, or `0.51A` where the node is calibrated; null: no value may be shown. */
function currentText({ look, node }: Cell): string | null {
  const amps = look.current === null ? null : ampsOf(look.current, node.calibration);
  return amps === null ? (look.current?.toString() ?? null) : `${amps.toFixed(2)}A`;
}

interface Marks {
  /** Signs of activity: alarm, operation, console. */
  now: Span[];
  /** Signs of the node's kind: master, protected, chassis fan. */
  always: Span[];
}

function marksOf(state: State, node: InventoryNode, view: NodeView | undefined, look: NodeLook, g: Glyphs): Marks {
  const now: Span[] = [];
  // An acknowledged alarm needs no attention, and is still shown.
  const alarms = state.alarms.filter((alarm) => alarm.addr === node.addr);
  if (alarms.length > 0) now.push([g.alarm, alarms.every((alarm) => alarm.acknowledged !== null) ? 'dim' : 'fault']);
  // The sign of an operation does not move: a rack without changes must send nothing.
  if ((view?.op ?? null) !== null) now.push([g.operation[0] ?? '*', 'warn']);
  if (state.console?.addr === node.addr) now.push([g.console, 'title']);
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
