/** The list of consoles: who each is, how it stands, and what of it is kept here. */
import { didYouMean, wrap } from '../../lib/words.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import { centred, paintBox } from '../canvas/box.ts';
import type { Frame, Span } from '../canvas/frame.ts';
import { formatClock, type Glyphs, POWER_WORD } from '../canvas/glyphs.ts';
import { lookOf, viewOf } from '../map/node-cell.ts';
import type { Overlay } from '../model/overlays.ts';
import { nameOf, type State } from '../model/state.ts';
import { listedConsoles } from './console-list.ts';

export function paintConsoles(
  frame: Frame,
  state: State,
  list: Extract<Overlay, { kind: 'consoles' }>,
  g: Glyphs,
): void {
  const listed = listedConsoles(state, list.text);
  const box = paintBox(frame, centred(frame, 72, state.rack.nodes.length + 4), 'consoles', g);
  const at = frame.spans(box.x, box.y, [
    ['find: ', 'key'],
    [list.text, 'text'],
  ]);
  frame.cursor = { x: at, y: box.y };
  const rows = box.height - 2;
  const index = Math.min(list.index, Math.max(0, listed.length - 1));
  const from = Math.max(0, Math.min(index - Math.floor(rows / 2), listed.length - rows));
  if (listed.length === 0) {
    const names = state.rack.nodes.map(({ addr }) => nameOf(state, addr));
    const none = `no node’s name, address or position holds that${didYouMean(list.text, names)}`;
    wrap(none, box.width).forEach((line, i) => frame.text(box.x, box.y + 2 + i, line, 'dim', box.width));
  }
  listed.slice(from, from + rows).forEach((addr, i) => {
    const y = box.y + 2 + i;
    const look = lookOf(state, viewOf(state, addr));
    frame.spans(
      box.x,
      y,
      [
        [`${formatAddress(addr)} ${formatPosition(addr).padEnd(5)}`, 'dim'],
        [`${nameOf(state, addr).padEnd(24)} `, 'text'],
        [POWER_WORD[look.power].padEnd(11), look.ink],
        howItStands(state, addr),
      ],
      box.width,
    );
    frame.target({ x: box.x, y, width: box.width, height: 1 }, { rows: from + i - index });
    if (from + i === index) frame.ground({ x: box.x, y, width: box.width, height: 1 }, 'selected');
  });
}

function howItStands(state: State, addr: number): Span {
  const { console, pane } = state;
  if (pane.attachment.kind !== 'none' && pane.attachment.addr === addr) return ['you are here', 'ok'];
  if (console?.addr === addr) return [`open: ${console.holderName ?? 'nobody'} types`, 'warn'];
  const left = pane.kept.get(addr)?.leftAt ?? null;
  return left === null ? ['', 'dim'] : [`screen of ${formatClock(left, state.dateAhead, true)}`, 'stale'];
}
