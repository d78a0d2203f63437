/** Keys of the table; those of the map work there too. */
import type { Binding } from '../keymap/lookup.ts';
import type { KeySection } from '../model/keys.ts';

export const TABLE_SECTIONS: readonly KeySection[] = [
  {
    context: 'table',
    base: 'map',
    title: 'Table: the keys of the map, and these',
    where: 'in the table',
    reserved: [[/^[0-7]$/, 'begins the address of a node']],
  },
];

export const TABLE_BINDINGS: readonly Binding[] = [
  { context: 'table', keys: ['up', 'k'], command: 'up', hint: null, help: 'row above' },
  { context: 'table', keys: ['down', 'j'], command: 'down', hint: null, help: 'row below' },
  { context: 'table', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'a page up' },
  { context: 'table', keys: ['pagedown'], command: 'scroll-down', hint: null, help: 'a page down' },
  { context: 'table', keys: ['home'], command: 'first', hint: null, help: 'first row' },
  { context: 'table', keys: ['end'], command: 'last', hint: null, help: 'last row' },
  { context: 'table', keys: ['left', 'h'], command: 'left', hint: null, help: 'column to the left' },
  { context: 'table', keys: ['right', 'l'], command: 'right', hint: null, help: 'column to the right' },
  {
    context: 'table',
    keys: ['s'],
    command: 'sort',
    hint: 'sort',
    help: 'sort by the selected column; again: the other way; again: what is wrong first',
  },
  { context: 'table', keys: ['T'], command: 'show-map', hint: 'map', help: 'back to the map' },
  { context: 'table', keys: ['C'], command: 'columns', hint: 'columns', help: 'choose the columns' },
];
