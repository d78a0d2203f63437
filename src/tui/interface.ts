/** The full-screen interface from start to end: the terminal, its keys, one frame at a time; a seat for each rack. */
import type { ReadStream, WriteStream } from 'node:tty';
import { toAscii } from './ascii.ts';
import type { UiEvent } from './events.ts';
import { glyphs } from './glyphs.ts';
import { colourDepth, createPalette, type Depth, type Theme } from './palette.ts';
import type { Plot } from './plot.ts';
import { Seat, type RackAccess, type SeatOptions } from './seat.ts';
import type { State } from './state.ts';
import { Terminal } from './terminal.ts';
import { emptyTokenizer, ESCAPE_MS, flush, tokenize, type Token } from './tokenizer.ts';
import { awaitsPaint } from './update-overlay.ts';
import { PULSE_MS } from './view/node-look.ts';
import { paintDeck, tabRows } from './view/deck.ts';

export interface InterfaceOptions extends SeatOptions {
  /** At least one; several have a tab each, in this order. */
  racks: readonly RackAccess[];
  stdin: ReadStream;
  stdout: WriteStream & { fd: number };
  theme: Theme;
  /** Colours that the terminal shows; null: what its environment says. */
  depth: Depth | null;
  ascii: boolean;
}

export interface InterfaceEnd {
  code: number;
  /** For the terminal as it was before, when the interface has left it. */
  message?: string;
}

const FRAME_MS = 16;
const TICK_MS = 1000;
/** How long a leaving interface waits for its terminal's last answer. */
const ANSWER_MS = 1000;
/** As a shell reports a program that a signal ended. */
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Why this terminal cannot show the interface, in words; null: it can. */
export function refuseTerminal(
  env: Readonly<Record<string, string | undefined>>,
  stdin: { isTTY?: boolean },
  stdout: { isTTY?: boolean },
): string | null {
  if (stdin.isTTY !== true || stdout.isTTY !== true)
    return "the interface needs a terminal: use 'rackui status' in scripts and pipes, or ssh -t";
  const term = env.TERM ?? '';
  if (term === '' || term === 'dumb')
    return `TERM is ${term === '' ? 'not set' : 'dumb'}: the interface needs a terminal that can move its cursor; 'rackui plain', 'rackui status' and 'rackui console NODE' work here`;
  return null;
}

/** Resolves when the operator left or the terminal is gone, with the terminal restored. */
export function runInterface(options: InterfaceOptions): Promise<InterfaceEnd> {
  return new Interface(options).run();
}

class Interface {
  readonly #o: InterfaceOptions;
  /** What is drawn in ASCII: nothing, the interface's own, or what nodes print too, on a terminal without UTF-8. */
  readonly #ascii: 'no' | 'own' | 'all';
  readonly #glyphs;
  readonly #disposals: (() => void)[] = [];
  readonly #seats: readonly Seat[];
  /** Which of them is shown. */
  #active = 0;
  #terminal: Terminal | null = null;
  #plot: Plot | null = null;
  #plotLoading = false;
  #tokens = emptyTokenizer;
  #pulses = false;
  #pulseTimer: NodeJS.Timeout | null = null;
  /** A frame is due; null: none. */
  #cancelDraw: (() => void) | null = null;
  #lastFrameAt = 0;
  /** What lay over the screen in the last frame that was sent. */
  #drawn: State['overlay'] = null;
  #owed = false;
  #end: (end: InterfaceEnd) => void = () => undefined;
  #ended = false;

