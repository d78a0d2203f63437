/** The rack as it stands: blades from top to bottom, slots 3 to 0 from left to right. */
import { formatAddress, SLOTS_PER_BLADE, type Address } from '../../rack/address.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import type { Frame, Ground, InkRole, Span } from '../frame.ts';
import { POWER_LETTER, shorten, sparkline, type Glyphs } from '../glyphs.ts';
import type { MapLayout } from '../layout.ts';
import type { NodeView, State } from '../state.ts';
import { lookOf, viewOf, type NodeLook } from './node-look.ts';

/** Jitter of a few counts is no mountain; a boot is. */
const SPARK_FLOOR = 16;
/** From so many columns on, a name line has room for a blank behind its power letter. */
const ROOMY = 22;

export function paintMap(frame: Frame, layout: MapLayout, state: State, g: Glyphs): void {
  const shown = layout.blades.slice(layout.firstBlade, layout.firstBlade + layout.visibleBlades);
  shown.forEach((blade, line) => {
    for (let slot = 0; slot < SLOTS_PER_BLADE; slot++) {
      const addr = blade * SLOTS_PER_BLADE + slot;
      const x = layout.area.x + (SLOTS_PER_BLADE - 1 - slot) * layout.cellWidth;
      paintCell(frame, x, layout.area.y + line * layout.cellHeight, addr, layout, state, g);
    }
  });
}

function paintCell(
  frame: Frame,
  x: number,
  y: number,
  addr: Address,
  { cellWidth, lines }: MapLayout,
  state: State,
  g: Glyphs,
): void {
  const width = cellWidth - 1;
  const node = state.rack.nodes.find((one) => one.addr === addr);
  const selected = state.cursor === addr;
  const marked = state.marks.has(addr);
  const ground: Ground = selected ? 'selected' : marked ? 'marked' : 'screen';
  frame.ground({ x, y, width, height: lines }, ground);
  const edge = selected ? g.selected : marked ? g.marked : ' ';
  for (let row = 0; row < lines; row++) frame.put(x, y + row, edge, selected ? 'borderFocus' : 'mark');
  if (node === undefined) {
    frame.spans(x + 1, y, [[`${g.power.absent} ${formatAddress(addr)} empty`, 'dim']], width - 1);
    return;
  }
  const view = viewOf(state, addr);
  const look = lookOf(state, view);
  const marks = marksOf(state, node, view, look, g);
  if (lines === 1) paintLine(frame, x + 1, y, width - 1, node, look, marks, g);
  else {
    // The next cell's own edge keeps the names apart.
    paintName(frame, x + 1, y, width, node, look, g);
    const history = view?.history ?? [];
    const series = (index: 0 | 1): (number | null)[] => history.map((entry) => entry?.[index] ?? null);
    paintSeries(frame, x + 1, y + 1, width - 1, series(0), look.current, look, 'spark', marks.now, g);
    paintSeries(frame, x + 1, y + 2, width - 1, series(1), look.fan, look, 'fan', marks.always, g);
    if (lines > 3) frame.text(x + 2, y + 3, about(node), 'dim', width - 2);
  }
}

/** `●N 03 k8s-worker-04`; the age of what is not fresh takes the name's end. */
function paintName(
  frame: Frame,
  x: number,
  y: number,
  width: number,
  node: InventoryNode,
  look: NodeLook,
  g: Glyphs,
): void {
  const age = look.age === null ? '' : ` ${look.age}`;
  // A narrow cell spends its columns on the name.
  const gap = width < ROOMY ? '' : ' ';
  const room = width - 5 - gap.length - age.length;
  const at = frame.spans(x, y, [
    [`${g.power[look.power]}${POWER_LETTER[look.power]}`, look.ink],
    [`${gap}${formatAddress(node.addr)} `, 'dim'],
    [shorten(node.name, room, g), look.power === 'on' ? 'text' : look.ink],
  ]);
  if (age !== '') frame.text(Math.max(at, x + width - age.length), y, age, 'stale');
}

/** Everything of a node in one line, for racks that would not fit otherwise. */
function paintLine(
  frame: Frame,
  x: number,
  y: number,
  width: number,
  node: InventoryNode,
  look: NodeLook,
  marks: Marks,
  g: Glyphs,
): void {
  const end: Span[] =
    look.age === null ? [[` ${String(look.current ?? '').padStart(3)}`, 'spark']] : [[` ${look.age}`, 'stale']];
  const sign = [...marks.now, ...marks.always].slice(0, 1);
  const tail = (end[0]?.[0].length ?? 0) + sign.length;
  frame.spans(x, y, [
    [`${g.power[look.power]}${POWER_LETTER[look.power]}`, look.ink],
    [`${formatAddress(node.addr)} `, 'dim'],
    [shorten(node.name, Math.max(1, width - 5 - tail), g), look.power === 'on' ? 'text' : look.ink],
  ]);
  frame.spans(x + width - tail, y, [...sign, ...end]);
}

/** A sparkline, its latest value in counts, and signs. */
function paintSeries(
  frame: Frame,
  x: number,
  y: number,
  width: number,
  values: readonly (number | null)[],
  latest: number | null,
  look: NodeLook,
  ink: InkRole,
  signs: readonly Span[],
  g: Glyphs,
): void {
  const signRoom = width >= 17 ? 3 : width >= 13 ? 2 : 1;
  const room = Math.max(2, width - 4 - signRoom - 1);
  const old = look.freshness === 'stale' || look.freshness === 'none';
  frame.text(x, y, sparkline(values, room, g, SPARK_FLOOR), old ? 'dim' : ink);
  const value = latest === null ? '-' : String(latest);
  frame.text(x + room, y, value.padStart(4), latest === null ? 'dim' : old ? 'stale' : 'text');
  const fit = signs.slice(0, signRoom);
  frame.spans(x + width - fit.length, y, fit);
}

interface Marks {
  /** What is going on: alarm, operation, console. */
  now: Span[];
  /** What the node is: master, protected, chassis fan. */
  always: Span[];
}

function marksOf(state: State, node: InventoryNode, view: NodeView | undefined, look: NodeLook, g: Glyphs): Marks {
  const now: Span[] = [];
  // One that somebody has seen asks for nobody, and still stands.
  const alarms = state.alarms.filter((alarm) => alarm.addr === node.addr);
  if (alarms.length > 0) now.push([g.alarm, alarms.every((alarm) => alarm.acknowledged !== null) ? 'dim' : 'fault']);
  // The busy sign stands still: a rack in which nothing happens must send nothing.
  if ((view?.op ?? null) !== null) now.push([g.operation[0] ?? '*', 'warn']);
  if (state.console?.addr === node.addr) now.push([g.console, 'title']);
  const always: Span[] = [];
  if (state.bus.master === node.addr || node.role === 'master') always.push([g.master, 'master']);
  if (node.protected) always.push([g.protected, 'master']);
  // A chassis fan whose node is off stands still: that is worth a colour.
  if (node.chassisFan !== null) always.push([g.chassisFan, look.power === 'off' ? 'fault' : 'fan']);
  return { now, always };
}

function about({ role, cluster }: InventoryNode): string {
  return [role, cluster].filter((part) => part !== null).join(' ');
}
