/** Runs the full-screen interface: the terminal, its keys, one frame at a time, and a rack session for each rack. */
import type { ReadStream, WriteStream } from 'node:tty';
import { steadyNow } from '../lib/clock.ts';
import type { FleetDriver, FleetSource } from './fleet/plan-driver.ts';
import { BEAT_MS, BEATS } from './map/node-look.ts';
import type { UiEvent } from './model/events.ts';
import type { FleetEffect } from './model/fleet-plans.ts';
import type { State } from './model/state.ts';
import { overlayType, showsAllRacks } from './overlays/list.ts';
import { type RackAccess, RackSession, type RackSessionOptions, tick } from './rack-session.ts';
import { Renderer } from './renderer.ts';
import { tabRows } from './screen/rack-tabs.ts';
import { abilitiesOf } from './terminal/abilities.ts';
import { aroundStops, Input } from './terminal/input.ts';
import { Terminal, unicodeLocale } from './terminal/terminal.ts';
import { colourDepth, createPalette, type Depth, type Theme } from './terminal/theme.ts';
import type { Token } from './terminal/tokenizer.ts';

export interface InterfaceOptions extends RackSessionOptions {
  /** At least one; several have a tab each, in this order. */
  racks: readonly RackAccess[];
  stdin: ReadStream;
  stdout: WriteStream & { fd: number };
  theme: Theme;
  /** Number of colours of the terminal; null: from its environment. */
  depth: Depth | 'truecolor' | null;
  ascii: boolean;
  /** Reads the list of racks, for plans over several of them; null: there is none. */
  fleet?: () => Promise<FleetSource | null>;
}

export interface InterfaceEnd {
  code: number;
  /** Printed on the terminal after the interface has left it. */
  message?: string;
}

const TICK_MS = 1000;
/** Interval at which runs of plans over several racks are read, ms. */
const FLEET_PLAN_MS = 2_000;
/** Time for which the tick waits for the next samples, ms: both share a frame where samples come each second. */
const SWEEP_LATE_MS = 250;
/** Exit codes as a shell reports a program that a signal ended. */
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Runs the interface; resolves with the terminal restored, after the operator left or the terminal closed. */
export function runInterface(options: InterfaceOptions): Promise<InterfaceEnd> {
  return new Interface(options).run();
}

type MouseToken = Extract<Token, { kind: 'mouse' }>;

class Interface {
  readonly #o: InterfaceOptions;
  readonly #disposals: (() => void)[] = [];
  readonly #sessions: readonly RackSession[];
  readonly #palette;
  readonly #input: Input;
  /** Index of the shown session. */
  #active = 0;
  #terminal: Terminal | null = null;
  #renderer: Renderer | null = null;
  #tickTimer: NodeJS.Timeout | null = null;
  /** Time of the last tick (performance.now()). */
  #tickedAt = 0;
  #beatTimer: NodeJS.Timeout | null = null;
  /** Frames to draw until the beats of the last samples have ended. */
  #beatsLeft = 0;
  /** Drives plans over several racks; null: one rack, or not loaded yet. */
  #fleet: Promise<FleetDriver> | null = null;
  #driver: FleetDriver | null = null;
  #end: (end: InterfaceEnd) => void = () => undefined;
  #ended = false;

