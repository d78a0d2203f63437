/** Events and effects of the interface, as plain data. */
import type { BusLogEntry, RawAnswer } from '../../api/bus.ts';
import type { ConsoleJoined, ConsoleState, ServerNotes, Welcome } from '../../api/methods.ts';
import type {
  ConsoleGlances,
  DetailRequest,
  HistoryRequest,
  LastScreen,
  NodeDetail,
  RackHistory,
} from '../../api/node.ts';
import type { UpsHistoryAnswer, UpsHistoryRequest } from '../../api/outage.ts';
import type { PlanList, PlanPreview, PlanRun, PlanRunRequest } from '../../api/plans.ts';
import type { Operation, PowerCheck, PowerRequest } from '../../api/power.ts';
import type { CommandRun } from '../../api/shell.ts';
import type { LineTime } from '../../console/line-times.ts';
import type { Address } from '../../rack/address.ts';
import type { Alarm } from '../../rack/alarms.ts';
import { NARROW_PART, PART_MS } from '../canvas/box.ts';
import type { Target } from '../canvas/frame.ts';
import type { Pointer } from '../console/key-encoding.ts';
import type { Token } from '../terminal/tokenizer.ts';
import type { FleetEffect, FleetEvent } from './fleet-plans.ts';
import type { Notice, State, View } from './state.ts';

/** A request that the server refused or could not answer. */
export interface RequestError {
  code: number;
  message: string;
  data: unknown;
}

/** `local` times are this machine's steady clock, `dateAhead` how far the operator's date is ahead of it, ms. */
export type UiEvent =
  /**
   * `burst`: number of keys in the same read; `target`: target under the mouse in the frame that was seen; `fleet`: all
   * racks, in the order of the tabs; absent: this one alone.
   */
  | {
      type: 'token';
      token: Token;
      burst: number;
      local: number;
      target?: Target | null;
      fleet?: readonly State[];
    }
  | { type: 'tick'; local: number; dateAhead: number }
  /** A node of this rack was chosen in a view of all racks; `attach`: its console; `power`: the power menu. */
  | { type: 'go'; addr: Address; attach: boolean; power?: true }
  /** Nodes of this rack were marked or unmarked in a view of all racks. */
  | { type: 'marks'; marks: ReadonlySet<Address>; lastMark: Address | null }
  /** Order, columns and heat were chosen in a view of all racks. */
  | { type: 'view'; table: View['table']; heat: View['heat'] }
  /** A table of all racks has the nodes of this one; `lines`: those whose consoles' last lines it shows. */
  | { type: 'listed'; lines: readonly Address[] }
  /** This rack was shown (`on`) or hidden. */
  | { type: 'shown'; on: boolean; local: number }
  | FleetEvent
  | { type: 'resize'; cols: number; rows: number }
  /** The frame with the overlay (or its prompt) is on the terminal. */
  | { type: 'painted'; local: number }
  /** Mouse reports were switched on or off, from whichever rack was shown. */
  | { type: 'mouse'; on: boolean }
  /** A turn of the wheel that the node's program did not request. */
  | { type: 'wheel'; addr: Address; way: 'up' | 'down' }
  /** The pane was scrolled back beyond the kept lines of that console. */
  | { type: 'scroll-limit'; addr: Address; lines: number }
  | { type: 'update'; note: ServerNotes['update']; local: number }
  | { type: 'rack'; note: ServerNotes['rack'] }
  | { type: 'operation'; note: Operation }
  | { type: 'event'; note: ServerNotes['event'] }
  | { type: 'console.data'; addr: Address; at: number; data: string }
  | { type: 'console.note'; note: ServerNotes['console.note'] }
  /** This client was too slow: the present screen, and the number of the node's bytes that were dropped. */
  | { type: 'console.resync'; note: ServerNotes['console.resync'] }
  | { type: 'attached'; joined: ConsoleJoined }
  | { type: 'attach-failed'; addr: Address; error: RequestError }
  | { type: 'took'; console: ConsoleState }
  /** Copy mode begins: length of the text and the node's cursor. */
  | { type: 'looking'; addr: Address; length: number; cols: number; x: number; y: number; search: boolean }
  | { type: 'found'; at: { x: number; y: number; width: number } | null }
  /** Copy mode had to end. */
  | { type: 'look-over'; why: string }
  /** Copied or saved; otherwise the reason. */
  | { type: 'taken-out'; ok: boolean; text: string }
  /** The keyboard was transferred to another session. */
  | { type: 'gave'; console: ConsoleState }
  | { type: 'pasted'; sent: number; total: number }
  /** `why`: the reason where the paste did not reach its end. */
  | { type: 'paste-ended'; sent: number; total: number; why: string | null }
  | { type: 'checked'; dialog: number; answer: PowerCheck }
  | { type: 'check-failed'; dialog: number; error: RequestError }
  | { type: 'started'; dialog: number | null; operation: Operation }
  | { type: 'start-failed'; dialog: number | null; error: RequestError }
  | { type: 'plan'; note: PlanRun }
  /** Answers for the emergency panel with this identity; 0: for none, only the runs were requested. */
  | { type: 'plans-listed'; panel: number; list: PlanList }
  | { type: 'plans-failed'; panel: number; error: RequestError }
  | { type: 'plan-shown'; panel: number; preview: PlanPreview }
  | { type: 'plan-show-failed'; panel: number; name: string; error: RequestError }
  | { type: 'plan-started'; panel: number; run: PlanRun }
  | { type: 'plan-start-failed'; panel: number; error: RequestError }
  /** Any other request that failed: shown in the notice line. */
  | { type: 'failed'; what: string; error: RequestError }
  | { type: 'past-alarms'; past: readonly Alarm[] }
  /** More of the bus log, for the pane that requested it. */
  | { type: 'bus-log'; pane: number; entries: readonly BusLogEntry[] }
  /** Reply of a BIOS to a raw command, or the reason why it was not sent. */
  | { type: 'raw-answered'; pane: number; answer: RawAnswer }
  | { type: 'raw-refused'; pane: number; error: RequestError }
  /** History of a UPS up to now, for the pane that requested it. */
  | { type: 'ups-history'; pane: number; answer: UpsHistoryAnswer }
  | { type: 'ups-history-failed'; pane: number; error: RequestError }
  /** The simulated mains were switched. */
  | { type: 'mains-switched'; on: boolean }
  | { type: 'detail'; answer: NodeDetail }
  /** The history of all nodes for the map's strips. */
  | { type: 'rack-history'; answer: RackHistory }
  | { type: 'detail-failed'; error: RequestError }
  | { type: 'last-screen'; answer: LastScreen }
  | { type: 'last-screen-failed'; addr: Address; error: RequestError }
  /** `rows`: number of lines that was requested. */
  | { type: 'glances'; answer: ConsoleGlances; rows: number }
  | { type: 'glances-failed'; error: RequestError }
  /** A UID as a BMC sent it; null: none, for the reason `why`. */
  | { type: 'identified'; addr: Address; uid: string | null; why: string }
  /** The operator's own program printed; its end, '' where it succeeded. */
  | { type: 'program-printed'; id: number; lines: readonly string[] }
  | { type: 'program-ended'; id: number; why: string }
  /** One node's answer to a line for consoles, by the run's identity. */
  | { type: 'line-ran'; id: number; addr: Address; run: CommandRun }
  | { type: 'line-failed'; id: number; addr: Address; error: RequestError }
  | { type: 'link-lost'; why: string }
  | { type: 'link-still-lost'; why: string }
  | { type: 'link-back'; welcome: Welcome; local: number };

