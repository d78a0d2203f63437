/** Keys on the map. */
import {
  busFine,
  first,
  noCharts,
  noFilter,
  noLink,
  noMark,
  noOperations,
  noPolicy,
  noResults,
  notDemo,
  nothingShown,
  viewOnly,
} from '../keymap/disabled-reasons.ts';
import type { Binding } from '../keymap/lookup.ts';
import { layoutKey, rackKeys } from '../keymap/shared-keys.ts';
import type { KeySection } from '../model/keys.ts';

export const MAP_SECTIONS: readonly KeySection[] = [
  {
    ...{ context: 'map', title: 'Map', where: 'on the map' },
    reserved: [[/^[0-7]$/, 'begins the address of a node']],
    also: [['0–7, then 0–f', 'jump to the node of that hex address']],
  },
];

export const MAP_BINDINGS: readonly Binding[] = [
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
  { context: 'map', keys: ['b'], command: 'mark-blade', hint: null, help: 'mark or unmark its blade' },
  { context: 'map', keys: ['*'], command: 'mark-all', hint: null, help: 'mark all that the filter shows, or none' },
  {
    ...{ context: 'map', keys: ['v'], command: 'mark-range', hint: null, disabled: noMark },
    help: 'mark from the last mark to here, in the order of addresses',
  },
  {
    ...{ context: 'map', keys: ['o'], command: 'operations', hint: 'operations', disabled: noOperations },
    help: 'running operations and their results',
  },
  {
    ...{ context: 'map', keys: ['a'], command: 'alarms', hint: 'alarms' },
    help: 'alarms: look at them, acknowledge them, and those of before',
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
  { context: 'map', keys: ['/'], command: 'filter', hint: 'filter', help: 'filter: show only nodes that match words' },
  { context: 'map', keys: [':'], command: 'palette', hint: 'commands', help: 'every command and node, by letters' },
  {
    ...{ context: 'map', keys: ['n'], command: 'next-match', hint: null, disabled: noFilter },
    help: 'to the next node that the filter shows',
  },
  {
    ...{ context: 'map', keys: ['N'], command: 'previous-match', hint: null, disabled: noFilter },
    help: 'to the one before',
  },
  {
    ...{ context: 'map', keys: ['r'], command: 'retry-bus', hint: 'retry bus', dangerous: true },
    help: 'try the bus again now',
    disabled: first(busFine, viewOnly, noLink),
  },
  {
    context: 'map',
    keys: ['escape'],
    command: 'cancel',
    hint: null,
    help: 'take the filter away; then unmark everything',
  },
  {
    ...{ context: 'map', keys: ['M'], command: 'mouse', hint: null },
    help: 'mouse on or off: choose, open, scroll, press the keys named below, move the console’s edge',
  },
  { context: 'map', keys: ['?'], command: 'help', hint: 'keys', help: 'this help' },
  { context: 'map', keys: ['q'], command: 'quit', hint: 'quit', help: 'leave; running operations go on in the server' },
  {
    ...{ context: 'map', keys: ['u'], command: 'supply', hint: null, disabled: noPolicy },
    help: 'supply: UPSes with their history, what an outage would do now, and what the last one did',
  },
  {
    ...{ context: 'map', keys: ['f7'], command: 'mains-fail', hint: null, demo: true, disabled: notDemo },
    help: 'mains fail (demo): the simulated rack lives on its battery',
  },
  {
    ...{ context: 'map', keys: ['f8'], command: 'mains-return', hint: null, demo: true, disabled: notDemo },
    help: 'mains return (demo): the battery charges, nodes come back',
  },
  layoutKey('map'),
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
  ...rackKeys('map'),
];
