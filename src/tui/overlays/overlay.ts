/** The shape of an overlay: its keys, their effects, its view. `list.ts` holds all of them. */
import { STALE_AFTER_MS } from '../../rack/reading.ts';
import type { Frame, Rect } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import type { Binding } from '../keymap/lookup.ts';
import type { Step } from '../model/events.ts';
import type { CommandContext, Context, KeySection } from '../model/keys.ts';
import type { Overlay, Place, Shown } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import type { Plot } from '../terminal/plot.ts';

/**
 * Everything about one kind of overlay. Its state `O` is plain data in `State.overlay`, declared in
 * `OverlayStates`. Methods are pure; those left out have the default given beside them.
 */
export interface OverlayType<O extends Overlay> {
  readonly kind: O['kind'];
  /** Text about its keys, in the order of the help. Empty: `onKey` knows its keys by name. */
  readonly sections: readonly KeySection[];
  /**
   * Keys of these sections. A key of a pane that opens the overlay may be declared here too: its command is the kind.
   */
  readonly keys: readonly Binding[];
  /** Stays open when the connection to the server is lost and restored. */
  readonly survivesReconnect?: true;
  /** Shows all racks: each of them gets ticks meanwhile, and the tabs can be clicked. */
  readonly showsAllRacks?: true;

  /** Covers panes and notice, which are not painted: it shows the notice itself. */
  readonly fills?: true;
  /** Returns the overlay that it was opened from and that stays visible behind it; null: none. Default: none. */
  behind?(overlay: O): Overlay | null;

  /** Explains the screen behind it, which keeps its colours. */
  readonly showsScreen?: true;

  /** Opens it by the command of its name, pressed in a pane. Default: no command opens it. */
  open?(state: State, from: CommandContext): Step;
  /** Returns the set of keys in force; null: `onKey` reads every key itself. Default: that of the first section. */
  context?(overlay: O): Context | null;
  onKey(state: State, overlay: O, key: KeyPress): OverlayStep;
  /** Handles a paste. Default: it is ignored. */
  onPaste?(state: State, overlay: O, pasted: Uint8Array): Step;
  /** Called about once a second. */
  onTick?(state: State, overlay: O): Step;
  /** Called after each change of the state; requests data that the overlay shows and does not have yet. */
  request?(state: State, overlay: O): Step;

  /** Paints it over the panes. Default: nothing. */
  paint?(frame: Frame, state: State, overlay: O, tools: PaintTools): void;
  /** Lists the nodes of all racks; returns those whose consoles' last lines it shows. Default: it lists none. */
  linesShown?(state: State, overlay: O, fleet: readonly State[]): readonly Place[];
  /** Paints the footer, where text is typed there. Default: hints for the keys in force. */
  paintFooter?(frame: Frame, footer: Rect, state: State, overlay: O): void;
  /** Returns whether it draws charts, for which the plotting library has to be loaded. Default: false. */
  plots?(overlay: O): boolean;
  /** Returns the part that must be on the terminal before keys count; null: none. Default: none. */
  shown?(overlay: O): Shown | null;
  /** Returns the overlay with another `shown`. */
  withShown?(overlay: O, shown: Shown): O;
}

/** `burst`: number of keys in the same read of the terminal; `fleet`: all racks, in the order of the tabs. */
export interface KeyPress {
  name: string;
  burst: number;
  fleet: readonly State[];
}

export interface OverlayStep extends Step {
  /** Keys to press next, in the returned state. */
  press?: readonly string[];
}

/** `plot` draws the lines of charts; null: bars are drawn. `fleet`: all racks, in the order of the tabs. */
export interface PaintTools {
  g: Glyphs;
  plot: Plot | null;
  fleet: readonly State[];
}

export function closed(state: State): State {
  return { ...state, overlay: null };
}

/** Methods of an overlay that has to be seen as a whole. */
export function wholeShown<O extends Overlay & { shown: Shown }>(): Required<
  Pick<OverlayType<O>, 'shown' | 'withShown'>
> {
  return { shown: (overlay) => overlay.shown, withShown: (overlay, shown) => ({ ...overlay, shown }) };
}

/** Time for which a prompt must be visible before a key can confirm it, ms. */
const SEEN_MS = 300;
/** Age at which an answer is requested again while its dialog is open, ms: half of the age at which it is stale. */
export const RECHECK_MS = STALE_AFTER_MS / 2;

export function seenLongEnough(shown: Shown, now: number): boolean {
  return shown.kind === 'painted' && now - shown.at >= SEEN_MS;
}

/** Most characters of a field: more than any confirmation has. */
const FIELD = 120;

/** Edits the text of a field by a key; null: the key does not edit. `most`: characters. */
export function typedInto(text: string, name: string, most = FIELD): string | null {
  if (name === 'backspace') return text.slice(0, -1);
  if (name === 'C-u') return '';
  const typed = name === 'space' ? ' ' : Array.from(name).length === 1 ? name : null;
  return typed === null || text.length >= most ? null : text + typed;
}