export type Effect =
  | { do: 'attach'; addr: Address; take: boolean; watch: boolean }
  | { do: 'detach' }
  | { do: 'take' }
  /** Keys for the node: encoded for the cursor-key mode of its program, never containing 0x07. */
  | { do: 'keys'; addr: Address; name: string; bytes: Uint8Array }
  /**
   * The mouse over the node's pane, cells of the pane from 0; `rows` and `scroll` give the shown part of the
   * screen.
   */
  | { do: 'mouse'; addr: Address; pointer: Pointer; rows: number; scroll: number }
  | { do: 'focus'; addr: Address; focused: boolean }
  /** A paste for the node; `brackets`: bracketed where its program requested that. */
  | { do: 'paste'; addr: Address; bytes: Uint8Array; brackets: boolean }
  /** A large paste, piece by piece; `byLine`: waits after each line until the node is quiet. */
  | { do: 'long-paste'; addr: Address; bytes: Uint8Array; brackets: boolean; byLine: boolean }
  | { do: 'stop-paste' }
  | { do: 'give'; session: number }
  | { do: 'note'; text: string }
  /** Shows a rack, and one of its nodes; `attach`: its console. */
  | { do: 'rack'; index: number; node: { addr: Address; attach: boolean; power?: true } | null }
  /** Starts copy mode: holds the emulator; `search`: with a search. */
  | { do: 'look'; addr: Address; search: boolean }
  | { do: 'look-end'; addr: Address }
  | { do: 'find'; addr: Address; query: string; x: number; y: number; way: -1 | 1 }
  /** `from` and `to` null: everything that is kept. */
  | {
      do: 'take-out';
      addr: Address;
      name: string;
      from: { x: number; y: number } | null;
      to: { x: number; y: number } | null;
      where: 'clipboard' | 'file';
    }
  | { do: 'send-size'; addr: Address; cols: number; rows: number }
  | { do: 'sample'; addr: Address }
  | { do: 'reset-screen' }
  | { do: 'quiet-reads'; on: boolean }
  | { do: 'check'; dialog: number; request: PowerRequest }
  | { do: 'start'; dialog: number | null; request: PowerRequest }
  | { do: 'abort'; id: string }
  | { do: 'answer'; id: string; addr: Address; question: string; choice: string; confirm: string | null }
  | PlanEffect
  | FleetEffect
  | { do: 'acknowledge'; ids: number[] | null }
  /** Sends an event to another rack. */
  | { do: 'forward'; index: number; event: UiEvent }
  /** Performs an effect at another rack. */
  | { do: 'elsewhere'; index: number; effect: Effect }
  | { do: 'past-alarms' }
  | { do: 'retry-bus' }
  /** Requests the exchanges after `after`, as soon as there are some. */
  | { do: 'bus-log'; pane: number; after: number }
  /** `confirm`: the target's name as the operator typed it. */
  | { do: 'raw'; pane: number; target: Address | null; text: string; confirm: string | null }
  /** The emulator of a node: made for a screen from the server, fed, resized. */
  | { do: 'screen-load'; addr: Address; cols: number; rows: number; screen: string; times: readonly LineTime[] }
  | { do: 'screen-data'; addr: Address; at: number; data: string }
  | { do: 'screen-resize'; addr: Address; cols: number; rows: number }
  | { do: 'ups-history'; pane: number; request: UpsHistoryRequest }
  /** Switches the mains of a simulated rack. */
  | { do: 'mains'; on: boolean }
  /** Requests the details of one node. */
  | { do: 'detail'; request: DetailRequest }
  /** Requests the history of all nodes. */
  | { do: 'rack-history'; request: HistoryRequest }
  /** Requests the last screen of a node's console once the cursor rests; and shows the screen of the answer. */
  | { do: 'last-screen'; addr: Address }
  | { do: 'last-screen-load'; addr: Address; cols: number; rows: number; screen: string }
  /** Requests the last lines of consoles. */
  | { do: 'glances'; addrs: readonly Address[]; rows: number }
  /** Requests a node's UID from its BMC. */
  | { do: 'identify'; addr: Address }
  /** Stores the view for the next run. */
  | { do: 'remember'; view: View }
  /** Runs a program of the operator's own on this machine; or ends it. */
  | { do: 'run-program'; id: number; argv: readonly string[]; limit: number }
  | { do: 'end-program' }
  /** Runs a line in the shell on a node's console; or aborts the one that runs. */
  | { do: 'run-line'; id: number; addr: Address; line: string }
  | { do: 'stop-line' }
  /** Switches the terminal's mouse reports. */
  | { do: 'report-mouse'; on: boolean }
  | { do: 'ring' }
  | { do: 'reconnect' }
  | { do: 'quit' };

