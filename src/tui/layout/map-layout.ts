/**
 * Places a rack of any size in a rectangle, as it is built: blades from top to bottom, slots 3 to 0 from left to
 * right, in bands side by side where one column does not hold all blades. Pure.
 */
import { type Address, rowOf, slotOf, SLOTS_PER_BLADE } from '../../rack/address.ts';
import type { Rect } from '../canvas/frame.ts';
import type { CellSize } from '../model/state.ts';

export type CellKind = Exclude<CellSize, 'auto'>;

/**
 * What is drawn around the cells. `rack`: each blade has an upper edge with its letter and sums, and the rack's frame
 * closes below the last one. `rail`: letters and sums are to the left of the cells, slot numbers and legend in one
 * line above them. `bare`: only the letters, where no line is left.
 */
export type Surround = 'rack' | 'rail' | 'bare';

export interface MapLayout {
  area: Rect;
  kind: CellKind;
  surround: Surround;
  /** Columns of a cell, with the blank that separates it from the next one. */
  cellWidth: number;
  /** Lines of a blade, its upper edge included, and of a cell. */
  bladeHeight: number;
  lines: number;
  /** Lines of a cell's two strips. */
  currentLines: number;
  fanLines: number;
  /** Columns to the left and to the right of a band's cells. */
  leftWidth: number;
  rightWidth: number;
  /** Blades (rows of the rack) from top to bottom without a gap, and the index of the first one visible. */
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
  surround: Surround;
  lines: number;
  currentLines: number;
  fanLines: number;
  /** Columns of a cell, the blank after it included. */
  min: number;
  max: number;
  left: number;
  right: number;
}

/** Columns of a narrow cell, enough to distinguish neighbours; with two bands or more cells need not be that narrow. */
const NARROW = 15;
const COMFORTABLE = 20;
/** Columns left of the cells for a blade's sums: `1020`; for its letter alone: `AF`. */
const SUMS_WIDTH = 4;
const LETTER_WIDTH = 3;
/** Most lines of both strips: higher bars show no more. */
const MOST_STRIP_LINES = 16;

/** Returns a framed cell: its name, `strips` lines of strips, and its role and cluster. */
function framed(strips: number): Shape {
  const sides = { left: 1, right: 1 };
  const currentLines = Math.ceil(strips / 2);
  return { ...full(strips + 2, 'rack'), currentLines, fanLines: strips - currentLines, ...sides };
}

function full(lines: number, surround: Surround): Shape {
  const size = { lines, currentLines: 1, fanLines: 1, min: NARROW, max: Infinity };
  return { kind: 'full', surround, ...size, left: SUMS_WIDTH, right: 0 };
}

const line = (surround: Surround): Shape => ({
  ...full(1, surround),
  kind: 'line',
  currentLines: 0,
  fanLines: 0,
  left: LETTER_WIDTH,
});
/** Edge, sign, address, mark; or without the address. */
const glyph = (width: number, surround: Surround): Shape => ({
  ...line(surround),
  kind: 'glyph',
  min: width,
  max: width,
});

/** The least cell with all its parts. */
const WHOLE = framed(2);
/** From the most to the least detailed cell. */
const SHAPES: readonly Shape[] = [
  ...Array.from({ length: MOST_STRIP_LINES - 1 }, (_, i) => framed(MOST_STRIP_LINES - i)),
  { ...WHOLE, lines: 3 },
  full(3, 'rail'),
  full(3, 'bare'),
  // Without the fan's strip.
  { ...full(2, 'rail'), fanLines: 0 },
  line('rail'),
  line('bare'),
  ...[6, 3].flatMap((width) => [glyph(width, 'rail'), glyph(width, 'bare')]),
];
const SCROLLED = full(3, 'rail');
const LAST = line('bare');
const GAP = 2;

const bladeHeight = ({ surround, lines }: Shape): number => lines + (surround === 'rack' ? 1 : 0);
/** Lines beside those of the blades: the frame's lower edge, or the line above the cells. */
const extraLines = (surround: Surround): number => (surround === 'bare' ? 0 : 1);

/** Returns the number of blades that fit below each other. */
function bladesIn(shape: Shape, { height }: Rect): number {
  return Math.max(0, Math.floor((height - extraLines(shape.surround)) / bladeHeight(shape)));
}

