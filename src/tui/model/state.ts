/** Everything the interface knows. Plain, immutable data: the same state paints the same frame. */
import type { ConfigStatus } from '../../api/configuration.ts';
import type { Access, BusStatus, ConsoleState, EventRecord, Session, Snapshot, Welcome } from '../../api/methods.ts';
import type { NodeDetail, SeenScreen } from '../../api/node.ts';
import type { OutageStatus } from '../../api/outage.ts';
import type { PlanRun } from '../../api/plans.ts';
import type { Operation } from '../../api/power.ts';
import { heardTime, type ServerTime } from '../../client/client.ts';
import type { Address } from '../../rack/address.ts';
import type { Alarm } from '../../rack/alarms.ts';
import type { Inventory } from '../../rack/inventory.ts';
import type { Reading } from '../../rack/reading.ts';
import type { SystemState } from '../../rack/system-state.ts';
import type { KeyTable } from './keys.ts';
import type { Overlay } from './overlays.ts';

/** What is known of the last screen of the node that the pane is about; the screen itself is in an emulator. */
export interface LastScreens {
  asked: { addr: Address; at: number } | null;
  /** `now`: when it was answered, server's clock. */
  answer: { addr: Address; now: number; seen: Omit<SeenScreen, 'cols' | 'rows' | 'screen'> | null } | null;
  /** Why there is no answer, in words. */
  failed: string | null;
}

export const NO_LAST_SCREEN: LastScreens = { asked: null, answer: null, failed: null };

/** The chord after the console's prefix. `hex`: the first digit of an address was typed. */
export type Chord = { kind: 'idle' } | { kind: 'prefix' } | { kind: 'hex'; digit: string };

/** The console we are in, as the server granted it. */
export type Attachment =
  | { kind: 'none' }
  | { kind: 'joining'; addr: Address; from: Address | null }
  | { kind: 'joined'; addr: Address; role: 'types' | 'watches' };

