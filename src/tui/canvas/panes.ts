/**
 * Paints a screen over the frame before it: a pane that shows what it showed keeps its cells. Most seconds change a few
 * values, and nothing of the lists, charts and keys around them.
 */
import { Frame, type Rect } from './frame.ts';
import { type Inputs, sameInputs } from './inputs.ts';

/** Paints parts of a screen, see {@link Panes}. */
export type Painter = Pick<Panes, 'frame' | 'shows' | 'keep' | 'made'>;

/** Returns a painter that knows no frame before, for a pane that was erased. */
export function paintAnew(frame: Frame): Painter {
  return {
    frame,
    shows: () => false,
    keep: (_name, _rect, _inputs, paint) => paint(),
    made: (_name, _inputs, make) => make(),
  };
}

/** A small part and the inputs that it was painted from. */
interface Part {
  /** Number of the last frame in which it was. */
  at: number;
  inputs: unknown[];
}

export class Panes {
  /** Of the panes; painted over again and again. */
  frame = new Frame(0, 0);
  /** Of the whole screen, where there are rows above the panes. */
  #screen = new Frame(0, 0);
  /** What the parts of this frame are made from, and what came of it, by their names; of the frame before it. */
  #shown = new Map<string, { inputs: Inputs; result: unknown }>();
  #before = new Map<string, { inputs: Inputs; result: unknown }>();
  /** Small parts by their numbers, and the number of this frame. */
  readonly #parts = new Map<number, Part>();
  #number = 0;
  /** What all panes depend on: another size, layout or set of glyphs begins with an empty frame. */
  #common: Inputs | undefined;

  /**
   * Begins a frame, over the one before where `common`, the inputs of all panes, is the same. Null: neither this frame nor
   * the next one is painted over another.
   */
  begin(cols: number, rows: number, common: Inputs | null): void {
    const over = common !== null && sameInputs(this.#common, common);
    const spare = this.#before;
    spare.clear();
    // Without the frame before this one nothing is known of it.
    this.#number += over ? 1 : 2;
    if (over) {
      this.#before = this.#shown;
      this.#shown = spare;
    } else this.#shown.clear();
    this.#common = common ?? undefined;
    if (over) this.frame.cursor = null;
    else this.frame = blankFrame(this.frame, cols, rows);
  }

  /** Paints the next frame whole: this one is changed elsewhere. */
  forget(): void {
    this.#common = undefined;
  }

  /** Returns a blank frame with as many rows above those of the panes, the same one each time. */
  screenFrom(rowsAbove: number): Frame {
    const { cols, rows } = this.frame;
    this.#screen = blankFrame(this.#screen, cols, rows + rowsAbove);
    return this.#screen;
  }

  /** Paints a pane that changes with every sample. */
  renew<T>(rect: Rect, paint: () => T): T {
    this.frame.erase(rect);
    return paint();
  }

  /**
   * Paints a pane unless it shows the same; returns what `paint` returned. No other pane paints into `rect`; `inputs` is
   * all that `paint` reads.
   */
  keep<T>(name: string, rect: Rect, inputs: Inputs, paint: () => T): T {
    return this.made(name, inputs, () => this.renew(rect, paint));
  }

  /** Returns what was made from the same inputs for the frame before, or else makes it. `inputs` is all that `make` reads. */
  made<T>(name: string, inputs: Inputs, make: () => T): T {
    const known = this.#before.get(name);
    if (known !== undefined && sameInputs(known.inputs, inputs)) {
      this.#shown.set(name, known);
      return known.result as T;
    }
    const result = make();
    this.#shown.set(name, { inputs, result });
    return result;
  }

  /**
   * Returns whether a small part, of which there are many, is on the frame as it was painted from the same inputs. If
   * not, it is to be painted now. Without a list or a function for each, which would be garbage each time.
   */
  shows(part: number, a: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown, f?: unknown): boolean {
    const known = this.#parts.get(part);
    if (known === undefined) {
      this.#parts.set(part, { at: this.#number, inputs: [a, b, c, d, e, f] });
      return false;
    }
    const { at, inputs } = known;
    known.at = this.#number;
    if (
      at === this.#number - 1 &&
      inputs[0] === a &&
      inputs[1] === b &&
      inputs[2] === c &&
      inputs[3] === d &&
      inputs[4] === e &&
      inputs[5] === f
    )
      return true;
    inputs[0] = a;
    inputs[1] = b;
    inputs[2] = c;
    inputs[3] = d;
    inputs[4] = e;
    inputs[5] = f;
    return false;
  }
}

/** Returns a blank frame of this size: the given one where it has it. */
function blankFrame(frame: Frame, cols: number, rows: number): Frame {
  if (frame.cols !== cols || frame.rows !== rows) return new Frame(cols, rows);
  frame.blank();
  return frame;
}
