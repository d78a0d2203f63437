/** Returns the set of keys in force. Pure. */
import type { Context } from '../model/keys.ts';
import type { State } from '../model/state.ts';
import { overlayType } from '../overlays/list.ts';

/**
 * Returns the context of the state; null: every key but the prefix goes to the node, or to an overlay that reads
 * its keys itself.
 */
export function contextOf({ overlay, pane, focus, view }: State): Context | null {
  if (overlay !== null) {
    const type = overlayType(overlay);
    return type.context === undefined ? (type.sections[0]?.context ?? null) : type.context(overlay);
  }
  if (focus === 'map') return view.main;
  if (pane.look !== null) return pane.look.query === null ? 'look' : 'look-search';
  if (pane.chord.kind !== 'idle') return 'prefix';
  return pane.attachment.kind === 'none' ? 'left' : null;
}
