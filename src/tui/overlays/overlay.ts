/** The shape of an overlay: its keys, what they do, how it is painted. `list.ts` holds all of them. */
import { STALE_AFTER_MS } from '../../rack/reading.ts';
import type { Frame, Rect } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import type { Binding } from '../keymap/lookup.ts';
import type { Step } from '../model/events.ts';
import type { CommandContext, Context, KeySection } from '../model/keys.ts';
import type { Overlay, Shown } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import type { Plot } from '../terminal/plot.ts';

/**
 * Everything about one kind of overlay. Its state `O` is plain data in `State.overlay`, declared in `OverlayStates`.
 * Methods are pure; those left out have the default that stands beside them.
 */
export interface OverlayType<O extends Overlay> {
  readonly kind: O['kind'];
  /** The sets of keys in words, in the order of the help. Empty: `onKey` knows its keys by name. */
  readonly sections: readonly KeySection[];
  /** Keys of these sections. A key of a pane that opens the overlay may stand here too: its command is the kind. */
  readonly keys: readonly Binding[];
  /** Stays open when the connection to the server is lost and comes back. */
  readonly survivesReconnect?: true;
  /** Shows all racks: each of them ticks meanwhile, and the tabs can be clicked. */
  readonly showsAllRacks?: true;

  /** Opens it by the command of its name, pressed in a pane. Default: no command opens it. */
  open?(state: State, from: CommandContext): Step;
  /** The set of keys in force; null: `onKey` reads every key itself. Default: that of the first section. */
  context?(overlay: O): Context | null;
  onKey(state: State, overlay: O, key: KeyPress): OverlayStep;
  /** Default: a paste is ignored. */
  onPaste?(state: State, overlay: O): Step;
  /** Called about once a second. */
  onTick?(state: State, overlay: O): Step;
  /** Called after each change of the state; requests what the overlay shows and does not have yet. */
  request?(state: State, overlay: O): Step;

  /** Paints it over the panes. Default: nothing. */
  paint?(frame: Frame, state: State, overlay: O, tools: PaintTools): void;
  /** Paints the footer, where text is typed there. Default: hints for the keys in force. */
  paintFooter?(frame: Frame, footer: Rect, state: State, overlay: O): void;
  /** Draws charts: the plotting library has to be loaded. Default: it does not. */
  plots?(overlay: O): boolean;
  /** What must be on the terminal before keys are believed; null: nothing. Default: nothing. */
  shown?(overlay: O): Shown | null;
  /** The overlay with another `shown`. */
  withShown?(overlay: O, shown: Shown): O;
}

/** `burst`: how many keys came in the same read of the terminal. */
export interface KeyPress {
  name: string;
  burst: number;
}

export interface OverlayStep extends Step {
  /** Keys to press next, in the state that is returned. */
  press?: readonly string[];
}

/** `plot` draws the lines of charts; null: bars do. */
export interface PaintTools {
  g: Glyphs;
  plot: Plot | null;
}

export function closed(state: State): State {
  return { ...state, overlay: null };
}

/** For an overlay that waits as a whole to be seen. */
export function wholeShown<O extends Overlay & { shown: Shown }>(): Required<
  Pick<OverlayType<O>, 'shown' | 'withShown'>
> {
  return { shown: (overlay) => overlay.shown, withShown: (overlay, shown) => ({ ...overlay, shown }) };
}

/** Keys are not believed before the operator can have seen what they would confirm, ms. */
const SEEN_MS = 300;
/** What was asked is asked again at this age while its dialog is open, ms: half of what makes it stale. */
export const RECHECK_MS = STALE_AFTER_MS / 2;

export function seenLongEnough(shown: Shown, now: number): boolean {
  return shown.kind === 'painted' && now - shown.at >= SEEN_MS;
}

/** Characters of a field: more than any confirmation has. */
const FIELD = 120;

/** Edits the text of a field by a key. Returns null where the key is none for a field. */
export function typedInto(text: string, name: string): string | null {
  if (name === 'backspace') return text.slice(0, -1);
  if (name === 'C-u') return '';
  const typed = name === 'space' ? ' ' : Array.from(name).length === 1 ? name : null;
  return typed === null || text.length >= FIELD ? null : text + typed;
}
