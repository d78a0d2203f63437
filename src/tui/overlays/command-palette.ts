/**
 * Keys in the palette of `:`. What is chosen is pressed as its key would be: there is no second way to do it. Pure.
 */
import { bindingOf } from '../keymap/lookup.ts';
import type { Overlay } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import { rankedOffers } from './command-list.ts';
import { typedInto } from './power-rules.ts';

type Palette = Extract<Overlay, { kind: 'palette' }>;

/** Remembered for standing first. */
const RECENT_COMMANDS = 8;

/** `press`: keys that follow, in the state that is returned. */
export function keyInPalette(state: State, palette: Palette, name: string): { state: State; press: readonly string[] } {
  const offers = rankedOffers(state, palette);
  const at = Math.min(palette.index, Math.max(0, offers.length - 1));
  const become = (changes: Partial<Palette>): { state: State; press: string[] } => ({
    state: { ...state, overlay: { ...palette, ...changes } },
    press: [],
  });
  switch (bindingOf(state, 'palette', name)?.command) {
    case 'cancel':
      return { state: { ...state, overlay: null }, press: [] };
    case 'down':
      return become({ index: (at + 1) % Math.max(1, offers.length) });
    case 'up':
      return become({ index: (at + offers.length - 1) % Math.max(1, offers.length) });
    case 'accept': {
      const offer = offers[at];
      // Why it cannot be used stands beside it.
      if (offer?.why !== null) return become({});
      const recent = [offer.id, ...state.recent.filter((id) => id !== offer.id)].slice(0, RECENT_COMMANDS);
      return { state: { ...state, recent, overlay: null }, press: offer.press };
    }
    default: {
      const text = typedInto(palette.text, name);
      return text === null ? become({}) : become({ text, index: 0 });
    }
  }
}
