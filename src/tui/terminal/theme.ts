/** Resolves a theme's looks for the colours that the terminal can show. Pure. */
import colourblind from '../../../themes/colourblind.json';
import contrast from '../../../themes/contrast.json';
import dark from '../../../themes/dark.json';
import light from '../../../themes/light.json';
import mono from '../../../themes/mono.json';
import pulse from '../../../themes/pulse.json';
import { DEFAULT_COLOUR, FLAG, type Ground, GROUNDS, type Ink, INKS, rawInk, type RawInk } from '../canvas/frame.ts';

type Rgb = readonly [number, number, number];

const CUBE = [0, 95, 135, 175, 215, 255] as const;

/** xterm's defaults; the terminal's own colours may differ and are not known. */
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
  // Weights of the eye's sensitivity, roughly: green counts most.
  return 3 * (r - r2) ** 2 + 4 * (g - g2) ** 2 + 2 * (b - b2) ** 2;
}

function nearest(rgb: Rgb, from: number, to: number): number {
  let best = from;
  for (let i = from; i < to; i += 1) if (distance(rgb, rgbOf(i)) < distance(rgb, rgbOf(best))) best = i;
  return best;
}

const cache256 = new Map<number, number>();
const cache16 = new Map<number, number>();

/** Most entries of the cache: a node may print all sixteen million colours. */
const CACHE_LIMIT = 4096;

/**
 * Returns the nearest of xterm's colours 16 to 255, the cube of 6x6x6 and 24 greys, for a 24-bit colour. The first
 * sixteen are the operator's own and may have any value.
 */
export function nearest256(colour: number): number {
  let index = cache256.get(colour);
  if (index === undefined) {
    if (cache256.size >= CACHE_LIMIT) cache256.clear();
    index = nearest([(colour >> 16) & 0xff, (colour >> 8) & 0xff, colour & 0xff], 16, 256);
    cache256.set(colour, index);
  }
  return index;
}

/** Returns the nearest of colours 0 to 15 for one of 0 to 255. */
function nearest16(index: number): number {
  let basic = cache16.get(index);
  if (basic === undefined) {
    basic = index < 16 ? index : nearest(rgbOf(index), 0, 16);
    cache16.set(index, basic);
  }
  return basic;
}

/** Number of colours of the terminal. */
export type Depth = 256 | 16 | 0;

type Looks = readonly string[];
/** Looks by role; each for 256 colours, 16 colours, and none. */
export interface Theme {
  name: string;
  inks: Readonly<Record<string, Looks>>;
  grounds: Readonly<Record<string, Looks>>;
}

/** Themes that come with the program. */
export const THEMES: Readonly<Record<string, Theme>> = { dark, light, contrast, colourblind, mono, pulse };

/** `-1` keeps the colour of the ground or the terminal. */
interface CellStyle {
  flags: number;
  fg: number;
  bg: number;
}

export interface Palette {
  /** Returns flags and colours of a cell, as {@link rawInk} packs them. */
  resolve(ink: Ink, ground: Ground): RawInk;
  /** True where the beat of a new sample has a look of its own, whose end has to be drawn too. */
  pulses: boolean;
}

/** Returns the number of colours by TERM, COLORTERM and NO_COLOR; 16 without a report, which every terminal shows. */
export function colourDepth(env: Readonly<Record<string, string | undefined>>): Depth {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return 0;
  const term = env.TERM ?? '';
  if (/-mono$|^vt\d/.test(term)) return 0;
  if (/truecolor|24bit/.test(env.COLORTERM ?? '')) return 256;
  return /256|kitty|alacritty|foot|ghostty|wezterm|direct|contour/.test(term) ? 256 : 16;
}

/** Resolves a theme. @throws {RangeError} for an invalid look */
export function createPalette(theme: Theme, depth: Depth): Palette {
  const column = depth === 256 ? 0 : depth === 16 ? 1 : 2;
  const parse = (kind: 'inks' | 'grounds', role: string): CellStyle => parseStyle(theme[kind][role]?.[column] ?? '');
  const inks = new Map(INKS.map((role) => [role as Ink, parse('inks', role)]));
  const grounds = new Map(GROUNDS.map((role) => [role, parse('grounds', role)]));
  const known = new Map<string, RawInk>();
  const plain: CellStyle = { flags: 0, fg: -1, bg: -1 };
  const looksAs = (role: Ink): string => JSON.stringify(inks.get(role));
  return {
    pulses: looksAs('pulse') !== looksAs('ok') || looksAs('beat') !== looksAs('spark'),
    resolve(ink, ground) {
      if (typeof ink === 'number') return depth === 256 ? ink : reduce(ink, depth);
      const name = `${ink}/${ground}`;
      const cached = known.get(name);
      if (cached !== undefined) return cached;
      const front = inks.get(ink) ?? plain;
      const back = grounds.get(ground) ?? plain;
      const colour = (value: number): number => (value < 0 ? DEFAULT_COLOUR : value);
      // Few of sixteen colours can be read on another: text takes the one that its ground names.
      const taken = depth === 16 && ground !== 'screen' && front.bg < 0 && back.fg >= 0;
      // Inverse twice cancels out: an inverse ink on an inverse ground would vanish, so flags are united.
      const resolved = rawInk(
        front.flags | back.flags,
        colour(front.fg >= 0 && !taken ? front.fg : back.fg),
        colour(front.bg >= 0 ? front.bg : back.bg),
      );
      known.set(name, resolved);
      return resolved;
    },
  };
}

/** Returns the reason why a look is invalid, in words, or null. */
export function wrongLook(text: string): string | null {
  try {
    parseStyle(text);
    return null;
  } catch (error) {
    return error instanceof RangeError ? error.message : String(error);
  }
}

/** Parses a look: `bold 231 on 124`. @throws {RangeError} for an unknown word */
export function parseStyle(text: string): CellStyle {
  const style: CellStyle = { flags: 0, fg: -1, bg: -1 };
  let ground = false;
  for (const word of text.split(' ').filter((part) => part !== '')) {
    if (word === 'on') ground = true;
    else if (word === 'bold' || word === 'underline' || word === 'inverse' || word === 'dim') style.flags |= FLAG[word];
    else if (/^\d{1,3}$/.test(word) && Number(word) < 256) style[ground ? 'bg' : 'fg'] = Number(word);
    else throw new RangeError(`"${word}" in the look "${text}" is neither a colour nor an attribute`);
  }
  return style;
}

/** Reduces a node's colours to those of the terminal. */
function reduce(ink: RawInk, depth: Depth): RawInk {
  const colour = (value: number): number =>
    value === DEFAULT_COLOUR || depth === 0 ? DEFAULT_COLOUR : value < 16 ? value : nearest16(value);
  return rawInk(ink >> 18, colour((ink >> 9) & 0x1ff), colour(ink & 0x1ff));
}
