/** Requests the last lines of the consoles that are visible, in the table or at a glance, and again as they age. Pure. */
import type { Address } from '../../rack/address.ts';
import { GIVEN_UP_MS } from '../detail/detail.ts';
import { step, type Step, type UiEvent } from '../model/events.ts';
import type { State } from '../model/state.ts';
import { tableGlances } from '../table/placement.ts';
import { tilesOf } from './tiles.ts';

type GlanceEvent = Extract<UiEvent, { type: 'glances' | 'glances-failed' }>;

/** Longest age of the shown lines, ms: of the open console, of one that was open when they were read, of others. */
const REFRESH_MS = { open: 1000, others: 15_000 };
/** Most nodes of one request: the server answers it in some ten milliseconds. */
const AT_ONCE = 32;

/** Nodes and lines that the screen shows; no nodes: none. */
interface Wanted {
  addrs: readonly Address[];
  rows: number;
}

function wantedGlances(state: State): Wanted {
  if (state.link.kind === 'lost' || !state.racks.shown || state.access === 'view') return { addrs: [], rows: 1 };
  const { addrs, rows } = state.view.main === 'glance' ? glanceTiles(state) : tableGlances(state);
  return { addrs: addrs.filter((addr) => addr !== state.bus.master), rows: Math.max(1, rows) };
}

function glanceTiles(state: State): Wanted {
  const tiles = tilesOf(state);
  return tiles === null
    ? { addrs: [], rows: 1 }
    : { addrs: tiles.nodes.slice(tiles.from, tiles.from + tiles.count), rows: tiles.height - 1 };
}

/** Requests the lines that are missing or old, one request at a time. */
export function withGlances({ state, effects }: Step): Step {
  const { asked } = state.glances;
  if (asked !== null && state.now - asked.at < GIVEN_UP_MS) return { state, effects };
  const { addrs, rows } = wantedGlances(state);
  const missing = addrs.filter((addr) => isOld(state, addr, rows)).slice(0, AT_ONCE);
  if (missing.length === 0) return { state, effects };
  const next: State = { ...state, glances: { ...state.glances, asked: { at: state.now }, failed: null } };
  return { state: next, effects: [...effects, { do: 'glances', addrs: missing, rows }] };
}

function isOld({ glances, console, pane, now }: State, addr: Address, rows: number): boolean {
  const known = glances.nodes.get(addr);
  if (known === undefined || known.rows < rows) return true;
  const isOpen = console?.addr === addr;
  if (known.seen?.from === 'open' && !isOpen) return true;
  // It was open here meanwhile.
  if ((pane.kept.get(addr)?.leftAt ?? 0) > known.readAt) return true;
  return now - known.readAt >= (isOpen ? REFRESH_MS.open : REFRESH_MS.others);
}

export function glanceEvent(state: State, event: GlanceEvent): Step {
  const { glances } = state;
  // Retried after the time in which an answer would have come.
  if (event.type === 'glances-failed') return step({ ...state, glances: { ...glances, failed: event.error.message } });
  const nodes = new Map(glances.nodes);
  for (const { addr, seen } of event.answer.nodes)
    nodes.set(addr, { seen, readAt: event.answer.now, rows: event.rows });
  return step({ ...state, glances: { nodes, asked: null, failed: null } });
}
