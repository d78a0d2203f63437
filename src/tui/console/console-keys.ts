/** Keys at a console, after its prefix, and at a console that was left. */
import { first, noOperations, viewOnly } from '../keymap/disabled-reasons.ts';
import type { Binding } from '../keymap/lookup.ts';
import { layoutKey, rackKeys } from '../keymap/shared-keys.ts';
import type { KeySection } from '../model/keys.ts';

export const CONSOLE_SECTIONS: readonly KeySection[] = [
  { context: 'console', title: 'Console: every key goes to the node, but the prefix', where: 'at a console' },
  {
    ...{ context: 'prefix', title: 'Console, behind the prefix', where: 'at a console, behind the prefix' },
    reserved: [[/^[0-7]$/, 'begins the address of a node']],
    also: [['two hex digits', 'console of that node']],
  },
  { context: 'left', title: 'A console that was left', where: 'at a console that was left' },
];

export const CONSOLE_BINDINGS: readonly Binding[] = [
  { context: 'console', keys: ['C-]'], command: 'prefix', hint: null, help: 'the next key is for rackui' },

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
  {
    ...{ context: 'prefix', keys: ['x'], command: 'reset-screen', hint: null, disabled: viewOnly },
    help: 'reset a screen that a dead program left in odd modes',
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
  {
    ...{ context: 'prefix', keys: ['M'], command: 'mouse', hint: null },
    help: 'mouse on or off: choose, open, scroll, press the keys named below, move the console’s edge',
  },
  { context: 'prefix', keys: [':'], command: 'palette', hint: null, help: 'every command and node, by letters' },
  { context: 'prefix', keys: ['?'], command: 'help', hint: 'keys', help: 'this help' },
  { context: 'prefix', keys: ['C-]'], command: 'send-prefix', hint: null, help: 'send the prefix itself to the node' },
  { context: 'prefix', keys: ['escape'], command: 'cancel', hint: null, help: 'nothing: back to typing' },
  layoutKey('prefix'),
  ...rackKeys('prefix'),

  { context: 'left', keys: ['enter'], command: 'attach', hint: 'open', dangerous: true, help: 'open this console' },
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
  { context: 'left', keys: [':'], command: 'palette', hint: null, help: 'every command and node, by letters' },
  { context: 'left', keys: ['?'], command: 'help', hint: 'keys', help: 'this help' },
  layoutKey('left'),
  ...rackKeys('left'),
];
