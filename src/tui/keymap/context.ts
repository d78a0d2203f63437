/** Which set of keys holds now. */
import type { State } from '../model/state.ts';
import type { Context } from './lookup.ts';

/** Null: every key goes to the node, but for the prefix; and in dialogs that read their keys themselves. */
export function contextOf(state: State): Context | null {
  const { overlay, pane, focus } = state;
  if (overlay !== null) {
    // What is typed for a BIOS is read as it is.
    if (overlay.kind === 'bus' && overlay.hand.is !== 'idle') return null;
    if (
      overlay.kind === 'help' ||
      overlay.kind === 'filter' ||
      overlay.kind === 'palette' ||
      overlay.kind === 'consoles' ||
      overlay.kind === 'people' ||
      overlay.kind === 'note' ||
      overlay.kind === 'menu' ||
      overlay.kind === 'operations' ||
      overlay.kind === 'alarms' ||
      overlay.kind === 'bus' ||
      overlay.kind === 'supply' ||
      overlay.kind === 'racks'
    )
      return overlay.kind;
    if (overlay.kind !== 'emergency') return null;
    const { mode } = overlay;
    if (mode.is === 'run') return mode.prompt === null ? 'plan-run' : null;
    return mode.is === 'choose' ? 'emergency' : 'armed';
  }
  if (focus === 'map') return 'map';
  if (pane.look !== null) return pane.look.query === null ? 'look' : 'look-search';
  if (pane.chord.kind !== 'idle') return 'prefix';
  return pane.attachment.kind === 'none' ? 'left' : null;
}
