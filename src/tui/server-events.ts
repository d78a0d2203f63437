/** Handles the server's messages about the rack, and the loss and return of the connection. Pure. */
import type { Operation } from '../api/power.ts';
import { nextServerTime, serverNow } from '../client/client.ts';
import { leave } from './console/attach.ts';
import { keyOf } from './keymap/lookup.ts';
import { step, type Step, type UiEvent, withNotice } from './model/events.ts';
import { EVENTS, initialState, type State } from './model/state.ts';
import { withSamples } from './model/strips.ts';
import { overlayType } from './overlays/list.ts';
import { withoutStaleAnswer } from './overlays/operations.ts';
import { abortLineRun } from './overlays/run/line-run.ts';

type ServerEvent = Extract<
  UiEvent,
  { type: 'update' | 'rack' | 'operation' | 'event' | 'link-lost' | 'link-still-lost' | 'link-back' }
>;

export function serverEvent(state: State, event: ServerEvent): Step {
  switch (event.type) {
    case 'update':
      return rung(state, applySnapshot(state, event.note, event.local));
    case 'rack': {
      const known = event.note.rack.nodes.some((node) => node.addr === state.cursor);
      return step({
        ...state,
        rack: event.note.rack,
        cursor: known ? state.cursor : (state.bus.master ?? state.cursor),
      });
    }
    case 'operation':
      return step(operated(state, event.note));
    case 'event':
      return step({ ...state, events: [...state.events, event.note].slice(-EVENTS) });
    case 'link-lost': {
      const left = leave(state, 'the connection to the server was lost');
      const pane = { ...left.pane, attachment: { kind: 'none' } as const, chord: { kind: 'idle' } as const };
      const lost: State = { ...left, pane, link: { kind: 'lost', since: state.now, why: event.why } };
      const ended = abortLineRun(lost, 'the connection to the server was lost before its turn');
      return step(ended.state, ...ended.effects, { do: 'reconnect' });
    }
    case 'link-still-lost':
      return step(state.link.kind === 'lost' ? { ...state, link: { ...state.link, why: event.why } } : state);
    case 'link-back': {
      const { size, access, settings } = state;
      const dateAhead = state.dateAhead + state.serverTime.ahead;
      const fresh = initialState(event.welcome, size, event.local, dateAhead, access === 'view', settings);
      const { racks, column, marks, lastMark, filter, pane, focus, zoom, view, lineRun } = state;
      const detail = { ...state.detail, answer: null, asked: null };
      const known = fresh.rack.nodes.some(({ addr }) => addr === state.cursor);
      const cursor = known ? state.cursor : fresh.cursor;
      const kept = { racks, cursor, column, marks, lastMark, filter, pane, focus, zoom, view, detail, lineRun };
      const stays = state.overlay !== null && overlayType(state.overlay).survivesReconnect === true;
      const overlay = stays ? state.overlay : null;
      const back: State = { ...fresh, ...kept, dismissed: state.dismissed, overlay, nextId: state.nextId };
      // The state of runs has to come from the new server.
      return step(withNotice(back, 'info', 'reconnected to the server'), { do: 'plans', panel: 0 });
    }
  }
}

/** Time in which alarms that follow each other ring once, ms. */
const BURST_MS = 10_000;

/** Rings for new alarms, once for a burst of them. */
function rung(before: State, state: State): Step {
  const known = new Set(before.alarms.map(({ id }) => id));
  const fresh = state.alarms.some(({ id, acknowledged }) => acknowledged === null && !known.has(id));
  if (!fresh || !state.settings.bell || state.now - state.rangAt < BURST_MS) return step(state);
  return step({ ...state, rangAt: state.now }, { do: 'ring' });
}

function applySnapshot(state: State, note: Extract<ServerEvent, { type: 'update' }>['note'], local: number): State {
  let { nodes, strips } = state;
  if (note.nodes !== undefined) {
    const known = new Map(nodes);
    for (const node of note.nodes) known.set(node.addr, node);
    nodes = known;
    strips = withSamples(strips, note.nodes, note.now);
  }
  const serverTime = nextServerTime(state.serverTime, note.now, local);
  return {
    ...state,
    now: serverNow(serverTime, local),
    serverTime,
    dateAhead: Math.round(state.dateAhead + state.serverTime.ahead - serverTime.ahead),
    nodes,
    strips,
    bus: note.bus ?? state.bus,
    config: note.config ?? state.config,
    outage: note.outage ?? state.outage,
    console: note.console === undefined ? state.console : note.console,
    sessions: note.sessions ?? state.sessions,
    alarms: note.alarms ?? state.alarms,
  };
}

function operated(state: State, operation: Operation): State {
  const before = state.operations.find(({ id }) => id === operation.id);
  const operations = before
    ? state.operations.map((one) => (one.id === operation.id ? operation : one))
    : [...state.operations, operation];
  const next = withoutStaleAnswer({ ...state, operations });
  const asks = operation.nodes.find((node) => node.question !== null);
  const asked = before?.nodes.some((node) => node.question !== null) ?? false;
  if (asks !== undefined && !asked)
    return withNotice(
      next,
      'warning',
      `${asks.name}: ${asks.question?.text ?? ''} (${keyOf(state, 'map', 'operations')} answers)`,
    );
  return next;
}
