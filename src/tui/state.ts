/** Everything the interface knows. Plain, immutable data: the same state paints the same frame. */
import type { ConfigStatus } from '../api/configuration.ts';
import type { OutageStatus } from '../api/outage.ts';
import type { PlanRun } from '../api/plan.ts';
import type { Operation } from '../api/power.ts';
import type { Access, BusStatus, ConsoleState, EventRecord, Session, Snapshot, Welcome } from '../api/protocol.ts';
import { heardTime, type ServerTime } from '../client/server-time.ts';
import type { Address } from '../rack/address.ts';
import type { Alarm } from '../rack/alarm-book.ts';
import { NO_LAST_SCREEN, type LastScreens } from './state-last-screen.ts';
import type { Inventory } from '../rack/inventory.ts';
import type { Reading } from '../rack/reading.ts';
import type { SystemState } from '../rack/system.ts';
import { NO_CONSOLE, type ConsolePane } from './state-console.ts';
import { NO_DETAIL, type Detail } from './state-detail.ts';
import type { Overlay } from './state-overlay.ts';
import { DEFAULT_SETTINGS, type Settings } from './state-settings.ts';
import { USUAL_VIEW, type View } from './state-view.ts';

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
  /** Those that last, and those that nobody has acknowledged; oldest first. */
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
  settings: Settings = DEFAULT_SETTINGS,
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

/** Alarms that nobody has acknowledged yet. */
export function unseenAlarms(state: State): readonly Alarm[] {
  return state.alarms.filter((alarm) => alarm.acknowledged === null);
}

/** Operations to show: running ones, and ended ones until they were put away. */
export function shownOperations(state: State): readonly Operation[] {
  return state.operations.filter((operation) => operation.endedAt === null || !state.dismissed.has(operation.id));
}
