/** Colours as eyes see them: relative luminance, OKLab, and what is left of a colour for colour-blind eyes. */

type Rgb = readonly [r: number, g: number, b: number];

const CUBE = [0, 95, 135, 175, 215, 255];
/** xterm's first sixteen; a terminal may have others. */
const BASIC: readonly Rgb[] = [
  [0, 0, 0],
  [205, 0, 0],
  [0, 205, 0],
  [205, 205, 0],
  [0, 0, 238],
  [205, 0, 205],
  [0, 205, 205],
  [229, 229, 229],
  [127, 127, 127],
  [255, 0, 0],
  [0, 255, 0],
  [255, 255, 0],
  [92, 92, 255],
  [255, 0, 255],
  [0, 255, 255],
  [255, 255, 255],
];

/** Returns one of xterm's 256 colours in linear light, 0 to 1. */
function linear(index: number): Rgb {
  const grey = 8 + 10 * (index - 232);
  const level = (n: number): number => CUBE[n % 6] ?? 0;
  const cube: Rgb = [level(Math.floor((index - 16) / 36)), level(Math.floor((index - 16) / 6)), level(index - 16)];
  const rgb = BASIC[index] ?? (index >= 232 ? ([grey, grey, grey] as const) : cube);
  const decode = (value: number): number =>
    value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  return [decode(rgb[0]), decode(rgb[1]), decode(rgb[2])];
}

const times = (matrix: readonly Rgb[], [r, g, b]: Rgb): Rgb => {
  const [x, y, z] = matrix.map(([p, q, s]) => p * r + q * g + s * b);
  return [x ?? 0, y ?? 0, z ?? 0];
};

/** Relative luminance of WCAG 2.2. */
const luminance = (index: number): number => times([[0.2126, 0.7152, 0.0722]], linear(index))[0];

/** Contrast ratio of WCAG 2.2: 1 to 21. */
export function contrast(a: number, b: number): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

/** Machado, Oliveira and Fernandes 2009, at full severity, in linear light. */
const EYES = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
} as const satisfies Record<string, readonly Rgb[]>;
export type Eyes = keyof typeof EYES;
export const ALL_EYES = Object.keys(EYES) as Eyes[];

const LMS: readonly Rgb[] = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
];
const LAB: readonly Rgb[] = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
];

/** OKLab as these eyes see it: lightness 0 to 1, then the two axes of hue. */
export function oklab(index: number, eyes: Eyes = 'usual'): Rgb {
  const seen = times(EYES[eyes], linear(index)).map((value) => Math.max(0, value));
  const [l, m, s] = times(LMS, [seen[0] ?? 0, seen[1] ?? 0, seen[2] ?? 0]);
  return times(LAB, [Math.cbrt(l), Math.cbrt(m), Math.cbrt(s)]);
}

/** Distance of two colours for these eyes: 0.02 is just noticeable. */
export function difference(a: number, b: number, eyes: Eyes): number {
  const [x, y] = [oklab(a, eyes), oklab(b, eyes)];
  return Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
}
