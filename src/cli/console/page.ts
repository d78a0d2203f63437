/**
 * Writes a console's log as a page of HTML with its colours and times: one file without scripts and without anything
 * from elsewhere. What a node printed is text there, whatever it holds.
 */
import type { TimedEvent } from '../../api/node.ts';
import { clockShift } from '../../console/log-lines.ts';
import { type Colour, type Pen, PLAIN_PEN, type PrintedCell, PrintedLines } from '../../console/printed-lines.ts';
import { removeHidden } from '../../lib/control-chars.ts';

const STYLE = `
body{margin:1em;background:#16181d;color:#d5d8de;font:14px/1.3 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
h1{font-size:1.15em}h2{font-size:1em;margin:1em 0 .3em;color:#8d96a5}
p{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;padding-left:14ch;text-indent:-14ch}
p:target{background:#2c3340}a{color:#76808f;text-decoration:none;user-select:none}a:hover{color:#d5d8de}
.mark{color:#7fb2ef}.b{font-weight:bold}.d{opacity:.65}.i{font-style:italic}.h{visibility:hidden}
.u{text-decoration:underline}.s{text-decoration:line-through}.o{text-decoration:overline}
@media print{body{background:#fff;color:#000}}`;

const WHOLE_SCREEN = 'a program uses the whole screen, which this page does not show: a recording (--cast) does';

/** The palette's first 16 colours. */
const PALETTE =
  '1b1f27 d9646f 7fbf6a d7a65a 6aa1e0 b98ad8 5fb7bd c9ced6 6b7482 ef8791 9fdc8b f0c67f 8fbdf5 d3abec 86d4d9 ffffff'.split(
    ' ',
  );

export class PageWriter {
  readonly #write: (line: string) => void;
  readonly #clock = clockShift();
  #printed: PrintedLines | null = null;
  #cols = 0;
  /** Time of the present output, and of the unfinished line's first character. */
  #now = 0;
  #lineAt: number | null = null;
  /** Marks that wait for the end of the node's line. */
  #marks: { at: number; text: string }[] = [];
  #day = '';
  #lines = 0;

  /** @param write takes one line, without its end */
  constructor(title: string, write: (line: string) => void) {
    this.#write = write;
    const name = escapeHtml(title);
    write('<!doctype html>');
    write('<html lang="en"><head><meta charset="utf-8">');
    write(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`);
    write('<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="dark">');
    write(`<title>${name}</title><style>${STYLE}</style></head>`);
    write(`<body><h1>${name}</h1>`);
  }

  /** Takes the next event. */
  feed(event: TimedEvent): void {
    const at = this.#clock(event);
    const [mark] = this.#marks;
    if (mark && at - mark.at > LINE_END_MS) this.#break();
    if (event.is === 'mark') {
      this.#marks.push({ at, text: event.text });
      if (this.#printed?.begun !== true) this.#break();
    } else if (event.is === 'output') {
      this.#now = at;
      const printed = this.#open(event.cols);
      const before = printed.alternate;
      printed.feed(Buffer.from(event.bytes, 'base64'));
      if (printed.alternate && !before) this.#mark(at, WHOLE_SCREEN);
      if (printed.begun) this.#lineAt ??= at;
    }
  }

  /** Ends the page; returns whether it has a line. */
  end(): boolean {
    this.#break();
    this.#write('</body></html>');
    return this.#lines > 0;
  }

  #open(cols: number): PrintedLines {
    if (this.#printed && cols === this.#cols) return this.#printed;
    this.#break();
    this.#cols = cols;
    this.#printed = new PrintedLines(cols, (_text, cells) => this.#ended(cells));
    return this.#printed;
  }

  /** Ends the node's unfinished line, and writes the marks that waited for it. */
  #break(): void {
    this.#printed?.break();
    this.#takeMarks();
  }

  #ended(cells: readonly PrintedCell[]): void {
    this.#line(this.#lineAt ?? this.#now, '', coloured(cells));
    this.#lineAt = null;
    this.#takeMarks();
  }

  #takeMarks(): void {
    for (const { at, text } of this.#marks.splice(0)) this.#mark(at, text);
  }

  #mark(at: number, text: string): void {
    this.#line(at, ' class="mark"', escapeHtml(`* ${text}`));
  }

  #line(at: number, attributes: string, html: string): void {
    const [day = '', time = ''] = new Date(at).toISOString().slice(0, -1).split('T');
    if (day !== this.#day) this.#write(`<h2>${day} UTC</h2>`);
    this.#day = day;
    const id = `l${++this.#lines}`;
    const stamp = `<a href="#${id}"><time datetime="${day}T${time}Z">${time}</time></a>`;
    this.#write(`<p id="${id}"${attributes}>${stamp}  ${html}</p>`);
  }
}

/** Silence after which an unfinished line counts as complete, ms. */
const LINE_END_MS = 200;

/** Returns a line's cells as HTML, the blanks at its end removed. */
function coloured(cells: readonly PrintedCell[]): string {
  let end = cells.length;
  while (end > 0 && cells[end - 1]?.text === ' ' && cells[end - 1]?.pen === PLAIN_PEN) end--;
  let html = '';
  for (let from = 0; from < end;) {
    const { pen = PLAIN_PEN } = cells[from] ?? {};
    let to = from;
    while (to < end && cells[to]?.pen === pen) to++;
    const text = cells
      .slice(from, to)
      .map((cell) => cell.text)
      .join('');
    html += span(pen, escapeHtml(text));
    from = to;
  }
  return html;
}

const CLASSES = {
  bold: 'b',
  dim: 'd',
  italic: 'i',
  underline: 'u',
  strike: 's',
  overline: 'o',
  hidden: 'h',
} as const;

function span(pen: Pen, html: string): string {
  const classes = Object.entries(CLASSES)
    .filter(([name]) => pen[name as keyof typeof CLASSES])
    .map(([, letter]) => letter);
  // A terminal shows the palette's first eight colours bright where the text is bold.
  const fg = cssColour(typeof pen.fg === 'number' && pen.fg < 8 && pen.bold ? pen.fg + 8 : pen.fg);
  const bg = cssColour(pen.bg);
  const [front, back] = pen.inverse ? [bg ?? '#16181d', fg ?? '#d5d8de'] : [fg, bg];
  const style = `${front ? `color:${front}` : ''}${front && back ? ';' : ''}${back ? `background:${back}` : ''}`;
  if (classes.length === 0 && style === '') return html;
  const names = classes.length > 0 ? ` class="${classes.join(' ')}"` : '';
  return `<span${names}${style === '' ? '' : ` style="${style}"`}>${html}</span>`;
}

function cssColour(colour: Colour): string | null {
  if (colour === null) return null;
  if (typeof colour !== 'number') return hexColour(colour);
  if (colour < 16) return `#${PALETTE[colour] ?? ''}`;
  if (colour >= 232) return hexColour([0, 0, 0].map(() => 8 + 10 * (colour - 232)));
  const cube = colour - 16;
  return hexColour([36, 6, 1].map((step) => [0, 95, 135, 175, 215, 255][Math.floor(cube / step) % 6] ?? 0));
}

function hexColour(parts: readonly number[]): string {
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeHtml(text: string): string {
  return removeHidden(text).replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char);
}
