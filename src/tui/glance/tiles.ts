/** Divides the screen among the last screens of nodes: as many tiles as there are nodes, or as fit. Pure. */
import type { Address } from '../../rack/address.ts';
import type { Rect } from '../canvas/frame.ts';
import { layoutOf } from '../layout/layout.ts';
import { shownNodes } from '../map/filter.ts';
import type { State } from '../model/state.ts';

export interface Tiles {
  area: Rect;
  nodes: readonly Address[];
  /** The first visible node and the number of visible ones. */
  from: number;
  count: number;
  columns: number;
  /** Of a tile, its title line and the blank column after it included. */
  width: number;
  height: number;
}

/** Least tile in which all nodes are shown at once, and the one of a rack that scrolls. */
const LEAST = { width: 24, height: 2 };
const SCROLLED = { width: 29, height: 3 };
/** Largest tile: a screen of 80 by 24 with its title. */
const MOST = { width: 81, height: 25 };

/** Returns the nodes of the tiles: the marked ones, or those that the filter shows. */
function glanceNodes(state: State): readonly Address[] {
  const shown = shownNodes(state);
  const marked = shown.filter((addr) => state.marks.has(addr));
  return marked.length > 0 ? marked : shown;
}

/** Returns the tiles; null where they are not on the screen. */
export function tilesOf(state: State): Tiles | null {
  const layout = layoutOf(state);
  if (layout.kind !== 'normal' || layout.glance === null) return null;
  const area = layout.glance;
  const nodes = glanceNodes(state);
  const columns = columnsFor(nodes.length, area) ?? Math.max(1, Math.floor(area.width / SCROLLED.width));
  const rows = Math.max(1, Math.ceil(nodes.length / columns));
  const fits = Math.floor(area.height / rows) >= LEAST.height;
  const height = fits ? Math.min(MOST.height, Math.floor(area.height / rows)) : Math.min(SCROLLED.height, area.height);
  const visible = fits ? rows : Math.floor(area.height / height);
  const at = Math.floor(Math.max(0, nodes.indexOf(state.cursor)) / columns);
  const from = Math.max(0, Math.min(at - Math.floor(visible / 2), rows - visible)) * columns;
  const width = Math.min(MOST.width, Math.floor(area.width / columns));
  return { area, nodes, from, count: Math.min(visible * columns, nodes.length - from), columns, width, height };
}

/**
 * Returns the number of columns with which all nodes fit and most of their text is shown; null: they do not fit. A
 * column of text is worth more than a line: cut lines cannot be read.
 */
function columnsFor(count: number, { width, height }: Rect): number | null {
  let best: { columns: number; worth: number } | null = null;
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const tile = { width: Math.floor(width / columns), height: Math.floor(height / Math.ceil(count / columns)) };
    if (tile.width < LEAST.width || tile.height < LEAST.height) continue;
    const worth = Math.min(MOST.width - 1, tile.width - 1) ** 1.5 * Math.min(MOST.height - 1, tile.height - 1);
    if (best === null || worth > best.worth) best = { columns, worth };
  }
  return best?.columns ?? null;
}

/** Returns the place of the visible tile with this index among the nodes. */
export function tileAt({ area, columns, width, height, from }: Tiles, index: number): Rect {
  const at = index - from;
  const wide = { x: area.x + (at % columns) * width, y: area.y + Math.floor(at / columns) * height };
  return { ...wide, width: width - 1, height };
}
