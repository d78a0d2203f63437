/** One rack session of the interface: connection, state, effects and emulators, and the files kept for the operator. */
import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ServerNotes } from '../api/methods.ts';
import type { RackClient } from '../client/client.ts';
import { steadyNow, wallTime } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Emulators } from './console/emulator.ts';
import { type Screens, topLine } from './console/pane.ts';
import { type EffectPorts, EffectRunner } from './effects.ts';
import { type Effect, type UiEvent, withNotice } from './model/events.ts';
import { shownOperations } from './model/results.ts';
import { tourOffer } from './overlays/tour.ts';
import { initialState, type Settings, type State, type View, viewFrom } from './model/state.ts';
import { update } from './update.ts';

/** Returns the present time as an event: the steady clock for durations, the wall clock for dates. */
export function tick(): UiEvent {
  return { type: 'tick', local: steadyNow(), dateAhead: dateAhead() };
}

/** Returns the lead of the operator's time of day, as a date of UTC, over the steady clock, ms. */
function dateAhead(): number {
  const wall = Date.now();
  return wall - steadyNow() + utcOffsetMin(wall) * 60_000;
}

/** Returns the minutes by which this machine's zone is ahead of UTC at that time: they vary over the year. */
export function utcOffsetMin(at: number): number {
  return -new Date(at).getTimezoneOffset();
}

