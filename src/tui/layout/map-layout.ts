/** Places a rack of any size in a rectangle: cells of three sizes, blades in bands side by side. Pure. */
import { type Address, rowOf, slotOf, SLOTS_PER_BLADE } from '../../rack/address.ts';
import type { Rect } from '../canvas/frame.ts';
import type { CellSize } from '../model/state.ts';

export type CellKind = Exclude<CellSize, 'auto'>;

export interface MapLayout {
  area: Rect;
  kind: CellKind;
  cellWidth: number;
  /** Lines of a node, with an empty line between blades where there is room. */
  cellHeight: number;
  /** Lines of a node, and of each of its two sparklines. */
  lines: number;
  sparkLines: number;
  /** Columns before a band's cells that hold the blade's letter; 0: none. */
  labelWidth: number;
  /** Blades (rows of the rack) from top to bottom, and the first one visible. */
  blades: readonly number[];
  firstBlade: number;
  visibleBlades: number;
  /** The visible blades fill a band from top to bottom, then the next one to its right. */
  bands: number;
  perBand: number;
  bandWidth: number;
}

interface Shape {
  kind: CellKind;
  height: number;
  lines: number;
  sparkLines: number;
  /** Columns of a cell, the blank after it included. */
  min: number;
  max: number;
  label: number;
}

/** Columns of a narrow cell, enough to distinguish neighbours; with two bands or more cells need not be that narrow. */
const NARROW = 15;
const COMFORTABLE = 20;
/** Most columns of a cell: its sparkline has no more points. */
const WIDEST = 60;
const full = (lines: number, blank: 0 | 1, sparkLines = 1): Shape => ({
  kind: 'full',
  height: lines + blank,
  lines,
  sparkLines,
  min: NARROW,
  max: WIDEST,
  label: 0,
});
const LINE: Shape = { kind: 'line', height: 1, lines: 1, sparkLines: 0, min: NARROW, max: WIDEST, label: 0 };
/** Edge, sign, address, mark; or without the address. */
const GLYPHS: readonly Shape[] = [6, 3].map((width) => ({
  kind: 'glyph',
  height: 1,
  lines: 1,
  sparkLines: 0,
  min: width,
  max: width,
  label: 3,
}));
const SCROLLED = full(4, 0);
/** From the most to the least detailed cell. Below three lines there are no steps in between. */
const SHAPES: readonly Shape[] = [
  full(10, 1, 4),
  full(8, 1, 3),
  full(6, 1, 2),
  full(4, 1),
  SCROLLED,
  full(3, 0),
  LINE,
  ...GLYPHS,
];
const GAP = 2;

/** Returns the map in `area` with the cursor's blade visible. */
export function mapLayout(blades: readonly number[], cells: CellSize, cursor: Address, area: Rect): MapLayout {
  const wanted = SHAPES.filter(({ kind, height }) => (cells === 'auto' || kind === cells) && height <= area.height);
  const shapes = wanted.length > 0 ? wanted : [LINE];
  // Where not all nodes fit, the smallest shape shows the most.
  const whole = shapes.find((shape) => bandsFor(shape, blades.length, area) !== null);
  const shape = whole ?? (cells === 'full' && area.height >= 12 ? SCROLLED : shapes.at(-1)) ?? LINE;
  const most = Math.max(1, Math.floor(area.height / shape.height));
  const bands = bandsFor(shape, blades.length, area) ?? Math.max(1, roomFor(shape, area));
  const perBand = Math.min(most, Math.ceil(blades.length / bands));
  const visible = Math.min(blades.length, bands * perBand);
  const at = Math.max(0, blades.indexOf(rowOf(cursor)));
  const room = Math.floor((area.width - (bands - 1) * GAP) / bands) - shape.label;
  const cellWidth = Math.max(shape.min === NARROW ? 12 : shape.min, Math.min(shape.max, Math.floor(room / 4)));
  return {
    area,
    kind: shape.kind,
    cellWidth,
    cellHeight: shape.height,
    lines: shape.lines,
    sparkLines: shape.sparkLines,
    labelWidth: shape.label,
    blades,
    firstBlade: Math.max(0, Math.min(at - Math.floor(visible / 2), blades.length - visible)),
    visibleBlades: visible,
    bands,
    perBand,
    bandWidth: shape.label + SLOTS_PER_BLADE * cellWidth + GAP,
  };
}

/** Returns the number of bands in which all blades fit; null: they do not. */
function bandsFor(shape: Shape, blades: number, area: Rect): number | null {
  const bands = Math.ceil(blades / Math.max(1, Math.floor(area.height / shape.height)));
  if (area.height < shape.height || bands > Math.max(1, roomFor(shape, area))) return null;
  return bands;
}

/** Returns the number of bands that fit side by side. */
function roomFor({ min, label }: Shape, { width }: Rect): number {
  const band = label + SLOTS_PER_BLADE * (min === NARROW ? COMFORTABLE : min);
  return Math.floor((width + GAP) / (band + GAP));
}

/**
 * Returns the upper left corner of a node's cell; null where its blade is scrolled out of sight. Slots rise to the
 * left.
 */
export function cellAt(map: MapLayout, addr: Address): { x: number; y: number } | null {
  const place = placeOf(map, addr);
  if (place === null) return null;
  return {
    x: map.area.x + place.band * map.bandWidth + map.labelWidth + (SLOTS_PER_BLADE - 1 - slotOf(addr)) * map.cellWidth,
    y: map.area.y + place.line * map.cellHeight,
  };
}

/** Returns the neighbour across the gap between two bands; null where there is none. */
export function acrossBands(map: MapLayout, from: Address, way: 'left' | 'right'): Address | null {
  const place = placeOf(map, from);
  if (place === null) return null;
  const band = place.band + (way === 'left' ? -1 : 1);
  const index = band * map.perBand + place.line;
  const blade = map.blades[map.firstBlade + index];
  if (band < 0 || index >= map.visibleBlades || blade === undefined) return null;
  return blade * SLOTS_PER_BLADE + (way === 'left' ? 0 : SLOTS_PER_BLADE - 1);
}

/** Returns the lines that the map really takes. */
export const mapHeight = (map: MapLayout): number => Math.min(map.perBand, map.visibleBlades) * map.cellHeight;

function placeOf(map: MapLayout, addr: Address): { band: number; line: number } | null {
  const index = map.blades.indexOf(rowOf(addr)) - map.firstBlade;
  if (index < 0 || index >= map.visibleBlades) return null;
  return { band: Math.floor(index / map.perBand), line: index % map.perBand };
}
