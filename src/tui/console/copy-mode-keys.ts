/** Keys of copy mode. */
import type { Binding } from '../keymap/lookup.ts';
import type { KeySection } from '../model/keys.ts';

export const LOOK_SECTIONS: readonly KeySection[] = [
  { context: 'look', title: 'Copy mode: the pane stands still', where: 'in copy mode' },
  {
    ...{ context: 'look-search', title: 'Copy mode, while a search is typed', where: 'in a search of copy mode' },
    typed: true,
  },
];

export const LOOK_BINDINGS: readonly Binding[] = [
  { context: 'look', keys: ['up', 'k'], command: 'up', hint: null, help: 'move up' },
  { context: 'look', keys: ['down', 'j'], command: 'down', hint: null, help: 'move down' },
  { context: 'look', keys: ['left', 'h'], command: 'left', hint: null, help: 'move left' },
  { context: 'look', keys: ['right', 'l'], command: 'right', hint: null, help: 'move right' },
  {
    context: 'look',
    keys: ['v', 'space'],
    command: 'mark',
    hint: 'select from here',
    help: 'select from here, or not',
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
    help: 'write the selection, or everything kept, to a file',
  },
  { context: 'look', keys: ['/'], command: 'search', hint: 'search', help: 'search backwards' },
  { context: 'look', keys: ['n'], command: 'older', hint: 'older', help: 'the next older place' },
  { context: 'look', keys: ['N'], command: 'newer', hint: null, help: 'the next newer place' },
  { context: 'look', keys: ['pageup', 'C-b'], command: 'scroll-up', hint: null, help: 'a page up' },
  { context: 'look', keys: ['pagedown', 'C-f'], command: 'scroll-down', hint: null, help: 'a page down' },
  { context: 'look', keys: ['g'], command: 'first', hint: null, help: 'to the oldest line' },
  { context: 'look', keys: ['G'], command: 'last', hint: null, help: 'to the newest line' },
  { context: 'look', keys: ['0', 'home'], command: 'line-start', hint: null, help: 'to the beginning of the line' },
  { context: 'look', keys: ['$', 'end'], command: 'line-end', hint: null, help: 'to the end of the line' },
  { context: 'look', keys: [':'], command: 'palette', hint: null, help: 'every command, by letters' },
  { context: 'look', keys: ['q', 'escape'], command: 'cancel', hint: 'back to typing', help: 'back to typing' },

  { context: 'look-search', keys: ['enter'], command: 'accept', hint: 'find', help: 'find it, backwards from here' },
  { context: 'look-search', keys: ['escape'], command: 'cancel', hint: 'cancel', help: 'cancel' },
];
