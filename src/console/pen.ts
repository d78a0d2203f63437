/** The attributes with which a terminal writes text, as select-graphic-rendition sequences (SGR) set them. Pure. */

/** 0 to 255: of the palette; otherwise red, green, blue; null: the default. */
export type Colour = number | readonly [number, number, number] | null;

export interface Pen {
  readonly fg: Colour;
  readonly bg: Colour;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
  readonly hidden: boolean;
  readonly strike: boolean;
  readonly overline: boolean;
}

export const PLAIN_PEN: Pen = {
  fg: null,
  bg: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
  hidden: false,
  strike: false,
  overline: false,
};

/** The attributes that one parameter without arguments sets. */
const SETS: Readonly<Record<number, Partial<Pen>>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  7: { inverse: true },
  8: { hidden: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  28: { hidden: false },
  29: { strike: false },
  39: { fg: null },
  49: { bg: null },
  53: { overline: true },
  55: { overline: false },
};

/** Returns the pen after `CSI parameters m`; what is not known changes nothing. */
export function applySgr(pen: Pen, parameters: string): Pen {
  let next = pen;
  const rest = parameters.split(';');
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [code = 0, ...own] = word.split(':').map(Number);
    if (code === 0) next = PLAIN_PEN;
    else if (code === 4) next = { ...next, underline: own[0] !== 0 };
    else if (code === 38 || code === 48 || code === 58) {
      // With colons a colour is one parameter, and may have an empty place for its colour space.
      const colour = own.length > 0 ? colourOf(own.length > 4 ? own.toSpliced(1, 1) : own) : colourFrom(rest);
      if (colour !== undefined && code !== 58) next = { ...next, [code === 38 ? 'fg' : 'bg']: colour };
    } else next = { ...next, ...(paletteOf(code) ?? SETS[code]) };
  }
  return next;
}

/** Takes a colour's parameters from the beginning of the list. */
function colourFrom(rest: string[]): Colour | undefined {
  const kind = Number(rest[0]);
  return colourOf(rest.splice(0, kind === 2 ? 4 : kind === 5 ? 2 : 1).map(Number));
}

function colourOf([kind, ...values]: readonly number[]): Colour | undefined {
  const [red = 0, green = 0, blue = 0] = values;
  if (values.some((value) => !(value >= 0 && value <= 255))) return undefined;
  return kind === 5 ? red : kind === 2 ? [red, green, blue] : undefined;
}

function paletteOf(code: number): Partial<Pen> | null {
  const tens = Math.floor(code / 10);
  const bright = tens >= 9 ? 8 : 0;
  const index = code % 10;
  if (index > 7) return null;
  if (tens === 3 || tens === 9) return { fg: index + bright };
  return tens === 4 || tens === 10 ? { bg: index + bright } : null;
}