  constructor(options: InterfaceOptions) {
    this.#o = options;
    this.#ascii = !unicodeLocale(process.env) ? 'all' : options.ascii ? 'own' : 'no';
    this.#glyphs = glyphs(this.#ascii !== 'no');
    const names = options.racks.map(({ client }) => client.welcome.snapshot.rack.name);
    this.#seats = options.racks.map((access, index): Seat => {
      const seat: Seat = new Seat(access, { names, index }, this.#room(), options, {
        happened: (event, before) => this.#happened(seat, event, before),
        printed: () => {
          if (seat === this.#seat) this.#draw();
        },
        clipboard: (text) => this.#terminal?.copy(text),
        rack: (to) => this.#show(to),
        reportMouse: (on) => {
          this.#terminal?.reportMouse(on);
          this.#toAll({ type: 'mouse', on });
        },
        ring: () => this.#terminal?.ring(),
        quit: () => this.#quit(),
      });
      return seat;
    });
  }

  get #seat(): Seat {
    const seat = this.#seats[this.#active];
    if (seat === undefined) throw new Error(`no rack ${this.#active}`);
    return seat;
  }

  async run(): Promise<InterfaceEnd> {
    const palette = createPalette(this.#o.theme, this.#o.depth ?? colourDepth(process.env));
    this.#pulses = palette.pulses;
    const over = new Promise<InterfaceEnd>((resolve) => (this.#end = resolve));
    this.#terminal = new Terminal(this.#o.stdout, this.#size(), palette, () =>
      this.#leave({ code: SIGNAL_CODES.SIGHUP }),
    );
    if (this.#o.settings.mouse) this.#terminal.reportMouse(true);
    this.#terminal.onDrain = () => this.#drained();
    this.#listen();
    this.#draw();
    for (const seat of this.#seats) seat.begin();
    return over;
  }

  #size(): { cols: number; rows: number } {
    const { columns, rows } = this.#o.stdout;
    return { cols: columns || 80, rows: rows || 24 };
  }

  /** What the shown rack has of the screen. */
  #room(): { cols: number; rows: number } {
    const { cols, rows } = this.#size();
    return { cols, rows: rows - tabRows(this.#o.racks.length) };
  }

  #listen(): void {
    const { stdin, stdout } = this.#o;
    const on = (target: NodeJS.EventEmitter, name: string, listener: (...args: never[]) => void): void => {
      target.on(name, listener as (...args: unknown[]) => void);
      this.#disposals.push(() => target.off(name, listener as (...args: unknown[]) => void));
    };
    stdin.setRawMode(true);
    on(stdin, 'data', (bytes: Uint8Array) => this.#input(bytes));
    on(stdin, 'end', () => this.#leave({ code: SIGNAL_CODES.SIGHUP }));
    on(stdin, 'error', () => this.#leave({ code: SIGNAL_CODES.SIGHUP }));
    on(stdout, 'error', () => this.#leave({ code: SIGNAL_CODES.SIGHUP }));
    on(stdout, 'resize', () => {
      this.#terminal?.resize(this.#size());
      this.#toAll({ type: 'resize', ...this.#room() });
    });
    for (const [signal, code] of Object.entries(SIGNAL_CODES)) on(process, signal, () => this.#leave({ code }));
    // The terminal is given back before anything is reported, whatever went wrong.
    on(process, 'uncaughtException', (error: Error) => this.#crash(error));
    on(process, 'unhandledRejection', (error: Error) => this.#crash(error));
    on(process, 'exit', () => this.#terminal?.leave());
    const tick = setInterval(() => this.#toAll({ type: 'tick', local: Date.now() }), TICK_MS);
    this.#disposals.push(() => clearInterval(tick));
    stdin.resume();
  }

  #input(bytes: Uint8Array): void {
    const { state, tokens } = tokenize(this.#tokens, bytes);
    this.#tokens = state;
    this.#take(tokens);
    if (state.pending.length === 0 || state.paste !== null) return;
    setTimeout(() => {
      if (this.#tokens !== state || this.#ended) return;
      const flushed = flush(state);
      this.#tokens = flushed.state;
      this.#take(flushed.tokens);
    }, ESCAPE_MS);
  }

  #take(tokens: readonly Token[]): void {
    const burst = tokens.filter(({ kind }) => kind === 'key').length;
    const local = Date.now();
    for (const token of tokens) {
      if (token.kind === 'reply') this.#terminal?.answered(token.bytes);
      const own = token.kind === 'mouse' ? belowTabs(token, tabRows(this.#seats.length)) : token;
      this.#seat.dispatch({ type: 'token', token: own, burst, local });
    }
  }

  #toAll(event: UiEvent): void {
    for (const seat of this.#seats) seat.dispatch(event);
  }

  #show(index: number): void {
    this.#active = index;
    this.#draw();
  }

  #happened(seat: Seat, event: UiEvent, before: State): void {
    if (this.#ended) return;
    const { state } = seat;
    const shown = seat === this.#seat;
    // A key for a node changes nothing here: its echo does, and comes sooner when no frame is painted for nothing.
    // Of a rack that is not shown the tabs tell what must not be missed; in the overview a tick a second is enough.
    if (event.type === 'tick' || (shown ? differs(before, state) : differsInTab(before, state))) this.#draw();
    if (shown && this.#pulses && event.type === 'update' && event.note.nodes !== undefined) this.#endPulse();
  }

  /** What has flared up is drawn as usual again when its moment is over. */
  #endPulse(): void {
    this.#pulseTimer ??= setTimeout(() => {
      this.#pulseTimer = null;
      this.#seat.dispatch({ type: 'tick', local: Date.now() });
    }, PULSE_MS + FRAME_MS);
  }

  /** A key's answer is drawn at once; a stream of updates at most once a frame. */
  #draw(): void {
    if (this.#ended || this.#cancelDraw !== null) return;
    const wait = this.#lastFrameAt + FRAME_MS - performance.now();
    const draw = (): void => {
      this.#cancelDraw = null;
      this.#drawNow();
    };
    if (wait > 0) {
      const timer = setTimeout(draw, wait);
      this.#cancelDraw = () => clearTimeout(timer);
    } else {
      // Events of one turn share a frame; a timer would add a millisecond.
      const immediate = setImmediate(draw);
      this.#cancelDraw = () => clearImmediate(immediate);
    }
  }

  #drawNow(): void {
    const terminal = this.#terminal;
    if (this.#ended || terminal === null) return;
    if (terminal.congested) {
      this.#owed = true;
      return;
    }
    const began = performance.now();
    const seat = this.#seat;
    const states = this.#seats.map(({ state }) => state);
    const frame = paintDeck(states, this.#active, seat.screens, this.#glyphs, this.#plot);
    this.#loadPlot();
    if (this.#ascii !== 'no') toAscii(frame, this.#ascii === 'all');
    // A resize is on its way: that frame would not fit.
    const { cols, rows } = this.#size();
    // A frame that changed nothing holds none back: a key's echo comes a few milliseconds after the key.
    if (frame.cols === cols && frame.rows === rows) {
      this.#drawn = seat.state.overlay;
      if (terminal.show(frame, awaitsPaint(seat.state))) this.#lastFrameAt = began;
    }
    this.#lookWhetherSeen();
    seat.limitScroll();
  }

  /** What draws charts is loaded when there is something to draw, after the first frame: a start does not wait for it. */
  #loadPlot(): void {
    if (this.#ascii !== 'no' || this.#plotLoading || this.#seat.state.detail.answer === null) return;
    this.#plotLoading = true;
    void import('./terminal-plot.ts').then(({ plot }) => {
      this.#plot = plot;
      this.#draw();
    });
  }

  #drained(): void {
    if (this.#owed && this.#terminal?.congested === false) {
      this.#owed = false;
      this.#draw();
    } else this.#lookWhetherSeen();
  }

  /** A dialog counts as seen when the frame with it has arrived: not one before it, and not one that was left out. */
  #lookWhetherSeen(): void {
    const { state } = this.#seat;
    const { overlay } = state;
    if (!awaitsPaint(state) || this.#drawn !== overlay || this.#terminal?.settled !== true) return;
    this.#seat.painted();
  }

  #quit(): void {
    const goesOn = this.#seats.map((seat) => seat.goesOn()).filter((text) => text !== null);
    this.#leave({ code: 0, ...(goesOn.length > 0 ? { message: goesOn.join('\n') } : {}) });
  }

  #crash(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#leave({ code: 70, message: `rackui: the interface failed; the server and its operations go on.\n${text}` });
  }

  #leave(end: InterfaceEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const dispose of this.#disposals.splice(0)) dispose();
    this.#cancelDraw?.();
    if (this.#pulseTimer !== null) clearTimeout(this.#pulseTimer);
    this.#terminal?.leave();
    for (const seat of this.#seats) seat.close();
    const over = (): void => {
      try {
        this.#o.stdin.setRawMode(false);
      } catch {
        // The terminal is gone: there is nothing to restore.
      }
      this.#o.stdin.pause();
      this.#end(end);
    };
    if (end.code === 0 && this.#terminal?.owesAnswer === true) this.#swallowAnswers(this.#terminal, over);
    else over();
  }

  /** The terminal's last answer must not be the shell's first input. */
  #swallowAnswers(terminal: Terminal, then: () => void): void {
    const { stdin } = this.#o;
    const done = (): void => {
      clearTimeout(timer);
      stdin.off('data', take);
      then();
    };
    const take = (bytes: Uint8Array): void => {
      const { state, tokens } = tokenize(this.#tokens, bytes);
      this.#tokens = state;
      for (const token of tokens) if (token.kind === 'reply') terminal.answered(token.bytes);
      if (!terminal.owesAnswer) done();
    };
    const timer = setTimeout(done, ANSWER_MS);
    stdin.on('data', take);
  }
}

/** More than the clock: what is shown of that, a tick a second draws. */
function differs(before: State, after: State): boolean {
  return (Object.keys(after) as (keyof State)[]).some((key) => key !== 'now' && before[key] !== after[key]);
}

/** What a tab tells. */
function differsInTab(before: State, after: State): boolean {
  return before.link.kind !== after.link.kind || before.bus.state !== after.bus.state || before.alarms !== after.alarms;
}

/** A rack's rows begin under the tabs; above them is nothing of its own. */
function belowTabs(token: Extract<Token, { kind: 'mouse' }>, tabs: number): Token {
  const { pointer, bytes } = token;
  return pointer.y < tabs ? { kind: 'reply', bytes } : { ...token, pointer: { ...pointer, y: pointer.y - tabs } };
}

/** Without a UTF-8 locale the terminal would show three characters for each sign. */
function unicodeLocale(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return locale === '' || /utf-?8/i.test(locale);
}
