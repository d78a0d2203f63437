/** A question in a box that one key answers with yes, and any other with no. */
import { wrap } from '../../lib/words.ts';
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame, Span } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';

export function paintQuestion(
  frame: Frame,
  title: string,
  text: string,
  key: string,
  does: string,
  g: Glyphs,
  also: readonly Span[] = [],
): void {
  const lines = wrap(text, 60);
  const box = paintBox(frame, centred(frame, 66, lines.length + 4), title, g, 'warn');
  lines.forEach((line, i) => frame.text(box.x, box.y + i, line, 'text', box.width));
  frame.spans(box.x, box.y + lines.length + 1, [
    [key, 'key'],
    [` ${does}   `, 'text'],
    ...also,
    ['any other key', 'key'],
    [' cancel', 'text'],
  ]);
}

/** Paints the question whether to abort, which `y` answers with yes; `width` holds the text in one line. */
export function paintAbortQuestion(frame: Frame, text: string, width: number, g: Glyphs): void {
  const box = paintBox(frame, centred(frame, width, 5), 'abort', g);
  frame.text(box.x, box.y, text, 'text', box.width);
  frame.spans(
    box.x,
    box.y + 2,
    [
      ['y', 'key'],
      [' abort   ', 'text'],
      ['any other key', 'key'],
      [' continue', 'text'],
    ],
    box.width,
  );
}
