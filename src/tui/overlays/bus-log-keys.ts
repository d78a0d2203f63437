/** Keys of the bus pane: the part of the table in bindings.ts that is about it. */
import { first, noLink, viewOnly } from '../keymap/disabled-reasons.ts';
import type { Binding } from '../keymap/lookup.ts';

export const BUS_BINDINGS: readonly Binding[] = [
  { context: 'bus', keys: ['up', 'k'], command: 'up', hint: 'back', help: 'back, and stay there' },
  { context: 'bus', keys: ['down', 'j'], command: 'down', hint: 'on', help: 'forward; at the end it follows' },
  { context: 'bus', keys: ['pageup'], command: 'scroll-up', hint: null, help: 'back by a page' },
  { context: 'bus', keys: ['pagedown', 'space'], command: 'scroll-down', hint: null, help: 'forward by a page' },
  {
    context: 'bus',
    keys: ['r'],
    command: 'by-hand',
    hint: 'by hand',
    help: 'bytes by hand for the BIOS of the node under the cursor',
    disabled: first(viewOnly, noLink),
  },
  {
    context: 'bus',
    keys: ['R'],
    command: 'by-hand-master',
    hint: null,
    help: 'bytes by hand for the master’s own BIOS',
    disabled: first(viewOnly, noLink),
  },
  { context: 'bus', keys: ['escape', 'q', 'B'], command: 'cancel', hint: 'close', help: 'close' },
];