/** Reads the operator's view of the last run. A missing, unreadable or broken file gives the default view. */
export function rememberedView(path: string): View {
  try {
    return viewFrom(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return viewFrom(null);
  }
}

let lastWrite: Promise<void> = Promise.resolve();

/**
 * Writes the view whole or not at all, also where two interfaces write at once; one write after another, so that
 * the last choice stays. Rejects with the file system's error.
 */
export function rememberView(path: string, view: View): Promise<void> {
  const written = lastWrite.then(() => write(path, view));
  lastWrite = written.catch(() => undefined);
  return written;
}

async function write(path: string, view: View): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(view)}\n`, { mode: 0o600 });
  await rename(draft, path);
}

/** Saves a console's text; returns the file's path. `at`: epoch milliseconds. */
async function saveText(directory: string, node: string, at: number, text: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const time = new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
  const name = node.replace(/[^\w.-]/g, '_');
  for (let n = 1; ; n++) {
    const path = join(directory, `${name}-${time}${n === 1 ? '' : `-${n}`}.txt`);
    try {
      await writeFile(path, text.endsWith('\n') ? text : `${text}\n`, { flag: 'wx', mode: 0o600 });
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Connection to one rack's server. */
export interface RackAccess {
  client: RackClient;
  /** Name in a list of racks; default: the rack's own. */
  name?: string;
  /** Longest time between two tries to connect, ms; default: {@link RECONNECT_MS}. */
  longestRetryMs?: number | undefined;
  /** Shown at first; null: nothing. */
  notice?: string | null;
  /** Opens a new connection after the server ended; rejects while there is none. `signal`: the session has ended. */
  reconnect: (signal: AbortSignal) => Promise<RackClient>;
}

/** Time for the first notice, ms: the screen is still filling. */
const FIRST_NOTICE_MS = 20_000;

export interface RackSessionOptions {
  viewOnly: boolean;
  settings: Settings;
  /** Directory for saved console text. */
  saveDirectory: string;
  /** File that keeps the layout from one run to the next. */
  viewFile: string;
  /** Switches the mains of the simulated rack of a demo. */
  mains?: (on: boolean) => Promise<void>;
  memory: {
    /** Called when the first console's emulator is made: from then on there is memory to save. */
    save: () => void;
    /** Called when memory can be freed: an emulator was dropped. */
    collect: () => void;
  };
}

export interface RackSessionPorts {
  /** Called after `event` was handled; the state may differ from `before`. */
  happened(event: UiEvent, before: State): void;
  /** Called when a console has printed something. */
  printed(): void;
  clipboard(text: string): void;
  /** Shows a rack, and one of its nodes. */
  rack: EffectPorts['rack'];
  /** Sends an event to another rack. */
  forward: EffectPorts['forward'];
  /** Performs an effect at another rack. */
  elsewhere: EffectPorts['elsewhere'];
  /** Performs an effect on plans over several racks. */
  fleet: EffectPorts['fleet'];
  /** Switches mouse reports for all racks: there is one mouse. */
  reportMouse(on: boolean): void;
  ring(): void;
  quit(): void;
}

const RECONNECT_MS = 500;

export class RackSession {
  readonly #access: RackAccess;
  readonly #o: RackSessionOptions;
  readonly #ports: RackSessionPorts;
  readonly #effects: EffectRunner;
  #client: RackClient;
  #state: State;
  #emulators: Emulators | null = null;
  #loading: Promise<Emulators> | null = null;
  readonly #end = new AbortController();

  constructor(
    access: RackAccess,
    racks: State['racks'],
    size: State['size'],
    options: RackSessionOptions,
    ports: RackSessionPorts,
  ) {
    this.#access = access;
    this.#o = options;
    this.#ports = ports;
    this.#client = access.client;
    const state = initialState(
      access.client.welcome,
      size,
      steadyNow(),
      dateAhead(),
      options.viewOnly,
      options.settings,
    );
    const view = rememberedView(options.viewFile);
    const noticed = access.notice == null ? state : withNotice(state, 'warning', access.notice, FIRST_NOTICE_MS);
    const offers = options.settings.demo && !view.toured && access.notice == null;
    this.#state = {
      ...(offers ? withNotice(state, 'info', tourOffer(state), FIRST_NOTICE_MS) : noticed),
      racks,
      view,
    };
    this.#effects = new EffectRunner(access.client, {
      dispatch: (event) => this.dispatch(event),
      emulators: () => this.#loadEmulators(),
      reconnect: () => void this.#reconnect(),
      reportMouse: (on) => ports.reportMouse(on),
      ring: () => ports.ring(),
      quit: () => ports.quit(),
      rack: (index, node) => ports.rack(index, node),
      forward: (index, event) => ports.forward(index, event),
      elsewhere: (index, effect) => ports.elsewhere(index, effect),
      fleet: (effect) => ports.fleet(effect),
      mains: (on) => options.mains?.(on) ?? Promise.reject(new Error('this rack is not simulated')),
      clipboard: (text) => ports.clipboard(text),
      remember: (view) => rememberView(options.viewFile, view),
      save: (node, text) => saveText(options.saveDirectory, node, wallTime(steadyNow()), text),
    });
  }

  get state(): State {
    return this.#state;
  }

  get screens(): Screens {
    return this.#emulators?.screens ?? (() => null);
  }

  /** Starts to handle the server's messages. */
  begin(): void {
    this.#follow(this.#client);
    this.#effects.perform({ do: 'plans', panel: 0 });
    // The panes send their requests at once, not with the first tick.
    this.dispatch(tick());
  }

  perform(effect: Effect): void {
    if (!this.#isOver()) this.#effects.perform(effect);
  }

  dispatch(event: UiEvent): void {
    if (this.#isOver()) return;
    const before = this.#state;
    const { state, effects } = update(before, event);
    this.#state = state;
    for (const effect of effects) this.#effects.perform(effect);
    this.#ports.happened(event, before);
  }

  /** Notes that the frame with an overlay is on the terminal. */
  painted(): void {
    this.#state = update(this.#state, { type: 'painted', local: steadyNow() }).state;
  }

  /** Limits the pane's scroll to the lines that are kept. */
  limitScroll(): void {
    const { shown, kept } = this.#state.pane;
    if (shown === null) return;
    const scroll = kept.get(shown)?.scroll ?? 0;
    const picture = scroll > 0 ? this.screens(shown) : null;
    if (!picture) return;
    const most = topLine(picture, picture.rows, 0);
    if (scroll > most) this.dispatch({ type: 'scroll-limit', addr: shown, lines: most });
  }

  /** Returns what continues in the server after the interface ends, and how to view it, for display; null: nothing. */
  goesOn(): string | null {
    const running = shownOperations(this.#state).filter((operation) => operation.endedAt === null);
    const runs = this.#state.runs.filter((run) => run.state !== 'ended');
    const names = [
      ...runs.map(({ id, plan, state }) => `plan ${plan} (${id}, ${state})`),
      ...running.map(({ id, verb, label }) => `${verb} ${label} (${id})`),
    ].join(', ');
    if (names === '') return null;
    const { racks } = this.#state;
    const name = racks.names[racks.index] ?? '';
    const where = racks.names.length > 1 ? ` --rack ${name}` : '';
    const how = [
      ...(runs.length > 0
        ? [`'rackui plan list${where}' shows its progress, 'rackui plan abort ID${where}' aborts`]
        : []),
      ...(running.length > 0 ? [`'rackui ops${where}' shows their progress, 'rackui abort ID${where}' aborts`] : []),
    ].join('; ');
    return `still running in the server${racks.names.length > 1 ? ` of ${name}` : ''}: ${names}. ${how}.`;
  }

  close(): void {
    this.#end.abort();
    this.#client.close();
    this.#effects.close();
    this.#emulators?.dispose();
  }

  #follow(client: RackClient): void {
    const update = (note: ServerNotes['update']): void => this.dispatch({ type: 'update', note, local: steadyNow() });
    client.on('update', update);
    // The welcome may have been read late: this program was loading.
    client.request('server.ping', {}).then(update, () => undefined);
    client.on('rack', (note) => this.dispatch({ type: 'rack', note }));
    client.on('operation', (note) => this.dispatch({ type: 'operation', note }));
    client.on('plan', (note) => this.dispatch({ type: 'plan', note }));
    client.on('event', (note) => this.dispatch({ type: 'event', note }));
    client.on('console.data', (note) => this.dispatch({ type: 'console.data', ...note }));
    client.on('console.resync', (note) => this.dispatch({ type: 'console.resync', note }));
    client.on('console.note', (note) => this.dispatch({ type: 'console.note', note }));
    client.onClose((why) => {
      if (client === this.#client) this.dispatch({ type: 'link-lost', why });
    });
  }

  #loadEmulators(): Promise<Emulators> {
    this.#loading ??= import('./console/emulator.ts').then(({ Emulators }) => {
      this.#emulators = new Emulators(
        () => this.#ports.printed(),
        (addr) => {
          this.#emulators?.release(addr);
          this.dispatch({
            type: 'look-over',
            why: 'copy mode ended: the node printed more than can be held back',
          });
        },
        this.#o.memory.collect,
      );
      this.#o.memory.save();
      return this.#emulators;
    });
    return this.#loading;
  }

  async #reconnect(): Promise<void> {
    const { longestRetryMs = RECONNECT_MS } = this.#access;
    for (let waitMs = RECONNECT_MS; !this.#isOver(); waitMs = Math.min(longestRetryMs, waitMs * 2)) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      try {
        const client = await this.#access.reconnect(this.#end.signal);
        if (this.#isOver()) {
          client.close();
          return;
        }
        this.#client = client;
        this.#effects.client = client;
        this.dispatch({ type: 'link-back', welcome: client.welcome, local: steadyNow() });
        this.#follow(client);
        return;
      } catch (error) {
        this.dispatch({ type: 'link-still-lost', why: messageOf(error) });
      }
    }
  }

  /** A method, because the compiler believes that a field checked before an await has not changed after it. */
  #isOver(): boolean {
    return this.#end.signal.aborted;
  }
}
