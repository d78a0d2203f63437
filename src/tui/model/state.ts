/** State of the interface. Plain, immutable data: the same state paints the same frame. */
import type { BusStatus } from '../../api/bus.ts';
import type { ConfigStatus } from '../../api/configuration.ts';
import type { Access, ConsoleState, EventRecord, NodeState, Session, Welcome } from '../../api/methods.ts';
import type { ConsoleGlance, NodeDetail, SeenScreen } from '../../api/node.ts';
import type { OutageStatus } from '../../api/outage.ts';
import type { PlanRun } from '../../api/plans.ts';
import type { Operation } from '../../api/power.ts';
import { nextServerTime, type ServerTime } from '../../client/client.ts';
import type { Address } from '../../rack/address.ts';
import type { Alarm } from '../../rack/alarms.ts';
import { type Inventory, nodeAt } from '../../rack/inventory.ts';
import type { KeyTable, OwnCommand } from './keys.ts';
import type { LineRun, Overlay, OwnProgram } from './overlays.ts';
import { NO_STRIPS, type Strips } from './strips.ts';
import { type ColumnId, type TableView, tableViewFrom, USUAL_TABLE } from './table.ts';
import type { RackTabs } from './rack-tabs.ts';

/** The last screen of the pane's node; the screen itself is in an emulator. */
export interface LastScreens {
  asked: { addr: Address; at: number } | null;
  /** `now`: time of the answer, server's clock. */
  answer: { addr: Address; now: number; seen: Omit<SeenScreen, 'cols' | 'rows' | 'screen'> | null } | null;
  /** Reason why there is no answer; null: none failed. */
  failed: string | null;
}

export const NO_LAST_SCREEN: LastScreens = { asked: null, answer: null, failed: null };

/** The last lines of a node's console. `rows`: number that was requested; `readAt`: server's clock. */
export interface GlanceLines {
  seen: ConsoleGlance['seen'];
  rows: number;
  readAt: number;
}

/** The last lines of the consoles that are, or were, on the screen. */
export interface Glances {
  nodes: ReadonlyMap<Address, GlanceLines>;
  /** Request under way; null: none. */
  asked: { at: number } | null;
  /** Reason why there is no answer; null: none failed. */
  failed: string | null;
}

const NO_GLANCES: Glances = { nodes: new Map(), asked: null, failed: null };

/** The chord after the console's prefix. `hex`: the first digit of an address was typed. */
export type Chord = { kind: 'idle' } | { kind: 'prefix' } | { kind: 'hex'; digit: string };

/** The attached console, as the server granted it. */
export type Attachment =
  | { kind: 'none' }
  | { kind: 'joining'; addr: Address; from: Address | null }
  | { kind: 'joined'; addr: Address; role: 'types' | 'watches' };

/** A console that was attached here; its emulator is in the runtime. */
export interface Kept {
  cols: number;
  rows: number;
  /** Time at which it was left, server's clock; null while attached. */
  leftAt: number | null;
  /** Reason, where the operator did not leave it; otherwise null. */
  why: string | null;
  /** Lines scrolled back from the end. */
  scroll: number;
}

/** A large paste on its way, byte counts; `since` is the server's clock. */
export interface Pasting {
  addr: Address;
  total: number;
  sent: number;
  since: number;
}

/** Copy mode: lines count from the oldest kept one, columns from 0. The emulator is held meanwhile. */
export interface CopyMode {
  addr: Address;
  /** Number of lines. */
  length: number;
  cols: number;
  /** Position of the cursor; `top`: the first line shown. */
  x: number;
  y: number;
  top: number;
  anchor: { x: number; y: number } | null;
  /** The match of the search, while the cursor is on it. */
  match: { x: number; y: number; width: number } | null;
  /** Search text being typed; null: not searching. */
  query: string | null;
  last: string;
}

/** The attached console, the consoles that were left, and copy mode. */
export interface ConsolePane {
  attachment: Attachment;
  kept: ReadonlyMap<Address, Kept>;
  /** Node whose screen the pane shows: attached, or the last one left. */
  shown: Address | null;
  /** The console before this one: prefix Tab. */
  previous: Address | null;
  chord: Chord;
  pasting: Pasting | null;
  look: CopyMode | null;
  /** Node whose program got a focus report, if it requested them; null: none. */
  focusSent: Address | null;
  /** Consoles at which a paste goes without brackets although the program requested them. */
  plainPaste: ReadonlySet<Address>;
  /** Shown in the pane's title: blocked keys, a taken keyboard, a gap. */
  notice: Notice | null;
  /** Beside each line: nothing, its time of day, its age, or the time since the line before. */
  times: 'off' | 'clock' | 'age' | 'step';
}

const NO_CONSOLE: ConsolePane = {
  attachment: { kind: 'none' },
  kept: new Map(),
  shown: null,
  previous: null,
  chord: { kind: 'idle' },
  pasting: null,
  look: null,
  focusSent: null,
  plainPaste: new Set(),
  notice: null,
  times: 'off',
};

