/** A terminal's screen as SVG: what stands in its cells, nothing else. Colours are xterm's; the two default ones are the scene's. */
import type { TestTerminal } from '../support/terminal.ts';

/** Pixels of a cell. The height is what DejaVu Sans Mono needs so that blocks and lines of two rows meet. */
const CELL = { width: 9, height: 17.4 };
/** 1233 of 2048 units: so large that a character is just one cell wide. */
const FONT_SIZE = (CELL.width * 2048) / 1233;
const BASELINE = FONT_SIZE * 0.928;
const MARGIN = 10;

export interface Ground {
  text: string;
  paper: string;
}

type Buffer = TestTerminal['screen']['buffer']['active'];
type XtermCell = NonNullable<ReturnType<NonNullable<ReturnType<Buffer['getLine']>>['getCell']>>;

interface Look {
  fg: string;
  bg: string | null;
  style: string;
}

export function pictureSize(cols: number, rows: number): { width: number; height: number } {
  return { width: Math.ceil(cols * CELL.width) + 2 * MARGIN, height: Math.ceil(rows * CELL.height) + 2 * MARGIN };
}

export function screenToSvg({ screen, cols, rows }: TestTerminal, title: string, ground: Ground): string {
  const { width, height } = pictureSize(cols, rows);
  const buffer = screen.buffer.active;
  const parts: string[] = [];
  for (let y = 0; y < rows; y++) {
    const line = buffer.getLine(buffer.baseY + y);
    if (line === undefined) continue;
    const runs: { x: number; text: string; look: Look }[] = [];
    for (let x = 0; x < cols; x++) {
      const cell = line.getCell(x);
      if (cell === undefined || cell.getWidth() === 0) continue;
      const look = lookOf(cell, ground);
      const last = runs.at(-1);
      const same = last !== undefined && JSON.stringify(last.look) === JSON.stringify(look);
      if (same) last.text += cell.getChars() || ' ';
      else runs.push({ x, text: cell.getChars() || ' ', look });
    }
    const top = MARGIN + y * CELL.height;
    for (const { x, text, look } of runs) {
      const [left, cells] = [MARGIN + x * CELL.width, Array.from(text).length];
      if (look.bg !== null)
        parts.push(
          `<rect x="${left}" y="${number(top)}" width="${cells * CELL.width}" height="${number(CELL.height + 0.1)}" fill="${look.bg}"/>`,
        );
      // Blanks at the edges are nothing to draw; within, they keep the rest in place.
      const dotted = Array.from(text)
        .map((ch) => (isBraille(ch) ? ' ' : ch))
        .join('');
      Array.from(text).forEach((ch, i) => {
        if (isBraille(ch)) parts.push(dots(ch, left + i * CELL.width, top, look.fg));
      });
      const shown = dotted.trimEnd();
      const blank = shown.length - shown.trimStart().length;
      if (shown.trim() !== '')
        parts.push(
          `<text x="${left + blank * CELL.width}" y="${number(top + BASELINE)}" fill="${look.fg}"${look.style}>${escape(shown.trimStart())}</text>`,
        );
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escape(title)}</title>
<rect width="100%" height="100%" rx="6" fill="${ground.paper}"/>
<g font-family="'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="${FONT_SIZE.toFixed(3)}" xml:space="preserve">
${parts.join('\n')}
</g>
</svg>
`;
}

/** Charts are made of these; the letters' font has none. */
function isBraille(ch: string): boolean {
  return ch >= '\u2800' && ch <= '\u28ff';
}

/** Where the eight dots of a cell stand, in the order of the character's bits (Unicode, braille patterns). */
const DOTS = [0, 1, 2, 4, 5, 6, 3, 7].map((place) => ({ column: place >> 2, row: place & 3 }));

function dots(ch: string, left: number, top: number, fill: string): string {
  const bits = (ch.codePointAt(0) ?? 0) - 0x2800;
  const circles = DOTS.filter((_, bit) => (bits >> bit) & 1).map(({ column, row }) => {
    const x = number(left + (CELL.width * (1 + 2 * column)) / 4);
    return `<circle cx="${x}" cy="${number(top + (CELL.height * (1 + 2 * row)) / 8)}" r="1.3" fill="${fill}"/>`;
  });
  return circles.join('');
}

function lookOf(cell: XtermCell, ground: Ground): Look {
  const fg = cell.isFgDefault() ? ground.text : paletteColour(cell.getFgColor());
  const bg = cell.isBgDefault() ? null : paletteColour(cell.getBgColor());
  const style = [
    cell.isBold() ? ' font-weight="bold"' : '',
    cell.isItalic() ? ' font-style="italic"' : '',
    cell.isUnderline() ? ' text-decoration="underline"' : '',
    cell.isDim() ? ' opacity="0.6"' : '',
  ].join('');
  return cell.isInverse() ? { fg: bg ?? ground.paper, bg: fg, style } : { fg, bg, style };
}

const BASIC =
  '000000 cd3131 0dbc79 c8b32a 3b78d8 bc3fbc 11a8cd d0d0d0 767676 f14c4c 23d18b f5f543 5c9cff d670d6 29b8db ffffff'
    .split(' ')
    .map((hex) => `#${hex}`);

/** The 256 of xterm: sixteen, a cube of 6x6x6, 24 greys. */
function paletteColour(index: number): string {
  const basic = BASIC[index];
  if (basic !== undefined) return basic;
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  if (index >= 232) return `#${hex(8 + (index - 232) * 10).repeat(3)}`;
  const level = (n: number): string => hex(n === 0 ? 0 : 55 + 40 * n);
  const i = index - 16;
  return `#${level(Math.floor(i / 36))}${level(Math.floor(i / 6) % 6)}${level(i % 6)}`;
}

const number = (value: number): string => String(Math.round(value * 100) / 100);

function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
