/** A terminal's screen, or several one after another, as SVG. Colours are xterm's; the two default ones are the scene's. */
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

export function screenToSvg(terminal: TestTerminal, title: string, ground: Ground): string {
  const { cols, rows } = terminal;
  const parts = rowsOf(terminal, ground).map((row, y) => (row === '' ? '' : rowAt(y, row)));
  return document({ cols, rows, title, ground }, parts.filter((part) => part !== '').join('\n'));
}

/** A row of SVG elements at its place. */
const rowAt = (y: number, row: string): string => `<g transform="translate(0 ${number(y * CELL.height)})">${row}</g>`;

/** Puts `content`, in the letters of a terminal, on the paper. */
function document(
  { cols, rows, title, ground }: { cols: number; rows: number; title: string; ground: Ground },
  content: string,
): string {
  const { width, height } = pictureSize(cols, rows);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escape(title)}</title>
<rect width="100%" height="100%" rx="6" fill="${ground.paper}"/>
<g transform="translate(${MARGIN} ${MARGIN})" font-family="'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="${FONT_SIZE.toFixed(3)}" xml:space="preserve">
${content}
</g>
</svg>
`;
}

/** The screen's rows as SVG elements, each as if it were the first one; '' for a blank row. */
export function rowsOf({ screen, cols, rows }: TestTerminal, ground: Ground): string[] {
  const buffer = screen.buffer.active;
  return Array.from({ length: rows }, (_, y) => {
    const line = buffer.getLine(buffer.baseY + y);
    const runs: { x: number; text: string; look: Look }[] = [];
    for (let x = 0; x < cols; x++) {
      const cell = line?.getCell(x);
      if (cell === undefined || cell.getWidth() === 0) continue;
      const look = lookOf(cell, ground);
      const last = runs.at(-1);
      const same = last !== undefined && JSON.stringify(last.look) === JSON.stringify(look);
      if (same) last.text += cell.getChars() || ' ';
      else runs.push({ x, text: cell.getChars() || ' ', look });
    }
    return runs.map(({ x, text, look }) => runToSvg(x * CELL.width, text, look)).join('');
  });
}

/** Cells of one look. */
function runToSvg(left: number, text: string, look: Look): string {
  const characters = Array.from(text);
  const paper =
    look.bg === null
      ? ''
      : `<rect x="${left}" width="${characters.length * CELL.width}" height="${number(CELL.height + 0.1)}" fill="${look.bg}"/>`;
  const braille = characters.map((ch, i) => (isBraille(ch) ? dots(ch, left + i * CELL.width, look.fg) : '')).join('');
  // Blanks at the edges are nothing to draw; within, they keep the rest in place.
  const shown = characters
    .map((ch) => (isBraille(ch) ? ' ' : ch))
    .join('')
    .trimEnd();
  const blank = shown.length - shown.trimStart().length;
  const words =
    shown.trim() === ''
      ? ''
      : `<text x="${left + blank * CELL.width}" y="${number(BASELINE)}" fill="${look.fg}"${look.style}>${escape(shown.trimStart())}</text>`;
  return paper + braille + words;
}

/** A screen as {@link rowsOf} gives it, and the second from which it is shown. */
export interface Film {
  at: number;
  rows: readonly string[];
}

/**
 * Screens one after another, for ever: a strip of them moves behind a window by CSS, which a page's image may use. Each
 * row is written once, however often it is shown. `end`: the second of the last screen's end.
 */
export function filmToSvg(
  size: { cols: number; rows: number; title: string; ground: Ground },
  film: readonly Film[],
  end: number,
): string {
  const names = new Map<string, string>();
  const nameOf = (row: string): string => {
    const name = names.get(row) ?? `r${names.size}`;
    names.set(row, name);
    return name;
  };
  const { width, height } = pictureSize(size.cols, size.rows);
  const frames = film.map(({ rows }, i) => {
    const uses = rows.map((row, y) =>
      row === '' ? '' : `<use href="#${nameOf(row)}" y="${number(y * CELL.height)}"/>`,
    );
    return `<g transform="translate(${i * width} 0)">${uses.join('')}</g>`;
  });
  const steps = film.map(({ at }, i) => `${number((100 * at) / end)}%{transform:translateX(${-i * width}px)}`);
  const style = `@keyframes film{${steps.join('')}100%{transform:translateX(${-(film.length - 1) * width}px)}}.film{animation:film ${number(end)}s step-end infinite}`;
  const defs = Array.from(names, ([row, name]) => `<g id="${name}">${row}</g>`).join('\n');
  return document(
    size,
    `<style>${style}</style><defs>\n${defs}\n</defs>
<svg width="${width - 2 * MARGIN}" height="${height - 2 * MARGIN}"><g class="film">
${frames.join('\n')}
</g></svg>`,
  );
}

/** Charts are made of these; the letters' font has none. */
function isBraille(ch: string): boolean {
  return ch >= '\u2800' && ch <= '\u28ff';
}

/** Where the eight dots of a cell stand, in the order of the character's bits (Unicode, braille patterns). */
const DOTS = [0, 1, 2, 4, 5, 6, 3, 7].map((place) => ({ column: place >> 2, row: place & 3 }));

function dots(ch: string, left: number, fill: string): string {
  const bits = (ch.codePointAt(0) ?? 0) - 0x2800;
  const circles = DOTS.filter((_, bit) => (bits >> bit) & 1).map(({ column, row }) => {
    const x = number(left + (CELL.width * (1 + 2 * column)) / 4);
    return `<circle cx="${x}" cy="${number((CELL.height * (1 + 2 * row)) / 8)}" r="1.3" fill="${fill}"/>`;
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