/** Data of the detail pane beyond the updates that all clients get. */
export interface Detail {
  /** The latest answer; shown only while its node is the selected one. */
  answer: NodeDetail | null;
  /** Request under way: only one, however fast the cursor moves; null: none. */
  asked: { at: number } | null;
  /** Reason why there is no answer; null: none failed. */
  failed: string | null;
  /** UIDs as the BMCs sent them, or the reason why not. */
  uids: ReadonlyMap<Address, string>;
}

const NO_DETAIL: Detail = { answer: null, asked: null, failed: null, uids: new Map() };

/** The operator's settings from the configuration. */
export interface Settings {
  /** Includes the operator's own keys. */
  keys: KeyTable<State>;
  /** The operator's own commands. */
  commands: readonly OwnCommand[];
  /** True where the terminal reports its mouse; a key switches it. */
  mouse: boolean;
  /** True where the terminal rings for new alarms. */
  bell: boolean;
  /** True where the rack is simulated, and its mains can be switched here. */
  demo: boolean;
}

/** Panes beside the map; `auto`: as many as the terminal has room for. */
export const PRESETS = ['auto', 'map', 'console', 'detail', 'all'] as const;
export type Preset = (typeof PRESETS)[number];

/** Size of a node's cell; `auto`: the largest that shows the whole rack. */
export const CELL_SIZES = ['auto', 'full', 'line', 'glyph'] as const;
export type CellSize = (typeof CELL_SIZES)[number];

/** Views of the rack's nodes: as the rack is built, as a table, or by their consoles. */
export const MAIN_VIEWS = ['map', 'table', 'glance'] as const;
export type MainView = (typeof MAIN_VIEWS)[number];

/** Spans of the charts in the detail pane. */
export const SPANS = ['minutes', 'hour', 'day'] as const;
export type Span = (typeof SPANS)[number];
export const SPAN_MS: Record<Span, number> = { minutes: 300_000, hour: 3_600_000, day: 86_400_000 };

/** Times that the map's strips show. */
export const WINDOWS = ['minute', 'minutes', 'hour', 'day'] as const;
export type Window = (typeof WINDOWS)[number];
export const WINDOW_MS: Record<Window, number> = {
  minute: 60_000,
  minutes: 300_000,
  hour: 3_600_000,
  day: 86_400_000,
};
export const WINDOW_WORDS: Record<Window, string> = { minute: '60 s', minutes: '5 min', hour: '60 min', day: '24 h' };

/** Scale of the map's strips: one for all nodes, so that they compare, or each node's own. */
export const SCALES = ['rack', 'node'] as const;
export type Scale = (typeof SCALES)[number];

/** Values that colour the map's cells. */
export const HEATS = ['state', 'current', 'fan', 'age', 'cluster', 'alarm'] as const;
export type Heat = (typeof HEATS)[number];
export const HEAT_WORDS: Record<Heat, string> = {
  state: 'state',
  current: 'current',
  fan: 'fan',
  age: 'age of the reading',
  cluster: 'cluster',
  alarm: 'alarm',
};

/** The operator's view of the rack. Kept across runs. */
export interface View {
  main: MainView;
  table: TableView;
  preset: Preset;
  cells: CellSize;
  /** Columns of a console beside the map after a drag; null: from the layout. */
  split: number | null;
  /** Rows of a console below the map after a drag; null: from the layout. */
  splitRows: number | null;
  span: Span;
  window: Window;
  scale: Scale;
  heat: Heat;
  /** False until the tour was opened: the demo offers it. */
  toured: boolean;
}

export const USUAL_VIEW: View = {
  ...{ main: 'map', table: USUAL_TABLE, preset: 'auto', cells: 'auto', split: null, splitRows: null },
  ...{ span: 'minutes', window: 'minute', scale: 'rack', heat: 'state', toured: false },
};

export const PRESET_WORDS: Record<Preset, string> = {
  auto: 'automatic',
  map: 'map',
  console: 'map and console',
  detail: 'map and detail',
  all: 'map, console and detail',
};

/** Reads a view stored by an earlier run; unknown values get their defaults. */
export function viewFrom(json: unknown): View {
  const value = typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  return {
    main: MAIN_VIEWS.find((one) => one === value['main']) ?? USUAL_VIEW.main,
    table: tableViewFrom(value['table']),
    preset: PRESETS.find((one) => one === value['preset']) ?? USUAL_VIEW.preset,
    cells: CELL_SIZES.find((one) => one === value['cells']) ?? USUAL_VIEW.cells,
    split: wholeNumber(value['split']),
    splitRows: wholeNumber(value['splitRows']),
    span: SPANS.find((one) => one === value['span']) ?? USUAL_VIEW.span,
    window: WINDOWS.find((one) => one === value['window']) ?? USUAL_VIEW.window,
    scale: SCALES.find((one) => one === value['scale']) ?? USUAL_VIEW.scale,
    heat: HEATS.find((one) => one === value['heat']) ?? USUAL_VIEW.heat,
    toured: value['toured'] === true,
  };
}

const wholeNumber = (value: unknown): number | null => (Number.isInteger(value) ? Number(value) : null);

