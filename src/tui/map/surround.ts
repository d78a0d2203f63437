/**
 * Paints what surrounds the map's cells: the rack's frame, each blade's letter and sums, slot numbers, chassis fans, and
 * the legend.
 */
import { type Address, rowLabel, SLOTS_PER_BLADE } from '../../rack/address.ts';
import { type Draw, drawText } from '../../rack/calibration.ts';
import { type InventoryNode, nodeAt, nodesInRow } from '../../rack/inventory.ts';
import { type Frame, type InkRole, type Span, spansWidth } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import type { Painter } from '../canvas/panes.ts';
import { bladeAt, cellAt, type MapLayout, railRoom, visibleBlades } from '../layout/map-layout.ts';
import type { State } from '../model/state.ts';
import { countsOf, lookOf, viewOf } from './node-look.ts';

/** Paints around the cells; returns the pieces of the legend that found no room there. */
export function paintSurround(
  painter: Painter,
  map: MapLayout,
  state: State,
  legend: readonly Span[][],
  g: Glyphs,
): readonly Span[][] {
  const { frame } = painter;
  const { surround, kind } = map;
  const total = surround === 'rack' ? countsOf(state).draw : null;
  // Amperes carry their unit; counts have no room for it.
  const unit = kind === 'full' && state.rack.nodes.some(({ calibration }) => calibration === null) ? 'ct' : null;
  let rest = legend;
  visibleBlades(map).forEach((blade, i) => {
    const at = bladeAt(map, blade);
    if (at === null) return;
    if (surround === 'rack') {
      const right = at.x + map.leftWidth + SLOTS_PER_BLADE * map.cellWidth;
      const line = { x: at.x, y: at.y, width: right + 1 - at.x, height: 1 };
      painter.keep(`posts ${blade}`, { ...line, height: 0 }, [], () => paintPosts(frame, map, at, right, g));
      const sums = sumsOf(state, blade);
      const fans = fansOf(state, blade);
      const { nodes, on, partly, draw } = sums;
      const inputs = [state.rack, nodes, on, partly, draw?.counts, draw?.amps, total?.counts, fans];
      painter.keep(`edge ${blade}`, line, inputs, () =>
        paintEdge(frame, map, { ...at, right, blade, sums, total }, state, g),
      );
      const lowest = (i + 1) % map.perBand === 0 || i === map.visibleBlades - 1;
      const lower = { ...line, y: at.y + map.bladeHeight };
      const shown = i < map.perBand ? rest : NO_LEGEND;
      if (lowest)
        rest = painter.keep(`lower edge ${blade}`, lower, [shown], () => paintLowerEdge(frame, map, lower, shown, g));
      return;
    }
    if (at.top && surround === 'rail') rest = paintRail(frame, map, at, i === 0 ? rest : [], unit, g);
    paintLetter(frame, map, at, blade, kind === 'full' ? sumsOf(state, blade) : null);
  });
  return rest;
}

const NO_LEGEND: readonly Span[][] = [];

/** A blade's nodes with power whose systems are not known to be down, and what they draw. */
interface Sums {
  nodes: number;
  on: number;
  /** Sum of the values that are not old; null: there is none. `partly`: a node has none. */
  draw: Draw | null;
  partly: boolean;
}

function sumsOf(state: State, blade: number): Sums {
  const nodes = nodesInRow(state.rack, blade);
  const { on, booting, draw, old, unknown, lost } = countsOf(state, nodes);
  return { nodes: nodes.length, on: on + booting, draw, partly: old + unknown + lost > 0 };
}

/**
 * `3 of 4 on · 131 ct · 22 %`, in the longest form that fits into `width`. A sum without a node's value is a least
 * one, and has no share of the rack's.
 */
function sumSpans({ nodes, on, draw, partly }: Sums, total: Draw | null, width: number, g: Glyphs): Span[] {
  if (nodes === 0) return [];
  const drawn = draw === null ? null : `${partly ? '≥' : ''}${drawText(draw, 'ct')}`;
  const known = draw !== null && total !== null && total.counts > 0 && !partly;
  const dot: Span = [` ${g.separator} `, 'dim'];
  const power: Span = [on === nodes ? `${on} on` : `${on} of ${nodes} on`, 'text'];
  const sum: Span[] = drawn === null ? [] : [dot, [drawn, 'spark']];
  const share: Span[] = known ? [dot, [`${Math.round((100 * draw.counts) / total.counts)} %`, 'dim']] : [];
  const close: Span[] =
    drawn === null
      ? []
      : [
          [' ', 'text'],
          [drawn, 'spark'],
        ];
  const forms = [[power, ...sum, ...share], [power, ...sum], [power, ...close], [power]];
  return forms.find((form) => spansWidth(form) <= width) ?? [];
}

/** Columns after a cell's first one where a blade's edge has its letter; the number of the slot. */
const PLACE = { letter: 2, slot: 1, afterLetter: 6 };

interface Edge {
  x: number;
  y: number;
  right: number;
  top: boolean;
  blade: number;
  sums: Sums;
  total: Draw | null;
}

/** Paints the rack's posts beside a blade. */
function paintPosts(
  frame: Frame,
  { bladeHeight }: MapLayout,
  { x, y }: { x: number; y: number },
  right: number,
  g: Glyphs,
): void {
  for (const post of [x, right])
    frame.fill({ x: post, y: y + 1, width: 1, height: bladeHeight - 1 }, g.rack.v, 'border');
}

