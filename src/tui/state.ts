/** Everything the interface knows. Plain, immutable data: the same state paints the same frame. */
import type { PlanRun } from '../api/plan.ts';
import type { BusLogEntry } from '../api/bus.ts';
import type { Operation, PowerCheck, PowerRequest, Verb } from '../api/power.ts';
import type { Access, BusStatus, ConsoleState, EventRecord, Session, Snapshot, Welcome } from '../api/protocol.ts';
import type { Address } from '../rack/address.ts';
import type { Alarm } from '../rack/alarm-book.ts';
import type { Inventory } from '../rack/inventory.ts';
import type { Reading } from '../rack/reading.ts';
import type { PaletteContext } from './command-list.ts';
import type { EmergencyPanel } from './state-plans.ts';
import { NO_DETAIL, type Detail } from './state-detail.ts';
import { USUAL_VIEW, type View } from './state-view.ts';

export interface NodeView {
  reading: Reading;
  /** [current, fan] counts, oldest first, one entry a sweep; null: asked and not answered. */
  history: readonly ([number, number] | null)[];
  /** When the last entry of the history was made, server's clock. */
  historyAt: number;
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
  /** Consoles at which a paste goes without brackets although the program asks for them. */
  plainPaste: ReadonlySet<Address>;
  /** In the pane's border: blocked keys, who took the keyboard, a gap. */
  notice: Notice | null;
}

/** Nothing may confirm a dialog that the operator has not seen for a moment. */
export type Shown = { kind: 'pending' } | { kind: 'painted'; at: number };

/** Typed into a dialog's field so far, and where the focus is. */
export interface Field {
  text: string;
  focus: 'cancel' | 'field';
}

export interface PowerDialog {
  kind: 'power';
  id: number;
  request: PowerRequest;
  check:
    | { kind: 'running' }
    /** `again`: an answer to replace this one is on its way. */
    | { kind: 'done'; at: number; answer: PowerCheck; again: boolean }
    /** The check itself failed: the reason in words. */
    | { kind: 'failed'; why: string };
  field: Field;
  shown: Shown;
  /** Said after something was discarded or did not match. */
  remark: string | null;
  /** The request is on its way: nothing more may be typed. */
  sent: boolean;
}

export type Overlay =
  /** All racks at a glance; which of them is chosen. */
  | { kind: 'racks'; index: number }
  | { kind: 'help'; scroll: number; from: 'map' | 'console' }
  /** Every command and every node, by a few letters; `from`: where it was opened. */
  | { kind: 'palette'; text: string; index: number; from: PaletteContext }
  /** The filter is being typed; what it was before, and where the cursor stood. */
  | { kind: 'filter'; before: string; cursor: Address }
  /** The list of consoles: what was typed, and which of those that are left is chosen. */
  | { kind: 'consoles'; text: string; index: number }
  | { kind: 'people'; index: number }
  /** A note into the console's log, being typed. */
  | { kind: 'note'; text: string }
  | { kind: 'menu'; targets: Targets; index: number }
  | PowerDialog
  /** Another operator has the console open on another node. */
  | { kind: 'takeover'; id: number; addr: Address; console: ConsoleState; shown: Shown }
  /** More than a kilobyte pasted. */
  | { kind: 'paste'; id: number; addr: Address; bytes: Uint8Array; removed: number; shown: Shown }
  | EmergencyPanel
  /** `scroll`: lines below the selected operation's first. */
  | { kind: 'operations'; selected: number; scroll: number; prompt: OperationPrompt | null }
  /** Ids of the selection survive new alarms coming in. `past`: those that are over and were seen, instead; null: not asked for. */
  | { kind: 'alarms'; selected: number | null; past: readonly Alarm[] | null }
  /** Exchanges, oldest first. `back`: entries between the last one shown and the latest; 0 follows. */
  | { kind: 'bus'; id: number; entries: readonly BusLogEntry[]; back: number; hand: ByHand };

/** Bytes by hand for one BIOS; `target` null: the master's. `shown` and what is typed end with each step. */
export type ByHand =
  /** `said`: what came back for the last ones, or why they were refused; null: none yet. */
  | { is: 'idle'; said: { ok: boolean; text: string } | null }
  | { is: 'typing'; target: Address | null; text: string }
  /** It can switch, connect or close, says `why`: the target's name must be typed. */
  | { is: 'confirming'; target: Address | null; text: string; why: string; field: string; shown: Shown }
  | { is: 'sent'; target: Address | null; text: string };

/** Inside the operations panel: an abort to confirm, or a dangerous answer whose text must be typed. */
export type OperationPrompt =
  | { kind: 'abort'; id: string; shown: Shown }
  | { kind: 'answer'; id: string; addr: Address; choice: string; confirm: string; field: Field; shown: Shown };

/** What a verb would be for. */
export interface Targets {
  nodes: readonly Address[];
  label: string;
}

/** `map power` → the keys that the operator wants for it (see bindings.ts). */
export type KeyOverrides = ReadonlyMap<string, readonly string[]>;

/** The operator's own wishes, from the configuration. */
export interface Settings {
  keys: KeyOverrides;
  /** The terminal reports its mouse to us; a key switches it. */
  mouse: boolean;
  /** The terminal rings for new alarms. */
  bell: boolean;
}

export const DEFAULT_SETTINGS: Settings = { keys: new Map(), mouse: false, bell: false };

