/**
 * A state as it comes to be: the reference rack's welcome, then events through `update`, one after another. The clock
 * moves only when a scene says so, so that the same scene always paints the same frame.
 */
import { readFileSync } from 'node:fs';
import type { ConsoleState, EventRecord, NodeState, Session, Welcome } from '../../src/api/methods.ts';
import type { ConsoleGlance, HistoryRequest, NodeDetail, RackHistory, SeenScreen } from '../../src/api/node.ts';
import type { OutageStatus, UpsPoint } from '../../src/api/outage.ts';
import type { PlanPreview, PlanRun, PlanSummary } from '../../src/api/plans.ts';
import type { Operation, PowerCheck, PowerRequest } from '../../src/api/power.ts';
import { inventoryOf, parseConfig } from '../../src/config/load.ts';
import type { Address } from '../../src/rack/address.ts';
import type { Alarm } from '../../src/rack/alarms.ts';
import type { SeriesPoint } from '../../src/rack/history.ts';
import type { Inventory } from '../../src/rack/inventory.ts';
import type { Frame } from '../../src/tui/canvas/frame.ts';
import { Panes } from '../../src/tui/canvas/panes.ts';
import { glyphs } from '../../src/tui/canvas/glyphs.ts';
import { Emulators } from '../../src/tui/console/emulator.ts';
import type { Screens } from '../../src/tui/console/pane.ts';
import { DEFAULT_SETTINGS } from '../../src/tui/keymap/key-table.ts';
import { layoutOf, type Layout } from '../../src/tui/layout/layout.ts';
import { type Effect, step, type UiEvent } from '../../src/tui/model/events.ts';
import { historyRead, withHistory } from '../../src/tui/map/strips.ts';
import { initialState, type State } from '../../src/tui/model/state.ts';
import { paint } from '../../src/tui/screen/screen.ts';
import { plot } from '../../src/tui/terminal/plot.ts';
import { emptyTokenizer, flush, tokenize } from '../../src/tui/terminal/tokenizer.ts';
import { update } from '../../src/tui/update.ts';
import { REFERENCE_RACK } from '../support/stand.ts';
import { PLANS } from './plans.ts';

/** 2026-03-14 09:26:53 UTC. */
export const NOW = Date.UTC(2026, 2, 14, 9, 26, 53);
export const RACK: Inventory = inventoryOf(parseConfig(readFileSync(REFERENCE_RACK, 'utf8'), REFERENCE_RACK));

export const ME: Session = session(1, 'ada', '10.0.0.7');
export const EVE: Session = session(2, 'eve', null);

function session(id: number, user: string, from: string | null): Session {
  const who = { user, from, tty: '/dev/pts/1', program: 'interface', pid: 4000 + id };
  return { id, who, since: NOW - 600_000, access: 'control', silentSince: null };
}

/** A node that has been asked for a minute: jitter without chance, so that a golden stays. */
export function nodeOn(addr: Address, over: Partial<NodeState> = {}): NodeState {
  const sample = { power: 'on', ...valuesAt(addr, 59), at: NOW - 500 - addr * 3, rttMs: 3.4 } as const;
  return {
    addr,
    reading: { state: 'ok', sample, source: 'sweep' },
    system: null,
    onSince: null,
    kubernetes: null,
    alarms: [],
    op: null,
    ...over,
  };
}

function valuesAt(addr: Address, i: number): { current: number; fan: number } {
  return { current: 28 + (addr % 5) * 2 + ((i * 7 + addr * 3) % 9) - 4, fan: 108 + (addr % 7) + ((i * 3 + addr) % 5) };
}

const at = (addr: Address): NodeState => nodeOn(addr);

/** The server's history: a node that is off drew nothing for a while, a silent one has a gap since it went silent. */
function historyOf(state: State, { stepMs, count }: HistoryRequest): RackHistory {
  const now = NOW;
  const nodes = state.rack.nodes.map(({ addr }) => {
    const reading = state.nodes.get(addr)?.reading ?? { state: 'unasked' };
    const points = Array.from({ length: count }, (_, i): SeriesPoint | null => {
      const ago = (count - 1 - i) * stepMs;
      if (reading.state === 'unasked' || (reading.state === 'failed' && reading.last === null)) return null;
      if (reading.state === 'failed' && ago < now - reading.since) return null;
      if (reading.state === 'ok' && ago < now - reading.sample.at - stepMs) return null;
      const off = reading.state === 'ok' && reading.sample.power !== 'on' && i > count / 2;
      const { current, fan } = off ? { current: 0, fan: 0 } : valuesAt(addr, 60 - count + i);
      return [current, current, fan];
    });
    return { addr, points };
  });
  return { now, stepMs, nodes };
}

