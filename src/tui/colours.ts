/** Colours a terminal does not have, as the nearest it has. The 256 are xterm's: 16, a cube of 6x6x6, 24 greys. */

type Rgb = readonly [number, number, number];

const CUBE = [0, 95, 135, 175, 215, 255] as const;

/** xterm's own defaults; a terminal's theme may differ, and nobody can know. */
const BASIC: readonly Rgb[] = [
  ...([
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
  ] as const),
  ...([
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
  ] as const),
  ...([
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
  ] as const),
  ...([
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
  ] as const),
];

function rgbOf(index: number): Rgb {
  const basic = BASIC[index];
  if (basic !== undefined) return basic;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return [grey, grey, grey];
  }
  const i = index - 16;
  const channel = (n: number): number => CUBE[n % 6] ?? 0;
  return [channel(Math.floor(i / 36)), channel(Math.floor(i / 6)), channel(i)];
}

function distance([r, g, b]: Rgb, [r2, g2, b2]: Rgb): number {
  // Weights as the eye has them, roughly: green counts most.
  return 3 * (r - r2) ** 2 + 4 * (g - g2) ** 2 + 2 * (b - b2) ** 2;
}

function nearest(rgb: Rgb, from: number, to: number): number {
  let best = from;
  for (let i = from; i < to; i += 1) if (distance(rgb, rgbOf(i)) < distance(rgb, rgbOf(best))) best = i;
  return best;
}

const cache256 = new Map<number, number>();
const cache16 = new Map<number, number>();

/** A node may print all sixteen million colours; the cache may not hold them. */
const CACHE_LIMIT = 4096;

/** 24-bit colour → 16 to 255: the first sixteen are the operator's own and may look like anything. */
export function nearest256(colour: number): number {
  let index = cache256.get(colour);
  if (index === undefined) {
    if (cache256.size >= CACHE_LIMIT) cache256.clear();
    index = nearest([(colour >> 16) & 0xff, (colour >> 8) & 0xff, colour & 0xff], 16, 256);
    cache256.set(colour, index);
  }
  return index;
}

/** 0 to 255 → 0 to 15. */
export function nearest16(index: number): number {
  let basic = cache16.get(index);
  if (basic === undefined) {
    basic = index < 16 ? index : nearest(rgbOf(index), 0, 16);
    cache16.set(index, basic);
  }
  return basic;
}