export interface State {
  settings: Settings;
  /** All racks that this interface shows, in their order, and which of them this is. */
  racks: { names: readonly string[]; index: number };
  size: { cols: number; rows: number };
  /** Server's clock, epoch milliseconds. */
  now: number;
  /** Server's clock minus ours. */
  clockOffset: number;
  utcOffsetMin: number;
  link: Link;
  session: number;
  access: Access;
  rack: Inventory;
  intervalMs: number;
  bus: BusStatus;
  nodes: ReadonlyMap<Address, NodeView>;
  console: ConsoleState | null;
  sessions: readonly Session[];
  operations: readonly Operation[];
  /** Runs of plans, oldest first. */
  runs: readonly PlanRun[];
  /** Results the operator has put away: operations and runs. */
  dismissed: ReadonlySet<string>;
  events: readonly EventRecord[];
  /** Those that last, and those that nobody has acknowledged; oldest first. */
  alarms: readonly Alarm[];
  focus: 'map' | 'console';
  zoom: boolean;
  view: View;
  detail: Detail;
  cursor: Address;
  marks: ReadonlySet<Address>;
  /** Marked last, where a range begins. */
  lastMark: Address | null;
  /** Words that nodes must match to be shown (see filter.ts); '': all. */
  filter: string;
  /** The line between map and console is held by the mouse. */
  drag: boolean;
  /** First digit of an address typed on the map, and when. */
  digit: { text: string; at: number } | null;
  pane: ConsolePane;
  overlay: Overlay | null;
  /** Ids of what was last chosen in the palette, the latest first. */
  recent: readonly string[];
  notice: Notice | null;
  /** When the terminal last rang for an alarm, server's clock. */
  rangAt: number;
  /** For identities of dialogs: an answer for a dialog that was closed meanwhile is nobody's. */
  nextId: number;
}

/** Points of history kept a node: what the widest sparkline shows. */
export const HISTORY = 60;
/** Events kept for the event lines and the detail pane. */
export const EVENTS = 200;

export function nodesOf(snapshot: Snapshot): Map<Address, NodeView> {
  return new Map(
    snapshot.nodes.map((node) => [
      node.addr,
      {
        reading: node.reading,
        history: (node.history ?? []).slice(-HISTORY),
        historyAt: node.reading.state === 'ok' ? node.reading.sample.at : snapshot.now,
        alarms: node.alarms,
        op: node.op,
      },
    ]),
  );
}

/** `local` is this machine's clock at the moment of the welcome. */
export function initialState(
  welcome: Welcome,
  size: State['size'],
  local: number,
  utcOffsetMin: number,
  viewOnly: boolean,
  settings: Settings = DEFAULT_SETTINGS,
): State {
  const { snapshot } = welcome;
  return {
    settings,
    racks: { names: [snapshot.rack.name], index: 0 },
    size,
    now: snapshot.now,
    clockOffset: snapshot.now - local,
    utcOffsetMin,
    link: { kind: 'connected' },
    session: welcome.session,
    access: viewOnly ? 'view' : welcome.access,
    rack: snapshot.rack,
    intervalMs: snapshot.intervalMs,
    bus: snapshot.bus,
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
    view: USUAL_VIEW,
    detail: NO_DETAIL,
    cursor: snapshot.bus.master ?? snapshot.rack.nodes[0]?.addr ?? 0,
    marks: new Set(),
    lastMark: null,
    filter: '',
    drag: false,
    digit: null,
    pane: {
      attachment: { kind: 'none' },
      kept: new Map(),
      shown: null,
      previous: null,
      chord: { kind: 'idle' },
      pasting: null,
      look: null,
      plainPaste: new Set(),
      notice: null,
    },
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

/** What a verb would act on: the marked nodes, or the selected one. */
export function targetsOf(state: State): Targets {
  if (state.marks.size === 0) return { nodes: [state.cursor], label: nameOf(state, state.cursor) };
  const nodes = [...state.marks].sort((a, b) => a - b);
  const [only] = nodes;
  return nodes.length === 1 && only !== undefined
    ? { nodes, label: nameOf(state, only) }
    : { nodes, label: markedLabel(state, nodes) };
}

/** `row:A` where exactly a blade's nodes are marked, else `marked`: the label is part of what must be typed. */
function markedLabel(state: State, nodes: readonly Address[]): string {
  const rows = new Set(nodes.map((addr) => Math.floor(addr / 4)));
  const [row] = rows;
  if (rows.size !== 1 || row === undefined) return nodes.length === state.rack.nodes.length ? 'all' : 'marked';
  const blade = state.rack.nodes.filter((node) => Math.floor(node.addr / 4) === row);
  return blade.length === nodes.length ? `row:${String.fromCharCode(65 + row)}` : 'marked';
}

/** Alarms that nobody has acknowledged yet. */
export function unseenAlarms(state: State): readonly Alarm[] {
  return state.alarms.filter((alarm) => alarm.acknowledged === null);
}

/** Operations to show: running ones, and ended ones until they were put away. */
export function shownOperations(state: State): readonly Operation[] {
  return state.operations.filter((operation) => operation.endedAt === null || !state.dismissed.has(operation.id));
}

export function isTyping(state: State): boolean {
  return state.focus === 'console' && state.pane.attachment.kind === 'joined' && state.pane.attachment.role === 'types';
}

export const VERBS: readonly { verb: Verb; key: string; label: string; about: string }[] = [
  { verb: 'on', key: 'o', label: 'On', about: 'switch on' },
  { verb: 'off', key: 's', label: 'Off', about: 'shut the system down, wait for proof, then cut' },
  { verb: 'cycle', key: 'c', label: 'Cycle', about: 'shut down, cut, pause, switch on' },
  { verb: 'force-off', key: 'f', label: 'Force off', about: 'cut power NOW; what is not on disk is lost' },
  { verb: 'force-cycle', key: 'h', label: 'Force cycle', about: 'cut power NOW, pause, switch on' },
];
