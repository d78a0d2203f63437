/** Keys for how the rack is shown: which panes, how large the cells. */
import { first, noCharts, noLink, viewOnly } from '../keymap/disabled-reasons.ts';
import type { Binding } from '../keymap/lookup.ts';

const layout = { keys: ['L'], command: 'layout', hint: 'layout', help: 'next layout: map, console, detail' } as const;

export const VIEW_BINDINGS: readonly Binding[] = [
  { context: 'map', ...layout },
  { context: 'prefix', ...layout },
  { context: 'left', ...layout },
  {
    context: 'map',
    keys: ['-'],
    command: 'smaller',
    hint: 'smaller cells',
    help: 'smaller cells: a line, then a sign a node',
  },
  { context: 'map', keys: ['+'], command: 'larger', hint: 'larger cells', help: 'larger cells' },
  { context: 'map', keys: ['='], command: 'fit', hint: null, help: 'cells as large as lets the whole rack be seen' },
  {
    ...{ context: 'map', keys: ['t'], command: 'span', hint: 'charts', disabled: noCharts },
    help: 'charts of minutes, the last hour, the last day',
  },
  {
    ...{ context: 'map', keys: ['i'], command: 'identify', hint: null, disabled: first(noLink, viewOnly) },
    help: 'ask the selected node’s BMC for its UID (sends #)',
  },
];