/** What is kept of a console that was attached: its emulator lives in the runtime. */
export interface Kept {
  cols: number;
  rows: number;
  /** When we left it, server's clock; null while attached. */
  leftAt: number | null;
  /** Why, where it was not our own doing. */
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

/** Copy mode: lines count from the oldest kept one, columns from 0. The emulator stands still meanwhile. */
export interface Look {
  addr: Address;
  /** What there is to look at. */
  length: number;
  cols: number;
  /** The cursor, and the first line shown. */
  x: number;
  y: number;
  top: number;
  anchor: { x: number; y: number } | null;
  /** The place that was found, while the cursor is on it. */
  match: { x: number; y: number; width: number } | null;
  /** Being typed; null: not searching. */
  query: string | null;
  last: string;
}

/** Where this interface is attached, what is kept of consoles that were left, and copy mode. */
export interface ConsolePane {
  attachment: Attachment;
  kept: ReadonlyMap<Address, Kept>;
  /** Whose screen the pane shows: attached, or the last one left. */
  shown: Address | null;
  /** The console before this one: prefix Tab. */
  previous: Address | null;
  chord: Chord;
  pasting: Pasting | null;
  look: Look | null;
  /** The node whose program was told that it has the focus, if it wanted to know; null: none. */
  focusTold: Address | null;
  /** Consoles at which a paste goes without brackets although the program asks for them. */
  plainPaste: ReadonlySet<Address>;
  /** In the pane's border: blocked keys, who took the keyboard, a gap. */
  notice: Notice | null;
}

const NO_CONSOLE: ConsolePane = {
  attachment: { kind: 'none' },
  kept: new Map(),
  shown: null,
  previous: null,
  chord: { kind: 'idle' },
  pasting: null,
  look: null,
  focusTold: null,
  plainPaste: new Set(),
  notice: null,
};

/** What the detail pane knows of nodes beyond what all clients get. */
export interface Detail {
  /** The latest answer; shown only while its node is the selected one. */
  answer: NodeDetail | null;
  /** A question on its way: only one is, however fast the cursor moves. */
  asked: { at: number } | null;
  /** Why there is no answer, in words. */
  failed: string | null;
  /** UIDs as their BMCs sent them, or why not. */
  uids: ReadonlyMap<Address, string>;
}

const NO_DETAIL: Detail = { answer: null, asked: null, failed: null, uids: new Map() };

/** The operator's own wishes, from the configuration. */
export interface Settings {
  /** With the operator's own keys in it. */
  keys: KeyTable<State>;
  /** The terminal reports its mouse to us; a key switches it. */
  mouse: boolean;
  /** The terminal rings for new alarms. */
  bell: boolean;
  /** The rack is simulated, and its mains are ours to switch. */
  demo: boolean;
}

/** Which panes stand beside the map; `auto`: as many as the terminal has room for. */
export const PRESETS = ['auto', 'map', 'console', 'detail', 'all'] as const;
export type Preset = (typeof PRESETS)[number];

/** How much of a node the map shows; `auto`: as much as lets the whole rack be seen. */
export const CELL_SIZES = ['auto', 'full', 'line', 'glyph'] as const;
export type CellSize = (typeof CELL_SIZES)[number];

/** Of the charts in the detail pane. */
export const SPANS = ['minutes', 'hour', 'day'] as const;
export type Span = (typeof SPANS)[number];
export const SPAN_MS: Record<Span, number> = { minutes: 300_000, hour: 3_600_000, day: 86_400_000 };

/** How the operator wants to look at the rack. Kept across runs. */
export interface View {
  preset: Preset;
  cells: CellSize;
  /** Columns of a console beside the map, as it was dragged; null: as the layout has it. */
  split: number | null;
  /** Rows of a console below the map, as it was dragged; null: as the layout has it. */
  splitRows: number | null;
  span: Span;
}

export const USUAL_VIEW: View = { preset: 'auto', cells: 'auto', split: null, splitRows: null, span: 'minutes' };

export const PRESET_WORDS: Record<Preset, string> = {
  auto: 'as the terminal has room',
  map: 'map',
  console: 'map and console',
  detail: 'map and detail',
  all: 'map, console and detail',
};

/** What a file of an earlier run says, as far as it can be understood. */
export function viewFrom(json: unknown): View {
  const said = typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  return {
    preset: PRESETS.find((one) => one === said['preset']) ?? USUAL_VIEW.preset,
    cells: CELL_SIZES.find((one) => one === said['cells']) ?? USUAL_VIEW.cells,
    split: wholeNumber(said['split']),
    splitRows: wholeNumber(said['splitRows']),
    span: SPANS.find((one) => one === said['span']) ?? USUAL_VIEW.span,
  };
}

const wholeNumber = (said: unknown): number | null => (Number.isInteger(said) ? Number(said) : null);

export interface NodeView {
  reading: Reading;
  /** [current, fan] counts, oldest first, one entry a sweep; null: asked and not answered. */
  history: readonly ([number, number] | null)[];
  /** When the last entry of the history was made, server's clock. */
  historyAt: number;
  /** What is known of its operating system; null: it has no power. */
  system: SystemState | null;
  alarms: readonly string[];
  op: string | null;
}

/** `lost` keeps why and since when (server's clock), so that nothing old passes for present. */
export type Link = { kind: 'connected' } | { kind: 'lost'; since: number; why: string };

/** Something said to the operator, until `until` (server's clock) or until a key. */
export interface Notice {
  level: 'info' | 'warning' | 'error';
  text: string;
  until: number;
}

export interface State {
  settings: Settings;
  /** All racks of this interface, in their order, which of them this is, and whether it is the one on the screen. */
  racks: { names: readonly string[]; index: number; shown: boolean };
  size: { cols: number; rows: number };
  /** The server's steady clock, as far as this one can tell it. */
  now: number;
  serverTime: ServerTime;
  /** How far the operator's date is ahead of the server's steady clock, ms: only for what is shown as a time of day. */
  dateAhead: number;
  link: Link;
  session: number;
  access: Access;
  rack: Inventory;
  intervalMs: number;
  bus: BusStatus;
  /** The server's configuration beside its file. */
  config: ConfigStatus;
  /** The supply, and the outage that is under way or was the last. */
  outage: OutageStatus;
  nodes: ReadonlyMap<Address, NodeView>;
  console: ConsoleState | null;
  sessions: readonly Session[];
  operations: readonly Operation[];
  /** Runs of plans, oldest first. */
  runs: readonly PlanRun[];
  /** Results the operator has put away: operations and runs. */
  dismissed: ReadonlySet<string>;
  events: readonly EventRecord[];
  /** Those that last, and those that are not acknowledged; oldest first. */
  alarms: readonly Alarm[];
  focus: 'map' | 'console';
  zoom: boolean;
  /** The operator's terminal has the keyboard, as it says itself. */
  terminalFocused: boolean;
  view: View;
  detail: Detail;
  cursor: Address;
  marks: ReadonlySet<Address>;
  /** Marked last, where a range begins. */
  lastMark: Address | null;
  /** Words that nodes must match to be shown (see filter.ts); '': all. */
  filter: string;
  /** The line between map and console is held by the mouse, where they stand side by side or one above the other. */
  drag: 'beside' | 'above' | null;
  /** First digit of an address typed on the map, and when. */
  digit: { text: string; at: number } | null;
  pane: ConsolePane;
  last: LastScreens;
  overlay: Overlay | null;
  /** Ids of what was last chosen in the palette, the latest first. */
  recent: readonly string[];
  notice: Notice | null;
  /** When the terminal last rang for an alarm, server's clock. */
  rangAt: number;
  /** The next identity of a dialog: it tells answers from those for a dialog that was closed. */
  nextId: number;
}

/** Points of history kept a node: what the widest sparkline shows. */
export const HISTORY = 60;
/** Events kept for the event lines and the detail pane. */
export const EVENTS = 200;

function nodesOf(snapshot: Snapshot): Map<Address, NodeView> {
  return new Map(
    snapshot.nodes.map((node) => [
      node.addr,
      {
        reading: node.reading,
        history: (node.history ?? []).slice(-HISTORY),
        historyAt: node.reading.state === 'ok' ? node.reading.sample.at : snapshot.now,
        system: node.system,
        alarms: node.alarms,
        op: node.op,
      },
    ]),
  );
}

/** `local` is this machine's steady clock at the moment of the welcome, `dateAhead` how far the date is ahead of it. */
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
    serverTime: heardTime(null, snapshot.now, local),
    dateAhead: local + dateAhead - snapshot.now,
    link: { kind: 'connected' },
    session: welcome.session,
    access: viewOnly ? 'view' : welcome.access,
    rack: snapshot.rack,
    intervalMs: snapshot.intervalMs,
    bus: snapshot.bus,
    config: snapshot.config,
    outage: snapshot.outage,
    nodes: nodesOf(snapshot),
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
    marks: new Set(),
    lastMark: null,
    filter: '',
    drag: null,
    digit: null,
    pane: NO_CONSOLE,
    last: NO_LAST_SCREEN,
    overlay: null,
    recent: [],
    notice: null,
    rangAt: 0,
    nextId: 1,
  };
}

export function nameOf(state: State, addr: Address): string {
  return state.rack.nodes.find((node) => node.addr === addr)?.name ?? `node-${addr.toString(16).padStart(2, '0')}`;
}

/** Alarms that are not acknowledged yet. */
export function unseenAlarms(state: State): readonly Alarm[] {
  return state.alarms.filter((alarm) => alarm.acknowledged === null);
}
