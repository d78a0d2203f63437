/** The full-screen interface from start to end: one queue of events, one state, one frame at a time. */
import type { ReadStream, WriteStream } from 'node:tty';
import type { RackClient } from '../client/client.ts';
import { toAscii } from './ascii.ts';
import type { Emulators } from './emulator.ts';
import type { UiEvent } from './events.ts';
import { glyphs } from './glyphs.ts';
import { colourDepth, createPalette, type Depth, type Theme } from './palette.ts';
import { rememberedView, rememberView } from './remember.ts';
import { Runtime } from './runtime.ts';
import { saveText } from './save.ts';
import { initialState, shownOperations, type State } from './state.ts';
import { Terminal } from './terminal.ts';
import { emptyTokenizer, ESCAPE_MS, flush, tokenize, type Token } from './tokenizer.ts';
import { awaitsPaint } from './update-overlay.ts';
import { update } from './update.ts';
import { PULSE_MS } from './view/node-look.ts';
import { topLine } from './view/pane.ts';
import { paint } from './view/view.ts';

export interface InterfaceOptions {
  client: RackClient;
  stdin: ReadStream;
  stdout: WriteStream & { fd: number };
  theme: Theme;
  /** Colours that the terminal shows; null: what its environment says. */
  depth: Depth | null;
  ascii: boolean;
  viewOnly: boolean;
  /** Where what is saved of a console goes. */
  saveDirectory: string;
  /** The file in which the layout is remembered from one run to the next. */
  viewFile: string;
  /** Memory can be given back: an emulator was put away. */
  collect: () => void;
  /** Opens a new connection after the server went away; rejects while there is none. */
  reconnect: () => Promise<RackClient>;
}

export interface InterfaceEnd {
  code: number;
  /** For the terminal as it was before, when the interface has left it. */
  message?: string;
}

