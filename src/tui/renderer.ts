/**
 * Decides when to paint a frame, and how much of it: the answer to a key and a console's output at once, a stream of
 * either once a frame, none into a congested terminal.
 */
import { glyphs, toAscii } from './canvas/glyphs.ts';
import { Panes } from './canvas/panes.ts';
import type { Frame, Target } from './canvas/frame.ts';
import type { State } from './model/state.ts';
import { awaitsPaint, overlayType } from './overlays/list.ts';
import type { RackSession } from './rack-session.ts';
import { paintScreen, tabRows } from './screen/rack-tabs.ts';
import { consoleAlone, repaintConsole } from './screen/screen.ts';
import type { Plot } from './terminal/plot.ts';
import type { Terminal } from './terminal/terminal.ts';

const FRAME_MS = 16;
/** Frames after output that are painted at once; those of a stream come once a frame behind them. */
const AT_ONCE = 3;
/** Most of the time that is spent on frames of changes: where one takes long, those that wait share the next one. */
const MOST_BUSY = 1 / 2;

export interface RendererPorts {
  terminal: Terminal;
  sessions: readonly RackSession[];
  /** Returns the index of the shown session. */
  active: () => number;
  size: () => { cols: number; rows: number };
  /** Text that is drawn in ASCII: none, the interface's own, or also output of nodes. */
  ascii: 'no' | 'own' | 'all';
}

export class Renderer {
  readonly #ports: RendererPorts;
  readonly #glyphs;
  /** Those of the last whole frame: with the cells that the next one keeps. */
  readonly #panes = new Panes();
  #plot: Plot | null = null;
  #plotLoading = false;
  /** Cancels the frame that is due; null: none is. */
  #cancel: (() => void) | null = null;
  /** Time at which the next frame is due (performance.now()); Infinity: none is. */
  #due = Infinity;
  /** True where more than the console's output has changed since the last frame. */
  #changed = true;
  #lastFrameAt = -Infinity;
  /** Time that the last frame of a change took to paint, ms. */
  #paintMs = 0;
  /** Time at which a frame after output would be due if every one of them took the time of a frame. */
  #outputDueAt = -Infinity;
  /** Overlay in the last frame that was sent. */
  #drawn: State['overlay'] = null;
  /** Frame that the operator sees; null: none yet. */
  #seen: Frame | null = null;
  #pending = false;
  #over = false;

  constructor(ports: RendererPorts) {
    this.#ports = ports;
    this.#glyphs = glyphs(ports.ascii !== 'no');
    ports.terminal.onDrain = () => this.#drained();
  }

  /** Schedules a frame after a change. */
  draw(): void {
    this.#changed = true;
    this.#schedule(this.#nextAt);
  }

  /**
   * Draws after output of the shown console: at once, or where it keeps printing, when the next frame is due. An echo
   * does not wait for the time of a frame that showed something else, nor for that of the output right before it.
   */
  drawOutput(): void {
    const due = this.#outputDueAt - (AT_ONCE - 1) * FRAME_MS;
    if (due <= performance.now() && due < this.#due && !this.#over) {
      this.#cancel?.();
      this.#countOutput();
      this.#drawDue();
    } else this.#schedule(due, () => this.#countOutput());
  }

  #countOutput(): void {
    this.#outputDueAt = Math.max(performance.now(), this.#outputDueAt) + FRAME_MS;
  }

  #schedule(due: number, onFrame?: () => void): void {
    if (this.#over || due >= this.#due) return;
    this.#cancel?.();
    this.#due = due;
    const draw = (): void => {
      onFrame?.();
      this.#drawDue();
    };
    const wait = due - performance.now();
    if (wait > 0) {
      const timer = setTimeout(draw, wait);
      this.#cancel = () => clearTimeout(timer);
    } else {
      // Events of one turn share a frame; a timer would add a millisecond.
      this.#due = -Infinity;
      const immediate = setImmediate(draw);
      this.#cancel = () => clearImmediate(immediate);
    }
  }

  #drawDue(): void {
    this.#cancel = null;
    this.#due = Infinity;
    this.#drawNow();
  }

  get #nextAt(): number {
    return this.#lastFrameAt + Math.max(FRAME_MS, this.#paintMs / MOST_BUSY);
  }

  /** Returns the target of a click in the frame that is seen; null where the overlay has changed since. */
  targetAt(x: number, y: number): Target | null {
    return this.#drawn === this.#session.state.overlay ? (this.#seen?.targetAt(x, y) ?? null) : null;
  }

  end(): void {
    this.#over = true;
    this.#cancel?.();
  }

  get #session(): RackSession {
    const { sessions, active } = this.#ports;
    const session = sessions[active()];
    if (session === undefined) throw new Error(`no rack ${active()}`);
    return session;
  }

  #drawNow(): void {
    const { terminal, sessions, active, size, ascii } = this.#ports;
    if (this.#over) return;
    if (terminal.congested) {
      this.#pending = true;
      return;
    }
    const began = performance.now();
    const session = this.#session;
    const { state } = session;
    // A resize is on its way where the sizes differ: that frame would not fit.
    const { cols, rows } = size();
    const seen = this.#seen?.cols === cols && this.#seen.rows === rows ? this.#seen : null;
    const pane = this.#changed || this.#drawn !== null || seen === null ? null : consoleAlone(state);
    const states = sessions.map((one) => one.state);
    const rect =
      pane === null || seen === null
        ? undefined
        : repaintConsole(seen, pane, state, session.screens, this.#glyphs, tabRows(states.length));
    const frame =
      rect === undefined || seen === null
        ? paintScreen(this.#panes, states, active(), session.screens, this.#glyphs, this.#plot)
        : seen;
    this.#loadPlot(state);
    if (ascii !== 'no') {
      toAscii(frame, ascii === 'all');
      this.#panes.forget();
    }
    // A frame without changes delays no other: a key's echo arrives a few milliseconds after the key.
    if (frame.cols === cols && frame.rows === rows) {
      this.#changed = false;
      this.#drawn = state.overlay;
      this.#seen = frame;
      if (terminal.show(frame, awaitsPaint(state), rect)) this.#lastFrameAt = began;
      if (rect === undefined) this.#paintMs = performance.now() - began;
    }
    this.#lookWhetherSeen();
    session.limitScroll();
  }

  /** Loads the library for charts when there is one to draw, after the first frame: a start does not wait for it. */
  #loadPlot({ detail, overlay }: State): void {
    const charts = detail.answer !== null || (overlay !== null && overlayType(overlay).plots?.(overlay) === true);
    if (this.#ports.ascii !== 'no' || this.#plotLoading || !charts) return;
    this.#plotLoading = true;
    void import('./terminal/plot.ts').then(({ plot }) => {
      this.#plot = plot;
      this.draw();
    });
  }

  #drained(): void {
    if (this.#pending && !this.#ports.terminal.congested) {
      this.#pending = false;
      this.#schedule(this.#nextAt);
    } else this.#lookWhetherSeen();
  }

  /** Detects that the frame with a dialog has arrived: neither an earlier frame counts, nor one that was left out. */
  #lookWhetherSeen(): void {
    const { state } = this.#session;
    if (!awaitsPaint(state) || this.#drawn !== state.overlay || !this.#ports.terminal.settled) return;
    this.#session.painted();
  }
}