export type PlanEffect =
  | { do: 'plans'; panel: number }
  | { do: 'plan-show'; panel: number; name: string }
  | { do: 'plan-run'; panel: number; request: PlanRunRequest }
  | { do: 'plan-act'; act: 'pause' | 'resume' | 'abort'; id: string }
  | { do: 'plan-skip'; id: string; addr: Address };

export interface Step {
  state: State;
  effects: readonly Effect[];
}

export function step(state: State, ...effects: readonly Effect[]): Step {
  return { state, effects };
}

const NOTICE_MS = 6000;

export function withNotice(state: State, level: Notice['level'], text: string, ms = NOTICE_MS): State {
  return { ...state, notice: noticeAt(state, level, text, ms) };
}

/** Shows a notice in the title of the console pane. */
export function withPaneNotice(state: State, level: Notice['level'], text: string, ms = NOTICE_MS): State {
  return { ...state, pane: { ...state.pane, notice: noticeAt(state, level, text, ms) } };
}

/** A long text is shown until the last of its parts was shown, in the narrowest pane too. */
function noticeAt({ now }: State, level: Notice['level'], text: string, ms: number): Notice {
  const parts = Math.ceil(text.length / NARROW_PART);
  return { level, text, at: now, until: now + Math.max(ms, parts * PART_MS) };
}
