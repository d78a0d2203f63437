/**
 * Keys of the help, the filter's line, the power menu and the operations: the part of the table in bindings.ts about them.
 */
import { viewOnly } from '../keymap/disabled-reasons.ts';
import type { Binding } from '../keymap/lookup.ts';

export const PANEL_BINDINGS: readonly Binding[] = [
  { context: 'help', keys: ['escape', 'q', '?', 'enter'], command: 'cancel', hint: 'close', help: 'close' },
  { context: 'help', keys: ['down', 'j', 'pagedown', 'space'], command: 'down', hint: 'scroll', help: 'scroll' },
  { context: 'help', keys: ['up', 'k', 'pageup'], command: 'up', hint: null, help: 'scroll back' },

  { context: 'filter', keys: ['enter'], command: 'accept', hint: 'keep', help: 'keep the filter' },
  { context: 'filter', keys: ['escape'], command: 'cancel', hint: 'cancel', help: 'as it was before' },

  { context: 'palette', keys: ['enter'], command: 'accept', hint: 'do it', help: 'do it, as its key would' },
  { context: 'palette', keys: ['down', 'tab'], command: 'down', hint: 'choose', help: 'next' },
  { context: 'palette', keys: ['up', 'S-tab'], command: 'up', hint: null, help: 'previous' },
  { context: 'palette', keys: ['escape'], command: 'cancel', hint: 'close', help: 'close' },

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
];
