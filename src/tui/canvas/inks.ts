/** What cells of the screen look like: meanings, which themes give colours, and nodes' own colours. */

/** Meanings of text. Themes give each a look in 256 colours, 16, and none. */
export const INKS = [
  'text',
  'dim',
  'title',
  'key',
  'ok',
  /** A node whose sample has just arrived; most themes show it as ok. */
  'pulse',
  'aging',
  'warn',
  'fault',
  'stale',
  'off',
  'unknown',
  'spark',
  /** The place of a strip where the beat of a new sample is; most themes show it as spark. */
  'beat',
  'fan',
  'master',
  'mark',
  'border',
  'borderFocus',
  'danger',
  /** Text on a ground of the heat ramp: it takes the colour that the ground gives it. */
  'heat',
] as const;
export type InkRole = (typeof INKS)[number];

/** The ramp of the map's heat, from the least to the most. */
export const HEAT_GROUNDS = ['heat1', 'heat2', 'heat3', 'heat4', 'heat5'] as const;
export const GROUNDS = ['screen', 'selected', 'marked', 'bar', 'dialog', 'field', 'button', ...HEAT_GROUNDS] as const;
export type Ground = (typeof GROUNDS)[number];

/**
 * A node's own colours: `flags << 18 | foreground << 9 | background`, colours 0 to 255 or {@link DEFAULT_COLOUR}.
 * The layout is blessed's, so that such a cell needs no translation.
 */
export type RawInk = number;
export type Ink = InkRole | RawInk;

export const DEFAULT_COLOUR = 0x1ff;
/** The first five are blessed's; it cannot express the others (see terminal.ts). */
export const FLAG = {
  bold: 1,
  underline: 2,
  blink: 4,
  inverse: 8,
  invisible: 16,
  dim: 32,
  italic: 64,
  strike: 128,
} as const;

export function rawInk(flags: number, foreground: number, background: number): RawInk {
  return (flags << 18) | (foreground << 9) | background;
}

/**
 * What a node's cell has beyond its {@link RawInk}, which holds the nearest. Colours of 24 bits have `RGB` of
 * console/cells.ts set, others are numbers of the palette; null: the ink's own. `underline` is SGR's style: 2 double,
 * 3 curly, 4 dotted, 5 dashed; 0: the ink's own.
 */
export interface CellDetail {
  foreground: number | null;
  background: number | null;
  underline: number;
  underlineColour: number | null;
  overline: boolean;
}
