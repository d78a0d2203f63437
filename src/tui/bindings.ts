/**
 * Every key, once: what it does, what the footer and the `?` overlay say of it, and why it cannot be used now. Keys
 * become commands by this table and nowhere else.
 */
import { rowOf } from '../rack/address.ts';
import {
  busFine,
  first,
  noAlarms,
  noLink,
  noOperations,
  noResults,
  nothingShown,
  viewOnly,
} from './binding-reasons.ts';
import { ALARM_BINDINGS } from './bindings-alarms.ts';
import { BUS_BINDINGS } from './bindings-bus.ts';
import { LOOK_BINDINGS } from './bindings-look.ts';
import { PLAN_BINDINGS } from './bindings-plans.ts';
import type { State } from './state.ts';

export type Context =
  | 'map'
  | 'console'
  | 'left'
  | 'prefix'
  | 'help'
  | 'search'
  | 'menu'
  | 'operations'
  | 'alarms'
  | 'bus'
  | 'look'
  | 'look-search'
  | 'consoles'
  | 'people'
  | 'note'
  | 'emergency'
  | 'armed'
  | 'plan-run';

export type Command =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'accept'
  | 'cancel'
  | 'attach'
  | 'mark'
  | 'mark-blade'
  | 'mark-all'
  | 'power'
  | 'operations'
  | 'alarms'
  | 'bus'
  | 'acknowledge'
  | 'acknowledge-all'
  | 'emergency'
  | 'arm'
  | 'ask-again'
  | 'pause'
  | 'resume'
  | 'skip'
  | 'next-pane'
  | 'zoom'
  | 'search'
  | 'retry-bus'
  | 'dismiss'
  | 'abort'
  | 'help'
  | 'quit'
  | 'detach'
  | 'next-node'
  | 'previous-node'
  | 'last-node'
  | 'sample'
  | 'scroll-up'
  | 'scroll-down'
  | 'tty-size'
  | 'take'
  | 'look'
  | 'save-screen'
  | 'people'
  | 'note'
  | 'consoles'
  | 'copy'
  | 'save'
  | 'older'
  | 'newer'
  | 'first'
  | 'last'
  | 'line-start'
  | 'line-end'
  | 'paste-brackets'
  | 'send-prefix';

export interface Binding {
  context: Context;
  /** Names as the tokenizer gives them; the first is the one to show. */
  keys: readonly string[];
  command: Command;
  /** For the footer, a word or two; null: only in the help. */
  hint: string | null;
  help: string;
  /** Leads to something that changes the rack: closed to those who may only look. */
  dangerous?: true;
  /** Why it cannot be used now, for people; null: it can. */
  disabled?: (state: State) => string | null;
}