/** What a map has to show: running nodes, and one of everything else. */
export const MIXED: NodeState[] = RACK.nodes.map(({ addr }) => {
  const on = at(addr);
  const sample = on.reading.state === 'ok' ? on.reading.sample : null;
  if (sample === null) return on;
  switch (addr) {
    case 0x05:
      return {
        ...on,
        reading: { state: 'ok', sample: { ...sample, power: 'off', current: 0, fan: 0 }, source: 'sweep' },
      };
    case 0x09:
      return {
        ...on,
        reading: { state: 'ok', sample: { ...sample, power: 'disabled', current: 0, fan: 0 }, source: 'sweep' },
      };
    case 0x0b:
      return { ...on, reading: { state: 'ok', sample: { ...sample, at: NOW - 7000 }, source: 'sweep' } };
    case 0x0e:
      return { ...on, reading: { state: 'ok', sample: { ...sample, at: NOW - 42_000 }, source: 'sweep' } };
    case 0x11:
      return { ...on, reading: { state: 'failed', failure: 'silent', since: NOW - 95_000, tries: 8, last: sample } };
    case 0x12:
      return { ...on, reading: { state: 'failed', failure: 'silent', since: NOW - 95_000, tries: 8, last: null } };
    case 0x14:
      return {
        addr,
        reading: { state: 'unasked' },
        system: null,
        onSince: null,
        kubernetes: null,
        alarms: [],
        op: null,
      };
    case 0x15:
      return { ...on, alarms: ['fan stopped'] };
    default:
      return on;
  }
});

const EVENTS: EventRecord[] = [
  event(1, 'info', 'bus', null, 'the bus is ready: 24 nodes answer, the master is at 00'),
  event(2, 'notice', 'power', 0x05, 'dk8s-worker-02 (B-1, 05) was switched off by eve'),
  event(3, 'warning', 'node', 0x11, 'dk8s-worker-05 (E-1, 11) does not answer any more'),
  event(4, 'alarm', 'node', 0x15, 'dk8s-worker-06 (F-1, 15): its fan stopped while it runs'),
];

function event(
  seq: number,
  level: EventRecord['level'],
  topic: string,
  addr: Address | null,
  text: string,
): EventRecord {
  return { seq, at: NOW - 120_000 + seq * 20_000, level, topic, addr, text };
}

/** One that asks for somebody, one that was seen and lasts, one that is over and was not seen. */
const ALARMS: Alarm[] = [
  {
    ...{ id: 1, kind: 'lost', addr: 0x11, text: 'does not answer (silent); it was on', since: NOW - 95_000 },
    ...{ clearedAt: null, acknowledged: { by: 'eve@10.0.0.7', at: NOW - 60_000 } },
  },
  {
    ...{ id: 2, kind: 'bus', addr: null, text: 'down: /dev/serial0 is gone', since: NOW - 300_000 },
    ...{ clearedAt: NOW - 280_000, acknowledged: null },
  },
  {
    ...{ id: 3, kind: 'fan-stopped', addr: 0x15, text: 'its fan has stopped (0 counts)', since: NOW - 40_000 },
    ...{ clearedAt: null, acknowledged: null },
  },
];

/** Over, and seen. */
export const PAST_ALARMS: Alarm[] = [
  {
    ...{ id: 4, kind: 'current-collapsed', addr: 0x17, since: NOW - 7_200_000, clearedAt: NOW - 7_050_000 },
    text: 'draws 9 counts where it usually draws 34 or more, though it is on',
    acknowledged: { by: 'ada', at: NOW - 7_100_000 },
  },
  {
    ...{ id: 5, kind: 'console', addr: 0x0e, text: 'panic on its console', since: NOW - 3_000_000 },
    ...{ clearedAt: NOW - 2_000_000, acknowledged: { by: 'eve@10.0.0.7', at: NOW - 1_000_000 } },
  },
];

export interface SceneOptions {
  cols?: number;
  rows?: number;
  nodes?: NodeState[];
  access?: Welcome['access'];
  sessions?: Session[];
  operations?: Operation[];
  rack?: Inventory;
  outage?: OutageStatus;
}

