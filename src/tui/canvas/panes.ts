/**
 * Paints a screen over the frame before it: a pane that shows what it showed keeps its cells. Most seconds change a few
 * values, and nothing of the lists, charts and keys around them.
 */
import { Frame, type Rect } from './frame.ts';
import { type Inputs, sameInputs } from './inputs.ts';

export class Panes {
  /** The frame that is being painted. */
  frame: Frame;
  /** What the panes of this frame show, by their names; of the frame before it. */
  #shown = new Map<string, Inputs>();
  #before = new Map<string, Inputs>();
  /** What all panes depend on: another size, layout or set of glyphs begins with an empty frame. */
  #common: Inputs | undefined;

  constructor() {
    this.frame = new Frame(0, 0);
  }

  /** Begins a frame. `common`: inputs of all panes; null: the next frame cannot be painted over this one either. */
  begin(cols: number, rows: number, common: Inputs | null): void {
    const over = common !== null && sameInputs(this.#common, common);
    this.#before = over ? this.#shown : new Map<string, Inputs>();
    this.#shown = new Map();
    this.#common = common ?? undefined;
    this.frame = new Frame(cols, rows, over ? this.frame : undefined);
  }

  /** Paints a pane that changes with every sample. */
  renew(rect: Rect, paint: () => void): void {
    this.frame.erase(rect);
    paint();
  }

  /** Paints a pane unless it shows the same. No other pane paints into `rect`; `inputs` is all that `paint` reads. */
  keep(name: string, rect: Rect, inputs: Inputs, paint: () => void): void {
    const known = this.#before.get(name);
    this.#shown.set(name, inputs);
    if (!sameInputs(known, inputs)) this.renew(rect, paint);
  }
}
