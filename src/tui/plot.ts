/** What a chart asks of whoever draws lines: dots in, rows of braille signs out. */

/** Dots count from the upper left: two in a column, four in a row of the text. */
export interface Dot {
  x: number;
  y: number;
}

/** Draws each stroke from dot to dot. Returns so many rows of so many signs, ' ' where nothing is. */
export type Plot = (columns: number, rows: number, strokes: readonly (readonly Dot[])[]) => string[];
