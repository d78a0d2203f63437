/**
 * Copy mode: the pane is frozen, a cursor moves over screen and scrollback, and the selected text is copied or
 * saved. Pure.
 */
import type { Address } from '../../rack/address.ts';
import { onCommandAnywhere } from '../global-commands.ts';
import { type Binding, bindingOf } from '../keymap/lookup.ts';
import { timesKey } from '../keymap/shared-keys.ts';
import { pageOf, paneRoom } from '../layout/layout.ts';
import { step, type Step, type UiEvent, withPaneNotice } from '../model/events.ts';
import type { Command, KeySection } from '../model/keys.ts';
import { type CopyMode, nameOf, type State } from '../model/state.ts';
import { withNextTimes } from './line-margin.ts';

export const COPY_SECTIONS: readonly KeySection[] = [
  { context: 'look', title: 'Copy mode: the pane is frozen', where: 'in copy mode' },
  {
    context: 'look-search',
    title: 'Copy mode: search',
    where: 'in the search of copy mode',
    typed: true,
  },
];

export const COPY_BINDINGS: readonly Binding[] = [
  { context: 'look', keys: ['up', 'k'], command: 'up', hint: null, help: 'move up' },
  { context: 'look', keys: ['down', 'j'], command: 'down', hint: null, help: 'move down' },
  { context: 'look', keys: ['left', 'h'], command: 'left', hint: null, help: 'move left' },
  { context: 'look', keys: ['right', 'l'], command: 'right', hint: null, help: 'move right' },
  {
    context: 'look',
    keys: ['v', 'space'],
    command: 'mark',
    hint: 'select',
    help: 'begin or clear a selection',
  },
  {
    context: 'look',
    keys: ['y', 'enter'],
    command: 'copy',
    hint: 'copy',
    help: 'copy to your terminal’s clipboard (OSC 52)',
  },
  {
    context: 'look',
    keys: ['w'],
    command: 'save',
    hint: 'to a file',
    help: 'write the selection, or screen and scrollback, to a file',
  },
  { context: 'look', keys: ['/'], command: 'search', hint: 'search', help: 'search backwards' },
  { context: 'look', keys: ['n'], command: 'older', hint: 'older', help: 'next older match' },
  { context: 'look', keys: ['N'], command: 'newer', hint: null, help: 'next newer match' },
  { context: 'look', keys: ['pageup', 'C-b'], command: 'scroll-up', hint: null, help: 'a page up' },
  { context: 'look', keys: ['pagedown', 'C-f'], command: 'scroll-down', hint: null, help: 'a page down' },
  { context: 'look', keys: ['g'], command: 'first', hint: null, help: 'to the oldest line' },
  { context: 'look', keys: ['G'], command: 'last', hint: null, help: 'to the newest line' },
  { context: 'look', keys: ['0', 'home'], command: 'line-start', hint: null, help: 'to the beginning of the line' },
  { context: 'look', keys: ['$', 'end'], command: 'line-end', hint: null, help: 'to the end of the line' },
  timesKey('look'),
  { context: 'look', keys: [':'], command: 'palette', hint: null, help: 'search commands' },
  { context: 'look', keys: ['q', 'escape'], command: 'cancel', hint: 'leave copy mode', help: 'leave copy mode' },

  { context: 'look-search', keys: ['enter'], command: 'accept', hint: 'find', help: 'search backwards from here' },
  { context: 'look-search', keys: ['escape'], command: 'cancel', hint: 'cancel', help: 'cancel' },
];

type CopyEvent = Extract<UiEvent, { type: 'looking' | 'found' | 'look-over' | 'taken-out' }>;

/** Requests the pane to freeze; the answer starts copy mode. */
export function startCopyMode(state: State, addr: Address, search: boolean): Step {
  return step(state, { do: 'look', addr, search });
}

export function copyEvent(state: State, event: CopyEvent): Step {
  switch (event.type) {
    case 'looking': {
      const { addr, length, cols, x, y, search } = event;
      const copyMode: CopyMode = {
        addr,
        length,
        cols,
        x,
        y,
        top: 0,
        anchor: null,
        match: null,
        query: search ? '' : null,
        last: '',
      };
      return step(withCopyMode({ ...state, focus: 'console' }, inSight(state, copyMode)));
    }
    case 'found': {
      const { look } = state.pane;
      if (look === null) return step(state);
      if (event.at === null)
        return step(withPaneNotice(state, 'info', `no match for "${look.last}" in that direction`));
      return step(withCopyMode(state, inSight(state, { ...look, x: event.at.x, y: event.at.y, match: event.at })));
    }
    case 'look-over':
      return state.pane.look === null
        ? step(state)
        : step(withPaneNotice(withCopyMode(state, null), 'warning', event.why));
    case 'taken-out':
      return step(withPaneNotice(withCopyMode(state, null), event.ok ? 'info' : 'error', event.text, 15_000));
  }
}