export class Scene {
  state: State;
  /** The other racks of the interface, after this one. */
  peers: State[] = [];
  /** Everything that was wanted done so far, but for the strips' history. */
  readonly effects: Effect[] = [];
  readonly #emulators = new Emulators(() => this.#unparsed--);
  /** Writes that an emulator has not taken in yet. */
  #unparsed = 0;
  #local = NOW;
  /** What the mouse points at, painted over the frame of its last report. */
  readonly #panes = new Panes();

  constructor({
    cols = 80,
    rows = 24,
    nodes,
    access = 'control',
    sessions = [ME],
    operations = [],
    rack = RACK,
    outage = { policies: [], dateAhead: 0 },
  }: SceneOptions) {
    const welcome: Welcome = {
      ...{ api: 1, version: '0', pid: 1, session: ME.id, access },
      snapshot: {
        ...{ now: NOW, rack, intervalMs: 1000, console: null, sessions, operations, events: EVENTS },
        alarms: nodes === undefined ? [] : ALARMS,
        outage,
        config: { path: '/etc/rackui/rack.yaml', readAt: 0, changed: [], later: [], problem: null },
        bus: {
          ...{ state: 'ready', port: '/dev/serial0', detail: '', since: NOW - 3_600_000, master: 0 },
          ...{ sweepMs: 83, sweepsPerS: 1, recovery: null, quietReads: false, exchanges: 86_400, errors: 2 },
        },
        nodes: nodes ?? rack.nodes.map(({ addr }) => at(addr)),
      },
    };
    this.state = initialState(welcome, { cols, rows }, NOW, 0, false, DEFAULT_SETTINGS);
    const { state, effects } = withHistory(step(this.state));
    for (const effect of effects)
      if (effect.do === 'rack-history') this.state = historyRead(state, historyOf(state, effect.request)).state;
  }

  dispatch(event: UiEvent): this {
    const next = update(this.state, event);
    this.state = next.state;
    const answers: UiEvent[] = [];
    for (const effect of next.effects) {
      // The server answers this at once.
      if (effect.do === 'rack-history')
        answers.push({ type: 'rack-history', answer: historyOf(this.state, effect.request) });
      else this.effects.push(effect);
      if (['screen-load', 'screen-data', 'screen-resize', 'last-screen-load'].includes(effect.do)) this.#unparsed++;
      if (effect.do === 'last-screen-load')
        this.#emulators.loadLast(effect.addr, effect.cols, effect.rows, Buffer.from(effect.screen, 'base64'));
      if (effect.do === 'screen-load')
        this.#emulators.load(effect.addr, effect.cols, effect.rows, Buffer.from(effect.screen, 'base64'), effect.times);
      if (effect.do === 'screen-resize') this.#emulators.resize(effect.addr, effect.cols, effect.rows);
      if (effect.do === 'screen-data') this.#emulators.data(effect.addr, Buffer.from(effect.data, 'base64'), effect.at);
    }
    for (const answer of answers) this.dispatch(answer);
    return this;
  }