/** Paints a blade's upper edge. */
function paintEdge(frame: Frame, map: MapLayout, edge: Edge, state: State, g: Glyphs): void {
  const { x, y, right, top, blade, sums, total } = edge;
  frame.put(x, y, top ? g.rack.tl : g.rack.left, 'border');
  frame.fill({ x: x + 1, y, width: right - x - 1, height: 1 }, g.rack.h, 'border');
  frame.put(right, y, top ? g.rack.tr : g.rack.right, 'border');
  frame.text(x + PLACE.letter, y, ` ${rowLabel(blade)} `, 'title');
  let end = x + PLACE.afterLetter;
  for (let slot = SLOTS_PER_BLADE - 1; slot >= 0; slot--) {
    const addr = blade * SLOTS_PER_BLADE + slot;
    const cell = cellAt(map, addr);
    if (cell === null) continue;
    const number: Span[] = top ? [[` ${slot} `, 'text']] : [];
    const fan = fanSpans(state, addr, g);
    if (number.length + fan.length === 0) continue;
    const from = cell.x + (slot === SLOTS_PER_BLADE - 1 ? PLACE.afterLetter : PLACE.slot);
    end = frame.spans(from, y, [...number, ...fan], cell.x + map.cellWidth - from);
  }
  const words = sumSpans(sums, total, right - 4 - end, g);
  if (words.length > 0) frame.spans(right - 3 - spansWidth(words), y, [[' ', 'text'], ...words, [' ', 'text']]);
}

/** Returns what is known of the chassis fans that hang on a blade's power, to be compared. */
function fansOf(state: State, blade: number): string {
  let fans = '';
  for (const node of nodesInRow(state.rack, blade)) if (node.chassisFan !== null) fans += fanState(state, node).join();
  return fans;
}

/** The chassis fan that hangs on a node's power, and whether it has any. */
function fanSpans(state: State, addr: Address, g: Glyphs): Span[] {
  const node = nodeAt(state.rack, addr);
  if (node?.chassisFan == null) return [];
  const [word, ink] = fanState(state, node);
  return [
    [` ${g.chassisFan} `, ink],
    [`fan ${node.chassisFan}${word} `, ink === 'fan' ? 'dim' : ink],
  ];
}

function fanState(state: State, { addr }: InventoryNode): [word: string, ink: InkRole] {
  const { power, freshness } = lookOf(state, viewOf(state, addr));
  if (power === 'off' || power === 'disabled') return [' no power', 'fault'];
  return power === 'unknown' || power === 'absent' || freshness === 'stale' ? [' unknown', 'unknown'] : ['', 'fan'];
}

/** Paints the rack's lower edge with the legend in it; returns the pieces that do not fit. */
function paintLowerEdge(
  frame: Frame,
  map: MapLayout,
  { x, y }: { x: number; y: number },
  legend: readonly Span[][],
  g: Glyphs,
): readonly Span[][] {
  const right = x + map.leftWidth + SLOTS_PER_BLADE * map.cellWidth;
  frame.put(x, y, g.rack.bl, 'border');
  frame.fill({ x: x + 1, y, width: right - x - 1, height: 1 }, g.rack.h, 'border');
  frame.put(right, y, g.rack.br, 'border');
  let at = x + PLACE.letter;
  return legend.filter((piece) => {
    const words: Span[] = [[' ', 'text'], ...piece, [' ', 'text']];
    if (at + spansWidth(words) > right - 1) return true;
    at = frame.spans(at, y, words) + 1;
    return false;
  });
}

/**
 * Paints the line above a band's cells: the unit of the blades' sums, and each slot's number with a piece of the legend;
 * returns the pieces that do not fit.
 */
function paintRail(
  frame: Frame,
  map: MapLayout,
  { x, y }: { x: number; y: number },
  legend: readonly Span[][],
  unit: string | null,
  g: Glyphs,
): Span[][] {
  const first = x + map.leftWidth;
  const rest = [...legend];
  if (unit !== null) frame.text(x, y - 1, unit, 'spark', map.leftWidth);
  for (let i = 0; i < SLOTS_PER_BLADE; i++) {
    const from = first + i * map.cellWidth;
    const at = rest.findIndex((one) => spansWidth(one) <= railRoom(map));
    const [piece = []] = at < 0 ? [] : rest.splice(at, 1);
    const words: Span[] = [[`${SLOTS_PER_BLADE - 1 - i} `, 'text'], ...piece];
    const end = frame.spans(from + 1, y - 1, words, map.cellWidth - 1);
    const after = end + (piece.length > 0 ? 1 : 0);
    frame.fill({ x: after, y: y - 1, width: from + map.cellWidth - after, height: 1 }, g.rack.h, 'border');
  }
  return rest;
}

/** Paints a blade's letter to the left of its cells, and below it what the blade draws and how many nodes are on. */
function paintLetter(
  frame: Frame,
  { leftWidth, lines }: MapLayout,
  { x, y }: { x: number; y: number },
  blade: number,
  sums: Sums | null,
): void {
  frame.text(x, y, rowLabel(blade), 'title', leftWidth);
  if (sums === null || sums.nodes === 0) return;
  const { draw, on, partly } = sums;
  const sum = draw === null ? '-' : draw.amps === null ? String(draw.counts) : shortAmps(draw.amps);
  frame.text(x, y + 1, sum, partly ? 'stale' : 'spark', leftWidth);
  if (lines > 2) frame.text(x, y + 2, `${on} on`, 'dim', leftWidth);
}

/** `1.5A`, `12A`. */
const shortAmps = (amps: number): string => `${amps.toFixed(amps < 9.95 ? 1 : 0)}A`;
