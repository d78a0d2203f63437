/**
 * Decides when to paint a frame: the answer to a key at once, a stream of updates once a frame, none into a
 * congested terminal.
 */
import { glyphs, toAscii } from './canvas/glyphs.ts';
import type { Frame, Target } from './canvas/frame.ts';
import type { State } from './model/state.ts';
import { awaitsPaint, overlayType } from './overlays/list.ts';
import type { RackSession } from './rack-session.ts';
import { paintScreen } from './screen/rack-tabs.ts';
import type { Plot } from './terminal/plot.ts';
import type { Terminal } from './terminal/terminal.ts';

const FRAME_MS = 16;

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
  #plot: Plot | null = null;
  #plotLoading = false;
  /** Cancels the frame that is due; null: none is. */
  #cancel: (() => void) | null = null;
  #lastFrameAt = 0;
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
    if (this.#over || this.#cancel !== null) return;
    const wait = this.#lastFrameAt + FRAME_MS - performance.now();
    const draw = (): void => {
      this.#cancel = null;
      this.#drawNow();
    };
    if (wait > 0) {
      const timer = setTimeout(draw, wait);
      this.#cancel = () => clearTimeout(timer);
    } else {
      // Events of one turn share a frame; a timer would add a millisecond.
      const immediate = setImmediate(draw);
      this.#cancel = () => clearImmediate(immediate);
    }
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
    const states = sessions.map(({ state }) => state);
    const frame = paintScreen(states, active(), session.screens, this.#glyphs, this.#plot);
    this.#loadPlot(session.state);
    if (ascii !== 'no') toAscii(frame, ascii === 'all');
    // A resize is on its way: that frame would not fit.
    const { cols, rows } = size();
    // A frame without changes delays no other: a key's echo arrives a few milliseconds after the key.
    if (frame.cols === cols && frame.rows === rows) {
      this.#drawn = session.state.overlay;
      this.#seen = frame;
      if (terminal.show(frame, awaitsPaint(session.state))) this.#lastFrameAt = began;
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
      this.draw();
    } else this.#lookWhetherSeen();
  }

  /** Detects that the frame with a dialog has arrived: neither an earlier frame counts, nor one that was left out. */
  #lookWhetherSeen(): void {
    const { state } = this.#session;
    if (!awaitsPaint(state) || this.#drawn !== state.overlay || !this.#ports.terminal.settled) return;
    this.#session.painted();
  }
}