  /** Each string is one read of the terminal, half a second after the one before and after the frame was seen. */
  keys(...reads: string[]): this {
    for (const read of reads) {
      this.dispatch({ type: 'painted', local: this.#local });
      this.#local += 500;
      const { state, tokens } = tokenize(emptyTokenizer, Buffer.from(read, 'latin1'));
      const all = [...tokens, ...flush(state).tokens];
      const burst = all.filter(({ kind }) => kind === 'key').length;
      for (const token of all) {
        const target =
          token.kind === 'mouse' ? this.seen(false, this.#panes).targetAt(token.pointer.x, token.pointer.y) : null;
        const fleet = [this.state, ...this.peers];
        this.dispatch({ type: 'token', token, burst, local: this.#local, target, fleet });
      }
    }
    return this;
  }

  /** A word as fingers type it: key by key. */
  typed(text: string): this {
    return this.keys(...Array.from(text));
  }

  /** Time goes by; nothing else happens. */
  later(ms: number): this {
    this.#local += ms;
    return this.dispatch({ type: 'tick', local: this.#local, dateAhead: 0 });
  }

  /** Of what lies over the screen and waits for answers. */
  get overlayId(): number {
    const { overlay } = this.state;
    if (overlay === null || !('id' in overlay)) throw new Error('nothing over the screen waits for an answer');
    return overlay.id;
  }

  /** The emulated screens, as a frame needs them. */
  get screens(): Screens {
    return this.#emulators.screens;
  }

  /** Where things stand now. */
  get layout(): Layout {
    const layout = layoutOf(this.state);
    if (layout.kind !== 'normal') throw new Error('this terminal is too small');
    return layout;
  }

  /** The server's clock, epoch milliseconds. */
  get now(): number {
    return this.#local;
  }

  /** The server answers the check that was asked last. */
  checked(answer: (request: PowerRequest) => PowerCheck['nodes']): this {
    const asked = this.effects.findLast((effect) => effect.do === 'check');
    if (asked?.do !== 'check') throw new Error('no check was asked for');
    const { verb, label, nodes } = asked.request;
    const checks = answer(asked.request);
    const confirm = nodes.length === 1 ? (checks[0]?.name ?? '') : `${label} ${nodes.length}`;
    return this.dispatch({ type: 'checked', dialog: asked.dialog, answer: { verb, confirm, nodes: checks } });
  }

  /** The server answers which plans there are. */
  plans(plans: PlanSummary[] = PLANS()): this {
    const asked = this.effects.findLast((effect) => effect.do === 'plans');
    if (asked?.do !== 'plans') throw new Error('no plans were asked for');
    return this.dispatch({ type: 'plans-listed', panel: asked.panel, list: { plans, runs: [...this.state.runs] } });
  }

  /** The server answers what the plan asked for last would do. */
  previewed(preview: PlanPreview): this {
    const asked = this.effects.findLast((effect) => effect.do === 'plan-show');
    if (asked?.do !== 'plan-show') throw new Error('no plan was asked for');
    return this.dispatch({ type: 'plan-shown', panel: asked.panel, preview });
  }

  /** The server answers what the detail pane asked last: a wave with a peak, two gaps, and the end of a log. */
  detailed(over: Partial<NodeDetail> = {}): this {
    this.dispatch({ type: 'tick', local: this.#local, dateAhead: 0 });
    // Only one question is on its way: another node's may have to be answered first.
    for (let before = -1; before !== this.effects.length;) {
      before = this.effects.length;
      this.#answerDetail(over);
    }
    return this;
  }

  #answerDetail(over: Partial<NodeDetail>): void {
    const asked = this.effects.findLast((effect) => effect.do === 'detail');
    if (asked?.do !== 'detail') throw new Error('no detail was asked for');
    const { addr, stepMs, count } = asked.request;
    const points = Array.from({ length: count }, (_, i): SeriesPoint | null => {
      const part = i / count;
      if (part < 0.08 || (part > 0.52 && part < 0.6)) return null;
      const current = 32 + 6 * Math.sin(i / 5) + (part > 0.6 && part < 0.68 ? 25 : 0);
      return [current, current + (i % 17 === 0 ? 9 : 0), 110 + 4 * Math.cos(i / 7)];
    });
    const answer: NodeDetail = {
      ...{ addr, now: this.#local, stepMs, points },
      lines: [
        { at: NOW - 61_000, text: 'console opened', ours: true },
        { at: NOW - 60_000, text: 'k8s-worker-04 login: pi', ours: false },
        { at: NOW - 58_000, text: 'Password: ', ours: false },
        { at: NOW - 57_000, text: 'Linux k8s-worker-04 6.12.25+rpt-rpi-v8 aarch64', ours: false },
        { at: NOW - 40_000, text: 'pi@k8s-worker-04:~$ uptime', ours: false },
        { at: NOW - 39_000, text: ' 09:26:14 up 41 days, 2:10, 1 user, load average: 0.31', ours: false },
        { at: NOW - 20_000, text: 'console closed: ada detached', ours: true },
      ],
      dependents: [
        'chassis fan 2 stops while it is off',
        'k8s-worker-04 is worker of cluster prod, which has 11 other nodes',
      ],
      plans: ['shed-all', 'bring-up'],
      boots: [21_300, 22_040, 21_800, 20_900, 45_120],
      ...over,
    };
    this.dispatch({ type: 'detail', answer });
  }

  /** The server answers what a UPS said up to now. */
  upsHistory(): this {
    this.later(0);
    const asked = this.effects.findLast((effect) => effect.do === 'ups-history');
    if (asked?.do !== 'ups-history') throw new Error('no history was asked for');
    const { name, stepMs, count } = asked.request;
    const answer = { name, now: this.#local, stepMs, points: upsHistory(count) };
    return this.dispatch({ type: 'ups-history', pane: asked.pane, answer });
  }

  /** The server tells of a run. */
  ran(note: PlanRun): this {
    return this.dispatch({ type: 'plan', note });
  }

  /** The server grants the console asked for last, with this on its screen. */
  attached(
    screen: string,
    over: Partial<ConsoleState> & { role?: 'types' | 'watches'; times?: (number | null)[] } = {},
  ): this {
    const asked = this.effects.findLast((effect) => effect.do === 'attach');
    if (asked?.do !== 'attach') throw new Error('no console was asked for');
    const { role = 'types', times = [], ...changes } = over;
    const console: ConsoleState = {
      ...{
        addr: asked.addr,
        state: 'open',
        holder: ME.id,
        holderName: ME.who.user,
        holderSilentSince: null,
        watchers: [ME.id],
        unproven: null,
        baud: 115200,
      },
      ...changes,
    };
    const joined = { addr: asked.addr, role, cols: 80, rows: 24, screen: Buffer.from(screen).toString('base64') };
    return this.dispatch({ type: 'attached', joined: { ...joined, times, console } });
  }

  /** The server answers how the console asked for last looked; null: it has nothing of it. */
  lastScreen(screen: string | null, over: Partial<SeenScreen> = {}): this {
    const asked = this.effects.findLast((effect) => effect.do === 'last-screen');
    if (asked?.do !== 'last-screen') throw new Error('no last screen was asked for');
    const seen: SeenScreen | null =
      screen === null
        ? null
        : {
            ...{ at: this.#local - 720_000, from: 'closed', why: 'eve detached', cols: 80, rows: 24 },
            ...{ screen: Buffer.from(screen).toString('base64'), ...over },
          };
    return this.dispatch({ type: 'last-screen', answer: { addr: asked.addr, now: this.#local, seen } });
  }

  /** The server answers what the consoles asked for last show. Only one question is on its way at a time. */
  glanced(screens: Readonly<Record<number, Partial<NonNullable<ConsoleGlance['seen']>>>>): this {
    this.later(0);
    for (let before = -1; before !== this.effects.length;) {
      before = this.effects.length;
      const asked = this.effects.findLast((effect) => effect.do === 'glances');
      if (asked?.do !== 'glances') throw new Error('no last lines were asked for');
      const nodes = asked.addrs.map((addr): ConsoleGlance => {
        const seen = screens[addr];
        const usual = { at: this.#local - 720_000, from: 'closed', shows: 'output', lines: [] } as const;
        return { addr, seen: seen === undefined ? null : { ...usual, lines: [], ...seen } };
      });
      this.dispatch({ type: 'glances', answer: { now: this.#local, nodes }, rows: asked.rows });
    }
    return this;
  }

  /** Resolves once the emulators have taken in what was printed. */
  async parsed(): Promise<void> {
    while (this.#unparsed > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  /** The frame of this moment, with all that was printed. */
  async frame(asciiOnly = false): Promise<Frame> {
    await this.parsed();
    const frame = this.seen(asciiOnly);
    this.#emulators.dispose();
    return frame;
  }

  /** What is on the screen, painted over the last frame of `panes`, but for what an emulator has not taken in yet. */
  seen(asciiOnly = false, panes = new Panes()): Frame {
    return paint(panes, this.state, this.#emulators.screens, glyphs(asciiOnly), asciiOnly ? null : plot);
  }
}

/** A check's answer in which every node is on and nothing stands in the way. */
export function allClear(request: PowerRequest): PowerCheck['nodes'] {
  return request.nodes.map((addr) => {
    const { reading } = nodeOn(addr);
    const name = RACK.nodes.find((node) => node.addr === addr)?.name ?? '';
    return {
      ...{
        addr,
        name,
        sample: reading.state === 'ok' ? reading.sample : null,
        system: 'unknown',
        problem: null,
        refusals: [],
      },
      impact: request.verb.startsWith('force')
        ? [`${name} loses power at once: what it has not written to disk is lost`]
        : [],
    };
  });
}

/** A battery that drains, with a stretch in which nothing was said. */
function upsHistory(count: number): (UpsPoint | null)[] {
  return Array.from({ length: count }, (_, i): UpsPoint | null => {
    const part = i / count;
    if (part > 0.3 && part < 0.36) return null;
    const drained = Math.max(0, part - 0.5);
    return [98 - 54 * drained, 2520 - 3680 * drained, 41 + 6 * Math.sin(i / 6)];
  });
}