export function keyInCopyMode(state: State, copyMode: CopyMode, name: string): Step {
  if (bindingOf(state, 'console', name) !== null) {
    const over = withCopyMode(state, null);
    return step(
      { ...over, pane: { ...over.pane, chord: { kind: 'prefix' } } },
      { do: 'look-end', addr: copyMode.addr },
    );
  }
  if (copyMode.query !== null) return typedQuery(state, copyMode, copyMode.query, name);
  const command = bindingOf(state, 'look', name)?.command;
  return command === undefined ? step(state) : onCommand(state, copyMode, command);
}

function typedQuery(state: State, copyMode: CopyMode, query: string, name: string): Step {
  switch (bindingOf(state, 'look-search', name)?.command) {
    case 'cancel':
      return step(withCopyMode(state, { ...copyMode, query: null }));
    case 'accept': {
      const last = query === '' ? copyMode.last : query;
      const found = withCopyMode(state, { ...copyMode, query: null, last });
      return last === '' ? step(found) : step(found, find(copyMode, last, -1));
    }
    default: {
      const next = name === 'backspace' ? query.slice(0, -1) : name === 'space' ? `${query} ` : query + name;
      const typed = name === 'backspace' || name === 'space' || Array.from(name).length === 1;
      return typed ? step(withCopyMode(state, { ...copyMode, query: next })) : step(state);
    }
  }
}

const find = ({ addr, x, y }: CopyMode, query: string, way: -1 | 1) =>
  ({ do: 'find', addr, query, x, y, way }) as const;

function onCommand(state: State, copyMode: CopyMode, command: Command): Step {
  const to = (x: number, y: number): Step => step(withCopyMode(state, inSight(state, { ...copyMode, x, y })));
  const page = pageOf(state);
  switch (command) {
    case 'up':
      return to(copyMode.x, copyMode.y - 1);
    case 'down':
      return to(copyMode.x, copyMode.y + 1);
    case 'left':
      return to(copyMode.x - 1, copyMode.y);
    case 'right':
      return to(copyMode.x + 1, copyMode.y);
    case 'scroll-up':
      return to(copyMode.x, copyMode.y - page);
    case 'scroll-down':
      return to(copyMode.x, copyMode.y + page);
    case 'first':
      return to(0, 0);
    case 'last':
      return to(0, copyMode.length - 1);
    case 'line-start':
      return to(0, copyMode.y);
    case 'line-end':
      return to(copyMode.cols - 1, copyMode.y);
    case 'mark':
      return step(
        withCopyMode(state, {
          ...copyMode,
          anchor: copyMode.anchor === null ? { x: copyMode.x, y: copyMode.y } : null,
        }),
      );
    case 'search':
      return step(withCopyMode(state, { ...copyMode, query: '' }));
    case 'older':
    case 'newer':
      if (copyMode.last === '') return step(withCopyMode(state, { ...copyMode, query: '' }));
      return step(state, find(copyMode, copyMode.last, command === 'older' ? -1 : 1));
    case 'copy':
    case 'save': {
      const whole =
        command === 'save' ? { from: { x: 0, y: 0 }, to: { x: copyMode.cols - 1, y: copyMode.length - 1 } } : null;
      const range = selection(copyMode) ?? whole;
      if (range === null) return step(withPaneNotice(state, 'info', 'nothing is selected: v begins a selection'));
      const name = nameOf(state, copyMode.addr);
      return step(state, {
        do: 'take-out',
        addr: copyMode.addr,
        name,
        ...range,
        where: command === 'copy' ? 'clipboard' : 'file',
      });
    }
    case 'times':
      return step(withNextTimes(state));
    case 'cancel':
      return step(withCopyMode(state, null), { do: 'look-end', addr: copyMode.addr });
    default:
      return onCommandAnywhere(state, command, 'look') ?? step(state);
  }
}

/** Returns the first and the last selected cell, both included, or the match of the search; null: nothing. */
export function selection(copyMode: CopyMode): { from: Place; to: Place } | null {
  if (copyMode.anchor === null)
    return copyMode.match === null
      ? null
      : { from: copyMode.match, to: { x: copyMode.match.x + copyMode.match.width - 1, y: copyMode.match.y } };
  const a = copyMode.anchor;
  const b = { x: copyMode.x, y: copyMode.y };
  return a.y < b.y || (a.y === b.y && a.x <= b.x) ? { from: a, to: b } : { from: b, to: a };
}

type Place = { x: number; y: number };

/** Keeps the cursor within the kept lines, and the shown part around the cursor. */
function inSight(state: State, copyMode: CopyMode): CopyMode {
  const { rows } = paneRoom(state);
  const x = Math.max(0, Math.min(copyMode.cols - 1, copyMode.x));
  const y = Math.max(0, Math.min(copyMode.length - 1, copyMode.y));
  const least = Math.max(0, y - rows + 1);
  const before = state.pane.look === null ? Math.max(0, copyMode.length - rows) : state.pane.look.top;
  const match = copyMode.match !== null && copyMode.match.y === y && copyMode.match.x === x ? copyMode.match : null;
  return { ...copyMode, x, y, match, top: Math.max(least, Math.min(y, before)) };
}

function withCopyMode(state: State, copyMode: CopyMode | null): State {
  return { ...state, pane: { ...state.pane, look: copyMode } };
}