export const BINDINGS: readonly Binding[] = [
  { context: 'map', keys: ['up', 'k'], command: 'up', hint: null, help: 'move up' },
  { context: 'map', keys: ['down', 'j'], command: 'down', hint: null, help: 'move down' },
  { context: 'map', keys: ['left', 'h'], command: 'left', hint: null, help: 'move left' },
  { context: 'map', keys: ['right', 'l'], command: 'right', hint: null, help: 'move right' },
  {
    ...{ context: 'map', keys: ['enter'], command: 'attach', hint: 'console', dangerous: true, disabled: noLink },
    help: 'open the selected node’s console',
  },
  {
    ...{ context: 'map', keys: ['p'], command: 'power', hint: 'power', dangerous: true },
    help: 'power menu for the marked nodes, or the selected one',
    disabled: first(noLink, viewOnly),
  },
  {
    ...{ context: 'map', keys: ['!'], command: 'emergency', hint: 'emergency', disabled: noLink },
    help: 'emergency panel: switch off by a plan, watch it, pause it, abort it',
  },
  { context: 'map', keys: ['space'], command: 'mark', hint: 'mark', help: 'mark or unmark the selected node' },
  { context: 'map', keys: ['b'], command: 'mark-blade', hint: 'blade', help: 'mark or unmark its blade' },
  { context: 'map', keys: ['*'], command: 'mark-all', hint: null, help: 'mark all nodes, or none' },
  {
    ...{ context: 'map', keys: ['o'], command: 'operations', hint: 'operations', disabled: noOperations },
    help: 'running operations and their results',
  },
  {
    ...{ context: 'map', keys: ['a'], command: 'alarms', hint: 'alarms', disabled: noAlarms },
    help: 'alarms: look at them, acknowledge them',
  },
  {
    ...{ context: 'map', keys: ['x'], command: 'dismiss', hint: null, disabled: noResults },
    help: 'put results away',
  },
  {
    ...{ context: 'map', keys: ['tab'], command: 'next-pane', hint: null, disabled: nothingShown },
    help: 'to the console pane',
  },
  {
    ...{ context: 'map', keys: ['z'], command: 'zoom', hint: null, disabled: nothingShown },
    help: 'give the console the whole screen, or back',
  },
  {
    context: 'map',
    keys: ['c'],
    command: 'consoles',
    hint: null,
    help: 'list of consoles, with search',
    disabled: noLink,
  },
  {
    ...{ context: 'map', keys: ['B'], command: 'bus', hint: null, disabled: noLink },
    help: 'the exchanges on the bus as they pass, for experts',
  },
  { context: 'map', keys: ['/'], command: 'search', hint: 'find', help: 'jump to a node by a part of its name' },
  {
    ...{ context: 'map', keys: ['r'], command: 'retry-bus', hint: 'retry bus', dangerous: true },
    help: 'try the bus again now',
    disabled: first(busFine, viewOnly, noLink),
  },
  { context: 'map', keys: ['escape'], command: 'cancel', hint: null, help: 'unmark everything' },
  { context: 'map', keys: ['?'], command: 'help', hint: 'keys', help: 'this help' },
  { context: 'map', keys: ['q'], command: 'quit', hint: 'quit', help: 'leave; running operations go on in the server' },

  { context: 'prefix', keys: ['d'], command: 'detach', hint: 'detach', help: 'leave the console, back to the map' },
  { context: 'prefix', keys: ['n'], command: 'next-node', hint: 'next', help: 'console of the next node' },
  { context: 'prefix', keys: ['p'], command: 'previous-node', hint: 'previous', help: 'console of the previous node' },
  { context: 'prefix', keys: ['tab'], command: 'last-node', hint: 'last', help: 'back to the console before this one' },
  { context: 'prefix', keys: ['up'], command: 'up', hint: null, help: 'console of the node above' },
  { context: 'prefix', keys: ['down'], command: 'down', hint: null, help: 'console of the node below' },
  { context: 'prefix', keys: ['left'], command: 'left', hint: null, help: 'console of the node to the left' },
  { context: 'prefix', keys: ['right'], command: 'right', hint: null, help: 'console of the node to the right' },
  {
    context: 'prefix',
    keys: ['s'],
    command: 'sample',
    hint: null,
    help: 'sample the node’s telemetry now (a short gap)',
  },
  { context: 'prefix', keys: ['pageup'], command: 'scroll-up', hint: 'scroll', help: 'scroll back' },
  { context: 'prefix', keys: ['pagedown'], command: 'scroll-down', hint: null, help: 'scroll forward' },
  {
    ...{ context: 'prefix', keys: ['r'], command: 'tty-size', hint: null, dangerous: true, disabled: viewOnly },
    help: 'at a shell prompt: tell the node the pane’s size (types stty)',
  },
  { context: 'prefix', keys: ['/'], command: 'search', hint: 'search', help: 'search screen and scrollback' },
  { context: 'prefix', keys: ['v', '['], command: 'look', hint: 'copy', help: 'copy mode: move, select, copy, search' },
  { context: 'prefix', keys: ['S'], command: 'save-screen', hint: null, help: 'save screen and scrollback to a file' },
  {
    ...{ context: 'prefix', keys: ['l'], command: 'note', hint: null, dangerous: true, disabled: viewOnly },
    help: 'write a note into the log',
  },
  { context: 'prefix', keys: ['u'], command: 'people', hint: null, help: 'who is here; hand the keyboard over' },
  { context: 'prefix', keys: ['c'], command: 'consoles', hint: 'list', help: 'list of consoles, with search' },
  {
    context: 'prefix',
    keys: ['b'],
    command: 'paste-brackets',
    hint: null,
    help: 'paste without brackets here, or with them again (nano tears them at this pace)',
  },
  {
    ...{ context: 'prefix', keys: ['w'], command: 'take', hint: 'take keyboard', dangerous: true },
    help: 'take the keyboard from whoever types',
    disabled: first(viewOnly, (state) =>
      state.pane.attachment.kind === 'joined' && state.pane.attachment.role === 'types' ? 'you have it already' : null,
    ),
  },
  {
    ...{ context: 'prefix', keys: ['P'], command: 'power', hint: 'power', dangerous: true, disabled: viewOnly },
    help: 'power menu for this node',
  },
  {
    ...{ context: 'prefix', keys: ['o'], command: 'operations', hint: null, disabled: noOperations },
    help: 'running operations and their results',
  },
  { context: 'prefix', keys: ['z'], command: 'zoom', hint: null, help: 'give the console the whole screen, or back' },
  { context: 'prefix', keys: ['?'], command: 'help', hint: 'keys', help: 'this help' },
  { context: 'prefix', keys: ['C-]'], command: 'send-prefix', hint: null, help: 'send Ctrl-] itself to the node' },
  { context: 'prefix', keys: ['escape'], command: 'cancel', hint: null, help: 'nothing: back to typing' },

  { context: 'left', keys: ['enter'], command: 'attach', hint: 'attach again', dangerous: true, help: 'attach again' },
  {
    context: 'left',
    keys: ['tab', 'escape', 'q', 'd'],
    command: 'detach',
    hint: 'back to the map',
    help: 'to the map',
  },
  { context: 'left', keys: ['pageup', 'up', 'k'], command: 'scroll-up', hint: 'scroll', help: 'scroll back' },
  { context: 'left', keys: ['pagedown', 'down', 'j'], command: 'scroll-down', hint: null, help: 'scroll forward' },
  { context: 'left', keys: ['/'], command: 'search', hint: 'search', help: 'search screen and scrollback' },
  { context: 'left', keys: ['v', '['], command: 'look', hint: 'copy', help: 'copy mode: move, select, copy, search' },
  { context: 'left', keys: ['S'], command: 'save-screen', hint: null, help: 'save screen and scrollback to a file' },
  { context: 'left', keys: ['c'], command: 'consoles', hint: 'list', help: 'list of consoles, with search' },
  { context: 'left', keys: ['z'], command: 'zoom', hint: 'zoom', help: 'the whole screen, or back' },
  { context: 'left', keys: ['?'], command: 'help', hint: 'keys', help: 'this help' },

  { context: 'help', keys: ['escape', 'q', '?', 'enter'], command: 'cancel', hint: 'close', help: 'close' },
  { context: 'help', keys: ['down', 'j', 'pagedown', 'space'], command: 'down', hint: 'scroll', help: 'scroll' },
  { context: 'help', keys: ['up', 'k', 'pageup'], command: 'up', hint: null, help: 'scroll back' },

  { context: 'search', keys: ['enter'], command: 'accept', hint: 'go', help: 'go to the node' },
  { context: 'search', keys: ['escape'], command: 'cancel', hint: 'cancel', help: 'cancel' },

  { context: 'menu', keys: ['down', 'j'], command: 'down', hint: 'choose', help: 'next' },
  { context: 'menu', keys: ['up', 'k'], command: 'up', hint: null, help: 'previous' },
  { context: 'menu', keys: ['enter'], command: 'accept', hint: 'open', help: 'open its dialog' },
  { context: 'menu', keys: ['escape', 'q', 'p'], command: 'cancel', hint: 'close', help: 'close' },

  { context: 'operations', keys: ['down', 'j', 'tab'], command: 'down', hint: 'next', help: 'next operation' },
  { context: 'operations', keys: ['up', 'k', 'S-tab'], command: 'up', hint: null, help: 'previous operation' },
  {
    context: 'operations',
    keys: ['pagedown', 'space'],
    command: 'scroll-down',
    hint: 'scroll',
    help: 'scroll its nodes and their evidence',
  },
  { context: 'operations', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'scroll back' },
  {
    ...{ context: 'operations', keys: ['a'], command: 'abort', hint: 'abort', dangerous: true, disabled: viewOnly },
    help: 'abort the operation (asks)',
  },
  { context: 'operations', keys: ['x'], command: 'dismiss', hint: 'put results away', help: 'put results away' },
  { context: 'operations', keys: ['escape', 'q', 'o'], command: 'cancel', hint: 'close', help: 'close' },
  ...ALARM_BINDINGS,
  ...BUS_BINDINGS,
  ...LOOK_BINDINGS,
  ...PLAN_BINDINGS,
];

/** The binding of a key in a context. */
export function bindingOf(context: Context, key: string): Binding | null {
  return BINDINGS.find((binding) => binding.context === context && binding.keys.includes(key)) ?? null;
}

/** Why a binding cannot be used now, or null. */
export function disabledReason(binding: Binding, state: State): string | null {
  return binding.disabled?.(state) ?? null;
}

const KEY_LABELS: Record<string, string> = {
  up: 'Up',
  down: 'Down',
  left: 'Left',
  right: 'Right',
  enter: 'Enter',
  space: 'Space',
  tab: 'Tab',
  escape: 'Esc',
  pageup: 'PgUp',
  pagedown: 'PgDn',
};

/** A key as people call it: `C-]` → `Ctrl-]`. */
export function keyLabel(key: string): string {
  return KEY_LABELS[key] ?? (key.startsWith('C-') ? `Ctrl-${key.slice(2)}` : key);
}

/** The same blade, for `b`. */
export function bladeOf(state: State): number[] {
  return state.rack.nodes.filter((node) => rowOf(node.addr) === rowOf(state.cursor)).map((node) => node.addr);
}