  constructor(options: InterfaceOptions) {
    this.#o = options;
    this.#palette = createPalette(
      options.theme,
      options.depth === 'truecolor' ? 256 : (options.depth ?? colourDepth(process.env)),
    );
    this.#input = new Input(options.stdin, (tokens) => this.#take(tokens));
    const names = options.racks.map(({ client, name }) => name ?? client.welcome.snapshot.rack.name);
    this.#sessions = options.racks.map((access, index): RackSession => {
      const session: RackSession = new RackSession(
        access,
        { names, index, shown: index === 0 },
        this.#room(),
        options,
        {
          happened: (event, before) => this.#happened(session, event, before),
          printed: () => {
            if (session === this.#session) this.#renderer?.drawOutput();
          },
          forward: (to, sent) => this.#sessions[to]?.dispatch(sent),
          elsewhere: (to, effect) => this.#sessions[to]?.perform(effect),
          fleet: (effect) => void this.#performFleet(session, effect),
          clipboard: (text) => this.#terminal?.copy(text),
          rack: (to, node) => {
            this.#show(to);
            if (node !== null) this.#session.dispatch({ type: 'go', ...node });
          },
          reportMouse: (on) => {
            this.#terminal?.reportMouse(on);
            this.#toAll({ type: 'mouse', on });
          },
          ring: () => this.#terminal?.ring(),
          quit: () => this.#quit(),
        },
      );
      return session;
    });
  }

  get #session(): RackSession {
    const session = this.#sessions[this.#active];
    if (session === undefined) throw new Error(`no rack ${this.#active}`);
    return session;
  }

  async run(): Promise<InterfaceEnd> {
    const { stdout, settings, ascii } = this.#o;
    const over = new Promise<InterfaceEnd>((resolve) => (this.#end = resolve));
    const terminal = new Terminal(
      stdout,
      this.#size(),
      this.#palette,
      () => this.#leave({ code: SIGNAL_CODES.SIGHUP }),
      abilitiesOf(process.env, this.#o.depth),
    );
    this.#terminal = terminal;
    if (settings.mouse) terminal.reportMouse(true);
    this.#renderer = new Renderer({
      terminal,
      sessions: this.#sessions,
      active: () => this.#active,
      size: () => this.#size(),
      // A terminal without UTF-8 cannot show the output of nodes either.
      ascii: !unicodeLocale(process.env) ? 'all' : ascii ? 'own' : 'no',
    });
    this.#listen();
    this.#draw();
    for (const session of this.#sessions) session.begin();
    this.#followFleetPlans();
    return over;
  }

  #size(): { cols: number; rows: number } {
    const { columns, rows } = this.#o.stdout;
    return { cols: columns || 80, rows: rows || 24 };
  }

  /** Returns the size of the shown rack's part of the screen. */
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
    this.#input.open();
    on(stdin, 'end', () => this.#leave({ code: SIGNAL_CODES.SIGHUP }));
    on(stdin, 'error', () => this.#leave({ code: SIGNAL_CODES.SIGHUP }));
    on(stdout, 'error', () => this.#leave({ code: SIGNAL_CODES.SIGHUP }));
    on(stdout, 'resize', () => {
      this.#terminal?.resize(this.#size());
      this.#toAll({ type: 'resize', ...this.#room() });
    });
    this.#disposals.push(
      aroundStops(
        () => {
          this.#terminal?.suspend();
          this.#input.lend();
        },
        () => {
          this.#input.again();
          this.#terminal?.resume(this.#size());
          this.#toAll({ type: 'resize', ...this.#room() });
          this.#draw();
        },
      ),
    );
    for (const [signal, code] of Object.entries(SIGNAL_CODES)) on(process, signal, () => this.#leave({ code }));
    // The terminal is restored before anything is reported, whatever the error.
    on(process, 'uncaughtException', (error: Error) => this.#crash(error));
    on(process, 'unhandledRejection', (error: Error) => this.#crash(error));
    on(process, 'exit', () => this.#terminal?.leave());
    this.#armTick(TICK_MS);
    this.#disposals.push(() => clearTimeout(this.#tickTimer ?? undefined));
    stdin.resume();
  }

  #take(tokens: readonly Token[]): void {
    const burst = tokens.filter(({ kind }) => kind === 'key').length;
    const local = steadyNow();
    for (const token of tokens) {
      const fleet = this.#sessions.map(({ state }) => state);
      if (token.kind === 'reply') this.#terminal?.answered(token.bytes);
      if (token.kind !== 'mouse') this.#session.dispatch({ type: 'token', token, burst, local, fleet });
      else {
        const { x, y } = token.pointer;
        const target = this.#renderer?.targetAt(x, y) ?? null;
        this.#session.dispatch({ type: 'token', token: this.#belowTabs(token), burst, local, target, fleet });
      }
    }
  }

  /** Shows what goes on with plans of several racks, whichever program drives them. */
  #followFleetPlans(): void {
    const { fleet } = this.#o;
    if (fleet === undefined || this.#sessions.length === 1) return;
    this.#fleet = import('./fleet/plan-driver.ts').then(({ FleetDriver }) => {
      const driver = new FleetDriver(fleet, (event) => this.#toAll(event));
      this.#driver = driver;
      return driver;
    });
    const read = (): void => void this.#fleet?.then((driver) => driver.read());
    const timer = setInterval(read, FLEET_PLAN_MS);
    this.#disposals.push(() => clearInterval(timer));
    read();
  }

  async #performFleet(session: RackSession, effect: FleetEffect): Promise<void> {
    const driver = await this.#fleet;
    await driver?.perform(effect, (event) => session.dispatch(event));
  }

  /** Leaves the runs that this interface drives; returns what to say about them. */
  #leaveFleet(): string[] {
    const said = this.#driver?.leave() ?? [];
    this.#driver = null;
    return said;
  }

  #toAll(event: UiEvent): void {
    for (const session of this.#sessions) session.dispatch(event);
  }

  /** Moves a mouse position up by the rows of the tabs. */
  #belowTabs(token: MouseToken): MouseToken {
    const { pointer } = token;
    return { ...token, pointer: { ...pointer, y: pointer.y - tabRows(this.#sessions.length) } };
  }

  /** Shows another rack. A hidden rack requests nothing; a shown one is updated at once. */
  #show(index: number): void {
    if (index === this.#active) return;
    const local = steadyNow();
    this.#session.dispatch({ type: 'shown', on: false, local });
    this.#active = index;
    this.#session.dispatch({ type: 'shown', on: true, local });
    this.#draw();
  }

  /**
   * Sends a tick to the shown rack; to all in the overview, because tabs of hidden racks show nothing that ages.
   * `nextMs`: time until the next one.
   */
  #tick(nextMs = TICK_MS): void {
    this.#armTick(nextMs);
    this.#tickedAt = performance.now();
    if (!showsAllRacks(this.#session.state)) {
      this.#session.dispatch(tick());
      return;
    }
    this.#toAll(tick());
    this.#requestListed();
  }

  /** Lets each rack request what a table of all racks shows of its nodes. */
  #requestListed(): void {
    const { state } = this.#session;
    const fleet = this.#sessions.map((session) => session.state);
    const lines = state.overlay && overlayType(state.overlay).linesShown?.(state, state.overlay, fleet);
    if (!lines) return;
    this.#sessions.forEach((session, index) => {
      const addrs = lines.flatMap(({ rack, addr }) => (rack === index && addr !== null ? [addr] : []));
      session.dispatch({ type: 'listed', lines: addrs });
    });
  }

  #armTick(ms: number): void {
    clearTimeout(this.#tickTimer ?? undefined);
    this.#tickTimer = setTimeout(() => this.#tick(), ms);
  }

  #happened(session: RackSession, event: UiEvent, before: State): void {
    if (this.#ended) return;
    const { state } = session;
    const shown = session === this.#session;
    // A key for a node changes nothing here; its echo does, and arrives sooner when no frame is painted in between.
    // The tabs of hidden racks show what must not be missed; in the overview one tick a second is enough.
    if (
      event.type === 'tick' ||
      (shown ? differs(before, state) && !isRefresh(event, before) : differsInTab(before, state))
    )
      this.#draw();
    if (shown && showsAllRacks(state)) {
      // All racks of the overview show the same moment, and are shown by the same choice there.
      if (!showsAllRacks(before)) this.#tick();
      const { table, heat } = state.view;
      if (table !== before.view.table || heat !== before.view.heat)
        for (const other of this.#sessions) if (other !== session) other.dispatch({ type: 'view', table, heat });
    }
    if (!shown || event.type !== 'update' || event.note.nodes === undefined) return;
    // The frame of these samples shows all ages, too: a tick of its own is due only where no others follow.
    if (performance.now() - this.#tickedAt >= TICK_MS / 2) this.#tick(TICK_MS + SWEEP_LATE_MS);
    else this.#armTick(TICK_MS + SWEEP_LATE_MS);
    if (this.#palette.pulses) this.#beat(state.strips.lagMs);
  }

  /** Draws the beats of new samples until the last one, `lagMs` from now, has ended. */
  #beat(lagMs: number): void {
    this.#beatsLeft = BEATS + 1 + Math.ceil(lagMs / BEAT_MS);
    this.#beatTimer ??= setInterval(() => {
      this.#session.dispatch(tick());
      if (--this.#beatsLeft <= 0) this.#endBeats();
    }, BEAT_MS);
  }

  #endBeats(): void {
    if (this.#beatTimer !== null) clearInterval(this.#beatTimer);
    this.#beatTimer = null;
  }

  #draw(): void {
    this.#renderer?.draw();
  }

  #quit(): void {
    const goesOn = [
      ...this.#leaveFleet(),
      ...this.#sessions.map((session) => session.goesOn()).filter((text) => text !== null),
    ];
    this.#leave({ code: 0, ...(goesOn.length > 0 ? { message: goesOn.join('\n') } : {}) });
  }

  #crash(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#leave({
      code: 70,
      message: `rackui: the interface failed; the server and its operations continue.\n${text}`,
    });
  }

  #leave(end: InterfaceEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    const terminal = this.#terminal;
    this.#input.close();
    for (const dispose of this.#disposals.splice(0)) dispose();
    this.#renderer?.end();
    this.#endBeats();
    terminal?.leave();
    this.#leaveFleet();
    for (const session of this.#sessions) session.close();
    const replyOutstanding = (): boolean => end.code === 0 && terminal?.awaitsReply === true;
    const take = (reply: Uint8Array): void => terminal?.answered(reply);
    this.#input.restore({ replyOutstanding, take }, () => this.#end(end));
  }
}

const CLOCK: ReadonlySet<keyof State> = new Set(['now', 'serverTime', 'dateAhead']);

/** Returns whether more than the clock changed; what depends on the clock is drawn by the tick each second. */
function differs(before: State, after: State): boolean {
  return (Object.keys(after) as (keyof State)[]).some((key) => !CLOCK.has(key) && before[key] !== after[key]);
}

/** Returns whether an event only renews what the detail pane shows: the next tick draws it. */
function isRefresh(event: UiEvent, { detail: { answer, failed } }: State): boolean {
  if (event.type !== 'detail' || answer === null || failed !== null) return false;
  const { addr, stepMs, points } = event.answer;
  return answer.addr === addr && answer.stepMs === stepMs && answer.points.length === points.length;
}

/** Returns whether a rack's tab changed. */
function differsInTab(before: State, after: State): boolean {
  const kind = (state: State): string => `${state.link.kind} ${state.bus.state}`;
  return kind(before) !== kind(after) || before.alarms !== after.alarms || before.marks !== after.marks;
}
