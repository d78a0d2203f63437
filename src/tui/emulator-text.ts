/** Text out of an emulator: searched, and taken out for the clipboard or a file. */
import type { IBuffer, IBufferLine } from '@xterm/headless';

/** A place in what is kept: column, and line from the oldest. */
export interface Place {
  x: number;
  y: number;
}

/** The nearest place before (`way` −1) or behind the given one; without capitals the case does not matter. */
export function findText(
  buffer: IBuffer,
  cols: number,
  query: string,
  from: Place,
  way: -1 | 1,
): (Place & { width: number }) | null {
  const fold = (text: string): string => (query === query.toLowerCase() ? text.toLowerCase() : text);
  for (let y = from.y; y >= 0 && y < buffer.length; y += way) {
    const line = buffer.getLine(y);
    if (!line) continue;
    const { text, columns } = cellsOf(line, cols);
    const places: number[] = [];
    for (let at = fold(text).indexOf(query); at >= 0; at = fold(text).indexOf(query, at + 1)) places.push(at);
    const wanted = places
      .map((at) => ({ x: columns[at] ?? 0, width: (columns[at + query.length] ?? cols) - (columns[at] ?? 0) }))
      .filter(({ x }) => y !== from.y || (way < 0 ? x < from.x : x > from.x));
    const found = way < 0 ? wanted.at(-1) : wanted[0];
    if (found) return { ...found, y };
  }
  return null;
}

/** From one cell to another, both included; a line that the emulator broke is one line again. */
export function textBetween(buffer: IBuffer, cols: number, from: Place, to: Place): string {
  let text = '';
  for (let y = from.y; y <= to.y; y++) {
    const line = buffer.getLine(y);
    const goesOn = y < to.y && buffer.getLine(y + 1)?.isWrapped === true;
    const piece = line?.translateToString(!goesOn, y === from.y ? from.x : 0, y === to.y ? to.x + 1 : cols) ?? '';
    text += piece + (y === to.y || goesOn ? '' : '\n');
  }
  return text;
}

/** A line's text, and for each of its UTF-16 units the column where it is shown. */
function cellsOf(line: IBufferLine, cols: number): { text: string; columns: number[] } {
  let text = '';
  const columns: number[] = [];
  for (let x = 0; x < cols; x++) {
    const cell = line.getCell(x);
    if (!cell || cell.getWidth() === 0) continue;
    const chars = cell.getChars() || ' ';
    for (let unit = 0; unit < chars.length; unit++) columns.push(x);
    text += chars;
  }
  return { text, columns };
}
