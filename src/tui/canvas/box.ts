/** Draws borders and the boxes of dialogs. */
import { wrap } from '../../lib/words.ts';
import type { Frame, InkRole, Rect, Span } from './frame.ts';
import type { Glyphs } from './glyphs.ts';

/** Draws a box with its title in the upper edge and clears what is under it. Returns the room inside. */
export function paintBox(frame: Frame, rect: Rect, title: string, g: Glyphs, ink: InkRole = 'borderFocus'): Rect {
  const { x, y, width, height } = rect;
  // A column beside it, so that its edges touch no text.
  const covered = { x: x - 1, y, width: width + 2, height };
  clearCut(frame, covered);
  frame.clear(covered);
  frame.clear(rect, 'dialog');
  frame.target(rect, null);
  const right = x + width - 1;
  const bottom = y + height - 1;
  for (const row of [y, bottom]) frame.fill({ x: x + 1, y: row, width: width - 2, height: 1 }, g.box.h, ink);
  for (const column of [x, right]) frame.fill({ x: column, y: y + 1, width: 1, height: height - 2 }, g.box.v, ink);
  frame.put(x, y, g.box.tl, ink);
  frame.put(right, y, g.box.tr, ink);
  frame.put(x, bottom, g.box.bl, ink);
  frame.put(right, bottom, g.box.br, ink);
  if (title !== '') frame.text(x + 2, y, ` ${title} `, 'title', width - 4);
  return { x: x + 2, y: y + 1, width: width - 4, height: height - 2 };
}

/** Characters of lines, strips and charts: what is covered of them says nothing else. */
const DRAWN = /[\u2500-\u259f\u2800-\u28ff|=+]/;
/** Most columns of a label: of longer texts only the word that is cut goes. */
const LABEL = 24;

/** Clears the rest of each label, beside a rectangle, that the rectangle covers in part. */
function clearCut(frame: Frame, { x, y, width, height }: Rect): void {
  for (let row = y; row < y + height; row++)
    for (const [inner, way] of [
      [x, -1],
      [x + width - 1, 1],
    ] as const) {
      const at = (steps: number): string => frame.charAt(row * frame.cols + inner + steps * way);
      const outside = way < 0 ? inner : frame.cols - inner - 1;
      const isText = (steps: number): boolean => at(steps) !== ' ' && !DRAWN.test(at(steps));
      const begins = isText(0) ? 0 : at(0) === ' ' && isText(-1) && isText(1) ? 1 : null;
      if (begins === null) continue;
      let word: number | null = null;
      let steps = begins;
      while (steps < outside && (isText(steps + 1) || (at(steps + 1) === ' ' && isText(steps + 2)))) {
        steps += 1;
        if (word === null && at(steps) === ' ') word = steps;
      }
      const columns = steps > LABEL && word !== null ? word : steps;
      frame.clear({ x: way < 0 ? inner - columns : inner + 1, y: row, width: columns, height: 1 });
    }
}

/** Returns a rectangle of this size in the middle of the frame, no larger than it. */
export function centred(frame: Frame, width: number, height: number): Rect {
  const w = Math.min(width, frame.cols - 2);
  const h = Math.min(height, frame.rows - 2);
  return { x: Math.floor((frame.cols - w) / 2), y: Math.floor((frame.rows - h) / 2), width: w, height: h };
}

/** A bar of `width` columns whose first part is done: `share`, 0 to 1. */
export function progressSpans(share: number, width: number, ink: InkRole, g: Glyphs): Span[] {
  const done = Math.max(0, Math.min(width, Math.round(share * width)));
  return [
    [g.progress.done.repeat(done), ink],
    [g.progress.left.repeat(width - done), 'dim'],
  ];
}

/** Paints lines from `scroll` on; the last row shows the number of remaining ones. */
export function paintScrolled(
  frame: Frame,
  { x, y, width, height }: Rect,
  lines: readonly Span[][],
  scroll: number,
): void {
  if (height <= 0) return;
  const fits = lines.length <= height;
  const room = fits ? height : height - 1;
  const end = Math.max(0, lines.length - room);
  const from = Math.min(end, scroll);
  lines.slice(from, from + room).forEach((line, i) => frame.spans(x, y + i, line, width));
  if (fits) return;
  const more = from < end ? `${end - from} more lines: PgDn` : 'end: PgUp';
  frame.text(x + width - more.length, y + height - 1, more, 'key');
}

/** Time for which a part of a longer text is shown in a line, ms. */
export const PART_MS = 3000;
/** Cells of a part where a line has least room. */
export const NARROW_PART = 24;
const GOES_ON = ' …';

/**
 * Returns the text of a line of `width` cells, `ms` after the text's beginning: a longer text is shown in parts, one
 * after another, over and over.
 */
export function partOf(text: string, width: number, ms: number): string {
  const parts = text.length <= width ? [text] : wrap(text, Math.max(1, width - GOES_ON.length));
  const at = Math.floor(Math.max(0, ms) / PART_MS) % parts.length;
  return `${parts[at] ?? ''}${at < parts.length - 1 ? GOES_ON : ''}`;
}

/** A message as it is painted. `at`: when it came, server's clock. */
export interface PaintedMessage {
  text: string;
  at: number;
  ink: InkRole;
}

const NOTICE_INK = { info: 'text', warning: 'warn', error: 'fault' } as const;

/** Gives a notice its ink. */
export function messageFrom({
  text,
  at,
  level,
}: {
  text: string;
  at: number;
  level: keyof typeof NOTICE_INK;
}): PaintedMessage {
  return { text, at, ink: NOTICE_INK[level] };
}

/** Paints a sentence on this line and, if it is longer, on lines above: the remedy is at its end. */
export function paintSentence(frame: Frame, { x, y, width }: Rect, text: string, ink: InkRole): void {
  const lines = wrap(text, width - 2);
  if (lines.length > 1) frame.clear({ x, y: y - lines.length + 1, width, height: lines.length }, 'bar');
  lines.forEach((line, i) => frame.text(x + 1, y - lines.length + 1 + i, line, ink, width - 2));
}
