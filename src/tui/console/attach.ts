/** Decides which console the pane shows, and handles the server's messages about it. Pure. */
import { type ConsoleState, RPC_ERROR } from '../../api/methods.ts';
import { count } from '../../lib/words.ts';
import type { Address } from '../../rack/address.ts';
import { nodeAt } from '../../rack/inventory.ts';
import { type Effect, step, type Step, type UiEvent, withNotice, withPaneNotice } from '../model/events.ts';
import { type ConsolePane, type Kept, nameOf, type State } from '../model/state.ts';
import { before } from './last-screen.ts';

/** Requests a node's console. View-only sessions join one that is open. */
export function attachTo(state: State, addr: Address): Step {
  const { attachment } = state.pane;
  if (nodeAt(state.rack, addr) === undefined) return step(withNotice(state, 'info', 'an empty slot has no console'));
  if (attachment.kind !== 'none' && attachment.addr === addr) return step({ ...state, focus: 'console' });
  const from = attachment.kind === 'none' ? null : attachment.addr;
  const pane: ConsolePane = {
    ...leave(state, null).pane,
    attachment: { kind: 'joining', addr, from },
    look: null,
    shown: addr,
    previous: from ?? before(state.pane, addr),
    chord: { kind: 'idle' },
    notice: null,
  };
  return step({ ...state, cursor: addr, focus: 'console', pane }, ...stopPaste(state), ...endCopyMode(state), {
    do: 'attach',
    addr,
    take: false,
    watch: state.access === 'view',
  });
}

/** Detaches from the console; the screen stays. `why`: the reason where the operator did not leave; otherwise null. */
export function leave(state: State, why: string | null): State {
  const { attachment, kept } = state.pane;
  if (attachment.kind !== 'joined') return state;
  const before = kept.get(attachment.addr);
  return {
    ...state,
    pane: {
      ...state.pane,
      attachment: { kind: 'none' },
      kept: before ? new Map(kept).set(attachment.addr, { ...before, leftAt: state.now, why }) : kept,
    },
  };
}

export function detach(state: State): Step {
  const left = leave(state, null);
  const pane: ConsolePane = { ...left.pane, attachment: { kind: 'none' }, chord: { kind: 'idle' } };
  return step({ ...left, pane, focus: 'map', zoom: false }, ...stopPaste(state), { do: 'detach' });
}

/** Scrolls the pane. Only the emulator knows its limit: a `scroll-limit` event corrects a scroll beyond it. */
export function scrolledTo(state: State, addr: Address, scroll: number): State {
  const before = state.pane.kept.get(addr);
  if (before === undefined || before.scroll === scroll) return state;
  return { ...state, pane: { ...state.pane, kept: new Map(state.pane.kept).set(addr, { ...before, scroll }) } };
}

type ConsoleEvent = Extract<
  UiEvent,
  {
    type:
      | 'console.data'
      | 'console.note'
      | 'console.resync'
      | 'attached'
      | 'attach-failed'
      | 'took'
      | 'gave'
      | 'pasted'
      | 'paste-ended';
  }
>;

export function consoleEvent(state: State, event: ConsoleEvent): Step {
  switch (event.type) {
    case 'console.data':
      return step(state, { do: 'screen-data', addr: event.addr, at: event.at, data: event.data });
    case 'attached': {
      const { addr, cols, rows, role, screen, times, console } = event.joined;
      const kept: Kept = { cols, rows, leftAt: null, why: null, scroll: 0 };
      // An attach that was given up meanwhile is undone.
      if (state.pane.attachment.kind !== 'joining' || state.pane.attachment.addr !== addr)
        return state.pane.attachment.kind === 'none' ? step(state, { do: 'detach' }) : step(state);
      const pane: ConsolePane = {
        ...state.pane,
        attachment: { kind: 'joined', addr, role },
        look: null,
        kept: new Map(state.pane.kept).set(addr, kept),
        shown: addr,
      };
      return step({ ...state, console, pane }, { do: 'screen-load', addr, cols, rows, screen, times });
    }
    case 'attach-failed': {
      if (state.pane.attachment.kind !== 'joining' || state.pane.attachment.addr !== event.addr) return step(state);
      const pane: ConsolePane = { ...state.pane, attachment: { kind: 'none' } };
      const failed: State = { ...state, pane, focus: 'map', zoom: false };
      const held = event.error.code === RPC_ERROR.held ? (event.error.data as ConsoleState | null) : null;
      if (held !== null && state.access === 'control')
        return step({
          ...failed,
          overlay: { kind: 'takeover', id: state.nextId, addr: event.addr, console: held, shown: { kind: 'pending' } },
          nextId: state.nextId + 1,
        });
      return step(withNotice(failed, 'error', `console of ${nameOf(state, event.addr)}: ${event.error.message}`));
    }
    case 'took': {
      const { attachment } = state.pane;
      if (attachment.kind !== 'joined') return step({ ...state, console: event.console });
      const pane: ConsolePane = { ...state.pane, attachment: { ...attachment, role: 'types' } };
      return step(withPaneNotice({ ...state, console: event.console, pane }, 'info', 'you have the keyboard'));
    }
    case 'gave': {
      const { attachment } = state.pane;
      if (attachment.kind !== 'joined') return step({ ...state, console: event.console });
      const pane: ConsolePane = { ...state.pane, attachment: { ...attachment, role: 'watches' } };
      const now = `${event.console.holderName ?? 'nobody'} has the keyboard now`;
      return step(withPaneNotice({ ...state, console: event.console, pane }, 'info', now));
    }
    case 'pasted':
    case 'paste-ended':
      return step(pasted(state, event));
    case 'console.note':
      return onNote(state, event.note);
    case 'console.resync':
      return onResync(state, event.note);
  }
}