/** `lost` keeps reason and time (server's clock), so that old values do not look current. */
export type Link = { kind: 'connected' } | { kind: 'lost'; since: number; why: string };

/** A message to the operator from `at` to `until`, server's clock. */
export interface Notice {
  level: 'info' | 'warning' | 'error';
  text: string;
  at: number;
  until: number;
}

export interface State {
  settings: Settings;
  racks: RackTabs;
  size: { cols: number; rows: number };
  /** The server's steady clock, estimated. */
  now: number;
  serverTime: ServerTime;
  /** Lead of the operator's date over the server's steady clock, ms: only for times of day. */
  dateAhead: number;
  link: Link;
  session: number;
  access: Access;
  rack: Inventory;
  intervalMs: number;
  bus: BusStatus;
  /** State of the configuration file beside the configuration in force. */
  config: ConfigStatus;
  /** The supply, and the present or the last outage. */
  outage: OutageStatus;
  nodes: ReadonlyMap<Address, NodeState>;
  strips: Strips;
  console: ConsoleState | null;
  sessions: readonly Session[];
  operations: readonly Operation[];
  /** Runs of plans, oldest first. */
  runs: readonly PlanRun[];
  /** Ids of dismissed results: operations and runs. */
  dismissed: ReadonlySet<string>;
  events: readonly EventRecord[];
  /** Active alarms, and those that are not acknowledged; oldest first. */
  alarms: readonly Alarm[];
  focus: 'map' | 'console';
  zoom: boolean;
  /** True while the operator's terminal has the keyboard, as it reports itself. */
  terminalFocused: boolean;
  view: View;
  detail: Detail;
  cursor: Address;
  /** Selected column of the table. */
  column: ColumnId;
  marks: ReadonlySet<Address>;
  /** The last marked node, where a range begins. */
  lastMark: Address | null;
  /** Words that nodes must match to be shown (see filter.ts); '': all. */
  filter: string;
  /** The line between map and console is held by the mouse, where they are side by side or one above the other. */
  drag: 'beside' | 'above' | null;
  /** First digit of an address typed on the map, and its time. */
  digit: { text: string; at: number } | null;
  pane: ConsolePane;
  last: LastScreens;
  glances: Glances;
  overlay: Overlay | null;
  program: OwnProgram | null;
  lineRun: LineRun | null;
  /** Ids of the last choices in the palette, the latest first. */
  recent: readonly string[];
  notice: Notice | null;
  /** Time of the last ring for an alarm, server's clock. */
  rangAt: number;
  /** The next identity of a dialog: it distinguishes answers from those for a dialog that was closed. */
  nextId: number;
}

/** Events kept for the event lines and the detail pane. */
export const EVENTS = 200;

/** Makes the first state. `local`: steady clock at the welcome; `dateAhead`: lead of the date over it, ms. */
export function initialState(
  welcome: Welcome,
  size: State['size'],
  local: number,
  dateAhead: number,
  viewOnly: boolean,
  settings: Settings,
): State {
  const { snapshot } = welcome;
  return {
    settings,
    racks: { names: [snapshot.rack.name], index: 0, shown: true },
    size,
    now: snapshot.now,
    serverTime: nextServerTime(null, snapshot.now, local),
    dateAhead: local + dateAhead - snapshot.now,
    link: { kind: 'connected' },
    session: welcome.session,
    access: viewOnly ? 'view' : welcome.access,
    rack: snapshot.rack,
    intervalMs: snapshot.intervalMs,
    bus: snapshot.bus,
    config: snapshot.config,
    outage: snapshot.outage,
    nodes: new Map(snapshot.nodes.map((node) => [node.addr, node])),
    strips: NO_STRIPS,
    console: snapshot.console,
    sessions: snapshot.sessions,
    operations: snapshot.operations,
    runs: [],
    dismissed: new Set(),
    events: snapshot.events.slice(-EVENTS),
    alarms: snapshot.alarms,
    focus: 'map',
    zoom: false,
    terminalFocused: true,
    view: USUAL_VIEW,
    detail: NO_DETAIL,
    cursor: snapshot.bus.master ?? snapshot.rack.nodes[0]?.addr ?? 0,
    column: 'name',
    marks: new Set(),
    lastMark: null,
    filter: '',
    drag: null,
    digit: null,
    pane: NO_CONSOLE,
    last: NO_LAST_SCREEN,
    glances: NO_GLANCES,
    overlay: null,
    program: null,
    lineRun: null,
    ...{ recent: [], notice: null, rangAt: 0, nextId: 1 },
  };
}

/** Returns whether the rack's server was never reached, so that not even its nodes are known. */
export function isUnreached({ link, rack }: State): boolean {
  return link.kind === 'lost' && rack.nodes.length === 0;
}

export function nameOf(state: State, addr: Address): string {
  return nodeAt(state.rack, addr)?.name ?? `node-${addr.toString(16).padStart(2, '0')}`;
}

/** Returns the alarms that are not acknowledged yet. */
export function unseenAlarms(state: State): readonly Alarm[] {
  return state.alarms.filter((alarm) => alarm.acknowledged === null);
}
