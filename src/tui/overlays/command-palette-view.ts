/** The palette of `:`: a line to type in, and under it what fits, with its key, or why it cannot be used now. */
import { wrap } from '../../lib/words.ts';
import { centred, paintBox } from '../canvas/box.ts';
import { CUT, type Frame } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import type { Overlay } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { offerMeant, type Ranked, rankedOffers } from './command-list.ts';

const WIDTH = 96;
const ROWS = 20;

export function paintPalette(
  frame: Frame,
  state: State,
  palette: Extract<Overlay, { kind: 'palette' }>,
  g: Glyphs,
): void {
  const offers = rankedOffers(state, palette);
  const box = paintBox(frame, centred(frame, WIDTH, Math.min(ROWS, frame.rows - 4)), 'commands and nodes', g);
  frame.ground({ x: box.x, y: box.y, width: box.width, height: 1 }, 'field');
  const end = frame.text(box.x + 1, box.y, palette.text, 'text', box.width - 2);
  frame.cursor = { x: end, y: box.y };
  const rows = box.height - 1;
  const at = Math.min(palette.index, Math.max(0, offers.length - 1));
  const from = Math.max(0, Math.min(at - Math.floor(rows / 2), offers.length - rows));
  offers.slice(from, from + rows).forEach((offer, i) => {
    const y = box.y + 1 + i;
    if (from + i === at) frame.ground({ x: box.x - 1, y, width: box.width + 2, height: 1 }, 'selected');
    frame.target({ x: box.x - 1, y, width: box.width + 2, height: 1 }, { rows: from + i - at });
    paintOffer(frame, box.x, y, box.width, offer);
  });
  if (offers.length === 0) {
    const none = `no command and no node has these letters${offerMeant(state, palette)}`;
    wrap(none, box.width - 2).forEach((line, i) => frame.text(box.x + 1, box.y + 1 + i, line, 'dim'));
  }
}

/** `power menu for the marked nodes …        p`; the typed letters stand out. */
function paintOffer(frame: Frame, x: number, y: number, width: number, { title, key, why, at }: Ranked): void {
  const keyRoom = 10;
  const room = width - keyRoom - 1;
  const reason = why === null ? '' : `  ${why}`;
  const ink = why === null ? 'text' : 'dim';
  const letters = Array.from(title).slice(0, room);
  letters.forEach((ch, i) => frame.text(x + i, y, ch, at.includes(i) ? 'key' : ink));
  // What cannot be used says why at the cost of the end of its title.
  const start = Math.max(0, Math.min(letters.length, room - reason.length));
  const seen = reason === '' ? room : start;
  if (seen > 0 && Array.from(title).length > seen) frame.text(x + seen - 1, y, CUT, ink);
  if (reason !== '') frame.text(x + start, y, reason.padEnd(room - start), 'aging', room - start);
  frame.text(x + width - key.length, y, key, why === null ? 'key' : 'dim');
}