const FRAME_MS = 16;
const TICK_MS = 1000;
const RECONNECT_MS = 500;
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
  readonly #runtime: Runtime;
  readonly #disposals: (() => void)[] = [];
  #client: RackClient;
  #terminal: Terminal | null = null;
  #state: State;
  #emulators: Emulators | null = null;
  #loading: Promise<Emulators> | null = null;
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
    this.#client = options.client;
    this.#ascii = !unicodeLocale(process.env) ? 'all' : options.ascii ? 'own' : 'no';
    this.#glyphs = glyphs(this.#ascii !== 'no');
    const now = Date.now();
    const utcOffset = -new Date().getTimezoneOffset();
    this.#state = {
      ...initialState(options.client.welcome, this.#size(), now, utcOffset, options.viewOnly),
      view: rememberedView(options.viewFile),
    };
    this.#runtime = new Runtime(options.client, {
      dispatch: (event) => this.#dispatch(event),
      emulators: () => this.#loadEmulators(),
      reconnect: () => void this.#reconnect(),
      quit: () => this.#quit(),
      clipboard: (text) => this.#terminal?.copy(text),
      remember: (view) => rememberView(options.viewFile, view),
      save: (node, text) => saveText(options.saveDirectory, node, Date.now(), text),
    });
  }

  async run(): Promise<InterfaceEnd> {
    const palette = createPalette(this.#o.theme, this.#o.depth ?? colourDepth(process.env));
    this.#pulses = palette.pulses;
    const over = new Promise<InterfaceEnd>((resolve) => (this.#end = resolve));
    this.#terminal = new Terminal(this.#o.stdout, this.#size(), palette, () =>
      this.#leave({ code: SIGNAL_CODES.SIGHUP }),
    );
    this.#terminal.onDrain = () => this.#drained();
    this.#listen();
    this.#follow(this.#client);
    this.#draw();
    this.#runtime.perform({ do: 'plans', panel: 0 });
    return over;
  }

  #size(): { cols: number; rows: number } {
    const { columns, rows } = this.#o.stdout;
    return { cols: columns || 80, rows: rows || 24 };
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
      const size = this.#size();
      this.#terminal?.resize(size);
      this.#dispatch({ type: 'resize', ...size });
    });
    for (const [signal, code] of Object.entries(SIGNAL_CODES)) on(process, signal, () => this.#leave({ code }));
    // The terminal is given back before anything is reported, whatever went wrong.
    on(process, 'uncaughtException', (error: Error) => this.#crash(error));
    on(process, 'unhandledRejection', (error: Error) => this.#crash(error));
    on(process, 'exit', () => this.#terminal?.leave());
    const tick = setInterval(() => this.#dispatch({ type: 'tick', local: Date.now() }), TICK_MS);
    this.#disposals.push(() => clearInterval(tick));
    stdin.resume();
  }

  #follow(client: RackClient): void {
    client.on('update', (note) => this.#dispatch({ type: 'update', note, local: Date.now() }));
    client.on('rack', (note) => this.#dispatch({ type: 'rack', note }));
    client.on('operation', (note) => this.#dispatch({ type: 'operation', note }));
    client.on('plan', (note) => this.#dispatch({ type: 'plan', note }));
    client.on('event', (note) => this.#dispatch({ type: 'event', note }));
    client.on('console.data', ({ addr, data }) => this.#dispatch({ type: 'console.data', addr, data }));
    client.on('console.note', (note) => this.#dispatch({ type: 'console.note', note }));
    client.onClose((why) => {
      if (!this.#ended && client === this.#client) this.#dispatch({ type: 'link-lost', why });
    });
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
      this.#dispatch({ type: 'token', token, burst, local });
    }
  }

  #dispatch(event: UiEvent): void {
    if (this.#ended) return;
    const before = this.#state;
    const { state, effects } = update(before, event);
    this.#state = state;
    for (const effect of effects) this.#runtime.perform(effect);
    // A key for a node changes nothing here: its echo does, and comes sooner when no frame is painted for nothing.
    if (event.type === 'tick' || differs(before, state)) this.#draw();
    if (this.#pulses && event.type === 'update' && event.note.nodes !== undefined) this.#endPulse();
  }

  /** What has flared up is drawn as usual again when its moment is over. */
  #endPulse(): void {
    this.#pulseTimer ??= setTimeout(() => {
      this.#pulseTimer = null;
      this.#dispatch({ type: 'tick', local: Date.now() });
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
    const screens = this.#emulators?.screens ?? (() => null);
    const frame = paint(this.#state, screens, this.#glyphs);
    if (this.#ascii !== 'no') toAscii(frame, this.#ascii === 'all');
    // A resize is on its way: that frame would not fit.
    const { cols, rows } = this.#size();
    // A frame that changed nothing holds none back: a key's echo comes a few milliseconds after the key.
    if (frame.cols === cols && frame.rows === rows) {
      this.#drawn = this.#state.overlay;
      if (terminal.show(frame, awaitsPaint(this.#state))) this.#lastFrameAt = began;
    }
    this.#lookWhetherSeen();
    this.#limitScroll();
  }

  #drained(): void {
    if (this.#owed && this.#terminal?.congested === false) {
      this.#owed = false;
      this.#draw();
    } else this.#lookWhetherSeen();
  }

  /** A dialog counts as seen when the frame with it has arrived: not one before it, and not one that was left out. */
  #lookWhetherSeen(): void {
    const { overlay } = this.#state;
    if (!awaitsPaint(this.#state) || this.#drawn !== overlay || this.#terminal?.settled !== true) return;
    this.#state = update(this.#state, { type: 'painted', local: Date.now() }).state;
  }

  #limitScroll(): void {
    const { shown, kept } = this.#state.pane;
    if (shown === null) return;
    const scroll = kept.get(shown)?.scroll ?? 0;
    const picture = scroll > 0 ? this.#emulators?.screens(shown) : null;
    if (!picture) return;
    const most = topLine(picture, picture.rows, 0);
    if (scroll > most) this.#dispatch({ type: 'scroll-limit', addr: shown, lines: most });
  }

  #loadEmulators(): Promise<Emulators> {
    this.#loading ??= import('./emulator.ts').then(({ Emulators }) => {
      this.#emulators = new Emulators(
        () => this.#draw(),
        (addr) => {
          this.#emulators?.release(addr);
          this.#dispatch({
            type: 'look-over',
            why: 'copy mode ended: the node has printed too much meanwhile to keep back',
          });
        },
        this.#o.collect,
      );
      return this.#emulators;
    });
    return this.#loading;
  }

  async #reconnect(): Promise<void> {
    while (!this.#isOver()) {
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
      try {
        const client = await this.#o.reconnect();
        if (this.#isOver()) {
          client.close();
          return;
        }
        this.#client = client;
        this.#runtime.client = client;
        this.#dispatch({ type: 'link-back', welcome: client.welcome, local: Date.now() });
        this.#follow(client);
        return;
      } catch {
        // Still none: the banner says so, and the next try comes.
      }
    }
  }

  /** A method, because the compiler believes that a field checked before an await has not changed after it. */
  #isOver(): boolean {
    return this.#ended;
  }

  #quit(): void {
    const running = shownOperations(this.#state).filter((operation) => operation.endedAt === null);
    const runs = this.#state.runs.filter((run) => run.state !== 'ended');
    const names = [
      ...runs.map(({ id, plan, state }) => `plan ${plan} (${id}, ${state})`),
      ...running.map(({ id, verb, label }) => `${verb} ${label} (${id})`),
    ].join(', ');
    const how = [
      ...(runs.length > 0 ? ["'rackui plan list' shows how it goes, 'rackui plan abort ID' aborts"] : []),
      ...(running.length > 0 ? ["'rackui ops' shows how it goes, 'rackui abort ID' aborts"] : []),
    ].join('; ');
    this.#leave({ code: 0, ...(names !== '' ? { message: `still running in the server: ${names}. ${how}.` } : {}) });
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
    this.#client.close();
    this.#emulators?.dispose();
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

/** Without a UTF-8 locale the terminal would show three characters for each sign. */
function unicodeLocale(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return locale === '' || /utf-?8/i.test(locale);
}
