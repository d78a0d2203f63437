/** Keys of the consoles at a glance; those of the map work there too. */
import type { Binding } from '../keymap/lookup.ts';
import type { KeySection } from '../model/keys.ts';

export const GLANCE_SECTIONS: readonly KeySection[] = [
  {
    context: 'glance',
    base: 'map',
    title: 'Consoles at a glance: the keys of the map, and these',
    where: 'at the consoles at a glance',
    reserved: [[/^[0-7]$/, 'begins the address of a node']],
  },
];

export const GLANCE_BINDINGS: readonly Binding[] = [
  { context: 'glance', keys: ['up', 'k'], command: 'up', hint: null, help: 'console above' },
  { context: 'glance', keys: ['down', 'j'], command: 'down', hint: null, help: 'console below' },
  { context: 'glance', keys: ['left', 'h'], command: 'left', hint: null, help: 'console to the left' },
  { context: 'glance', keys: ['right', 'l'], command: 'right', hint: null, help: 'console to the right' },
  { context: 'glance', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'a page up' },
  { context: 'glance', keys: ['pagedown'], command: 'scroll-down', hint: null, help: 'a page down' },
  { context: 'glance', keys: ['home'], command: 'first', hint: null, help: 'first console' },
  { context: 'glance', keys: ['end'], command: 'last', hint: null, help: 'last console' },
  { context: 'glance', keys: ['g'], command: 'show-map', hint: 'map', help: 'back to the map' },
];