/** Returns the map in `area` with the cursor's blade visible. */
export function mapLayout(blades: readonly number[], cells: CellSize, cursor: Address, area: Rect): MapLayout {
  const wanted = SHAPES.filter((shape) => (cells === 'auto' || shape.kind === cells) && bladesIn(shape, area) > 0);
  const shapes = wanted.length > 0 ? wanted : [LAST];
  // Cells that are higher than they need to be do not take more bands, which would make them narrower.
  const usual = bandsFor(WHOLE, blades.length, area);
  const most = ({ lines }: Shape): number => (usual !== null && lines > WHOLE.lines ? usual : Infinity);
  // Where not all nodes fit, the smallest shape shows the most.
  const whole = shapes.find((shape) => {
    const needed = bandsFor(shape, blades.length, area);
    return needed !== null && needed <= most(shape);
  });
  const shape = whole ?? (cells === 'full' && area.height >= 12 ? SCROLLED : shapes.at(-1)) ?? LAST;
  const bands = bandsFor(shape, blades.length, area) ?? Math.max(1, roomFor(shape, area));
  const perBand = Math.min(Math.max(1, bladesIn(shape, area)), Math.ceil(blades.length / bands));
  const visible = Math.min(blades.length, bands * perBand);
  const at = Math.max(0, blades.indexOf(rowOf(cursor)));
  const { left, right, min, max } = shape;
  const room = Math.floor((area.width - (bands - 1) * GAP) / bands) - left - right;
  const cellWidth = Math.max(min === NARROW ? 12 : min, Math.min(max, Math.floor(room / SLOTS_PER_BLADE)));
  return {
    area,
    kind: shape.kind,
    surround: shape.surround,
    cellWidth,
    bladeHeight: bladeHeight(shape),
    lines: shape.lines,
    currentLines: shape.currentLines,
    fanLines: shape.fanLines,
    leftWidth: left,
    rightWidth: right,
    blades,
    firstBlade: Math.max(0, Math.min(at - Math.floor(visible / 2), blades.length - visible)),
    visibleBlades: visible,
    bands,
    perBand,
    bandWidth: left + SLOTS_PER_BLADE * cellWidth + right + GAP,
  };
}

/** Returns the number of bands in which all blades fit; null: they do not. */
function bandsFor(shape: Shape, blades: number, area: Rect): number | null {
  const most = bladesIn(shape, area);
  if (most === 0) return null;
  const bands = Math.ceil(blades / most);
  return bands > Math.max(1, roomFor(shape, area)) ? null : bands;
}

/** Returns the number of bands that fit side by side. */
function roomFor({ min, left, right }: Shape, { width }: Rect): number {
  const band = left + SLOTS_PER_BLADE * (min === NARROW ? COMFORTABLE : min) + right;
  return Math.floor((width + GAP) / (band + GAP));
}

/**
 * Returns the upper left corner of a node's cell; null where its blade is scrolled out of sight. Slots rise to the
 * left.
 */
export function cellAt(map: MapLayout, addr: Address): { x: number; y: number } | null {
  const blade = bladeAt(map, rowOf(addr));
  if (blade === null) return null;
  const x = blade.x + map.leftWidth + (SLOTS_PER_BLADE - 1 - slotOf(addr)) * map.cellWidth;
  return { x, y: blade.y + map.bladeHeight - map.lines };
}

/** Returns the upper left corner of a blade with what surrounds it; null where it is scrolled out of sight. */
export function bladeAt(map: MapLayout, blade: number): { x: number; y: number; top: boolean } | null {
  const place = placeOf(map, blade);
  if (place === null) return null;
  const above = map.surround === 'rail' ? 1 : 0;
  return {
    x: map.area.x + place.band * map.bandWidth,
    y: map.area.y + above + place.line * map.bladeHeight,
    top: place.line === 0,
  };
}

/** Returns the neighbour across the gap between two bands; null where there is none. */
export function acrossBands(map: MapLayout, from: Address, way: 'left' | 'right'): Address | null {
  const place = placeOf(map, rowOf(from));
  if (place === null) return null;
  const band = place.band + (way === 'left' ? -1 : 1);
  const index = band * map.perBand + place.line;
  const blade = map.blades[map.firstBlade + index];
  if (band < 0 || index >= map.visibleBlades || blade === undefined) return null;
  return blade * SLOTS_PER_BLADE + (way === 'left' ? 0 : SLOTS_PER_BLADE - 1);
}

/** Returns the lines that the map really takes. */
export const mapHeight = (map: MapLayout): number =>
  Math.min(map.perBand, map.visibleBlades) * map.bladeHeight + extraLines(map.surround);

export const visibleBlades = ({ blades, firstBlade, visibleBlades: count }: MapLayout): readonly number[] =>
  blades.slice(firstBlade, firstBlade + count);

function placeOf(map: MapLayout, blade: number): { band: number; line: number } | null {
  const index = blade - (map.blades[0] ?? 0) - map.firstBlade;
  if (index < 0 || index >= map.visibleBlades) return null;
  return { band: Math.floor(index / map.perBand), line: index % map.perBand };
}

/** Columns of a slot's number, and the blanks around it, on the line above the cells. */
const RAIL_NUMBER = 4;

/** Returns the columns for a piece of the legend beside a slot's number. */
export const railRoom = ({ cellWidth }: MapLayout): number => cellWidth - RAIL_NUMBER;
