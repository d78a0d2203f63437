/** Paints the last screens of all nodes, or of the marked ones: a title with the age, and as many last lines as fit. */
import type { Shows } from '../../api/node.ts';
import { formatPosition, type Address } from '../../rack/address.ts';
import type { Frame, InkRole, Rect, Span } from '../canvas/frame.ts';
import { spansWidth } from '../canvas/frame.ts';
import { formatAge, type Glyphs, shorten } from '../canvas/glyphs.ts';
import { lookOf, viewOf } from '../map/node-look.ts';
import { type GlanceLines, nameOf, type State } from '../model/state.ts';
import { tileAt, tilesOf } from './glance.ts';

export function paintGlance(frame: Frame, rect: Rect, state: State, g: Glyphs): void {
  const tiles = tilesOf(state);
  if (tiles === null) return;
  if (tiles.nodes.length === 0) frame.text(rect.x + 1, rect.y, 'No node matches the filter.', 'dim', rect.width - 2);
  for (let index = tiles.from; index < tiles.from + tiles.count; index++) {
    const addr = tiles.nodes[index];
    if (addr !== undefined) paintTile(frame, tileAt(tiles, index), addr, state, g);
  }
}

function paintTile(frame: Frame, tile: Rect, addr: Address, state: State, g: Glyphs): void {
  const { x, y, width, height } = tile;
  const selected = state.cursor === addr;
  const marked = state.marks.has(addr);
  frame.clear({ ...tile, height: 1 }, selected ? 'selected' : marked ? 'marked' : 'bar');
  const edge = selected ? g.selected : marked ? g.marked : ' ';
  const ink = selected ? 'borderFocus' : 'mark';
  frame.put(x, y, edge, ink);
  if (selected || marked) for (let row = 1; row < height; row++) frame.put(x, y + row, edge, ink);
  const known = state.glances.nodes.get(addr);
  paintTitle(frame, { x: x + 1, y, width: width - 1, height: 1 }, addr, state, g);
  const lines = known?.seen?.lines.slice(-(height - 1)) ?? [];
  const live = known?.seen?.from === 'open' && state.link.kind === 'connected';
  lines.forEach((line, i) => frame.text(x + 1, y + 1 + i, line, live ? 'text' : 'dim', width - 1));
  if (lines.length === 0) frame.text(x + 1, y + 1, reasonFor(state, addr), 'dim', width - 1);
  frame.target(tile, { node: addr });
}

/** `● ns01 B-0        login prompt 12m`; a short title has no position and kind of text, except that of a failure. */
function paintTitle(frame: Frame, { x, y, width }: Rect, addr: Address, state: State, g: Glyphs): void {
  const look = lookOf(state, viewOf(state, addr));
  const { seen = null, readAt = 0 } = state.glances.nodes.get(addr) ?? {};
  const age: Span[] =
    seen === null ? [] : [[` ${ageOf(state, seen, readAt)}`, isLive(state, seen) ? 'title' : 'stale']];
  const kind: Span[] = seen === null ? [] : [[` ${SHOWS[seen.shows]}`, SHOWS_INK[seen.shows]]];
  const name = nameOf(state, addr);
  const position = ` ${formatPosition(addr)}`;
  const room = width - 3;
  const fits = room - spansWidth([...kind, ...age]) >= Math.min(10, name.length);
  const right = fits || seen?.shows === 'failed' ? [...kind, ...age] : age;
  const left = room - spansWidth(right);
  const withPosition = left >= name.length + position.length;
  frame.spans(x, y, [
    [`${g.power[look.power]} `, look.ink],
    [shorten(name, left, g), look.power === 'on' ? 'title' : look.ink],
    [withPosition ? position : '', 'dim'],
  ]);
  frame.spans(x + width - 1 - spansWidth(right), y, right);
}

type Seen = NonNullable<GlanceLines['seen']>;

const isLive = (state: State, { from }: Seen): boolean => from === 'open' && state.link.kind === 'connected';

function ageOf(state: State, seen: Seen, readAt: number): string {
  if (isLive(state, seen)) return 'open';
  return formatAge(Math.max(0, state.now - (seen.from === 'open' ? readAt : seen.at)));
}

const SHOWS: Record<Shows, string> = {
  login: 'login prompt',
  shell: 'shell prompt',
  program: 'program waits',
  output: 'output',
  blank: 'blank',
  failed: 'FAILED',
};
const SHOWS_INK: Record<Shows, InkRole> = {
  login: 'text',
  shell: 'text',
  program: 'aging',
  output: 'dim',
  blank: 'dim',
  failed: 'fault',
};

/** Returns the text in place of a screen. */
function reasonFor(state: State, addr: Address): string {
  if (addr === state.bus.master) return 'Master: no console here.';
  if (state.access === 'view') return 'Hidden: view only.';
  const known = state.glances.nodes.get(addr);
  if (known?.seen === null) return 'Its console was never opened.';
  if (known !== undefined) return 'Its screen is blank.';
  return state.glances.failed === null ? 'reading …' : `Could not be read: ${state.glances.failed}`;
}

/** `consoles 1 to 70 of 128`, or of the marked nodes. */
export function glanceSpans(state: State): Span[] {
  const tiles = tilesOf(state);
  if (tiles === null) return [];
  const { from, count, nodes } = tiles;
  const which = nodes.every((addr) => state.marks.has(addr)) && nodes.length > 0 ? 'marked nodes' : 'all nodes';
  return [[count < nodes.length ? `consoles ${from + 1} to ${from + count} of ${nodes.length}` : which, 'dim']];
}
