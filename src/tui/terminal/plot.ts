/**
 * Draws lines of braille dots with blessed-contrib's canvas, which is loaded when the first chart is shown (about
 * 10 ms with its drawing library). Its line chart is not used: it joins points across gaps, and has colours of its
 * own.
 */
import createCanvas from 'blessed-contrib/lib/widget/canvas.js';

/** Position of a dot from the upper left: two in a column, four in a row of the text. */
export interface Dot {
  x: number;
  y: number;
}

/** Draws each stroke from dot to dot. Returns `rows` rows of `columns` signs, ' ' where nothing is. */
export type Plot = (columns: number, rows: number, strokes: readonly (readonly Dot[])[]) => string[];

const BRAILLE = 0x2800;
/** A widget requires a screen although it is never put on one. */
const NO_SCREEN = { setEffects: () => undefined };

export const plot: Plot = (columns, rows, strokes) => {
  const canvas = createCanvas({ screen: NO_SCREEN, width: columns, height: rows });
  // The widget would reserve room for a border.
  canvas.calcSize = () => {
    canvas.canvasSize = { width: columns * 2, height: rows * 4 };
  };
  canvas.emit('attach');
  const { ctx } = canvas;
  for (const stroke of strokes) {
    ctx.beginPath();
    stroke.forEach(({ x, y }, i) => {
      if (i === 0) ctx.moveTo(x, y);
      ctx.lineTo(x, y);
    });
    ctx.stroke();
  }
  const { content } = ctx._canvas;
  return Array.from({ length: rows }, (_, row) =>
    Array.from(content.subarray(row * columns, (row + 1) * columns), (dots) =>
      dots === 0 ? ' ' : String.fromCharCode(BRAILLE + dots),
    ).join(''),
  );
};
