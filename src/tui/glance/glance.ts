/** Commands among the consoles at a glance: moving. Pure. */
import { step, type Step } from '../model/events.ts';
import type { Command } from '../model/keys.ts';
import type { State } from '../model/state.ts';
import { type Tiles, tilesOf } from './tiles.ts';

/** Performs a command of the consoles at a glance; null: it is the same as on the map. */
export function onGlanceCommand(state: State, command: Command): Step | null {
  const tiles = tilesOf(state);
  if (tiles === null) return null;
  const by = distanceOf(command, tiles);
  if (by === null) return null;
  const { nodes } = tiles;
  const at = nodes.indexOf(state.cursor);
  const to = at < 0 ? 0 : Math.max(0, Math.min(nodes.length - 1, at + by));
  // Above the first and below the last line of tiles there is nothing to go to.
  const stays = (command === 'up' || command === 'down') && at >= 0 && to !== at + by;
  return step({ ...state, cursor: stays ? state.cursor : (nodes[to] ?? state.cursor) });
}

/** Returns the number of tiles by which a command moves; null: it does not move. */
function distanceOf(command: Command, { columns, count }: Tiles): number | null {
  switch (command) {
    case 'left':
    case 'previous-match':
      return -1;
    case 'right':
    case 'next-match':
      return 1;
    case 'up':
      return -columns;
    case 'down':
      return columns;
    case 'scroll-up':
      return -count;
    case 'scroll-down':
      return count;
    case 'first':
      return -Infinity;
    case 'last':
      return Infinity;
    default:
      return null;
  }
}