function pasted(state: State, event: Extract<ConsoleEvent, { type: 'pasted' | 'paste-ended' }>): State {
  const { pasting } = state.pane;
  if (pasting === null) return state;
  if (event.type === 'pasted')
    return { ...state, pane: { ...state.pane, pasting: { ...pasting, sent: event.sent, total: event.total } } };
  const over: State = { ...state, pane: { ...state.pane, pasting: null } };
  const { sent, total, why } = event;
  if (why === null) return withPaneNotice(over, 'info', `pasted ${count(total, 'byte')}`);
  const text = `paste stopped after ${sent} of ${count(total, 'byte')}: ${why}`;
  return state.focus === 'console' ? withPaneNotice(over, 'warning', text, 20_000) : withNotice(over, 'warning', text);
}

/** Replaces the emulator by a new screen: copy mode ends, and a notice names the gap. */
function onResync(state: State, note: Extract<ConsoleEvent, { type: 'console.resync' }>['note']): Step {
  const { addr, cols, rows, screen, times, skipped } = note;
  const before = state.pane.kept.get(addr);
  if (before === undefined) return step(state);
  const kept = new Map(state.pane.kept).set(addr, { ...before, cols, rows, scroll: 0 });
  const next: State = { ...state, pane: { ...state.pane, kept, look: null } };
  const text = `${skippedText(skipped)}: this program did not keep up; the log is complete, and this is the present screen`;
  return step(withPaneNotice(next, 'warning', text, 20_000), { do: 'screen-load', addr, cols, rows, screen, times });
}

/** `gap: 1.2 MB that the node printed are not shown`. */
function skippedText(bytes: number): string {
  const amount = bytes < 1_000_000 ? `${Math.round(bytes / 1000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `gap: ${amount} that the node printed are not shown`;
}

function endCopyMode({ pane: { look } }: State): Effect[] {
  return look === null ? [] : [{ do: 'look-end', addr: look.addr }];
}

/** Stops the paste of a console that is left. */
function stopPaste(state: State): Effect[] {
  return state.pane.pasting === null ? [] : [{ do: 'stop-paste' }];
}

function onNote(state: State, note: Extract<ConsoleEvent, { type: 'console.note' }>['note']): Step {
  const { attachment } = state.pane;
  if (attachment.kind !== 'joined' || attachment.addr !== note.addr) return step(state);
  switch (note.kind) {
    case 'taken': {
      const pane: ConsolePane = { ...state.pane, attachment: { ...attachment, role: 'watches' } };
      return step(withPaneNotice({ ...state, pane }, 'warning', note.text, 20_000));
    }
    case 'closed': {
      const left = leave(state, note.text);
      return step(
        withNotice({ ...left, zoom: false }, 'warning', `console of ${nameOf(state, note.addr)} closed: ${note.text}`),
      );
    }
    case 'resized': {
      const before = state.pane.kept.get(note.addr);
      const { cols, rows } = note;
      if (!before || cols === undefined || rows === undefined) return step(state);
      const kept = new Map(state.pane.kept).set(note.addr, { ...before, cols, rows });
      // Lines are wrapped again: former positions in them are invalid.
      return step(
        { ...state, pane: { ...state.pane, kept, look: null } },
        { do: 'screen-resize', addr: note.addr, cols, rows },
      );
    }
    case 'given': {
      const pane: ConsolePane = { ...state.pane, attachment: { ...attachment, role: 'types' } };
      return step(withPaneNotice({ ...state, pane }, 'info', note.text, 20_000));
    }
    case 'gap':
    case 'note':
      return step(withPaneNotice(state, 'info', note.text));
    case 'flood':
    case 'baud':
    case 'blocked':
      return step(withPaneNotice(state, 'warning', note.text));
  }
}
